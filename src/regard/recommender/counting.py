"""What counting methods make of the questions that a network was validated by.

A network that loses to a count is not worth its cost, and whoever trains one shall hear of it
before it answers anybody. So methods that take seconds are fitted on the training part, and asked
what the network was asked on the validation part, which flatters the network: its epoch and its
memory were chosen there. The test part is not looked at.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from regard.classical import ClassicalMethod, ItemNeighbours, MarkovChain
from regard.data.split import Split, TrainingPart
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol
from regard.evaluation.ranking import rank_targets
from regard.evaluation.scorer import Scorer
from regard.recommender.sampling import to_judge_by

_MOST_PAIRS = 10**9
"""Of events of one user; counting more of them would be felt beside the training."""
_MOST_ITEMS = 10**5
"""A hundred neighbours of each, eight bytes an entry, stay below a hundred megabytes."""


@dataclass(frozen=True)
class Counted:
    """A network and counting methods, asked the same on the validation part.

    Attributes:
        metric: name of the metric.
        model: what the network has, as it answers.
        methods: what each counting method has, best first.
        left_out: which of them was not asked, and why; empty where all were.

    Example:
        >>> print(Counted("ndcg@10", 0.11, {"markov": 0.09, "popularity": 0.04}))
        counting on the same validation: ndcg@10 markov 0.0900, popularity 0.0400
    """

    metric: str
    model: float
    methods: Mapping[str, float]
    left_out: str = ""

    def __str__(self) -> str:
        values = ", ".join(f"{name} {value:.4f}" for name, value in self.methods.items())
        more = f"; {self.left_out}" if self.left_out else ""
        return f"counting on the same validation: {self.metric} {values}{more}"

    @property
    def leader(self) -> str:
        """The counting method that is better than the network; empty where none is.

        Example:
            >>> Counted("ndcg@10", 0.03, {"markov": 0.09, "popularity": 0.04}).leader
            'markov'
        """
        best = max(self.methods, key=self.methods.__getitem__)
        return best if self.methods[best] > self.model else ""

    def warnings(self, model: str) -> list[str]:
        """One sentence where counting does better, none elsewhere.

        Args:
            model: name of the network.

        Example:
            >>> Counted("ndcg@10", 0.11, {"markov": 0.09}).warnings("sasrec")
            []
        """
        if not self.leader:
            return []
        sentence = (
            f"Counting does better here: on validation {self.leader} has {self.metric} "
            f"{self.methods[self.leader]:.4f}, {model} {self.model:.4f}. Before this model answers "
            f"anybody, hold the two against each other: regard compare, --against {self.leader}."
        )
        return [sentence]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self) | {"methods": dict(self.methods)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `to_dict` gave.

        Args:
            values: perhaps of a card that somebody has changed.

        Raises:
            KeyError: something is missing.
            TypeError: something is of another kind.
            ValueError: something is no number.
        """
        methods = {str(name): float(value) for name, value in dict(values["methods"]).items()}
        return cls(**{**values, "methods": methods})


class Validation:
    """Counting methods fitted and asked, so that a network can be held against them.

    Made before the network is trained: what the methods took is free by then, and the training
    needs no more memory than without them.

    Args:
        popular: popularity, fitted on the training part.
        split: the test part is not looked at.
        rules: what is measured; the last cut-off decides.
    """

    def __init__(self, popular: ClassicalMethod, split: Split, rules: Protocol) -> None:
        self._size = split.vocabulary.size
        self._rules = rules
        self._queries = to_judge_by(split.validation, self._size)
        self._left_out = _too_much(split.training)
        kinds: list[type[ClassicalMethod]] = [MarkovChain]
        kinds += [] if self._left_out else [ItemNeighbours]
        found = {popular.name: self._asked(popular)}
        found |= {kind.name: self._asked(kind().fit(split.training)) for kind in kinds}
        self._methods = dict(sorted(found.items(), key=lambda each: -each[1]))

    def hold(self, model: Scorer) -> Counted:
        """Ask a network the same.

        Args:
            model: trained, as it will answer.
        """
        return Counted(self._metric, self._asked(model), self._methods, self._left_out)

    @property
    def _metric(self) -> str:
        return f"ndcg@{self._rules.ks[-1]}"

    def _asked(self, scorer: Scorer) -> float:
        ranks = rank_targets(
            scorer,
            self._queries,
            catalogue_size=self._size,
            seen=self._rules.seen,
            ties=self._rules.ties,
        )
        return float(measure(self._metric, ranks).mean())


def _too_much(training: TrainingPart) -> str:
    """Why item neighbours are not asked, where they would take minutes or gigabytes."""
    lengths = (training.ends - training.sequences.offsets[:-1]).astype(np.float64)
    pairs, items = float(lengths @ lengths), training.vocabulary.size
    if items > _MOST_ITEMS:
        return f"{ItemNeighbours.name} was not asked, since there are {items:,} items"
    if pairs > _MOST_PAIRS:
        return f"{ItemNeighbours.name} was not asked, since there are {pairs:,.0f} pairs to count"
    return ""
