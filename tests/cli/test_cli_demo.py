"""The demo from end to end, on a fifth of the customers and one epoch."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop_logs import names_in
from typer.testing import Result

from regard.cli.demo import is_demo

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, regard: Run) -> tuple[Path, str]:
    """The folder of a quick demo, and what it said."""
    out = tmp_path_factory.mktemp("place") / "demo"
    return out, regard("demo", "--quick", "--out", out).stdout


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text("utf-8"))


@pytest.mark.slow
def test_everything_is_there(told: tuple[Path, str]) -> None:
    out, _ = told
    assert names_in(out) == {"bundle", "quarantine.parquet", "report.html", "results.json"}
    assert names_in(out.parent) == {"demo"}
    assert is_demo(out)


@pytest.mark.slow
def test_the_counts_add_up(told: tuple[Path, str]) -> None:
    out, text = told
    cleaning = results(out)["cleaning"]
    assert cleaning["rows_in"] == 541_909
    assert cleaning["rows_in"] == cleaning["rows_kept"] + cleaning["rows_removed"]
    quarantine = pl.read_parquet(out / "quarantine.parquet")
    assert len(quarantine) == cleaning["rows_removed"]
    counted = dict(quarantine["rule"].value_counts().iter_rows())
    assert counted == {each["rule"]: each["rows"] for each in cleaning["removals"] if each["rows"]}
    assert f"{cleaning['rows_kept']:,} kept" in text


@pytest.mark.slow
def test_the_story_is_told_in_order(told: tuple[Path, str]) -> None:
    out, text = told
    headings = re.findall(r"^── (\d) ", text, re.MULTILINE)
    assert headings == list("123456")
    words = " ".join(text.split())
    contests = results(out)["contests"]
    assert list(contests) == ["global-time", "leave-last-out"]
    for contest in contests.values():
        assert contest["comparison"]["verdict"] in words
        rivals = {each["baseline"] for each in contest["comparison"]["differences"]}
        assert {"markov", "recent", "popularity"} <= rivals
    # The comparison is the last table; a verdict follows it.
    assert text.index("── 4") < text.rindex("hit_rate@10") < text.index("global-time: On ndcg@10")


@pytest.mark.slow
def test_three_customers_with_reasons(told: tuple[Path, str]) -> None:
    customers = results(told[0])["customers"]
    assert len({each["heading"] for each in customers}) == 3
    for each in customers:
        assert len(each["history"]) == 5
        assert len(each["recommendations"]["items"]) == 5
        assert each["explanations"][0]["sentence"]


@pytest.mark.slow
def test_the_bundle_answers(told: tuple[Path, str], regard: Run) -> None:
    assert regard("recommend", told[0] / "bundle", "--user", "17850").stdout.startswith("For 17850")


@pytest.mark.slow
def test_the_page_asks_no_network(told: tuple[Path, str]) -> None:
    page = (told[0] / "report.html").read_text("utf-8")
    assert not re.findall(
        r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["']?(?:https?:)?//""", page
    )
    assert "Customer" in page


@pytest.mark.slow
def test_an_earlier_demo_may_be_replaced_and_nothing_else(tmp_path: Path, regard: Run) -> None:
    (tmp_path / "results.json").write_text('{"made_by": "me"}')
    refused = regard("demo", "--quick", "--out", tmp_path, status=2)
    assert "will not be replaced; name another with --out" in refused.stderr
    assert names_in(tmp_path) == {"results.json"}
    assert not is_demo(tmp_path)
