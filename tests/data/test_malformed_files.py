"""Every way a file can be broken: one sentence that names it, nothing half written, or read right.

Each case makes its file, a few of them without a byte of real content: the point is what a person
sees who hands such a file to Regard.
"""

import gzip
import io
import json
import math
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from regard.cli.app import app
from regard.data.clean import clean
from regard.data.ingest import read, sql
from regard.data.ingest.compressed import LONGEST
from regard.errors import DataError, SourceError

Make = Callable[[Path], Path]

HEADER = "user,item,time\n"
FRAME = pl.DataFrame({
    "user": [1, 1, 2, 2] * 50,
    "item": [f"i{row % 7}" for row in range(200)],
    "time": [1_600_000_000 + row for row in range(200)],
})  # fmt: skip
ROWS = FRAME.write_csv(include_header=False)
CSV = HEADER + ROWS
LINES = FRAME.write_ndjson()
NOBODY = 65_534


def file(name: str, content: str | bytes) -> Make:
    """A file of a name and a content."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def folder(**contents: str) -> Make:
    """A folder of files; `a_csv="..."` is the file `a.csv`."""

    def make(there: Path) -> Path:
        for name, content in contents.items():
            file(f"log/{name.replace('_', '.')}", content)(there)
        return there / "log"

    return make


def bytes_of(write: Callable[[Any], object]) -> bytes:
    target = io.BytesIO()
    write(target)
    return target.getvalue()


def turned(raw: bytes, start: int, stop: int) -> bytes:
    """The same bytes with all bits of a stretch turned."""
    return raw[:start] + bytes(byte ^ 0xFF for byte in raw[start:stop]) + raw[stop:]


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("plays.csv", CSV)
    return target.getvalue()


PARQUET = bytes_of(FRAME.write_parquet)
ARROW = bytes_of(FRAME.write_ipc)
PACKED = gzip.compress(CSV.encode())
FOOTER = len(PARQUET) - 8 - int.from_bytes(PARQUET[-8:-4], "little")


def two_gigabytes(there: Path) -> Path:
    """A header, and a line of two gigabytes that takes no room on the disk."""
    path = file("long.csv", HEADER)(there)
    with path.open("ab") as end:
        end.truncate(2 << 30)
    return path


def packed_long_line(there: Path) -> Path:
    """A few hundred kilobytes of gzip that are one line of more than the limit."""
    path = there / "long.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as target:
        target.write(b'{"user": "')
        for _ in range((LONGEST >> 20) + 2):
            target.write(bytes([97]) * (1 << 20))
    return path


def link(target: str) -> Make:
    def make(there: Path) -> Path:
        (there / "link.csv").symlink_to(there / target)
        return there / "link.csv"

    return make


def dangling_part(there: Path) -> Path:
    log = folder(a_csv=CSV)(there)
    (log / "b.csv").symlink_to(there / "gone.csv")
    return log


def pipe(there: Path) -> Path:
    os.mkfifo(there / "pipe.csv")
    return there / "pipe.csv"


REFUSED: dict[str, tuple[Make, str]] = {
    "Parquet cut off": (file("a.parquet", PARQUET[: len(PARQUET) // 2]), "cut off or damaged"),
    "Parquet, footer damaged": (
        file("a.parquet", turned(PARQUET, FOOTER, FOOTER + 60)), "cut off or damaged",
    ),
    "Parquet, length of footer damaged": (
        file("a.parquet", turned(PARQUET, len(PARQUET) - 8, len(PARQUET) - 4)),
        "cut off or damaged",
    ),
    "Parquet, page damaged": (
        file("a.parquet", turned(PARQUET, 20, FOOTER // 2)), "cut off or damaged",
    ),
    "Parquet called CSV": (file("a.csv", PARQUET), "a Parquet file; rename it"),
    "Parquet called Arrow": (file("a.arrow", PARQUET), "a Parquet file; rename it"),
    "Parquet called JSON": (file("a.jsonl", PARQUET), "a Parquet file; rename it"),
    "Parquet called gzip": (file("a.csv.gz", PARQUET), "a Parquet file; rename it"),
    "CSV called Parquet": (file("a.parquet", CSV), "begins like something else. Rename it"),
    "a page of a server": (file("a.parquet", "<!DOCTYPE html>\n<html></html>"), "a web page; down"),
    "a pointer of Git LFS": (
        file("a.parquet", "version https://git-lfs.github.com/spec/v1\n"), "git lfs pull",
    ),
    "an unknown suffix": (file("a.xlsx", zipped()), "says no known format. Known are"),
    "UTF-8, then Latin-1": (
        file("a.csv", CSV.encode() + "3,café,1600000000\n".encode() * 99 + b"3,caf\xe9,1600000\n"),
        r"line 301 holds the byte 0xe9.*Write all of it in one",
    ),
    "Latin-1, then UTF-8": (
        file("a.csv", CSV.encode() + b"3,caf\xe9,16\n" * 9 + "3,café,16\n".encode() * 9),
        "line 202 holds the byte 0xe9",
    ),
    "UTF-16, half a character": (file("a.csv", CSV.encode("utf-16")[:-1]), "line 201: byte"),
    "NUL bytes": (file("a.csv", CSV + "3,a\0\0,1600000000\n"), "control bytes. Give a delimited"),
    "a line of 2 GB": (two_gigabytes, r"more than 64 MiB, from byte 15 on.*Write one row per"),
    "a packed line without end": (packed_long_line, "more than 64 MiB, from byte 0 on"),
    "a name twice": (file("a.csv", "user,item,item,time\n1,a,b,1\n"), "two columns called 'item'"),
    "no header": (file("a.csv", ROWS), r"looks like the user .*user='\.\.\.'"),
    "header only": (file("a.csv", HEADER), "but no rows. Give a table"),
    "empty": (file("a.csv", ""), "is empty. Give a file"),
    "blank lines only": (file("a.csv", "\n\n \n\t\n"), "is empty. Give a file"),
    "comments only": (file("a.csv", "# by hand\n#\n"), "Remove the comments"),
    "comments above": (
        file("a.csv", "# in May, by hand\n" + CSV), r"line 2: .*Remove the comments",
    ),
    "an open quote": (file("a.csv", CSV + '3,"a,1600000000\n'), "line 202: .*never closed"),
    "an open quote, closed by another": (
        file("a.csv", CSV + '3,"a,1600000000\n' + ROWS + '3,"b",1600000000\n'),
        "line 202: .*line 403, does not close it. Close it",
    ),
    "a field too many": (file("a.csv", CSV + "1,a,1,9\n"), "line 202: found 4 fields"),
    "a field too few": (file("a.csv", CSV + "1,a\n"), "line 202: found 2 fields"),
    "a late word among times": (
        file("a.csv", HEADER + "1,a,1600000000\n" * 30_000 + "1,a,soon\n"),
        r"has 1 value that is not a time \(first: row 30000, 'soon'\). Mend",
    ),
    "three styles of dates": (
        file("a.csv", HEADER + "1,a,2024-01-31\n1,b,31/01/2024\n1,c,Jan 31 2024\n"),
        "mixes formats of time .*Write all of them in one format",
    ),
    "two units of times": (
        file("a.csv", HEADER + "1,a,1600000000000\n1,b,1600000001\n"), "mixes units of time",
    ),
    "infinite times": (
        file("a.csv", HEADER + "1,a,inf\n1,b,1600000001\n"), r"1 value that is not a time .*inf\)",
    ),
    "line ends of two kinds": (
        file("a.csv", HEADER + ROWS.replace("\n", "\r") + ROWS), "line 2: found 40. fields",
    ),
    "a carriage return in the header": (
        file("a.csv", "user,\ritem,time\n" + ROWS), r"line 1: a carriage .*'user,.+item,time'",
    ),
    "a carriage return in the first line of data": (
        file("a.csv", "1,a\rb,1600000000\n" + ROWS), "line 1: a carriage return stands inside",
    ),
    "a carriage return in the second line of the header": (
        file("a.csv", '"us\ner",it\rem,time\n' + ROWS), "line 2: a carriage return stands inside",
    ),
    "carriage returns end lines, and a field holds a line feed": (
        file("a.csv", 'user,item,time\r1,"a\nb",1600000000\r'), "line 1: .*write line feeds in",
    ),
    "a name of a column that is too long": (
        file("a.csv", f"user,item,{'x' * 200_000}\n" + ROWS), "line 1: a field cannot be read",
    ),
    "gzip cut off": (file("a.csv.gz", PACKED[:-60]), "cut off or damaged .*Fetch it again"),
    "gzip without its checksum": (file("a.csv.gz", PACKED[:-3]), "cut off or damaged"),
    "gzip damaged": (file("a.csv.gz", turned(PACKED, 90, 99)), "cut off or damaged"),
    "gzip called CSV": (file("a.csv", PACKED), "compressed with gzip; rename it"),
    "CSV called gzip": (file("a.csv.gz", CSV), "not compressed; rename it to end in .csv"),
    "ZIP called CSV": (file("a.csv", zipped()), "a ZIP archive or spreadsheet; extract it"),
    "JSON, a broken line": (file("a.jsonl", LINES + '{"user":\n' + LINES), "line 201: .*no JSON"),
    "JSON, one array": (file("a.jsonl", FRAME.write_json()), "line 1: found a list"),
    "JSON, no keys": (file("a.jsonl", "{}\n{}\n"), "has no columns. Give"),
    "JSON, a number too large": (file("a.jsonl", '{"user": 1e400}\n'), "line 1: .*1e400 is larger"),
    "JSON, too deep": (
        file("a.jsonl", f'{{"x": {"[" * 5000 + "]" * 5000}}}\n'), "line 1: .*too deep.*Flatten",
    ),
    "Arrow cut off": (file("a.arrow", ARROW[: len(ARROW) // 2]), "cut off, damaged or something"),
    "Arrow, footer damaged": (
        file("a.arrow", turned(ARROW, len(ARROW) - 90, len(ARROW) - 40)), "Fetch it or write it",
    ),
    "a folder of two tables": (
        folder(a_csv=CSV, b_csv="user,item,when\n1,a,1600000000\n"),
        "a.csv has a column 'time', which .*b.csv lacks",
    ),
    "a folder with a broken part": (folder(a_csv=CSV, b_csv="\0\1\2"), "b.csv is not text"),
    "a folder without data": (folder(read_me="hello"), "holds no file of a known format. Check"),
    "a folder with a link to nothing": (dangling_part, "b.csv is a link that leads nowhere"),
    "a link to itself": (link("link.csv"), "a link that leads nowhere. Check"),
    "a link to nothing": (link("gone.csv"), "a link that leads nowhere. Check"),
    "a pipe": (pipe, "no file but a pipe or a device. Write"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_told_in_a_sentence_and_leaves_nothing(
    case: str, tmp_path: Path
) -> None:
    make, message = REFUSED[case]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in")
    with pytest.raises(DataError, match=message) as refused:
        read(path)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert path.name in sentence
    assert len(sentence) < 700
    assert sentence.endswith((".", "pull"))
    result = CliRunner().invoke(app, ["clean", str(path), "--out", str(tmp_path / "out.parquet")])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    "case", ["Parquet cut off", "a line of 2 GB", "gzip cut off", "JSON, a broken line", "a pipe"]
)
def test_a_process_ends_with_a_sentence_and_leaves_what_was_there(
    case: str, tmp_path: Path
) -> None:
    make, message = REFUSED[case]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in")
    kept, removed = tmp_path / "out.parquet", tmp_path / "out.quarantine.parquet"
    kept.write_bytes(b"of yesterday")
    removed.write_bytes(b"of yesterday, too")
    words = [sys.executable, "-m", "regard", "clean", str(path), "--out", str(kept)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    with pytest.raises(DataError, match=message):
        raise DataError(done.stderr.replace("--", ""))
    assert (kept.read_bytes(), removed.read_bytes()) == (b"of yesterday", b"of yesterday, too")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_long_line_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Where the line is text, a reader that took it in would need several times two gigabytes."""
    path = two_gigabytes(tmp_path)
    code = (
        "import resource, sys\n"
        "from regard.data.ingest import read\n"
        "from regard.errors import SourceError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    read(sys.argv[1])\n"
        "except SourceError:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 300_000  # kilobytes; the pages that were looked at are among them


# --- what is read, and read right --------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_marks_of_byte_order(tmp_path: Path, encoding: str) -> None:
    table = read(file("a.csv", CSV.encode(encoding))(tmp_path)).collect()
    assert table["user"].to_list() == FRAME["user"].to_list()
    assert table["item"].to_list() == FRAME["item"].to_list()


def test_western_text_with_what_looks_like_a_character_of_utf8(tmp_path: Path) -> None:
    words = ["Spaß« und «Gruß»", "Café", "naïve", "Åse", "Größe", "Jürgen", "Élan", "François"]
    rows = "".join(f"1,{word},1600000000\n" for word in words * 3)
    table = read(file("a.csv", (HEADER + rows).encode("cp1252"))(tmp_path)).collect()
    assert table["item"].to_list() == words * 3


def test_utf8_is_checked_across_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.data.ingest.dialect._PIECE", 7)
    path = file("a.csv", HEADER + "1,😀é€,1600000000\n" * 9)(tmp_path)
    assert set(read(path).collect()["item"].to_list()) == {"😀é€"}
    broken = file("b.csv", path.read_bytes() + b"1,\x80\x80\x80\x80\x80\x80\x80\x80,1\n")(tmp_path)
    with pytest.raises(SourceError, match="line 11 holds the byte 0x80"):
        read(broken)


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_other_line_ends(tmp_path: Path, end: str) -> None:
    path = file("a.csv", CSV.replace("\n", end))(tmp_path)
    assert read(path).collect()["item"].to_list() == FRAME["item"].to_list()


def test_quoted_line_breaks(tmp_path: Path) -> None:
    path = file("a.csv", HEADER + '1,"a\nb\r\nc",1600000000\n')(tmp_path)
    assert read(path).collect()["item"].to_list() == ["a\nb\r\nc"]


def test_many_lines_that_are_long_in_all_are_no_long_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.data.ingest.compressed.LONGEST", 40)
    monkeypatch.setattr("regard.data.ingest.compressed._PIECE", 16)
    for name, content in (("a.csv", CSV), ("b.csv", CSV.replace("\n", "\r"))):
        assert read(file(name, content)(tmp_path)).collect().height == 200
        packed = gzip.compress(content.encode())
        assert read(file(f"{name}.gz", packed)(tmp_path)).collect().height == 200
    for name in ("c.csv", "c.csv.gz"):
        long = (CSV + "1," + "a" * 60 + ",1600000000\n").encode()
        path = file(name, gzip.compress(long) if name.endswith("gz") else long)(tmp_path)
        with pytest.raises(SourceError, match=f"from byte {len(CSV):,} on"):
            read(path)


def test_ids_that_turn_to_text_far_down(tmp_path: Path) -> None:
    path = file("a.csv", HEADER + "1,5,1600000000\n" * 20_000 + "x7,6,1600000000\n")(tmp_path)
    log = read(path)
    assert log.collect()["user"].to_list()[-2:] == ["1", "x7"]
    assert any("1 of 20,001 values of column 'user'" in note for note in log.notes)
    assert any("(first: row 20000, 'x7')" in note for note in log.notes)


def test_ids_of_any_size_and_with_blanks_stay_what_they_are(tmp_path: Path) -> None:
    ids = [str(2**70), str(2**63), str(-(2**63) - 1), "1", "ann", "ann ", " ann", "Ann"]
    rows = "".join(f"{each},a,160000000{n}\n" for n, each in enumerate(ids))
    assert read(file("a.csv", HEADER + rows)(tmp_path)).collect()["user"].to_list() == ids
    lines = "".join(
        json.dumps({"user": 2**70 + n, "item": "a", "time": 1_600_000_000}) + "\n" for n in range(3)
    )
    kept = read(file("a.jsonl", lines)(tmp_path)).collect()["user"].to_list()
    assert kept == [str(2**70 + n) for n in range(3)]


def test_decimal_commas(tmp_path: Path) -> None:
    path = file("a.csv", "user;item;time;price\n1;a;1600000000;2,50\n1;b;1600000000;1.250,75\n")
    assert read(path(tmp_path)).collect()["price"].to_list() == [2.5, 1250.75]


@pytest.mark.parametrize("power", [3, 6, 9])
def test_times_in_small_units(tmp_path: Path, power: int) -> None:
    path = file("a.csv", HEADER + f"1,a,{1_600_000_001 * 10**power}\n")(tmp_path)
    assert read(path).collect()["time"].to_list() == [1_600_000_001.0]


def test_the_ends_of_the_calendar_are_read_and_cleaned_away(tmp_path: Path) -> None:
    days = ("0001-01-01", "9999-12-31", "2024-01-01")
    path = file("a.csv", HEADER + "".join(f"1,a,{day}\n" for day in days))(tmp_path)
    kept, report = clean(read(path))
    assert kept.collect()["row"].to_list() == [2]
    assert {each.rule: each.rows for each in report.removals}["implausible-times"] == 2
    with pytest.raises(DataError, match="'0000-01-01'"):
        read(file("b.csv", HEADER + "1,a,0000-01-01\n1,a,2024-01-01\n")(tmp_path))


def test_nan_is_no_time_but_no_reason_to_stop(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1, 2], "item": ["a", "b"], "time": [math.nan, 1.6e9]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").collect()["time"].to_list() == [None, 1.6e9]


def test_nested_json_and_kinds_that_mix(tmp_path: Path) -> None:
    lines = LINES + '{"user": "bob", "item": "a", "time": 1600000000, "at": {"km": [1]}}\n'
    log = read(file("a.jsonl", lines)(tmp_path))
    assert log.collect().row(-1, named=True)["at"] == '{"km":[1]}'
    assert log.collect()["user"].to_list()[-2:] == ["2", "bob"]
    (noted,) = [note for note in log.notes if "'user' holds numbers" in note]
    assert "in 200 rows (first: row 0, 1) and other values elsewhere" in noted


def test_digits_in_quotation_marks_are_no_mixture(tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({"user": "7", "item": item, "time": 1_600_000_000}) + "\n" for item in "12"
    )
    assert not any("holds numbers" in note for note in read(file("a.jsonl", lines)(tmp_path)).notes)


def test_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    log = folder(a_csv=CSV, read_me="hello")(tmp_path)
    (log / "again").symlink_to(log)
    found = read(log)
    assert found.collect().height == 200
    assert any("1 file is passed over, such as" in note for note in found.notes)


# --- what may not be read, and what goes away meanwhile ------------------------------------------


@contextmanager
def as_nobody(*paths: Path) -> Iterator[None]:
    """A user who may not read these: root may read anything, so it becomes another for a while."""
    for path in paths:
        path.chmod(0)
    root = os.geteuid() == 0
    if root:
        for parent in paths[0].parents[:-2]:
            parent.chmod(parent.stat().st_mode | 0o055)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path in paths:
            path.chmod(0o755)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.arrow", "a.jsonl", "a.dat"])
def test_a_file_that_may_not_be_read(tmp_path: Path, name: str) -> None:
    path = file(name, CSV)(tmp_path)
    with as_nobody(path), pytest.raises(SourceError, match=rf"{name} cannot be read.*denied"):
        read(path)


def test_a_folder_that_may_not_be_looked_into(tmp_path: Path) -> None:
    log = folder(a_csv=CSV)(tmp_path)
    file("log/more/b.csv", CSV)(tmp_path)
    hidden = log / "more"
    with as_nobody(hidden), pytest.raises(SourceError, match=r"more cannot be looked .*denied"):
        read(log)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("create table plays (user, item, time)")
        db.executemany("insert into plays values (?, ?, ?)", FRAME.rows() * 50)
    return path


def test_a_database_that_is_none_or_is_cut_off(shop: Path, tmp_path: Path) -> None:
    half = file("half.db", shop.read_bytes()[: shop.stat().st_size // 2])(tmp_path)
    for path in (half, file("none.db", CSV * 9)(tmp_path)):
        with pytest.raises(SourceError, match=r"(cannot be read|broke off|its table).*\. [A-Z]"):
            read(f"sqlite:///{path}", table="plays")


def test_a_database_that_vanishes_while_it_is_read(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = sql._chunk

    def gone_meanwhile(names: list[str], rows: Any) -> pl.DataFrame:
        os.truncate(shop, 4096)
        return chunk(names, rows)

    monkeypatch.setattr(sql, "CHUNK", 100)
    monkeypatch.setattr(sql, "_chunk", gone_meanwhile)
    with pytest.raises(SourceError, match="broke off while it was read, so nothing is kept") as met:
        read(f"sqlite:///{shop}", table="plays")
    assert str(met.value).endswith("Read it again.")


@pytest.mark.parametrize("place", ["127.0.0.1:1/shop", "/shop?host=/no/such/folder"])
def test_a_server_that_does_not_answer(place: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg, of the extra sql, is not installed")
    with pytest.raises(SourceError, match="cannot be connected to") as refused:
        read(f"postgresql://ann@{place}", table="plays")
    sentence = str(refused.value)
    assert "?." not in sentence
    assert "Is the server running" not in sentence
    assert sentence.endswith("database of the URL.")
