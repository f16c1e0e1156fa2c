"""STAMP: the last click above all, and what the session so far makes of it.

Idea: interest drifts within a session, so the last click stands for itself beside a memory of the
session. Attention that is asked by both the last click and the mean of the session says how much
each click counts in that memory. There is no recurrent network: order before the last click is not
seen.

Formula: `m_t = Σ_{j≤t} x_j / t`, `α_tj = w · σ(W₁ x_j + W₂ x_t + W₃ m_t + b)`,
`h_s = tanh(A Σ_{j≤t} α_tj x_j + a)`, `h_t = tanh(B x_t + c)`; the score of item i is the trilinear
product `Σ_d h_s h_t x_i`.

Source: Liu et al. 2018, "STAMP: Short-Term Attention/Memory Priority Model for Session-based
Recommendation", KDD, sections 3.2 and 3.3, and the authors' code.

Differs from the paper: its sigmoid of scores before their softmax is left out, as in the authors'
code: it would hold every score between 0 and 1, and no item could stand out of a large catalogue.
The mean is not added to the memory once more, which their code does and the paper does not. A
session is asked at all clicks at once, with cumulative means, which gives what the paper gets by
making a sample of each prefix. Item vectors are multiplied by √D on the way in and pass a dropout,
which the paper does not have.

Cost: time `O(L² D + L D²)`, memory `O(L (L + D))` and a tile of a fixed size: the L × L × D numbers
within the sigmoid are never held (`regard.attention.additive_strengths`).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from regard.attention.additive_query import AdditiveQueryAttention
from regard.attention.contract import Promises
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding


@dataclass(frozen=True, kw_only=True)
class STAMPConfig:
    """Sizes of a STAMP.

    Attributes:
        width: of the item vectors and all that is made of them (`D`).
        longest: most events looked at (`L`).
        dropout: probability on the item vectors that are read.
    """

    width: int = 64
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class STAMP(SequenceModel):
    """Short-term attention and memory priority.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = STAMP(STAMPConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> trace = model.trace(ModelInput.of(batch, 20), need_maps=True)
        >>> trace.attention_maps["memory"].shape
        torch.Size([2, 1, 3, 3])
    """

    name: ClassVar[str] = "stamp"
    config_class: ClassVar[type] = STAMPConfig
    promises = Promises(
        rows_sum_to_one=False,
        whole_map=False,
        because="values are strengths, and the last click counts beside what they mix",
    )
    config: STAMPConfig

    def __init__(self, config: STAMPConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.dropout = ByteDropout(config.dropout)
        self.attention = AdditiveQueryAttention(width, 2 * width, bias=True)
        self.of_memory = Projection(width, width)
        self.of_click = Projection(width, width)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; the map is named `memory`."""
        clicks_BLD, asking_BLP = self._read(batch)
        memory_BLD, map_BHLM = self.attention(clicks_BLD, need_map=need_maps, asking_BLP=asking_BLP)
        maps = {} if map_BHLM is None else {"memory": map_BHLM}
        return Trace(self._answer(memory_BLD, clicks_BLD), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: one row of the map a history."""
        clicks_BLD, asking_BLP = self._read(batch)
        memory_BD = self.attention.newest(clicks_BLD, batch.lengths_B, asking_BLP=asking_BLP)
        return self._answer(memory_BD, pick_newest(clicks_BLD, batch.lengths_B))

    def _read(self, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """Clicks, and what attention is asked by: each click beside the mean so far."""
        self.check_length(batch)
        clicks_BLD: Tensor = self.dropout(self.items(batch.items_BL))
        counts_L = torch.arange(1, clicks_BLD.shape[1] + 1, device=clicks_BLD.device)
        means_BLD = clicks_BLD.cumsum(1) / counts_L[:, None]
        return clicks_BLD, torch.cat([clicks_BLD, means_BLD], dim=-1)

    def _answer(self, memory: Tensor, click: Tensor) -> Tensor:
        """The trilinear product, all but item vectors."""
        answer: Tensor = self.of_memory(memory).tanh() * self.of_click(click).tanh()
        return answer

    def item_table(self) -> ItemTable:
        """The input table once more."""
        return ItemTable(self.items.vectors_ND)
