"""Columns of a log as numbers: fitted on the training part, frozen, stored plainly."""

from typing import Final

from regard.data.encoders.buckets import Buckets
from regard.data.encoders.categories import Categories, OneHot
from regard.data.encoders.contract import Encoder
from regard.data.encoders.hashes import Hashes
from regard.data.encoders.moments import Hour, Month, Recency, Weekday
from regard.data.encoders.scales import Log1p, Quantile, Robust, Standard
from regard.data.encoders.texts import Words
from regard.data.encoders.vectors import Vectors

__all__ = [
    "ENCODERS",
    "Buckets",
    "Categories",
    "Encoder",
    "Hashes",
    "Hour",
    "Log1p",
    "Month",
    "OneHot",
    "Quantile",
    "Recency",
    "Robust",
    "Standard",
    "Vectors",
    "Weekday",
    "Words",
]

ENCODERS: Final[dict[str, type[Encoder]]] = {
    "standard": Standard,
    "robust": Robust,
    "quantile": Quantile,
    "log1p": Log1p,
    "buckets": Buckets,
    "categories": Categories,
    "one-hot": OneHot,
    "hashes": Hashes,
    "hour": Hour,
    "weekday": Weekday,
    "month": Month,
    "recency": Recency,
    "words": Words,
    "vectors": Vectors,
}
"""Every encoder under the name that specifications and stored encoders use."""
