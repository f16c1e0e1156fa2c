"""Exact cross-entropy over the whole catalogue, in slices that stay in the cache.

Formula: `-log softmax(s·Eᵀ + b)[target]`, averaged over targets; padding and the unknown item take
no part in the softmax, since they are never recommended.

Source: the softmax loss that GRU4Rec and BERT4Rec train on (Sun et al. 2019, equation 8), and that
lifts SASRec above its published numbers (Klenitskiy & Vasilev 2023, "Turning Dross Into Gold
Loss").

Cost: time `O(T N D)`; memory `O(rows N)` instead of `O(T N)`: a slice of scores is made, turned
into its gradient in place and multiplied away before the next, so the `(T, N)` matrix never exists.
The gradient is thus made in the forward pass, and the backward pass only scales it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.errors import ModelInputError
from regard.losses.contract import ItemTable
from regard.schema import FIRST_CODE

_SLICE_BYTES = 4 * 2**20
"""Scores made at a time: as much as a processor's second-level cache keeps close."""
_LEAST_ROWS = 128
"""Fewer would read the whole item table for next to nothing (`benchmarks/cross_entropy.py`)."""
_MOST_BYTES = 256 * 2**20
"""What a slice may take at most, so that millions of items do not fill the memory."""


def _rows_at_a_time(items: int, width: int) -> int:
    """Rows of a slice of scores.

    Args:
        items: columns.
        width: bytes of one score.
    """
    row = items * width
    return max(1, _SLICE_BYTES // row, min(_LEAST_ROWS, _MOST_BYTES // row))


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

    def __call__(self, states_TD: Tensor, table: ItemTable, targets_T: Tensor) -> Tensor:
        """See `regard.losses.contract.Loss`."""
        check_targets(targets_T, table.vectors_ND.shape[0])
        apply: Callable[..., Tensor] = _SlicedCrossEntropy.apply
        return apply(states_TD, table.vectors_ND, table.bias_N, targets_T)


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
        ctx: Any, states_TD: Tensor, vectors_ND: Tensor, bias_N: Tensor | None, targets_T: Tensor
    ) -> Tensor:
        items_ID = vectors_ND[FIRST_CODE:]
        columns_T1 = (targets_T - FIRST_CODE)[:, None]
        T = states_TD.shape[0]
        grad_states_TD = torch.empty_like(states_TD)
        grad_vectors_ND = torch.zeros_like(vectors_ND)
        grad_bias_N = None if bias_N is None else torch.zeros_like(bias_N)
        total = states_TD.new_zeros((), dtype=torch.float64)
        rows = _rows_at_a_time(items_ID.shape[0], states_TD.element_size())
        buffer = states_TD.new_empty(min(rows, T), items_ID.shape[0])
        for start in range(0, T, rows):
            stretch = slice(start, start + rows)
            scores = torch.mm(states_TD[stretch], items_ID.T, out=buffer[: min(rows, T - start)])
            if bias_N is not None:
                scores.add_(bias_N[FIRST_CODE:])
            total += _to_gradient(scores, columns_T1[stretch])
            torch.mm(scores, items_ID, out=grad_states_TD[stretch])
            grad_vectors_ND[FIRST_CODE:].addmm_(scores.T, states_TD[stretch])
            if grad_bias_N is not None:
                grad_bias_N[FIRST_CODE:] += scores.sum(dim=0)
        ctx.targets = T
        ctx.save_for_backward(grad_states_TD, grad_vectors_ND, grad_bias_N)
        return (total / T).to(states_TD.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        scale = grads[0] / ctx.targets
        states, vectors, bias = ctx.saved_tensors
        return states * scale, vectors * scale, None if bias is None else bias * scale, None


def _to_gradient(scores: Tensor, columns: Tensor) -> Tensor:
    """Turn scores `(rows, items)` into `softmax - one_hot` in place.

    Returns:
        The summed loss of the rows, float64.
    """
    scores.sub_(scores.amax(dim=1, keepdim=True))
    targets = scores.gather(1, columns)
    sums = scores.exp_().sum(dim=1, keepdim=True)
    scores.div_(sums)
    scores.scatter_add_(1, columns, -torch.ones_like(targets))
    return (sums.log() - targets).sum(dtype=torch.float64)
