"""Softmax over the target and a sample of the catalogue: a step costs the same at any size.

For a target `t` with score `z_t`, and K items drawn from a proposal `q` for the whole step::

    loss = log(exp(z_t) + sum of exp(z_n) / (K q_n) over draws n other than t) - z_t

What is summed over the draws is an unbiased estimate of the sum over all other items, so value and
gradient approach those of exact cross-entropy as K grows (`log(K q)` is the logQ correction). Two
points that are easily missed: the target is not corrected, since it is there for sure and not by
chance; and a draw that hits the target is left out, since the target is counted already.

Sources: Bengio & Senecal 2008, "Adaptive Importance Sampling to Accelerate Training of a Neural
Probabilistic Language Model" (the estimate); Yi et al. 2019, "Sampling-Bias-Corrected Neural
Modeling for Large Corpus Item Recommendations" (negatives shared by a batch, logQ); Khrylchenko et
al. 2025, "Correcting the LogQ Correction" (the target without correction); Wu et al. 2024, "On the
Effectiveness of Sampled Softmax Loss for Item Recommendation" (why it suits ranking).

Cost: time `O(T K D)`; memory: a slice of scores and the rows of the table that are read, which are
the only ones in the gradient of the table. Under `torch.autocast` the factors of the large products
are of its type, all else stays as it is.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from regard.errors import ConfigurationError
from regard.losses.contract import ItemTable, Narrowed
from regard.losses.cross_entropy import check_targets
from regard.losses.proposal import Proposal

_SLICE_BYTES = 4 * 2**20
"""Scores made at a time: as much as a processor's second-level cache keeps close."""


class SampledSoftmax:
    """Cross-entropy against a sample of the catalogue, drawn anew at each call.

    Args:
        counts: `(N - 2,)` occurrences of each item in the training part, by ascending code.
        negatives: items drawn in a step (`K`), with replacement, shared by all targets.
        uniform: share of them for which all items have equal chances; see `Proposal`.
        sparse: whether the gradient of the table holds only the rows that were read, which needs
            an optimiser that knows such gradients.

    Raises:
        ConfigurationError: a number is out of its range.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> states_TD, vectors_ND = torch.randn(4, 8), torch.randn(1002, 8, requires_grad=True)
        >>> loss = SampledSoftmax(np.ones(1000, np.int64), negatives=20)
        >>> loss(states_TD, ItemTable(vectors_ND), torch.tensor([2, 5, 9, 3])).backward()
        >>> vectors_ND.grad.coalesce().indices().shape[1] <= 24
        True
    """

    def __init__(
        self,
        counts: NDArray[np.int64],
        negatives: int = 4096,
        *,
        uniform: float = 0.5,
        sparse: bool = True,
    ) -> None:
        if negatives < 1:
            raise ConfigurationError(f"negatives={negatives} must be 1 or more.")
        self.proposal = Proposal(counts, uniform)
        self.negatives = negatives
        self.sparse = sparse

    def __call__(self, states_TD: Tensor | Narrowed, table: ItemTable, targets_T: Tensor) -> Tensor:
        """See `regard.losses.contract.Loss`."""
        check_targets(targets_T, table.vectors_ND.shape[0])
        return self.against(states_TD, table, targets_T, self.proposal.draw(self.negatives))

    def against(
        self,
        states_TD: Tensor | Narrowed,
        table: ItemTable,
        targets_T: Tensor,
        drawn_K: Tensor,
    ) -> Tensor:
        """The loss against given draws.

        Args:
            states_TD: float `(T, D)`, perhaps with what are no candidates for each.
            table: of the catalogue.
            targets_T: int64 `(T,)`.
            drawn_K: int64 `(K,)` codes on the processor; one may come several times.

        Returns:
            A scalar tensor with a gradient.
        """
        narrowed = states_TD if isinstance(states_TD, Narrowed) else None
        states_TD = states_TD.states_TD if isinstance(states_TD, Narrowed) else states_TD
        kind = states_TD.device.type
        low = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
        states_TD = states_TD.to(table.vectors_ND.dtype)
        codes, shift = self._corrected(drawn_K, states_TD)
        own = self._rows(table.vectors_ND, targets_T)
        others = self._rows(table.vectors_ND, codes)
        own_bias = states_TD.new_zeros(len(targets_T))
        if table.bias_N is not None:
            own_bias = self._rows(table.bias_N, targets_T)
            shift = shift + self._rows(table.bias_N, codes)
        hits_T = torch.searchsorted(codes, targets_T).clamp_(max=len(codes) - 1)
        hits_T = torch.where(codes[hits_T] == targets_T, hits_T, -1)
        drawn = None if narrowed is None else _among(narrowed, codes)
        apply: Callable[..., Tensor] = _SlicedSoftmax.apply
        with torch.autocast(kind, enabled=False):
            return apply(states_TD, own, own_bias, others, shift, hits_T, low, drawn)

    def _corrected(self, drawn_K: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Each drawn item once, and what is added to its score; of the kind of another tensor."""
        codes, times = drawn_K.unique(return_counts=True)  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        # An item drawn m times enters the sum m times, each with 1 / (K q).
        shift = (times / (len(drawn_K) * self.proposal.chances(codes))).log().to(like)
        return codes.to(like.device), shift

    def _rows(self, table: Tensor, codes: Tensor) -> Tensor:
        # Where the table was computed from something else, its gradient must go on, and is dense.
        if not (self.sparse and table.is_leaf):
            return table.index_select(0, codes)
        apply: Callable[..., Tensor] = _Rows.apply
        return apply(table, codes)


class _Rows(torch.autograd.Function):
    """Rows of a table, whose gradient holds these rows and no others."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, codes: Tensor) -> Tensor:
        ctx.shape = table.shape
        ctx.save_for_backward(codes)
        return table.index_select(0, codes)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        [codes] = ctx.saved_tensors
        rows = torch.sparse_coo_tensor(codes[None], grads[0], ctx.shape, check_invariants=False)
        return rows, None


class _SlicedSoftmax(torch.autograd.Function):
    """Loss and gradients together, one slice of targets after the other."""

    @staticmethod
    def forward(
        ctx: Any,
        states_TD: Tensor,
        own_TD: Tensor,
        bias_T: Tensor,
        others_KD: Tensor,
        shift_K: Tensor,
        hits_T: Tensor,
        low: torch.dtype | None,
        drawn: Narrowed | None,
    ) -> Tensor:
        T, K = len(states_TD), len(others_KD)
        own_T = (states_TD * own_TD).sum(1) + bias_T
        grad_own_T, grad_states_TD = torch.empty_like(own_T), torch.empty_like(states_TD)
        grad_others_KD, grad_shift_K = torch.zeros_like(others_KD), torch.zeros_like(shift_K)
        total = states_TD.new_zeros((), dtype=torch.float64)
        rows = min(T, max(1, _SLICE_BYTES // (K * states_TD.element_size())))
        buffer = states_TD.new_empty(rows, K)
        # Products in the low type where one is wanted, everything between them as it is.
        product = buffer if low is None else buffer.new_empty(rows, K, dtype=low)
        factors_KD = others_KD.to(product.dtype)
        for start in range(0, T, rows):
            part = slice(start, start + rows)
            states = states_TD[part].to(product.dtype)
            raw = torch.mm(states, factors_KD.T, out=product[: len(states)])
            scores = raw if low is None else buffer[: len(states)].copy_(raw)
            scores.add_(shift_K)
            _leave_out(scores, hits_T[part, None])
            if drawn is not None:
                scores[drawn.within(part)] = -torch.inf
            lost, grad_own_T[part], sums = _to_exponentials(scores, own_T[part])
            total += lost
            # Sums divide the small matrices, not the scores, which saves a pass over these.
            share = (1 / sums)[:, None]
            weights = scores if low is None else raw.copy_(scores)
            grad_states_TD[part] = torch.mm(weights, factors_KD) * share
            grad_others_KD += torch.mm(weights.T, (states * share).to(weights.dtype))
            if ctx.needs_input_grad[4]:
                grad_shift_K.addmv_(scores.T, share[:, 0])
        grad_states_TD.addcmul_(grad_own_T[:, None], own_TD)
        grad_own_TD = states_TD * grad_own_T[:, None]
        ctx.save_for_backward(grad_states_TD, grad_own_TD, grad_own_T, grad_others_KD, grad_shift_K)
        return (total / T).to(states_TD.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        scale = grads[0] / len(ctx.saved_tensors[0])
        return *(each * scale for each in ctx.saved_tensors), None, None, None


def _among(narrowed: Narrowed, codes_K: Tensor) -> Narrowed:
    """What are no candidates of what was drawn, as columns instead of codes.

    Args:
        narrowed: as it was asked.
        codes_K: what was drawn, each once, ascending.
    """
    column_P = torch.searchsorted(codes_K, narrowed.code_P).clamp_(max=len(codes_K) - 1)
    drawn_P = codes_K[column_P] == narrowed.code_P
    return Narrowed(narrowed.states_TD, narrowed.row_P[drawn_P], column_P[drawn_P])


def _leave_out(scores: Tensor, hits: Tensor) -> None:
    """Give no weight to the negative that is a row's own target, at column `hits`; -1 for none."""
    columns = hits.clamp(min=0)
    kept = scores.gather(1, columns).masked_fill_(hits >= 0, -torch.inf)
    scores.scatter_(1, columns, kept)


def _to_exponentials(scores: Tensor, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Turn corrected scores `(rows, K)` of negatives into exponentials in place.

    Returns:
        The summed loss of the rows, float64; the gradient `(rows,)` of the target's score; and
        what exponentials are to be divided by to become a softmax, `(rows,)`.
    """
    highest = torch.maximum(scores.amax(dim=1), own)
    scores.sub_(highest[:, None]).exp_()
    own = own - highest
    others = scores.sum(dim=1)
    sums = others + own.exp()
    # Not own.exp() / sums - 1, which loses all digits where the target is nearly certain.
    return (sums.log() - own).sum(dtype=torch.float64), -others / sums, sums
