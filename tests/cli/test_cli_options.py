"""Options are described once, and are those of the library."""

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from regard.cli.options import CleaningOptions, RunOptions, SourceOptions, as_typed
from regard.cli.pages import page
from regard.cli.recipes import recipe_of, with_options
from regard.cli.voice import Voice
from regard.data.ingest.read import read
from regard.errors import ConfigurationError
from regard.recommender.recipe import Recipe, SourceSettings


def test_source_options_are_those_of_read_and_of_a_recipe() -> None:
    names = [each.name for each in fields(SourceOptions)]
    assert names == list(inspect.signature(read).parameters)[1:]
    assert ["path", *names] == [each.name for each in fields(SourceSettings)]


def test_options_that_were_not_given_change_nothing() -> None:
    settings = SourceSettings(path="a.csv", user="who", timezone="Europe/London")
    assert SourceOptions().over(settings) == settings
    assert SourceOptions(item="what", header=False).over(settings) == SourceSettings(
        path="a.csv", user="who", timezone="Europe/London", item="what", header=False
    )
    assert with_options(Recipe(), RunOptions()) == Recipe()
    assert CleaningOptions().added() == ()
    assert CleaningOptions().chosen(Recipe()) is None


@pytest.mark.parametrize(
    ("text", "where", "value"),
    [
        ("width=128", ("model", "width"), 128),
        ("model.dropout = 0.5", ("model", "dropout"), 0.5),
        ("training.device=cpu", ("training", "device"), "cpu"),
        ('training.device="cpu"', ("training", "device"), "cpu"),
        ("evaluation.ks=[5, 10]", ("evaluation", "ks"), [5, 10]),
        ("split.targets=all", ("split", "targets"), "all"),
        ("source.path=a=b.csv", ("source", "path"), "a=b.csv"),
    ],
)
def test_settings_go_where_they_belong(text: str, where: tuple[str, str], value: object) -> None:
    changed = with_options(Recipe(), RunOptions(assign=[text])).to_dict()
    assert changed[where[0]][where[1]] == value
    del changed[where[0]][where[1]]
    plain = Recipe().to_dict()
    plain[where[0]].pop(where[1], None)
    assert changed == plain


def test_settings_without_a_table() -> None:
    run = RunOptions(assign=["seed=11", "loss=cross-entropy"], seed=3)
    assert with_options(Recipe(), run).seed == 11


def test_another_model_does_not_inherit_options() -> None:
    recipe = Recipe(options={"width": 8})
    assert with_options(recipe, RunOptions(model="markov")).options == {}
    assert with_options(recipe, RunOptions(model="sasrec")).options == {"width": 8}


def test_a_recipe_keeps_its_own_log_and_roles(tmp_path: Path) -> None:
    recipe = tmp_path / "run.toml"
    recipe.write_text("seed = 3\n[source]\npath = 'a.csv'\nuser = 'who'\n")
    read_back = recipe_of(recipe, SourceOptions(item="what"), RunOptions())
    assert read_back.seed == 3
    assert read_back.source == SourceSettings(path="a.csv", user="who", item="what")


def test_a_page_reports_what_its_groups_refuse(capsys: pytest.CaptureFixture[str]) -> None:
    import typer

    @page
    def refuse(*, voice: Voice) -> None:
        raise ConfigurationError("Two\nlines.")

    with pytest.raises(typer.Exit) as left:
        refuse(json=False, debug=False)
    assert left.value.exit_code == 2
    assert capsys.readouterr().err == "error: Two lines.\n"


def test_only_options_are_rewritten_in_messages() -> None:
    untouched = "training.user=3, k=0, recipe.time='x' and time zones"
    assert as_typed(untouched) == untouched
    assert as_typed("Ask with seen='keep'.") == "Ask with --seen 'keep'."
    assert as_typed("Give order= or time_unit='ms'.") == "Give --order or --time-unit 'ms'."
