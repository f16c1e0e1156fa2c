"""Several mechanisms that look like one: each reads the same states, a fusion makes one of them.

Promises follow from the mechanisms: causal where all are, in need of whatever one of them needs.
Their maps stand side by side as heads of one map, in the order of their names.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises, promises_of
from regard.attention.masks import pick_newest
from regard.models.fusion import Fusion


class SideBySide(nn.Module):
    """A mechanism made of several; see `regard.attention.contract.Attention`.

    Args:
        mechanisms: name -> module, in order.
        fusion: for as many.

    Example:
        >>> from regard.attention.additive import AdditiveAttention
        >>> from regard.attention.low_rank import LowRankAttention
        >>> from regard.models.fusion import SumFusion
        >>> both = {"additive": AdditiveAttention(8), "low-rank": LowRankAttention(8, heads=2)}
        >>> attention = SideBySide(both, SumFusion(width=8, parts=2))
        >>> attention.promises.causal, attention.promises.needs
        (False, ('lengths_B',))
        >>> states_BLD, lengths_B = torch.randn(1, 5, 8), torch.tensor([5])
        >>> attention(states_BLD, need_map=True, lengths_B=lengths_B)[1].shape
        torch.Size([1, 3, 5, 5])
    """

    def __init__(self, mechanisms: Mapping[str, nn.Module], fusion: Fusion) -> None:
        super().__init__()
        self.mechanisms = nn.ModuleDict(mechanisms)
        self.fusion = fusion
        self.promises = joint_promises(mechanisms)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, **given: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Attend with all of them.

        Args:
            states_BLD: float `(B, L, D)`.
            need_map: whether the maps are wanted too.
            given: whatever one of the mechanisms needs.

        Returns:
            New states `(B, L, D)` and, if asked, the maps of all heads of all mechanisms.
        """
        said, maps = [], []
        for mechanism in self.mechanisms.values():
            said_BLD, map_BHLM = mechanism(
                states_BLD, need_map=need_map, **_needed(mechanism, given)
            )
            said.append(said_BLD)
            maps.append(map_BHLM)
        fused_BLD: Tensor = self.fusion(states_BLD, said)
        return fused_BLD, torch.cat(maps, dim=1) if need_map else None

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, **given: Tensor | None) -> Tensor:
        """What `forward` gives at the newest event of each history.

        Args:
            states_BLD: float `(B, L, D)`.
            lengths_B: int64 real events of each history.
            given: whatever else one of the mechanisms needs.
        """
        if self.fusion.looks_back:
            fused_BLD, _ = self(states_BLD, lengths_B=lengths_B, **given)
            return pick_newest(fused_BLD, lengths_B)
        asked: Iterable[Any] = self.mechanisms.values()  # a ModuleDict forgets what it holds
        said = [each.newest(states_BLD, lengths_B, **_needed(each, given)) for each in asked]
        fused_BD: Tensor = self.fusion(pick_newest(states_BLD, lengths_B), said)
        return fused_BD


def joint_promises(mechanisms: Mapping[str, nn.Module]) -> Promises:
    """What several mechanisms promise together.

    Args:
        mechanisms: name -> module.

    Example:
        >>> from regard.attention.linear import LinearAttention
        >>> from regard.attention.time_interval import TimeIntervalAttention
        >>> both = {"linear": LinearAttention(4), "time-interval": TimeIntervalAttention(4)}
        >>> joint_promises(both).needs, joint_promises(both).needs_clock
        (('times_BL',), True)
    """
    told = {name: promises_of(mechanism) for name, mechanism in mechanisms.items()}
    reasons = [f"of {name}: {each.because}" for name, each in told.items() if each.because]
    return Promises(
        causal=all(each.causal for each in told.values()),
        needs=tuple(dict.fromkeys(need for each in told.values() for need in each.needs)),
        needs_clock=any(each.needs_clock for each in told.values()),
        bounded=any(each.bounded for each in told.values()),
        has_map=all(each.has_map for each in told.values()),
        rows_sum_to_one=all(each.rows_sum_to_one for each in told.values()),
        whole_map=False,
        because="; ".join(["each map is that of one of several mechanisms", *reasons]),
    )


def _needed(mechanism: nn.Module, given: Mapping[str, Tensor | None]) -> dict[str, Tensor | None]:
    """What of all that is given one mechanism needs."""
    return {name: given[name] for name in promises_of(mechanism).needs if name in given}
