"""Networks to which a history means something else for each candidate.

Such a network has no state that could be multiplied with a table of items::

    events (B, L, D)  ×  candidate (D)   ->   a network   ->   score

It still reads the events once, and each event by itself or with those before it; what comes after
that is done for each candidate anew.
"""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.attention.contract import Promises
from regard.models.contract import SequenceModel, evaluating
from regard.shapes import Scores

_HISTORIES, _CANDIDATES = 16, 64
"""Compared at a time, always exactly as many, so that sums are rounded alike whoever is asked."""


class CandidateModel(SequenceModel):
    """A network that reads a history anew for each candidate.

    Its states are what it makes of the events, none of which sees a later one, and its item table
    holds the vectors of candidates; the score of a candidate is what `scores` gives, plus the
    table's bias.

    Attributes:
        negatives: items that each target is held against in a step.
    """

    objective = "next-candidate"
    promises = Promises(
        has_map=False,
        because="there is one map for each candidate, and who asks for a trace names none",
    )

    @property
    def negatives(self) -> int:
        """How many items each target is held against in a step."""
        return int(self.config.negatives)

    @abstractmethod
    def scores(self, states_BLD: Tensor, vectors_KD: Tensor) -> Tensor:
        """What is said of the same candidates at each event, given it and those before it.

        Args:
            states_BLD: float `(B, L, D)` from `forward`.
            vectors_KD: float `(K, D)` rows of the item table.

        Returns:
            `(B, L, K)`, without the bias of the candidates.
        """

    @abstractmethod
    def own_scores(self, states_BLD: Tensor, vectors_BLD: Tensor) -> Tensor:
        """The same for one candidate at each event: `(B, L)`."""

    @abstractmethod
    def newest_scores(self, states_BLD: Tensor, lengths_B: Tensor, vectors_KD: Tensor) -> Tensor:
        """The same as `scores` after the newest event of each history: `(B, K)`."""


@dataclass(frozen=True)
class AskedEvents:
    """Events of some histories that are asked what follows; see `regard.losses.contract.Reading`.

    Attributes:
        model: who is asked.
        states_BLD: what it made of the events.
        asked_T: int64 `(T,)` which of the `B L` events are asked.
    """

    model: CandidateModel
    states_BLD: Tensor
    asked_T: Tensor

    def among(self, vectors_KD: Tensor) -> Tensor:
        """See `Reading`."""
        scores_BLK = self.model.scores(self.states_BLD, vectors_KD)
        return scores_BLK.flatten(0, 1).index_select(0, self.asked_T)

    def own(self, vectors_TD: Tensor) -> Tensor:
        """See `Reading`."""
        B, L, _ = self.states_BLD.shape
        vectors_BLD = vectors_TD.new_zeros(B * L, vectors_TD.shape[1])
        vectors_BLD = vectors_BLD.index_copy(0, self.asked_T, vectors_TD).view(B, L, -1)
        scores_BL = self.model.own_scores(self.states_BLD, vectors_BLD)
        return scores_BL.flatten().index_select(0, self.asked_T)


@dataclass(frozen=True)
class ReadEvents:
    """Histories whose events were read, ready for any part of the catalogue.

    Attributes:
        model: who compares.
        states_BLD: of their events, padded to the most that the model can look at.
        lengths_B: int64.
    """

    model: CandidateModel
    states_BLD: Tensor
    lengths_B: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return len(self.lengths_B), self.model.catalogue_size

    def block(self, start: int, stop: int) -> Scores:
        """Scores of the codes from `start` to `stop` (exclusive), the same in any block.

        Returns:
            `(B, stop - start)` float32.
        """
        first = start - start % _CANDIDATES
        codes = range(first, max(stop, first + 1), _CANDIDATES)
        with evaluating(self.model):
            scores_BN = torch.cat([self._tile(code) for code in codes], dim=1)
        return scores_BN[:, start - first : stop - first].float().cpu().contiguous().numpy()

    def _tile(self, code: int) -> Tensor:
        """`(B, _CANDIDATES)` scores of the candidates from a code on; zero beyond the last one."""
        table = self.model.item_table()
        vectors = _filled(table.vectors_ND[code : code + _CANDIDATES], _CANDIDATES)
        found = [
            self.model.newest_scores(
                _filled(self.states_BLD[begin : begin + _HISTORIES], _HISTORIES),
                _filled(self.lengths_B[begin : begin + _HISTORIES], _HISTORIES),
                vectors,
            )
            for begin in range(0, max(len(self.lengths_B), 1), _HISTORIES)
        ]
        scores = torch.cat(found)[: len(self.lengths_B)]
        if table.bias_N is not None:
            scores = scores + _filled(table.bias_N[code : code + _CANDIDATES], _CANDIDATES)
        return scores


def _filled(rows: Tensor, count: int) -> Tensor:
    """As many rows as are wanted, zero where there are too few."""
    missing = count - len(rows)
    return torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])]) if missing else rows
