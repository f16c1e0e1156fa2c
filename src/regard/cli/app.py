"""All commands in one application, each with an example."""

import io
import sys
from collections.abc import Callable
from typing import Final

import typer

from regard.cli.clean import clean
from regard.cli.compare import compare
from regard.cli.datasets import datasets
from regard.cli.demo import demo
from regard.cli.evaluate import evaluate
from regard.cli.explain import explain
from regard.cli.fit import fit
from regard.cli.inspect import inspect
from regard.cli.models import models
from regard.cli.prepare import prepare
from regard.cli.recommend import recommend

COMMANDS: Final[tuple[tuple[Callable[..., None], tuple[str, ...]], ...]] = (
    (demo, ("regard demo",)),
    (datasets, ("regard datasets", "regard datasets ml-1m")),
    (
        inspect,
        (
            "regard inspect purchases.csv --items products.csv",
            "regard inspect purchases.csv --report purchases.html",
            "regard inspect sqlite:///shop.db --table purchases",
        ),
    ),
    (
        clean,
        (
            "regard clean purchases.csv --out clean.parquet --exclude-items 'POST|gift_.*'",
            "regard clean purchases.csv --out clean.parquet --report purchases.html",
            "regard clean hdfs://head/shop/purchases --engine spark --master yarn --out clean",
        ),
    ),
    (
        prepare,
        (
            "regard prepare 'clicks/*.parquet' --out clicks",
            "regard prepare clicks.parquet --protocol leave-last-out --out clicks",
        ),
    ),
    (models, ("regard models", "regard models sasrec")),
    (
        fit,
        (
            "regard fit clean.parquet --out shop",
            "regard fit ratings.csv --protocol leave-last-out --set training.epochs=5 --out films",
            "regard fit clean.parquet --feature price=buckets --feature gap --out shop",
        ),
    ),
    (evaluate, ("regard evaluate shop --seen remove --k 5 --k 10",)),
    (compare, ("regard compare clean.parquet --model sasrec --against markov",)),
    (
        recommend,
        (
            "regard recommend shop --user 17850",
            "regard recommend shop --history 85123A,22423 --k 5",
            "regard recommend shop --user 17850 --at '2026-01-31 12:00'",
            "regard recommend shop --all --out lists.parquet",
        ),
    ),
    (explain, ("regard explain shop --user 17850",)),
)
"""Every command with examples, in the order in which one meets them."""

app = typer.Typer(
    name="regard",
    help="Attention-based sequential recommendation: from a dirty log to a reason.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="A first look: regard demo",
)
for _command, _examples in COMMANDS:
    app.command(epilog="\n\n".join(f"Example: {each}" for each in _examples))(_command)


def run() -> None:
    """Run the application on what was typed."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no sign for a letter shows '?', and the command goes on.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()
