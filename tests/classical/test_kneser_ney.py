"""Interpolated Kneser-Ney against its definition, read off dictionaries of tuples."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_parts import CODES, HISTORIES, SIZE, after, asked, build, prefixes

from regard.classical import KneserNey, MarkovChain

ORDERS = st.integers(1, 3)


def context(history, order):
    """The newest items, newest first, as far back as a beginning or an unknown item."""
    found = []
    for code in [*history[::-1], 0]:
        found.append(code if code > 1 else 0)
        if code < 2 or len(found) == order:
            break
    return tuple(found)


class Definition:
    """Counts by tuples, and the formula as it stands in the docstring."""

    def __init__(self, histories, order, discount):
        self.order, self.discount = order, discount
        self.events = defaultdict(Counter)
        for each in histories:
            for place, code in enumerate(each):
                if code > 1:
                    whole = context(each[:place], order)
                    for length in range(1, len(whole) + 1):
                        self.events[whole[:length]][code] += 1

    def count(self, h, code):
        if len(h) == self.order or (h and h[-1] == 0):
            return self.events[h][code]
        longer = [each for each in self.events if len(each) == len(h) + 1 and each[:-1] == h]
        return sum(self.events[each][code] > 0 for each in longer)

    def probabilities(self, h):
        counts = np.array([self.count(h, code) for code in range(SIZE)], np.float64)
        if not h:
            return counts / max(counts.sum(), 1.0)
        shorter = self.probabilities(h[:-1])
        if not counts.sum():
            return shorter
        left = self.discount * (counts > 0).sum() / counts.sum()
        return np.maximum(counts - self.discount, 0.0) / counts.sum() + left * shorter


@given(HISTORIES, st.lists(st.lists(CODES, max_size=5), min_size=1, max_size=4), ORDERS)
def test_it_gives_the_probabilities_of_the_definition(world, questions, order):
    training = build(*zip(*world, strict=True))
    definition = Definition(prefixes(world), order, 0.6)
    method = KneserNey(order, 0.6).fit(training)
    for queries, histories in ((asked(*questions), questions), (after(training), prefixes(world))):
        expected = [definition.probabilities(context(each, order)) for each in histories]
        np.testing.assert_allclose(method.score(queries), expected, rtol=1e-5, atol=1e-7)


@given(HISTORIES, st.lists(CODES, max_size=5), ORDERS)
def test_the_probabilities_sum_to_one(world, history, order):
    training = build(*zip(*world, strict=True))
    total = KneserNey(order).fit(training).score(asked(history)).sum()
    learned = any(code > 1 for each in prefixes(world) for code in each)
    assert total == pytest.approx(1.0 if learned else 0.0, abs=1e-5)


def test_it_is_the_example_worked_on_paper():
    # a b c d b e a b; after `a b`: c once. After `b`: c after a, e after d. Items before:
    # a 2 (beginning, e), b 2 (a, d), c 1, d 1, e 1, of 7.
    a, b, c, d, e = range(2, 7)
    method = KneserNey(order=2, discount=0.75).fit(build([[a, b, c, d, b, e, a, b]]))
    after_b = {j: 0.75 * share / 7 for j, share in ((a, 2), (b, 2), (c, 1), (d, 1), (e, 1))}
    after_b[c] += 0.25 / 2
    after_b[e] += 0.25 / 2
    after_ab = {j: 0.75 * p + (0.25 if j == c else 0.0) for j, p in after_b.items()}
    scores = method.score(asked([a, b], [c, b]))
    np.testing.assert_allclose(scores[0, 2:], list(after_ab.values()), rtol=1e-6)
    # `c b` never occurred: as after `b`.
    np.testing.assert_allclose(scores[1, 2:], list(after_b.values()), rtol=1e-6)


@pytest.mark.parametrize("order", [2, 3])
def test_it_learns_what_depends_on_two_items(order):
    # The next item is the one before the last: a chain of order 1 can only guess.
    chance = np.random.default_rng(3)
    histories = []
    for _ in range(300):
        each = chance.integers(2, SIZE, 2).tolist()
        while len(each) < 9:
            each.append(each[-2])
        histories.append(each)
    training = build(histories)
    queries = after(training)
    right = np.array([each[-2] for each in histories])
    by_two = KneserNey(order).fit(training).score(queries)[:, 2:].argmax(1) + 2 == right
    by_one = MarkovChain().fit(training).score(queries)[:, 2:].argmax(1) + 2 == right
    assert by_two.mean() == 1.0
    assert by_one.mean() < 0.6


def test_memory_grows_with_the_contexts_that_occur():
    learned = KneserNey(order=3).fit(build([[2, 3, 4], [2, 3, 4]])).arrays()
    # Order 1: beginning, 2, 3; order 2: 2 and 3 with what lay before; order 3: the 3 alone.
    assert np.diff(learned["levels"]).tolist() == [3, 2, 1]
    assert len(learned["followers"]) == 6


def test_unrelated_users_leave_the_evidence_of_a_context_alone():
    few = KneserNey().fit(build([[2, 3, 4]])).arrays()
    more = KneserNey().fit(build([[2, 3, 4], [5, 6, 5]])).arrays()
    assert set(few["followers"].tolist()) < set(more["followers"].tolist())
    method = KneserNey().fit(build([[2, 3, 4], [5, 6, 5]]))
    assert method.score(asked([2, 3]))[0].argmax() == 4
