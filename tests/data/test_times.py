"""Times: what is understood, what is refused, and what the message says."""

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.timeforms import formats_of, likely_formats
from regard.data.times import UNITS, parse_times, time_likeness
from regard.errors import ConfigurationError, TimeError

MOMENT = datetime(2011, 12, 9, 12, 50, 3, tzinfo=UTC)
SECONDS = MOMENT.timestamp()


def seconds(values, **options):
    return parse_times(pl.Series("ts", values), **options).seconds.to_list()


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_of_numbers_is_told_by_their_size(unit):
    times = parse_times(pl.Series("ts", [int(SECONDS * UNITS[unit]), None, 0]))
    assert times.seconds.to_list() == pytest.approx([SECONDS, None, 0.0])
    words = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
    assert f"counts {words[unit]} since" in times.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "2011-12-09 12:50:03",
        "2011-12-09T12:50:03",
        "2011-12-09T12:50:03Z",
        "2011-12-09T13:50:03+01:00",
        "2011-12-09T07:50:03.000-0500",
        "2011-12-09 12:50:03 UTC",
        "2011/12/09 12:50:03",
        "09.12.2011 12:50:03",
        "09-Dec-2011 12:50:03",
        "December 9, 2011 12:50:03",
        "Fri Dec  9 12:50:03 2011",
        "Fri, 09 Dec 2011 12:50:03 +0000",
        "09/Dec/2011:12:50:03 +0000",
        "20111209125003",
    ],
)
def test_common_ways_to_write_a_moment(text):
    assert seconds([text, None, "  "]) == [SECONDS, None, None]


@pytest.mark.parametrize(
    "text", ["13/12/2011 00:50", "12/13/2011 12:50 AM", "13.12.11 0:50", "12/13/2011 12:50am"]
)
def test_local_ways_to_write_a_moment(text):
    assert seconds([text]) == [datetime(2011, 12, 13, 0, 50, tzinfo=UTC).timestamp()]


@pytest.mark.parametrize("value", [20111209, "20111209", date(2011, 12, 9), "09 Dec 2011"])
def test_dates_are_midnights(value):
    assert seconds([value]) == [datetime(2011, 12, 9, tzinfo=UTC).timestamp()]


def test_text_that_spells_numbers_counts_from_1970():
    assert seconds(["1323435003", " ", ""]) == [SECONDS, None, None]
    assert seconds(["1323435003.5", "1323435003"]) == [SECONDS + 0.5, SECONDS]


@given(
    st.lists(
        st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2090, 1, 1)),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S"]),
)
@settings(max_examples=40, deadline=None)
def test_any_moment_survives_being_written(moments, written):
    whole = [moment.replace(microsecond=0) for moment in moments]
    texts = [moment.strftime(written) for moment in whole]
    assert seconds(texts) == [moment.replace(tzinfo=UTC).timestamp() for moment in whole]


def test_a_day_and_a_month_that_could_change_places_are_refused_with_three_rows():
    with pytest.raises(TimeError) as refused:
        seconds(["01/02/2024 10:00", "03/03/2024 10:00", "05/06/2024 10:00", "07/08/2024 10:00"])
    message = str(refused.value)
    for part in ("'ts'", "row 0: '01/02", "row 2: '05/06", "row 3: '07/08", "%d/%m/%Y", "%m/%d/%Y"):
        assert part in message
    assert "row 1" not in message


def test_one_value_late_in_the_column_decides_day_and_month():
    texts = ["01/02/2024"] * 5_000
    assert seconds([*texts, "31/01/2024"])[0] == datetime(2024, 2, 1, tzinfo=UTC).timestamp()
    assert seconds([*texts, "01/31/2024"])[0] == datetime(2024, 1, 2, tzinfo=UTC).timestamp()
    assert seconds(texts, time_format="%m/%d/%Y")[0] == seconds([*texts, "01/31/2024"])[0]


def test_days_that_equal_their_months_leave_no_doubt():
    assert seconds(["02/02/2024"]) == [datetime(2024, 2, 2, tzinfo=UTC).timestamp()]


def test_values_that_are_no_times_are_counted_and_the_first_is_shown():
    texts = ["30/01/2024"] * 88 + ["31/02/2024"] + ["30/02/2024"] * 213
    with pytest.raises(
        TimeError, match=r"'ts' has 214 values that are not times \(first: row 88, "
    ):
        seconds(texts)
    with pytest.raises(TimeError, match=r"1 value that is not a time \(first: row 1, 'tea'\)"):
        seconds(["2024-01-01", "tea"])
    with pytest.raises(TimeError, match="3 values that are not times"):
        seconds(["tea", "milk", None, "salt"])


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-30", "30/01/2024"],
        ["2024-01-01 10:00:00", "2024-01-01T10:00:00Z"],
        ["2024-01-01", "2024-01-01 10:00"],
        ["30/01/2024", "30/01/24"],
    ],
)
def test_mixed_formats_are_refused(texts):
    with pytest.raises(TimeError, match=r"mixes formats of time \(row 0: .*row 1: "):
        seconds(texts)


def test_mixed_units_are_refused():
    with pytest.raises(TimeError, match=r"mixes units.*row 0: .*\(seconds\).*row 1: .*\(millisec"):
        seconds([1_323_435_003, 1_323_435_003_000])


def test_numbers_too_small_for_times_are_refused_unless_a_unit_is_given():
    with pytest.raises(TimeError, match=r"from 1 to 3, .*time_unit=.*order='ts'"):
        seconds([1, 2, 3])
    assert seconds([1, 2], time_unit="s") == [1.0, 2.0]
    assert seconds([1500, None], time_unit="ms") == [1.5, None]


def test_infinities_and_nan():
    assert seconds([float("nan"), SECONDS]) == [None, SECONDS]
    with pytest.raises(TimeError, match=r"first: row 1, inf"):
        seconds([SECONDS, math.inf])


def test_a_column_of_nothing_has_no_times():
    assert seconds([None, None]) == [None, None]
    assert seconds(["", " "]) == [None, None]
    assert parse_times(pl.Series("ts", [None], dtype=pl.Float64)).seconds.to_list() == [None]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_datetimes_of_every_unit_and_zone(unit):
    naive = pl.Series("ts", [MOMENT.replace(tzinfo=None)], dtype=pl.Datetime(unit))
    assert parse_times(naive).seconds.to_list() == [SECONDS]
    assert parse_times(naive, timezone="Europe/Paris").seconds.to_list() == [SECONDS - 3600]
    aware = naive.dt.replace_time_zone("Asia/Tokyo")
    assert parse_times(aware, timezone="Europe/Paris").seconds.to_list() == [SECONDS - 9 * 3600]
    assert parse_times(aware).notes == ()


def test_a_zone_in_the_text_outweighs_the_option():
    assert seconds(["2011-12-09T12:50:03Z"], timezone="Europe/Paris") == [SECONDS]
    assert seconds(["2011-12-09 12:50:03 UTC"], timezone="Europe/Paris") == [SECONDS]


def test_times_that_a_clock_change_repeats_or_skips():
    berlin = ZoneInfo("Europe/Berlin")
    twice, never = datetime(2021, 10, 31, 2, 30), datetime(2021, 3, 28, 2, 30)
    plain = datetime(2021, 7, 1, 12)
    times = parse_times(pl.Series("ts", [twice, never, plain, None]), timezone="Europe/Berlin")
    expected = [
        moment.replace(tzinfo=berlin, fold=0).timestamp() for moment in (twice, never, plain)
    ]
    assert times.seconds.to_list() == [*expected, None]
    assert any("1 times" in note and "happened twice" in note for note in times.notes)
    assert any("1 times" in note and "moved forward" in note for note in times.notes)


@given(st.datetimes(min_value=datetime(1995, 1, 1), max_value=datetime(2030, 1, 1)))
@settings(max_examples=60, deadline=None)
def test_local_times_agree_with_the_standard_library(moment):
    moment = moment.replace(microsecond=0)
    for zone in ("Europe/London", "America/New_York"):
        expected = moment.replace(tzinfo=ZoneInfo(zone)).timestamp()
        assert seconds([moment], timezone=zone) == [expected]


def test_a_day_that_a_zone_skipped_whole_moves_forward():
    skipped = datetime(2011, 12, 30, 12)
    before = seconds([skipped - timedelta(days=1)], timezone="Pacific/Apia")[0]
    assert seconds([skipped], timezone="Pacific/Apia") == [before + 86_400]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_format": "%Y", "time_unit": "s"}, "not both"),
        ({"time_unit": "m"}, "time_unit is 'm'"),
        ({"timezone": "Europe/Berln"}, "did you mean 'Europe/Berlin'"),
        ({"time_format": "%Y-%m-%d %H"}, "time_format is '%Y-%m-%d %H': "),
        ({"timezone": "xyzzy"}, "give an IANA name"),
        ({"time_format": "%d/%m/%Y"}, "another time_format="),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises((ConfigurationError, TimeError), match=message):
        seconds(["2024-01-01"], **options)


def test_options_that_do_not_fit_the_column():
    with pytest.raises(ConfigurationError, match="leave time_unit= out"):
        seconds([datetime(2024, 1, 1)], time_unit="s")
    with pytest.raises(ConfigurationError, match="leave time_format= out"):
        seconds([date(2024, 1, 1)], time_format="%Y")
    with pytest.raises(TimeError, match=r"row 1, 'tea'"):
        seconds(["1323435003", "tea"], time_unit="s")
    with pytest.raises(TimeError, match="holds Boolean"):
        seconds([True])


def test_a_format_given_for_numbers_reads_their_digits():
    assert seconds([12092011], time_format="%m%d%Y") == seconds(["2011-12-09"])
    with pytest.raises(TimeError, match=r"row 0, '9122011'.*another time_format="):
        seconds([9122011], time_format="%d%m%Y")


def test_likeness():
    assert time_likeness(pl.Series([datetime(2024, 1, 1)])) == 1.0
    assert time_likeness(pl.Series([20240101])) == 1.0
    assert time_likeness(pl.Series([int(SECONDS), 5])) == 0.5
    assert time_likeness(pl.Series([True])) == 0.0
    assert time_likeness(pl.Series([], dtype=pl.String)) == 0.0
    assert formats_of("12:30") == ()
    assert likely_formats([]) == ()
