"""Memory: counts of what followed what, and of who came back, mixed into a network's answers.

A network must squeeze a catalogue into a few dozen numbers an item, and on a small or repetitive
log it forgets pairs that a plain count remembers. So the two are mixed, as language models mix in
n-grams::

    p(item) = (1 - share) * softmax(network)(item) + share * p(item | newest item)
    share   = most * times / (times + doubt)

where `times` is how often the newest item was followed by anything in training: a count that rests
on little is trusted little. The two numbers `most` and `doubt` are chosen on the validation part.
Where what people had stays a candidate, `softmax(network)` may be weighed before by how often
people come back to what they had (`regard.recommender.returns`), if validation says so too.

Source: interpolation of Jelinek & Mercer 1980, "Interpolated estimation of Markov source parameters
from sparse data", with shares that depend on the evidence. Differs in that the shares are chosen by
the metric that the recommender is measured by, not by likelihood, which cares about every place of
the list alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from regard.classical.markov import MarkovChain
from regard.data.queries import Queries
from regard.data.split import Split
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol as Rules
from regard.evaluation.protocol import Seen
from regard.evaluation.scorer import Whole, prepare, works_in_blocks
from regard.explanation.explain import looked_at
from regard.recommender.contenders import contenders
from regard.recommender.mixture import Mixture, log_sum
from regard.recommender.returns import Expected, Returns
from regard.recommender.sampling import to_judge_by
from regard.shapes import Floats, Offsets, Scores

if TYPE_CHECKING:
    from regard.models.contract import Trace

_MOST = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_DOUBT = (0.0, 3.0, 20.0)
"""What is tried on the validation part; finer steps change the metric by less than its interval."""
_CHUNK_BYTES = 32 * 2**20
"""Scores of one chunk of queries."""


class Network(Protocol):
    """A network's scorer, as memory wears it."""

    def score(self, queries: Queries) -> Scores:
        """Scores of all items."""
        ...

    def trace(self, queries: Queries) -> "Trace":
        """Attention maps and states."""
        ...


@dataclass(frozen=True)
class Gate:
    """How far counts are trusted.

    Attributes:
        most: share of the counts where evidence abounds, 0 to 1.
        doubt: evidence at which half of that share is reached, in transitions.

    Example:
        >>> Gate(most=0.4, doubt=3.0).shares(np.array([0, 3, 3000])).round(2).tolist()
        [0.0, 0.2, 0.4]
    """

    most: float
    doubt: float

    def shares(self, evidence: Offsets) -> Floats:
        """Share of the counts for each amount of evidence.

        Args:
            evidence: `(B,)` int64 times that the newest item was followed by anything.

        Returns:
            `(B,)` float64; none without evidence.
        """
        shares: Floats = self.most * evidence / np.maximum(evidence + self.doubt, 1.0)
        return shares

    def trust(self, evidence: Offsets) -> tuple[Scores, Scores]:
        """What a mixture is made with.

        Args:
            evidence: `(B,)` int64 times that the newest item was followed by anything.

        Returns:
            `(B,)` float32 shares of the counts, and the share of one transition among them.
        """
        shares_B = self.shares(evidence)
        return shares_B.astype(np.float32), (shares_B / (1 + evidence)).astype(np.float32)


_GATES = (Gate(0.0, 0.0), *(Gate(most, doubt) for most, doubt in product(_MOST, _DOUBT)))
"""Those that are tried; the first one trusts no count."""


@dataclass(frozen=True)
class Verdict:
    """What validation said of the memory.

    Attributes:
        metric: name of the metric.
        alone: of the network by itself.
        mixed: with memory, by the best gate.
        gate: that gate.
        returns: factors of the memory of returns, newest age first; None where it is not worn.
    """

    metric: str
    alone: float
    mixed: float
    gate: Gate
    returns: tuple[float, ...] | None = None

    @property
    def pays(self) -> bool:
        """Whether the mixture is better."""
        return self.mixed > self.alone

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A verdict from the plain values that `dataclasses.asdict` makes of it.

        Args:
            values: perhaps of a card that somebody has changed.

        Raises:
            KeyError: something is missing.
            TypeError: something is of another kind.
            ValueError: a factor is no positive number.

        Example:
            >>> from dataclasses import asdict
            >>> verdict = Verdict("ndcg@10", 0.1, 0.2, Gate(0.5, 3.0), (0.1, 0.9))
            >>> Verdict.from_dict(asdict(verdict)) == verdict
            True
        """
        factors = values["returns"]
        returns = None if factors is None else tuple(float(factor) for factor in factors)
        if returns is not None and not all(0.0 < factor < np.inf for factor in returns or (0.0,)):
            raise ValueError(f"returns={factors} are no factors")
        return cls(**{**values, "gate": Gate(**values["gate"]), "returns": returns})

    def __str__(self) -> str:
        word = "pays" if self.pays else "does not pay"
        what = "transitions" if self.returns is None else "transitions and returns"
        told = (
            f"memory of {what} {word} on validation: {self.metric} {self.alone:.4f} alone, "
            f"{self.mixed:.4f} with a share of up to {self.gate.most:g}"
        )
        if self.returns is None:
            return told
        return f"{told}, the item of the newest event weighed by {self.returns[0]:.2g}"


class RememberingScorer:
    """A network that also counts; its scores are logarithms of probabilities.

    Args:
        network: what wears the memory.
        chain: the counts.
        gate: how far they are trusted.
        returns: what the items of a history are weighed by before; nothing where None.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 7, "item": list("ababcbc"), "position": range(7)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> class Undecided:
        ...     def score(self, queries):
        ...         return np.zeros((len(queries), 5), np.float32)
        >>> chain = MarkovChain().fit(split.training)
        >>> mixed = RememberingScorer(Undecided(), chain, Gate(most=0.5, doubt=0.0))
        >>> [round(float(each), 3) for each in np.exp(mixed.score(split.test)[0, 2:])]  # a, b, c
        [0.4, 0.233, 0.367]
    """

    def __init__(
        self, network: Network, chain: MarkovChain, gate: Gate, returns: Returns | None = None
    ) -> None:
        self.network = network
        self.chain = chain
        self.gate = gate
        self.returns = returns

    @property
    def in_blocks(self) -> bool:
        """Whether the network can be asked for a part of the catalogue; see `BlockScorer`."""
        return works_in_blocks(self.network)

    def score(self, queries: Queries) -> Scores:
        """Scores of all items.

        Args:
            queries: none with an empty history.

        Returns:
            `(Q, N)` float32 log-probabilities; minus infinity for the special codes.
        """
        read = self.prepare(queries)
        return read.block(0, read.shape[1])

    def prepare(self, queries: Queries) -> "Mixture":
        """Read histories, and sum up over the whole catalogue what makes scores probabilities.

        Args:
            queries: none with an empty history.

        Returns:
            The mixture, ready for any part of the catalogue.
        """
        read = prepare(self.network, queries)
        if self.returns is not None:
            read = self.returns.weigh(read, queries)
        shares_B, weights_B = self.gate.trust(self.chain.evidence(queries))
        return Mixture(
            read,
            log_sum(read),
            self.chain.followers(queries),
            self.chain.popularity(),
            shares_B[:, None],
            weights_B[:, None],
        )

    def trace(self, queries: Queries) -> "Trace":
        """What the network computed, attention maps included."""
        return self.network.trace(queries)

    @property
    def model(self) -> object:
        """The network itself, which says how many events it looks at."""
        return getattr(self.network, "model", self.network)

    def remembered(self, queries: Queries, code: int) -> tuple[int, int]:
        """How often the newest event of a single query was followed by an item, and by anything.

        Args:
            queries: exactly one.
            code: of the item.
        """
        times = int(self.chain.evidence(queries)[0])
        # A chain's score is the count plus at most a half for popularity.
        return int(self.chain.score(queries)[0, code]), times


def remember(network: Network, split: Split, rules: Rules) -> tuple[RememberingScorer, Verdict]:
    """Learn the counts on the training part, and how far to trust them on the validation part.

    Args:
        network: trained.
        split: the test part is not looked at.
        rules: what is measured; the last cut-off decides.

    Returns:
        The mixture, and whether it pays.
    """
    chain = MarkovChain().fit(split.training)
    size = split.vocabulary.size
    queries = to_judge_by(split.validation, size)
    chunks = list(queries.chunks(max(1, min(256, _CHUNK_BYTES // (4 * size)))))
    weighings: list[Returns | None] = [None]
    if rules.seen is Seen.KEEP:
        weighings.append(_returns(network, chunks))
    metric = f"ndcg@{rules.ks[-1]}"
    values_WG = _values(network, chain, chunks, rules, weighings) / len(queries)
    alone, values_WG[0, 0] = float(values_WG[0, 0]), -np.inf
    row, number = divmod(int(np.argmax(values_WG)), len(_GATES))
    gate, returns = _GATES[number], weighings[row]
    factors = None if returns is None else returns.factors
    verdict = Verdict(metric, alone, float(values_WG[row, number]), gate, factors)
    return RememberingScorer(network, chain, gate, returns), verdict


def _values(
    network: Network,
    chain: MarkovChain,
    chunks: Sequence[Queries],
    rules: Rules,
    weighings: Sequence[Returns | None],
) -> Floats:
    """NDCG at the last cut-off, summed over queries, by weighing and gate."""
    k = rules.ks[-1]
    values_WG = np.zeros((len(weighings), len(_GATES)))
    for chunk in chunks:
        alone = Whole(np.asarray(network.score(chunk)))
        times = chain.evidence(chunk)
        for row, weighing in enumerate(weighings):
            read = alone if weighing is None else weighing.weigh(alone, chunk)
            found = contenders(read, chunk, chain, k=k, seen=rules.seen)
            for number, gate in enumerate(_GATES):
                ranks = found.ranks(found.mixed(*gate.trust(times)), rules.ties)
                values_WG[row, number] += measure(f"ndcg@{k}", ranks).sum()
    return values_WG


def _returns(network: Network, chunks: Sequence[Queries]) -> Returns:
    """How often people come back, held against what a network expects."""
    expected = Expected(looked_at(network))
    for chunk in chunks:
        expected.look(Whole(np.asarray(network.score(chunk))), chunk)
    return expected.returns()
