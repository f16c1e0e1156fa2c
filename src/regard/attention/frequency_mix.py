"""Attention beside a frequency filter that is causal.

Idea: attention smooths: it keeps the slow part of a history and loses the quick one. A filter takes
the history apart into slow and quick, and a learned number per column says how much of the quick
comes back.

Formula: `y = α (low(x) + β² ∘ (x − low(x))) + (1 − α) attention(x)`, where `low(x)ᵢ` is the last
value of `irfft(rfft(x₀ ... xᵢ)` cut to the c lowest frequencies`)`.

Source: Shin et al. 2024, "An Attentive Inductive Bias for Sequential Recommendation beyond the
Self-Attention" (BSARec). Differs from the paper in that each position filters its own prefix. The
paper filters the whole history, from which a position in the middle learns its future; at the
newest position of the first layer both are the same. Its norm and residual connection inside the
filter are left to the block. The filter of all prefixes is one fixed triangular matrix.

Cost: time `O(L² (D + c) + L D²)`, memory `O(L (c L + D))`, `O(H L²)` more with the map; a transform
of the whole would take `O(L log L D)`.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.attention.masks import pick_newest
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import ConfigurationError


class FrequencyMix(nn.Module):
    """Causal attention and a causal low-pass filter, side by side. The map is the attention's.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        frequencies: how many of the lowest pass as slow, the mean included (`c`).
        share: of the filter in the mixture (`α`), from 0 to 1.

    Raises:
        ConfigurationError: `heads` does not divide `width`, `frequencies` is below 1, or `share`
            is no share.

    Example:
        >>> FrequencyMix(width=8, heads=2)(torch.randn(1, 5, 8))[0].shape
        torch.Size([1, 5, 8])
    """

    promises: ClassVar[Promises] = Promises(
        whole_map=False, because="the map is the attention's, and the filter has none"
    )

    def __init__(
        self, width: int, heads: int = 1, frequencies: int = 3, share: float = 0.7
    ) -> None:
        super().__init__()
        if frequencies < 1:
            raise ConfigurationError(f"frequencies={frequencies} must be 1 or more.")
        if not 0 <= share <= 1:
            raise ConfigurationError(f"share={share} must lie from 0 to 1.")
        self.frequencies, self.share = frequencies, share
        self.attention = ScaledDotProductAttention(width, heads)
        self.root_D = nn.Parameter(torch.randn(width))

    def forward(
        self, states_BLD: Tensor, *, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend and filter; see `regard.attention.contract.Attention`."""
        attended_BLD, map_BHLM = self.attention(states_BLD, need_map=need_map)
        L = states_BLD.shape[1]
        places_1L = torch.arange(L, device=states_BLD.device)[None]
        filter_1LM = low_pass(places_1L, L, self.frequencies).to(states_BLD.dtype)
        return self._mixed(states_BLD, filter_1LM @ states_BLD, attended_BLD), map_BHLM

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """One row of map and filter; see `regard.attention.contract.Attention`."""
        attended_BD = self.attention.newest(states_BLD, lengths_B)
        places_B1 = (lengths_B - 1)[:, None]
        filter_B1M = low_pass(places_B1, states_BLD.shape[1], self.frequencies)
        low_BD = (filter_B1M.to(states_BLD.dtype) @ states_BLD).squeeze(1)
        return self._mixed(pick_newest(states_BLD, lengths_B), low_BD, attended_BD)

    def _mixed(self, states: Tensor, low: Tensor, attended: Tensor) -> Tensor:
        filtered = low + self.root_D**2 * (states - low)
        return self.share * filtered + (1 - self.share) * attended


def low_pass(places_BQ: Tensor, length: int, frequencies: int) -> Tensor:
    """Rows of the matrix that gives the last value of each prefix without its quick part.

    For a prefix of n values, the row is the last one of the real transform, cut to its lowest
    frequencies, and back: `(1/n) Σ_f w_f cos(2π f (i − j) / n)`, with w_f = 1 for the mean and for
    the quickest frequency of an even n, and 2 for those between.

    Args:
        places_BQ: int64: the last place of each prefix.
        length: L, the number of columns.
        frequencies: how many of the lowest pass, the mean included.

    Returns:
        float64 `(B, Q, L)`, zero in the future.

    Example:
        >>> low_pass(torch.tensor([[0, 1, 3]]), 4, frequencies=1).tolist()
        [[[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]]]
    """
    sizes_BQ11 = (places_BQ + 1)[..., None, None]
    back_BQL1 = (places_BQ[..., None] - torch.arange(length, device=places_BQ.device))[..., None]
    waves_F = torch.arange(frequencies, device=places_BQ.device, dtype=torch.float64)
    once = (waves_F == 0) | (2 * waves_F == sizes_BQ11)
    weights_BQ1F = torch.where(once, 1.0, 2.0).masked_fill(2 * waves_F > sizes_BQ11, 0.0)
    cosines_BQLF = (2 * torch.pi * waves_F * back_BQL1 / sizes_BQ11).cos()
    rows_BQL = (weights_BQ1F * cosines_BQLF).sum(-1) / sizes_BQ11[..., 0]
    return rows_BQL.masked_fill(back_BQL1[..., 0] < 0, 0.0)
