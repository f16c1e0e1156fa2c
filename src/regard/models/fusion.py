"""How several mechanisms become one: by sum, gate, concatenation or convolution.

::

    states ─┬─ linear ───────┐
            ├─ local window ─┼─ fusion ──►
            └─ graph ────────┘

Formulas, with `oₘ` what mechanism m of n says at a position whose state is `x`:

- sum: `Σₘ oₘ`;
- gate: `Σₘ gₘ oₘ` with `g = softmax(W x + b)`, so that each position decides whom it believes;
- concatenation: `W [o₁ ; ... ; oₙ] + b`, a fully connected layer over all of them;
- convolution: the same over what they said at the last k positions, the position's own included.

Source: the gate is that of Jacobs et al. 1991, "Adaptive Mixtures of Local Experts", equation 1,
with mechanisms for experts; concatenation and a layer over it are how heads are joined in Vaswani
et al. 2017, section 3.2.2, with mechanisms for heads; the convolution is causal, as in WaveNet (van
den Oord et al. 2016, section 2.1).

Cost: for n mechanisms, time `O(n L D)` for sum and gate, `O(n L D²)` for concatenation, `O(k n L
D²)` for convolution.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from typing import ClassVar, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.projection import Projection

_EVENTS = 3
"""How many positions a convolution sees."""


class Fusion(nn.Module, ABC):
    """What makes one state of what several mechanisms said.

    Args:
        width: of the states (`D`).
        parts: number of mechanisms (`n`).
    """

    looks_back: ClassVar[bool] = False
    """Whether it reads what was said at earlier positions too."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.width, self.parts = width, parts

    @abstractmethod
    def forward(self, states: Tensor, said: Sequence[Tensor]) -> Tensor:
        """Fuse.

        Args:
            states: float `(..., D)` that the mechanisms read; `(B, L, D)` for one that looks back.
            said: of each mechanism, of the same shape.

        Returns:
            Of the same shape.
        """


class SumFusion(Fusion):
    """Everybody counts the same.

    Example:
        >>> SumFusion(width=2, parts=2)(torch.zeros(1, 2), [torch.ones(1, 2)] * 2).tolist()
        [[2.0, 2.0]]
    """

    def forward(self, states: Tensor, said: Sequence[Tensor]) -> Tensor:
        """See `Fusion.forward`."""
        del states
        return reduce(torch.add, said)


class GateFusion(Fusion):
    """Each position decides whom it believes; at first all alike.

    Example:
        >>> gate = GateFusion(width=2, parts=2)
        >>> gate(torch.ones(1, 2), [torch.zeros(1, 2), torch.ones(1, 2)]).tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__(width, parts)
        self.gate = nn.Linear(width, parts)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, states: Tensor, said: Sequence[Tensor]) -> Tensor:
        """See `Fusion.forward`."""
        shares = self.gate(states).softmax(-1)
        believed: Tensor = (torch.stack(list(said), dim=-1) * shares.unsqueeze(-2)).sum(-1)
        return believed


class ConcatenationFusion(Fusion):
    """A fully connected layer over all that was said.

    Example:
        >>> fusion = ConcatenationFusion(width=2, parts=3)
        >>> fusion(torch.ones(5, 2), [torch.ones(5, 2)] * 3).shape
        torch.Size([5, 2])
    """

    def __init__(self, width: int, parts: int) -> None:
        super().__init__(width, parts)
        self.mix = Projection(parts * width, width)

    def forward(self, states: Tensor, said: Sequence[Tensor]) -> Tensor:
        """See `Fusion.forward`."""
        del states
        mixed: Tensor = self.mix(torch.cat(list(said), dim=-1))
        return mixed


class ConvolutionFusion(Fusion):
    """A fully connected layer over all that was said at the last few positions.

    Example:
        >>> fusion = ConvolutionFusion(width=2, parts=3)
        >>> fusion(torch.ones(1, 5, 2), [torch.ones(1, 5, 2)] * 3).shape
        torch.Size([1, 5, 2])
    """

    looks_back: ClassVar[bool] = True

    def __init__(self, width: int, parts: int) -> None:
        super().__init__(width, parts)
        self.mix = Projection(_EVENTS * parts * width, width)

    def forward(self, states: Tensor, said: Sequence[Tensor]) -> Tensor:
        """See `Fusion.forward`."""
        del states
        before = F.pad(torch.cat(list(said), dim=-1), (0, 0, _EVENTS - 1, 0))
        mixed: Tensor = self.mix(before.unfold(1, _EVENTS, 1).flatten(2))
        return mixed


FUSIONS: Final[dict[str, type[Fusion]]] = {
    "sum": SumFusion,
    "gate": GateFusion,
    "concatenation": ConcatenationFusion,
    "convolution": ConvolutionFusion,
}
"""Name in recipes -> class."""
