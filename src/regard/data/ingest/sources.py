"""Any source to a table: a path to one file or many, or a dataframe."""

from pathlib import Path
from typing import Any

from regard.data.ingest.files import TextForm, open_file
from regard.data.ingest.folders import is_many, open_many
from regard.data.ingest.frames import open_frame
from regard.data.ingest.table import Table


def open_source(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
) -> Table:
    """Open a path or a dataframe, its columns under their own names.

    Args:
        source: path to a file, a folder or a pattern (see `open_file` and `open_many`), or a
            dataframe that Narwhals takes.
        delimiter: see `open_delimited`; the same holds for the other options.
        encoding: how characters are written.
        decimal: the decimal sign.
        header: whether the first line holds names.

    Returns:
        The table.

    Raises:
        SourceError: nothing that can be read is there.
        ConfigurationError: an option of delimited text was given for something else.

    Example:
        >>> import polars as pl
        >>> open_source(pl.DataFrame({"who": [7]})).name
        'a polars frame'
    """
    form = TextForm(delimiter, encoding, decimal, header)
    if not isinstance(source, str | Path):
        form.require_none("a dataframe")
        return open_frame(source)
    path = Path(source).expanduser()
    return open_many(path, form) if is_many(path) else open_file(path, form)
