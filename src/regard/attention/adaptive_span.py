"""Attention whose heads learn how far back to look.

Idea: some heads need the last few events, others the whole history. Each learns a span; beyond it
the map fades to nothing along a ramp, so that the span has a gradient.

Formula: `aᵢⱼ = m(i − j) exp(sᵢⱼ) / Σₘ m(i − m) exp(sᵢₘ)` with
`m(d) = clamp((R + z − d) / R, 0, 1)`.

Source: Sukhbaatar et al. 2019, "Adaptive Attention Span in Transformers", section 2.2. Differs from
the paper in that the span is `z = S σ(ζ)`, which stays between 0 and S by itself, where the paper's
code cuts z after each step; and in that positions beyond the span are masked, not left out:
histories are short enough. The paper adds `λ` times the mean span to the loss: `spans()` is there
for it.

Cost: time `O(L² D + L D²)`, memory `O(H L²)`.
"""

import torch
from torch import Tensor, nn

from regard.attention.heads import HeadedAttention, causal_softmax, likeness
from regard.errors import ConfigurationError


class AdaptiveSpanAttention(HeadedAttention):
    """Causal attention with a learned span per head.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        longest: longest span that can be learned, in events (`S`); spans start at half of it.
        ramp: over how many events the map fades (`R`).
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or `longest` or `ramp` is below 1.

    Example:
        >>> AdaptiveSpanAttention(width=8, heads=2, longest=100).spans().tolist()
        [50.0, 50.0]
    """

    def __init__(
        self,
        width: int,
        heads: int = 1,
        longest: int = 200,
        ramp: int = 16,
        *,
        bias: bool = False,
    ) -> None:
        super().__init__(width, heads, bias=bias)
        if longest < 1 or ramp < 1:
            raise ConfigurationError(f"longest={longest} and ramp={ramp} must be 1 or more.")
        self.longest, self.ramp = longest, ramp
        self.span_H = nn.Parameter(torch.zeros(heads))

    def spans(self) -> Tensor:
        """How many events back each head looks in full, `(H,)`."""
        return self.longest * self.span_H.sigmoid()

    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `HeadedAttention.attend`."""
        spans_H11 = self.spans()[:, None, None]
        kept_BHQM = ((self.ramp + spans_H11 - distances_BQM[:, None]) / self.ramp).clamp(0, 1)
        # Added as a logarithm: a sum of kept exponentials could underflow, a softmax cannot.
        tiny = torch.finfo(kept_BHQM.dtype).tiny
        fading_BHQM = kept_BHQM.clamp_min(tiny).log().masked_fill(kept_BHQM == 0, -torch.inf)
        scores_BHQM = likeness(q_BHQK, k_BHMK) + fading_BHQM
        map_BHQM = causal_softmax(scores_BHQM, distances_BQM)
        return map_BHQM.to(v_BHMK.dtype) @ v_BHMK, map_BHQM
