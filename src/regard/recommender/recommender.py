"""The recommender: one object from a clean log to answers with reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from regard.classical import CLASSICAL, ClassicalMethod, Popularity, RecentPopularity
from regard.data.catalogue import Catalogue
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import Split, SplitProtocol, assemble
from regard.data.vocabulary import Id, Vocabulary, coerce_ids
from regard.errors import ConfigurationError, NotFittedError, UnknownUserError
from regard.evaluation.evaluate import evaluate
from regard.evaluation.protocol import Protocol, Seen
from regard.evaluation.ranking import Scorer, top_items
from regard.evaluation.report import EvaluationReport
from regard.explanation.explain import explain
from regard.explanation.result import Explanation
from regard.optional import require
from regard.recommender.answers import Recommendation, Recommendations
from regard.recommender.kinds import settings_of
from regard.recommender.memory import RememberingScorer, Verdict, remember
from regard.recommender.recipe import Recipe
from regard.schema import FIRST_CODE, UNKNOWN
from regard.shapes import Offsets

if TYPE_CHECKING:
    from regard.training.history import History
    from regard.training.watching import Watcher


@dataclass(frozen=True)
class Learned:
    """What a fitted recommender consists of.

    Attributes:
        scorer: network or classical method.
        fallback: popularity, for people without a usable history.
        histories: all events that are known, coded.
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
    histories: Sequences
    vocabulary: Vocabulary
    catalogue: Catalogue
    protocol: SplitProtocol
    fingerprint: str
    history: "History | None" = None
    memory: Verdict | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def split(self) -> Split:
        """The log cut as it was for training; made again from the histories when asked."""
        return assemble(self.histories, self.vocabulary, self.protocol, self.fingerprint)


class Recommender:
    """Learn from a log, answer, measure, explain, save.

    Args:
        model: name of a network or classical method.
        seed: of everything random.
        split: settings of the split, by name (see `SplitSettings`).
        training: settings of the training, by name (see `TrainingConfig`).
        evaluation: settings of the evaluation, by name (see `EvaluationSettings`).
        options: of the model, such as `width=128`.

    Raises:
        ConfigurationError: a name or value makes no sense.

    Example:
        >>> import polars as pl
        >>> log = Interactions.of(pl.DataFrame({
        ...     "user": [1, 1, 1, 2, 2, 2], "item": ["tea", "milk", "tea", "tea", "milk", "tea"],
        ...     "position": [0, 1, 2, 0, 1, 2]}))
        >>> rec = Recommender("markov", split={"protocol": "leave-last-out"}).fit(log)
        >>> rec.recommend(history=["milk"], k=1).ids
        ['tea']
    """

    def __init__(
        self,
        model: str = "sasrec",
        *,
        seed: int = 7,
        split: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        evaluation: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.recipe = Recipe.from_dict({
            "model": {"name": model, **options},
            "seed": seed,
            "split": split or {},
            "training": training or {},
            "evaluation": evaluation or {},
        })  # fmt: skip
        self._learned: Learned | None = None
        _check_model(self.recipe)

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> Self:
        """A recommender that will do what a recipe says."""
        recommender = cls()
        recommender.recipe = recipe
        _check_model(recipe)
        return recommender

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.recipe.model

    @property
    def title(self) -> str:
        """Name of the model, and whether it wears the memory of transitions."""
        remembers = isinstance(self.learned.scorer, RememberingScorer)
        return f"{self.name} + memory" if remembers else self.name

    @property
    def learned(self) -> Learned:
        """What `fit` or `load` brought.

        Raises:
            NotFittedError: neither was called.
        """
        if self._learned is None:
            raise NotFittedError(
                f"This {self.name} has learned nothing yet; call fit(log), or load a bundle."
            )
        return self._learned

    def fit(
        self,
        log: Interactions,
        *,
        checkpoint: Path | None = None,
        watcher: "Watcher | None" = None,
    ) -> Self:
        """Split a log, learn from its training part, stop by its validation part.

        Args:
            log: cleaned interactions.
            checkpoint: file for checkpoints; training goes on from one that is there.
            watcher: is told of each training step.

        Returns:
            The recommender itself.
        """
        split = self.recipe.split.apply(log)
        return self.fit_split(split, Catalogue.of(log), checkpoint=checkpoint, watcher=watcher)

    def fit_split(
        self,
        split: Split,
        catalogue: Catalogue,
        *,
        checkpoint: Path | None = None,
        watcher: "Watcher | None" = None,
    ) -> Self:
        """Learn from a split that was made already, so that several methods can share it.

        Args:
            split: what to learn from.
            catalogue: titles.
            checkpoint: file for checkpoints; training goes on from one that is there.
            watcher: is told of each training step.

        Returns:
            The recommender itself.
        """
        self.recipe = replace(self.recipe, evaluation=self.recipe.evaluation.resolved(split))
        history: History | None = None
        memory: Verdict | None = None
        scorer: Scorer
        if self.name in CLASSICAL:
            scorer = _classical(self.recipe).fit(split.training)
        else:
            require("torch", extra="torch", purpose=f"The network {self.name!r}")
            from regard.recommender import networks

            network, history = networks.teach(
                self.recipe, split, checkpoint=checkpoint, watcher=watcher
            )
            scorer = network
            if self.recipe.memory != "off":
                rules = self.recipe.evaluation.protocol(str(split.protocol), self.recipe.seed)
                mixed, memory = remember(network, split, rules)
                scorer = mixed if memory.pays or self.recipe.memory == "on" else network
        popular = Popularity() if split.sequences.times is None else RecentPopularity()
        self._learned = Learned(
            scorer,
            popular.fit(split.training),
            split.sequences,
            split.vocabulary,
            catalogue,
            split.protocol,
            split.fingerprint,
            history,
            memory,
        )
        return self

    def recommend(
        self,
        user: Id | None = None,
        *,
        history: Sequence[Id] | None = None,
        k: int = 10,
        seen: Seen | str | None = None,
        fallback: bool = True,
    ) -> Recommendations:
        """What comes next for somebody.

        Args:
            user: own id of a user of the log.
            history: instead: own ids of items, oldest first, of anybody.
            k: length of the list.
            seen: `"keep"` or `"remove"` items of the history; as measured if omitted.
            fallback: whether somebody without a usable history is answered by popularity.

        Returns:
            At most k items; `answered_by` and `notes` say when it was the fallback.

        Raises:
            ConfigurationError: neither or both of user and history, or k below 1.
            UnknownUserError: no such user, or nothing usable in the history, and no fallback.
        """
        if k < 1:
            raise ConfigurationError(f"k={k} must be 1 or more.")
        queries, notes = self._ask(user, history, fallback)
        learned = self.learned
        usable = _usable(queries)
        scorer: Scorer = learned.scorer if usable else learned.fallback
        codes, scores = top_items(
            scorer,
            queries,
            k,
            catalogue_size=learned.vocabulary.size,
            seen=self._seen(seen),
        )
        real = codes[0] >= FIRST_CODE
        ids = learned.vocabulary.decode(codes[0][real])
        had = queries.seen(learned.vocabulary.size)[0][codes[0][real]]
        titles = learned.catalogue.titles(ids)
        items = tuple(
            Recommendation(rank, item, float(score), title, bool(again))
            for rank, (item, score, title, again) in enumerate(
                zip(ids, scores[0][real], titles, had, strict=True), start=1
            )
        )
        name = self.title if usable else f"{learned.fallback.name} (fallback)"
        return Recommendations(user, items, name, notes)

    def recommend_all(
        self, users: Sequence[Id] | None = None, *, k: int = 10, seen: Seen | str | None = None
    ) -> pl.DataFrame:
        """Lists for many known users at once.

        Args:
            users: own ids; all users if omitted.
            k: length of each list.
            seen: as in `recommend`.

        Returns:
            Columns user, rank (from 1), item, score; users in the order given.

        Raises:
            UnknownUserError: a user is not known.
        """
        learned = self.learned
        if users is None:
            index = np.arange(len(learned.histories), dtype=np.int64)
        else:
            index = _indices_of(learned.histories.users, users)
        codes, scores = top_items(
            learned.scorer,
            Queries.requests(learned.histories, index),
            k,
            catalogue_size=learned.vocabulary.size,
            seen=self._seen(seen),
        )
        real = codes >= FIRST_CODE
        rows, columns = np.nonzero(real)
        return pl.DataFrame({
            "user": learned.histories.users.gather(index[rows].tolist()),
            "rank": columns + 1,
            "item": learned.vocabulary.ids.gather((codes[real] - FIRST_CODE).tolist()),
            "score": scores[real],
        })  # fmt: skip

    def evaluate(
        self, *, protocol: Protocol | None = None, memory: bool = True
    ) -> EvaluationReport:
        """How good the answers are on the test part, which nothing was chosen by.

        Args:
            protocol: rules other than the recipe's.
            memory: whether a network that wears the memory of transitions is measured with it, as
                it answers; without it, it is called "alone".

        Returns:
            Metrics with intervals, per user underneath.
        """
        learned = self.learned
        scorer, name = learned.scorer, self.title
        if not memory and isinstance(scorer, RememberingScorer):
            scorer, name = scorer.network, f"{self.name} alone"
        return evaluate(
            scorer,
            learned.split.test,
            name=name,
            protocol=protocol or self.protocol(),
            training=learned.split.training,
            fingerprint=learned.fingerprint,
            tie_share=learned.split.tie_share,
        )

    def protocol(self) -> Protocol:
        """The rules that the recipe measures by."""
        return self.recipe.evaluation.protocol(str(self.learned.protocol), self.recipe.seed)

    def explain(
        self,
        user: Id | None = None,
        item: Id | None = None,
        *,
        history: Sequence[Id] | None = None,
        seen: Seen | str | None = None,
    ) -> Explanation:
        """Why somebody is shown an item.

        Args:
            user: own id of a user of the log.
            item: own id of the item; the first recommendation if omitted.
            history: instead of a user: own ids of items, oldest first.
            seen: as in `recommend`.

        Returns:
            Which past events carried the answer, and whether attention tells the truth of it.

        Raises:
            UnknownUserError: nothing usable is known of the user, so there are no reasons.
        """
        queries, _ = self._ask(user, history, fallback=True)
        if not _usable(queries):
            raise UnknownUserError(
                "There is no history to explain from: the answer would be what is popular. "
                "Ask about a user with a history, or give one."
            )
        learned = self.learned
        if item is None:
            item = self.recommend(user, history=history, k=1, seen=seen).ids[0]
        code = learned.vocabulary.code(item)
        explanation = explain(
            learned.scorer,
            queries,
            code,
            vocabulary=learned.vocabulary,
            titles=learned.catalogue.titles,
            seen=self._seen(seen),
        )
        if not isinstance(learned.scorer, RememberingScorer):
            return explanation
        followed, times = learned.scorer.remembered(queries, code)
        note = (
            f"In the training log the newest event was followed by something {times:,} times, by "
            f"this item {followed:,} times; the memory of transitions takes part in the answer."
        )
        return replace(explanation, notes=(*explanation.notes, note))

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Path:
        """Write a bundle: data with checksums, complete or not there at all.

        Args:
            folder: to be made.
            overwrite: whether a bundle that is there may be replaced.

        Returns:
            The folder.
        """
        from regard.recommender.storing import save

        return save(self, Path(folder), overwrite=overwrite)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open a bundle; nothing inside it is executed.

        Args:
            folder: what `save` wrote.

        Returns:
            A recommender that answers as the saved one did.
        """
        from regard.recommender.storing import load

        recipe, learned = load(Path(folder))
        recommender = cls.from_recipe(recipe)
        recommender._learned = learned
        return recommender

    def add_to_card(self, **facts: Any) -> None:
        """Let the bundle's card say more, such as what cleaning removed.

        Args:
            facts: name -> plain values that JSON can say.
        """
        self._learned = replace(self.learned, card={**self.learned.card, **facts})

    def _ask(
        self, user: Id | None, history: Sequence[Id] | None, fallback: bool
    ) -> tuple[Queries, tuple[str, ...]]:
        """One query, and what to tell the person about it."""
        if (user is None) == (history is None):
            raise ConfigurationError("Give a user or a history, one of them.")
        if history is not None:
            return self._ask_history(history, fallback)
        learned = self.learned
        index = _index_of(learned.histories.users, user)
        if index is None:
            if not fallback:
                raise UnknownUserError(
                    f"User {user!r} is not among the {len(learned.histories):,} users of this "
                    "model. Give a history instead, or allow the fallback."
                )
            note = f"User {user!r} is not known; this is what is popular instead."
            return _one_history(np.zeros(0, np.int32), learned.histories.times is not None), (note,)
        return Queries.requests(learned.histories, np.array([index], np.int64)), ()

    def _ask_history(
        self, history: Sequence[Id], fallback: bool
    ) -> tuple[Queries, tuple[str, ...]]:
        codes = self.learned.vocabulary.encode(list(history))
        strangers = [item for item, code in zip(history, codes, strict=True) if code == UNKNOWN]
        known = codes[codes != UNKNOWN]
        notes = []
        if strangers:
            notes.append(f"Not known and left out: {', '.join(map(str, strangers))}.")
        if not len(known):
            if not fallback:
                raise UnknownUserError(
                    "The history holds no item that this model knows. Give other items, or allow "
                    "the fallback."
                )
            notes.append("No item of the history is known; this is what is popular instead.")
        return _one_history(known, False), tuple(notes)

    def _seen(self, seen: Seen | str | None) -> Seen:
        if seen is None:
            return Seen(self.recipe.evaluation.seen)
        if seen not in list(Seen):
            raise ConfigurationError(f"seen={seen!r} is not known; choose 'keep' or 'remove'.")
        return Seen(seen)


def _check_model(recipe: Recipe) -> None:
    """Refuse an unknown model or option at once, not after hours."""
    if recipe.model in CLASSICAL:
        _classical(recipe)
        return
    require("torch", extra="torch", purpose=f"The network {recipe.model!r}")
    from regard.recommender import networks

    networks.build(recipe, catalogue_size=FIRST_CODE + 1)


def _classical(recipe: Recipe) -> ClassicalMethod:
    kind = CLASSICAL[recipe.model]
    config = kind.config if isinstance(kind.config, type) else type(kind().config)
    return kind(**asdict(settings_of(config, recipe.options, "model")))


def _index_of(users: pl.Series, user: Id | None) -> int | None:
    """Where a user stands; an id typed as text finds one that is a number."""
    wanted = coerce_ids([] if user is None else [user], users.dtype)
    if not len(wanted) or wanted[0] is None:
        return None
    return users.index_of(wanted[0])


def _indices_of(users: pl.Series, wanted: Sequence[Id]) -> Offsets:
    """Where many users stand, all of whom must be known."""
    asked = pl.DataFrame({"user": coerce_ids(list(wanted), users.dtype)})
    known = users.alias("user").to_frame().with_row_index("index")
    found = asked.join(known, on="user", how="left", maintain_order="left")["index"]
    if found.null_count():
        stranger = wanted[int(found.is_null().arg_true()[0])]
        raise UnknownUserError(
            f"User {stranger!r} is not among the {len(users):,} users of this model."
        )
    return found.cast(pl.Int64).to_numpy()


def _usable(queries: Queries) -> bool:
    """Whether the history holds anything that the model knows."""
    _, position = queries.history_events()
    return bool((queries.sequences.items[position] >= FIRST_CODE).any())


def _one_history(codes: Any, clock: bool) -> Queries:
    """A query about somebody who is not in the log."""
    count = len(codes)
    sequences = Sequences(
        pl.Series("user", [0]),
        np.array([0, count], np.int64),
        np.asarray(codes, np.int32),
        np.zeros(count) if clock else None,
        np.arange(count, dtype=np.int64),
    )
    return Queries.requests(sequences, np.zeros(1, np.int64))
