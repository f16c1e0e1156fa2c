"""Logs with every kind of dirt, and what plain Python loops make of them."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

SCHEMA = {
    "user": pl.String,
    "item": pl.String,
    "time": pl.Float64,
    "session": pl.String,
    "quantity": pl.Int64,
    "price": pl.Float64,
    "country": pl.String,
}
EARLIEST, LATEST = "1990-01-01", "2020-12-31"
FIRST, LAST = 631_152_000.0, 1_609_459_200.0
"""UTC seconds of 1990-01-01, and of 2021-01-01, which is already too late."""

_BLANKS = ["", " ", "\t", " \n ", "\u00a0", "\u2003", "\u200b", "\ufeff", "\u3000 "]
VALUES: dict[str, list[Any]] = {
    "user": ["ann", "bob", "cid", "ann ", None, *_BLANKS],
    "item": ["tea", "milk", "salt", "POST", "POSTER", "post", None, *_BLANKS],
    "time": [1e9, 1e9 + 1, FIRST, LAST - 1, FIRST - 1, LAST, None, math.nan, math.inf, -math.inf],
    "session": ["536365", "C536379", "c536379", "C12x", "C", "XC12", "A5", "", None],
    "quantity": [1, 2, 80_995, 0, -1, None],
    "price": [1.5, 0.01, 0.0, -0.5, None, math.nan, math.inf, -math.inf],
    "country": ["UK", "Éire", None],
}


def rows_of(values: dict[str, list[Any]] = VALUES) -> st.SearchStrategy[pl.DataFrame]:
    """Small logs whose rows repeat each other and are dirty in every way."""
    row = st.tuples(*(st.sampled_from(choices) for choices in values.values()))
    schema = {name: SCHEMA[name] for name in values}
    return st.lists(row, min_size=1, max_size=25).map(
        lambda rows: pl.DataFrame(rows, schema=schema, orient="row")
    )


def dirty_log(rows: int, seed: int) -> pl.DataFrame:
    """A larger log: three rows in four are clean in each column, one in ten stands twice."""
    random = np.random.default_rng(seed)
    columns = {}
    for name, values in VALUES.items():
        clean, dirt = values[:3], values[3:] or values
        dirty = random.random(rows) < (0.05 if name == "country" else 0.12)
        pick = random.integers(0, len(dirt), rows)
        fine = random.integers(0, len(clean), rows)
        columns[name] = [
            dirt[d] if is_dirty else clean[c]
            for d, c, is_dirty in zip(pick, fine, dirty, strict=True)
        ]
    log = pl.DataFrame(columns, schema=SCHEMA)
    again = random.integers(0, rows, rows // 10)
    return pl.concat([log, log[again.tolist()]]).sample(fraction=1, shuffle=True, seed=seed)


def expected_reasons(log: pl.DataFrame) -> list[str | None]:
    """For each row the first default rule that removes it, found by looking at it."""
    seen: set[tuple[object, ...]] = set()
    return [_first_reason(row, seen) for row in log.iter_rows(named=True)]


def _first_reason(row: dict[str, Any], seen: set[tuple[object, ...]]) -> str | None:
    # repr makes NaN equal to NaN.
    key = tuple(map(repr, row.values()))
    checks = {
        "missing-user": lambda: _blank(row["user"]),
        "missing-item": lambda: _blank(row["item"]),
        "missing-time": lambda: row["time"] is None or math.isnan(row["time"]),
        "exact-duplicates": lambda: key in seen or seen.add(key) is not None,
        "cancellations": lambda: (
            (row["session"] or "")[:1] == "C"
            and row["session"][1:].isascii()
            and row["session"][1:].isdigit()
        ),
        "non-positive-quantity": lambda: row["quantity"] is not None and row["quantity"] <= 0,
        "non-positive-price": lambda: row["price"] is not None and row["price"] <= 0,
        "implausible-times": lambda: not FIRST <= row["time"] < LAST,
    }
    return next((name for name, marks in checks.items() if marks()), None)


def _blank(text: str | None) -> bool:
    return text is None or not text.replace("\u200b", "").replace("\ufeff", "").strip()


def core_rows(pairs: Iterable[tuple[object, object]], user: int, item: int) -> list[int]:
    """Rows of the k-core, by removing one rare row at a time until none is left."""
    left = dict(enumerate(pairs))
    while True:
        users = Counter(pair[0] for pair in left.values())
        items = Counter(pair[1] for pair in left.values())
        rare = [r for r, (u, i) in left.items() if users[u] < user or items[i] < item]
        if not rare:
            return sorted(left)
        del left[rare[0]]


def rows_without_repeats(log: pl.DataFrame) -> list[int]:
    """Rows that differ from the row before of the same user."""
    last: dict[object, object] = {}
    kept = []
    for row in sorted(log.iter_rows(named=True), key=lambda row: (row["time"], row["row"])):
        if row["user"] not in last or last[row["user"]] != row["item"]:
            kept.append(row["row"])
        last[row["user"]] = row["item"]
    return sorted(kept)


def bracketed(log: pl.DataFrame) -> list[int]:
    """Rows of purchases that a cancellation takes back, and of those cancellations."""
    paired: set[int] = set()
    still_open: dict[tuple[object, ...], list[int]] = {}
    rows = [row for row in log.iter_rows(named=True) if None not in (row["user"], row["item"])]
    for row in sorted(rows, key=lambda row: (row["time"], row["quantity"] < 0, row["row"])):
        lines = still_open.setdefault((row["user"], row["item"], abs(row["quantity"])), [])
        session = row["session"] or ""
        cancels = session[:1] == "C" and session[1:].isascii() and session[1:].isdigit()
        if row["quantity"] > 0 and not cancels:
            lines.append(row["row"])
        elif row["quantity"] < 0 and cancels and lines:
            paired |= {lines.pop(), row["row"]}
    return sorted(paired)


def taken_piecewise(log: pl.DataFrame) -> list[int]:
    """As `bracketed`, and what is left of cancellations takes pieces back from a pile."""
    paired = bracketed(log)
    gone = set(paired)
    piles: dict[tuple[object, object], list[list[int]]] = {}
    rows = [row for row in log.iter_rows(named=True) if None not in (row["user"], row["item"])]
    for row in sorted(rows, key=lambda row: (row["time"], row["quantity"] < 0, row["row"])):
        pile = piles.setdefault((row["user"], row["item"]), [])
        session, quantity = row["session"] or "", row["quantity"]
        cancels = session[:1] == "C" and session[1:].isascii() and session[1:].isdigit()
        if row["row"] in paired:
            continue
        if quantity > 0 and not cancels:
            pile.append([row["row"], quantity])
        elif quantity < 0 and cancels:
            left = -quantity
            while left and pile:
                gone.add(row["row"])
                taken = min(left, pile[-1][1])
                left -= taken
                pile[-1][1] -= taken
                if not pile[-1][1]:
                    gone.add(pile.pop()[0])
    return sorted(gone)
