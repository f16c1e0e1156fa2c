"""Panels for the tests of series: random ones, and signals whose truth is known."""

from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from regard.data.series.panel import Panel


def panel_of(*series: ArrayLike, step: float | None = 1.0, first_key: int = 0) -> Panel:
    """Series of equally spaced points (or, with a step of None, without a clock)."""
    arrays = [np.asarray(one, np.float64) for one in series]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in arrays])]).astype(np.int64)
    values = np.concatenate([*arrays, np.empty(0)])
    times = np.concatenate([*(np.arange(len(one)) for one in arrays), np.empty(0)])
    keys = pl.Series([f"k{first_key + n}" for n in range(len(arrays))], dtype=pl.String)
    clock = None if step is None else times * step
    return Panel(keys, offsets, values, clock, np.arange(len(values)))


def rmse(values: ArrayLike, truth: ArrayLike) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean((np.asarray(values) - np.asarray(truth)) ** 2)))


def numbers(missing: bool = True) -> st.SearchStrategy[float]:
    """Values of ordinary size with two decimals, so that ties and constant series occur."""
    whole = st.integers(-5000, 5000).map(lambda n: n / 100)
    return st.one_of(whole, st.just(np.nan)) if missing else whole


@st.composite
def panels(draw: Any, *, missing: bool = True, regular: bool = False, clock: Any = None) -> Panel:
    """Up to four series of length 0 to 25, with a clock (irregular, with ties) or without."""
    lengths = draw(st.lists(st.integers(0, 25), min_size=1, max_size=4))
    values = [
        draw(st.lists(numbers(missing), min_size=length, max_size=length)) for length in lengths
    ]
    panel = panel_of(*values)
    if regular:
        return panel
    has_clock = draw(st.booleans()) if clock is None else clock
    if not has_clock:
        return Panel(panel.keys, panel.offsets, panel.values, None, panel.rows)
    times = [
        np.sort(draw(st.lists(st.integers(0, 1000), min_size=length, max_size=length)))
        for length in lengths
    ]
    flat = np.concatenate([*times, np.empty(0)]).astype(np.float64)
    return Panel(panel.keys, panel.offsets, panel.values, flat, panel.rows)


@st.composite
def futures(draw: Any, panel: Panel) -> tuple[Panel, np.ndarray]:
    """The panel with other values from some position of each series on, and which are the past."""
    series = panel.series_P
    place = np.arange(len(panel.values)) - panel.offsets[series]
    cuts = np.array([draw(st.integers(0, int(length))) for length in panel.lengths], dtype=np.int64)
    past = place < cuts[series]
    other = draw(st.lists(numbers(), min_size=len(past), max_size=len(past)))
    return panel.with_values(np.where(past, panel.values, np.array(other, np.float64))), past
