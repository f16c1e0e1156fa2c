"""What a person sees when something goes wrong, and what a script: one sentence and a status.

======  ==========================================================
status  meaning
======  ==========================================================
0       done
1       a defect of Regard; `--debug` shows where
2       something about the input or the options (any `RegardError`)
130     stopped by Ctrl-C
141     nobody reads the output any more
======  ==========================================================
"""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from regard.cli.options import as_typed
from regard.errors import RegardError

DEFECT: Final = 1
USER_ERROR: Final = 2
STOPPED: Final = 130
NOBODY_READS: Final = 141


@contextmanager
def reported(*, debug: bool) -> Iterator[None]:
    """Turn whatever a command raises into a sentence on stderr and an exit status.

    Args:
        debug: whether the traceback is wanted too.

    Raises:
        typer.Exit: something was raised inside; carries the status.

    Example:
        >>> with reported(debug=False):
        ...     pass
    """
    try:
        yield
        sys.stdout.flush()
    except RegardError as refused:
        _say(f"error: {as_typed(one_line(refused))}", debug=debug)
        raise typer.Exit(USER_ERROR) from None
    except KeyboardInterrupt:
        _say("stopped; run the same command to go on", debug=debug)
        raise typer.Exit(STOPPED) from None
    except BrokenPipeError:
        # The interpreter flushes once more at its end, which must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(NOBODY_READS) from None
    except BaseException as defect:  # a panic of Polars is no Exception
        _say(_apology(defect), debug=debug)
        raise typer.Exit(DEFECT) from None


def one_line(failure: BaseException) -> str:
    r"""The message of an error without line breaks.

    Example:
        >>> one_line(ValueError("two\n  lines"))
        'two lines'
    """
    return " ".join(line.strip() for line in str(failure).splitlines())


def _say(sentence: str, *, debug: bool) -> None:
    """Say the sentence, after the traceback where it is wanted."""
    if debug:
        traceback.print_exc()
    typer.echo(sentence, err=True)


def _apology(defect: BaseException) -> str:
    told = f"{type(defect).__name__}: {one_line(defect)}".rstrip(": .")
    return (
        f"defect: {told}. This is a fault of Regard and not of your input; run the command again "
        "with --debug and report the traceback that it prints."
    )
