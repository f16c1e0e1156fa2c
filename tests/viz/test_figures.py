"""A picture carries the numbers of its result, unchanged, and says what they are."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from regard.data.description import Lengths
from regard.errors import ConfigurationError, MissingDependencyError
from regard.explanation.result import EventReason
from regard.viz.cleaning import draw_cleaning
from regard.viz.comparison import draw_comparison, draw_evaluation
from regard.viz.explanation import draw_explanation
from regard.viz.history_lengths import draw_description, draw_history_lengths
from regard.viz.plot import DRAWINGS, plot
from regard.viz.style import BLUE, GREEN, GREY, ORANGE, label
from regard.viz.training_curve import draw_training_curve


def titles(figure: object) -> list[str]:
    """The titles of all axes that are shown."""
    axes = [*figure.select_xaxes(), *figure.select_yaxes()]
    return [axis.title.text for axis in axes if axis.title.text]


def test_the_training_curve_shows_every_epoch_and_the_kept_one(world) -> None:
    loss, validation, kept = draw_training_curve(world.history).data
    assert loss.x == validation.x == (1, 2, 3)
    assert loss.y == (5.0, 4.0, 3.0)
    assert validation.y == pytest.approx((0.1, 0.3, 0.2))
    assert (kept.x, kept.y) == ((2,), pytest.approx((0.3,)))
    assert titles(draw_training_curve(world.history)) == [
        "epoch", "training loss (nats)", "validation ndcg@10"
    ]  # fmt: skip


def test_the_training_curve_over_seconds_leaves_validation_out(world) -> None:
    figure = draw_training_curve(world.history, by="seconds")
    assert figure.data[0].x == (2.0, 4.0, 6.0)
    assert figure.data[2].x == (4.0,)
    assert "seconds of learning (s)" in titles(figure)


def test_a_long_training_does_not_tick_every_epoch(world) -> None:
    long = dataclasses.replace(world.history, epochs=world.history.epochs * 5)
    few, many = (next(draw_training_curve(h).select_xaxes()).dtick for h in (world.history, long))
    assert (few, many) == (1, None)


def test_cleaning_shows_what_was_kept_and_what_each_rule_removed(world) -> None:
    report = world.cleaning
    [bars] = draw_cleaning(report).data
    assert bars.y[0] == "kept"
    assert dict(zip(bars.y, bars.x, strict=True)) == {
        "kept": report.rows_kept,
        **{each.rule: each.rows for each in report.removals if each.rows},
    }
    assert sum(bars.x) == report.rows_in
    assert titles(draw_cleaning(report)) == ["rows"]


def test_history_lengths_are_counted_by_doublings() -> None:
    figure = draw_history_lengths(Lengths(1, 4.5, 6.25, 20.0, 300, (4, 0, 7, 1)))
    [bars] = figure.data
    assert bars.x == ("1", "2 to 3", "4 to 7", "8 to 15")
    assert bars.y == (4, 0, 7, 1)
    for number in ("shortest 1", "median 4.5", "mean 6.25", "at most 20", "longest 300"):
        assert number in figure.layout.title.text
    assert titles(figure) == ["length of a history (events)", "users"]


def test_a_log_without_any_history_has_none_to_draw(world) -> None:
    empty = dataclasses.replace(world.description, lengths=None)
    with pytest.raises(ConfigurationError, match="no history to draw"):
        draw_description(empty)


def test_a_comparison_shows_means_and_differences_with_their_intervals(world) -> None:
    comparison = world.comparison
    figure = draw_comparison(comparison)
    means, differences = figure.data
    for name, mean, above, below in zip(
        means.y, means.x, means.error_x.array, means.error_x.arrayminus, strict=True
    ):
        [report] = [each for each in comparison.reports if each.name == name]
        interval = report.metrics["ndcg@10"]
        assert mean == interval.mean
        assert (mean + above, mean - below) == pytest.approx((interval.high, interval.low))
    assert list(means.x) == sorted(means.x, reverse=True)
    [difference] = comparison.differences
    assert (differences.x, differences.y) == ((difference.interval.mean,), ("popularity",))
    assert titles(figure)[:2] == ["ndcg@10, 95 % interval", "ndcg@10 difference, 95 % interval"]


@pytest.mark.parametrize(
    ("low", "high", "colour"), [(0.1, 0.3, GREEN), (-0.3, -0.1, ORANGE), (-0.1, 0.1, GREY)]
)
def test_a_difference_takes_the_colour_of_its_verdict(world, low, high, colour) -> None:
    [difference] = world.comparison.differences
    interval = dataclasses.replace(difference.interval, low=low, high=high)
    changed = dataclasses.replace(
        world.comparison, differences=(dataclasses.replace(difference, interval=interval),)
    )
    assert draw_comparison(changed).data[1].marker.color == (colour,)


def test_an_evaluation_shows_every_metric(world) -> None:
    report = world.comparison.reports[0]
    [dots] = draw_evaluation(report).data
    assert list(dots.y) == list(report.metrics)
    assert list(dots.x) == [each.mean for each in report.metrics.values()]


def test_an_explanation_shows_attention_and_effect_side_by_side(world) -> None:
    figure = draw_explanation(world.attentive)
    attention, effect = figure.data
    shown = world.attentive.most_important(12)
    assert attention.x == pytest.approx([100 * event.attention for event in shown])
    assert effect.x == tuple(event.effect for event in shown)
    assert effect.marker.color == tuple(ORANGE if e.effect < 0 else GREEN for e in shown)
    assert attention.marker.color == (BLUE,) * 12
    assert titles(figure) == ["attention (%)", "effect (log-odds)"]
    names = [note for note in figure.layout.annotations if note.text.startswith("Event")]
    assert [note.text.split()[1] for note in names] == [event.name.split()[1] for event in shown]
    # The oldest event lies at the bottom, so that the newest one is on top.
    assert attention.y == tuple(range(12))
    assert shown[0].time < shown[-1].time


def test_an_explanation_without_attention_has_one_panel(world) -> None:
    figure = draw_explanation(world.plain)
    [effect] = figure.data
    assert list(effect.x) == [event.effect for event in world.plain.events]
    assert titles(figure) == ["effect (log-odds)"]


def test_effects_too_small_to_matter_look_small(world) -> None:
    tiny = dataclasses.replace(
        world.plain, events=(EventReason("a", effect=0.001), EventReason("b", effect=np.inf))
    )
    low, high = draw_explanation(tiny).layout.xaxis.range
    assert (low, high) == pytest.approx((-0.22, 0.22))


def test_an_event_without_effect_or_time_can_be_drawn(world) -> None:
    alone = dataclasses.replace(world.plain, events=(EventReason(None, attention=1.0),))
    figure = draw_explanation(alone)
    assert figure.data[1].x == (None,)
    assert figure.data[0].hovertext == ("an item the model does not know<br>attention 100.0 %",)


def everything(world) -> Iterator[object]:
    yield from (world.cleaning, world.comparison, world.description, world.history)
    yield from (world.plain, world.comparison.reports[0], world.description.lengths)
    yield from (world.data, world.data.latest.activity, world.data.latest.popularity)
    yield from (world.data.latest.histories, world.data.series[0])


def test_plot_draws_every_kind_of_result(world) -> None:
    results = list(everything(world))
    assert {type(result) for result in results} == set(DRAWINGS)
    for result in results:
        figure = plot(result)
        assert len(figure.data)
        assert titles(figure)
        assert "<script" not in json.dumps(figure.to_plotly_json(), default=str)


def test_plot_says_what_can_be_drawn() -> None:
    with pytest.raises(
        ConfigurationError, match=r"picture of str.*CleaningReport, Comparison, DataReport"
    ):
        plot("a string")


def test_labels_are_one_short_line_of_text() -> None:
    assert label("a\n  b\tc") == "a b c"
    assert label("x" * 50, 10) == "x" * 9 + "…"
    assert label('<a href="x">&') == '&lt;a href="x"&gt;&amp;'


def test_without_plotly_one_sentence_says_how_to_get_it(world, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"Drawing needs plotly.*regard\[report\]"):
        plot(world.cleaning)


def test_the_rooms_of_pictures_load_neither_plotly_nor_torch() -> None:
    program = (
        "import regard.viz.plot, regard.viz.page, sys;"
        "print([name for name in ('plotly', 'torch') if name in sys.modules])"
    )
    seen = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert seen.stdout.strip() == "[]"
