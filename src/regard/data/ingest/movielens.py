"""MovieLens as GroupLens hands it out: `ratings.dat`, `movies.dat` and `users.dat` with `::`."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from regard.data.ingest.delimited import open_delimited
from regard.data.ingest.table import Table
from regard.schema import ITEM, USER

RATINGS: Final = ("UserID", "MovieID", "Rating", "Timestamp")
"""The columns of `ratings.dat`, named as the README of MovieLens-1M names them."""

_FORMS: Final = {
    RATINGS: r"\d+::\d+::(?:[0-4](?:\.[05])?|5(?:\.0)?)::\d{9,10}",
    ("MovieID", "Title", "Genres"): r"\d+::.+ \(\d{4}\)::[^:]+",
    ("UserID", "Gender", "Age", "Occupation", "Zip-code"): r"\d+::[MF]::\d+::\d+::[\w -]+",
}
_BESIDE: Final = {ITEM: "movies.dat", USER: "users.dat"}
_LONGEST: Final = 1_000  # bytes of a first line, which in these files is short


def columns_of(path: Path) -> tuple[str, ...] | None:
    r"""The names of the columns, where a file's first line has one of the forms of MovieLens.

    Args:
        path: an existing file.

    Returns:
        The names, or None for any other file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "ratings.dat"
        >>> _ = path.write_text("1::1193::5::978300760\n")
        >>> columns_of(path)
        ('UserID', 'MovieID', 'Rating', 'Timestamp')
    """
    if path.suffix.lower() != ".dat":
        return None
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST).decode("latin-1").rstrip("\r\n")
    except OSError:  # whoever reads the whole file will say so
        return None
    forms = _FORMS.items()
    return next((names for names, form in forms if re.fullmatch(form, line)), None)


def open_movielens(
    path: Path,
    names: tuple[str, ...],
    *,
    encoding: str | None = None,
    decimal: str | None = None,
) -> Table:
    r"""Read a file of MovieLens; ratings say which tables of movies and users lie beside them.

    Args:
        path: an existing file.
        names: of the columns, as `columns_of` found them.
        encoding: how characters are written; found from the bytes if omitted (the titles of
            MovieLens are Latin-1).
        decimal: the decimal sign.

    Returns:
        The table, every column String.

    Raises:
        SourceError: a line has another number of fields.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "movies.dat"
        >>> _ = path.write_bytes("73::Misérables, Les (1995)::Drama\n".encode("latin-1"))
        >>> open_movielens(path, columns_of(path)).frame["Title"].to_list()
        ['Misérables, Les (1995)']
    """
    table = open_delimited(path, delimiter="::", encoding=encoding, decimal=decimal, header=False)
    frame = table.frame.rename(dict(zip(table.frame.columns, names, strict=True)))
    beside = (
        {role: path.with_name(name) for role, name in _BESIDE.items()} if _is_log(names) else {}
    )
    there = {role: file for role, file in beside.items() if file.is_file() and columns_of(file)}
    note = f"The lines have the form of MovieLens, so columns are called {', '.join(names)}."
    return replace(table, frame=frame, notes=(*table.notes, note), beside=there)


def _is_log(names: tuple[str, ...]) -> bool:
    return names == RATINGS
