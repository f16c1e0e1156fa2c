"""The house as a whole: each room says what it is for, and the wheel carries all of them."""

import ast
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
ROOMS = sorted(path.parent for path in (SOURCE / "regard").rglob("__init__.py"))
NOT_A_NAME_FOR_A_ROOM = {"utils", "util", "common", "core", "helpers", "misc"}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(SOURCE)))
def test_a_room_opens_with_one_sentence(room: Path) -> None:
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8")))
    assert docstring, "no docstring"
    opening = docstring.split("\n\n")[0].replace("\n", " ")
    assert opening.endswith(".")
    assert ". " not in opening


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(SOURCE)))
def test_a_room_has_a_name_that_says_something(room: Path) -> None:
    names = {room.name, *(path.stem for path in room.glob("*.py"))}
    assert not names & NOT_A_NAME_FOR_A_ROOM


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all files in a wheel that is built without any network."""
    builders = pytest.importorskip(
        "hatchling.builders.wheel", reason="the wheel is built with hatchling (extra dev)"
    )
    folder = tmp_path_factory.mktemp("wheel")
    built = next(builders.WheelBuilder(str(ROOT)).build(directory=str(folder)))
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_the_wheel_holds_every_file_of_the_package(wheel: list[str]) -> None:
    in_source = {
        str(path.relative_to(SOURCE))
        for path in (SOURCE / "regard").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "regard/py.typed" in in_source
    assert any(name.endswith("online-retail.parquet") for name in in_source)
    assert in_source <= set(wheel)


def test_the_wheel_holds_the_licence_and_the_credits_and_no_tests(wheel: list[str]) -> None:
    endings = {name.split(".dist-info/")[1] for name in wheel if ".dist-info/" in name}
    assert {"licenses/LICENSE", "licenses/NOTICE", "entry_points.txt"} <= endings
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"regard"}
