"""What a fitted recommender consists of, and who of it answers whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from regard.classical import ClassicalMethod
from regard.data.catalogue import Catalogue
from regard.data.encoders.fitted import Encoders
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import Split, SplitProtocol, assemble
from regard.data.vocabulary import Vocabulary
from regard.evaluation.scorer import Prepared, Scorer, prepare, works_in_blocks
from regard.recommender.asking import knows_something
from regard.recommender.counting import Counted
from regard.recommender.memory import Verdict
from regard.shapes import Mask, Scores

if TYPE_CHECKING:
    from regard.training.history import History


@dataclass(frozen=True)
class Answering:
    """The model where it knows something of a history, the fallback where it does not.

    Lists for one, lists for all and evaluation score by this and nothing else, so that what is
    measured is what is answered.

    Attributes:
        model: network or classical method.
        fallback: answers the others, those with an empty history included.
    """

    model: Scorer
    fallback: Scorer

    @property
    def in_blocks(self) -> bool:
        """Whether both can be asked for a part of the catalogue; see `BlockScorer`."""
        return works_in_blocks(self.model) and works_in_blocks(self.fallback)

    def score(self, queries: Queries) -> Scores:
        """Scores of all items; see `Scorer.score`."""
        read = self.prepare(queries)
        return read.block(0, read.shape[1])

    def prepare(self, queries: Queries) -> Prepared:
        """Each of the two reads its own; see `BlockScorer`."""
        known = knows_something(queries)
        if known.all():
            return prepare(self.model, queries)
        if not known.any():
            return prepare(self.fallback, queries)
        return _Shared(
            prepare(self.model, queries.select(known)),
            prepare(self.fallback, queries.select(~known)),
            known,
        )


@dataclass(frozen=True)
class _Shared:
    """Queries of which some were read by the model, and the rest by the fallback."""

    model: Prepared
    fallback: Prepared
    known: Mask

    @property
    def shape(self) -> tuple[int, int]:
        sizes = {self.model.shape[1], self.fallback.shape[1]}
        # Of two catalogues neither is the one that is asked about.
        return len(self.known), sizes.pop() if len(sizes) == 1 else 0

    def block(self, start: int, stop: int) -> Scores:
        scores_BN = np.empty((len(self.known), stop - start), np.float32)
        scores_BN[self.known] = self.model.block(start, stop)
        scores_BN[~self.known] = self.fallback.block(start, stop)
        return scores_BN


@dataclass(frozen=True)
class Learned:
    """What a fitted recommender consists of.

    Attributes:
        scorer: network or classical method.
        fallback: popularity, for people without a usable history.
        events: the whole log, coded, unknown items included.
        vocabulary: the items.
        catalogue: their titles.
        protocol: how the log was cut.
        fingerprint: of the log.
        history: of the training, for networks.
        memory: what validation said of the memory of transitions, for networks.
        counted: what counting methods made of validation, for networks.
        card: what else the bundle's card says, such as what cleaning removed.
        encoders: what made the features of the events, for networks that read some.
    """

    scorer: Scorer
    fallback: ClassicalMethod
    events: Sequences
    vocabulary: Vocabulary
    catalogue: Catalogue
    protocol: SplitProtocol
    fingerprint: str
    history: "History | None" = None
    memory: Verdict | None = None
    counted: Counted | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    encoders: Encoders | None = None

    @cached_property
    def split(self) -> Split:
        """The log cut as it was for training; made again from the events when asked."""
        return assemble(self.events, self.vocabulary, self.protocol, self.fingerprint)

    @cached_property
    def histories(self) -> Sequences:
        """What the model reads of each user: the events of known items."""
        return self.events.known()[0]

    @property
    def answering(self) -> Answering:
        """Who answers whom."""
        return Answering(self.scorer, self.fallback)
