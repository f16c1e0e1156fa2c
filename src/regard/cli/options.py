"""The options that several commands share, each described once."""

import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from regard.errors import ConfigurationError

if TYPE_CHECKING:
    from regard.data.repairs import Repair
    from regard.data.rules.contract import Rule
    from regard.recommender.recipe import Recipe, SourceSettings

_COLUMNS: Final = "Which column is what (found by name and values if omitted)"
_FORM: Final = "How the file is written (found if omitted)"
_MORE: Final = "Where rows come from"
_CLEANING: Final = "Cleaning"
_RUN: Final = "The run"

_LOG: Final = (
    "A log: CSV and its kin or JSON lines (also .gz), Parquet, Arrow, RecBole's .inter; a folder "
    "of such files or a pattern in quotation marks; the URL of a database; or dataset:NAME, one of "
    "those that `regard datasets` lists."
)
LogFile = Annotated[str, typer.Argument(metavar="FILE|FOLDER|URL", help=_LOG)]
LogOrRecipe = Annotated[
    str,
    typer.Argument(
        metavar="FILE|FOLDER|URL|RECIPE.toml",
        help=f"{_LOG} Or a recipe that names a log and says what to do.",
    ),
]
BundleFolder = Annotated[
    Path, typer.Argument(metavar="BUNDLE", help="A folder that `regard fit` wrote.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="PAGE.html",
        help="Also write a page of pictures: calendar, popularity, gaps, outliers, doubts.",
    ),
]
SeenOption = Annotated[
    str | None,
    typer.Option(
        metavar="keep|remove", help="May items of the history come again? As measured if omitted."
    ),
]


def _column(help: str) -> Any:  # noqa: A002 - Typer's own word
    return typer.Option(metavar="COLUMN", help=help, rich_help_panel=_COLUMNS)


def _form(metavar: str, help: str) -> Any:  # noqa: A002 - Typer's own word
    return typer.Option(metavar=metavar, help=help, rich_help_panel=_FORM)


def _more(metavar: str, help: str) -> Any:  # noqa: A002 - Typer's own word
    return typer.Option(metavar=metavar, help=help, rich_help_panel=_MORE)


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Which column plays which role, and how the file is written: `regard.read` as options."""

    items: Annotated[
        str | None, _more("FILE", "A table of items that joins the log by id: titles, classes.")
    ] = None
    users: Annotated[str | None, _more("FILE", "A table of users that joins it by id.")] = None
    query: Annotated[
        str | None, _more("SELECT", "Of a database: 'select * from plays where day > :day'.")
    ] = None
    table: Annotated[
        str | None, _more("NAME", "Of a database, instead of a query: the name of a table.")
    ] = None
    parameters: Annotated[
        list[str] | None,
        _more("NAME=VALUE", "A value for :NAME in the query; may be given several times."),
    ] = None
    user: Annotated[str | None, _column("Who.")] = None
    item: Annotated[str | None, _column("What.")] = None
    time: Annotated[str | None, _column("When.")] = None
    order: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN|file",
            help="Instead of a time: a column of whole numbers that orders rows, or 'file'.",
            rich_help_panel=_COLUMNS,
        ),
    ] = None
    event: Annotated[str | None, _column("The kind of event.")] = None
    value: Annotated[str | None, _column("A rating, or another number that says how much.")] = None
    quantity: Annotated[str | None, _column("How many pieces.")] = None
    price: Annotated[str | None, _column("The price of a piece.")] = None
    session: Annotated[str | None, _column("The visit, basket or invoice.")] = None
    title: Annotated[str | None, _column("What the item is called.")] = None
    time_format: Annotated[str | None, _form("FORMAT", "Of times as text: %d/%m/%Y %H:%M.")] = None
    time_unit: Annotated[str | None, _form("s|ms|us|ns", "Of times as numbers.")] = None
    timezone: Annotated[
        str | None, _form("ZONE", "Of times without a zone: Europe/London. UTC if omitted.")
    ] = None
    delimiter: Annotated[str | None, _form("TEXT", "Between two fields.")] = None
    encoding: Annotated[str | None, _form("NAME", "Of characters: utf-8, cp1252.")] = None
    decimal: Annotated[str | None, _form(".|,", "The decimal sign.")] = None
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether the first line holds names.",
            rich_help_panel=_FORM,
        ),
    ] = None

    def given(self) -> dict[str, Any]:
        """The options that were given, by name.

        Raises:
            ConfigurationError: a parameter of the query is not written NAME=VALUE.

        Example:
            >>> SourceOptions(parameters=["day=2024-05-01", "shop=7"]).given()
            {'parameters': {'day': '2024-05-01', 'shop': 7}}
        """
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if self.parameters:
            given["parameters"] = dict(map(_parameter, self.parameters))
        elif self.parameters is not None:
            del given["parameters"]
        return given

    def over(self, settings: "SourceSettings") -> "SourceSettings":
        """Settings of a recipe with the options that were given in place of its own."""
        return replace(settings, **self.given())


def _parameter(text: str) -> tuple[str, int | float | str]:
    """A name and its value: a number where it is spelled as one, else text."""
    name, equals, value = text.partition("=")
    if not (name.strip() and equals):
        raise ConfigurationError(
            f"--parameters {text!r} gives no value; write NAME=VALUE, such as day=2024-05-01."
        )
    if re.fullmatch(r"-?(?:0|[1-9]\d*)", value):
        return name.strip(), int(value)
    if re.fullmatch(r"-?(?:0|[1-9]\d*)\.\d+", value):
        return name.strip(), float(value)
    return name.strip(), value


def as_typed(message: str) -> str:
    r"""A message of Python in the words of the prompt.

    Args:
        message: names options as Python does, such as `time='when'`.

    Returns:
        The message with the same options as one types them.

    Example:
        >>> as_typed("Say which it is with time='...', or say order=\"file\".")
        'Say which it is with --time \'...\', or say --order "file".'
        >>> as_typed("Give time_format=, or name another column.")
        'Give --time-format, or name another column.'
    """
    groups = (*fields(SourceOptions), *fields(PersonOptions))
    names = "|".join(["seen", *(each.name for each in groups)])
    spaced = re.sub(rf"(?<![\w.-])({names})=(?=['\"])", _flag, message)
    return re.sub(rf"(?<![\w.-])({names})=(?=[\s,.;)])", lambda met: _flag(met).rstrip(), spaced)


def _flag(met: re.Match[str]) -> str:
    return f"--{met[1].replace('_', '-')} "


@dataclass(frozen=True, kw_only=True)
class CleaningOptions:
    """Which rows must go."""

    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Run this rule instead of the default ones; may be given several times.",
            rich_help_panel=_CLEANING,
        ),
    ] = None
    repair: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Mend ids first: trim-ids, merge-letter-case; may be given several times.",
            rich_help_panel=_CLEANING,
        ),
    ] = None
    exclude_items: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Remove items whose whole id matches, such as 'POST|gift_.*'.",
            rich_help_panel=_CLEANING,
        ),
    ] = None
    min_user: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Remove users with fewer rows, and again until none is left (k-core).",
            rich_help_panel=_CLEANING,
        ),
    ] = None
    min_item: Annotated[
        int | None,
        typer.Option(metavar="N", help="The same for items.", rich_help_panel=_CLEANING),
    ] = None

    def chosen(self, recipe: "Recipe") -> "tuple[Rule, ...] | None":
        """The rules instead of the default ones: those of the options, or else of the recipe."""
        if not self.rule:
            return recipe.rules()
        return replace(recipe, cleaning=tuple({"rule": name} for name in self.rule)).rules()

    def repairs(self, recipe: "Recipe") -> "tuple[Repair, ...]":
        """What mends ids: the options, or else the recipe."""
        if not self.repair:
            return recipe.repairs()
        return replace(recipe, repair=tuple({"repair": name} for name in self.repair)).repairs()

    def added(self) -> "tuple[Rule, ...]":
        """The rules that come after the others."""
        from regard.data.rules import ExcludedItems, RareUsersAndItems

        rules: list[Rule] = []
        if self.exclude_items is not None:
            rules.append(ExcludedItems(pattern=self.exclude_items))
        if self.min_user is not None or self.min_item is not None:
            least = {"user": self.min_user, "item": self.min_item}
            rules.append(RareUsersAndItems(**{k: 1 if v is None else v for k, v in least.items()}))
        return tuple(rules)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a recipe decides, said on the command line."""

    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A network or a classical method. sasrec if omitted.",
            rich_help_panel=_RUN,
        ),
    ] = None
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="auto|global-time|leave-last-out",
            help="How to cut the log. auto: global-time where times are known.",
            rich_help_panel=_RUN,
        ),
    ] = None
    seed: Annotated[
        int | None, typer.Option(help="Of everything random. 7 if omitted.", rich_help_panel=_RUN)
    ] = None
    seen: Annotated[
        str | None,
        typer.Option(
            metavar="auto|keep|remove",
            help="May items of the history come again? auto: where training repeats them.",
            rich_help_panel=_RUN,
        ),
    ] = None
    feature: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=ENCODER|CLOCK",
            help="What a network reads beside the item: price=buckets, country=categories; of the "
            "clock: gap, hour, weekday, month, recency. May be given several times.",
            rich_help_panel=_RUN,
        ),
    ] = None
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting of a recipe: width=128 (of the model), training.epochs=5.",
            rich_help_panel=_RUN,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class PersonOptions:
    """Whom an answer is for."""

    user: Annotated[str | None, typer.Option(metavar="ID", help="A user of the log.")] = None
    history: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", help="Instead: items of anybody, oldest first."),
    ] = None
    times: Annotated[
        str | None,
        typer.Option(
            metavar="T,T,T",
            help="When the events of --history happened, for networks that read the clock: "
            "'2026-01-30 18:00,2026-01-31 09:15'.",
        ),
    ] = None
    at: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="The moment of the request, for networks that look at it: '2026-01-31 12:00' (UTC "
            "unless a zone follows) or now. Right after the newest event if omitted.",
        ),
    ] = None

    def asked(self) -> dict[str, Any]:
        """As arguments of `Recommender.recommend`.

        Raises:
            ConfigurationError: neither or both were given.

        Example:
            >>> PersonOptions(history="A, B").asked()
            {'history': ['A', 'B']}
        """
        if (self.user is None) == (self.history is None):
            raise ConfigurationError("Give --user or --history, one of them.")
        moment: dict[str, Any] = {} if self.at is None else {"at": self.at}
        if self.times is not None:
            moment["times"] = _listed(self.times)
        if self.history is None:
            return {"user": self.user, **moment}
        return {"history": _listed(self.history), **moment}


def _listed(text: str) -> list[str]:
    """What stands between commas."""
    return [each.strip() for each in text.split(",") if each.strip()]
