"""Sampled softmax for networks that read a history anew for each candidate.

The estimate is that of `regard.losses.sampled_softmax`, negatives shared by the whole step and
corrected by logQ::

    loss = log(exp(z_t) + sum of exp(z_n) / (K q_n) over draws n other than t) - z_t

Scores `z` are not products of states with vectors here, but what a `Reading` makes of a candidate,
so each of them costs a pass through a network: K is some dozens and not some thousands.

Source: that of `regard.losses.sampled_softmax`. Cost: K + 1 comparisons a target; the gradient of
the item table holds the rows that were read.
"""

import torch
from torch import Tensor

from regard.losses.contract import ItemTable, Reading
from regard.losses.cross_entropy import check_targets
from regard.losses.sampled_softmax import SampledSoftmax


class CandidateSoftmax(SampledSoftmax):
    """Cross-entropy of candidates against a sample of the catalogue, drawn anew at each call.

    Its arguments are those of `SampledSoftmax`.

    Example:
        >>> import numpy as np
        >>> class Product:
        ...     def __init__(self, states_TD): self.states_TD = states_TD
        ...     def among(self, vectors_KD): return self.states_TD @ vectors_KD.T
        ...     def own(self, vectors_TD): return (self.states_TD * vectors_TD).sum(1)
        >>> states_TD, table = torch.randn(3, 8), ItemTable(torch.randn(102, 8))
        >>> loss, targets_T = CandidateSoftmax(np.ones(100, np.int64)), torch.tensor([2, 5, 9])
        >>> drawn_K = torch.arange(2, 102)
        >>> ours = loss.compared(Product(states_TD), table, targets_T, drawn_K)
        >>> torch.allclose(ours, loss.against(states_TD, table, targets_T, drawn_K))
        True
    """

    # The reading of histories stands where a plain loss has states; see `Reading`.
    def __call__(  # type: ignore[override]
        self, states_TD: Reading, table: ItemTable, targets_T: Tensor
    ) -> Tensor:
        """The mean loss over targets; see `regard.losses.contract.Loss`."""
        check_targets(targets_T, table.vectors_ND.shape[0])
        return self.compared(states_TD, table, targets_T, self.proposal.draw(self.negatives))

    def compared(
        self, asked: Reading, table: ItemTable, targets_T: Tensor, drawn_K: Tensor
    ) -> Tensor:
        """The loss against given draws.

        Args:
            asked: T moments of histories.
            table: of the catalogue.
            targets_T: int64 `(T,)`.
            drawn_K: int64 `(K,)` codes on the processor; one may come several times.

        Returns:
            A scalar tensor with a gradient.
        """
        codes_K, shift_K = self._corrected(drawn_K, table.vectors_ND)
        others_TK = asked.among(self._rows(table.vectors_ND, codes_K)).to(shift_K.dtype) + shift_K
        own_T = asked.own(self._rows(table.vectors_ND, targets_T)).to(shift_K.dtype)
        if table.bias_N is not None:
            others_TK = others_TK + self._rows(table.bias_N, codes_K)
            own_T = own_T + self._rows(table.bias_N, targets_T)
        # The target is counted already.
        others_TK = others_TK.masked_fill(codes_K == targets_T[:, None], -torch.inf)
        all_TK = torch.cat([own_T[:, None], others_TK], dim=1)
        return (all_TK.logsumexp(1) - own_T).mean()
