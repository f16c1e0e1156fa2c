"""A log, a bundle, and a command line in this process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop_logs import ONE_EPOCH, write_log
from typer.testing import CliRunner, Result

from regard.cli.app import app

Run = Callable[..., Result]


def _run(*words: object, status: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == status, f"{result.exit_code}: {result.stderr or result.stdout}"
    return result


@pytest.fixture(scope="session")
def regard() -> Run:
    """Run a command in this process and check its status."""
    return _run


@pytest.fixture(scope="session")
def regard_json(regard: Run) -> Callable[..., Any]:
    """Run a command with --json and read what it prints."""

    def run(*words: object) -> Any:
        return json.loads(regard(*words, "--json").stdout)

    return run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log as CSV in a folder of its own."""
    return write_log(tmp_path / "log.csv")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, regard: Run) -> Path:
    """A bundle of a tiny network; not to be changed."""
    folder = tmp_path_factory.mktemp("shop")
    regard("fit", write_log(folder / "log.csv"), "--out", folder / "bundle", *ONE_EPOCH)
    return folder / "bundle"
