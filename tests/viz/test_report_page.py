"""The report: one file, nothing loaded, nothing injected."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from page_outline import Outline

from regard.errors import MissingDependencyError, StorageError
from regard.viz.markup import Html, element, render, table
from regard.viz.page import report_page, write_report


@pytest.fixture(scope="module")
def page(make_contents) -> str:
    return report_page(make_contents())


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_the_page_is_well_formed(outline: Outline) -> None:
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)


def test_nothing_is_loaded_from_anywhere(page: str, outline: Outline) -> None:
    assert outline.loads == []
    assert all(link.startswith("#") for link in outline.links)
    [library] = [script for script in outline.scripts if len(script) > 1_000_000]
    own = page.replace(library, "")
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", own)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest", own)


def test_the_library_is_there_once(outline: Outline) -> None:
    assert sum(len(script) > 1_000_000 for script in outline.scripts) == 1


def test_hostile_text_is_shown_and_never_run(page: str, outline: Outline) -> None:
    assert not any("alert(" in script and "\\u003c" not in script for script in outline.scripts)
    assert "<script>alert" not in page
    for opening in ("Headline", "Verdict", "Report", "Customer", "Last one out", "Go on", "shop"):
        assert f'{opening} <script>alert("1")</script>' in outline.text
    assert outline.text.count('alert("1")') > 20


def test_every_number_of_the_tables_is_there(world, outline: Outline) -> None:
    report, comparison = world.cleaning, world.comparison
    for removal in report.removals:
        assert removal.reason in outline.text
    assert f"{report.rows_kept:,} were kept" in outline.text
    assert comparison.verdict in outline.text
    for each in comparison.reports:
        for name in ("ndcg@10", "hit_rate@10", "mrr"):
            interval = each.metrics[name]
            assert f"{interval.mean:.4f}{interval.low:.4f} to {interval.high:.4f}" in outline.text
    [difference] = comparison.differences
    assert f"{difference.interval.mean:+.4f}" in outline.text
    assert f"{difference.p_value:.4f}" in outline.text
    assert str(world.history) in outline.text
    assert world.plain.sentence in outline.text
    for doubt in world.description.doubts:
        assert doubt in outline.text


def test_customers_show_history_answers_and_reasons(outline: Outline) -> None:
    assert "Latest events (12, newest first)" in outline.text
    assert "4 earlier events" in outline.text
    assert "had before" in outline.text
    assert "new" in outline.text
    assert "rank correlation +0.50" in outline.text
    assert "Latest events (0, newest first)" in outline.text


def test_every_section_is_in_the_table_of_contents(outline: Outline) -> None:
    sections = ["log", "cleaning", "time", "items", "series"]
    sections += ["training", "comparison", "customers", "next"]
    assert outline.links == [f"#{name}" for name in sections]
    charts = [name for name in outline.ids if name.startswith("chart-")]
    assert charts == [
        "chart-cleaning", "chart-activity", "chart-ranks", "chart-lorenz", "chart-histories",
        "chart-series-0", "chart-training", "chart-comparison-0", "chart-comparison-1",
        "chart-customer-0-0", "chart-customer-0-1",
    ]  # fmt: skip


def test_what_is_empty_is_left_out(world, make_contents) -> None:
    described = replace(world.description, lengths=None, notes=("A note.",), span=None)
    look = replace(
        world.data.before, description=described, activity=None, popularity=None, histories=None
    )
    data = replace(
        world.data, before=look, after=None, cleaning=None, series=(), series_note="", doubts=()
    )
    contents = make_contents(history=None, comparisons=(), customers=(), next_steps=(), data=data)
    outline = Outline(report_page(contents))
    assert outline.links == ["#log", "#time", "#items", "#series"]
    assert [name for name in outline.ids if name.startswith("chart-")] == []
    assert "What to doubt" not in outline.text
    assert "A note." in outline.text


def test_the_same_contents_give_the_same_file(page: str, make_contents, tmp_path: Path) -> None:
    written = write_report(tmp_path / "new" / "report.html", make_contents())
    assert written.read_text("utf-8") == page
    assert [file.name for file in written.parent.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_leaves_nothing(make_contents, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="not a file"):
        write_report(tmp_path, make_contents())
    assert list(tmp_path.iterdir()) == []


def test_without_plotly_the_report_says_how_to_get_it(make_contents, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="The HTML report needs plotly"):
        report_page(make_contents())


def test_the_page_fits_paper_dark_screens_and_telephones(page: str) -> None:
    for wanted in ("@media print", "prefers-color-scheme: dark", "width=device-width"):
        assert wanted in page


def test_only_markup_passes_unescaped() -> None:
    assert render("<i>", Html("<i>")).code == "&lt;i&gt;<i>"
    assert element("b", '"&').code == "<b>&quot;&amp;</b>"
    cells = table(["<", ">"], [["a<", Html("<hr>")], ["b", "c"]], marked=1).code
    assert '<td class="number"><hr></td>' in cells
    assert "<th>&lt;</th>" in cells
    assert '<tr class="marked">\n<td>b</td>' in cells or '<tr class="marked"><td>b</td>' in cells


def test_the_folders_of_whoever_made_the_report_are_left_out(world, make_contents) -> None:
    described = replace(world.description, source="/home/anna/secret/shop.csv")
    data = replace(world.data, before=replace(world.data.before, description=described))
    text = Outline(report_page(make_contents(data=data))).text
    assert "Source: shop.csv" in text
    assert "secret" not in text
