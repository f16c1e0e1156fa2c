"""Every hot path is there in this version and gives seconds, on a log small enough for a test."""

import pytest

import quick_paths


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROWS", 2_000), ("ITEMS", 40), ("ASKED", 200), ("ENOUGH", 1e-9)):
        monkeypatch.setattr(quick_paths, name, value)
    made = (quick_paths.log, quick_paths.split, quick_paths.world, quick_paths.recommender)
    for each in (*made, quick_paths.ready):
        each.cache_clear()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "name", [name for name in quick_paths.PATHS if not name.startswith(("exact", "training"))]
)
def test_each_path_takes_time(name: str) -> None:
    assert 0 < quick_paths.seconds(quick_paths.PATHS[name]()) < 60


def test_a_pass_may_say_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([0.3, 0.2, 0.25])
    monkeypatch.setattr(quick_paths, "ENOUGH", 0.6)
    assert quick_paths.seconds(lambda: next(said)) == 0.2


def test_steps_and_losses_are_of_this_version() -> None:
    assert 0 < quick_paths.PATHS["training step"]()() < 60
    quick_paths.exact_loss(50, 8)()()
