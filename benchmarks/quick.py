"""Whether the hot paths are as fast as they were at the last tag.

    python benchmarks/quick.py [--against REF] [--fail-above 1.25] [--only WORD ...]

The source of the tag is unpacked into a temporary folder; two processes, one for each version, take
each path in turn (old new, new old, ...), on generated data. A machine that is slow for a while is
so for both sides of a pair, so the ratio of a pair tells more than its seconds. What looks slower
is measured again by fresh processes, and called so only where most pairs agree. One thread, unless
OMP_NUM_THREADS says otherwise: on a busy machine several wait for each other.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).resolve().parent / "quick_paths.py"
SLOWER = 1.10
"""Ratio from which on a path is marked."""
PAIRS = 4
"""Pairs of each path; twice as many again where it looks slower."""


class ComparisonError(Exception):
    """There is nothing to compare with."""


def git(root: Path, *words: str) -> bytes:
    """What Git answers.

    Raises:
        ComparisonError: Git is not here, or refuses.
    """
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
    except FileNotFoundError:
        raise ComparisonError("Git is not installed, so no earlier version can be had.") from None
    if done.returncode:
        raise ComparisonError(done.stderr.decode().strip().splitlines()[0])
    return done.stdout


def last_tag(root: Path) -> str:
    """The newest tag that the working tree descends from.

    Raises:
        ComparisonError: there is none.
    """
    try:
        return git(root, "describe", "--tags", "--abbrev=0").decode().strip()
    except ComparisonError as refused:
        raise ComparisonError(
            f"There is no tag to compare with ({refused}); name a commit with --against."
        ) from None


def unpacked(root: Path, ref: str, folder: Path) -> Path:
    """The source folder of a version, unpacked.

    Raises:
        ComparisonError: there is no such version, or it holds no source.
    """
    try:
        archive = git(root, "archive", "--format=tar", ref, "src")
    except ComparisonError as refused:
        raise ComparisonError(f"The version {ref!r} cannot be had: {refused}.") from None
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder / "src"


class Measurer:
    """A process that knows one version and measures its paths when asked.

    Args:
        source: folder that holds the package.
        child: the script that measures.
    """

    def __init__(self, source: Path, child: Path = CHILD) -> None:
        self.source = source
        self._process = subprocess.Popen(
            [sys.executable, str(child)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(source)},
        )

    def __call__(self, name: str) -> dict[str, Any]:
        """Seconds of a path, or what the version lacks.

        Raises:
            ComparisonError: the process is gone.
        """
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018 - both are pipes
        try:
            self._process.stdin.write(f"{name}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            answer = ""
        else:
            answer = self._process.stdout.readline()
        if not answer:
            raise ComparisonError(f"The process of {self.source} died while measuring {name!r}.")
        found: dict[str, Any] = json.loads(answer)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True)
class Compared:
    """One path in two versions.

    Attributes:
        name: of the path.
        pairs: seconds of both, old first.
        lacks: what the old version lacks.
        broken: what fails in the new one.
    """

    name: str
    pairs: list[tuple[float, float]] = field(default_factory=list)
    lacks: str = ""
    broken: str = ""

    @property
    def ratio(self) -> float:
        """New over old: the median over pairs; 1 where there is none."""
        return median([new / old for old, new in self.pairs] or [1.0])

    @property
    def spread(self) -> tuple[float, float]:
        """Least and greatest ratio of the middle half of the pairs."""
        ratios = sorted(new / old for old, new in self.pairs)
        cut = len(ratios) // 4
        return ratios[cut], ratios[-1 - cut]

    def slower(self, limit: float) -> bool:
        """Whether the ratio is above a limit and three quarters of the pairs saw a slowdown."""
        return self.ratio > limit and self.spread[0] > 1.0

    def failed(self, limit: float) -> bool:
        """Whether the new version is broken here, or slower than the limit allows."""
        return bool(self.broken) or self.slower(limit)

    def __str__(self) -> str:
        if self.broken:
            return f"{self.name:<24}  broken: {self.broken}"
        if self.lacks:
            return f"{self.name:<24}  new: {self.lacks}"
        old, new = (median(each) for each in zip(*self.pairs, strict=True))
        low, high = self.spread
        mark = "  <- slower" if self.slower(SLOWER) else ""
        mark = mark or ("  noisy" if self.ratio > SLOWER else "")
        return (
            f"{self.name:<24}{old:>10.4f} s{new:>10.4f} s{self.ratio:>8.2f}  "
            f"[{low:.2f}, {high:.2f}]{mark}"
        )


Measure = Callable[[str], dict[str, Any]]


def paired(old: Measure, new: Measure, pairs: int) -> Callable[[str], list[tuple[float, float]]]:
    """What measures a path in pairs whose order alternates: old new, new old, ..."""

    def measure(name: str) -> list[tuple[float, float]]:
        found = []
        for number in range(pairs):
            order = (old, new) if number % 2 == 0 else (new, old)
            first, second = (each(name)["seconds"] for each in order)
            found.append((first, second) if number % 2 == 0 else (second, first))
        return found

    return measure


def compare(name: str, old: Measure, new: Measure, pairs: int = PAIRS) -> Compared:
    """One path in both versions.

    Args:
        name: of the path.
        old: measures it in the old version.
        new: measures it in the new one.
        pairs: measurements of each.

    Returns:
        What was found.
    """
    # A first round makes both ready, and says whether both know the path.
    before, now = old(name), new(name)
    if "seconds" not in now:
        return Compared(name, broken=now["lacks"])
    if "seconds" not in before:
        return Compared(name, lacks=before["lacks"])
    return Compared(name, paired(old, new, pairs)(name))


def compared(
    sources: tuple[Path, Path], names: Sequence[str], child: Path = CHILD
) -> Iterator[Compared]:
    """Every path in the versions of two source folders, old first.

    What looks slower is measured again, for longer and by fresh processes: one process can be
    slower than another for no reason but where its memory happens to lie.
    """
    with both(sources, child) as (old, new):
        for name in names:
            found = compare(name, old, new)
            if found.ratio > SLOWER:
                with both(sources, child) as fresh:
                    again = compare(name, *fresh, pairs=2 * PAIRS)
                found = Compared(name, found.pairs + again.pairs, again.lacks, again.broken)
            yield found


@contextmanager
def both(sources: tuple[Path, Path], child: Path) -> Iterator[tuple[Measure, Measure]]:
    """A process for each version, old first."""
    old, new = sources
    with Measurer(old, child) as first, Measurer(new, child) as second:
        yield first, second


def paths(words: Sequence[str]) -> list[str]:
    """Names of the paths that hold one of some words; all of them without words."""
    from quick_paths import PATHS

    return [name for name in PATHS if not words or any(word in name for word in words)]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, child: Path = CHILD) -> int:
    """Compare and print.

    Returns:
        The exit status: 1 where a path fell behind the limit or broke, 2 where there is nothing
        to compare with.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", metavar="REF", help="instead of the last tag")
    parser.add_argument("--fail-above", type=float, default=float("inf"), metavar="RATIO")
    parser.add_argument("--only", nargs="+", default=(), metavar="WORD", help="of their names")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        try:
            ref = given.against or last_tag(root)
            before = unpacked(root, ref, Path(place))
            print(f"{'':<24}{ref[:11]:>12}{'now':>12}{'ratio':>8}  middle half", flush=True)
            failed = []
            for found in compared((before, root / "src"), paths(given.only), child):
                print(found, flush=True)
                failed += [found.name] if found.failed(given.fail_above) else []
        except ComparisonError as refused:
            print(f"error: {refused}", file=sys.stderr)
            return 2
    if failed:
        print(f"slower than {given.fail_above:g} times, or broken: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
