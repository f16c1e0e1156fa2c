"""Amazon Reviews 2023 as the McAuley Lab publishes it: ratings of one category per file.

Taken is the form "Pure IDs (5-core)", before any splitting: `user_id,parent_asin,rating,timestamp`
with a header, times in milliseconds, every user and item with five ratings or more and of several
ratings of one item by one user the earliest
(https://amazon-reviews-2023.github.io/data_processing/5core.html). The 5-core was taken on the
whole log, so it looks at the future; numbers on it compare with the literature, not with a shop.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from regard.data.datasets.contract import Dataset, Published
from regard.data.datasets.typed import read_typed
from regard.data.ingest.table import Table

_HOST: Final = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023"
_FOLDER: Final = f"{_HOST}/benchmark/5core/rating_only"
_COLUMNS: Final = {
    "user_id": pl.String, "parent_asin": pl.String, "rating": pl.Float64, "timestamp": pl.Int64,
}  # fmt: skip

_RATINGS: Final = {
    "All_Beauty": 2_500, "Arts_Crafts_and_Sewing": 1_800_000, "Automotive": 6_100_000,
    "Baby_Products": 1_200_000, "Beauty_and_Personal_Care": 6_600_000, "Books": 9_500_000,
    "CDs_and_Vinyl": 1_600_000, "Cell_Phones_and_Accessories": 2_800_000,
    "Clothing_Shoes_and_Jewelry": 23_100_000, "Electronics": 15_500_000, "Gift_Cards": 2_400,
    "Grocery_and_Gourmet_Food": 3_900_000, "Health_and_Household": 7_200_000,
    "Home_and_Kitchen": 28_200_000, "Industrial_and_Scientific": 412_900,
    "Kindle_Store": 16_100_000, "Magazine_Subscriptions": 176, "Movies_and_TV": 7_400_000,
    "Musical_Instruments": 511_800, "Office_Products": 1_800_000,
    "Patio_Lawn_and_Garden": 3_400_000, "Pet_Supplies": 5_300_000, "Software": 1_300_000,
    "Sports_and_Outdoors": 3_500_000, "Tools_and_Home_Improvement": 7_900_000,
    "Toys_and_Games": 3_900_000, "Video_Games": 814_600, "Unknown": 14_600_000,
}  # fmt: skip
"""Category -> ratings, rounded as on the page."""


def open_ratings(raw: Mapping[str, Path]) -> Table:
    r"""Read the ratings of one category; the files hold no table of items.

    Args:
        raw: the one file.

    Returns:
        The log.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "Books.csv"
        >>> _ = path.write_text("user_id,parent_asin,rating,timestamp\nAE1,B0,5.0,1588615855070\n")
        >>> open_ratings({path.name: path}).frame.rows()
        [('AE1', 'B0', 5.0, 1588615855070)]
    """
    (path,) = raw.values()
    return Table(read_typed(path, _COLUMNS, header=True), str(path))


def _category(category: str, ratings: int) -> Dataset:
    words = category.replace("_", " ")
    return Dataset(
        name=f"amazon-2023-{category.lower().replace('_', '-')}",
        title=f"Amazon Reviews 2023, {words}, ratings only, 5-core",
        rows=ratings,
        rounded=True,
        licence="none stated, cite",
        terms=(
            "The McAuley Lab states no licence beside the files and asks for the citation below; "
            "the reviews are their authors' and Amazon's. Ask the publisher about anything beyond "
            "research."
        ),
        page="https://amazon-reviews-2023.github.io/data_processing/5core.html",
        citation=(
            "Yupeng Hou, Jiacheng Li, Zhankui He, An Yan, Xiusi Chen and Julian McAuley. 2024. "
            "Bridging Language and Items for Retrieval and Recommendation. "
            "https://arxiv.org/abs/2403.03952"
        ),
        opens=open_ratings,
        files=(Published(url=f"{_FOLDER}/{category}.csv.gz"),),
    )


DATASETS: Final = tuple(_category(*each) for each in _RATINGS.items())
"""The categories that have a 5-core."""
