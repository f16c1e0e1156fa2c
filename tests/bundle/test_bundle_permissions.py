"""A bundle can be handed on: all of its files are readable by the same people."""

from pathlib import Path


def test_all_files_are_as_readable_as_each_other(saved: Path) -> None:
    modes = {path.stat().st_mode for path in saved.rglob("*") if path.is_file()}
    assert len(modes) == 1
