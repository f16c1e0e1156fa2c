"""Attention over the graph of a session.

Idea: items that follow one another are neighbours in a graph, and coming back to an item ties its
neighbours together. An event first hears from the neighbours of its item, then asks what the
session so far is about.

Formula: `aᵢ = [Aᵢ← (x W₁ + b₁) ; Aᵢ→ (x W₂ + b₂)]`, `v = GRU(a, x)`, then
`αᵢⱼ = q·σ(W₃ vᵢ + W₄ vⱼ + c)` and `yᵢ = W₅ [vᵢ ; Σⱼ≤ᵢ αᵢⱼ vⱼ]`. Row i of `A←` shares one among the
events before an occurrence of i's item, row i of `A→` among those after one, both up to i:

::

    a session      tea  cup  milk  cup           the newest cup hears from
    its graph      tea → cup ⇄ milk                  ← tea, milk      → milk

Source: Wu et al. 2019, "Session-Based Recommendation with Graph Neural Networks" (SR-GNN),
equations 1 to 7, with one step of the graph network. Differs from the paper in that each event
knows only the edges before it, so that a session is learned from at all positions at once; in the
paper's training, one sample for each prefix, earlier events are read again with later edges. A
neighbour is heard as it was at each of its events. In the GRU the reset gate acts behind the
product, as torch and cuDNN have it; z says what is kept, not what is written; each of its sums is
with constants.

Cost: time and memory `O(L² D)`: likeness is a sum within a sigmoid, as in additive attention.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.masks import causal_mask, pick_newest
from regard.attention.projection import Projection


class GraphAttention(nn.Module):
    """One step over the session's graph, and additive attention to the session so far.

    Args:
        width: of the states (`D`).

    Example:
        >>> attention, items_BL = GraphAttention(width=8), torch.tensor([[5, 6, 7, 6]])
        >>> _, map_BHLM = attention(torch.randn(1, 4, 8), items_BL=items_BL, need_map=True)
        >>> map_BHLM.shape
        torch.Size([1, 1, 4, 4])
    """

    promises: ClassVar[Promises] = Promises(
        needs=("items_BL",),
        rows_sum_to_one=False,
        whole_map=False,
        because="values are strengths, as in the paper, of events that have heard their neighbours",
    )

    def __init__(self, width: int) -> None:
        super().__init__()
        self.from_before = Projection(width, width)
        self.from_after = Projection(width, width)
        self.update = nn.GRUCell(2 * width, width)
        self.asking = Projection(width, width, bias=False)
        self.asked = Projection(width, width)
        self.strength = nn.Linear(width, 1, bias=False)
        self.output = Projection(2 * width, width)

    def forward(
        self, states_BLD: Tensor, *, items_BL: Tensor, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; see `regard.attention.contract.ItemAttention`. The map has one head."""
        nodes_BLD = self._nodes(states_BLD, items_BL)
        map_BLM = self._strengths(nodes_BLD, nodes_BLD)
        map_BLM = map_BLM.masked_fill(~causal_mask(map_BLM.shape[1], map_BLM.device), 0)
        states_BLD = self._read(nodes_BLD, map_BLM, nodes_BLD)
        return states_BLD, map_BLM[:, None] if need_map else None

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, *, items_BL: Tensor) -> Tensor:
        """One row of the map a session; see `regard.attention.contract.ItemAttention`."""
        nodes_BLD = self._nodes(states_BLD, items_BL)
        newest_B1D = pick_newest(nodes_BLD, lengths_B)[:, None]
        future_BM = torch.arange(nodes_BLD.shape[1], device=lengths_B.device) >= lengths_B[:, None]
        map_B1M = self._strengths(newest_B1D, nodes_BLD).masked_fill(future_BM[:, None], 0)
        return self._read(newest_B1D, map_B1M, nodes_BLD).squeeze(1)

    def _nodes(self, states_BLD: Tensor, items_BL: Tensor) -> Tensor:
        """Equations 1 to 5: each event, after hearing from the neighbours of its item."""
        before_BLM, after_BLM = neighbours(items_BL, states_BLD.dtype)
        before_BLD = before_BLM @ self.from_before(states_BLD)
        after_BLD = after_BLM @ self.from_after(states_BLD)
        heard_BLP = torch.cat([before_BLD, after_BLD], dim=-1)
        nodes: Tensor = self.update(heard_BLP.flatten(0, 1), states_BLD.flatten(0, 1))
        return nodes.view_as(states_BLD)

    def _strengths(self, asking_BQD: Tensor, asked_BMD: Tensor) -> Tensor:
        """Equation 6, `(B, Q, M)`."""
        both_BQMD = self.asking(asking_BQD)[:, :, None] + self.asked(asked_BMD)[:, None]
        strengths_BQM: Tensor = self.strength(both_BQMD.sigmoid()).squeeze(-1)
        return strengths_BQM

    def _read(self, asking_BQD: Tensor, map_BQM: Tensor, nodes_BMD: Tensor) -> Tensor:
        """Equation 7."""
        session_BQD = map_BQM.to(nodes_BMD.dtype) @ nodes_BMD
        read_BQD: Tensor = self.output(torch.cat([asking_BQD, session_BQD], dim=-1))
        return read_BQD


def neighbours(items_BL: Tensor, kind: torch.dtype) -> tuple[Tensor, Tensor]:
    """From whom each event hears: edges of the session's graph, up to that event.

    Args:
        items_BL: int64 codes.
        kind: float type of the result.

    Returns:
        `(B, L, M)` each: shares of the events before, and after, an occurrence of the event's item.
        A row without an edge is all zeros.

    Example:
        >>> before, after = neighbours(torch.tensor([[5, 6, 7, 6]]), torch.float32)
        >>> before[0, 3].tolist(), after[0, 3].tolist()
        ([0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 1.0, 0.0])
    """
    same_BLM = (items_BL[:, :, None] == items_BL[:, None]).tril()
    edge_BLM = torch.zeros_like(same_BLM)
    before_BLM, after_BLM = edge_BLM.clone(), edge_BLM
    before_BLM[:, :, :-1] = same_BLM[:, :, 1:]
    after_BLM[:, :, 1:] = same_BLM[:, :, :-1]
    after_BLM = after_BLM.tril()
    return _shares(before_BLM.to(kind)), _shares(after_BLM.to(kind))


def _shares(edges_BLM: Tensor) -> Tensor:
    return edges_BLM / edges_BLM.sum(-1, keepdim=True).clamp_min(1)
