"""What every attention mechanism for histories promises."""

from typing import Protocol

from torch import Tensor


class Attention(Protocol):
    """A mechanism that lets each position of a history look at itself and what came before.

    Implementations are `torch.nn.Module`s with plain arguments, usable alone. They promise:

    - causality: the output at a position never depends on later ones;
    - padding on the right is never looked at by a real position;
    - the map, when asked for, is what the output was made of, and its rows sum to one over what a
      position may look at (or the class says why not);
    - with and without the map, the same output within float tolerance.
    """

    def __call__(
        self, states_BLD: Tensor, *, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            states_BLD: float `(B, L, D)`, oldest first, padding on the right.
            need_map: whether to return the attention map; the fused path has none.

        Returns:
            New states `(B, L, D)` and, if asked, the map `(B, H, L, M)`; else None.
        """
        ...

    def newest(self, states_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """What `__call__` gives at the newest event of each history, for an answer.

        Args:
            states_BLD: float `(B, L, D)`, oldest first, padding on the right.
            lengths_B: int64 real events of each history, at least 1.

        Returns:
            New states `(B, D)`, within float tolerance.
        """
        ...
