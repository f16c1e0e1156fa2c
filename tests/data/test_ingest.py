"""Reading: every kind of source, every kind of defect, and a round trip."""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from regard.data.ingest import read
from regard.data.ingest.columns import as_context, as_ids, as_numbers, as_text
from regard.data.ingest.dialect import find_decimal, to_utf8
from regard.data.interactions import Interactions
from regard.errors import ColumnError, ConfigurationError, SourceError, TimeError
from regard.schema import Clock
from regard.settings import data_folder

PLAYS = "user,item,time\n7,tea,2024-01-31\n8,milk,2024-02-01\n"
FRAME = pl.DataFrame({"user": [7, 8, None], "item": ["a", "b", "c"], "time": [1e9, 2e9, None]})


@pytest.fixture
def write(tmp_path):
    def write(content, name="plays.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# --- what is understood ------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::"])
def test_the_delimiter_is_found_and_noted(write, delimiter):
    log = read(write(PLAYS.replace(",", delimiter)))
    assert log.collect()["item"].to_list() == ["tea", "milk"]
    named = "tabs" if delimiter == "\t" else repr(delimiter)
    assert f"Fields are separated by {named}." in log.notes


def test_any_delimiter_can_be_given(write):
    log = read(write(PLAYS.replace(",", " || ")), delimiter=" || ")
    assert log.collect()["user"].to_list() == [7, 8]
    quoted = write('user~~item~~time\n7~~"a~~b"~~2024-01-31\n')
    assert read(quoted, delimiter="~~").collect()["item"].to_list() == ["a~~b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_found(write, encoding):
    log = read(write(PLAYS.replace("tea", "thé").encode(encoding)))
    assert log.collect()["item"][0] == "thé"
    assert f"Characters are {encoding}." in log.notes


def test_text_that_is_not_unicode_is_western(write):
    assert read(write(PLAYS.replace("tea", "thé€").encode("cp1252"))).collect()["item"][0] == "thé€"
    undefined = PLAYS.encode().replace(b"tea", b"th\xe9\x81")
    assert "Characters are latin-1." in read(write(undefined)).notes
    greek = write(PLAYS.replace("tea", "τσάι").encode("iso-8859-7"))
    assert read(greek, encoding="iso-8859-7").collect()["item"][0] == "τσάι"


def test_a_decimal_comma_is_found(write):
    path = write("user;item;time;price;rank\n7;a;2024-01-31;2,55;1\n8;b;2024-01-31;3;2\n")
    log = read(path)
    assert log.collect()["price"].to_list() == [2.55, 3.0]
    assert "Numbers have a decimal comma." in log.notes
    with pytest.raises(ColumnError, match=r"'price' has 1 value .*row 0, '2,55'.*decimal="):
        read(path, decimal=".", price="price")


def test_groups_of_thousands_are_understood_where_the_decimal_sign_is_clear(write):
    german = read(write("user;item;time;price\n7;a;2024-01-31;1.234.567,5\n8;b;2024-01-31;-2,5\n"))
    assert german.collect()["price"].to_list() == [1_234_567.5, -2.5]
    english = read(write('user,item,time,price\n7,a,2024-01-31,"1,234.5"\n8,b,2024-01-31,2\n'))
    assert english.collect()["price"].to_list() == [1_234.5, 2.0]


def test_a_blank_after_every_delimiter_is_no_part_of_the_value(write):
    log = read(write("user, item, time\n7, tea, 2024-01-31\n8, milk, 2024-01-31\n"))
    assert log.collect()["item"].to_list() == ["tea", "milk"]
    assert any("begins with a blank" in note for note in log.notes)
    some = read(write("user,item,time\n7, tea,2024-01-31\n8,tea,2024-01-31\n"))
    assert some.collect()["item"].to_list() == [" tea", "tea"]


def test_sums_of_duckdb_are_whole_numbers():
    relation = duckdb.sql("select sum(x) as user, 'a' as item, 1e9 as time from range(3) r(x)")
    assert read(relation).collect()["user"].to_list() == [3]


def test_a_comma_that_may_separate_thousands_decides_nothing():
    assert find_decimal(pl.DataFrame({"price": ["1,234", "2,345"]})) == "."
    assert find_decimal(pl.DataFrame({"tags": ["1,2", "a"]})) == "."
    assert as_numbers(pl.Series(["1,234"]), decimal=",").to_list() == [1.234]
    with pytest.raises(ColumnError, match=r"row 0, '1\.234'"):
        as_numbers(pl.Series(["1.234"]), decimal=",")


@pytest.mark.parametrize("row", [0, 10_000, 10_001, 20_003])
@pytest.mark.parametrize("name", ["rating", "Quantity", "UnitPrice"])
def test_a_cell_that_is_no_number_is_refused_wherever_it_stands(write, name, row):
    cells = ["2"] * 20_004
    cells[row] = "n.a."
    lines = "".join(f"7,tea,2024-01-31,{cell}\n" for cell in cells)
    path = write(f"user,item,time,{name}\n{lines}")
    with pytest.raises(ColumnError, match=rf"{name}' has 1 value that is no .*row {row}, 'n\.a\.'"):
        read(path)


def test_a_file_without_header(write):
    path = write("1::1193::5::978300760\n1::661::3::978302109\n", "ratings.dat")
    with pytest.raises(ColumnError, match=r"looks like the user .*'column_1'"):
        read(path, header=False)
    log = read(path, header=False, user="column_1", item="column_2", value="column_3")
    assert log.collect()["item"].to_list() == [1193, 661]
    assert "The first line is data: there is no header." in log.notes
    assert dict(log.roles)["time"] == "column_4"


def test_the_header_can_be_given(write):
    path = write("ann,tea\nbob,milk\n")
    log = read(path, header=False, user="column_1", item="column_2", order="file")
    assert log.collect()["user"].to_list() == ["ann", "bob"]
    path = write("1,2,time\n7,a,2024-01-31\n")
    assert read(path, header=True, user="1", item="2").collect().height == 1


def test_an_unnamed_first_column_as_pandas_writes_it(write):
    log = read(write(",user,item,time\n0,7,a,2024-01-31\n1,8,b,2024-01-31\n"))
    assert "column_1" in log.columns()


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n\n\n", ""])
def test_line_endings(write, ending):
    lines = PLAYS.strip().split("\n")
    text = ending.join(lines) if ending in {"\r\n", "\r"} else PLAYS.strip() + ending
    assert read(write(text)).collect()["item"].to_list() == ["tea", "milk"]


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks(write):
    log = read(write('user,item,time\n7,"a, ""b""\nc",2024-01-31\n8,"",2024-01-31\n'))
    assert log.collect()["item"].to_list() == ['a, "b"\nc', None]


def test_a_header_may_be_quoted_over_two_lines(write):
    log = read(write('"user","item","time","of\nday"\n7,a,2024-01-31,noon\n'))
    assert log.columns()[-1] == "of\nday"


def test_only_line_feeds_end_lines(write):
    log = read(write("user,item,time\n7,a\u2028b\x85c,2024-01-31\n"))
    assert log.collect()["item"].to_list() == ["a\u2028b\x85c"]


def test_quotes_inside_fields_are_text_where_no_field_opens_with_one(write):
    log = read(write('user\titem\ttime\n7\t12" disc\t2024-01-31\n'))
    assert log.collect()["item"].to_list() == ['12" disc']


def test_compressed_text(tmp_path):
    path = tmp_path / "plays.csv.gz"
    path.write_bytes(gzip.compress(PLAYS.encode()))
    assert read(str(path)).collect().height == 2


def test_ids_keep_what_tells_them_apart(write):
    head = "user,item,time\n"
    padded = read(write(f"{head}00123,1,2024-01-31\n123,2,2024-01-31\n")).collect()
    assert padded["user"].to_list() == ["00123", "123"]
    assert padded["item"].to_list() == [1, 2]
    for one in ("+5", "1e3", "5.10", "99999999999999999999", "-0"):
        assert read(write(f"{head}{one},1,2024-01-31\n")).collect()["user"].to_list() == [one]
    pandas = read(write(f"{head}17850.0,1,2024-01-31\n,2,2024-01-31\n"))
    assert pandas.collect()["user"].to_list() == [17850, None]
    assert any("'.0'" in note for note in pandas.notes)


def test_spellings_of_missing(write):
    log = read(write("user,item,time,price\n7,NA,NULL,nan\nNA,b,2024-01-31,2.5\n"))
    table = log.collect()
    assert table["user"].to_list() == [7, None]
    assert table["item"].to_list() == ["NA", "b"]
    assert table["time"].to_list()[0] is None
    assert table["price"].to_list() == [None, 2.5]
    assert any("1 values of column 'user'" in note for note in log.notes)


def test_context_comes_along_typed_and_renamed(write):
    path = write(
        "who,what,when,user,row,zip,age,note\n7,a,2024-01-31,x,9,00501,3,2.5\n"
        "8,b,2024-01-31,y,8,10001,NA,hi\n"
    )
    log = read(path, user="who", item="what", time="when")
    table = log.collect()
    assert table.columns == [
        "user", "item", "time", "row", "user_", "row_", "zip", "age", "note",
    ]  # fmt: skip
    assert table["row"].to_list() == [0, 1]
    assert table["row_"].to_list() == [9, 8]
    assert table["zip"].to_list() == ["00501", "10001"]
    assert table["age"].to_list() == [3, None]
    assert table["note"].to_list() == ["2.5", "hi"]


def test_a_renamed_context_column_never_meets_another():
    frame = FRAME.with_columns(row=pl.lit("x"), row_=pl.lit("y"))
    table = read(frame).collect()
    assert (table["row__"][0], table["row_"][0]) == ("x", "y")


# --- frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "convert",
    [
        lambda frame: frame,
        lambda frame: frame.lazy(),
        lambda frame: frame.to_pandas(),
        lambda frame: frame.to_arrow(),
        lambda frame: nw.from_native(frame),
        lambda frame: nw.from_native(frame.lazy()),
        lambda frame: duckdb.from_arrow(frame.to_arrow()),
    ],
    ids=["polars", "lazy", "pandas", "arrow", "narwhals", "narwhals lazy", "duckdb"],
)
def test_any_dataframe_gives_the_same_log(convert):
    log = read(convert(FRAME))
    expected = FRAME.with_columns(row=pl.int_range(3, dtype=pl.Int64))
    assert_frame_equal(log.collect(), expected)
    assert log.clock is Clock.TIME
    assert log.source.endswith("frame")


def test_parquet_keeps_its_types(tmp_path):
    path = tmp_path / "plays.parquet"
    FRAME.with_columns(item=pl.Series(["1", "2", " "])).write_parquet(path)
    table = read(path).collect()
    assert table["item"].to_list() == ["1", "2", None]


def test_types_of_ids():
    assert as_ids(pl.Series([1, 2], dtype=pl.UInt8))[0].dtype == pl.UInt8
    assert as_ids(pl.Series(["a"], dtype=pl.Categorical))[0].to_list() == ["a"]
    assert as_ids(pl.Series([5.0, float("nan"), None]))[0].to_list() == [5, None, None]
    for wrong in ([True], [1.5], [2.0**60], [pd.Timestamp("2024-01-01")], [[1]]):
        with pytest.raises(ColumnError, match="ids"):
            as_ids(pl.Series("who", wrong))


def test_types_of_text_and_numbers():
    assert as_text(pl.Series([1.5, 2.0])).to_list() == ["1.5", "2.0"]
    assert as_numbers(pl.Series([None])).dtype == pl.Float64
    assert as_numbers(pl.Series([1.5, float("nan")])).to_list() == [1.5, None]
    assert as_context(pl.Series([None, ""], dtype=pl.String)).to_list() == [None, ""]
    with pytest.raises(ColumnError, match="no text"):
        as_text(pl.Series("x", [[1]]))
    with pytest.raises(ColumnError, match="must hold numbers"):
        as_numbers(pl.Series("x", [True]))


# --- order -------------------------------------------------------------------------------------


def test_the_order_of_the_file():
    log = read(FRAME, order="file")
    table = log.collect()
    assert log.clock is Clock.ORDER
    assert table["position"].to_list() == [0, 1, 2]
    assert "time_" in table.columns
    assert "time" not in log.roles


def test_an_order_of_its_own():
    frame = FRAME.with_columns(step=pl.Series([3.0, 1.0, None]))
    log = read(frame, order="step")
    assert log.collect()["position"].to_list() == [3, 1, None]
    assert log.roles["position"] == "step"
    with pytest.raises(ColumnError, match="whole numbers"):
        read(frame.with_columns(word=pl.lit("x")), order="word")
    with pytest.raises(ColumnError, match=r"'stepp' for order=.*Did you mean 'step'"):
        read(frame, order="stepp")
    with pytest.raises(ConfigurationError, match="not both"):
        read(frame, order="step", time="time")


# --- what is refused ---------------------------------------------------------------------------

DEFECTS = {
    "empty": ("", SourceError, "is empty"),
    "blank": (" \n\n", SourceError, "is empty"),
    "header only": ("user,item,time\n", SourceError, "but no rows"),
    "one column": ("user\n7\n8\n", SourceError, r"only one column.*'user'.*delimiter="),
    "too few fields": (PLAYS + "9,x\n", SourceError, "line 4: found 2 fields where .* has 3"),
    "too many fields": (PLAYS + "9,x,y,z\n", SourceError, "line 4: found 4 fields"),
    "several": (PLAYS + "9\n9\n", SourceError, r"line 4: found 1 fields.*\(1 more lines"),
    "blank line": ("user,item,time\n\n7,a,2024-01-31\n", SourceError, "line 2: found 1 fields"),
    "late line": (
        'user,item,time\n7,"a\nb",2024-01-31\n7,b\n', SourceError, "line 4: found 2 fields",
    ),
    "open quote": (PLAYS + '9,"x,2024-01-31\n', SourceError, "line 4: .*never closed"),
    "stray quote": (
        PLAYS + '"9",12" disc,2024-01-31\n', SourceError, 'line 4: a quotation mark .*12" disc',
    ),
    "text after quote": (PLAYS + '9,"x"y,2024-01-31\n', SourceError, "line 4: a quotation mark"),
    "two names": ("user,item,item,time\n7,a,b,2024-01-31\n", ColumnError, "two columns called 'it"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(99), SourceError, "is not text"),
    "controls": (bytes(range(1, 32)) * 9, SourceError, "is not text"),
    "parquet": (b"PAR1....PAR1", SourceError, "a Parquet file; rename"),
    "gzip": (gzip.compress(b"a,b"), SourceError, "compressed with gzip"),
    "zip": (b"PK\x03\x04....", SourceError, "a ZIP archive or spreadsheet"),
    "no time": ("user,item,rank\n7,a,b\n", ColumnError, r"a time .*time='...'.*order=\"file\""),
    "no user": ("x,item,time\n7,a,2024-01-31\n", ColumnError, "looks like the user .*user='"),
    "bad times": (PLAYS + "9,x,soon\n", TimeError, "'time' has 1 value.*row 2, 'soon'"),
}  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_has_its_own_sentence(write, defect):
    content, error, message = DEFECTS[defect]
    with pytest.raises(error, match=message) as refused:
        read(write(content))
    assert "\n" not in str(refused.value)


def test_paths_that_lead_to_no_table(tmp_path, write):
    with pytest.raises(SourceError, match="does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(SourceError, match=r"ends in '\.xlsx'.*\.csv"):
        read(write("x", "plays.xlsx"))
    with pytest.raises(SourceError, match="no suffix"):
        read(write("x", "plays"))
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        read(write("no parquet", "plays.parquet"))
    with pytest.raises(SourceError, match="is empty"):
        read(write("", "plays.parquet"))
    with pytest.raises(SourceError, match="not compressed; rename it"):
        read(write(PLAYS, "plays.csv.gz"))


@pytest.mark.parametrize("source", [None, 7, {"user": [1]}, [1, 2]])
def test_objects_that_are_no_table(source):
    with pytest.raises(SourceError, match="neither a path nor a dataframe"):
        read(source)


def test_frames_that_are_no_log():
    with pytest.raises(SourceError, match="no columns"):
        read(pl.DataFrame())
    with pytest.raises(SourceError, match="no rows"):
        read(FRAME.clear())
    with pytest.raises(ColumnError, match="only one column"):
        read(FRAME.select("user"))
    with pytest.raises(ColumnError, match="two columns"):
        read(pd.DataFrame([[1, 2]], columns=["user", "user"]))
    with pytest.raises(SourceError, match="cannot be converted"):
        read(pd.DataFrame({"user": [object(), 1], "item": [1, 2]}))
    with pytest.raises(SourceError, match="cannot be converted"):
        read(FRAME.lazy().select(pl.col("nobody")))


def test_names_that_are_not_there():
    with pytest.raises(
        ColumnError, match=r"no column 'User' for user=; it has 'user'.*mean 'user'"
    ):
        read(FRAME, user="User")
    with pytest.raises(ConfigurationError, match="both name 'user'"):
        read(FRAME, user="user", item="user")
    with pytest.raises(ColumnError, match=r"user='session_id'\."):
        read(FRAME.rename({"user": "session_id"}))
    with pytest.raises(ColumnError, match=r"'xyz' for item=; it has 'user', 'item', 'time'\.$"):
        read(FRAME, item="xyz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": ""}, "delimiter is ''"),
        ({"delimiter": '"'}, "delimiter is"),
        ({"decimal": ";"}, "decimal is ';'"),
        ({"encoding": "klingon"}, "encoding is 'klingon'"),
        ({"time_unit": "days"}, "time_unit is 'days'"),
        ({"timezone": "Mars"}, "timezone is 'Mars'"),
    ],
)
def test_options_that_make_no_sense(write, options, message):
    with pytest.raises(ConfigurationError, match=message):
        read(write(PLAYS), **options)


def test_options_of_text_are_refused_elsewhere(tmp_path):
    FRAME.write_parquet(tmp_path / "plays.parquet")
    with pytest.raises(
        ConfigurationError, match=r"delimiter= is for delimited text.*plays\.parquet"
    ):
        read(tmp_path / "plays.parquet", delimiter=",")
    with pytest.raises(ConfigurationError, match="header= is for delimited text"):
        read(FRAME, header=False)


def test_a_wrong_encoding_names_the_line():
    with pytest.raises(SourceError, match=r"x\.csv, line 2: byte 0xe9 is not utf-8.*'cp1252'"):
        to_utf8(b"a,b\nth\xe9,1\n", name="x.csv", encoding="utf-8")


def test_a_control_character_leaves_no_room_for_a_long_delimiter(write):
    with pytest.raises(SourceError, match="0x1f"):
        read(write("user::item::time\n7::a\x1fb::2024-01-31\n"))


# --- as a whole --------------------------------------------------------------------------------

_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8
).filter(lambda text: text.strip() and not text.isspace())
_ROWS = st.lists(
    st.tuples(
        st.integers(-(2**40), 2**40) | st.none(),
        st.just("id ") .flatmap(lambda start: _TEXT.map(lambda text: start + text)),
        st.integers(500_000_000, 2_000_000_000),
        st.integers(-9_999, 9_999).map(lambda cents: cents / 100) | st.none(),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


@given(_ROWS, st.sampled_from([",", ";", "\t", "|"]), st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_table_survives_csv(rows, delimiter, comma, quoted):
    frame = pl.DataFrame(
        rows,
        schema={"user": pl.Int64, "item": pl.String, "time": pl.Int64, "price": pl.Float64},
        orient="row",
    )
    style = "always" if quoted else "necessary"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        frame.write_csv(path, separator=delimiter, decimal_comma=comma, quote_style=style)
        log = read(path, decimal="," if comma else ".", price="price")
    expected = frame.with_columns(pl.col("time").cast(pl.Float64))
    assert_frame_equal(
        log.collect().select(frame.columns), expected, check_dtypes=False, check_exact=False
    )


@given(_ROWS)
@settings(max_examples=20, deadline=None)
def test_every_row_is_accounted_for_and_numbered(rows):
    frame = pl.DataFrame(rows, schema=["user", "item", "time", "price"], orient="row")
    table = read(frame.with_columns(pl.col("user").cast(pl.Int64))).collect()
    assert table["row"].to_list() == list(range(len(rows)))
    assert table["item"].to_list() == frame["item"].to_list()


def test_a_big_file_is_checked_to_its_last_line(write):
    lines = [f"{row % 999},item {row % 77},{1_500_000_000 + row}" for row in range(60_000)]
    text = "user,item,time\n" + "\n".join(lines) + "\n"
    assert read(write(text)).collect().height == 60_000
    with pytest.raises(SourceError, match="line 60002: found 2 fields"):
        read(write(text + "7,tea\n"))


def test_reading_loads_no_heavy_library():
    code = (
        "import sys, regard.data.ingest as i; import polars as pl;"
        "i.read(pl.DataFrame({'user': [1], 'item': [2], 'time': [1e9]}));"
        "print([m for m in ('torch', 'pandas', 'matplotlib', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_real_logs_need_no_help():
    folder = data_folder()
    if folder is None:
        pytest.skip("REGARD_DATA is not set, so the benchmark data cannot be found")
    log = read(folder / "ml-1m.parquet")
    assert isinstance(log, Interactions)
    assert dict(log.roles) == {
        "user": "user_id", "item": "item_id", "time": "timestamp", "value": "rating",
    }  # fmt: skip
    played = read(folder / "ifdb-played.parquet")
    assert dict(played.roles) == {"user": "user_id", "item": "item_id", "time": "timestamp"}


def test_arrow_dictionaries_are_text():
    table = pa.table(
        {"user": [1], "item": pa.array(["a"]).dictionary_encode(), "time": [1_500_000_000]}
    )
    assert read(table).collect()["item"].to_list() == ["a"]


def test_columns_without_names_are_named_by_their_numbers() -> None:
    frame = pd.DataFrame([[1, 2, 1.7e9], [1, 3, 1.7e9 + 9]])
    log = read(frame, user=0, item=1, time=2)
    assert log.collect()["item"].to_list() == [2, 3]


def test_wide_whole_numbers_are_exact_ids() -> None:
    ids = [10**16 + 1, 10**16 + 2]
    for kind in (pl.Decimal(20, 0), pl.Decimal(22, 2), pl.Int128):
        frame = pl.DataFrame(
            {"user": pl.Series(ids).cast(kind), "item": [1, 2], "time": [1e9, 2e9]}
        )
        assert read(frame).collect()["user"].to_list() == ids
    wide = pl.Series([10**30, 7], dtype=pl.Int128)
    frame = pl.DataFrame({"user": wide, "item": [1, 2], "time": [1e9, 2e9]})
    assert read(frame).collect()["user"].to_list() == [str(10**30), "7"]
    halves = pl.Series(["1.5", "2"]).cast(pl.Decimal(10, 1))
    broken = pl.DataFrame({"user": halves, "item": [1, 2]})
    with pytest.raises(ColumnError, match="1 are fractions"):
        read(broken.with_columns(time=pl.lit(1e9)), user="user")
