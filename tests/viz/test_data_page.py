"""The page about a log: every section, nothing injected, something to read where pictures lack."""

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest
from page_outline import Outline

import regard
from regard.data.clean import clean
from regard.data.datasets import online_retail
from regard.data.interactions import Interactions
from regard.data.overview.report import DataReport, report
from regard.errors import ConfigurationError
from regard.viz.activity import draw_activity
from regard.viz.contents import NextStep, contents_of
from regard.viz.history_lengths import draw_histories
from regard.viz.page import report_page, write_report
from regard.viz.popularity import draw_lorenz, draw_popularity, draw_ranks
from regard.viz.series import draw_series

HOSTILE = '</script><script>alert("1")</script><img src=x onerror=alert(2)>'
SECTIONS = ["#log", "#cleaning", "#time", "#items", "#series"]


def hostile_log() -> Interactions:
    """Three weeks of one item and another in which every text is hostile."""
    days = [day for day in range(21) if day != 9]
    table = pl.DataFrame(
        {
            "user": [f"u{day % 3}" if day else None for day in days],
            "item": [HOSTILE if day % 7 else f" {HOSTILE}" for day in days],
            "time": [1.7e9 + day * 86_400.0 for day in days],
            "price": [500 if day == 15 else 1 + day % 3 for day in days],
            "title": [HOSTILE] * len(days),
            f"note {HOSTILE}": [None if day % 2 else HOSTILE for day in days],
        }
    )
    log = Interactions.of(table, source=f"shop {HOSTILE}.csv")
    return dataclasses.replace(
        log, notes=(f"A note {HOSTILE}.",), roles={**log.roles, "price": f"pieces {HOSTILE}"}
    )


@pytest.fixture(scope="module")
def data() -> DataReport:
    log = hostile_log()
    return report(log, clean(log))


@pytest.fixture(scope="module")
def page(data: DataReport) -> str:
    return report_page(data)


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_every_section_and_picture_is_there(outline: Outline) -> None:
    assert outline.open == []
    assert outline.links == SECTIONS
    assert [name for name in outline.ids if name.startswith("chart-")] == [
        f"chart-{name}"
        for name in
        ("cleaning", "activity", "ranks", "lorenz", "histories", "series-0", "series-1")
    ]  # fmt: skip
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.loads == []


def test_hostile_names_are_text(page: str, outline: Outline) -> None:
    assert "<img" not in page.replace(max(outline.scripts, key=len), "")
    for script in outline.scripts:
        assert len(script) > 1_000_000 or "alert" not in script or "\\u003c" in script
    assert "img" not in outline.tags
    # In the title, the doubts, the samples, the columns, the busiest items, the headings.
    assert outline.text.count('<script>alert("1")') > 8
    assert f"Pieces {HOSTILE} of {HOSTILE}, mean of each day" in outline.text


def test_the_numbers_of_the_report_are_on_the_page(data: DataReport, outline: Outline) -> None:
    for name, before, after in data.comparison():
        assert f"{name}\n{before}\n{after}" in outline.text
    for doubt in data.doubts:
        assert doubt.text in outline.text
        assert doubt.severity in outline.text
    assert "settled by cleaning" in outline.text
    assert "hampel (window=15, threshold=5.0, causal=False)" in outline.text
    assert "forward (causal=True, longest_gap_points=7)" in outline.text
    assert "3 of 20 days have no row; 3 of them are filled" in outline.text
    assert "1 of 20 days come to 0" in outline.text
    assert "1 outlier marked by a ring" in outline.text
    assert "The busiest day" in outline.text


def test_every_picture_is_told_in_words(page: str, outline: Outline) -> None:
    charts = [name for name in outline.ids if name.startswith("chart-")]
    assert len(re.findall(r'role="img" aria-label="[^"]{20,}"', page)) == len(charts)
    assert page.count("The numbers of this picture") == len(charts) - 1  # cleaning has its table
    assert outline.tags.count("table") >= len(charts)


def test_the_tables_behind_the_pictures_carry_their_numbers(
    data: DataReport, outline: Outline
) -> None:
    series = data.series[1]
    [place] = series.outliers
    gap = series.values.index(None)
    assert f"{series.moments[place]}\noutlier\n500\n–" in outline.text
    assert f"{series.moments[gap]}\ngap\n–\n{series.fills[gap]:g}" in outline.text
    activity = data.latest.activity
    assert activity is not None
    first_week = "\n".join(str(row[0]) for row in activity.calendar)
    assert f"{activity.columns[0]}\n{first_week}" in outline.text


def test_a_log_without_a_clock_has_a_sentence_instead_of_pictures() -> None:
    log = Interactions.of(
        pl.DataFrame({"user": [1, 1, 2], "item": ["a", "b", "a"], "position": [0, 1, 0]})
    )
    outline = Outline(report_page(report(log)))
    assert outline.links == [name for name in SECTIONS if name != "#cleaning"]
    assert "no calendar to draw" in outline.text
    assert "no days to draw a series along" in outline.text
    assert [name for name in outline.ids if name.startswith("chart-")] == [
        "chart-ranks", "chart-lorenz", "chart-histories"
    ]  # fmt: skip
    assert "All numbers" in outline.text
    assert "Nothing is missing in user, item, position." in outline.text


def test_nothing_left_after_cleaning_is_told(data: DataReport) -> None:
    log = hostile_log()
    kept, cleaning = clean(log)
    empty = kept.with_frame(kept.frame.head(0))
    outline = Outline(report_page(report(log, (empty, cleaning))))
    assert outline.links == SECTIONS
    assert "No row with a time is left" in outline.text
    assert "No row with an item or a user is left" in outline.text
    assert [name for name in outline.ids if name.startswith("chart-")] == ["chart-cleaning"]


def test_whole_days_have_no_hours_and_rows_may_be_left_out() -> None:
    times = [1.704e9 // 86_400 * 86_400 + day * 86_400 for day in (0, 1, 3)]
    log = pl.DataFrame({"user": [1, 1, 1, 2], "item": ["a"] * 4, "time": [*times, None]})
    found = report(Interactions.of(log))
    text = Outline(report_page(found)).text
    assert "Left out here: 1 without a time" in text
    assert "No silence is longer than a day; the first is" in text
    assert "Below, the hours" not in text
    assert len(draw_activity(found.latest.activity).data) == 1


def test_titles_of_items_are_shown_where_there_are_any(outline: Outline) -> None:
    assert "item\ntitle\nevents" in outline.text
    log = pl.DataFrame({"user": [1, 2], "item": ["a", "b"], "position": [0, 0]})
    assert "item\nevents" in Outline(report_page(report(Interactions.of(log)))).text


def test_the_verdict_counts_the_doubts(data: DataReport) -> None:
    contents = contents_of(data, (NextStep("Clean it", "regard clean"),))
    assert contents.headline == "20 rows: 3 users and 2 items; 19 kept, every removed one explained"
    assert (
        "1 serious doubt, 2 notable doubts; cleaning settles 1 of them. First of the others: "
        in contents.verdict
    )
    assert contents.next_steps[0].command == "regard clean"
    sure = contents_of(dataclasses.replace(data, doubts=()))
    assert sure.verdict == "Nothing to doubt was found."
    settled = tuple(each for each in data.doubts if each.remains is False)
    verdict = contents_of(dataclasses.replace(data, doubts=settled)).verdict
    assert verdict == "1 notable doubt; cleaning settles 1 of them."


def test_pictures_carry_the_numbers_of_the_report(data: DataReport) -> None:
    look = data.latest
    calendar, hours = draw_activity(look.activity).data
    assert [list(row) for row in calendar.z] == [list(row) for row in look.activity.calendar]
    assert [list(row) for row in hours.z] == [list(row) for row in look.activity.hours]
    before, after = draw_ranks(look.popularity, data.before.popularity).data
    assert (before.x, before.y) == (data.before.popularity.ranks, data.before.popularity.counts)
    assert (after.x, after.y) == (look.popularity.ranks, look.popularity.counts)
    _, share = draw_lorenz(look.popularity).data
    assert tuple(zip(share.x, share.y, strict=True)) == look.popularity.lorenz
    assert len(draw_popularity(look.popularity).data) == 3
    before, after = draw_histories(look.histories, data.before.histories).data
    assert (before.y, after.y) == (data.before.histories.users, look.histories.users)
    filled, observed, outliers = draw_series(data.series[1]).data
    assert observed.y == data.series[1].values
    [place] = data.series[1].outliers
    assert (outliers.x, outliers.y) == ((data.series[1].moments[place],), (500.0,))
    gap = data.series[1].values.index(None)
    assert filled.y[1] == data.series[1].fills[gap]
    assert filled.x[:3] == data.series[1].moments[gap - 1 : gap + 2]
    assert filled.line.dash == "dash"
    drawn = draw_series(data.series[1])
    assert drawn.layout.yaxis.title.text.startswith("pieces &lt;/script&gt;")


def test_one_picture_of_a_whole_log(data: DataReport) -> None:
    assert [trace.type for trace in regard.plot(data).data] == ["scatter", "scatter", "heatmap"]
    nobody = dataclasses.replace(data.before, popularity=None)
    with pytest.raises(ConfigurationError, match="no row with an item and a user"):
        regard.plot(dataclasses.replace(data, before=nobody, after=None))


def test_the_page_of_a_real_shop_is_small_enough_to_send(tmp_path: Path) -> None:
    raw = regard.read(online_retail(), timezone="Europe/London")
    found = regard.report(raw, regard.clean(raw))
    path = write_report(tmp_path / "shop.html", found)
    library = max(Outline(path.read_text("utf-8")).scripts, key=len)
    assert path.stat().st_size - len(library.encode()) < 180_000
    assert path.stat().st_size < 5_500_000, "releases of the library differ in size"
    assert regard.write_report(tmp_path / "again.html", found).read_bytes() == path.read_bytes()
