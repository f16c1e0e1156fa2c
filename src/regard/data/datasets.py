"""Logs that come with the package, raw as they are."""

from importlib.resources import files
from pathlib import Path


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
