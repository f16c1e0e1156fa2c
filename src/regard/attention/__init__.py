"""Attention mechanisms, one per file, each usable alone."""

from typing import Final

from torch import nn

from regard.attention.adaptive_span import AdaptiveSpanAttention
from regard.attention.additive import AdditiveAttention
from regard.attention.additive_query import AdditiveQueryAttention
from regard.attention.bidirectional import BidirectionalAttention
from regard.attention.convolution_mix import ConvolutionMix
from regard.attention.differential import DifferentialAttention
from regard.attention.entmax import EntmaxAttention
from regard.attention.frequency_mix import FrequencyMix
from regard.attention.gated_aggregation import GatedAggregation
from regard.attention.graph import GraphAttention
from regard.attention.linear import LinearAttention
from regard.attention.linear_bias import LinearBiases
from regard.attention.local_window import LocalWindowAttention
from regard.attention.low_rank import LowRankAttention
from regard.attention.normalised_linear import NormalisedLinearAttention
from regard.attention.positions import Distances
from regard.attention.rotary import RotaryPositions
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.attention.talking_heads import TalkingHeadsAttention
from regard.attention.target import TargetAttention
from regard.attention.time_interval import TimeIntervalAttention

ATTENTION: Final[dict[str, type[nn.Module]]] = {
    "scaled-dot-product": ScaledDotProductAttention,
    "additive": AdditiveAttention,
    "additive-query": AdditiveQueryAttention,
    "bidirectional": BidirectionalAttention,
    "local-window": LocalWindowAttention,
    "talking-heads": TalkingHeadsAttention,
    "entmax": EntmaxAttention,
    "adaptive-span": AdaptiveSpanAttention,
    "linear": LinearAttention,
    "normalised-linear": NormalisedLinearAttention,
    "low-rank": LowRankAttention,
    "time-interval": TimeIntervalAttention,
    "gated-aggregation": GatedAggregation,
    "differential": DifferentialAttention,
    "convolution-mix": ConvolutionMix,
    "frequency-mix": FrequencyMix,
    "target": TargetAttention,
    "graph": GraphAttention,
}
"""What recipes can name; a test holds every mechanism of this room to be in it."""

DISTANCES: Final[dict[str, type[Distances]]] = {
    "rotary": RotaryPositions,
    "linear-bias": LinearBiases,
}
"""Schemes of distance that `ScaledDotProductAttention` can be given."""
