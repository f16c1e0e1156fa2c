"""What of a batch is input and what is target."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Final, Protocol

import torch
from torch import Tensor

from regard.attention.masks import real_positions
from regard.models.candidates import AskedEvents, CandidateModel
from regard.models.contract import ModelInput, SequenceModel
from regard.schema import PADDING


class Objective(Protocol):
    """Picks the states that are asked and the codes they should have said.

    Attributes:
        asks_everywhere: whether it compares states within a history with what came after them,
            for which a network must be causal.
        of: the kind of networks that it can ask.
    """

    asks_everywhere: ClassVar[bool]
    of: ClassVar[type]

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Any, Tensor]:
        """Read a batch.

        Returns:
            States `(T, D)`, or a `regard.losses.contract.Reading` where a network reads a history
            anew for each candidate; and int64 target codes `(T,)`.
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

    asks_everywhere: ClassVar[bool] = True
    of: ClassVar[type] = SequenceModel

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """See `Objective`."""
        assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
        asked_T, targets_T = _asked(batch.targets_BL)
        return model(batch).flatten(0, 1).index_select(0, asked_T), targets_T


class NextCandidate:
    """`NextItem` for networks that read a history anew for each candidate.

    The loss asks about the target and about sampled items; see `regard.losses.candidate_softmax`.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.din import DIN, DINConfig
        >>> batch = Batch(np.array([[3, 4], [5, 0]]), np.array([2, 1]), np.array([[4, 2], [0, 0]]))
        >>> model = DIN(DINConfig(width=8), catalogue_size=6)
        >>> asked, targets_T = NextCandidate()(model, ModelInput.of(batch, 6))
        >>> asked.among(model.item_table().vectors_ND).shape, targets_T.tolist()
        (torch.Size([2, 6]), [4, 2])
    """

    asks_everywhere: ClassVar[bool] = True
    of: ClassVar[type] = CandidateModel

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[AskedEvents, Tensor]:
        """See `Objective`."""
        assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
        assert isinstance(model, CandidateModel)  # noqa: S101 - `of` says so
        asked_T, targets_T = _asked(batch.targets_BL)
        return AskedEvents(model, model(batch), asked_T), targets_T


def _asked(targets_BL: Tensor) -> tuple[Tensor, Tensor]:
    """Which of all events are asked, and for what; neither padding nor what nobody knows."""
    # Picked by number, not by mask: the way back through a mask is several times slower.
    [asked_T] = torch.nonzero(targets_BL.flatten() != PADDING, as_tuple=True)
    return asked_T, targets_BL.flatten()[asked_T]


class NewestItem:
    """Each history is cut at a random event, and only the newest one left is asked what follows.

    For networks that read a history whole. A step learns one target a row instead of one an event,
    so the same number of epochs learns less.

    Source: the augmentation of Tan et al. 2016, "Improved Recurrent Neural Networks for
    Session-based Recommendations", section 3.1, one prefix a row at a time instead of all.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.sasrec import SASRec, SASRecConfig
        >>> batch = Batch(np.array([[3, 4], [5, 0]]), np.array([2, 1]), np.array([[0, 2], [0, 0]]))
        >>> model = SASRec(SASRecConfig(width=8), catalogue_size=6)
        >>> states_TD, targets_T = NewestItem()(model, ModelInput.of(batch, 6))
        >>> tuple(states_TD.shape), targets_T.tolist()
        ((1, 8), [2])
    """

    asks_everywhere: ClassVar[bool] = False
    of: ClassVar[type] = SequenceModel

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """See `Objective`; numbers are drawn from torch's generator."""
        assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
        known_BL = batch.targets_BL != PADDING
        [rows_T] = torch.nonzero(known_BL.any(1), as_tuple=True)
        ends_T = torch.multinomial(known_BL[rows_T].float(), 1) + 1
        targets_T = batch.targets_BL[rows_T].gather(1, ends_T - 1).squeeze(1)
        return model.newest(_cut(batch, rows_T, ends_T.squeeze(1))), targets_T


def _cut(batch: ModelInput, rows_T: Tensor, ends_T: Tensor) -> ModelInput:
    """Some rows of a batch, without what came after their ends."""
    longest = int(ends_T.max())
    real_TL = real_positions(ends_T, longest)

    def cut(tensor: Tensor | None) -> Tensor | None:
        if tensor is None:
            return None
        kept = tensor[rows_T, :longest]
        return kept.masked_fill(~real_TL.view(*real_TL.shape, *[1] * (kept.dim() - 2)), 0)

    items_TL = cut(batch.items_BL)
    assert items_TL is not None  # noqa: S101 - for the checker
    optional = ("times_BL", "asked_BL", "feature_codes_BLF", "feature_numbers_BLF")
    given = {name: cut(getattr(batch, name)) for name in optional}
    return replace(batch, items_BL=items_TL, lengths_B=ends_T, targets_BL=None, **given)


OBJECTIVES: Final[dict[str, Callable[[], Objective]]] = {
    "next-item": NextItem,
    "newest-item": NewestItem,
    "next-candidate": NextCandidate,
}
"""Name in recipes -> what makes the objective."""
