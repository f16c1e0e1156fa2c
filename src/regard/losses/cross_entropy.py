"""Exact cross-entropy over the whole catalogue, in slices that stay in the cache.

Formula: `-log softmax(s·Eᵀ + b)[target]`, averaged over targets; padding and the unknown item take
no part in the softmax, since they are never recommended.

Source: the softmax loss that GRU4Rec and BERT4Rec train on (Sun et al. 2019, equation 8), and that
lifts SASRec above its published numbers (Klenitskiy & Vasilev 2023, "Turning Dross Into Gold
Loss").

Cost: time `O(T N D)`; memory `O(rows N)` instead of `O(T N)`: a slice of scores is made, turned
into its gradient in place and multiplied away before the next, so the `(T, N)` matrix never exists.
The gradient is thus made in the forward pass, and the backward pass only scales it. Where even a
few rows of scores are large, blocks of the catalogue take the place of whole rows: the softmax's
sums first, then the scores once more, a third more work in memory that no longer depends on `N`.

Under `torch.autocast` the factors of all products are of its type (bfloat16: 8 bits of precision),
the sums of gradients and the loss stay as they are (`benchmarks/losses.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from regard.errors import ModelInputError
from regard.losses.contract import ItemTable, Narrowed
from regard.schema import FIRST_CODE

_SLICE_BYTES = 16 * 2**20
"""Scores made at a time: fewer would pay too often for the beginnings of products."""
_LEAST_ROWS = 128
"""Fewer would read the whole item table for next to nothing (`benchmarks/losses.py`)."""
_MOST_BYTES = 64 * 2**20
"""Whole rows of scores may take this much; beyond it the catalogue is cut into blocks."""
_BLOCK_ROWS, _BLOCK_ITEMS = 512, 4096
"""Scores made at a time where the catalogue is cut."""
_FILLED_ROWS = 64
"""Low factors: slices of a multiple of this; why, says `regard.attention.projection`."""
_VANISHED = 1e-30
"""A smaller probability has lost digits, so that its logarithm is made from scores again; so has a
sum of exponentials that is smaller, or larger than the inverse."""


def _rows_at_a_time(items: int, width: int) -> int:
    """Rows of a slice of whole rows of scores, or 0 where the catalogue must be cut.

    Args:
        items: columns.
        width: bytes of one score.
    """
    row = items * width
    if _LEAST_ROWS * row > _MOST_BYTES:
        return 0
    fitting = _SLICE_BYTES // row
    return max(_LEAST_ROWS, fitting - fitting % _FILLED_ROWS if fitting > _FILLED_ROWS else fitting)


class CrossEntropy:
    """Exact softmax cross-entropy against every item of the catalogue.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> states_TD, vectors_ND = torch.randn(4, 8), torch.randn(10, 8)
        >>> targets_T = torch.tensor([2, 5, 9, 3])
        >>> loss = CrossEntropy()(states_TD, ItemTable(vectors_ND), targets_T)
        >>> scores_TN = states_TD @ vectors_ND[2:].T
        >>> torch.allclose(loss, torch.nn.functional.cross_entropy(scores_TN, targets_T - 2))
        True
    """

    def __call__(self, states_TD: Tensor | Narrowed, table: ItemTable, targets_T: Tensor) -> Tensor:
        """See `regard.losses.contract.Loss`."""
        narrowed = states_TD if isinstance(states_TD, Narrowed) else None
        states_TD = states_TD.states_TD if isinstance(states_TD, Narrowed) else states_TD
        vectors_ND = table.vectors_ND
        check_targets(targets_T, vectors_ND.shape[0])
        kind = states_TD.device.type
        low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
        apply: Callable[..., Tensor] = _SlicedCrossEntropy.apply
        with torch.autocast(kind, enabled=False):
            states_TD = states_TD.to(vectors_ND.dtype)
            return apply(states_TD, vectors_ND, table.bias_N, targets_T, low, narrowed)


def check_targets(targets_T: Tensor, catalogue_size: int) -> None:
    """Refuse what no loss can learn from.

    Args:
        targets_T: int64 `(T,)`.
        catalogue_size: N.

    Raises:
        ModelInputError: there is no target, or a code is not a real item's.
    """
    if targets_T.numel() == 0:
        raise ModelInputError(
            "A loss needs at least one target; this batch has none. Histories need two events or "
            "more, of items that the vocabulary knows."
        )
    low, high = int(targets_T.min()), int(targets_T.max())
    if low < FIRST_CODE or high >= catalogue_size:
        raise ModelInputError(
            f"Targets must be codes from {FIRST_CODE} to {catalogue_size - 1}; received "
            f"{low} to {high}. Encode items with the vocabulary of the model."
        )


class _SlicedCrossEntropy(torch.autograd.Function):
    """Loss and gradients together, one slice of rows after the other."""

    @staticmethod
    def forward(
        ctx: Any,
        states_TD: Tensor,
        vectors_ND: Tensor,
        bias_N: Tensor | None,
        targets_T: Tensor,
        low: torch.dtype | None,
        narrowed: Narrowed | None,
    ) -> Tensor:
        factor = low or states_TD.dtype
        work = _Work.of(states_TD, vectors_ND, bias_N, targets_T, factor, narrowed)
        rows = _rows_at_a_time(vectors_ND.shape[0] - FIRST_CODE, work.factor.itemsize)
        total = _whole_rows(work, rows) if rows else _blocks(work)
        T = states_TD.shape[0]
        for each in (work.grad_states_TD, work.grad_vectors_ND, work.grad_bias_N):
            if each is not None:
                each.div_(T)
        ctx.save_for_backward(work.grad_states_TD, work.grad_vectors_ND, work.grad_bias_N)
        return (total / T).to(states_TD.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        # A table's gradient is as large as the table: it is copied only where a factor asks for it.
        scaled = (
            each if each is None or grads[0] == 1 else each * grads[0] for each in ctx.saved_tensors
        )
        return *scaled, None, None, None


@dataclass(frozen=True)
class _Work:
    """What is multiplied, in the type of the factors, and where the gradients are summed up.

    The states may be filled up with rows that are nobody's.
    """

    states_TD: Tensor
    items_ID: Tensor
    bias_I: Tensor | None
    columns_T1: Tensor
    factor: torch.dtype
    narrowed: Narrowed | None
    grad_states_TD: Tensor
    grad_vectors_ND: Tensor
    grad_bias_N: Tensor | None

    @classmethod
    def of(
        cls,
        states_TD: Tensor,
        vectors_ND: Tensor,
        bias_N: Tensor | None,
        targets_T: Tensor,
        factor: torch.dtype,
        narrowed: Narrowed | None,
    ) -> "_Work":
        """Nothing is copied but the states, where the factors are of another type."""
        low = factor != states_TD.dtype
        missing = -len(states_TD) % _FILLED_ROWS if low else 0
        return cls(
            nn.functional.pad(states_TD.to(factor), (0, 0, 0, missing)),
            vectors_ND[FIRST_CODE:],
            None if bias_N is None else bias_N[FIRST_CODE:],
            (targets_T - FIRST_CODE)[:, None],
            factor,
            narrowed,
            torch.zeros_like(states_TD),
            torch.zeros_like(vectors_ND),
            None if bias_N is None else torch.zeros_like(bias_N),
        )

    def add(
        self,
        grads: Tensor,
        part: slice,
        block: slice,
        items: Tensor,
        factors_R1: Tensor | None = None,
    ) -> None:
        """Multiply a slice's gradients of scores away.

        Args:
            grads: `(rows, columns)` in the type of the factors; zero in filled-up rows.
            part: the rows.
            block: the columns.
            items: the factors of these columns.
            factors_R1: what each row is yet to be multiplied by, if by anything.
        """
        of_states, states = self.grad_states_TD[part], self.states_TD[part]
        products = torch.mm(grads, items)[: len(of_states)]
        of_states += products if factors_R1 is None else products.mul_(factors_R1)
        # Of two factors of a product, the smaller one is multiplied.
        states = states if factors_R1 is None else states * factors_R1
        into = self.grad_vectors_ND[FIRST_CODE:][block]
        if into.dtype == self.factor:
            into.addmm_(grads.T, states)
        else:
            # Twice transposed: a library multiplies the small factor's transpose faster.
            into += torch.mm(states.T, grads).T
        if self.grad_bias_N is not None:
            self.grad_bias_N[FIRST_CODE:][block] += (
                grads.sum(dim=0, dtype=into.dtype)
                if factors_R1 is None
                else torch.mv(grads.T, factors_R1[:, 0])
            )

    def leave_out(self, scores: Tensor, part: slice, block: slice) -> None:
        """Put minus infinity where an item is no candidate.

        Args:
            scores: of these rows and columns.
            part: the rows.
            block: the columns.
        """
        if self.narrowed is None:
            return
        row_P, code_P = self.narrowed.within(part)
        column_P = code_P - FIRST_CODE - block.start
        if block.stop - block.start < len(self.items_ID):
            here = (column_P >= 0) & (column_P < block.stop - block.start)
            row_P, column_P = row_P[here], column_P[here]
        scores[row_P, column_P] = -torch.inf

    @property
    def low(self) -> bool:
        """Whether the factors have few digits."""
        return self.factor.itemsize < torch.float32.itemsize


def _whole_rows(work: _Work, rows: int) -> Tensor:
    """Loss of all rows, summed, float64; each slice holds the whole catalogue."""
    items_ID, everything = work.items_ID.to(work.factor), slice(None)
    filled = len(work.states_TD)
    rows = _evenly(filled, rows)
    buffer = work.states_TD.new_empty(min(rows, filled), len(items_ID))
    total = work.states_TD.new_zeros((), dtype=torch.float64)
    for part in _stretches(filled, rows):
        one = _Slice(work, part, items_ID, buffer)
        total += one.to_gradient()
        work.add(one.scores_RI, part, everything, items_ID, one.factors_R1)
    return total


class _Slice:
    """Some rows of scores, which become their gradient, up to a factor for each row.

    Args:
        work: what it is part of.
        part: the rows, filled-up ones included.
        items_ID: all items, in the type of the factors.
        buffer: where scores are made.

    Attributes:
        scores_RI: scores, and then their gradient.
        factors_R1: what the gradient is yet to be multiplied by; None for nothing.
    """

    def __init__(self, work: _Work, part: slice, items_ID: Tensor, buffer: Tensor) -> None:
        self.work, self.items_ID, self.part = work, items_ID, part
        self.states_RD, self.columns_R1 = work.states_TD[part], work.columns_T1[part]
        self.scores_RI = buffer[: len(self.states_RD)]
        self.factors_R1: Tensor | None = None

    def to_gradient(self) -> Tensor:
        """Make scores and turn them into `softmax - one_hot`, divided by `factors_R1`.

        Returns:
            The summed loss of the real rows, float64.
        """
        self._score(self.scores_RI)
        losses_R1 = None if self.work.low else self._by_exponentials()
        if losses_R1 is None:
            losses_R1 = self._by_softmax()
        return losses_R1.sum()

    def _score(self, into_RI: Tensor) -> Tensor:
        """Scores, written into something; returned as well."""
        torch.mm(self.states_RD, self.items_ID.T, out=into_RI)
        if self.work.bias_I is not None:
            into_RI += self.work.bias_I
        self.work.leave_out(into_RI, self.part, slice(0, len(self.items_ID)))
        return into_RI

    def _by_exponentials(self) -> Tensor | None:
        """One pass where a softmax takes three: nothing is subtracted before, nothing divided.

        Returns:
            Losses, float64 `(R, 1)`; None, and scores as before, where these lie too far from zero.
        """
        scores_RI, columns_R1 = self.scores_RI, self.columns_R1
        own_R1 = scores_RI.gather(1, columns_R1)
        sums_R1 = scores_RI.exp_().sum(dim=1, keepdim=True)
        least, most = sums_R1.aminmax()
        if not (least > _VANISHED and most < 1 / _VANISHED):
            self._score(scores_RI)
            return None
        self._put(scores_RI.gather(1, columns_R1) - sums_R1)
        self.factors_R1 = sums_R1.reciprocal()
        return sums_R1.double().log() - own_R1

    def _by_softmax(self) -> Tensor:
        """Gradients as they are, filled-up rows zero; losses, float64 `(R, 1)`."""
        scores_RI, columns_R1 = self.scores_RI, self.columns_R1
        real = scores_RI[: len(columns_R1)]
        own_R1 = real.gather(1, columns_R1)
        torch.softmax(scores_RI, dim=1, out=scores_RI)
        scores_RI[len(columns_R1) :] = 0
        likely_R1 = real.gather(1, columns_R1)
        losses_R1 = -likely_R1.double().log()
        lost_R = (likely_R1 < _VANISHED).flatten()
        if lost_R.any():
            again_RI = self._score(torch.empty_like(scores_RI))[: len(columns_R1)][lost_R]
            losses_R1[lost_R] = again_RI.double().logsumexp(1, keepdim=True) - own_R1[lost_R]
        self._put(likely_R1 - 1)
        return losses_R1

    def _put(self, values_R1: Tensor) -> None:
        """What stands in the columns of the targets."""
        # Not scatter_, which on a processor copies all of what it changes a little of.
        rows_R = torch.arange(len(values_R1), device=values_R1.device)
        self.scores_RI[rows_R, self.columns_R1[:, 0]] = values_R1[:, 0]


def _evenly(filled: int, most: int) -> int:
    """Rows of each slice, at most so many: two of 2,048 take less time than 2,432 and 1,664."""
    slices = -(-filled // most)
    return min(most, -(-filled // (slices * _FILLED_ROWS)) * _FILLED_ROWS)


def _blocks(work: _Work) -> Tensor:
    """Loss of all rows, summed, float64; scores of a block of the catalogue at a time."""
    T, items = len(work.columns_T1), len(work.items_ID)
    exact = work.grad_states_TD.dtype
    total = work.states_TD.new_zeros((), dtype=torch.float64)
    for part in _stretches(T, _BLOCK_ROWS):
        columns_T1 = work.columns_T1[part]
        norms_T1 = own_T1 = work.states_TD.new_full(columns_T1.shape, -torch.inf, dtype=exact)
        for block in _stretches(items, _BLOCK_ITEMS):
            scores, _ = _scores(work, part, block)
            norms_T1 = torch.logaddexp(norms_T1, scores.logsumexp(1, keepdim=True))
            here = (columns_T1 >= block.start) & (columns_T1 < block.stop)
            inside = (columns_T1 - block.start).clamp(0, scores.shape[1] - 1)
            own_T1 = torch.where(here, scores.gather(1, inside), own_T1)
        total += (norms_T1.double() - own_T1).sum()
        for block in _stretches(items, _BLOCK_ITEMS):
            scores, factors = _scores(work, part, block)
            scores.sub_(norms_T1).exp_()
            row, _ = torch.nonzero(
                (columns_T1 >= block.start) & (columns_T1 < block.stop), as_tuple=True
            )
            scores[row, columns_T1[row, 0] - block.start] -= 1
            work.add(scores.to(work.factor), part, block, factors)
    return total


def _scores(work: _Work, part: slice, block: slice) -> tuple[Tensor, Tensor]:
    """Scores of some rows and columns in the exact type, and the factors of the columns."""
    factors = work.items_ID[block].to(work.factor)
    scores = torch.mm(work.states_TD[part], factors.T).to(work.grad_states_TD.dtype)
    if work.bias_I is not None:
        scores += work.bias_I[block]
    work.leave_out(scores, part, block)
    return scores, factors


def _stretches(length: int, size: int) -> Iterator[slice]:
    """Consecutive slices that cover a length."""
    return (slice(start, min(start + size, length)) for start in range(0, length, size))
