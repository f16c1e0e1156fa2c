"""The recommender: one object from a clean log to answers with reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from regard.data.catalogue import Catalogue
from regard.data.encoders.events import encode_split
from regard.data.encoders.fitted import Encoders
from regard.data.interactions import Interactions
from regard.data.split import Split
from regard.data.vocabulary import Id
from regard.errors import ConfigurationError, NotFittedError, UnknownUserError
from regard.evaluation.evaluate import evaluate
from regard.evaluation.protocol import Protocol, Seen
from regard.evaluation.report import EvaluationReport
from regard.explanation.result import Explanation
from regard.recommender.answers import Recommendations
from regard.recommender.fitting import check_model, learn, welcome
from regard.recommender.learned import Answering, Learned
from regard.recommender.memory import RememberingScorer
from regard.recommender.moments import Moment
from regard.recommender.recipe import Recipe
from regard.recommender.responding import ask, list_for, lists_for_all, reasons_for
from regard.recommender.storing import OWN_FACTS, load, save

if TYPE_CHECKING:
    from regard.training.watching import Watcher


class Recommender:
    """Learn from a log, answer, measure, explain, save.

    Args:
        model: name of a network or classical method, or a class of one's own (see `welcome` in
            `regard.recommender.fitting`).
        seed: of everything random.
        split: settings of the split, by name (see `SplitSettings`).
        training: settings of the training, by name (see `TrainingConfig`).
        evaluation: settings of the evaluation, by name (see `EvaluationSettings`).
        features: what to read of each event beside its item, by column (see `Recipe`).
        options: of the model, such as `width=128`.

    Raises:
        ConfigurationError: a name or value makes no sense.
        MissingDependencyError: a network is asked for and torch is not installed.

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
        model: str | type = "sasrec",
        *,
        seed: int = 7,
        split: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        evaluation: Mapping[str, Any] | None = None,
        features: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        model = welcome(model) if isinstance(model, type) else model
        values: dict[str, Any] = {"seed": seed, "split": split or {}, "training": training or {}}
        values |= {"evaluation": evaluation or {}, "features": features or {}}
        # Not inside the table of the model, where an option called "name" would be taken for it.
        self._begin(replace(Recipe.from_dict(values), model=model, options=options))

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> Self:
        """A recommender that will do what a recipe says.

        Args:
            recipe: may name any model, whose options are checked at once.

        Raises:
            ConfigurationError: a name or value makes no sense.
            MissingDependencyError: a network is asked for and torch is not installed.
        """
        recommender = cls.__new__(cls)
        recommender._begin(recipe)
        return recommender

    def _begin(self, recipe: Recipe) -> None:
        """Follow a recipe, once its model is known to exist."""
        check_model(recipe)
        self.recipe = recipe
        self._learned: Learned | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.recipe.model

    @property
    def title(self) -> str:
        """Name of the model, and whether it wears the memory of transitions.

        Raises:
            NotFittedError: that is not decided yet.
        """
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

        Raises:
            ColumnError: the log lacks a column that the recipe makes a feature of.
            DataError: the log has missing values, or is too small to be cut
                (`TooLittleDataError`).
            NeedsClockError: the split, a feature or the model needs times, and the log has none.
            TrainingError: training diverged, or the checkpoint belongs to another run.
        """
        split, encoders = self.recipe.split.apply(log), None
        if self.recipe.features:
            split, encoders = encode_split(log, split, self.recipe.features)
        return self.fit_split(
            split, Catalogue.of(log), encoders=encoders, checkpoint=checkpoint, watcher=watcher
        )

    def fit_split(
        self,
        split: Split,
        catalogue: Catalogue,
        *,
        encoders: Encoders | None = None,
        checkpoint: Path | None = None,
        watcher: "Watcher | None" = None,
    ) -> Self:
        """Learn from a split that was made already, so that several methods can share it.

        Where the recipe says `"auto"` of seen items or of a network's loss, it says afterwards what
        that came to, and keeps to it.

        Args:
            split: what to learn from.
            catalogue: titles.
            encoders: what `encode_split` gave beside the split, where the recipe names features.
            checkpoint: file for checkpoints; training goes on from one that is there.
            watcher: is told of each training step.

        Returns:
            The recommender itself.

        Raises:
            ConfigurationError: the recipe names features and the split has none, or the other way
                round.
            TooLittleDataError: the training part holds nothing to learn from.
            NeedsClockError: the model needs times, and the split has none.
            TrainingError: training diverged, or the checkpoint belongs to another run.
        """
        carried = (
            bool(self.recipe.features),
            encoders is not None,
            split.events.features is not None,
        )
        if any(carried) and not all(carried):
            raise ConfigurationError(
                "The features of the recipe and those of the split do not belong together; call "
                "fit(log), or hand in both that encode_split gave for this recipe."
            )
        self.recipe = replace(self.recipe, evaluation=self.recipe.evaluation.resolved(split))
        self._learned = learn(
            self.recipe, split, catalogue, encoders=encoders, checkpoint=checkpoint, watcher=watcher
        )
        if self._learned.history is not None:
            # The name stands before the reason.
            loss, *_ = self._learned.history.loss.split(maxsplit=1)
            self.recipe = replace(self.recipe, loss=loss)
        return self

    def recommend(
        self,
        user: Id | None = None,
        *,
        history: Sequence[Id] | None = None,
        times: Sequence[Moment] | None = None,
        at: Moment | None = None,
        k: int = 10,
        seen: Seen | str | None = None,
        fallback: bool = True,
    ) -> Recommendations:
        """What comes next for somebody.

        Args:
            user: own id of a user of the log.
            history: instead: own ids of items, oldest first, of anybody.
            times: of the events of that history, for networks that read them.
            at: the moment of the request, for networks that look at it; right after the newest
                event if omitted.
            k: length of the list.
            seen: `"keep"` or `"remove"` items of the history; as measured if omitted.
            fallback: whether somebody without a usable history is answered by popularity.

        Returns:
            At most k items; `answered_by` and `notes` say when it was the fallback.

        Raises:
            ConfigurationError: neither or both of user and history, a moment that makes no sense,
                or k below 1.
            NeedsClockError: a moment was given and the history has no times, or the model cannot
                read one without.
            NotFittedError: before `fit`.
            UnknownUserError: no such user, or nothing usable in the history, and no fallback.
        """
        learned = self.learned
        asked = ask(learned, self.name, user, history, times, at)
        if asked.trouble and not fallback:
            raise UnknownUserError(
                f"{asked.trouble}. Give a history of items that it knows, or allow the fallback."
            )
        items = list_for(learned, asked.queries, k, self._seen(seen))
        if not asked.trouble:
            return Recommendations(user, items, self.title, asked.notes)
        note = f"{asked.trouble}; this is what is popular instead."
        name = f"{learned.fallback.name} (fallback)"
        return Recommendations(user, items, name, (*asked.notes, note))

    def recommend_all(
        self,
        users: Sequence[Id] | None = None,
        *,
        at: Moment | None = None,
        k: int = 10,
        seen: Seen | str | None = None,
        fallback: bool = True,
    ) -> pl.DataFrame:
        """Lists for many known users at once: to each the list that `recommend` gives.

        Args:
            users: own ids; all users if omitted.
            at: the moment of the requests, as in `recommend`.
            k: length of each list.
            seen: as in `recommend`.
            fallback: whether somebody without a usable history has a list, of what is popular;
                without it such users are left out.

        Returns:
            Columns user, rank (from 1), item, score; users in the order given.

        Raises:
            ConfigurationError: k below 1, or a moment before the newest event of somebody.
            NeedsClockError: a moment was given, and the log carries only an order.
            NotFittedError: before `fit`.
            UnknownUserError: a user is not known.
        """
        return lists_for_all(self.learned, users, at, k, self._seen(seen), fallback=fallback)

    def evaluate(
        self, *, protocol: Protocol | None = None, memory: bool = True
    ) -> EvaluationReport:
        """How good the answers are on the test part, which nothing was chosen by.

        Whoever `recommend` would answer by the fallback is answered by it here too.

        Args:
            protocol: rules other than the recipe's.
            memory: whether a network that wears the memory of transitions is measured with it, as
                it answers; without it, it is called "alone".

        Returns:
            Metrics with intervals, per user underneath.

        Raises:
            NotFittedError: before `fit`.
        """
        learned = self.learned
        scorer, name = learned.scorer, self.title
        if not memory and isinstance(scorer, RememberingScorer):
            scorer, name = scorer.network, f"{self.name} alone"
        return evaluate(
            Answering(scorer, learned.fallback),
            learned.split.test,
            name=name,
            protocol=protocol or self.protocol(),
            training=learned.split.training,
            fingerprint=learned.fingerprint,
            tie_share=learned.split.tie_share,
        )

    def protocol(self) -> Protocol:
        """The rules that the recipe measures by.

        Raises:
            NotFittedError: before `fit`.
        """
        return self.recipe.evaluation.protocol(str(self.learned.protocol), self.recipe.seed)

    def explain(
        self,
        user: Id | None = None,
        item: Id | None = None,
        *,
        history: Sequence[Id] | None = None,
        times: Sequence[Moment] | None = None,
        at: Moment | None = None,
        seen: Seen | str | None = None,
    ) -> Explanation:
        """Why somebody is shown an item.

        Args:
            user: own id of a user of the log.
            item: own id of the item; the first recommendation if omitted.
            history: instead of a user: own ids of items, oldest first.
            times: of the events of that history, as in `recommend`.
            at: the moment of the request, as in `recommend`.
            seen: as in `recommend`.

        Returns:
            Which past events carried the answer, and whether attention tells the truth of it.

        Raises:
            ConfigurationError: neither or both of user and history, a moment that makes no sense,
                or the item is no candidate.
            NeedsClockError: as in `recommend`.
            NotFittedError: before `fit`.
            UnknownItemError: no such item.
            UnknownUserError: nothing usable is known of the user, so there are no reasons.
        """
        asked = ask(self.learned, self.name, user, history, times, at)
        if asked.trouble:
            raise UnknownUserError(
                f"{asked.trouble}, so there is nothing to explain from: the answer would be what "
                "is popular. Ask about a user with a history, or give one."
            )
        found = reasons_for(self.learned, asked, item, self._seen(seen))
        zone = self.recipe.source.timezone
        if zone == "UTC" or not any(event.time for event in found.events):
            return found
        return replace(found, notes=(*found.notes, f"Days are those of UTC, not of {zone}."))

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Path:
        """Write a bundle: data with checksums, complete or not there at all.

        Args:
            folder: to be made.
            overwrite: whether a bundle that is there may be replaced.

        Returns:
            The folder.

        Raises:
            NotFittedError: before `fit`.
            StorageError: it could not be written, or is there and may not be replaced.
        """
        return save(self.recipe, self.learned, Path(folder), overwrite=overwrite)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open a bundle; nothing inside it is executed.

        Args:
            folder: what `save` wrote.

        Returns:
            A recommender that answers as the saved one did.

        Raises:
            BundleError: the folder is not there, is damaged, or holds no recommender.
            ConfigurationError: it names a model or an option that this version does not know.
            MissingDependencyError: it holds a network and torch is not installed.
        """
        recipe, learned = load(Path(folder))
        recommender = cls.from_recipe(recipe)
        recommender._learned = learned
        return recommender

    def add_to_card(self, **facts: Any) -> None:
        """Let the bundle's card say more, such as what cleaning removed.

        Args:
            facts: name -> plain values that JSON can say.

        Raises:
            ConfigurationError: the card says that already, of its own.
            NotFittedError: before `fit`.
        """
        if taken := sorted(facts.keys() & set(OWN_FACTS)):
            raise ConfigurationError(
                f"The card says {', '.join(taken)} of its own; choose other names."
            )
        self._learned = replace(self.learned, card={**self.learned.card, **facts})

    def _seen(self, seen: Seen | str | None) -> Seen:
        if seen is None:
            return Seen(self.recipe.evaluation.seen)
        if seen not in list(Seen):
            raise ConfigurationError(f"seen={seen!r} is not known; choose 'keep' or 'remove'.")
        return Seen(seen)
