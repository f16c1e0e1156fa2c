"""`regard clean`: the rows worth learning from, and the others with their reasons."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from regard.cli.options import CleaningOptions, LogFile, ReportOption, SourceOptions
from regard.cli.pages import page
from regard.cli.places import (
    page_file,
    parquet_file,
    quarantine_beside,
    refuse_anothers,
    refuse_same,
)
from regard.cli.voice import Voice

if TYPE_CHECKING:
    import polars as pl

    from regard.data.interactions import Interactions
    from regard.recommender.recipe import Recipe

_SAMPLE_ROWS: Final = 10_000


@page
def clean(
    file: LogFile,
    *,
    out: Annotated[
        str,
        typer.Option(
            metavar="CLEAN.parquet|FOLDER",
            help="Where the kept rows go; with Spark a new folder for all that comes of it.",
        ),
    ],
    quarantine: Annotated[
        Path | None,
        typer.Option(
            metavar="Q.parquet",
            help="Where the removed rows go. CLEAN.quarantine.parquet if omitted.",
        ),
    ] = None,
    report: ReportOption = None,
    engine: Annotated[
        str,
        typer.Option(metavar="polars|spark", help="Who computes. Spark needs regard[spark]."),
    ] = "polars",
    master: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Of Spark: spark://head:7077, yarn, local[4]. As spark-submit says if omitted.",
        ),
    ] = None,
    columns: SourceOptions,
    cleaning: CleaningOptions,
    voice: Voice,
) -> None:
    """Remove rows that nobody wants to learn from, and explain each of them.

    The kept rows become a Parquet file that every command reads, with the options that the last
    line of the output names; the removed ones go into quarantine, each with its rule and reason.
    With --engine spark a cluster does the same, and writes both as folders of Parquet.
    """
    from regard.cli.cluster import clean_on_spark, require_engine
    from regard.cli.recipes import recipe_of

    require_engine(engine, master=master, quarantine=quarantine, report=report)
    recipe = recipe_of(file, columns)
    if engine == "spark":
        clean_on_spark(recipe, cleaning, out, master, voice)
    else:
        _clean_here(recipe, cleaning, Path(out), quarantine, report, voice)


def _clean_here(
    recipe: "Recipe",
    cleaning: CleaningOptions,
    out: Path,
    quarantine: Path | None,
    report: Path | None,
    voice: Voice,
) -> None:
    """Clean in memory, and write one file of kept rows and one of removed ones."""
    from regard.cli.leakage import leakage_of
    from regard.cli.logs import clean_log, read_log
    from regard.cli.reports import write_pictures
    from regard.data.atomic import atomic_file

    parquet_file(out, "--out")
    removed = (
        quarantine_beside(out) if quarantine is None else parquet_file(quarantine, "--quarantine")
    )
    pictures = page_file(report)
    others = [] if pictures is None else [pictures]
    refuse_same(Path(recipe.source.path), out, removed, *others)
    if quarantine is None:
        refuse_anothers(removed, out.with_suffix(""))
    raw = read_log(recipe)
    log, removals = clean_log(raw, recipe, cleaning)
    table = to_table(log)
    # One inside the other: where one cannot be written, none is there.
    with atomic_file(removed) as draft:
        removals.quarantine.write_parquet(draft)
        with atomic_file(out) as kept:
            table.write_parquet(kept)
            if pictures is not None:
                found = leakage_of(log).diagnosis
                write_pictures(pictures, voice, raw, (log, removals), diagnosis=found)
    again = shlex.join(["regard", "fit", str(out), *flags_to_read(table), "--out", "model"])
    places = {"Kept rows": out, "Removed rows": removed, "Pictures": pictures, "Go on with": again}
    told = [f"{what:<14}{where}" for what, where in places.items() if where is not None]
    voice.show(removals)
    voice.show("\n" + "\n".join(told))
    made = {"out": str(out), "quarantine": str(removed), "next": again}
    voice.finish({**removals.to_dict(), **made, **({"report": str(pictures)} if pictures else {})})


def to_table(log: "Interactions") -> "pl.DataFrame":
    """A log as a table that can be read again: names of roles, times as moments in UTC.

    The row numbers stay behind: they count the rows of another file, and the order of the rows,
    which decides ties, is kept by the file itself.

    Args:
        log: typed interactions.

    Returns:
        One row for each interaction. Times stay seconds where microseconds would lose something.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> log = Interactions.of(pl.DataFrame({"user": [1], "item": ["a"], "time": [0.5]}))
        >>> str(to_table(log)["time"][0])
        '1970-01-01 00:00:00.500000+00:00'
    """
    import polars as pl

    from regard.schema import ROW, TIME

    table = log.collect().drop(ROW)
    if TIME not in table.columns:
        return table
    microseconds = (pl.col(TIME) * 1e6).round().cast(pl.Int64, strict=False)
    moments = table.select(
        TIME, at=microseconds.cast(pl.Datetime("us", "UTC")), again=microseconds / 1e6
    )
    if not moments["again"].equals(moments[TIME].rename("again")):
        return table
    return table.with_columns(moments["at"].alias(TIME))


def flags_to_read(table: "pl.DataFrame") -> list[str]:
    """The options without which a table of `to_table` would be misunderstood.

    Args:
        table: named by roles; a context column may have a name that suits a role as well.

    Returns:
        Options of the command line; none where names say it all.

    Example:
        >>> import polars as pl
        >>> flags_to_read(pl.DataFrame({"user": [1], "item": ["a"], "position": [0]}))
        ['--order', 'position']
    """
    from regard.data.roles import laid_out_by_clean, propose_roles
    from regard.errors import ColumnError
    from regard.schema import POSITION, ROLES

    ordered = [] if POSITION not in table.columns else ["--order", POSITION]
    roles = [name for name in ROLES if name in table.columns and name != POSITION]
    sample = table.gather_every(max(1, table.height // _SAMPLE_ROWS))
    try:
        proposed = propose_roles(sample, wanted=roles, cleaned=laid_out_by_clean(sample.columns))
        found = {each.role: each.column for each in proposed}
    except ColumnError:
        found = {}
    unclear = [role for role in roles if found.get(role) != role]
    return ordered + [text for role in unclear for text in (f"--{role}", role)]
