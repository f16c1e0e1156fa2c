"""Small logs in the exact form in which their publishers hand them out."""

import gzip
import io
import zipfile
from collections.abc import Mapping


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of some files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


RATINGS = ((1, 50, 5), (1, 73, 3), (2, 50, 4), (2, 1, 1), (3, 73, 2), (3, 1, 5))
"""User, film, stars; one a day from 1997-12-04 in the order of the file."""
START = 881_250_949
FILMS_100K = (
    (
        "1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Toy%20Story%20(1995)|"
        "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"
    ),
    (
        "50|Star Wars (1977)|01-Jan-1977||http://us.imdb.com/M/title-exact?Star%20Wars%20(1977)|"
        "0|1|1|0|0|0|0|0|0|0|0|0|0|0|1|1|0|1|0"
    ),
    (
        "73|Mis\u00e9rables, Les (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Miserables|"
        "0|0|0|0|0|0|0|0|1|0|0|0|1|0|0|0|0|0|0"
    ),
    "267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0",
)
PEOPLE_100K = ("1|31|M|writer|12345", "2|52|F|other|54321", "3|20|M|student|T1A1A")


def times() -> list[int]:
    return [START + 86_400 * day for day in range(len(RATINGS))]


def ml_100k() -> bytes:
    """u.data in tabs; u.item and u.user in bars, Latin-1, no header, in a folder of their name."""
    rows = zip(RATINGS, times(), strict=True)
    data = "".join(f"{u}\t{i}\t{stars}\t{at}\n" for (u, i, stars), at in rows)
    return zipped({
        "ml-100k/README": b"terms",
        "ml-100k/u.data": data.encode(),
        "ml-100k/u.item": ("\n".join(FILMS_100K) + "\n").encode("latin-1"),
        "ml-100k/u.user": ("\n".join(PEOPLE_100K) + "\n").encode("latin-1"),
    })  # fmt: skip


def ml_1m() -> bytes:
    """Fields between double colons, Latin-1, no header."""
    rows = zip(RATINGS, times(), strict=True)
    films = (
        "1::Toy Story (1995)::Animation|Children's|Comedy\n50::Star Wars (1977)::Action\n"
        "73::Mis\u00e9rables, Les (1995)::Drama|Musical\n"
    )
    return zipped({
        "ml-1m/ratings.dat": "".join(
            f"{u}::{i}::{stars}::{at}\n" for (u, i, stars), at in rows
        ).encode(),
        "ml-1m/movies.dat": films.encode("latin-1"),
        "ml-1m/users.dat": b"1::F::1::10::12345\n2::M::56::16::54321\n3::M::25::15::11111-1111\n",
        "ml-1m/README": b"terms",
    })  # fmt: skip


def ml_20m() -> bytes:
    """CSV with a header, half stars, UTF-8, quotation marks around titles with commas."""
    rows = zip(RATINGS, times(), strict=True)
    data = "userId,movieId,rating,timestamp\n" + "".join(
        f"{u},{i},{stars - 0.5},{at}\n" for (u, i, stars), at in rows
    )
    films = (
        "movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n50,Star Wars (1977),Action\n"
        '73,"Mis\u00e9rables, Les (1995)",Drama\n'
    )
    return zipped({
        "ml-20m/ratings.csv": data.encode(), "ml-20m/movies.csv": films.encode(),
        "ml-20m/tags.csv": b"userId,movieId,tag,timestamp\n",
    })  # fmt: skip


def amazon() -> bytes:
    """CSV with a header, milliseconds, compressed."""
    rows = zip(RATINGS, times(), strict=True)
    lines = "".join(
        f"AGKHLEW2SOWHNMFQIJGBECAF7IN{u},B081TJ8YS{i},{stars}.0,{at * 1000 + 70}\n"
        for (u, i, stars), at in rows
    )
    return gzip.compress(("user_id,parent_asin,rating,timestamp\n" + lines).encode(), mtime=0)


NEWS = (
    'N1\tsports\tfootball_nfl\tHe said "no\tA quote that never closes.\thttps://a/1\t[]\t[]',
    (
        "N2\tnews\tnewsworld\tRain, again\t\thttps://a/2\t"
        '[{"Label": "Rain", "SurfaceForms": ["Rain"]}]\t[]'
    ),
    "N3\thealth\tmedical\tTea\tAll about tea.\thttps://a/3\t[]\t[]",
)


def mind_train() -> bytes:
    """Five columns without a header; clicks end in -1. The archive has no folder."""
    lines = (
        "1\tU1\t11/11/2019 9:05:58 AM\tN9 N8\tN1-0 N2-1 N3-0",
        "2\tU2\t11/12/2019 6:11:30 PM\t\tN3-1 N1-1",
        "3\tU1\t11/13/2019 12:00:01 AM\tN9 N8 N2\tN1-0",
    )
    return zipped({
        "behaviors.tsv": "\n".join(lines).encode(),
        "news.tsv": ("\n".join(NEWS) + "\n").encode(),
        "entity_embedding.vec": b"Q1\t0.1",
    })  # fmt: skip


def mind_dev() -> bytes:
    """The same in a folder of its own, as some of these archives have it."""
    line = "1\tU1\t11/15/2019 12:28:07 PM\tN9 N8 N2\tN3-1 N2-0\n"
    return zipped({
        "MINDsmall_dev/behaviors.tsv": line.encode(),
        "MINDsmall_dev/news.tsv": (NEWS[2] + "\n").encode(),
        "__MACOSX/behaviors.tsv": b"chaff",
    })  # fmt: skip


PUBLISHED = {
    "ml-100k.zip": ml_100k, "ml-1m.zip": ml_1m, "ml-20m.zip": ml_20m,
    "Video_Games.csv.gz": amazon, "MINDsmall_train.zip": mind_train,
    "MINDsmall_dev.zip": mind_dev,
}  # fmt: skip
"""Name of a file -> what makes it."""
