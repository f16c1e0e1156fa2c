"""Two GPUs that are none: generators of theirs, which torch reaches as it does real ones."""

import pytest
import torch
from torch import Tensor


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[torch.Generator]:
    """The generators of `cuda:0`, which is the current one, and of `cuda:1`."""
    generators = [torch.Generator().manual_seed(seed) for seed in (100, 101)]

    def of(device: torch.device | int | str) -> torch.Generator:
        return generators[torch.device(device).index or 0]

    def get_state(device: torch.device | int | str = "cuda") -> Tensor:
        return of(device).get_state()

    def set_state(state: Tensor, device: torch.device | int | str = "cuda") -> None:
        of(device).set_state(state)

    def seed_all(seed: int) -> None:
        for each in generators:
            each.manual_seed(seed)

    monkeypatch.setattr(torch.cuda, "default_generators", tuple(generators))
    monkeypatch.setattr(torch.cuda, "get_rng_state", get_state)
    monkeypatch.setattr(torch.cuda, "set_rng_state", set_state)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seed_all)
    return generators
