"""`regard models`, typed at a prompt."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop_logs import ONE_EPOCH
from typer.testing import Result

from regard.attention import ATTENTION
from regard.classical import CLASSICAL
from regard.cli.options import RunOptions
from regard.cli.recipes import with_options
from regard.models import MODELS
from regard.recommender.recipe import Recipe

Run = Callable[..., Result]


def test_the_list(regard: Run) -> None:
    shown = regard("models").stdout
    for name in (*MODELS, *CLASSICAL, *ATTENTION, "rotary"):
        assert f"  {name} " in shown
    for part in ("classical method", "self-attention over the history", "O(L² D + L D²)", "clock"):
        assert part in shown


def test_the_list_as_json(regard_json: Callable[..., Any]) -> None:
    document = regard_json("models")
    told = {each["name"]: each for each in document["models"]}
    assert told["recent"]["reads_time"] is True
    assert told["compose"]["reads_time"] is None
    assert told["sasrec"]["reads_features"] is True
    assert told["markov"]["has_map"] is False
    assert document["missing"] == []


def test_the_page_of_one(regard: Run, regard_json: Callable[..., Any]) -> None:
    shown = regard("models", "kneser-ney").stdout
    for part in ("Idea", "Formula", "Chen & Goodman 1999", "Differs from the paper", "Cost"):
        assert part in shown
    assert "discount" in shown
    assert "0.75" in shown
    document = regard_json("models", "kneser-ney")
    assert document["options"][0] == {
        "name": "order", "default": "2", "meaning": "newest items that are looked at, 1 to 3.",
    }  # fmt: skip


def test_a_name_that_is_not_known(regard: Run) -> None:
    refused = regard("models", "sasrek", status=2)
    assert refused.stderr == "error: Nothing is called 'sasrek'; did you mean 'sasrec'?\n"


def test_without_torch_it_lists_what_it_can(tmp_path: Path) -> None:
    program = (
        "import regard.recommender.recommender, sys\n"
        "sys.modules['torch'] = None\n"
        "from regard.cli import main\n"
        "sys.argv = ['regard', 'models']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "  markov " in done.stdout
    assert "  sasrec " not in done.stdout
    assert done.stdout.rstrip().endswith("pip install 'regard[torch]'")


COMPOSED = (
    "--model", "compose", "--set", 'mechanisms=["linear", "local-window"]', "--set", "fusion=gate",
    "--set", "model.options_of.local-window.window=3",
)  # fmt: skip


def test_a_composed_network_is_fitted_saved_and_explains_itself(
    regard: Run, regard_json: Callable[..., Any], log: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "composed"
    regard("fit", log, "--out", bundle, *ONE_EPOCH, *COMPOSED)
    recipe = Recipe.from_toml(bundle / "recipe.toml")
    assert recipe.options["options_of"] == {"local-window": {"window": 3}}
    assert regard_json("explain", bundle, "--user", "u3")["sentence"]


def test_options_of_mechanisms_are_refused_by_name(regard: Run, log: Path, tmp_path: Path) -> None:
    words = ("fit", log, "--out", tmp_path / "m", "--model", "compose")
    wrong = (*words, "--set", "mechanisms=linear", "--set", "model.options_of.linear.windw=3")
    assert "model.options_of.linear has no 'windw'" in regard(*wrong, status=2).stderr
    wrong = (*words, "--set", "mechanisms=lineer")
    assert "did you mean 'linear'?" in regard(*wrong, status=2).stderr


@pytest.mark.parametrize(
    ("assigned", "options"),
    [
        (["options_of={linear={bias=true}}"], {"options_of": {"linear": {"bias": True}}}),
        (
            ["model.options_of.linear.bias=true", "model.options_of.graph.x=1", "width=8"],
            {"options_of": {"linear": {"bias": True}, "graph": {"x": 1}}, "width": 8},
        ),
        (["width=8", "model.width.x=1"], {"width": {"x": 1}}),
    ],
)
def test_settings_within_settings(assigned: list[str], options: dict[str, Any]) -> None:
    recipe = Recipe(options={"options_of": {}})
    changed = with_options(recipe, RunOptions(assign=assigned))
    assert changed.options == {"options_of": {}} | options
    assert recipe.options == {"options_of": {}}
