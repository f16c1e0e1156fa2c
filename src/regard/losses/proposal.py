"""Where sampled items come from: partly those that are popular, partly anyone."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.errors import ConfigurationError
from regard.schema import FIRST_CODE


class Proposal:
    """Draws items with replacement, an item's chance being a mixture of two.

    ::

        q(item) = (1 - uniform) * count(item) / all counts + uniform / items

    The first part finds the items that a model is sure to confuse with the target; the second
    bounds how much an item that is drawn must stand for (`1 / q`), and so the noise.

    Draws come from torch's generator on the processor, whose state checkpoints keep. A draw is a
    search in cumulated chances, made once: its cost does not grow with the catalogue but for the
    logarithm.

    Args:
        counts: `(N - 2,)` occurrences of each item in the training part, by ascending code.
        uniform: share of draws in which all items have equal chances, above 0 and at most 1.

    Raises:
        ConfigurationError: the share is out of its range, or there is no item.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> proposal = Proposal(np.array([7, 2, 1]), uniform=0.5)
        >>> set(proposal.draw(100).tolist())
        {2, 3, 4}
        >>> proposal.chances(torch.tensor([2, 3, 4])).mul(60).round().tolist()
        [31.0, 16.0, 13.0]
    """

    def __init__(self, counts: NDArray[np.int64], uniform: float = 0.5) -> None:
        if not 0 < uniform <= 1:
            raise ConfigurationError(f"uniform={uniform} must be above 0 and at most 1.")
        if len(counts) == 0 or counts.min() < 0 or counts.sum() == 0:
            raise ConfigurationError("Items are drawn by their counts; some count must be above 0.")
        # Not 32 bits: 10 million chances must each leave a step in the sum.
        chances = (1 - uniform) * (counts / counts.sum()) + uniform / len(counts)
        self._chances = torch.from_numpy(chances)
        self._cumulated = self._chances.cumsum(0)

    def draw(self, count: int) -> Tensor:
        """Some items.

        Args:
            count: how many (`K`).

        Returns:
            int64 codes `(K,)` on the processor.
        """
        places = torch.rand(count, dtype=torch.float64, device="cpu") * self._cumulated[-1]
        index = torch.searchsorted(self._cumulated, places, right=True)
        index.clamp_(max=len(self._cumulated) - 1)
        return index + FIRST_CODE

    def chances(self, codes: Tensor) -> Tensor:
        """Chance of each item in one draw, float64, for int64 codes of items."""
        return self._chances[codes - FIRST_CODE]
