"""MIND, the Microsoft News Dataset: which news of a list somebody clicked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from regard.data.datasets.contract import Dataset, Published
from regard.data.datasets.typed import read_typed
from regard.data.ingest.table import Table
from regard.errors import SourceError
from regard.schema import ITEM

_HOST: Final = "https://huggingface.co/datasets/Recommenders/MIND/resolve/main"
_PARTS: Final = ("train", "dev")
_FORMAT: Final = "%m/%d/%Y %I:%M:%S %p"
_CLICKED: Final = "-1"
_MEANING: Final = (
    "An interaction is a news that was clicked in an impression; what was only shown, and the "
    "earlier clicks without a time (history), are left out."
)
_BEHAVIORS: Final = dict.fromkeys(
    ("impression_id", "user_id", "time", "history", "impressions"), pl.String
)
_NEWS: Final = dict.fromkeys(
    (
        "news_id", "category", "subcategory", "title", "abstract", "url", "title_entities",
        "abstract_entities",
    ),
    pl.String,
)  # fmt: skip


def open_mind(raw: Mapping[str, Path]) -> Table:
    r"""Read the clicks of both parts, the training part first, and the news beside them.

    One interaction is one news that a user clicked in an impression (the list that was shown), at
    the time of the impression: in `behaviors.tsv` an entry such as `N55689-1`. What was shown and
    not clicked (`-0`) is no interaction. Neither is the column `history`: those earlier clicks
    have no times, so they could not be put before or after the clicks of others. Clicks of one
    impression share its time and stand in the order in which the list names them. Context columns:
    `part` (train or dev) and `impression_id`, which counts anew in each part. Of the news come
    category, subcategory, title, abstract and URL, but not the entities of Wikidata.

    Args:
        raw: `train/behaviors.tsv` and `dev/behaviors.tsv`; `news.tsv` beside each if it is there.

    Returns:
        The log with the table of items beside it; nothing is known of its users.

    Raises:
        SourceError: a file has another form.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "behaviors.tsv"
        >>> _ = path.write_text("1\tU7\t11/11/2019 9:05:58 AM\tN8 N9\tN1-0 N2-1\n")
        >>> table = open_mind({"train/behaviors.tsv": path, "dev/behaviors.tsv": path})
        >>> table.frame.select("user_id", "news_id", "part").rows()
        [('U7', 'N2', 'train'), ('U7', 'N2', 'dev')]
    """
    clicks = pl.concat([_clicks(raw[f"{part}/behaviors.tsv"], part) for part in _PARTS])
    news = [path for part in _PARTS if (path := raw.get(f"{part}/news.tsv")) is not None]
    beside = {ITEM: _news(news)} if news else {}
    return Table(clicks, "behaviors.tsv", (_MEANING,), beside=beside)


def _clicks(path: Path, part: str) -> pl.DataFrame:
    """The clicked news of one part, one row each."""
    behaviors = read_typed(path, _BEHAVIORS, separator="\t").drop("history")
    times = behaviors["time"].str.to_datetime(_FORMAT, strict=False)
    wrong = times.is_null() & behaviors["time"].is_not_null()
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise SourceError(
            f"{path}, line {row + 1}: {behaviors['time'][row]!r} is no time such as "
            "'11/11/2019 9:05:58 AM'. Give the file as it was published."
        )
    shown = behaviors.with_columns(times.alias("time"), pl.col("impressions").str.split(" "))
    clicked = shown.explode("impressions").filter(pl.col("impressions").str.ends_with(_CLICKED))
    return clicked.select(
        "user_id",
        pl.col("impressions").str.strip_suffix(_CLICKED).alias("news_id"),
        "time",
        pl.lit(part).alias("part"),
        pl.col("impression_id").cast(pl.Int64, strict=False),
    )


def _news(paths: list[Path]) -> Table:
    """What is known of the news of all parts, each once."""
    frames = [read_typed(path, _NEWS, separator="\t") for path in paths]
    news = pl.concat(frames).unique("news_id", keep="first", maintain_order=True)
    return Table(news.drop("title_entities", "abstract_entities"), "news.tsv")


DATASETS: Final = (
    Dataset(
        name="mind-small", title="MIND-small, training and development part", rows=347_727,
        licence="research only (Microsoft)",
        terms=(
            "Microsoft Research License Terms: for research purposes only, with the citation below "
            "(https://github.com/msnews/MIND/blob/master/MSR%20License_Data.pdf)."
        ),
        page="https://msnews.github.io/",
        citation=(
            "Fangzhao Wu, Ying Qiao, Jiun-Hung Chen, Chuhan Wu, Tao Qi, Jianxun Lian, Danyang Liu, "
            "Xing Xie, Jianfeng Gao, Winnie Wu and Ming Zhou. 2020. MIND: A Large-scale Dataset "
            "for News Recommendation. ACL 2020. https://aclanthology.org/2020.acl-main.331/"
        ),
        opens=open_mind, unpacked=300_000_000,
        files=(
            Published(
                url=f"{_HOST}/MINDsmall_train.zip", size=52_953_372, part="train",
                members=("behaviors.tsv", "news.tsv"),
            ),
            Published(
                url=f"{_HOST}/MINDsmall_dev.zip", size=30_946_172, part="dev",
                members=("behaviors.tsv", "news.tsv"),
            ),
        ),
    ),
)  # fmt: skip
"""The small version; the publisher took the large one's test labels away."""
