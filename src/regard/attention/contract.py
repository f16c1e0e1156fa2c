"""What every attention mechanism for histories promises, and every network made of them."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Promises:
    """Where a mechanism differs from the plain contract; tests and models read it.

    Attributes:
        causal: whether the output at a position never depends on later ones. A mechanism that is
            not looks at the whole history from everywhere, so only its newest state may be
            compared with what came next: it suits an objective that asks about the newest event
            of each row, or about events that it hides, and no other. It takes `lengths_B` besides
            the states.
        needs: names of what else it is given as keywords, such as `times_BL`.
        needs_clock: whether it refuses to read without times; one that names `times_BL` and does
            not need a clock reads a log that carries only an order by positions alone.
        bounded: whether a mechanism refuses histories of more events than its option `longest`,
            where that is given; a network refuses such histories anyway.
        has_map: whether there is a map at all; a network without attention has none.
        rows_sum_to_one: whether the values of a row of the map are shares.
        whole_map: whether the map shows all that an output was made of, or a part of it.
        because: why not, where one of the last three does not hold.

    Example:
        >>> Promises().causal, Promises(needs=("times_BL",)).needs
        (True, ('times_BL',))
    """

    causal: bool = True
    needs: tuple[str, ...] = ()
    needs_clock: bool = False
    bounded: bool = False
    has_map: bool = True
    rows_sum_to_one: bool = True
    whole_map: bool = True
    because: str = ""


def promises_of(mechanism: object) -> Promises:
    """What a mechanism promises; one that says nothing keeps the plain contract.

    Args:
        mechanism: a class of mechanisms, or a module.

    Example:
        >>> promises_of(object()).causal
        True
    """
    told = getattr(mechanism, "promises", None)
    return told if isinstance(told, Promises) else Promises()


class Attention(Protocol):
    """A mechanism that lets each position of a history look at itself and what came before.

    Implementations are `torch.nn.Module`s with plain arguments, usable alone. They promise:

    - causality: the output at a position never depends on later ones;
    - padding on the right is never looked at by a real position;
    - the map, when asked for, is what the output was made of, and its rows sum to one over what a
      position may look at;
    - with and without the map, the same output within float tolerance.

    One that promises less, or needs more than states, says so in `promises`.
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


class TimedAttention(Protocol):
    """An `Attention` that also looks at the clock (`Promises.needs` names `times_BL`)."""

    def __call__(
        self, states_BLD: Tensor, *, need_map: bool = False, times_BL: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; `times_BL` are float64 UTC seconds, never falling, any number at padding."""
        ...

    def newest(
        self, states_BLD: Tensor, lengths_B: Tensor, *, times_BL: Tensor | None = None
    ) -> Tensor:
        """What `__call__` gives at the newest event of each history."""
        ...


class ItemAttention(Protocol):
    """An `Attention` that also looks at which items the events were of (`items_BL`)."""

    def __call__(
        self, states_BLD: Tensor, *, items_BL: Tensor, need_map: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; `items_BL` are int64 codes, 0 at padding."""
        ...

    def newest(self, states_BLD: Tensor, lengths_B: Tensor, *, items_BL: Tensor) -> Tensor:
        """What `__call__` gives at the newest event of each history."""
        ...


class CandidateAttention(Protocol):
    """A mechanism that reads a history anew for each candidate."""

    def __call__(
        self,
        states_BLD: Tensor,
        candidates_BCD: Tensor,
        lengths_B: Tensor,
        *,
        need_map: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            states_BLD: float `(B, L, D)`, oldest first, padding on the right.
            candidates_BCD: float vectors of the candidates.
            lengths_B: int64 real events of each history, at least 1.
            need_map: whether to return the map.

        Returns:
            The history as each candidate sees it `(B, C, D)` and, if asked, the map `(B, C, M)`.
        """
        ...
