"""Each public log is read as it is published: every row, its roles, and the tables beside it."""

import zipfile
from pathlib import Path

import polars as pl
import pytest
from loopback import Site
from published_logs import (
    RATINGS,
    amazon,
    mind_dev,
    mind_train,
    ml_1m,
    ml_100k,
    times,
    zipped,
)

import regard
from regard.data.datasets import registry
from regard.errors import ConfigurationError, SourceError
from regard.settings import data_folder

SIZES = {
    "online-retail": 541_909, "ml-100k": 100_000, "ml-1m": 1_000_209, "ml-20m": 20_000_263,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "halves", "columns"),
    [
        ("ml-100k", 0, {"title", "genres", "release_date", "age", "occupation", "zip_code"}),
        ("ml-1m", 0, {"title", "Genres", "Gender", "Age", "Zip-code"}),
        ("ml-20m", 0.5, {"title", "genres"}),
    ],
)
def test_movielens(site: Site, name: str, halves: float, columns: set[str]) -> None:
    log = regard.datasets.load(name)
    table = log.collect()
    assert table.select("user", "item", "value").rows() == [
        (user, item, stars - halves) for user, item, stars in RATINGS
    ]
    assert table["time"].to_list() == times()
    assert columns <= set(table.columns)
    assert table["title"][1] == "Misérables, Les (1995)"
    assert log.source == f"dataset:{name}"
    assert any("md5" in note for note in log.notes)
    kept, report = regard.clean(log)
    assert report.rows_kept == kept.collect().height == len(RATINGS)


def test_the_flags_of_100k_become_genres(site: Site) -> None:
    table = regard.datasets.load("ml-100k").collect()
    genres = dict(table.select("item", "genres").rows())
    assert genres == {
        50: "Action|Adventure|Romance|Sci-Fi|War", 73: "Drama|Musical",
        1: "Animation|Children's|Comedy",
    }  # fmt: skip


def test_amazon(site: Site) -> None:
    log = regard.datasets.load("amazon-2023-video-games")
    table = log.collect()
    assert dict(log.roles)["item"] == "parent_asin"
    assert table["item"].to_list() == [f"B081TJ8YS{item}" for _, item, _ in RATINGS]
    assert table["value"].to_list() == [float(stars) for *_, stars in RATINGS]
    assert table["time"].to_list() == pytest.approx([at + 0.07 for at in times()])
    assert regard.datasets.path("amazon-2023-video-games").name == "Video_Games.csv.gz"


def test_mind_takes_clicks_and_nothing_else(site: Site) -> None:
    log = regard.datasets.load("mind-small")
    table = log.collect()
    assert table.select("user", "item", "part", "impression_id").rows() == [
        ("U1", "N2", "train", 1), ("U2", "N3", "train", 2), ("U2", "N1", "train", 2),
        ("U1", "N3", "dev", 1),
    ]  # fmt: skip
    moments = pl.from_epoch(table["time"].cast(pl.Int64)).dt.to_string().to_list()
    assert moments[0].startswith("2019-11-11 09:05:58")
    assert moments[1].startswith("2019-11-12 18:11:30")
    assert moments[3].startswith("2019-11-15 12:28:07")
    assert table["title"].to_list() == ["Rain, again", "Tea", 'He said "no', "Tea"]
    assert table["category"].to_list() == ["news", "health", "sports", "health"]
    assert not {"title_entities", "abstract_entities"} & set(table.columns)
    assert any("clicked" in note for note in log.notes)


def test_tables_beside_a_log_may_be_left_out(site: Site) -> None:
    bare = regard.datasets.load("ml-100k", items=False, users=False)
    assert bare.columns() == ["user", "item", "time", "row", "value"]
    films = regard.datasets.load("ml-100k", users=False).columns()
    assert "title" in films
    assert "age" not in films


def test_read_takes_the_address(site: Site) -> None:
    by_name = regard.datasets.load("ml-1m").collect()
    assert regard.read("dataset:ml-1m").collect().equals(by_name)
    with pytest.raises(ConfigurationError, match=r"delimiter= is for .* for dataset:ml-1m"):
        regard.read("dataset:ml-1m", delimiter=";")
    with pytest.raises(ConfigurationError, match=r"query= is for a database"):
        regard.read("dataset:ml-1m", query="select 1")


def test_the_raw_files_are_where_path_says(site: Site, cache: Path) -> None:
    folder = regard.datasets.path("ml-1m")
    assert folder.parent == cache / "ml-1m"
    wanted = {"ratings.dat", "movies.dat", "users.dat", "README"}
    assert {file.name for file in folder.iterdir()} == wanted
    mind = regard.datasets.path("mind-small")
    assert (mind / "train" / "behaviors.tsv").is_file()
    assert (mind / "dev" / "news.tsv").is_file()
    assert regard.datasets.path("online-retail").is_file()


def test_online_retail_knows_its_clock() -> None:
    log = regard.datasets.load("online-retail")
    by_hand = regard.read(regard.datasets.online_retail(), timezone="Europe/London")
    assert log.collect()["time"].equals(by_hand.collect()["time"])
    with pytest.raises(ConfigurationError, match="comes with the package"):
        regard.datasets.load("online-retail", path="copy.parquet")


@pytest.mark.parametrize("form", ["archive", "folder of it", "unpacked", "above it"])
def test_a_copy_in_any_form(tmp_path: Path, cache: Path, form: str) -> None:
    archive = tmp_path / "in" / "ml-100k.zip"
    archive.parent.mkdir()
    archive.write_bytes(ml_100k())
    if form in {"unpacked", "above it"}:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(tmp_path / "out")
    above = tmp_path / "out"
    path = {
        "archive": archive, "folder of it": archive.parent, "unpacked": above / "ml-100k",
        "above it": above,
    }[form]  # fmt: skip
    log = regard.datasets.load("ml-100k", path=path)
    assert log.collect()["title"][0] == "Star Wars (1977)"
    assert log.source == f"dataset:ml-100k@{path}"
    assert regard.read(f"dataset:ml-100k@{path}").collect().equals(log.collect())
    told = "read as they are" if form in {"unpacked", "above it"} else "does not have the md5"
    assert any(told in note for note in log.notes)


def test_a_copy_with_the_published_checksum_is_told(site: Site, tmp_path: Path) -> None:
    copy = tmp_path / "ml-1m.zip"
    copy.write_bytes(ml_1m())
    log = regard.datasets.load("ml-1m", path=copy)
    assert any("has the md5 that its publisher states" in note for note in log.notes)
    assert site.asked == []


def test_a_copy_of_amazon_may_be_plain_or_compressed(tmp_path: Path, cache: Path) -> None:
    import gzip

    for name, content in {
        "Video_Games.csv.gz": amazon(), "v.csv": gzip.decompress(amazon()),
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
        log = regard.datasets.load("amazon-2023-video-games", path=tmp_path / name)
        assert log.collect().height == len(RATINGS)
    assert not cache.exists()


def test_a_copy_of_mind_is_a_folder(tmp_path: Path, cache: Path) -> None:
    for name, content in {"train": mind_train(), "dev": mind_dev()}.items():
        (tmp_path / f"MINDsmall_{name}.zip").write_bytes(content)
    assert regard.datasets.load("mind-small", path=tmp_path).collect().height == 4
    with pytest.raises(SourceError, match=r"is one file.*MINDsmall_train.zip and MINDsmall_dev"):
        regard.datasets.load("mind-small", path=tmp_path / "MINDsmall_train.zip")


def test_a_copy_that_is_none_is_refused(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(SourceError, match=r"does not exist. Give a copy of ml-1m.zip"):
        regard.datasets.load("ml-1m", path=tmp_path / "ml-1m.zip")
    with pytest.raises(SourceError, match=r"holds no ratings.dat. Give ml-1m.zip itself"):
        regard.datasets.load("ml-1m", path=tmp_path)
    with pytest.raises(SourceError, match=r"holds no Video_Games.csv.gz"):
        regard.datasets.load("amazon-2023-video-games", path=tmp_path)
    other = tmp_path / "ml-1m.zip"
    other.write_bytes(ml_100k())
    with pytest.raises(SourceError, match=r"holds no ratings.dat, so it is another archive"):
        regard.datasets.load("ml-1m", path=other)


def test_tables_may_be_missing_from_a_copy(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "u.data").write_text("1\t50\t5\t881250949\n2\t50\t4\t881250950\n")
    log = regard.datasets.load("ml-100k", path=tmp_path)
    assert log.columns() == ["user", "item", "time", "row", "value"]
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,50,5.0,881250949\n2,50,4.0,881250950\n"
    )
    assert "title" not in regard.datasets.load("ml-20m", path=tmp_path).columns()
    for part in ("train", "dev"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "behaviors.tsv").write_text("1\tU1\t11/11/2019 9:05:58 AM\t\tN1-1\n")
    assert "title" not in regard.datasets.load("mind-small", path=tmp_path).columns()


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        (
            "ml-100k",
            "u.data",
            "1\tfifty\t5\t881250949\n",
            "u.data cannot be read as user_id, item_id",
        ),
        ("ml-20m", "ratings.csv", "user,movie\n1,2\n", "begins with 'user,movie', where 'userId,"),
        ("ml-20m", "ratings.csv", "", "cannot be read as userId"),
        ("mind-small", "train/behaviors.tsv", "1\tU1\tnoon\t\tN1-1\n", "line 1: 'noon' is no time"),
    ],
)
def test_other_forms_are_refused(
    tmp_path: Path, cache: Path, name: str, file: str, text: str, message: str
) -> None:
    for each in (file, "dev/behaviors.tsv"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_text(text)
    with pytest.raises(SourceError, match=message):
        regard.datasets.load(name, path=tmp_path)


def test_what_is_known_is_whole() -> None:
    table = regard.datasets.table()
    assert table["name"].to_list() == list(regard.datasets.names())
    assert table["name"].n_unique() == table.height == 33
    for known in registry.KNOWN.values():
        assert known.page.startswith("https://")
        assert len(known.terms) > 40
        assert len(known.citation) > 40
        assert known.unpacked or not any(each.members for each in known.files)
        assert all(each.url.startswith("https://") for each in known.files)
    rows = dict(table.select("name", "rows").rows())
    assert {name: rows[name] for name in SIZES} == SIZES
    checksums = {name: registry.KNOWN[name].files[0].md5 for name in ("ml-100k", "ml-1m", "ml-20m")}
    assert checksums == {
        "ml-100k": "0e33842e24a9c977be4e0107933c0723",
        "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
        "ml-20m": "cd245b17a1ae2cc31bb14903e1204af3",
    }
    assert registry.KNOWN["mind-small"].size == 52_953_372 + 30_946_172
    assert registry.KNOWN["amazon-2023-books"].size is None


def test_a_name_that_is_not_known_brings_a_hint() -> None:
    with pytest.raises(ConfigurationError, match=r"No dataset is called 'ml_1M'.*mean 'ml-1m'\?"):
        regard.datasets.load("ml_1M")
    with pytest.raises(ConfigurationError, match=r"`regard datasets` lists all\.$"):
        regard.read("dataset:zzz")


def test_the_whole_of_100k_in_its_published_form(tmp_path: Path, cache: Path) -> None:
    folder = data_folder()
    if folder is None:
        pytest.skip("REGARD_DATA does not name a folder with the benchmark data")
    ratings = pl.read_parquet(folder / "ml-100k.parquet")
    archive = tmp_path / "ml-100k.zip"
    archive.write_bytes(zipped({
        "ml-100k/u.data": ratings.write_csv(separator="\t", include_header=False).encode(),
    }))  # fmt: skip
    table = regard.datasets.load("ml-100k", path=archive).collect()
    assert table.height == registry.dataset("ml-100k").rows
    assert (
        table.select("user", "item", "value").rows()
        == ratings.select("user_id", "item_id", "rating").rows()
    )
