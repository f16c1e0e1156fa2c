r"""A second look at what others propose: gradient-boosted trees that rank candidates.

::

    markov      --\
    item-knn    ---\   the 100 best       scores, ranks, popularity,      trees, by
    popularity  ---/   of each source  ->  what the history says of it ->  LambdaRank  ->  order
    decayed     --/

What the trees learn from is cut out of the training part, as the test is cut out of the log::

    training part    e  e  e  e  e  e | ?  ?  ?        sources learn from e, are asked about each ?
                                                       the trees learn which candidate was ?
                     e  e  e  e  e  e   e  e  e        then the sources learn from all of it

So no source has seen a target that the trees learn from, and neither has seen validation or test.

Idea: simple methods are each right about something; trees over what all of them say, and over
what the history says of an item, learn when to believe which.

Formula: candidates of a history are the union of the `candidates` best unseen items of each
source, and, where the training part shows that people come back to what they had, the newest
distinct items of the history. A sum of `trees` regression trees over the features of
`regard.classical.pairs` scores each of them; its gradient is that of LambdaRank, which weighs
each pair of candidates in the wrong order by what changing places would do to NDCG. From a query
of more than 10,000 candidates the trees learn by its target and those that a source ranks highest,
10,000 in all. What is no candidate stands below all candidates, in the order of the first source.

Source: Burges 2010, "From RankNet to LambdaRank to LambdaMART" (MSR-TR-2010-82), by the package
`lightgbm` (Ke et al. 2017, "LightGBM", NIPS); candidates of several simple methods and trees
over features of pairs, as in the stronger solutions of the OTTO and H&M competitions.

Differs from the paper: it ranks what other methods propose. The events that trees learn from
are the newest tenth of the training part by time, and the newest tenth of each history where
there is no clock, so that sources are asked about their future, as later. Where the training
part is too small to hold anything out, there are no trees, and the first source answers.

Cost: time `O(Q N S)` an answer, for Q queries, N items and S sources, whose scores come in
whole rows; fitting costs that of the sources twice, and trees over `O(Q C S)` rows of features
for C candidates. Memory `O(N S)` a query.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from regard.classical.contract import ClassicalMethod
from regard.classical.evidence import newest_occurrences
from regard.classical.held_out import held_out
from regard.classical.pairs import SAVED, Features, Pairs, item_facts
from regard.classical.reranked import ABOVE, Reranked, best_keys, between_ones, come_back
from regard.data.queries import Queries
from regard.data.split import TrainingPart
from regard.errors import BundleError, ConfigurationError
from regard.optional import require
from regard.schema import FIRST_CODE
from regard.settings import threads
from regard.shapes import Mask, Scores

SOURCES: Final = ("markov", "item-knn", "popularity", "decayed")
"""Who proposes where nobody is named; the last one only where there is a clock."""
_ALWAYS: Final = ("markov", "item-knn")
"""Their tables are features of pairs, so they learn even where they propose nothing."""
_CELLS_AT_A_TIME: Final = 2**22
"""Scores of one source that are held at a time."""
_RANKED_AT_MOST: Final = 10_000
"""Rows of one query that LightGBM learns to rank; more it refuses."""
_TOLD: Final = 4
"""Features that a reason names."""


@dataclass(frozen=True)
class BoostedConfig:
    """Options of `Boosted`.

    Attributes:
        sources: names of the classical methods, with their default options, that propose; the
            first one also orders what nobody proposes. None: markov, item-knn, popularity, and
            decayed where there is a clock.
        candidates: items that each source proposes, and events of the history that are looked at
            again where people come back to what they had; the trees learn from 10,000 of a query
            at the most.
        held_out: newest share of the training part's events that the trees may learn from.
        queries: most events that they do learn from, spread evenly.
        trees: how many.
        leaves: of each tree at the most.
        rate: how far each tree goes.
        seed: of the columns that each tree looks at.

    Raises:
        ConfigurationError: a value that makes no sense.
    """

    sources: tuple[str, ...] | None = None
    candidates: int = 100
    held_out: float = 0.1
    queries: int = 5_000
    trees: int = 200
    leaves: int = 15
    rate: float = 0.05
    seed: int = 7

    def __post_init__(self) -> None:
        for name, least in (("candidates", 1), ("queries", 1), ("trees", 1), ("leaves", 2)):
            if getattr(self, name) < least:
                raise ConfigurationError(f"{name}={getattr(self, name)} must be {least} or more.")
        if self.seed < 0:
            raise ConfigurationError(f"seed={self.seed} must be 0 or more.")
        if not 0.0 < self.held_out < 1.0:
            raise ConfigurationError(f"held_out={self.held_out} must lie between 0 and 1.")
        if not 0.0 < self.rate <= 1.0:
            raise ConfigurationError(f"rate={self.rate} must be above 0 and at most 1.")
        if self.sources is not None:
            # A recipe gives a list.
            object.__setattr__(self, "sources", tuple(self.sources))
            _kinds(self.sources)


class Boosted(ClassicalMethod):
    """Recommends what trees put first among the candidates of other methods.

    Example:
        >>> import polars as pl
        >>> from regard.classical import Boosted
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> log = pl.DataFrame({"user": [1] * 7, "item": list("ababcbc"), "position": range(7)})
        >>> split = split_leave_last_out(Interactions.of(log))
        >>> Boosted().fit(split.training).score(split.test).shape
        (1, 5)
    """

    name = "boosted"
    saved = ("trees", "repeats")
    reads_time = None
    reads_moment = True

    def __init__(
        self,
        sources: tuple[str, ...] | None = None,
        candidates: int = 100,
        held_out: float = 0.1,
        queries: int = 5_000,
        trees: int = 200,
        leaves: int = 15,
        rate: float = 0.05,
        seed: int = 7,
    ) -> None:
        super().__init__()
        self.config = BoostedConfig(
            sources, candidates, held_out, queries, trees, leaves, rate, seed
        )
        self._features: Features | None = None

    def require(self) -> None:
        """Refuse at once if `lightgbm`, or what a source needs, is not installed.

        Raises:
            MissingDependencyError: it is not.
        """
        _lightgbm()
        for kind in _kinds(self.config.sources or SOURCES).values():
            kind().require()

    def fit(self, training: TrainingPart) -> Self:
        """Teach the trees what the sources missed, then the sources all there is.

        Args:
            training: what may be looked at.

        Returns:
            The method itself, fitted.

        Raises:
            MissingDependencyError: `lightgbm` is not installed.
            NeedsClockError: a source is named that needs a clock, and the log has none.
        """
        self.require()
        earlier, asked = held_out(training, self.config.held_out, self.config.queries)
        self._features = self._fitted(earlier)
        repeats = come_back(asked)
        trees = self._trees(asked, repeats=repeats)
        self._features = self._fitted(training)
        self._learned = {
            "trees": trees,
            "repeats": np.array([repeats]),
            **{f"item.{name}": value for name, value in self._features.facts.items()},
            **{
                f"{source}.{name}": value
                for source, method in self._features.sources.items()
                for name, value in method.arrays().items()
            },
        }
        vars(self).pop("_booster", None)  # that of an earlier fit
        return self

    def _fitted(self, training: TrainingPart) -> Features:
        """All sources, and what is known of items, by some events."""
        clock = training.sequences.times is not None
        sources = {
            name: kind().fit(training)
            for name, kind in _kinds(_named(self.config.sources, clock=clock)).items()
        }
        return Features(sources, item_facts(training))

    def prepare(self, queries: Queries) -> Reranked:
        """Rank the candidates; see `regard.evaluation.scorer.BlockScorer`."""
        repeats = bool(self.arrays()["repeats"][0])
        features = self._known
        size = len(features.facts["counts"])
        first_BN = np.empty((len(queries), size), np.float32)
        found = [sparse.csr_array((0, size), dtype=np.float32)]
        row = 0
        for chunk, scores in self._scored(queries):
            stop = row + len(chunk)
            first_BN[row:stop] = between_ones(scores[next(iter(features.sources))])
            if self._booster is None:
                found.append(sparse.csr_array((len(chunk), size), dtype=np.float32))
            else:
                pairs = self._pairs(chunk, scores, repeats=repeats)
                values = self._judged(features.of(chunk, pairs, scores))
                where = (pairs.query, pairs.item)
                found.append(sparse.csr_array((values, where), shape=(len(chunk), size)))
            row = stop
        return Reranked(sparse.vstack(found, format="csr"), first_BN)

    def _score(self, queries: Queries) -> Scores:
        return self.prepare(queries).block(0, len(self._known.facts["counts"]))

    def contributions(self, queries: Queries, code: int) -> dict[str, float]:
        """What each feature adds to the score of an item for a single query.

        Source: Lundberg et al., "From local explanations to global understanding with explainable
        AI for trees" (Nature Machine Intelligence 2020): Shapley values of the trees, by LightGBM.

        Args:
            queries: exactly one.
            code: of an item.

        Returns:
            Feature -> share of the score, the largest one first, whichever its sign; empty where
            the item is no candidate.

        Raises:
            NotFittedError: nothing was learned yet.
        """
        repeats = bool(self.arrays()["repeats"][0])
        if self._booster is None:
            return {}
        [(chunk, scores)] = self._scored(queries)
        pairs = self._pairs(chunk, scores, repeats=repeats)
        here = np.flatnonzero(pairs.item == code)
        if not len(here):
            return {}
        rows_PF = self._known.of(chunk, pairs, scores)[here]
        shares_F = np.asarray(self._booster.predict(rows_PF, pred_contrib=True))[0, :-1]
        order = np.argsort(-np.abs(shares_F), kind="stable")
        return {self._known.names[column]: float(shares_F[column]) for column in order}

    def reason(self, queries: Queries, code: int) -> str:
        """The features that say most of an item for a single query, as a sentence.

        Args:
            queries: exactly one.
            code: of an item.
        """
        shares = list(self.contributions(queries, code).items())[:_TOLD]
        if not shares:
            return "No source proposed the item, so it stands below all candidates of the trees."
        most = ", ".join(f"{name} {share:+.2f}" for name, share in shares)
        return f"The trees add up to its score mostly by {most} (Shapley values of features)."

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **options: Any) -> Self:
        """The fitted method that `arrays()` came from; see `ClassicalMethod.from_arrays`.

        Args:
            arrays: what `arrays()` gave.
            options: the fields of its config.

        Returns:
            A method that scores as the saved one did.

        Raises:
            BundleError: the arrays are not those of this method.
            MissingDependencyError: `lightgbm` is not installed.
        """
        method = cls(**options)
        kinds = _kinds(_named(method.config.sources, clock=any("decayed." in a for a in arrays)))
        expected = {"trees", "repeats", *(f"item.{name}" for name in SAVED)}
        expected |= {f"{name}.{each}" for name, kind in kinds.items() for each in kind.saved}
        cls._require_arrays(arrays, expected)
        sources = {name: kind.from_arrays(_part(arrays, name)) for name, kind in kinds.items()}
        method._features = Features(sources, _part(arrays, "item"))
        method._learned = {name: np.asarray(value) for name, value in arrays.items()}
        _ = method._booster  # what is no model is refused here, not when somebody asks
        return method

    @property
    def _known(self) -> Features:
        """What features are made of."""
        assert self._features is not None  # noqa: S101 - whoever has arrays has these
        return self._features

    @cached_property
    def _booster(self) -> Any:
        """The trees, or None where nothing could be held out to learn from."""
        text = self.arrays()["trees"].astype(np.uint8).tobytes().decode()
        if not text:
            return None
        lightgbm = _lightgbm()
        try:
            return lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as broken:
            raise BundleError(
                f"The saved trees of {self.name} cannot be read ({broken}); save the model again."
            ) from broken

    def _judged(self, features_PF: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(P,)` float32 scores by the trees, moved to where all of them are 2 or more."""
        if not len(features_PF):
            return np.zeros(0, np.float32)
        raw_P = np.asarray(self._booster.predict(features_PF, num_threads=threads() or 0))
        judged: NDArray[np.float32] = raw_P - self._booster.lower_bound() + ABOVE
        return judged.astype(np.float32)

    def _scored(self, queries: Queries) -> Iterator[tuple[Queries, dict[str, Scores]]]:
        """Some queries at a time, with whole rows of scores of each source."""
        size = len(self._known.facts["counts"])
        for chunk in queries.chunks(max(1, _CELLS_AT_A_TIME // size)):
            yield chunk, {name: each.score(chunk) for name, each in self._known.sources.items()}

    def _pairs(self, queries: Queries, scores: dict[str, Scores], *, repeats: bool) -> Pairs:
        """The candidates of some queries."""
        size, most = len(self._known.facts["counts"]), self.config.candidates
        seen_BN = queries.seen(size)
        seen_BN[:, :FIRST_CODE] = True
        keys = [best_keys(scores[name], seen_BN, most) for name in self._proposing]
        if repeats:
            query, item, age = newest_occurrences(queries)
            near = Pairs(query, item.astype(np.int64)).ranks(-age.astype(np.float64)) < most
            keys.append(query[near] * size + item[near])
        query, item = np.divmod(np.unique(np.concatenate(keys)), size)
        return Pairs(query, item.astype(np.int64))

    @property
    def _proposing(self) -> tuple[str, ...]:
        """Those sources that were asked for, not those that only lend their tables."""
        wanted = self.config.sources
        return tuple(name for name in self._known.sources if wanted is None or name in wanted)

    def _trees(self, asked: Queries, *, repeats: bool) -> NDArray[np.uint8]:
        """The text of a model that ranks what was asked, as bytes; none where nothing was."""
        rows, labels, groups = [], [], []
        for chunk, scores in self._scored(asked):
            pairs = self._pairs(chunk, scores, repeats=repeats)
            hit = pairs.item == chunk.targets[pairs.query]
            # Where nobody proposed the target there is nothing to put in order.
            found_B = np.bincount(pairs.query, hit, minlength=len(chunk)) > 0
            kept = found_B[pairs.query]
            if kept.any():
                pairs, hit = Pairs(pairs.query[kept], pairs.item[kept]), hit[kept]
                ranked = self._ranked(pairs, scores, hit)
                rows.append(self._known.of(chunk, pairs, scores)[ranked])
                labels.append(hit[ranked].astype(np.int32))
                groups.append(np.bincount(pairs.query[ranked], minlength=len(chunk))[found_B])
        if not rows:
            return np.zeros(0, np.uint8)
        text = self._taught(np.concatenate(rows), np.concatenate(labels), np.concatenate(groups))
        return np.frombuffer(text.encode(), np.uint8)

    def _ranked(self, pairs: Pairs, scores: dict[str, Scores], hit: Mask) -> Mask:
        """Which candidates the trees learn from: the target, and those next best in some source."""
        if np.bincount(pairs.query).max() <= _RANKED_AT_MOST:
            return np.ones(len(pairs), bool)
        ranks = [pairs.ranks(scores[name][pairs.query, pairs.item]) for name in self._proposing]
        return pairs.ranks(np.where(hit, 1.0, -np.min(ranks, axis=0))) < _RANKED_AT_MOST

    def _taught(self, rows_PF: NDArray[np.float32], labels_P: Any, groups: Any) -> str:
        """LightGBM at work; its own text of the trees."""
        options = self.config
        lightgbm = _lightgbm()
        told = {
            "objective": "lambdarank",
            "learning_rate": options.rate,
            "num_leaves": options.leaves,
            "min_data_in_leaf": 20,
            "feature_fraction": 0.7,
            "seed": options.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads() or 0,
            "verbosity": -1,
        }
        data = lightgbm.Dataset(rows_PF, labels_P, group=groups, free_raw_data=True)
        return str(lightgbm.train(told, data, options.trees).model_to_string())


def _named(sources: tuple[str, ...] | None, *, clock: bool) -> tuple[str, ...]:
    """Who learns: the sources, first of all, and those whose tables are features."""
    if sources is None:
        sources = SOURCES if clock else SOURCES[:-1]
    return tuple(dict.fromkeys((*sources, *_ALWAYS)))


def _kinds(names: tuple[str, ...]) -> dict[str, type[ClassicalMethod]]:
    """Classes of classical methods by name."""
    from regard.classical import CLASSICAL  # which names this one too

    others = {name: kind for name, kind in CLASSICAL.items() if name != Boosted.name}
    if not names or not others.keys() >= set(names):
        raise ConfigurationError(
            f"sources={list(names)} must name classical methods "
            f"({', '.join(sorted(others))}), one or more."
        )
    return {name: others[name] for name in names}


def _part(arrays: Mapping[str, NDArray[Any]], owner: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with an owner's, without that."""
    begin = f"{owner}."
    return {
        name.removeprefix(begin): value for name, value in arrays.items() if name.startswith(begin)
    }


def _lightgbm() -> ModuleType:
    """The package that grows the trees."""
    return require("lightgbm", extra="rerank", purpose="The method 'boosted'")
