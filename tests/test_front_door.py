"""The front door is lazy: importing Regard costs nothing that the caller did not ask for."""

import statistics
import subprocess
import sys
import time

import pytest

import regard

HEAVY = ("torch", "pandas", "pyarrow", "matplotlib", "plotly", "polars", "scipy", "typer")


def seconds_to_run(program: str) -> float:
    """Median wall time of five fresh interpreters that run one program."""

    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
        return time.perf_counter() - start

    return statistics.median(once() for _ in range(5))


def test_import_takes_less_than_a_fifth_of_a_second() -> None:
    bare = seconds_to_run("pass")
    with_regard = seconds_to_run("import regard")
    assert with_regard - bare < 0.2, f"import regard takes {with_regard - bare:.2f} s"


def test_import_loads_nothing_heavy() -> None:
    program = f"import regard, sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    seen = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert seen.stdout.split() == []


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    for name in getattr(regard, "__all__", ()):
        found = getattr(regard, name)
        assert name in dir(regard)
        assert name.startswith("__") or found.__doc__, f"regard.{name} has no docstring"


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="recomender"):
        regard.recomender  # noqa: B018 - the access itself is what is tested
