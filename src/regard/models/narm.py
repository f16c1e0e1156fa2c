"""NARM: a recurrent network, and attention that asks what a session is for.

Idea: a session has a purpose, and among its clicks are some that have nothing to do with it. One
reading of a recurrent network sums up the session (global); in another its last state asks each
state so far how much it has to do with now (local). Both together are compared with the items.

Formula: `h_t = GRU(x_t, h_{t-1})`, `α_tj = v · σ(A₁ h_t + A₂ h_j)`,
`c_t = [h_t ; Σ_{j≤t} α_tj h_j]`; the score of item i is `x_iᵀ B c_t`.

Source: Li et al. 2017, "Neural Attentive Session-based Recommendation", CIKM, section 3, and the
authors' code.

Differs from the paper: both readings share one recurrent network, as in the authors' code; α is
not normalised, as the paper has it and their code, which takes a softmax of it, has not. A session
is asked at all events at once, which gives what the paper gets by making a sample of each prefix.
The gates have constants, and one probability of dropout stands in the place of two (0.25 and 0.5).
Item vectors are multiplied by √D on the way in.

Cost: time `O(L (D H + H²) + L² H)`, memory `O(L (L + H))` and a tile of a fixed size: the L × L × H
numbers within the sigmoid are never held (`regard.attention.additive_strengths`).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.additive_query import AdditiveQueryAttention
from regard.attention.contract import Promises
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding
from regard.models.recurrent import begin_awake, states_after_each


@dataclass(frozen=True, kw_only=True)
class NARMConfig:
    """Sizes of a NARM.

    Attributes:
        width: of the item vectors (`D`).
        hidden: of the recurrent state (`H`).
        longest: most events read (`L`).
        dropout: probability after the embedding and before the decoder.
    """

    width: int = 64
    hidden: int = 128
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class NARM(SequenceModel):
    """Neural attentive recommendation machine.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = NARM(NARMConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> trace = model.trace(ModelInput.of(batch, 20), need_maps=True)
        >>> trace.attention_maps["local"].shape
        torch.Size([2, 1, 3, 3])
    """

    name: ClassVar[str] = "narm"
    config_class: ClassVar[type] = NARMConfig
    promises = Promises(
        rows_sum_to_one=False,
        whole_map=False,
        because="values are strengths, and the last state is joined to what they mix",
    )
    config: NARMConfig

    def __init__(self, config: NARMConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width, hidden = config.width, config.hidden
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.dropout = ByteDropout(config.dropout)
        self.gru = nn.GRU(width, hidden, batch_first=True)
        begin_awake(self.gru, self.items.spread)
        self.attention = AdditiveQueryAttention(hidden)
        self.decoder = Projection(2 * hidden, width, bias=False)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; the map is named `local`."""
        states_BLH = self._read(batch)
        local_BLH, map_BHLM = self.attention(states_BLH, need_map=need_maps)
        maps = {} if map_BHLM is None else {"local": map_BHLM}
        return Trace(self._decoded(states_BLH, local_BLH), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: one row of the map a history."""
        states_BLH = self._read(batch)
        local_BH = self.attention.newest(states_BLH, batch.lengths_B)
        return self._decoded(pick_newest(states_BLH, batch.lengths_B), local_BH)

    def _read(self, batch: ModelInput) -> Tensor:
        """States of the recurrent layer, `(B, L, H)`."""
        self.check_length(batch)
        return states_after_each(self.gru, self.dropout(self.items(batch.items_BL)))

    def _decoded(self, purpose: Tensor, local: Tensor) -> Tensor:
        """`B c_t`: what is compared with item vectors."""
        decoded: Tensor = self.decoder(self.dropout(torch.cat([purpose, local], dim=-1)))
        return decoded

    def item_table(self) -> ItemTable:
        """The input table once more."""
        return ItemTable(self.items.vectors_ND)
