"""A whole explanation, as somebody asks for it."""

import json
import math
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import torch

from regard.classical.item_neighbours import ItemNeighbours
from regard.classical.markov import MarkovChain
from regard.classical.popularity import Popularity
from regard.data.interactions import Interactions
from regard.data.queries import Queries
from regard.data.sequences import Sequences
from regard.data.split import split_leave_last_out
from regard.data.vocabulary import Vocabulary
from regard.errors import ConfigurationError, ModelInputError
from regard.explanation.explain import explain, looked_at
from regard.explanation.result import NAMELESS, EventReason, Explanation, day
from regard.explanation.sentences import reason
from regard.models.sasrec import SASRec, SASRecConfig
from regard.models.scorer import NetworkScorer
from regard.schema import FIRST_CODE

VOCABULARY = Vocabulary.fit(pl.Series([f"item {n}" for n in range(10)]))
TITLES = {f"item {n}": f"Title {n}" for n in range(9)}


def titles(items: list[str]) -> list[str | None]:
    return [TITLES.get(item) for item in items]


def ask(codes: list[int], *, clock: bool = True) -> Queries:
    table = {"user": ["anna"] * len(codes), "item": codes, "row": range(len(codes))}
    if clock:
        table["time"] = [1.3e9 + 86_400 * n for n in range(len(codes))]
    return Queries.requests(Sequences.of(pl.DataFrame(table)), np.array([0]))


def network(longest: int = 50) -> NetworkScorer:
    torch.manual_seed(1)
    return NetworkScorer(SASRec(SASRecConfig(width=8, longest=longest), VOCABULARY.size))


def test_a_network_is_explained_with_attention_and_effects_in_own_ids() -> None:
    why = explain(network(), ask([2, 3, 1, 11, 5]), 7, vocabulary=VOCABULARY, titles=titles)
    assert (why.item, why.title) == ("item 5", "Title 5")
    assert [event.item for event in why.events] == ["item 0", "item 1", None, "item 9", "item 3"]
    assert [event.name for event in why.events[2:4]] == [NAMELESS, "item 9"]
    assert sum(event.attention for event in why.events) == pytest.approx(1.0)
    assert all(event.effect is not None for event in why.events)
    assert -1 <= why.agreement <= 1
    assert why.check.removed == 2
    assert why.candidates == 10
    assert why.score == pytest.approx(float(network().score(ask([2, 3, 1, 11, 5]))[0, 7]), abs=1e-5)


def test_a_network_is_explained_by_the_events_it_can_look_at() -> None:
    scorer = network(longest=3)
    history = [2, 3, 4, 5, 6]
    why = explain(scorer, ask(history), 7, vocabulary=VOCABULARY)
    assert (len(why.events), why.earlier, looked_at(scorer)) == (3, 2, 3)
    assert any("2 earlier events were not looked at" in note for note in why.notes)
    assert why.score == pytest.approx(float(scorer.score(ask(history))[0, 7]), abs=1e-5)
    wider = explain(scorer, ask(history), 7, vocabulary=VOCABULARY, longest=5)
    assert [event.attention for event in wider.events][:2] == [0.0, 0.0]
    assert sum(event.attention for event in wider.events) == pytest.approx(1.0)


def test_markov_and_popularity_say_what_they_do() -> None:
    items = list("abcabcabdabcabc")
    log = pl.DataFrame({"user": [1] * 15, "item": items, "position": range(15)})
    split = split_leave_last_out(Interactions.of(log))
    vocabulary, test = split.training.vocabulary, split.test
    markov = explain(
        MarkovChain().fit(split.training), test, vocabulary.code("c"), vocabulary=vocabulary
    )
    effects = [event.effect for event in markov.events]
    assert effects[:-1] == [0.0] * (len(effects) - 1)
    assert effects[-1] > 0
    assert not markov.has_attention
    assert markov.check is markov.agreement is None
    assert markov.sentence.startswith("c (place 1 of 4) is recommended because of b: without it,")
    popular = explain(
        Popularity().fit(split.training), test, vocabulary.code("a"), vocabulary=vocabulary
    )
    assert "no one event matters" in popular.sentence
    assert not any(event.effect for event in popular.events)


def place_of(code: int, scores_N: np.ndarray) -> int:
    """From 1, the special codes left out; of equal scores the smaller code stands first."""
    order = FIRST_CODE + np.argsort(-scores_N[FIRST_CODE:], kind="stable")
    return 1 + order.tolist().index(code)


def test_a_method_that_reads_the_whole_history_is_explained_with_all_of_it() -> None:
    """Only the newest events are taken out; what lies before them goes on being read."""
    log = pl.DataFrame({"user": [1] * 6 + [2] * 6, "item": list("abcbcadcdcdb")})
    split = split_leave_last_out(Interactions.of(log.with_row_index("position")))
    vocabulary, method = split.training.vocabulary, ItemNeighbours().fit(split.training)
    asked = ask([vocabulary.code(item) for item in "adddbcbc"])
    scores_N = method.score(asked)[0]
    for item in "abcd":
        code = vocabulary.code(item)
        why = explain(method, asked, code, vocabulary=vocabulary, longest=3)
        assert why.score == pytest.approx(float(scores_N[code]))
        assert why.place == place_of(code, scores_N)
        assert [event.item for event in why.events] == list("cbc")
        rest = ask([vocabulary.code(each) for each in "adddbbc"])
        assert why.events[0].place_without == place_of(code, method.score(rest)[0])
        assert "The 5 earlier events stay in the history and were not taken out." in why.notes


def test_a_history_of_one_event_and_an_empty_one() -> None:
    alone = explain(network(), ask([4]), 7, vocabulary=VOCABULARY, titles=titles)
    assert alone.events[0].effect is None
    assert alone.events[0].attention == 1.0
    assert "after a single event, Title 2 (2011-03-13)" in alone.sentence
    sequences = Sequences(
        pl.Series("user", ["new"]), np.zeros(2, np.int64), np.zeros(0, np.int32), None,
        np.zeros(0, np.int64),
    )  # fmt: skip
    nobody = Queries.requests(sequences, np.array([0]))
    popularity = Popularity.from_arrays({"counts": np.arange(12)})
    empty = explain(popularity, nobody, 3, vocabulary=VOCABULARY)
    assert (empty.events, empty.place) == ((), 9)
    assert "without any history" in empty.sentence
    with pytest.raises(ModelInputError, match="no history to look at"):
        explain(network(), nobody, 3, vocabulary=VOCABULARY)


def test_a_network_without_maps_has_no_attention_to_show() -> None:
    class Silent:
        def score(self, queries: Queries) -> np.ndarray:
            return np.zeros((len(queries), VOCABULARY.size), np.float32)

        def trace(self, queries: Queries) -> object:
            return type("Trace", (), {"attention_maps": {}})()

    why = explain(Silent(), ask([2, 3, 4, 5]), 7, vocabulary=VOCABULARY)
    assert not why.has_attention


def test_seen_items_are_refused_where_they_are_removed() -> None:
    with pytest.raises(ConfigurationError, match="keep seen items"):
        explain(network(), ask([2, 3]), 3, vocabulary=VOCABULARY, seen="remove")
    assert explain(network(), ask([2, 3]), 4, vocabulary=VOCABULARY, seen="remove").candidates == 8


def test_anything_but_one_query_is_refused() -> None:
    query = ask([2, 3])
    for asked, longest in ((query.select(slice(0, 0)), 5), (query, 0)):
        with pytest.raises(ModelInputError, match="one query"):
            explain(network(), asked, 3, vocabulary=VOCABULARY, longest=longest)


def test_the_table_shows_the_largest_effects_newest_first_and_counts_the_rest() -> None:
    worth = np.arange(VOCABULARY.size, dtype=np.float32)

    class Linear:
        def score(self, queries: Queries) -> np.ndarray:
            scores = np.zeros((len(queries), VOCABULARY.size), np.float32)
            query, position = queries.history_events()
            np.add.at(scores[:, 7], query, worth[queries.sequences.items[position]])
            return scores

    history = [2, 3, 4, 5, 6, 8, 9, 10, 11, 2, 3, 4, 5]
    why = explain(Linear(), ask(history), 7, vocabulary=VOCABULARY, titles=titles)
    page = str(why)
    rows = [line for line in page.splitlines() if "(2011-" in line and "+" in line]
    assert len(rows) == 10
    assert "Title 3 (2011-03-25)" in rows[0]
    assert "and 3 more events, no effect above 3.00 either way" in page
    assert page.startswith("Title 5 (item 5): place 1 of 10, score 72.000")
    kept = json.loads(json.dumps(why.to_dict(), allow_nan=False))
    assert [event["effect"] for event in kept["events"]] == pytest.approx(history)


def test_what_json_cannot_say_is_written_as_text() -> None:
    never = EventReason("a", None, None, None, math.inf, None)
    assert never.to_dict()["effect"] == "+inf"
    told = Explanation(
        item="b", title="A title that is so long that no table could ever show it whole", score=1.0,
        log_odds=math.inf, place=1, candidates=1, events=(never,), sentence="So.", notes=(),
    )  # fmt: skip
    assert json.loads(json.dumps(told.to_dict(), allow_nan=False))["log_odds"] == "+inf"
    assert "never" in str(told)


def event(name: str, effect: float | None, place: int | None = 1, **more: float) -> EventReason:
    return EventReason(name, None, effect=effect, place_without=place, **more)


@pytest.mark.parametrize(
    ("place", "events", "said"),
    [
        (1, [event("A", 2.0, 14), event("B", 1.0, 3)],
         "of A and B: without the first, it would fall to place 14."),
        (1, [event("A", 2.0, 14)] * 4, "because of A, A and 2 more events: without the first"),
        (1, [event("A", 2.0, 14)] * 3, "because of A, A and one more event: without"),
        (1, [event("A", 0.5, 1), event("B", 0.0)],
         "without it, it would keep place 1 by a smaller margin."),
        (9, [event("A", 0.5, 9), event("B", 0.0)], "without it, it would stay at 9."),
        (1, [event("A", math.inf, None), event("B", 0.0)], "it would never be recommended."),
        (5, [event("A", -1.0, 2), event("B", 0.0, 5)],
         "in spite of A: without that, it would rise to place 2."),
        (5, [event("A", 1.0, 9), event("B", -0.8, 2)],
         "B speaks against it: without that, it would rise to place 2."),
        (1, [event("A", 0.0), event("B", 0.01)], "no one event matters"),
        (1, [event("A", 0.04, 8), event("B", 0.01)], "because of A: without it, it would fall to"),
        (9, [event("A", 0.04, None), event("B", 0.0, 9)], "it would never be recommended."),
        (9, [event("A", 0.04, 17), event("B", 0.0, 9)], "no one event matters"),
        (9, [event("A", -0.04, 4), event("B", 0.0, 9)], "in spite of A: without that, it would"),
        (1, [event("A", 0.0, attention=0.9), event("B", 1.0, 4, attention=0.1)],
         "looked most at A (90 %), but removing it hardly changes the answer: do not read"),
        (1, [event("A", -0.4, attention=0.9), event("B", 1.0, 4, attention=0.1)],
         "looked most at A (90 %), but that speaks against the answer"),
    ],
)  # fmt: skip
def test_sentences_say_what_the_numbers_say(
    place: int, events: list[EventReason], said: str
) -> None:
    assert said in reason("X", place, 100, events)


@pytest.mark.parametrize(
    "events",
    [
        [event("A", 2.0, 9, attention=0.9), event("B", 0.0, attention=0.1)],
        [event("A", 0.0, attention=0.51), event("B", 2.0, 4, attention=0.49)],
        [event("A", 0.0), event("B", 2.0, 4)],
    ],
)
def test_no_warning_where_attention_does_not_mislead(events: list[EventReason]) -> None:
    assert "looked most" not in reason("X", 1, 100, events)


def test_a_moment_outside_the_calendar_still_has_a_name() -> None:
    assert day(-1e18) == "-1e+18 s"
    assert day(0.0) == "1970-01-01"


def test_a_classical_method_is_explained_without_torch() -> None:
    program = (
        "import regard.explanation.explain, regard.explanation.result, sys;"
        "print('torch' in sys.modules)"
    )
    seen = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert seen.stdout.strip() == "False"


def test_events_that_say_the_same_are_a_reason_together() -> None:
    """Any one of four red things is enough, so none of them matters alone."""

    class RedThings:
        def score(self, queries: Queries) -> np.ndarray:
            scores = np.zeros((len(queries), VOCABULARY.size), np.float32)
            scores[:, 9] = 1.0
            query, position = queries.history_events()
            red = np.bincount(query, queries.sequences.items[position] <= 4, len(queries))
            scores[:, 7] = np.minimum(red, 1) * 3.0
            return scores

        def trace(self, queries: Queries) -> object:
            red = queries.sequences.items <= 4
            attention = torch.tensor(np.where(red, 1.0, 0.01) / np.where(red, 1.0, 0.01).sum())
            maps = {"only": attention.expand(1, 1, len(red), len(red))}
            return type("Trace", (), {"attention_maps": maps})()

    history = [8, 10, 2, 3, 11, 8, 10, 11, 8, 10, 8]
    why = explain(RedThings(), ask(history), 7, vocabulary=VOCABULARY, titles=titles)
    assert [event.effect for event in why.events] == [0.0] * len(history)
    assert why.check.removed == 3
    assert why.check.passed
    assert (
        "because of several events that say the same, such as Title 0 (2011-03-15) and Title 1 "
        "(2011-03-16): no one matters alone, but without the 3 that the model looked at most, it "
        "would fall to place "
    ) in why.sentence
    assert "do not read the attention" not in why.sentence


def test_a_word_that_is_no_rule_for_seen_items_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'keep' or 'remove'; received 'maybe'"):
        explain(network(), ask([2, 3]), 4, vocabulary=VOCABULARY, seen="maybe")


def test_a_page_of_text_tells_the_evidence_and_no_minus_zero() -> None:
    why = explain(network(), ask([2, 3, 1, 11, 5]), 7, vocabulary=VOCABULARY, titles=titles)
    page = str(why)
    assert "attention and effects agree with rank correlation" in page
    assert str(why.check) in page
    assert json.loads(json.dumps(why.to_dict()))["check"]["removed"] == 2
    quiet = Explanation(
        item="b", title=None, score=1.0, log_odds=0.0, place=1, candidates=1,
        events=(EventReason("a", None, None, None, -1e-9, 1),), sentence="So.", notes=(),
    )  # fmt: skip
    assert "+0.00" in str(quiet)
    empty = Explanation(
        item="b", title=None, score=1.0, log_odds=0.0, place=1, candidates=1, events=(),
        sentence="Nothing is known.", notes=(),
    )  # fmt: skip
    assert str(empty) == "b: place 1 of 1, score 1.000\n\nNothing is known."
