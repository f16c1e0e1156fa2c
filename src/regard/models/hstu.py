"""HSTU: values added up by strength and let in by a gate, at the moment of the request.

Idea: a softmax hides how much there is; here each event adds as much as it is like the question,
and there is no feed-forward network beside it, since gates do its work. What comes next also
depends on when one asks: the strengths count time from the moment of the request, so an answer for
tonight is not the one for next month.

Formula: `h = x + p`; in each layer `h ← h + W' (norm(A v) ∘ u)` with
`[u, v, q, k] = silu(W norm(h))` and `Aᵢⱼ = silu(qᵢ·kⱼ + dᵢ₋ⱼ + τ(aᵢ − tⱼ)) / S`, where `aᵢ` is the
moment at which the item after event i is asked for and S the longest history; the score of an item
is the product of the last state with its vector.

Source: Zhai et al. 2024, "Actions Speak Louder than Words: Trillion-Parameter Sequential
Transducers for Generative Recommendations", ICML, equations 1 to 3; the input, the residual and
the moment of the request as in the authors' code for public data sets. Its mechanism is that of
`regard.attention.gated_aggregation`.

Differs from the paper: this is the next-item network alone, without a stream of actions, a ranking
task or stochastic length; a plain layer norm ends it, where the code scales states to length one
and divides scores by a temperature; dropout lies on the branch instead of inside it; positions
count from the newest event; exact cross-entropy over the catalogue in place of sampled negatives. A
log without a clock, or a history that comes without times, is read by positions alone. In training
and evaluation the moment asked is the time of the event to be predicted, as in the code: such
numbers are of a recommender that is asked when the person is there, which a network that does not
look at the moment cannot use.

Cost: time `O(L² D + L D²)`, memory `O(H L²)` a history and layer: there is no fused kernel.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.gated_aggregation import GatedAggregation
from regard.attention.masks import pick_newest
from regard.attention.positions import NewestFirstPositions
from regard.losses.contract import ItemTable
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes, given_to
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding


@dataclass(frozen=True, kw_only=True)
class HSTUConfig:
    """Sizes of an HSTU.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers; one has less than half the parameters of a transformer's.
        heads: per layer (`H`); must divide `width`.
        buckets: of time; 128 reach beyond the age of the universe.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
    """

    width: int = 64
    blocks: int = 2
    heads: int = 2
    buckets: int = 128
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class HSTU(SequenceModel):
    """Hierarchical sequential transduction units.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> model = HSTU(HSTUConfig(width=8), catalogue_size=20)
        >>> times = np.array([[0.0, 60.0, 86400.0]])
        >>> batch = Batch(items=np.array([[3, 4, 5]]), lengths=np.array([3]),
        ...               times=times, asked=times + 3600)
        >>> model(ModelInput.of(batch, 20)).shape
        torch.Size([1, 3, 8])
    """

    name: ClassVar[str] = "hstu"
    config_class: ClassVar[type] = HSTUConfig
    promises: Promises = GatedAggregation.promises
    config: HSTUConfig

    def __init__(self, config: HSTUConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        self.positions = NewestFirstPositions(config.longest, width)
        self.dropout = ByteDropout(config.dropout)
        self.layers = nn.ModuleList(HSTULayer(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(width)

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`; maps are named `layer 1`, `layer 2`, ..."""
        states_BLD = self._embedded(batch)
        maps = {}
        for number, layer in enumerate(self.layers, start=1):
            given = given_to(layer.aggregation, batch)
            states_BLD, map_BHLM = layer(states_BLD, need_map=need_maps, **given)
            if map_BHLM is not None:
                maps[f"layer {number}"] = map_BHLM
        return Trace(self.norm(states_BLD), maps)

    def newest(self, batch: ModelInput) -> Tensor:
        """See `SequenceModel.newest`: the last layer answers for one position only."""
        states_BLD = self._embedded(batch)
        for layer in self.layers[:-1]:
            states_BLD, _ = layer(states_BLD, **given_to(layer.aggregation, batch))
        last = self.layers[-1]
        assert isinstance(last, HSTULayer)  # noqa: S101 - a ModuleList forgets what it holds
        given = given_to(last.aggregation, batch)
        newest_BD: Tensor = self.norm(last.newest(states_BLD, batch.lengths_B, **given))
        return newest_BD

    def _embedded(self, batch: ModelInput) -> Tensor:
        longest = batch.items_BL.shape[1]
        states_BLD = self.items(batch.items_BL) + self.positions(batch.lengths_B, longest)
        embedded_BLD: Tensor = self.dropout(states_BLD)
        return embedded_BLD

    def item_table(self) -> ItemTable:
        """The input table once more."""
        return ItemTable(self.items.vectors_ND)


class HSTULayer(nn.Module):
    """Norm, gated aggregation, and its input once more; no feed-forward network.

    Args:
        config: sizes.

    Example:
        >>> import torch
        >>> HSTULayer(HSTUConfig(width=8))(torch.randn(2, 3, 8))[0].shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, config: HSTUConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.aggregation = GatedAggregation(
            config.width, config.heads, config.longest, config.buckets
        )
        self.dropout = ByteDropout(config.dropout)

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False, **given: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """New states `(B, L, D)` and, if asked, the map; see `PreNormBlock.forward`."""
        normed_BLD = self.norm(states_BLD)
        added_BLD, map_BHLM = self.aggregation(normed_BLD, need_map=need_map, **given)
        return states_BLD + self.dropout(added_BLD), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, **given: Tensor | None) -> Tensor:
        """New states `(B, D)` at the newest event of each history."""
        added_BD = self.aggregation.newest(self.norm(states_BLD), lengths_B, **given)
        newest_BD: Tensor = pick_newest(states_BLD, lengths_B) + self.dropout(added_BD)
        return newest_BD
