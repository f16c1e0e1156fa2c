"""LSTM with attention: a recurrent network, and a look back at all its states.

Idea: the last state of a recurrent network knows best what happened last, and has half forgotten
what came before. Attention takes a second look at the states so far, and both say together what
comes next.

Formula: `h_t = LSTM(x_t, h_{t-1}, c_{t-1})`; `a_tj = exp(w·h_j) / Σ_{m≤t} exp(w·h_m)`,
`y_t = Σ_{j≤t} a_tj h_j`; the score of an item is the product of `W [y_t ; h_t] + b` with its
vector.

Source: Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", Neural Computation, with the forget
gate of Gers et al. 2000, as torch has it. The attention is that of Yang et al. 2016, "Hierarchical
Attention Networks" (`regard.attention.additive`), joined with the last state as in Luong et al.
2015, "Effective Approaches to Attention-based Neural Machine Translation", equation 5.

Differs from the paper: there is none of a recommender in just this form. Of its parts: the network
reads in one direction and attention looks at states so far only, so that every event of a history
can be asked what follows it; no tanh stands behind the joined states, since they are compared with
item vectors of any sign and size.

Cost: time `O(L (D H + H²) + L² H)`, memory `O(L (L + H))`.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.additive import AdditiveAttention
from regard.attention.contract import Promises
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding
from regard.models.recurrent import begin_awake, states_after_each


@dataclass(frozen=True, kw_only=True)
class LSTMAttentionConfig:
    """Sizes of an LSTM with attention.

    Attributes:
        width: of the item vectors (`D`).
        hidden: of the recurrent state (`H`).
        longest: most events read (`L`).
        dropout: probability after the embedding and on the joined states.
    """

    width: int = 64
    hidden: int = 128
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class LSTMAttention(SequenceModel):
    """Long short-term memory, additive attention over its states, both joined.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = LSTMAttention(LSTMAttentionConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> trace = model.trace(ModelInput.of(batch, 20), need_maps=True)
        >>> trace.attention_maps["states so far"].shape
        torch.Size([2, 1, 3, 3])
    """

    name: ClassVar[str] = "lstm-attention"
    config_class: ClassVar[type] = LSTMAttentionConfig
    promises = Promises(
        whole_map=False,
        because="states have heard the past, and the last one is joined to what the map mixes",
    )
    config: LSTMAttentionConfig

    def __init__(self, config: LSTMAttentionConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width, hidden = config.width, config.hidden
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.dropout = ByteDropout(config.dropout)
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        begin_awake(self.lstm, self.items.spread)
        self.attention = AdditiveAttention(hidden)
        self.output = Projection(2 * hidden, width)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; the map is named `states so far`."""
        states_BLH = self._read(batch)
        attended_BLH, map_BHLM = self.attention(states_BLH, need_map=need_maps)
        maps = {} if map_BHLM is None else {"states so far": map_BHLM}
        return Trace(self._answer(attended_BLH, states_BLH), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: one row of the map a history."""
        states_BLH = self._read(batch)
        attended_BH = self.attention.newest(states_BLH, batch.lengths_B)
        return self._answer(attended_BH, pick_newest(states_BLH, batch.lengths_B))

    def _read(self, batch: ModelInput) -> Tensor:
        """States of the recurrent layer, `(B, L, H)`."""
        self.check_length(batch)
        return states_after_each(self.lstm, self.dropout(self.items(batch.items_BL)))

    def _answer(self, attended: Tensor, states: Tensor) -> Tensor:
        answer: Tensor = self.output(self.dropout(torch.cat([attended, states], dim=-1)))
        return answer

    def item_table(self) -> ItemTable:
        """The input table once more."""
        return ItemTable(self.items.vectors_ND)
