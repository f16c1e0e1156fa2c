"""What of a batch is input and what is target."""

from typing import Protocol

import torch
from torch import Tensor

from regard.models.contract import ModelInput, SequenceModel
from regard.schema import PADDING


class Objective(Protocol):
    """Picks the states that are asked and the codes they should have said."""

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """Read a batch.

        Returns:
            States `(T, D)` and int64 target codes `(T,)`.
        """
        ...


class NextItem:
    """Each event is asked for the one that follows it; padding and unknown items are not.

    Source: Kang & McAuley 2018, section III-E: the shifted sequence.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.sasrec import SASRec, SASRecConfig
        >>> batch = Batch(np.array([[3, 4], [5, 0]]), np.array([2, 1]), np.array([[4, 2], [0, 0]]))
        >>> model = SASRec(SASRecConfig(width=8), catalogue_size=6)
        >>> states_TD, targets_T = NextItem()(model, ModelInput.of(batch, 6))
        >>> tuple(states_TD.shape), targets_T.tolist()
        ((2, 8), [4, 2])
    """

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """See `Objective`."""
        assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
        # Picked by number, not by mask: the way back through a mask is several times slower.
        [asked_T] = torch.nonzero(batch.targets_BL.flatten() != PADDING, as_tuple=True)
        states_TD = model(batch).flatten(0, 1).index_select(0, asked_T)
        return states_TD, batch.targets_BL.flatten()[asked_T]
