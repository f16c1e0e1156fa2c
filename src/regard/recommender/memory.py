"""Memory of transitions: counts of what followed what, mixed into the answers of a network.

A network must squeeze a catalogue into a few dozen numbers an item, and on a small or repetitive
log it forgets pairs that a plain count remembers. So the two are mixed, as language models mix in
n-grams, with a share that validation chooses and that depends on the evidence::

    p(item) = (1 - share) * softmax(network)(item) + share * p(item | newest item)

    newest item was followed    never   1   2-3   4-7   8-15   ...   by anything in training
    share of the counts           .      .    .     .     .          one number for each

Source: interpolation of Jelinek & Mercer 1980, "Interpolated estimation of Markov source parameters
from sparse data", shares by buckets of evidence, found by expectation maximisation on held-out
data; here on the validation part.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from regard.classical.markov import MarkovChain
from regard.data.queries import Queries
from regard.data.split import Split
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol as Rules
from regard.evaluation.ranking import Scorer, rank_targets
from regard.schema import FIRST_CODE
from regard.shapes import Floats, Offsets, Scores

if TYPE_CHECKING:
    from regard.models.contract import Trace

_BUCKETS = 12
"""Evidence of 0, 1, 2-3, 4-7, ... and 1,024 or more transitions."""
_ROUNDS = 30
"""Rounds of expectation maximisation; the shares stop moving long before."""
_IMAGINED = 20.0
"""Validation targets that each bucket imagines at the share of all: what little data must beat."""
_ROWS = 256
"""Queries scored at a time while learning the shares."""


class Network(Protocol):
    """A network's scorer, as memory wears it."""

    def score(self, queries: Queries) -> Scores:
        """Scores of all items."""
        ...

    def trace(self, queries: Queries) -> "Trace":
        """Attention maps and states."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What validation said of the memory.

    Attributes:
        metric: name of the metric.
        alone: of the network by itself.
        mixed: with memory.
        share: mean share of the counts over the validation queries.
    """

    metric: str
    alone: float
    mixed: float
    share: float

    @property
    def pays(self) -> bool:
        """Whether the mixture is better."""
        return self.mixed > self.alone

    def __str__(self) -> str:
        word = "pays" if self.pays else "does not pay"
        return (
            f"memory of transitions {word} on validation: {self.metric} {self.alone:.4f} alone, "
            f"{self.mixed:.4f} with it (mean share {self.share:.2f})"
        )


class RememberingScorer:
    """A network that also counts.

    Its scores are logarithms of probabilities.

    Args:
        network: what it wears.
        chain: the counts.
        shares: `(12,)` float64 share of the counts for each bucket of evidence.

    Example:
        >>> buckets(np.array([0, 1, 3, 4, 5000])).tolist()
        [0, 1, 2, 3, 11]
    """

    def __init__(self, network: Network, chain: MarkovChain, shares: Floats) -> None:
        self.network = network
        self.chain = chain
        self.shares = shares

    def score(self, queries: Queries) -> Scores:
        """Scores of all items.

        Args:
            queries: none with an empty history.

        Returns:
            `(Q, N)` float32 log-probabilities; minus infinity for the special codes.
        """
        network_BN = _softmax(self.network.score(queries))
        share_B1 = self.shares[buckets(self.chain.evidence(queries))][:, None].astype(np.float32)
        counted_BN = self.chain.probabilities(queries)
        counted_BN *= share_B1
        network_BN *= 1 - share_B1
        network_BN += counted_BN
        with np.errstate(divide="ignore"):
            return np.log(network_BN, out=network_BN)

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
    """Learn the counts on the training part and their shares on the validation part.

    Args:
        network: trained.
        split: the test part is not looked at.
        rules: what the verdict is measured by, at the last cut-off.

    Returns:
        The mixture, and whether it pays.
    """
    chain = MarkovChain().fit(split.training)
    evidence, network_T, counted_T = _held_out(network, chain, split.validation)
    bucket_T = buckets(evidence)
    shares = _shares(bucket_T, network_T, counted_T)
    mixed = RememberingScorer(network, chain, shares)
    metric = f"ndcg@{rules.ks[-1]}"

    def judged(scorer: Scorer) -> float:
        size = split.vocabulary.size
        ranks = rank_targets(
            scorer, split.validation, catalogue_size=size, seen=rules.seen, ties=rules.ties
        )
        return float(measure(metric, ranks).mean())

    share = float(shares[bucket_T].mean()) if len(bucket_T) else 0.0
    return mixed, Verdict(metric, judged(network), judged(mixed), share)


def buckets(evidence: Offsets) -> Offsets:
    """`(B,)` int64 bucket of each amount of evidence: 0, 1, 2-3, 4-7, ..."""
    found: Offsets = np.frexp(evidence.astype(np.float64))[1].astype(np.int64)
    return np.minimum(found, _BUCKETS - 1)


def _held_out(
    network: Network, chain: MarkovChain, queries: Queries
) -> tuple[Offsets, Floats, Floats]:
    """Evidence, and the probability that network and counts gave to each known target."""
    evidence, by_network, by_counts = [], [], []
    for chunk in queries.chunks(_ROWS):
        query = np.repeat(np.arange(len(chunk)), np.diff(chunk.target_offsets))
        known = chunk.targets >= FIRST_CODE
        place = query[known], chunk.targets[known]
        evidence.append(chain.evidence(chunk)[place[0]])
        by_network.append(_softmax(network.score(chunk))[place])
        by_counts.append(chain.probabilities(chunk)[place])
    return (
        np.concatenate(evidence),
        np.concatenate(by_network).astype(np.float64),
        np.concatenate(by_counts).astype(np.float64),
    )


def _shares(bucket_T: Offsets, network_T: Floats, counted_T: Floats) -> Floats:
    """The share of each bucket under which the held-out targets are most likely."""
    shares = np.full(_BUCKETS, 0.5)
    targets = np.bincount(bucket_T, minlength=_BUCKETS)
    for _ in range(_ROUNDS):
        counted = shares[bucket_T] * counted_T
        whole = counted + (1 - shares[bucket_T]) * network_T
        credit = np.divide(counted, whole, out=np.zeros_like(whole), where=whole > 0)
        everywhere = credit.mean() if len(credit) else 0.0
        earned = np.bincount(bucket_T, weights=credit, minlength=_BUCKETS)
        shares = (earned + _IMAGINED * everywhere) / (targets + _IMAGINED)
    return shares


def _softmax(scores_BN: Scores) -> Scores:
    """Probabilities of the items; the special codes have none."""
    scores_BN = scores_BN.copy()
    scores_BN[:, :FIRST_CODE] = -np.inf
    scores_BN -= scores_BN.max(axis=1, keepdims=True)
    np.exp(scores_BN, out=scores_BN)
    scores_BN /= scores_BN.sum(axis=1, keepdims=True)
    return scores_BN
