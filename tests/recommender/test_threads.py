"""REGARD_THREADS holds while a network answers, not only while it learns."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from regard.errors import ConfigurationError
from regard.recommender.recommender import Recommender


@pytest.fixture
def bundle(fitted: dict[str, Recommender], tmp_path: Path) -> Path:
    return fitted["alone"].save(tmp_path / "shop")


@pytest.fixture
def threads() -> Iterator[int]:
    """How many threads torch has; given back afterwards."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_a_loaded_network_computes_with_the_wanted_threads(
    bundle: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGARD_THREADS", str(threads + 1))
    Recommender.load(bundle)
    assert torch.get_num_threads() == threads + 1


def test_a_number_of_threads_that_is_none_is_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGARD_THREADS", "few")
    with pytest.raises(ConfigurationError, match="REGARD_THREADS is 'few'"):
        Recommender.load(bundle)
