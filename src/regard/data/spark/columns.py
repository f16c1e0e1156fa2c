"""Columns of a Spark frame in the types that their roles ask for, decided in one pass over them.

What `regard.data.ingest.columns` decides by looking at a column in memory is asked here of the
cluster: every column says which facts it needs, all facts are counted in one job, and what follows
from them is a lazy expression.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from regard.data.numerals import MISSING
from regard.errors import ColumnError
from regard.schema import ROW

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

Facts = Mapping[str, Any]
"""What was counted, by name."""
Answer = tuple["Column", tuple[str, ...]]
"""A lazy column and notes."""

BLANKS: Final = (
    " \t\n\r\v\f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""White space as Polars strips it."""
WHOLE: Final = r"^[-+]?[0-9]{1,19}\z"
NUMBER: Final = r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\z"
_EXACT: Final = 2.0**53  # beyond this, not every whole number has a float of its own


@dataclass(frozen=True)
class Question:
    """How one column is typed.

    Attributes:
        answer: from the facts to the typed column.
        facts: aggregates to be counted first, by name; none where the type decides alone.
    """

    answer: Callable[[Facts], Answer]
    facts: Mapping[str, "Column"] = field(default_factory=dict)


def answered(frame: "DataFrame", questions: Mapping[str, Question]) -> dict[str, Answer]:
    """Count the facts of all questions in one job, and answer them.

    Args:
        frame: with a column `row`.
        questions: by role or column.

    Returns:
        The answers under the same names.
    """
    names = list(questions)
    asked = [
        fact.alias(f"{number}.{label}")
        for number, name in enumerate(names)
        for label, fact in questions[name].facts.items()
    ]
    counted = frame.agg(*asked).collect()[0].asDict() if asked else {}
    answers = {}
    for number, name in enumerate(names):
        facts = {label: counted[f"{number}.{label}"] for label in questions[name].facts}
        answers[name] = questions[name].answer(facts)
    return answers


def is_whole(kind: "DataType") -> bool:
    """Whether a type of Spark holds whole numbers."""
    from pyspark.sql import types as T

    return isinstance(kind, T.IntegralType)


def is_fractional(kind: "DataType") -> bool:
    """Whether a type of Spark holds fractions."""
    from pyspark.sql import types as T

    return isinstance(kind, T.FractionalType)


def column(name: str) -> "Column":
    """A column whatever signs its name has."""
    from pyspark.sql import functions as F

    return F.col(f"`{name.replace('`', '``')}`")


def stripped(name: str, *, words: bool = False) -> "Column":
    """Text without surrounding blanks; null where nothing else is there.

    Args:
        name: a column of text.
        words: whether the usual spellings of a missing value count as missing too.
    """
    from pyspark.sql import functions as F

    text = F.btrim(column(name), F.lit(BLANKS))
    missing = ["", *MISSING] if words else [""]
    return F.when(~text.isin(missing), text)


def first_of(wrong: "Column", name: str) -> "Column":
    """How many values are wrong and the first of them, as one fact."""
    from pyspark.sql import functions as F

    shown = F.when(wrong, F.struct(F.col(ROW).alias("row"), column(name).alias("value")))
    return F.struct(F.count_if(wrong).alias("count"), F.min(shown).alias("first"))


def as_ids(name: str, kind: "DataType", *, typed: bool) -> Question:
    """Own ids: integers or text; see `regard.data.ingest.columns.as_ids`.

    Args:
        name: of the column.
        kind: its type.
        typed: whether the source knows types, so that text is text.

    Returns:
        The question.

    Raises:
        ColumnError: values that cannot be ids.
    """
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if is_whole(kind):
        return Question(lambda _: (column(name), ()))
    if is_fractional(kind):
        return _whole_numbers(name)
    if not isinstance(kind, T.StringType | T.NullType):
        raise ColumnError(
            f"Column {name!r} holds {kind.simpleString()}; ids must be whole numbers or text. Name "
            "another column, or convert this one first."
        )
    text = F.when(stripped(name).isNotNull(), column(name))
    if typed:
        return Question(lambda _: (text, ()))
    return _integers_if_lossless(name, text)


def _whole_numbers(name: str) -> Question:
    """Floats or decimals as int64; a fraction or a number too large to be exact is refused."""
    from pyspark.sql import functions as F

    number = F.nanvl(column(name).cast("double"), F.lit(None).cast("double"))
    wrong = (number != F.floor(F.least(number, F.lit(_EXACT)))) | (F.abs(number) >= _EXACT)

    def answer(facts: Facts) -> Answer:
        found = facts["wrong"]
        if found["count"]:
            raise ColumnError(
                f"Column {name!r} holds numbers that cannot be ids: {found['count']:,} are "
                f"fractions or too large to be exact (first: row {found['first']['row']}, "
                f"{found['first']['value']!r}). Read ids as text or whole numbers."
            )
        return number.cast("long"), ()

    return Question(answer, {"wrong": first_of(F.coalesce(wrong, F.lit(False)), name)})


def _integers_if_lossless(name: str, text: "Column") -> Question:
    """Integers where all texts are their canonical spelling, else the texts as they are."""
    from pyspark.sql import functions as F

    present = stripped(name, words=True)
    whole = present.try_cast("long")
    facts = {
        "texts": F.count(text),
        "present": F.count(present),
        "canonical": F.count_if(whole.cast("string") == present),
        "dotted": F.count_if(F.regexp_like(present, F.lit(r"^-?[0-9]{1,15}[.,]0\z"))),
    }

    def answer(counted: Facts) -> Answer:
        here = counted["present"]
        missing = counted["texts"] - here
        notes = (
            (f"{missing:,} values of column {name!r} that spell 'missing' count as such.",)
            if missing
            else ()
        )
        if here and counted["canonical"] == here:
            return whole, notes
        if here and counted["dotted"] == here:
            note = f"Column {name!r} spells whole numbers with a '.0', which is left away."
            return F.regexp_replace(present, r"[.,]0\z", "").cast("long"), (*notes, note)
        return text, ()

    return Question(answer, facts)


def as_positions(name: str, kind: "DataType", *, typed: bool) -> Question:
    """Whole numbers that order a log; see `as_ids` for the arguments.

    Raises:
        ColumnError: the column holds something else.
    """
    ids = as_ids(name, kind, typed=typed and not _is_text(kind))

    def answer(facts: Facts) -> Answer:
        made, notes = ids.answer(facts)
        told = facts.get("present", 1)
        if _is_text(kind) and not (told and told in {facts["canonical"], facts["dotted"]}):
            raise ColumnError(
                f"Column {name!r} holds text that is no whole number; order= needs whole numbers. "
                'Use time= for a column of times, or order="file".'
            )
        return made.cast("long"), notes

    return Question(answer, ids.facts)


def as_numbers(name: str, kind: "DataType", *, decimal: str) -> Question:
    """Numbers: integers stay integers, everything else is float64, NaN is missing.

    Args:
        name: of the column.
        kind: its type.
        decimal: the decimal sign of text.

    Returns:
        The question.

    Raises:
        ColumnError: the column holds neither numbers nor text.
    """
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if is_whole(kind):
        return Question(lambda _: (column(name), ()))
    if is_fractional(kind) or isinstance(kind, T.NullType):
        number = F.nanvl(column(name).cast("double"), F.lit(None).cast("double"))
        return Question(lambda _: (number, ()))
    if not _is_text(kind):
        raise ColumnError(f"Column {name!r} holds {kind.simpleString()}; it must hold numbers.")
    text = stripped(name, words=True)
    spelled = text
    if decimal == ",":
        spelled = F.when(~F.contains(text, F.lit(".")), F.replace(text, F.lit(","), F.lit(".")))
    number = F.when(F.regexp_like(spelled, F.lit(NUMBER)), spelled).try_cast("double")
    whole = F.when(F.regexp_like(text, F.lit(WHOLE)), text).try_cast("long")

    def answer(facts: Facts) -> Answer:
        if facts["whole"] == facts["present"]:
            return whole, ()
        found = facts["wrong"]
        if found["count"]:
            raise ColumnError(
                f"Column {name!r} has {found['count']:,} values that are no numbers (first: row "
                f"{found['first']['row']}, {found['first']['value']!r}). Mend them, or say how "
                "numbers are written with decimal='.' or decimal=','; groups of thousands are not "
                "read on Spark."
            )
        return number, ()

    wrong = text.isNotNull() & number.isNull()
    facts = {"present": F.count(text), "whole": F.count(whole), "wrong": first_of(wrong, name)}
    return Question(answer, facts)


def as_text(name: str, kind: "DataType") -> Question:
    """Text, such as titles and kinds of events; blank is missing.

    Args:
        name: of the column.
        kind: its type.

    Returns:
        The question.

    Raises:
        ColumnError: a column of lists or other nested values, or of fractions.
    """
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if isinstance(kind, T.ArrayType | T.MapType | T.StructType | T.BinaryType):
        raise ColumnError(f"Column {name!r} holds {kind.simpleString()}, which is no text.")
    if is_fractional(kind):
        whole = _whole_numbers(name)
        return Question(lambda facts: (whole.answer(facts)[0].cast("string"), ()), whole.facts)
    if _is_text(kind):
        text = F.when(stripped(name).isNotNull(), column(name))
        return Question(lambda _: (text, ()))
    return Question(lambda _: (column(name).cast("string"), ()))


def as_context(name: str, kind: "DataType", *, typed: bool, decimal: str) -> Question:
    """A column without a role: text that can only be numbers becomes numbers, nested values JSON.

    Args:
        name: of the column.
        kind: its type.
        typed: whether the source knows types, so that text is text.
        decimal: the decimal sign of text.

    Returns:
        The question.
    """
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if isinstance(kind, T.ArrayType | T.MapType | T.StructType):
        text = F.to_json(column(name), {"ignoreNullFields": "false"})
        return Question(lambda _: (text, ()))
    if typed or not _is_text(kind):
        return Question(lambda _: (column(name), ()))
    number = rf"^-?(?:0|[1-9][0-9]*)(?:\{decimal}[0-9]+)?(?:[eE][-+]?[0-9]+)?\z"
    numbers = as_numbers(name, kind, decimal=decimal)
    plain = F.count_if(F.regexp_like(stripped(name, words=True), F.lit(number)))

    def answer(facts: Facts) -> Answer:
        if facts["present"] and facts["plain"] == facts["present"]:
            return numbers.answer(facts)
        return column(name), ()

    return Question(answer, {**numbers.facts, "plain": plain})


def _is_text(kind: "DataType") -> bool:
    from pyspark.sql import types as T

    return isinstance(kind, T.StringType)
