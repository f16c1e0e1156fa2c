"""What a fitted recommender consists of, and who of it answers whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from regard.classical import ClassicalMethod
from regard.data.catalogue import Catalogue
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import Split, SplitProtocol, assemble
from regard.data.vocabulary import Vocabulary
from regard.evaluation.ranking import Scorer
from regard.recommender.asking import knows_something
from regard.recommender.memory import Verdict
from regard.shapes import Scores

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

    def score(self, queries: Queries) -> Scores:
        """Scores of all items; see `Scorer.score`."""
        known = knows_something(queries)
        if known.all():
            return self.model.score(queries)
        scores_BN = self.fallback.score(queries)
        if known.any():
            scores_BN[known] = self.model.score(queries.select(known))
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
        card: what else the bundle's card says, such as what cleaning removed.
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
    card: Mapping[str, Any] = field(default_factory=dict)

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
