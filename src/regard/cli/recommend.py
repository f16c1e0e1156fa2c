"""`regard recommend`: what comes next, for one or for all."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli.options import BundleFolder, PersonOptions, SeenOption
from regard.cli.pages import page
from regard.cli.voice import Voice
from regard.errors import ConfigurationError

if TYPE_CHECKING:
    from regard.recommender.recommender import Recommender


@page
def recommend(
    bundle: BundleFolder,
    *,
    person: PersonOptions,
    k: Annotated[int, typer.Option("--k", "-k", metavar="N", help="Length of the list.")] = 10,
    seen: SeenOption = None,
    fallback: Annotated[
        bool,
        typer.Option(
            "--fallback/--no-fallback", help="Whether strangers are answered by what is popular."
        ),
    ] = True,
    everybody: Annotated[
        bool, typer.Option("--all", help="Lists for all users of the log, into --out.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="RECS.parquet", help="Where lists for all go.")
    ] = None,
    voice: Voice,
) -> None:
    """Say what comes next for a user, for a history of anybody, or for all users at once."""
    from regard.cli.places import parquet_file
    from regard.recommender.recommender import Recommender

    if everybody != (out is not None):
        raise ConfigurationError("--all and --out RECS.parquet belong together; give both or none.")
    if out is None:
        answer = Recommender.load(bundle).recommend(
            **person.asked(), k=k, seen=seen, fallback=fallback
        )
        voice.show(answer)
        voice.finish(answer.to_dict())
        return
    if person.user is not None or person.history is not None or person.times is not None:
        raise ConfigurationError("Give --all, or one of --user and --history, not both.")
    parquet_file(out, "--out")
    written = write_all(
        Recommender.load(bundle), out, at=person.at, k=k, seen=seen, fallback=fallback
    )
    voice.show(f"{written['rows']:,} rows for {written['users']:,} users in {out}")
    voice.finish(written)


def write_all(recommender: "Recommender", out: Path, **how: Any) -> dict[str, Any]:
    """Write the lists of all users as one Parquet file.

    Args:
        recommender: fitted.
        out: the file.
        how: as in `Recommender.recommend_all`.

    Returns:
        What was written, as plain values.
    """
    from regard.data.atomic import atomic_file

    lists = recommender.recommend_all(**how)
    with atomic_file(out) as draft:
        lists.write_parquet(draft)
    return {"out": str(out), "users": lists["user"].n_unique(), "rows": lists.height}
