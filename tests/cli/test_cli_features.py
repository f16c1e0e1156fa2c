"""Features as one types them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop_logs import ONE_EPOCH, table
from typer.testing import Result

from regard.cli.options import RunOptions
from regard.cli.recipes import with_options
from regard.errors import ConfigurationError
from regard.recommender.recipe import Recipe

Run = Callable[..., Result]


@pytest.fixture
def priced(tmp_path: Path) -> Path:
    """A log with one column more than roles need."""
    path = tmp_path / "priced.csv"
    log = table()
    log.with_columns(shelf=pl.Series([n % 7 for n in range(len(log))])).write_csv(path)
    return path


def test_fit_reads_them_and_the_bundle_answers(
    regard: Run, regard_json: Callable[..., Any], priced: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    typed = ("--feature", "shelf=buckets", "--feature", "gap", "--feature", "hour")
    told = regard_json("fit", priced, "--out", out, *typed, *ONE_EPOCH)
    assert told["recipe"]["features"] == {
        "shelf": ["buckets"],
        "gap": [{"name": "buckets", "strategy": "log"}],
        "time": ["hour"],
    }
    stored = json.loads((out / "encoders" / "encoders.json").read_text())
    assert [each["column"] for each in stored["encoders"]] == ["shelf", "gap", "time"]
    answer = regard("recommend", out, "--history", "T1,T2").stdout
    assert "they are read as missing" in " ".join(answer.split())
    assert regard_json("evaluate", out)["metrics"] == told["test"]["metrics"]
    regard("fit", out / "recipe.toml", "--out", tmp_path / "again")


def test_what_cannot_be_read_is_one_sentence(regard: Run, priced: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    told = regard("fit", priced, "--out", out, "--feature", "shelv=buckets", *ONE_EPOCH, status=2)
    assert "has no column 'shelv' to make a feature of; did you mean 'shelf'?" in " ".join(
        told.stderr.split()
    )
    told = regard("fit", priced, "--out", out, "--feature", "hour", "--model", "markov", status=2)
    assert "'markov' reads no features of events" in " ".join(told.stderr.split())
    assert not out.exists()


def test_typed_features_stand_in_place_of_those_of_a_recipe() -> None:
    recipe = Recipe(features={"price": "buckets"})
    assert with_options(recipe, RunOptions(seed=3)).features == {"price": "buckets"}
    typed = RunOptions(feature=["country=categories", "country=hashes", "recency"])
    assert with_options(recipe, typed).features == {
        "country": ["categories", "hashes"],
        "time": ["recency"],
    }
    assigned = RunOptions(assign=['features.country={name="categories", min_count=3}'])
    assert with_options(Recipe(), assigned).features == {
        "country": {"name": "categories", "min_count": 3}
    }


@pytest.mark.parametrize("text", ["price", "=buckets", "price=", "gap=", ""])
def test_what_names_no_encoder_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="names no encoder; write COLUMN=ENCODER"):
        with_options(Recipe(), RunOptions(feature=[text]))
