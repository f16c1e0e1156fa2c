"""Visits of users, and the pause that separates them."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from regard.data.interactions import Interactions
from regard.data.sessions import propose_gap, with_sessions
from regard.errors import ColumnError, ConfigurationError, NeedsClockError, TooLittleDataError

rows = st.lists(
    st.tuples(
        st.sampled_from([1, 2, None]), st.sampled_from([0.0, 5.0, 10.0, 11.0, 40.0, None, math.nan])
    ),
    max_size=25,
)


def log_of(pairs: list[tuple[Any, Any]]) -> Interactions:
    schema = {"user": pl.Int64, "time": pl.Float64}
    table = pl.DataFrame(pairs, schema=schema, orient="row")
    return Interactions.of(table.with_columns(item=pl.lit("a")), "clicks.csv")


class TestWithSessions:
    @given(rows, st.sampled_from([1.0, 5.0, 6.0, 100.0]))
    def test_agrees_with_a_loop(self, pairs: list[tuple[Any, Any]], gap: float) -> None:
        expected: dict[int, int | None] = dict.fromkeys(range(len(pairs)))
        state: dict[int, tuple[float, int]] = {}
        usable = [
            (time, row, user)
            for row, (user, time) in enumerate(pairs)
            if user is not None and time is not None and math.isfinite(time)
        ]
        for time, row, user in sorted(usable):
            before, number = state.get(user, (-math.inf, 0))
            number += time - before > gap
            state[user] = (time, number)
            expected[row] = number
        log = log_of(pairs)
        found = with_sessions(log, gap=gap)
        assert found.collect()["visit"].to_list() == list(expected.values())
        assert found.collect().drop("visit").equals(log.collect())

    def test_says_what_it_did(self) -> None:
        found = with_sessions(log_of([(1, 0.0)]), gap=1800)
        assert found.notes == ("Visits end at pauses of more than 30 minutes.",)
        with pytest.raises(ColumnError, match=r"clicks\.csv has a column 'visit' already"):
            with_sessions(found, gap=1800)

    @pytest.mark.parametrize("gap", [0, -1.0, math.inf, math.nan])
    def test_refuses_a_gap_that_means_nothing(self, gap: float) -> None:
        with pytest.raises(ConfigurationError, match="positive number of seconds"):
            with_sessions(log_of([(1, 0.0)]), gap=gap)

    def test_needs_a_clock(self) -> None:
        order = Interactions.of(pl.DataFrame({"user": [1], "item": ["a"], "position": [0]}))
        with pytest.raises(NeedsClockError, match="visits apart needs the time"):
            with_sessions(order, gap=1.0)
        with pytest.raises(NeedsClockError, match="session gap needs the time"):
            propose_gap(order)


def mixed(short: int, long: int, seed: int = 0) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(seed)
    gaps = np.concatenate(
        [random.lognormal(math.log(40), 0.8, short), random.lognormal(math.log(90_000), 1.0, long)]
    )
    return random.permutation(gaps)


class TestProposeGap:
    def test_agrees_with_scikit_learn(self) -> None:
        gaps = mixed(4_000, 1_000)
        log = log_of([(1, time) for time in np.concatenate([[0.0], np.cumsum(gaps)]).tolist()])
        proposed = propose_gap(log)
        theirs = GaussianMixture(2, random_state=0, tol=1e-6).fit(np.log(gaps)[:, None])
        means = sorted(np.exp(theirs.means_[:, 0]).tolist())
        assert [proposed.within, proposed.between] == pytest.approx(means, rel=0.02)
        assert proposed.share_within == pytest.approx(theirs.weights_.max(), abs=0.01)
        at = np.log([[proposed.seconds * 0.97], [proposed.seconds * 1.03]])
        first, second = theirs.predict(at)
        assert first != second
        assert proposed.clear
        assert "The two kinds" not in str(proposed)

    def test_one_kind_of_pause_is_said_to_be_unclear(self) -> None:
        gaps = np.random.default_rng(1).lognormal(5, 1, 3_000)
        log = log_of([(1, time) for time in np.cumsum(gaps).tolist()])
        proposed = propose_gap(log)
        assert not proposed.clear
        assert "overlap, so choose the pause by what is known" in str(proposed)
        assert proposed.within <= proposed.seconds <= proposed.between

    @given(rows)
    def test_any_log(self, pairs: list[tuple[Any, Any]]) -> None:
        log = log_of(pairs)
        try:
            proposed = propose_gap(log)
        except TooLittleDataError:
            return
        assert proposed.within <= proposed.seconds * (1 + 1e-9)
        assert proposed.seconds <= proposed.between * (1 + 1e-9)

    @pytest.mark.parametrize("pairs", [[], [(1, 0.0), (1, 0.0)], [(1, 0.0), (1, 5.0), (1, 10.0)]])
    def test_too_little(self, pairs: list[tuple[Any, Any]]) -> None:
        with pytest.raises(TooLittleDataError, match=r"clicks\.csv has no two pauses"):
            propose_gap(log_of(pairs))

    def test_words(self) -> None:
        gaps = mixed(800, 200)
        log = log_of([(1, time) for time in np.cumsum(gaps).tolist()])
        assert str(propose_gap(log)).startswith("A pause of more than ")
        assert " seconds apart, visits " in str(propose_gap(log))
