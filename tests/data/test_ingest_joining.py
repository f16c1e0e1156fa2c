"""RecBole's and MovieLens' files, and tables of items and users that join a log by id."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.ingest import read
from regard.data.ingest.joining import known_of
from regard.data.ingest.table import Table
from regard.errors import ColumnError, ConfigurationError, SourceError

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
LOG = pl.DataFrame({"who": [1, 2, 2, None], "movieId": [7, 8, 7, 9], "time": [1e9, 2e9, 3e9, 4e9]})
BY = {"user": "who", "item": "movieId"}


@pytest.fixture
def ml(tmp_path):
    """The three atomic files, with a row in each that shows something."""
    (tmp_path / "ml.inter").write_text(
        INTER + "196\t242\t3\t881250949\n186\t302\t3.5\t891717742\n196\t302\t\t881250949\n"
    )
    (tmp_path / "ml.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "242\tKolya\t1996\tComedy\n1\tToy Story\t1995\tAnimation Children's Comedy\n"
    )
    (tmp_path / "ml.user").write_text(
        "user_id:token\tage:token\tzip_code:token\n196\t49\t00501\n186\t\t55417\n"
    )
    return tmp_path


@pytest.fixture
def dat(tmp_path):
    (tmp_path / "ratings.dat").write_text(
        "1::1193::5::978300760\n1::73::3::978302109\n2::73::4.5::978302109\n"
    )
    (tmp_path / "movies.dat").write_bytes(
        "73::Misérables, Les (1995)::Drama|Musical\n1193::Cuckoo's Nest (1975)::Drama\n".encode(
            "latin-1"
        )
    )
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072-1234\n")
    return tmp_path


# --- RecBole -----------------------------------------------------------------------------------


def test_roles_come_from_the_names_of_an_atomic_file(ml):
    log = read(ml / "ml.inter", items=False, users=False)
    assert dict(log.roles) == {
        "user": "user_id", "item": "item_id", "time": "timestamp", "value": "rating",
    }  # fmt: skip
    table = log.collect()
    assert table["user"].to_list() == [196, 186, 196]
    assert table["value"].to_list() == [3.0, 3.5, None]
    assert table.columns == ["user", "item", "time", "row", "value"]
    assert any("RecBole" in note for note in log.notes)


def test_items_and_users_beside_an_atomic_file_are_joined(ml):
    log = read(ml / "ml.inter")
    table = log.collect()
    assert table["title"].to_list() == ["Kolya", None, None]
    assert table["class"].to_list() == ["Comedy", None, None]
    assert table["release_year"].to_list() == [1996, None, None]
    assert table["zip_code"].to_list() == ["00501", "55417", "00501"]
    assert log.roles["title"] == "movie_title"
    notes = " ".join(log.notes)
    assert "1 of the 2 items of" in notes
    assert "says nothing about 1 of the 2 items" in notes


def test_a_table_beside_is_replaced_by_one_that_is_asked_for(ml):
    other = pl.DataFrame({"item_id": [302], "title": ["L.A. Confidential"]})
    table = read(ml / "ml.inter", items=other, users=False).collect()
    assert table["title"].to_list() == [None, "L.A. Confidential", "L.A. Confidential"]
    assert "age" not in table.columns


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("user\titem\ttime\n1\t2\t3\n", SourceError, "header says 'user', where name:type"),
        ("user:token\titem:word\n1\t2\n", SourceError, "'item:word'.*token_seq"),
        ("a:token\ta:float\n1\t2\n", ColumnError, "two columns of one name"),
        (INTER + "1\t2\tgood\t9e8\n", ColumnError, "'rating' is of type float, .*row 0.*'good'"),
        (INTER + "1\t2\t3\n", SourceError, "line 2: found 3 fields"),
        (INTER, SourceError, "no rows"),
        ("", SourceError, "is empty"),
    ],
)
def test_atomic_files_that_are_none(tmp_path, text, error, message):
    (tmp_path / "x.inter").write_text(text)
    with pytest.raises(error, match=message) as refused:
        read(tmp_path / "x.inter")
    assert "\n" not in str(refused.value)


def test_atomic_files_take_a_delimiter_and_no_header_option(tmp_path):
    text = INTER.replace("\t", ";") + "1;2;3,5;9e8\n"
    (tmp_path / "x.inter").write_text(text)
    log = read(tmp_path / "x.inter", delimiter=";", decimal=",")
    assert log.collect()["value"].to_list() == [3.5]
    with pytest.raises(ConfigurationError, match="header= is for delimited"):
        read(tmp_path / "x.inter", header=False)


# --- MovieLens ---------------------------------------------------------------------------------


def test_movielens_needs_no_options(dat):
    log = read(dat / "ratings.dat")
    assert dict(log.roles) == {
        "user": "UserID", "item": "MovieID", "time": "Timestamp", "value": "Rating",
        "title": "Title",
    }  # fmt: skip
    table = log.collect()
    assert table["title"].to_list()[1:] == ["Misérables, Les (1995)"] * 2
    assert table["Genres"].to_list() == ["Drama", "Drama|Musical", "Drama|Musical"]
    assert table["Zip-code"].to_list() == ["48067", "48067", "70072-1234"]
    assert table["value"].to_list() == [5.0, 3.0, 4.5]


def test_movielens_without_its_other_files(dat):
    for name in ("movies.dat", "users.dat"):
        (dat / name).write_text("something else\n")
    assert "title" not in read(dat / "ratings.dat").columns()
    (dat / "movies.dat").unlink()
    assert read(dat / "ratings.dat").collect().height == 3


def test_other_dat_files_are_not_taken_for_movielens(tmp_path):
    path = tmp_path / "ratings.dat"
    path.write_text("user::item::rating::time\n1::1193::5::978300760\n")
    assert read(path).roles["user"] == "user"
    path.write_text("1::1193::17::978300760\n1::2::3::978300760\n")
    with pytest.raises(ColumnError, match="column_1"):
        read(path)


def test_a_broken_table_of_movies_is_named(dat):
    (dat / "movies.dat").write_text("73::Heat (1995)::Drama\n74::Gone\n")
    with pytest.raises(SourceError, match=r"movies\.dat, line 2: found 2 fields"):
        read(dat / "ratings.dat")


# --- tables of items and users -----------------------------------------------------------------


def test_a_table_of_items_from_a_file_gives_titles_and_context(tmp_path):
    path = tmp_path / "movies.csv"
    path.write_text("movieId,title,genres,time\n8,Heat,Crime,170\n7,Toy Story,Animation,81\n")
    log = read(LOG, **BY, items=path)
    table = log.collect()
    assert table["title"].to_list() == ["Toy Story", "Heat", "Toy Story", None]
    assert table["genres"].to_list() == ["Animation", "Crime", "Animation", None]
    assert table["time_"].to_list() == [81, 170, 81, None]
    assert f"Items are joined with {path} by 'movieId'." in log.notes


def test_a_title_of_the_log_keeps_its_role():
    log = LOG.with_columns(title=pl.Series(["a", "b", "a", "c"]))
    items = pl.DataFrame({"movieId": [7], "title": ["Toy Story"]})
    table = read(log, **BY, items=items).collect()
    assert table["title"].to_list() == ["a", "b", "a", "c"]
    assert table["title_"].to_list() == ["Toy Story", None, "Toy Story", None]


def test_users_join_and_missing_users_know_nothing():
    users = pl.DataFrame({"user_id": [2, 1], "age": [30, None], "movieId": [5, 6]})
    table = read(LOG, **BY, users=users).collect()
    assert table["age"].to_list() == [None, 30, 30, None]
    assert table["movieId"].to_list() == [6, 5, 5, None]


def test_names_of_both_tables_stay_apart():
    items = pl.DataFrame({"movieId": [7], "genre": ["x"]})
    users = pl.DataFrame({"who": [1], "genre": ["y"]})
    table = read(LOG, **BY, items=items, users=users).collect()
    assert table.columns[-2:] == ["genre", "genre_"]
    assert table.row(0)[-2:] == ("x", "y")


def test_defects_of_a_table_are_counted():
    items = pl.DataFrame({"movieId": ["7", "7", None, "100", "007", " "], "genre": list("abcdef")})
    log = read(LOG, **BY, items=items)
    assert log.collect()["genre"].to_list() == ["a", None, "a", None]
    notes = " ".join(log.notes)
    assert "2 rows have no id in a polars frame and count for nothing." in notes
    assert "1 row of a polars frame repeats an id; the first of each counts." in notes
    assert "2 of the 3 items of a polars frame are not in the log and stay out." in notes
    assert "says nothing about 2 of the 3 items" in notes


def test_ids_that_are_spelled_otherwise_are_others():
    items = pl.DataFrame({"movieId": ["007", "8", "9.0"], "genre": ["a", "b", "c"]})
    assert read(LOG, **BY, items=items).collect()["genre"].to_list() == [None, "b", None, None]
    log = LOG.with_columns(pl.col("movieId").cast(pl.String))
    numbered = pl.DataFrame({"movieId": [7, 8], "genre": ["a", "b"]})
    table = read(log, **BY, items=numbered).collect()
    assert table["genre"].to_list() == ["a", "b", "a", None]


def test_tables_that_cannot_join():
    with pytest.raises(ColumnError, match=r"None of the items in column 'movieId'.*'x'.*7"):
        read(LOG, **BY, items=pl.DataFrame({"movieId": ["x"], "genre": ["a"]}))
    with pytest.raises(
        ColumnError, match=r"looks like the item.*'key', 'genre'.*Call it 'movieId'"
    ):
        read(LOG, **BY, items=pl.DataFrame({"key": [7], "genre": ["a"]}))
    with pytest.raises(SourceError, match="does not exist"):
        read(LOG, **BY, users="nobody.csv")
    with pytest.raises(ColumnError, match="ids must be whole numbers"):
        read(LOG, **BY, items=pl.DataFrame({"movieId": [[7]], "genre": ["a"]}))


@given(
    st.lists(st.integers(0, 9) | st.none(), min_size=1, max_size=20),
    st.dictionaries(st.integers(0, 12), st.text("abc", max_size=2), min_size=1),
)
def test_a_join_is_a_lookup(ids, known):
    table = Table(pl.DataFrame({"item": list(known), "tag": list(known.values())}), "tags")
    series = pl.Series("item", ids, dtype=pl.Int64)
    if not set(ids) & set(known):
        with pytest.raises(ColumnError, match="None of the items"):
            known_of(series, table, role="item", column="item")
        return
    found = known_of(series, table, role="item", column="item").columns[0]
    assert found.to_list() == [known.get(each) for each in ids]
