"""The log that ships with the package is the one that was donated, byte for byte."""

import hashlib

import polars as pl

from regard.data.datasets import online_retail
from regard.data.ingest import read

SHA256 = "eb5a7e59619b090d23991b5e26021b15f530e8bec4aef6e4a1657812b6aad067"


def test_the_file_is_unmodified():
    assert hashlib.sha256(online_retail().read_bytes()).hexdigest() == SHA256


def test_its_roles_need_no_help():
    log = read(online_retail(), timezone="Europe/London")
    assert dict(log.roles) == {
        "user": "CustomerID",
        "item": "StockCode",
        "time": "InvoiceDate",
        "quantity": "Quantity",
        "price": "UnitPrice",
        "session": "InvoiceNo",
        "title": "Description",
    }
    table = log.collect()
    assert table.height == 541_909
    assert table["Country"].dtype == pl.String
    assert table["user"].null_count() == 135_080


def test_the_credit_is_given():
    for part in ("Chen", "Sain", "Guo", "2012", "UCI Machine Learning Repository", "CC BY 4.0"):
        assert part in online_retail.__doc__
