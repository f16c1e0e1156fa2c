"""JSON lines, Arrow, folders and patterns: what is read, and each defect's sentence."""

import gzip
import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pyarrow import feather

from regard.data.ingest import read
from regard.data.ingest.columns import as_flat
from regard.data.ingest.jsonlines import open_jsonlines
from regard.errors import ColumnError, ConfigurationError, SourceError

FRAME = pl.DataFrame({
    "user": [7, 8, 8], "item": ["a", "b", "c"], "time": [1_500_000_000, 1_500_000_001, None],
})  # fmt: skip
LINES = "".join(json.dumps(row) + "\n" for row in FRAME.to_dicts())


@pytest.fixture
def write(tmp_path):
    def write(content, name="plays.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def parquet(path, frame=FRAME):
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


# --- JSON lines --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plays.jsonl", "plays.ndjson", "plays.jsonl.gz", "p.NDJSON.GZ"])
def test_json_lines_give_the_log(write, name):
    content = gzip.compress(LINES.encode()) if name.lower().endswith("gz") else LINES
    log = read(write(content, name))
    expected = FRAME.with_columns(pl.col("time").cast(pl.Float64))
    assert_frame_equal(log.collect().select(FRAME.columns), expected)


def test_blank_lines_marks_and_missing_keys_do_no_harm(write):
    log = read(write(b"\xef\xbb\xbf" + LINES.encode() + b'\n{"user": 9, "tag": "x"}\r\n'))
    table = log.collect()
    assert table["user"].to_list() == [7, 8, 8, 9]
    assert table["item"].to_list()[-1] is None
    assert table["tag"].to_list() == [None, None, None, "x"]


def test_a_key_of_the_last_line_is_a_column_too(write):
    lines = '{"user": 1, "item": "a", "time": 1500000000}\n' * 3_000
    log = read(write(lines + '{"user": "x", "item": "a", "time": 1500000000, "late": 2.5}\n'))
    assert log.collect()["late"].to_list()[-1] == 2.5
    assert log.collect()["user"].to_list()[-2:] == ["1", "x"]


def test_nested_values_are_context_as_json_and_no_ids(write):
    path = write(
        '{"user": 1, "item": "a", "time": 1500000000, "tags": ["x", "y"], "at": {"km": 3}}\n'
        '{"user": 2, "item": "b", "time": 1500000000, "tags": null}\n'
    )
    table = read(path).collect()
    assert table["tags"].to_list() == ['["x","y"]', None]
    assert table["at"].to_list() == ['{"km":3}', None]
    with pytest.raises(ColumnError, match=r"'at' holds Struct.*ids must be whole numbers or text"):
        read(path, user="at")


def test_ids_beyond_64_bits_stay_exact(write):
    path = write('{"user": 123456789012345678901234, "item": "a", "time": 1500000000}\n')
    assert read(path).collect()["user"].to_list() == ["123456789012345678901234"]


BROKEN = {
    "open brace": (LINES + '{"user": 9,\n' + LINES, "line 4: this is no JSON .*'{\"user\": 9,'"),
    "cut off": (LINES + '{"user": 9', "line 4: this is no JSON"),
    "two on a line": ('{"user": 1}{"user": 2}\n', r"line 1: this is no JSON \(extra data\)"),
    "NaN": (LINES + '{"user": NaN}\n', "line 4: .*NaN is no value of JSON"),
    "a list": (LINES + "\n[1, 2]\n", "line 5: found a list where an object"),
    "null": ("null\n" + LINES, "line 1: found null where an object"),
    "a document": (json.dumps(FRAME.to_dicts()), "line 1: found a list"),
    "pretty": (json.dumps(FRAME.to_dicts(), indent=1), "line 1: this is no JSON"),
    "mixed nests": ('{"a": [1]}\n\n{"a": {"b": 1}}\n', "line 3: 'a' holds an object, but a list"),
    "mixed truth": ('{"a": 1}\n{"a": true}\n', "line 2: 'a' holds true or false, but a number in"),
    "empty": ("\n \n", "is empty"),
    "no UTF-8": (b'{"user": "th\xe9"}\n', "line 1: byte 0xe9 is not utf-8"),
}  # fmt: skip


@pytest.mark.parametrize("defect", BROKEN)
def test_each_defect_of_json_lines_names_its_line(write, defect):
    content, message = BROKEN[defect]
    with pytest.raises(SourceError, match=message) as refused:
        read(write(content))
    assert "\n" not in str(refused.value)


def test_a_broken_line_far_down_is_found(write):
    lines = '{"user": 1, "item": "a", "time": 1500000000}\n' * 50_000
    with pytest.raises(SourceError, match=r"line 50001: this is no JSON"):
        read(write(lines + '{"user": 1, "item" "a"}\n' + lines))


def test_options_of_json_lines(write):
    path = write('{"user": 1, "item": "thé", "time": 1500000000}\n'.encode("cp1252"))
    assert read(path, encoding="cp1252").collect()["item"].to_list() == ["thé"]
    with pytest.raises(ConfigurationError, match="delimiter= is for delimited text"):
        read(path, delimiter=",")


_VALUES = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))


@given(st.lists(st.fixed_dictionaries({"a": _VALUES, "b": st.none() | st.text()}), min_size=1))
def test_values_survive_json_lines(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert open_jsonlines(path).frame.to_dicts() == rows


@given(st.lists(st.none() | st.lists(st.integers(0, 9) | st.none(), max_size=3), max_size=5))
def test_nested_values_as_json_are_those_values(rows):
    made = as_flat(pl.Series("x", rows, dtype=pl.List(pl.Int64))).to_list()
    assert [None if text is None else json.loads(text) for text in made] == rows


# --- Arrow -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plays.arrow", "plays.feather", "plays.ipc"])
@pytest.mark.parametrize("stream", [False, True])
def test_arrow_in_both_forms(tmp_path, name, stream):
    path = tmp_path / name
    maker = pa.ipc.new_stream if stream else pa.ipc.new_file
    with maker(path, FRAME.to_arrow().schema) as writer:
        writer.write_table(FRAME.to_arrow())
    assert read(path).collect()["item"].to_list() == ["a", "b", "c"]


def test_feather_of_pandas(tmp_path):
    pd.DataFrame(FRAME.to_dict(as_series=False)).to_feather(tmp_path / "plays.feather")
    assert read(tmp_path / "plays.feather").collect()["user"].to_list() == [7, 8, 8]


def test_arrow_that_cannot_be_read(tmp_path, write):
    path = tmp_path / "plays.arrow"
    FRAME.write_ipc(path)
    whole = path.read_bytes()
    for content in (whole[:-9], whole[:6], whole[:60]):
        with pytest.raises(SourceError, match=r"plays\.arrow cannot be read as Arrow") as refused:
            read(write(content, "plays.arrow"))
        assert "\n" not in str(refused.value)
    with pytest.raises(SourceError, match="cannot be read as Arrow"):
        read(write("user,item", "plays.arrow"))
    with pytest.raises(SourceError, match="is empty"):
        read(write("", "plays.arrow"))
    FRAME.write_ipc_stream(path)
    with pytest.raises(SourceError, match="is cut off"):
        read(write(path.read_bytes()[:-8], "plays.arrow"))


@pytest.mark.filterwarnings("ignore:Feather V1:DeprecationWarning")
def test_feather_of_the_first_version_is_named(tmp_path):
    feather.write_feather(FRAME.to_arrow(), str(tmp_path / "plays.feather"), version=1)
    with pytest.raises(SourceError, match="Feather of version 1"):
        read(tmp_path / "plays.feather")


# --- folders and patterns ----------------------------------------------------------------------


def test_partitions_become_columns(tmp_path):
    for year, month in ((2024, 2), (2023, 12)):
        parquet(tmp_path / "log" / f"year={year}" / f"month={month}" / "part-0.parquet")
    log = read(tmp_path / "log")
    table = log.collect()
    assert table["year"].to_list() == [2023] * 3 + [2024] * 3
    assert table["month"].to_list() == [12] * 3 + [2] * 3
    assert "2 files are read in the order of their paths." in log.notes
    assert "The names of folders give the column 'year'." in log.notes
    pattern = read(tmp_path / "log" / "year=2024" / "*" / "*.parquet")
    assert pattern.collect()["year"].to_list() == [2024] * 3
    assert read(str(tmp_path / "log" / "year=*")).collect().height == 6
    assert read(tmp_path / "log" / "year=2024").collect()["year"].to_list() == [2024] * 3


def test_a_folder_as_polars_and_arrow_write_it(tmp_path):
    frame = FRAME.with_columns(shop=pl.Series(["x y", "ü/1", None]))
    frame.write_parquet(tmp_path / "log", partition_by="shop")
    (tmp_path / "log" / "_SUCCESS").write_text("")
    table = read(tmp_path / "log").collect().sort("item")
    assert table["shop"].to_list() == ["x y", "ü/1", None]


def test_names_of_folders_are_read_as_hive_writes_them(tmp_path):
    for name in ("shop%20name=x%2Fy", "shop%20name=__HIVE_DEFAULT_PARTITION__", "shop%20name=07"):
        parquet(tmp_path / "log" / name / "a.parquet", FRAME[:1])
    table = read(tmp_path / "log").collect()
    assert sorted(table["shop name"].to_list(), key=str) == ["07", None, "x/y"]


def test_parts_without_rows_and_of_other_widths_are_welcome(tmp_path):
    parquet(tmp_path / "a.parquet", FRAME.clear())
    parquet(tmp_path / "b.parquet", FRAME.with_columns(pl.col("user").cast(pl.Int16)))
    parquet(tmp_path / "c.parquet", FRAME.select("time", "item", "user"))
    assert read(tmp_path).collect()["user"].to_list() == [7, 8, 8] * 2
    with pytest.raises(SourceError, match="no rows"):
        read(tmp_path / "a*.parquet")


def test_a_column_of_the_file_is_stronger_than_a_folder_of_its_name(tmp_path):
    parquet(tmp_path / "item=z" / "a.parquet")
    assert read(tmp_path).collect()["item"].to_list() == ["a", "b", "c"]


def test_patterns_of_text_and_of_json(tmp_path, write):
    write("user;item;time;price\n7;a;2024-01-31;2\n", "text/day=1/a.csv")
    write("user;item;time;price\n8;b;2024-01-31;3,55\n", "text/day=2/b.csv")
    log = read(tmp_path / "text" / "*" / "*.csv")
    assert log.collect()["price"].to_list() == [2.0, 3.55]
    assert log.collect()["day"].to_list() == [1, 2]
    write(LINES, "json/a.jsonl")
    write(gzip.compress(LINES.encode()), "json/b.jsonl.gz")
    assert read(tmp_path / "json").collect().height == 6
    FRAME.write_ipc(tmp_path / "one.arrow")
    assert read(tmp_path / "*.arrow").collect().height == 3


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path):
    parquet(tmp_path / "log[1].parquet")
    assert read(tmp_path / "log[1].parquet").collect().height == 3


def test_other_files_in_a_folder_are_passed_over_and_counted(tmp_path, write):
    parquet(tmp_path / "a.parquet")
    write("hello", "README.md")
    write("hidden", ".hidden/a.csv")
    assert any("1 file is passed over" in note for note in read(tmp_path).notes)


def test_a_truncated_part_is_named_and_nothing_is_read(tmp_path):
    parquet(tmp_path / "a.parquet")
    cut = parquet(tmp_path / "b.parquet")
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"b\.parquet cannot be read as Parquet") as refused:
        read(tmp_path)
    assert "\n" not in str(refused.value)


def test_folders_that_cannot_be_one_table(tmp_path, write):
    with pytest.raises(SourceError, match="holds no file of a known format"):
        read(tmp_path)
    with pytest.raises(SourceError, match="matches no file"):
        read(tmp_path / "*.parquet")
    parquet(tmp_path / "a" / "a.parquet")
    write("user,item,time\n", "a/b.csv")
    with pytest.raises(SourceError, match=r"more than one format: a\.parquet is Parquet, b\.csv"):
        read(tmp_path / "a")
    parquet(tmp_path / "b" / "a.parquet")
    parquet(tmp_path / "b" / "b.parquet", FRAME.drop("item"))
    with pytest.raises(SourceError, match=r"a\.parquet has a column 'item', which .*b\.parquet la"):
        read(tmp_path / "b")
    parquet(tmp_path / "c" / "a.parquet")
    parquet(tmp_path / "c" / "b.parquet", FRAME.with_columns(item=pl.Series([[1], [2], [3]])))
    with pytest.raises(SourceError, match=r"'item' holds String in .*List.* in .*b\.parquet"):
        read(tmp_path / "c")
    parquet(tmp_path / "d" / "year=1" / "a.parquet")
    parquet(tmp_path / "d" / "b.parquet")
    with pytest.raises(SourceError, match="lie equally deep"):
        read(tmp_path / "d")
    write("user_id:token\n1\n", "e/a.inter")
    with pytest.raises(SourceError, match=r"takes in .*a\.inter.*Name one file"):
        read(tmp_path / "e")
    with pytest.raises(ConfigurationError, match="header= is for delimited text"):
        read(tmp_path / "a" / "*.parquet", header=True)
