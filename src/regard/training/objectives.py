"""What of a batch is input and what is target."""

from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.losses.contract import Narrowed
from regard.models.bert4rec import BERT4Rec
from regard.models.candidates import AskedEvents, CandidateModel
from regard.models.contract import ModelInput, SequenceModel
from regard.schema import FIRST_CODE, PADDING, UNKNOWN


class Objective(Protocol):
    """Picks the states that are asked and the codes they should have said.

    Attributes:
        asks_everywhere: whether it compares states within a history with what came after them,
            for which a network must be causal.
        prefixes: whether rows shall end before an event that was drawn, since it asks about that
            event alone; see `regard.data.batches.training_prefixes`.
        only_new: whether items of a history are no candidates, so that a network does not learn
            what to think of them.
        of: the kind of networks that it can ask.
    """

    asks_everywhere: ClassVar[bool]
    prefixes: ClassVar[bool]
    only_new: ClassVar[bool]
    of: ClassVar[type]

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Any, Tensor]:
        """Read a batch.

        Returns:
            States `(T, D)`, or a `regard.losses.contract.Narrowed` where not every item may be
            the answer, or a `Reading` where a network reads a history anew for each candidate; and
            int64 target codes `(T,)`.
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
    prefixes: ClassVar[bool] = False
    only_new: ClassVar[bool] = False
    of: ClassVar[type] = SequenceModel

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """See `Objective`."""
        assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
        asked_T, targets_T = _asked(batch.targets_BL)
        return model(batch).flatten(0, 1).index_select(0, asked_T), targets_T


class NextNewItem:
    """`NextItem` among what is new: the items of the window so far are no candidates.

    For recommenders that never offer again what somebody had (`evaluation.seen = "remove"`): what
    cannot be answered need not be learned to be avoided. A target that is there already, since
    people do come back, stays its own candidate. Of a history that is longer than the window, what
    lies before it is not known here.

    Source: none known to us for the softmax over a catalogue; negatives drawn from what a user has
    not had are as old as Rendle et al. 2009, "BPR", section 3.

    Cost: a pair for each two events of a window, `O(B L²)`, before the loss begins.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.sasrec import SASRec, SASRecConfig
        >>> batch = Batch(np.array([[3, 4], [5, 0]]), np.array([2, 1]), np.array([[4, 2], [0, 0]]))
        >>> model = SASRec(SASRecConfig(width=8), catalogue_size=6)
        >>> asked, targets_T = NextNewItem()(model, ModelInput.of(batch, 6))
        >>> targets_T.tolist(), asked.row_P.tolist(), asked.code_P.tolist()
        ([4, 2], [0, 1, 1], [3, 3, 4])
    """

    asks_everywhere: ClassVar[bool] = True
    prefixes: ClassVar[bool] = False
    only_new: ClassVar[bool] = True
    of: ClassVar[type] = SequenceModel

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Narrowed, Tensor]:
        """See `Objective`."""
        assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
        states_TD, targets_T = NextItem()(model, batch)
        return Narrowed(states_TD, *_had(batch.items_BL, batch.targets_BL)), targets_T


def _had(items_BL: Tensor, targets_BL: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers of targets, ascending, and items that each window holds up to then, but the target.

    An item that a window holds twice comes twice.
    """
    asked_BL = targets_BL != PADDING
    number_BL = asked_BL.flatten().cumsum(0).view(asked_BL.shape) - 1
    had_BLM = (items_BL[:, None, :] != targets_BL[:, :, None]).tril_()
    had_BLM &= asked_BL[:, :, None] & (items_BL >= FIRST_CODE)[:, None, :]
    row, event, earlier = had_BLM.nonzero(as_tuple=True)
    return number_BL[row, event], items_BL[row, earlier]


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
    prefixes: ClassVar[bool] = False
    only_new: ClassVar[bool] = False
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
    """Of each row only the newest event is asked what follows it.

    For networks that read a history whole. A step learns one target a row instead of one an event,
    so the same number of epochs learns less.

    Source: the augmentation of Tan et al. 2016, "Improved Recurrent Neural Networks for
    Session-based Recommendations", section 3.1: a history up to any event is a history. Some of
    these are drawn anew in each epoch, where the paper takes all of them.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.sasrec import SASRec, SASRecConfig
        >>> batch = Batch(np.array([[3, 4], [5, 0]]), np.array([2, 1]), np.array([[4, 2], [6, 0]]))
        >>> model = SASRec(SASRecConfig(width=8), catalogue_size=7)
        >>> states_TD, targets_T = NewestItem()(model, ModelInput.of(batch, 7))
        >>> tuple(states_TD.shape), targets_T.tolist()
        ((2, 8), [2, 6])
    """

    asks_everywhere: ClassVar[bool] = False
    prefixes: ClassVar[bool] = True
    only_new: ClassVar[bool] = False
    of: ClassVar[type] = SequenceModel

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """See `Objective`."""
        assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
        targets_B = batch.targets_BL.gather(1, batch.lengths_B[:, None] - 1).squeeze(1)
        [asked_T] = torch.nonzero(targets_B != PADDING, as_tuple=True)
        return model.newest(batch).index_select(0, asked_T), targets_B[asked_T]


class MaskedItem:
    """Cloze: some events are hidden behind a mask, and the model says which items they were.

    The stretch that is read has the last target behind the inputs, so that the newest event is
    learned as well. Each event is masked with the probability `mask_share` of the model's config,
    at least one a row; in a share of the rows (`newest_share`) the newest event alone is, which is
    what the model is asked when it answers. Unknown items are read and never asked for.

    Source: Sun et al. 2019, "BERT4Rec", section 3.6.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.bert4rec import BERT4RecConfig
        >>> batch = Batch(np.array([[3, 4], [5, 0]]), np.array([2, 1]), np.array([[4, 2], [3, 0]]))
        >>> model = BERT4Rec(BERT4RecConfig(width=8, newest_share=1.0), catalogue_size=6)
        >>> states_TD, targets_T = MaskedItem()(model, ModelInput.of(batch, 6))
        >>> tuple(states_TD.shape), targets_T.tolist()
        ((2, 8), [2, 3])
    """

    asks_everywhere: ClassVar[bool] = False
    prefixes: ClassVar[bool] = False
    only_new: ClassVar[bool] = False
    of: ClassVar[type] = BERT4Rec

    def __call__(self, model: SequenceModel, batch: ModelInput) -> tuple[Tensor, Tensor]:
        """See `Objective`; numbers are drawn from torch's generator."""
        assert isinstance(model, BERT4Rec)  # noqa: S101 - `of` says so, and who builds it asks
        items_BL, lengths_B = _stretch(batch)
        masked_BL = _masks(items_BL, lengths_B, model.config.mask_share, model.config.newest_share)
        return model.states_at_masks(items_BL, lengths_B, masked_BL), items_BL[masked_BL]


def _stretch(batch: ModelInput) -> tuple[Tensor, Tensor]:
    """The inputs and, behind them, the last target: `(B, L + 1)` codes, and lengths."""
    assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
    newest_B1 = batch.targets_BL.gather(1, batch.lengths_B[:, None] - 1)
    newest_B1 = newest_B1.masked_fill(newest_B1 == PADDING, UNKNOWN)
    items_BL = F.pad(batch.items_BL, (0, 1), value=PADDING)
    return items_BL.scatter(1, batch.lengths_B[:, None], newest_B1), batch.lengths_B + 1


def _masks(items_BL: Tensor, lengths_B: Tensor, mask_share: float, newest_share: float) -> Tensor:
    """Which events to hide, Boolean `(B, L)`: of each row at least one, if it knows any."""
    known_BL = items_BL >= FIRST_CODE
    draws_BL = torch.rand(items_BL.shape, device=items_BL.device).masked_fill(~known_BL, torch.inf)
    drawn_BL = (draws_BL < mask_share) | (draws_BL == draws_BL.amin(1, keepdim=True))
    places_L = torch.arange(items_BL.shape[1], device=items_BL.device)
    newest_BL = known_BL & (places_L == lengths_B[:, None] - 1)
    alone_B1 = torch.rand(len(items_BL), 1, device=items_BL.device) < newest_share
    alone_B1 = alone_B1 & newest_BL.any(1, keepdim=True)
    return torch.where(alone_B1, newest_BL, drawn_BL) & known_BL


OBJECTIVES: Final[dict[str, Callable[[], Objective]]] = {
    "next-item": NextItem,
    "next-new-item": NextNewItem,
    "newest-item": NewestItem,
    "next-candidate": NextCandidate,
    "masked-item": MaskedItem,
}
"""Name in recipes -> what makes the objective."""
