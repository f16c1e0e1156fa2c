"""`regard demo`: the whole way of a dirty log, told while it happens."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from regard.cli.pages import page
from regard.cli.voice import Voice

if TYPE_CHECKING:
    from regard.cli.story import Story
    from regard.cli.telling import Teller
    from regard.viz.contents import NextStep, ReportContents

_NAME: Final = "regard demo"
_RESULTS: Final = "results.json"
_PLACES: Final = (
    ("report.html", "all of this as one page that needs no network"),
    ("bundle", "the model of the global time split"),
    ("quarantine.parquet", "the removed rows, each with its reason"),
    (_RESULTS, "every number"),
)


@page
def demo(
    *,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where everything goes; an earlier demo is replaced."),
    ] = Path("demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="One epoch on one customer in five: not for numbers.")
    ] = False,
    voice: Voice,
) -> None:
    """Clean a real, dirty log, train, compare, recommend and explain: some minutes on two cores.

    The log is "Online Retail" (Chen, Sain and Guo 2012, CC BY 4.0), which comes with the package.
    """
    from rich.console import Console

    from regard.cli.places import free_folder
    from regard.cli.telling import Teller
    from regard.optional import require

    free_folder(out, replaceable=is_demo, advice="name another with --out")
    require("torch", extra="torch", purpose="The demo")
    require("plotly", extra="report", purpose="The report of the demo")
    teller = Teller(Console(stderr=voice.json))
    story = tell(teller, voice, quick=quick)
    results = {"made_by": _NAME, "quick": quick, **story.to_dict()}
    write(story, results, out)
    teller.heading(6, "Where everything is")
    teller.places([(out / name, what) for name, what in _PLACES], next_steps(story, out))
    voice.finish(results)


def tell(teller: "Teller", voice: Voice, *, quick: bool) -> "Story":
    """Do everything but write it down.

    Args:
        teller: tells each step.
        voice: has the console for progress.
        quick: learn little from few.

    Returns:
        What was found.
    """
    from regard.cli import story
    from regard.cli.reports import report_aloud
    from regard.cli.training import bar_for
    from regard.data.describe import describe

    teller.heading(1, "The file, and what is wrong with it")
    raw = story.raw_log()
    teller.file(describe(raw))
    teller.heading(2, "Cleaning: every row is accounted for")
    log, cleaning = story.clean_shop(raw)
    teller.cleaning(cleaning)
    data = report_aloud(voice, raw, (log, cleaning))
    teller.heading(3, "Learning: SASRec, stopped by the validation part")
    if quick:
        log = story.some_customers(log)
        teller.say("--quick: one epoch on one customer in five; these numbers mean nothing.")
    contests = []
    for protocol in (story.GLOBAL_TIME, story.LEAVE_LAST_OUT):
        teller.protocol(protocol)
        recipe = story.recipe_for(protocol, cleaning, epochs=1 if quick else story.EPOCHS)
        contest = story.hold_contest(log, recipe, lambda each: bar_for(each, voice.console()))
        contests.append(contest)
        teller.learned(contest)
    teller.heading(4, "Is it worth it? Against popularity, Markov and item neighbours")
    teller.comparison(contests)
    teller.heading(5, "Three customers, drawn by the seed")
    customers = story.draw_customers(contests[0].network, log)
    for customer in customers:
        teller.customer(customer)
    return story.Story(data, cleaning, tuple(contests), customers)


def write(story: "Story", results: Mapping[str, Any], out: Path) -> None:
    """Write the folder of the demo, complete or not at all.

    Args:
        story: what was found.
        results: the same as plain values.
        out: the folder; an earlier demo is replaced.
    """
    from regard.data.atomic import atomic_folder
    from regard.viz.page import write_report

    network = story.contests[0].network
    network.add_to_card(
        cleaning=story.cleaning.to_dict(), test=story.contests[0].comparison.reports[0].to_dict()
    )
    with atomic_folder(out, overwrite=True) as draft:
        network.save(draft / "bundle")
        story.cleaning.write_quarantine(draft / "quarantine.parquet")
        write_report(draft / "report.html", page_of(story, out))
        text = json.dumps(results, indent=2, allow_nan=False)
        (draft / _RESULTS).write_text(text + "\n", "utf-8")


def page_of(story: "Story", out: Path) -> "ReportContents":
    """The story as one page.

    Args:
        story: what was found.
        out: the folder of the demo, for the commands to go on with.

    Returns:
        What the page shows.
    """
    from regard.viz.contents import HeadedComparison, ReportContents

    cleaning, contests = story.cleaning, story.contests
    return ReportContents(
        title="Regard demo: Online Retail",
        headline=(
            f"A year of a shop's till: {cleaning.rows_in:,} raw lines, {cleaning.rows_kept:,} kept "
            f"with every removed one explained; SASRec against three simple methods."
        ),
        verdict=" ".join(f"{each.protocol}: {each.comparison.verdict}" for each in contests),
        data=story.data,
        history=contests[0].network.learned.history,
        comparisons=tuple(HeadedComparison(each.protocol, each.comparison) for each in contests),
        customers=story.customers,
        next_steps=tuple(next_steps(story, out)),
    )


def next_steps(story: "Story", out: Path) -> "list[NextStep]":
    """Commands to go on with.

    Args:
        story: names a customer.
        out: the folder of the demo.
    """
    from regard.viz.contents import NextStep

    bundle, user = out / "bundle", str(story.customers[0].recommendations.user)
    commands = {
        "what comes next for somebody": ["recommend", str(bundle), "--user", user],
        "and why": ["explain", str(bundle), "--user", user],
        "your own log": ["inspect", "YOUR-LOG.csv"],
    }
    return [NextStep(what, shlex.join(["regard", *words])) for what, words in commands.items()]


def is_demo(folder: Path) -> bool:
    """Whether a folder was written by an earlier demo, so that it may be replaced.

    Args:
        folder: any folder.

    Example:
        >>> is_demo(Path("no-such-folder"))
        False
    """
    try:
        found = json.loads((folder / _RESULTS).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("made_by") == _NAME
