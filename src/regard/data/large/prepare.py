"""From a log that is larger than memory to a split on disk.

Three ways through the log, each bounded by the size of a shard and never by that of the log::

    scatter     parts of the log, in order   ->  shards of whole users
    clean       shard after shard            ->  sorted histories, quarantine, counts
    write       shard after shard            ->  flat arrays of item codes

The outcome equals `regard.clean` and a split in memory, to the last row.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from regard.data.atomic import atomic_folder, refusal, refuse_others
from regard.data.clean import default_rules, nothing_left, require_columns
from regard.data.fingerprint import Fingerprint
from regard.data.ingest.scan import LargeLog
from regard.data.interactions import Interactions
from regard.data.large.cleaning import (
    QUARANTINE,
    Cleaned,
    clean_shards,
    look_across,
    removed_rows,
)
from regard.data.large.cutting import Cut, items_of, protocol_of, write_histories
from regard.data.large.flat import FlatWriter
from regard.data.large.partition import MOST, Partition
from regard.data.large.prepared import Prepared, add_quarantine, add_tables, is_prepared
from regard.data.large.scatter import Tell, bytes_of_a_row, scatter
from regard.data.large.space import require_disk
from regard.data.large.workplace import Workplace
from regard.data.parallel import WORKERS
from regard.data.rules import Rule
from regard.errors import ConfigurationError, StorageError, TooLittleDataError
from regard.schema import ITEM, ROW, USER, Clock

MEMORY: Final = 2**30
"""Bytes that the work on the shards under way may take, as far as they can be foretold."""
_WORK: Final = 12  # bytes of work for each byte of a shard, an estimate on the safe side
_FEWEST: Final = 50_000  # rows of a shard: fewer are not worth a file

Progress = Callable[[str, int, int], None]
"""Hears the name of a stage, how much of it is done, and of how much."""


def prepare(
    log: LargeLog | Interactions,
    folder: Path | str,
    *,
    rules: Sequence[Rule] | None = None,
    cut: Cut | None = None,
    memory: int = MEMORY,
    shards: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Clean a log, cut it, code its histories and write them, without ever holding all of it.

    A run that was stopped goes on when it is asked for again: rows that found their shards stay
    there, and clean shards stay clean. The folder appears complete or not at all; what was written
    on the way lies in a hidden folder beside it, which goes at the end. Where the folder is there
    already, made of the same log by the same rules and cut, there is nothing to do.

    Args:
        log: of `regard.data.ingest.scan.scan`, or interactions over a lazy Polars frame.
        folder: to be made.
        rules: in the order in which they run; `default_rules` if omitted. A rule that looks across
            users must say how (`Rule.spread`).
        cut: how to split; by default global time where there is a clock.
        memory: bytes that the work on the shards under way may take. One user's rows are always
            together, so a user with very many of them takes more.
        shards: how many to make, instead of as many as `memory` asks for.
        overwrite: replace a prepared log that is there; nothing else ever is.
        progress: hears how far it is.

    Returns:
        What was written.

    Raises:
        ConfigurationError: a rule cannot be run in parts, or an option makes no sense.
        DataError: a kept row lacks its user, item or time, or nothing is left
            (`TooLittleDataError`).
        StorageError: the disk is full, or something is there already.

    Example:
        >>> import tempfile
        >>> log = Interactions.of(pl.DataFrame({"user": [1, 1, 1, None], "position": [0, 1, 2, 3],
        ...                                     "item": ["a", "b", "a", "c"]}))
        >>> made = prepare(log, Path(tempfile.mkdtemp()) / "plays")
        >>> made.rows_in, made.rows_kept, made.split().test.targets.tolist()
        (4, 3, [2])
    """
    large = LargeLog.of(log) if isinstance(log, Interactions) else log
    run = _Run.of(large, Path(folder), rules, cut or Cut(), progress)
    if is_prepared(run.target) and (there := Prepared.open(run.target)).made_of == run.made_of:
        return there
    refuse_others(run.target, is_prepared, "prepared log")
    if amiss := refusal(run.target, overwrite=overwrite):
        raise StorageError(f"{folder} {amiss}")
    rules_settled = run.scattered(memory, shards)
    cleaned = clean_shards(large.head, rules_settled, run.place, run.shards, run.teller("clean"))
    _require_sum(large, cleaned)
    prepared = _write(run, cleaned, overwrite=overwrite)
    run.place.remove()
    return prepared


@dataclass
class _Run:
    """One preparation: what is asked for, and where it takes place."""

    log: LargeLog
    target: Path
    rules: tuple[Rule, ...]
    cut: Cut
    place: Workplace
    progress: Progress | None
    part_rows: int = _FEWEST
    shards: int = 1

    @classmethod
    def of(
        cls,
        log: LargeLog,
        folder: Path,
        rules: Sequence[Rule] | None,
        cut: Cut,
        progress: Progress | None,
    ) -> "_Run":
        """Refuse what cannot be done before anything is."""
        # Not settled yet: a rule that depends on the moment is the same when a run goes on.
        chosen = default_rules(log.head, settle=False) if rules is None else tuple(rules)
        require_columns(log.head, chosen)
        if not log.rows:
            raise TooLittleDataError(f"{log.head.source} holds no rows, so there is nothing to do.")
        target = folder.resolve()
        return cls(log, target, chosen, cut.settled(log.head), Workplace.beside(target), progress)

    @property
    def made_of(self) -> str:
        """Changes when the log, the rules or the cut do."""
        return _digest({"log": self.log.identity, "rules": _told(self.rules), "cut": self.cut})

    def teller(self, stage: str) -> Tell:
        """Tells how far a stage is."""
        return partial(self.progress or _silent, stage)

    def scattered(self, memory: int, shards: int | None) -> tuple[Rule, ...]:
        """Bring all rows to their shards, unless an earlier run did; returns the settled rules."""
        sample = self.log.part(0, min(self.log.rows, _FEWEST), None)
        row_bytes = bytes_of_a_row(sample) + 8  # and the number of the rule that removes it
        fit = max(_FEWEST, int(memory / (_WORK * row_bytes * WORKERS)))
        wanted = -(-self.log.rows // fit) if shards is None else shards
        if not 1 <= wanted <= MOST:
            raise ConfigurationError(
                f"{wanted:,} shards are not possible; there may be 1 to {MOST:,}. Give another "
                "number of shards, or more memory."
            )
        self.part_rows = fit
        digest = _digest({"log": self.log.identity, "rules": _told(self.rules), "wanted": wanted})
        known = self.place.run()
        sound = known is not None and known["digest"] == digest
        if known is None or not sound or any(map(self.place.is_damaged, range(known["shards"]))):
            known = self._scatter(digest, wanted, row_bytes)
        self.shards = known["shards"]
        settled = zip(self.rules, known["rules"], strict=True)
        return tuple(replace(rule, **parameters) for rule, parameters in settled)

    def _scatter(self, digest: str, wanted: int, row_bytes: float) -> dict[str, Any]:
        """Begin anew."""
        self.place.remove()
        # A rule across users keeps the rows as they came to the end, and marks a copy of them.
        copies = 3 if look_across(self.rules) else 2
        require_disk(self.target.parent, self.log.rows, row_bytes, copies)
        self.place.begin()
        partition = Partition.of(self.log, wanted)
        scatter(self.log, partition, self.place, self.part_rows, self.teller("scatter"))
        settled = [rule.settled().parameters() for rule in self.rules]
        run = {"digest": digest, "shards": partition.shards, "rules": settled}
        self.place.scattered(run, partition.bounds)
        return run


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def _digest(facts: dict[str, Any]) -> str:
    """Of facts that tell one run from another, and of the version that made it."""
    told = repr((version("regard"), facts))
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def _told(rules: Sequence[Rule]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Names and parameters of rules, in order."""
    return [(rule.name, sorted(rule.parameters().items())) for rule in rules]


def _require_sum(log: LargeLog, cleaned: Cleaned) -> None:
    """Rows in = rows kept + rows explained, or something is wrong with us."""
    report = cleaned.report
    if not log.rows == report.rows_in == report.rows_kept + report.rows_removed:
        raise RuntimeError(
            f"Of {log.rows:,} rows of {report.source}, {report.rows_in:,} reached their shards, "
            f"{report.rows_kept:,} were kept and {report.rows_removed:,} explained, which does not "
            "add up."
        )
    if not report.rows_kept:
        raise TooLittleDataError(nothing_left(report))


def _write(run: _Run, cleaned: Cleaned, *, overwrite: bool) -> Prepared:
    """Cut, code and write: the folder appears when all of it is there."""
    head, report = run.log.head, cleaned.report
    protocol = protocol_of(cleaned, run.cut)
    vocabulary, catalogue = items_of(cleaned, protocol, head)
    with atomic_folder(run.target, overwrite=overwrite) as draft:
        add_tables(draft, vocabulary, catalogue)
        add_quarantine(draft, list(run.place.outcomes(QUARANTINE, run.shards)))
        (draft / "events").mkdir()
        clock = head.clock is Clock.TIME
        with FlatWriter.into(draft / "events", events=report.rows_kept, clock=clock) as writer:
            write_histories(cleaned, vocabulary, head, writer, run.teller("write"))
        Prepared(
            draft,
            report.source,
            report.rows_in,
            report.rows_kept,
            report.removals,
            (*head.notes, *report.notes),
            protocol,
            _fingerprint(run, removed_rows(cleaned)),
            run.cut,
            run.made_of,
        ).save_facts()
    return Prepared.open(run.target)


def _fingerprint(run: _Run, removed: Any) -> str:
    """The fingerprint of the clean log: its rows in the order of the log."""
    columns = [USER, ITEM, run.log.head.ordering, ROW]
    digest, tell, done = (
        Fingerprint((USER, ITEM, run.log.head.ordering)),
        run.teller("fingerprint"),
        0,
    )
    for table in run.log.parts(run.part_rows, columns):
        rows = table[ROW].to_numpy()
        first, last = np.searchsorted(removed, [rows[0], rows[-1] + 1])
        keeps = np.ones(len(rows), np.bool_)
        keeps[np.searchsorted(rows, removed[first:last])] = False
        digest.update(table.filter(pl.Series(keeps)))
        done += len(rows)
        tell(done, run.log.rows)
    return digest.hexdigest()
