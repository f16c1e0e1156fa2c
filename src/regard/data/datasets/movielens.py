"""MovieLens as GroupLens publishes it: ratings of films in three sizes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from regard.data.datasets.contract import Dataset, Published
from regard.data.datasets.typed import read_typed
from regard.data.ingest.files import TextForm, open_file
from regard.data.ingest.table import Table
from regard.schema import ITEM, USER

_LICENCE: Final = "research only, no redistribution"
_TERMS: Final = (
    "GroupLens, University of Minnesota: for research, with the citation below; no redistribution "
    "and no commercial use without permission; no endorsement may be implied. The README beside "
    "the files has the full terms."
)
_CITATION: Final = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5(4), article 19. "
    "https://doi.org/10.1145/2827872"
)
_HOST: Final = "https://files.grouplens.org/datasets/movielens"

_GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_RATINGS: Final = {
    "user_id": pl.Int64, "item_id": pl.Int64, "rating": pl.Int64, "timestamp": pl.Int64,
}  # fmt: skip
_FILMS: Final = {
    "item_id": pl.Int64, "title": pl.String, "release_date": pl.String,
    "video_release_date": pl.String, "imdb_url": pl.String, **dict.fromkeys(_GENRES, pl.Int64),
}  # fmt: skip
_PEOPLE: Final = {
    "user_id": pl.Int64, "age": pl.Int64, "gender": pl.String, "occupation": pl.String,
    "zip_code": pl.String,
}  # fmt: skip
_RATINGS_20M: Final = {
    "userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64, "timestamp": pl.Int64,
}  # fmt: skip


def open_100k(raw: Mapping[str, Path]) -> Table:
    r"""Read MovieLens 100K: `u.data`, and beside it `u.item` and `u.user`, both Latin-1.

    The 19 flags of a film's genres become one column, `genres`, spelled as in MovieLens 1M.

    Args:
        raw: the files by name; only `u.data` must be there.

    Returns:
        The log with the tables of items and users beside it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "u.data"
        >>> _ = path.write_text("7\t1\t5\t880000000\n")
        >>> open_100k({"u.data": path}).frame.row(0, named=True)
        {'user_id': 7, 'item_id': 1, 'rating': 5, 'timestamp': 880000000}
    """
    beside: dict[str, Path | Table] = {}
    if "u.item" in raw:
        films = read_typed(raw["u.item"], _FILMS, separator="|", encoding="latin-1")
        flags = [pl.when(pl.col(genre) == 1).then(pl.lit(genre)) for genre in _GENRES]
        genres = pl.concat_str(flags, separator="|", ignore_nulls=True).alias("genres")
        beside[ITEM] = Table(films.with_columns(genres).drop(_GENRES), str(raw["u.item"]))
    if "u.user" in raw:
        people = read_typed(raw["u.user"], _PEOPLE, separator="|", encoding="latin-1")
        beside[USER] = Table(people, str(raw["u.user"]))
    ratings = read_typed(raw["u.data"], _RATINGS, separator="\t")
    return Table(ratings, str(raw["u.data"]), beside=beside)


def open_1m(raw: Mapping[str, Path]) -> Table:
    r"""Read MovieLens 1M: `ratings.dat`, and `movies.dat` and `users.dat` beside it.

    Args:
        raw: the files by name; only `ratings.dat` must be there.

    Returns:
        The log with the tables of items and users beside it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "ratings.dat"
        >>> _ = path.write_text("7::1::5::978300760\n")
        >>> open_1m({"ratings.dat": path}).frame.columns
        ['UserID', 'MovieID', 'Rating', 'Timestamp']
    """
    return open_file(raw["ratings.dat"], TextForm())


def open_20m(raw: Mapping[str, Path]) -> Table:
    r"""Read MovieLens 20M: `ratings.csv`, and `movies.csv` beside it.

    Args:
        raw: the files by name; only `ratings.csv` must be there.

    Returns:
        The log with the table of items beside it; nothing is known of its users.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "ratings.csv"
        >>> _ = path.write_text("userId,movieId,rating,timestamp\n7,1,4.5,1112486027\n")
        >>> open_20m({"ratings.csv": path}).frame.rows()
        [(7, 1, 4.5, 1112486027)]
    """
    beside = {ITEM: raw["movies.csv"]} if "movies.csv" in raw else {}
    ratings = read_typed(raw["ratings.csv"], _RATINGS_20M, header=True)
    return Table(ratings, str(raw["ratings.csv"]), beside=beside)


# The checksums are those that GroupLens puts beside the archives (ml-100k.zip.md5, ...).
DATASETS: Final = (
    Dataset(
        name="ml-100k", title="MovieLens 100K", rows=100_000, licence=_LICENCE, terms=_TERMS,
        page="https://grouplens.org/datasets/movielens/100k/", citation=_CITATION,
        opens=open_100k, unpacked=5_000_000,
        files=(
            Published(
                url=f"{_HOST}/ml-100k.zip", size=4_924_029,
                md5="0e33842e24a9c977be4e0107933c0723",
                members=("u.data", "u.item", "u.user", "README"),
            ),
        ),
    ),
    Dataset(
        name="ml-1m", title="MovieLens 1M", rows=1_000_209, licence=_LICENCE, terms=_TERMS,
        page="https://grouplens.org/datasets/movielens/1m/", citation=_CITATION,
        opens=open_1m, unpacked=30_000_000,
        files=(
            Published(
                url=f"{_HOST}/ml-1m.zip", size=5_917_549,
                md5="c4d9eecfca2ab87c1945afe126590906",
                members=("ratings.dat", "movies.dat", "users.dat", "README"),
            ),
        ),
    ),
    Dataset(
        name="ml-20m", title="MovieLens 20M", rows=20_000_263, licence=_LICENCE, terms=_TERMS,
        page="https://grouplens.org/datasets/movielens/20m/", citation=_CITATION,
        opens=open_20m, unpacked=600_000_000,
        files=(
            Published(
                url=f"{_HOST}/ml-20m.zip", size=198_702_078,
                md5="cd245b17a1ae2cc31bb14903e1204af3",
                members=("ratings.csv", "movies.csv", "README.txt"),
            ),
        ),
    ),
)  # fmt: skip
"""The three sizes."""
