"""Dropout whose mask costs little: eight positions per random number instead of one.

Drawing a Bernoulli number for each value is dear on a processor, dear enough to show beside the
matrix products of a small network. One 64-bit random number holds eight bytes, each a draw of its
own.

Source: Srivastava et al. 2014; differs in that the probability is rounded to a multiple of 1/256.
"""

import torch
from torch import Tensor, nn

from regard.errors import ConfigurationError


class ByteDropout(nn.Module):
    """Zero each value with probability `p` while training and scale the rest by `1 / (1 - p)`.

    Args:
        p: probability, rounded to a multiple of 1/256, at most 255/256.

    Raises:
        ConfigurationError: `p` is not a probability below 1.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> dropped = ByteDropout(0.25)(torch.ones(100_000))
        >>> round(float((dropped == 0).float().mean()), 2), round(float(dropped.mean()), 2)
        (0.25, 1.0)
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ConfigurationError(f"dropout={p} must be at least 0 and less than 1.")
        self.threshold = min(round(p * 256), 255)

    def forward(self, values: Tensor) -> Tensor:
        """Values of the same shape, some of them zero."""
        if not self.training or self.threshold == 0:
            return values
        words = torch.empty((values.numel() + 7) // 8, dtype=torch.int64, device=values.device)
        words.random_(-(2**63), None)
        draws = words.view(torch.uint8)[: values.numel()].view(values.shape)
        # Compared right into numbers: a Boolean mask on the way would cost more than the draws.
        keep = torch.ge(draws, self.threshold, out=torch.empty_like(values, requires_grad=False))
        return values * keep.mul_(256 / (256 - self.threshold))
