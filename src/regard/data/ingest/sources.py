"""Any source to a table: a path to one file or many, a database, a public log, or a dataframe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regard.data.ingest.addresses import dataset_address, is_address, without_password
from regard.data.ingest.files import TextForm, open_file, require_reachable
from regard.data.ingest.folders import is_many, open_many
from regard.data.ingest.frames import open_frame
from regard.data.ingest.sql import open_sql
from regard.data.ingest.table import Table
from regard.errors import ConfigurationError, SourceError


def open_source(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
    query: str | None = None,
    table: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Table:
    """Open a path or a dataframe, its columns under their own names.

    Args:
        source: path to a file, a folder or a pattern (see `open_file` and `open_many`), URL of
            a database (see `open_sql`), a public log by its name such as `dataset:ml-1m` (see
            `regard.data.datasets`), or a dataframe that Narwhals takes.
        delimiter: see `open_delimited`; the same holds for the other options.
        encoding: how characters are written.
        decimal: the decimal sign.
        header: whether the first line holds names.
        query: of a database; see `open_sql`, as for the next two.
        table: of a database.
        parameters: of a query.

    Returns:
        The table.

    Raises:
        SourceError: nothing that can be read is there.
        ConfigurationError: an option was given for something that it is not for.

    Example:
        >>> import polars as pl
        >>> open_source(pl.DataFrame({"who": [7]})).name
        'a polars frame'
    """
    form = TextForm(delimiter, encoding, decimal, header)
    if is_address(source):
        form.require_none(without_password(source))
        return open_sql(source, query=query, table=table, parameters=parameters)
    asked = {"query": query, "table": table, "parameters": parameters}
    for name in (name for name, value in asked.items() if value is not None):
        raise ConfigurationError(
            f"{name}= is for a database, whose URL begins like postgresql:// or sqlite:///; leave "
            "it out for anything else."
        )
    if (public := dataset_address(source)) is not None:
        # Only here, for the room of datasets reads its files with this one.
        from regard.data.datasets.loading import open_dataset

        form.require_none(public)
        return open_dataset(public)
    if not isinstance(source, str | Path):
        form.require_none("a dataframe")
        return open_frame(source)
    # Only here, for a prepared log has a catalogue, which reads its files with this one.
    from regard.data.large.prepared import is_prepared

    path = Path(source).expanduser()
    require_reachable(path)
    if is_prepared(path):
        raise SourceError(
            f"{path} is a prepared log, which regard fit alone reads. Name the log that it was "
            "made of."
        )
    return open_many(path, form) if is_many(path) else open_file(path, form)
