"""What `benchmarks/cleaning.py` asks, the same in all of its cells, and what it lets a model learn.

The log of a cell, of one user::

    may be noisy, may be cleaned        never touched
    t  t  n  t  t  n  n  t            | .  V  .  X       n noise; V, X validation and test targets

The targets are those of the log as `regard demo` (or `benchmarks/ml1m.py`) would clean it, so that
everybody is asked the same. What a history holds when its target is asked for is another matter: as
logged, noise and all, or clean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import narwhals as nw
import numpy as np
import polars as pl

from ml1m import find_log
from regard.cli import story
from regard.data.clean import clean, default_rules
from regard.data.fingerprint import fingerprint
from regard.data.ingest.read import read
from regard.data.interactions import Interactions
from regard.data.noise import inject
from regard.data.queries import Queries
from regard.data.report import CleaningReport
from regard.data.rules import (
    RULES,
    Bursts,
    ConsecutiveRepeats,
    ExcludedItems,
    MissingItem,
    MissingTime,
    MissingUser,
    NearDuplicates,
    RareUsersAndItems,
    Rule,
)
from regard.data.sequences import Sequences
from regard.data.split import Split, TrainingPart, assemble
from regard.data.truth import Kind, Truth
from regard.data.vocabulary import Vocabulary
from regard.randomness import stream
from regard.recommender.recipe import EvaluationSettings, Recipe, SplitSettings
from regard.schema import FIRST_CODE, ITEM, PRICE, QUANTITY, ROW, TIME, USER, VALUE
from regard.shapes import Mask, Offsets
from regard.training.config import TrainingConfig

NEEDED = (MissingUser(), MissingItem(), MissingTime())
"""Cleaning off: without these nobody could learn at all."""
KINDS = ("insertions", "swaps", "duplicates", "near_duplicates", "missing")


@dataclass(frozen=True)
class Subject:
    """A log that is asked about.

    Attributes:
        name: in results.
        raw: the log that noise goes into.
        trusted: those of its rows that targets and clean histories come from.
        protocol: how it is cut.
        seen: whether items of the history stay candidates.
        epochs: that it is trained for, unless told otherwise.
        known: rules that only who knows this log can give.
    """

    name: str
    raw: Interactions
    trusted: Interactions
    protocol: str
    seen: str
    epochs: int
    known: tuple[Rule, ...] = ()

    def recipe(self, seed: int, epochs: int) -> Recipe:
        """SASRec with its defaults but for the number of epochs."""
        return Recipe(
            seed=seed,
            split=SplitSettings(protocol=self.protocol),
            training=TrainingConfig(epochs=epochs),
            evaluation=EvaluationSettings(seen=self.seen),
        )


def online_retail() -> Subject:
    """The shipped log, under global time."""
    raw = story.raw_log()
    known = (ExcludedItems(pattern=story.NO_PRODUCTS),)
    trusted, _ = story.clean_shop(raw)
    return Subject("online-retail", raw, trusted, "global-time", "keep", 10, known)


def ml1m() -> Subject:
    """MovieLens-1M, 5-core, leave-last-out; it has an order and no clock."""
    log = read(find_log(), order="position")
    cored, _ = clean(log, [*default_rules(log), RareUsersAndItems()])
    return Subject("ml-1m", cored, cored, "leave-last-out", "remove", 8)


SUBJECTS = {"online-retail": online_retail, "ml-1m": ml1m}
"""Name at the prompt -> what reads it."""


def with_some_users(subject: Subject, most: int, seed: int) -> Subject:
    """The same log with so many of its users, drawn by the seed: for trying things out."""
    users = subject.trusted.collect()[USER].unique().sort()
    drawn = stream(seed, "users").permutation(len(users))[:most]
    chosen = users[drawn].implode()

    def theirs(log: Interactions) -> Interactions:
        table = log.collect().filter(pl.col(USER).is_in(chosen))
        return log.with_frame(nw.from_native(table.lazy()))

    return replace(subject, raw=theirs(subject.raw), trusted=theirs(subject.trusted))


@dataclass(frozen=True)
class Exam:
    """Who is asked what on a log, whatever noise and cleaning make of the rest.

    Attributes:
        subject: the log.
        split: of its trusted rows; says when validation begins.
        targets: part -> `(Q,)` int64 row numbers of its targets, users ascending.
        everywhere: whether what lies between training and targets is noisy too.
    """

    subject: Subject
    split: Split
    targets: Mapping[str, Offsets]
    everywhere: bool = False

    @classmethod
    def of(cls, subject: Subject, *, everywhere: bool = False) -> "Exam":
        """Cut the trusted rows and remember which of them are asked for."""
        split = SplitSettings(protocol=subject.protocol).apply(subject.trusted)
        events = split.events
        # With a code of its own for each event, a target says which event it is.
        numbers = np.arange(len(events.items), dtype=np.int32) + FIRST_CODE
        numbered = Sequences(events.users, events.offsets, numbers, events.times, events.rows)
        cut = assemble(numbered, split.vocabulary, split.protocol, split.fingerprint)
        targets = {
            part: events.rows[asked.targets - FIRST_CODE]
            for part, asked in (("validation", cut.validation), ("test", cut.test))
        }
        return cls(subject, split, targets, everywhere)

    @property
    def ordering(self) -> str:
        """The column that orders a history."""
        return self.subject.raw.ordering

    def later(self, table: pl.DataFrame, targets: Mapping[str, Offsets]) -> pl.Series:
        """Boolean: rows that lie after the training part."""
        begins = self.split.protocol.validation_from
        if begins is not None:
            return (table[TIME] >= begins).fill_null(value=False)
        return table[ROW].is_in(pl.Series(np.concatenate(list(targets.values()))).implode())

    @cached_property
    def untouched(self) -> pl.Series:
        """Row numbers that neither noise nor cleaning may touch."""
        asked = pl.Series(ROW, np.concatenate(list(self.targets.values())), pl.Int64)
        if self.everywhere:
            return asked
        trusted = self.subject.trusted.collect()
        return trusted.filter(self.later(trusted, self.targets))[ROW]

    @cached_property
    def log(self) -> Interactions:
        """The log that noise goes into: of the time after training only what nobody may touch."""
        raw = self.subject.raw
        if self.everywhere:
            return raw
        table = raw.collect()
        kept = ~self.later(table, self.targets) | table[ROW].is_in(self.untouched.implode())
        return raw.with_frame(nw.from_native(table.filter(kept).lazy()))


def shares_of(level: float, log: Interactions) -> dict[str, float]:
    """How much of each kind makes a level of noise: a third each, duplicates of two sorts.

    Numbers get lost beyond that, where there are any, in as many rows as are inserted.
    """
    third = level / 3
    losable = any(map(log.has, (VALUE, QUANTITY, PRICE)))
    parts = (third, third, third / 2, third / 2, third if losable else 0.0)
    return dict(zip(KINDS, parts, strict=True))


@dataclass(frozen=True)
class Cell:
    """A noisy log with the questions of an exam in it.

    Attributes:
        exam: who is asked what.
        log: the noisy log.
        truth: what each of its rows is.
    """

    exam: Exam
    log: Interactions
    truth: Truth

    @classmethod
    def of(cls, exam: Exam, level: float, seed: int, *, popular: bool = True) -> "Cell":
        """Put noise of a level into the log of an exam."""
        open_rows = ~pl.col(ROW).is_in(exam.untouched.implode())
        shares = shares_of(level, exam.log)
        noisy, truth = inject(exam.log, **shares, popular=popular, only=open_rows, seed=seed)
        return cls(exam, noisy, truth)

    def rows_of(self, rows: Offsets | pl.Series) -> Offsets:
        """The numbers that untouched rows of the log carry here, in the order of the old ones."""
        own = self.truth.rows.filter(pl.col("kind") == Kind.ORIGINAL.value)
        wanted = pl.DataFrame({"origin": rows})
        return wanted.join(own, on="origin", how="left", maintain_order="left")[ROW].to_numpy()

    def rules(self, *, on: bool) -> tuple[Rule, ...]:
        """What is cleaned: all that this log can be asked, or only what cannot be learned from."""
        if not on:
            return NEEDED
        log, subject = self.log, self.exam.subject
        begins = self.exam.split.protocol.validation_from
        extra: list[Rule] = [ConsecutiveRepeats(), *subject.known]
        if log.has(TIME):
            extra += [NearDuplicates(), Bursts.learn(log, until=begins)]
        order = list(RULES)
        both = (*default_rules(log), *extra)
        return tuple(sorted(both, key=lambda rule: order.index(rule.name)))

    def cleaned(self, *, on: bool) -> tuple[Interactions, CleaningReport]:
        """The log with its open rows cleaned and all others left."""
        table = self.log.collect()
        shut = table[ROW].is_in(pl.Series(self.rows_of(self.exam.untouched)).implode())
        open_log = self.log.with_frame(nw.from_native(table.filter(~shut).lazy()))
        kept, report = clean(open_log, self.rules(on=on))
        both = pl.concat([kept.collect(), table.filter(shut)]).sort(ROW)
        return self.log.with_frame(nw.from_native(both.lazy())), report

    def split(self, log: Interactions) -> Split:
        """Training part, validation and test of what cleaning left."""
        exam = self.exam
        targets = {part: self.rows_of(rows) for part, rows in exam.targets.items()}
        table = log.collect()
        later = exam.later(table, targets)
        vocabulary = Vocabulary.fit(table.filter(~later)[ITEM])
        events = coded(log, vocabulary)
        known, before = events.known()
        learned = ~np.isin(events.rows, table[ROW].filter(later).to_numpy())
        # Of each history the training part comes first.
        counted = np.concatenate([[0], np.cumsum(learned)])
        ends = events.offsets[:-1] + np.diff(counted[events.offsets])
        return Split(
            TrainingPart(known, before[ends], vocabulary),
            questions(events, targets["validation"]),
            questions(events, targets["test"]),
            exam.split.protocol,
            fingerprint(log),
            events,
        )

    def clean_questions(self, vocabulary: Vocabulary) -> Queries:
        """The test with the histories of the trusted log."""
        return questions(coded(self.exam.subject.trusted, vocabulary), self.exam.targets["test"])


def coded(log: Interactions, vocabulary: Vocabulary) -> Sequences:
    """All histories of a log in the codes of a vocabulary."""
    table = log.sorted().select(USER, ITEM, log.ordering, ROW)
    return Sequences.of(table.with_columns(pl.Series(ITEM, vocabulary.encode(table[ITEM]))))


def questions(events: Sequences, rows: Offsets) -> Queries:
    """Ask for some events by their row numbers, given all known items before them."""
    asked: Mask = np.isin(events.rows, rows)
    at = np.flatnonzero(asked).astype(np.int64)
    users = np.searchsorted(events.offsets, at, side="right") - 1
    found = Queries.next_event(events, users.astype(np.int64), at)
    known, before = events.known()
    return replace(found, sequences=known, ends=before[found.ends])
