"""Ask a log or a split whether anything sees the future."""

from collections.abc import Iterable, Sequence

import narwhals as nw

from regard.data.encoders.fitted import Encoders
from regard.data.interactions import Interactions
from regard.data.leakage import LEAKS
from regard.data.leakage.case import Case
from regard.data.leakage.contract import Check, Finding, Severity
from regard.data.leakage.diagnosis import Diagnosis
from regard.data.split import Split, split_by_time, split_leave_last_out
from regard.schema import ITEM, USER, Clock


def diagnose(
    subject: Split | Interactions,
    *,
    log: Interactions | None = None,
    encoders: Encoders | Iterable[Encoders] = (),
    notes: Sequence[str] = (),
    checks: Iterable[Check] | None = None,
) -> Diagnosis:
    """Say what in a split sees the future, or flatters by other ways.

    Args:
        subject: a split; or a log, which is then split as `auto` would split it: by global time
            where it has a clock, else leaving the last out. Rows of a log that lack user, item or
            time are left out, as cleaning would.
        log: the interactions that were split, where a split is given: some checks read columns that
            a split does not keep.
        encoders: fitted for the log, if there are any.
        notes: of the cleaning report, where the log does not carry them (it does after `clean`).
        checks: other ones than all of `LEAKS`.

    Returns:
        The findings, the gravest first.

    Raises:
        DataError: the log beside the split is another one.
        TooLittleDataError: the log is too small to be split.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"user": [1] * 4 + [2] * 4, "item": list("abcdabca"),
        ...                       "time": [0.0, 9.0, 20.0, 30.0, 40.0, 55.0, 61.0, 70.0]})
        >>> found = diagnose(split_leave_last_out(Interactions.of(table)))
        >>> print(found.risks[0])
        risk  training-after-targets: 50.0 % of the training events are later than the earliest
        test target, ...
    """
    if isinstance(subject, Interactions):
        log = _complete(subject)
        split = _auto(log)
    else:
        split = subject
    given = (encoders,) if isinstance(encoders, Encoders) else tuple(encoders)
    carried = () if log is None else log.notes
    case = Case(split, log, given, (*carried, *notes))
    found: list[Finding] = []
    checked, left_out = [], {}
    for check in [kind() for kind in LEAKS.values()] if checks is None else checks:
        if reason := check.cannot_look(case):
            left_out[check.name] = reason
        else:
            checked.append(check.name)
            found += check.look(case)
    order = list(Severity)
    return Diagnosis(
        source="the split" if log is None else log.source,
        protocol=str(split.protocol),
        findings=tuple(sorted(found, key=lambda each: order.index(each.severity))),
        checked=tuple(checked),
        left_out=left_out,
    )


def _complete(log: Interactions) -> Interactions:
    """The rows that say who, what and when."""
    rows = log.frame.drop_nulls([USER, ITEM, log.ordering])
    if log.clock is Clock.TIME:
        rows = rows.filter(nw.col(log.ordering).is_finite())
    return log.with_frame(rows)


def _auto(log: Interactions) -> Split:
    """What the protocol `auto` of a recipe comes to, with its other defaults."""
    return split_by_time(log) if log.clock is Clock.TIME else split_leave_last_out(log)
