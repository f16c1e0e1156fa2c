"""The log that comes with the package: a British gift shop's till."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Final

import polars as pl

from regard.data.datasets.contract import Dataset
from regard.data.ingest.parquet import open_parquet
from regard.data.ingest.table import Table

ZONE: Final = "Europe/London"
"""The clock of the shop, which the file does not name."""


def online_retail() -> Path:
    """The raw "Online Retail" log: a year of a British shop's invoices, dirty on purpose.

    541,909 lines from 2010-12-01 to 2011-12-09: a quarter without a customer, cancelled invoices,
    prices of zero, codes that are no products, exact duplicates. Columns: InvoiceNo, StockCode,
    Description, Quantity, InvoiceDate (local time of the shop), UnitPrice, CustomerID, Country.

    Credit: Daqing Chen, Sai Laing Sain and Kun Guo, "Data mining for the online retail industry: A
    case study of RFM model-based customer segmentation using data mining", Journal of Database
    Marketing and Customer Strategy Management 19(3), 2012, https://doi.org/10.1057/dbm.2012.17;
    UCI Machine Learning Repository, "Online Retail", CC BY 4.0. Converted to Parquet,
    otherwise unmodified.

    Returns:
        Path of a Parquet file.

    Example:
        >>> online_retail().name
        'online-retail.parquet'
    """
    return Path(str(files("regard.data").joinpath("files", "online-retail.parquet")))


def open_retail(raw: Mapping[str, Path]) -> Table:
    """Read the till; its times are moments, since the clock of the shop is known.

    Args:
        raw: ignored but for the one file, `online-retail.parquet`.

    Returns:
        The table with the columns of the file.

    Example:
        >>> table = open_retail({"online-retail.parquet": online_retail()})
        >>> table.frame["InvoiceDate"].dtype
        Datetime(time_unit='ms', time_zone='Europe/London')
    """
    table = open_parquet(raw["online-retail.parquet"])
    # British clocks changed at night, when the shop was shut; a time then would be a fault.
    moments = pl.col("InvoiceDate").dt.replace_time_zone(ZONE)
    note = f"Times are those of the shop's clock ({ZONE})."
    return replace(table, frame=table.frame.with_columns(moments), notes=(*table.notes, note))


DATASETS: Final = (
    Dataset(
        name="online-retail",
        title="Online Retail",
        rows=541_909,
        licence="CC BY 4.0",
        terms="Creative Commons Attribution 4.0: free to use and share, with the credit below.",
        page="https://archive.ics.uci.edu/dataset/352/online+retail",
        citation=(
            "Daqing Chen, Sai Laing Sain and Kun Guo. 2012. Data mining for the online retail "
            "industry. Journal of Database Marketing and Customer Strategy Management 19(3). "
            "https://doi.org/10.1057/dbm.2012.17"
        ),
        opens=open_retail,
    ),
)
"""What comes with the package."""
