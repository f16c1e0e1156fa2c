"""Linear biases (ALiBi): what lies further back counts less, at a speed of its own in each head.

Idea: a line that falls with distance is added to the scores; heads differ in how steep it is.

Formula: `scoreᵢⱼ − sₕ (i − j)` with `sₕ = 2^(−8h/H)`, h = 1 ... H.

Source: Press et al. 2022, "Train Short, Test Long: Attention with Linear Biases Enables Input
Length Extrapolation", section 3. As there the slopes are fixed; for a number of heads that is no
power of two the same formula is used, where the paper's code interleaves two geometric series.

Cost: `O(H L²)` to make, once a call and not once a history; no parameters.
"""

import torch
from torch import Tensor

from regard.attention.positions import Distances
from regard.errors import ConfigurationError


class LinearBiases(Distances):
    """Adds a line that falls with distance.

    Args:
        heads: number of heads (`H`) of the attention that it is given to.

    Raises:
        ConfigurationError: `heads` is below 1.

    Example:
        >>> LinearBiases(heads=2).added(torch.tensor([[[2, 1, 0]]])).tolist()
        [[[[-0.125, -0.0625, -0.0]], [[-0.0078125, -0.00390625, -0.0]]]]
    """

    slopes_H: Tensor

    def __init__(self, heads: int) -> None:
        super().__init__()
        if heads < 1:
            raise ConfigurationError(f"heads={heads} of linear biases must be 1 or more.")
        steps = torch.arange(1, heads + 1, dtype=torch.float32)
        # Not part of what is saved, since it follows from the argument.
        self.register_buffer("slopes_H", 2.0 ** (-8 * steps / heads), persistent=False)

    def added(self, distances_BQM: Tensor) -> Tensor:
        """See `regard.attention.positions.Distances`."""
        return -self.slopes_H[:, None, None] * distances_BQM[:, None]
