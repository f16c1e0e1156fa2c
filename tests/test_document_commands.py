"""What the pages tell people to type exists: every command, every option; recipes can be read."""

import re
import shlex
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest
import typer

from regard.cli.app import COMMANDS
from regard.recommender.recipe import Recipe

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RECIPES = sorted((ROOT / "recipes").glob("*.toml"))
SHELL = re.compile(r"^ *```(?:console|bash|sh)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"^(?:\$ )?(?:\w+=\S+ )*(regard .+)$", re.MULTILINE)


def typed(text: str) -> list[str]:
    """The commands of Regard that a text shows in its shell examples."""
    return [run.strip() for block in SHELL.findall(text) for run in RUN.findall(block)]


def wrong_words(command: str) -> list[str]:
    """What of a typed command no option or command of Regard is called."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    # What comes behind a pipe is another program's.
    _, name, *words = takewhile(lambda word: set(word) - set("|&;"), lexer)
    if name == "--help":
        return []
    commands = {command.__name__: parameters_of(command) for command, _ in COMMANDS}
    if name not in commands:
        return [name]
    return [word for word in words if word.startswith("-") and word not in commands[name]]


def parameters_of(command: Callable[..., None]) -> set[str]:
    """Every option of a command as one types it."""
    alone = typer.Typer()
    alone.command()(command)
    options = {"--help"}
    for parameter in typer.main.get_command(alone).params:
        options |= {*parameter.opts, *parameter.secondary_opts}
    return options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_pages_tell_to_type_exists(page: Path) -> None:
    commands = typed(page.read_text("utf-8"))
    assert {command: wrong for command in commands if (wrong := wrong_words(command))} == {}


def test_what_does_not_exist_is_found() -> None:
    text = "```console\n$ regard fit log.csv --sett a=1 --out m\n$ X=1 regard study log.csv\n```\n"
    assert [wrong_words(each) for each in typed(text)] == [["--sett"], ["study"]]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_recipes_say_what_they_are_and_can_be_read(path: Path) -> None:
    recipe = Recipe.from_toml(path)
    assert recipe.source.path
    assert recipe.rules()
    text = path.read_text("utf-8")
    for heading in ("Data", "Protocol", "Command", "Expected"):
        assert re.search(rf"^# {heading} ", text, re.MULTILINE), heading
    commands = re.findall(r"(regard (?:fit|compare) .+)", text)
    assert commands
    for command in commands:
        assert f"recipes/{path.name}" in command
        assert wrong_words(command) == []


def test_there_are_recipes() -> None:
    assert RECIPES
