"""Times on circles, recency, and gaps."""

import json
import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.encoders.gaps import with_gaps
from regard.data.encoders.moments import Cycle, Hour, Month, Recency, Weekday
from regard.errors import ColumnError, ConfigurationError, TooLittleDataError

CYCLES: list[type[Cycle]] = [Hour, Weekday, Month]
seconds = st.lists(st.floats(-2e9, 4e9), min_size=1, max_size=20)


def series(values: list[Any]) -> pl.Series:
    return pl.Series("time", values, dtype=pl.Float64)


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Asia/Kathmandu"])
@given(moments=seconds)
def test_agree_with_the_calendar_of_python(zone: str, moments: list[float]) -> None:
    for kind in CYCLES:
        encoded = kind.fit(series(moments), zone=zone).transform(series(moments))
        for moment, (sine, cosine) in zip(moments, encoded.iter_rows(), strict=True):
            local = datetime.fromtimestamp(round(moment * 1e6) // 1_000_000, UTC).astimezone(
                ZoneInfo(zone)
            )
            share = {
                "hour": (local.hour + local.minute / 60) / 24,
                "weekday": local.weekday() / 7,
                "month": (local.month - 1) / 12,
            }[kind.name]
            assert sine == pytest.approx(math.sin(2 * math.pi * share), abs=1e-9)
            assert cosine == pytest.approx(math.cos(2 * math.pi * share), abs=1e-9)


@pytest.mark.parametrize("kind", CYCLES)
def test_no_time_is_the_centre(kind: type[Cycle]) -> None:
    encoder = kind.fit(series([0.0]))
    nothing = [None, math.nan, math.inf, -math.inf, 1e300, -1e15]
    encoded = encoder.transform(series(nothing))
    assert encoded.columns == [f"time_{kind.name}_sin", f"time_{kind.name}_cos"]
    assert encoded.rows() == [(0.0, 0.0)] * len(nothing)
    assert kind.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


def test_midnight_lies_beside_the_minute_before() -> None:
    around = Hour.fit(series([0.0])).transform(series([86_340.0, 0.0]))
    assert math.dist(*around.rows()) < 0.005


class TestRecency:
    @given(seconds, seconds)
    def test_grows_with_time_up_to_1(self, trained: list[float], later: list[float]) -> None:
        encoder = Recency.fit(series(trained))
        asked = sorted([*later, max(trained)])
        recency = encoder.transform(series(asked))["time_recency"]
        assert recency.is_sorted()
        assert recency.is_between(0, 1).all()
        assert recency[-1] == 1.0
        assert Recency.fit(series([None, *trained[::-1], math.nan])) == encoder
        assert Recency.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder

    def test_half_of_training_is_younger_than_the_half_life(self) -> None:
        encoder = Recency.fit(series([0.0, 60.0, 90.0, 95.0, 100.0]))
        assert (encoder.latest, encoder.half_life) == (100.0, 10.0)
        asked = series([90.0, 80.0, 0.0, None, math.nan, math.inf, -math.inf])
        expected = [0.5, 0.25, 2**-10, 0, 0, 0, 0]
        assert encoder.transform(asked)["time_recency"].to_list() == expected

    def test_one_moment_alone(self) -> None:
        assert Recency.fit(series([5.0, 5.0])).half_life == 86_400


class TestGaps:
    @given(
        st.lists(
            st.tuples(
                st.sampled_from([1, 2, None]), st.sampled_from([0.0, 1.0, 5.0, None, math.nan])
            ),
            max_size=20,
        ),
        st.randoms(),
    )
    def test_agree_with_a_loop(self, rows: list[tuple[Any, Any]], random: Any) -> None:
        shuffled = list(enumerate(rows))
        random.shuffle(shuffled)
        table = pl.DataFrame(
            {
                "user": [user for _, (user, _) in shuffled],
                "time": [time for _, (_, time) in shuffled],
                "row": [row for row, _ in shuffled],
            },
            schema={"user": pl.Int64, "time": pl.Float64, "row": pl.Int64},
        )
        expected: dict[int, float | None] = dict.fromkeys(range(len(rows)))
        last: dict[int, float] = {}
        usable = [
            (time, row, user)
            for row, (user, time) in enumerate(rows)
            if user is not None and time is not None and math.isfinite(time)
        ]
        for time, row, user in sorted(usable):
            expected[row] = time - last[user] if user in last else None
            last[user] = time
        found = with_gaps(table)
        assert found.drop("gap").equals(table, null_equal=True)
        assert dict(found.select("row", "gap").iter_rows()) == expected

    def test_refuses(self) -> None:
        table = pl.DataFrame({"user": [1], "time": [0.0]})
        with pytest.raises(ColumnError, match="has a column 'gap' already"):
            with_gaps(with_gaps(table))
        with pytest.raises(ColumnError, match="need the column 'time'"):
            with_gaps(table.drop("time"))


def test_faults() -> None:
    for kind in (*CYCLES, Recency):
        with pytest.raises(TooLittleDataError, match=f"'time' holds 1 rows .* {kind.name!r}"):
            kind.fit(series([None]))
        with pytest.raises(ColumnError, match="holds String"):
            kind.fit(pl.Series("time", ["today"]))
    for zone in ("Mars", "", "../x", 5):
        with pytest.raises(ConfigurationError, match="no time zone"):
            Hour.fit(series([0.0]), zone=zone)  # type: ignore[arg-type] # 5 is the fault
    for days in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigurationError, match="positive number of days"):
            Recency.fit(series([0.0]), half_life_days=days)
