"""All public logs that are known by name."""

from difflib import get_close_matches
from typing import Final

import polars as pl

from regard.data.datasets import amazon, mind, movielens, retail
from regard.data.datasets.contract import Dataset
from regard.errors import ConfigurationError

KNOWN: Final[dict[str, Dataset]] = {
    each.name: each
    for each in (*retail.DATASETS, *movielens.DATASETS, *mind.DATASETS, *amazon.DATASETS)
}
"""Name -> dataset, the ones to begin with first."""


def dataset(name: str) -> Dataset:
    """What is known of one public log.

    Args:
        name: one of `names`.

    Returns:
        The dataset; nothing is downloaded.

    Raises:
        ConfigurationError: no log has that name.

    Example:
        >>> dataset("ml-1m").rows
        1000209
        >>> dataset("movielens-1m")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: No dataset is called 'movielens-1m'. ...
    """
    if name in KNOWN:
        return KNOWN[name]
    near = get_close_matches(name.lower().replace("_", "-"), KNOWN, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    few = [each for each in KNOWN if not each.startswith("amazon-")]
    raise ConfigurationError(
        f"No dataset is called {name!r}. Known are {', '.join(few)} and amazon-2023-..., one per "
        f"category; `regard datasets` lists all.{hint}"
    )


def names() -> tuple[str, ...]:
    """The names of all public logs that are known.

    Returns:
        Names, the ones to begin with first.

    Example:
        >>> names()[:5]
        ('online-retail', 'ml-100k', 'ml-1m', 'ml-20m', 'mind-small')
    """
    return tuple(KNOWN)


def table() -> pl.DataFrame:
    """What is known of all public logs.

    Returns:
        One row each: `name`, `title`, `rows`, `rounded` (whether the publisher rounds them), `size`
        (bytes to download; null where nobody states it, 0 for the one that comes with the
        package), `licence`, `page`, `citation`.

    Example:
        >>> table().filter(pl.col("name") == "ml-100k").select("rows", "size", "licence").row(0)
        (100000, 4924029, 'research only, no redistribution')
    """
    columns = ("name", "title", "rows", "rounded", "size", "licence", "page", "citation")
    rows = [{column: getattr(each, column) for column in columns} for each in KNOWN.values()]
    return pl.DataFrame(rows, infer_schema_length=None)
