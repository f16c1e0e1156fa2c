"""Rotary positions: likeness that depends on how far apart two events are, without a table.

Idea: a query and a key are turned, pair of numbers by pair, by an angle that grows with their
place; their product then knows only the difference of the two places.

Formula: with `ωₚ = base^(−2p/K)` for p = 0 ... K/2 − 1, the pair `(x, y)` of the numbers p and p +
K/2 at place i becomes `(x cos iωₚ − y sin iωₚ, x sin iωₚ + y cos iωₚ)`.

Source: Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", section
3.2, equations 14, 15 and 34. Differs from the paper in which numbers make a pair: the halves of a
head instead of neighbours, which is the same up to an order of the columns of two matrices.

Cost: time and memory `O(L D)`; no parameters.
"""

import torch
from torch import Tensor

from regard.attention.positions import Distances
from regard.errors import ConfigurationError


class RotaryPositions(Distances):
    """Turns queries and keys by their place.

    Args:
        base: the slowest pair turns about once in `2π base` places. Histories are shorter than
            texts, but 10,000, the paper's, harms none of them.

    Raises:
        ConfigurationError: `base` is not above 1.

    Example:
        >>> from regard.attention.scaled_dot_product import ScaledDotProductAttention
        >>> attention = ScaledDotProductAttention(8, heads=2, positions=RotaryPositions())
        >>> attention(torch.randn(1, 3, 8))[0].shape
        torch.Size([1, 3, 8])
    """

    def __init__(self, base: float = 10_000.0) -> None:
        super().__init__()
        if not base > 1:
            raise ConfigurationError(f"base={base} of rotary positions must be above 1.")
        self.base = base

    def turn(self, parts_BHLK: Tensor, places_BL: Tensor) -> Tensor:
        """See `regard.attention.positions.Distances`.

        Raises:
            ConfigurationError: the width of a head is odd.
        """
        K = parts_BHLK.shape[-1]
        if K % 2:
            raise ConfigurationError(
                f"Rotary positions turn pairs of numbers, but a head has {K}; choose width and "
                "heads such that width / heads is even."
            )
        # Not bfloat16: a place times a frequency must keep its fraction of a turn.
        exact = torch.promote_types(parts_BHLK.dtype, torch.float32)
        pairs = torch.arange(0, K, 2, device=parts_BHLK.device, dtype=exact)
        angles_BLP = places_BL[..., None] * self.base ** (-pairs / K)
        cos_B1LP = angles_BLP.cos().to(parts_BHLK.dtype)[:, None]
        sin_B1LP = angles_BLP.sin().to(parts_BHLK.dtype)[:, None]
        first, second = parts_BHLK.chunk(2, dim=-1)
        turned = first * cos_B1LP - second * sin_B1LP, first * sin_B1LP + second * cos_B1LP
        return torch.cat(turned, dim=-1)
