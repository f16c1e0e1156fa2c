"""GRU4Rec: a gated recurrent network over the history.

Idea: a history is read event by event into a state of fixed size. Gates decide at each event how
much of the state so far is kept and how much of it is written anew. Nothing is looked up later:
what the state has let go is gone.

Formula: `z = σ(W_z x_t + U_z h_{t-1})`, `r = σ(W_r x_t + U_r h_{t-1})`,
`n = tanh(W_n x_t + r ∘ U_n h_{t-1})`, `h_t = (1 - z) ∘ n + z ∘ h_{t-1}`, each sum with constants;
the score of an item is the product of `W h_t + b` with its vector.

Source: Hidasi et al. 2016, "Session-based Recommendations with Recurrent Neural Networks", ICLR,
section 3; with one table of items for input and output, a choice of the code of Hidasi &
Karatzoglou 2018, "Recurrent Neural Networks with Top-k Gains for Session-based Recommendations",
CIKM.

Differs from the paper: exact cross-entropy over the catalogue in place of TOP1, BPR and their later
forms over drawn items, so that losses are alike in a comparison; whole histories at all positions
at once in place of session-parallel steps with a state carried over; a linear layer between states
and item vectors, an option of the 2016 paper; the reset gate acts behind the product, as torch and
cuDNN have it; z says what is kept, not what is written; no constant for each item; item vectors
multiplied by √D on the way in, and weights that begin as large as such vectors ask for.

Cost: time `O(L (D H + H²))`, memory `O(L (D + H))`. Events are read one after the other, whatever
the number of cores.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.masks import pick_newest
from regard.attention.projection import Projection
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding
from regard.models.recurrent import begin_awake, states_after_each


@dataclass(frozen=True, kw_only=True)
class GRU4RecConfig:
    """Sizes of a GRU4Rec.

    Attributes:
        width: of the item vectors (`D`).
        hidden: of the recurrent state (`H`).
        layers: number of recurrent layers, one upon the other.
        longest: most events read (`L`).
        dropout: probability after the embedding and after each recurrent layer.
    """

    width: int = 64
    hidden: int = 128
    layers: int = 1
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class GRU4Rec(SequenceModel):
    """Gated recurrent units, the last state compared with every item.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = GRU4Rec(GRU4RecConfig(width=8), catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> model(ModelInput.of(batch, 20)).shape
        torch.Size([2, 3, 8])
    """

    name: ClassVar[str] = "gru4rec"
    config_class: ClassVar[type] = GRU4RecConfig
    promises = Promises(
        has_map=False,
        because="a recurrent network looks at no event: it hands a state on from one to the next",
    )
    config: GRU4RecConfig

    def __init__(self, config: GRU4RecConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width, hidden = config.width, config.hidden
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.dropout = ByteDropout(config.dropout)
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(width, hidden, config.layers, batch_first=True, dropout=between)
        begin_awake(self.gru, self.items.spread)
        self.output = Projection(hidden, width)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:  # noqa: ARG002
        """See `SequenceModel.trace`; there is no map."""
        return Trace(self.output(self._read(batch)))

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: one state a history goes through the output."""
        newest_BD: Tensor = self.output(pick_newest(self._read(batch), batch.lengths_B))
        return newest_BD

    def _read(self, batch: ModelInput) -> Tensor:
        """States of the last recurrent layer, `(B, L, H)`."""
        self.check_length(batch)
        vectors_BLD = self.dropout(self.items(batch.items_BL))
        states_BLH: Tensor = self.dropout(states_after_each(self.gru, vectors_BLD))
        return states_BLH

    def item_table(self) -> ItemTable:
        """The input table once more."""
        return ItemTable(self.items.vectors_ND)
