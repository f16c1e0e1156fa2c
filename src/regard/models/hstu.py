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

from regard.attention.contract import Promises
from regard.attention.gated_aggregation import GatedAggregation
from regard.models.bare_block import BareBlock
from regard.models.stack import Stack, StackConfig


@dataclass(frozen=True, kw_only=True)
class HSTUConfig(StackConfig):
    """Sizes of an HSTU.

    Attributes:
        width: of the states (`D`).
        blocks: number of layers; four have fewer parameters than two of a transformer.
        heads: per layer (`H`); must divide `width`.
        buckets: of time; 128 reach beyond the age of the universe.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
    """

    blocks: int = 4
    buckets: int = 128


class HSTU(Stack):
    """Hierarchical sequential transduction units.

    Args:
        config: sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.contract import ModelInput
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

    def block(self) -> BareBlock:
        """See `Stack.block`."""
        config = self.config
        aggregation = GatedAggregation(config.width, config.heads, config.longest, config.buckets)
        return BareBlock(aggregation, config.width, config.dropout)
