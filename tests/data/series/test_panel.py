"""The panel: any frame in, flat arrays inside, the same frame with new columns out."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.series.panel import Panel
from regard.errors import ColumnError, DataError, NeedsClockError, SourceError, TimeError

FRAME = pl.DataFrame(
    {
        "item": ["b", "a", "b", "a", "b"],
        "t": [3.0, 2.0, 1.0, 1.0, 2.0],
        "x": [30.0, 2.0, 10.0, None, 20.0],
    }
)

rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 5),
        st.one_of(st.none(), st.floats(-1e6, 1e6)),
    ),
    max_size=30,
)


def frame_of(table: list[tuple[str, int, float | None]]) -> pl.DataFrame:
    schema = {"g": pl.String, "t": pl.Int64, "x": pl.Float64}
    return pl.DataFrame(table, schema=schema, orient="row")


@given(rows)
def test_a_panel_holds_every_row_once_in_the_order_of_a_stable_sort(table: Any) -> None:
    frame = frame_of(table)
    panel = Panel.of(frame, group="g", time="t", value="x")
    for number, key in enumerate(panel.keys):
        # An independent way: Python's stable sort of one group's rows.
        mine = sorted(
            (r for r in range(len(table)) if table[r][0] == key), key=lambda r: table[r][1]
        )
        inside = slice(panel.offsets[number], panel.offsets[number + 1])
        assert panel.rows[inside].tolist() == mine
    assert sorted(panel.rows.tolist()) == list(range(len(table)))
    assert panel.keys.to_list() == list(dict.fromkeys(row[0] for row in table))


@given(rows)
def test_attaching_the_values_gives_the_column_back(table: Any) -> None:
    frame = frame_of(table)
    panel = Panel.of(frame, group="g", time="t", value="x")
    assert panel.attach(frame, again=panel.values)["again"].to_list() == frame["x"].to_list()


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "arrow"])
def test_every_kind_of_frame_reads_alike(kind: str) -> None:
    frame: Any = {
        "polars": FRAME,
        "lazy": FRAME.lazy(),
        "pandas": FRAME.to_pandas(),
        "arrow": FRAME.to_arrow(),
    }[kind]
    panel = Panel.of(frame, group="item", time="t", value="x")
    assert panel.keys.to_list() == ["b", "a"]
    np.testing.assert_array_equal(panel.values, [10, 20, 30, np.nan, 2])
    assert panel.rows.tolist() == [2, 4, 0, 3, 1]


def test_a_frame_gets_its_own_kind_back() -> None:
    panel = Panel.of(FRAME, group="item", time="t", value="x")
    big = panel.values > 15
    as_pandas = panel.attach(FRAME.to_pandas(), y=panel.values, big=big)
    assert isinstance(as_pandas, pd.DataFrame)
    assert as_pandas["big"].tolist() == [True, False, False, False, True]
    shuffled = FRAME.to_pandas().set_index(pd.Index([4, 3, 2, 1, 0]))
    assert panel.attach(shuffled, y=panel.values)["y"].tolist()[::2] == [30.0, 10.0, 20.0]
    as_arrow = panel.attach(FRAME.to_arrow(), y=panel.values, big=big)
    assert isinstance(as_arrow, pa.Table)
    assert as_arrow["y"].to_pylist() == [30.0, 2.0, 10.0, None, 20.0]


def test_a_point_that_was_removed_is_null_in_the_frame() -> None:
    panel = Panel.of(FRAME, group="item", time="t", value="x")
    less = panel.keep(panel.values != 20)
    assert less.offsets.tolist() == [0, 2, 4]
    assert less.attach(FRAME, y=less.values)["y"].to_list() == [30.0, 2.0, 10.0, None, None]


@pytest.mark.parametrize(
    ("moments", "seconds"),
    [
        ([date(1970, 1, 2)], [86400.0]),
        ([datetime(1970, 1, 1, 1)], [3600.0]),
        ([datetime(1970, 1, 1, 1, tzinfo=UTC)], [3600.0]),
        ([7], [7.0]),
    ],
)
def test_moments_become_utc_seconds(moments: list[Any], seconds: list[float]) -> None:
    panel = Panel.of(pl.DataFrame({"t": moments, "x": [1]}), time="t", value="x")
    assert panel.clock("A test").tolist() == seconds


def test_a_timezone_moves_the_moment() -> None:
    there = pl.Series("t", [datetime(1970, 1, 1, 9)]).dt.replace_time_zone("Asia/Tokyo")
    panel = Panel.of(there.to_frame().with_columns(x=1), time="t", value="x")
    assert panel.clock("A test").tolist() == [0.0]


def test_without_a_clock_the_order_is_that_of_the_rows() -> None:
    panel = Panel.of(FRAME, group="item", value="x")
    np.testing.assert_array_equal(panel.values, [30, 10, 20, 2, np.nan])
    assert panel.abscissa().tolist() == [0, 1, 2, 0, 1]
    with pytest.raises(NeedsClockError, match="Cutting a panel at a moment needs real time"):
        panel.before(1.0)


def test_ids_of_all_kinds_are_keys() -> None:
    hashed = pl.DataFrame({"g": pl.Series([2**64 - 1], dtype=pl.UInt64), "x": [1.0]})
    assert Panel.of(hashed, group="g", value="x").keys.to_list() == [2**64 - 1]
    small = pl.DataFrame({"g": pl.Series([3], dtype=pl.Int8), "x": [1]})
    assert Panel.of(small, group="g", value="x").keys.dtype == pl.Int64
    kinds = pl.DataFrame({"g": pl.Series(["u"], dtype=pl.Categorical), "x": [1]})
    assert Panel.of(kinds, group="g", value="x").keys.dtype == pl.String


def test_the_part_before_a_moment_leaves_the_moment_out() -> None:
    panel = Panel.of(FRAME, group="item", time="t", value="x").before(2.0)
    assert panel.lengths.tolist() == [1, 1]
    assert len(panel) == 2


def test_one_row_for_each_point() -> None:
    table = Panel.of(FRAME, group="item", time="t", value="x").to_frame()
    assert table.columns == ["group", "time", "value", "row"]
    assert table.row(3) == ("a", 1.0, None, 3)
    assert Panel.of(FRAME, value="x").to_frame().columns == ["group", "value", "row"]


@pytest.mark.parametrize(
    ("frame", "error", "sentence"),
    [
        ([1, 2], SourceError, "A list is not a frame"),
        (pl.DataFrame({"g": ["a"], "t": [1.0]}), ColumnError, "no column 'x'; it has 'g', 't'"),
        (pl.DataFrame({"g": ["a"], "t": [1.0], "x": ["1"]}), ColumnError, "'x' holds String"),
        (pl.DataFrame({"g": ["a"], "t": ["1"], "x": [1]}), ColumnError, "'t' holds String"),
        (pl.DataFrame({"g": [1.5], "t": [1], "x": [1]}), ColumnError, "'g' holds Float64"),
        (pl.DataFrame({"g": ["a", None], "t": [1, 2], "x": [1, 2]}), ColumnError, "of row 1"),
        (pl.DataFrame({"g": ["a", "a"], "t": [1, None], "x": [1, 2]}), TimeError, "of row 1"),
        (pl.DataFrame({"g": ["a"], "t": [np.nan], "x": [1]}), TimeError, "of row 0 is missing"),
        (pl.DataFrame({"g": ["a"], "t": [1], "x": [np.inf]}), DataError, "value of row 0 is inf"),
    ],
)
def test_what_is_wrong_is_named(frame: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        Panel.of(frame, group="g", time="t", value="x")


def test_arrays_that_do_not_fit_are_refused() -> None:
    keys, rows, values = pl.Series(["a"]), np.arange(2), np.zeros(2)
    offsets = np.array([0, 2])
    with pytest.raises(DataError, match="does not fit offsets"):
        Panel(keys, np.array([0, 3]), values, None, rows)
    with pytest.raises(DataError, match="one length"):
        Panel(keys, offsets, values, None, np.arange(3))
    with pytest.raises(DataError, match=r"run backwards within series 'a' at point 1 \(time 1.0\)"):
        Panel(keys, offsets, values, np.array([2.0, 1.0]), rows)
    with pytest.raises(DataError, match="twice"):
        Panel(pl.Series(["a", "a"]), np.array([0, 1, 2]), values, None, rows)


def test_a_wrong_frame_to_attach_to_is_refused() -> None:
    panel = Panel.of(FRAME, group="item", time="t", value="x")
    with pytest.raises(DataError, match="row 4, but the frame has only 2 rows"):
        panel.attach(FRAME.head(2), y=panel.values)
    with pytest.raises(DataError, match="'y' has 1 values for a panel of 5"):
        panel.attach(FRAME, y=np.zeros(1))
