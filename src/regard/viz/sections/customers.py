"""A few people: what they did, what they are shown, and why."""

from collections.abc import Sequence
from typing import Final

from regard.explanation.result import Explanation, day, item_name
from regard.recommender.answers import Recommendations
from regard.viz.contents import CustomerCase, PastEvent
from regard.viz.explanation import draw_explanation
from regard.viz.markup import Html, chart, element, folded, items, joined, render, section

_SHOWN: Final = 8
"""Events of a history that are shown at once; the rest unfolds."""


def customers_section(cases: Sequence[CustomerCase]) -> Html:
    """One article for each person.

    Args:
        cases: at least one.

    Returns:
        The section.
    """
    articles = (_article(case, number) for number, case in enumerate(cases))
    return section("customers", "Whom it recommends what, and why", *articles)


def _article(case: CustomerCase, number: int) -> Html:
    """History and recommendations side by side, reasons beneath."""
    both = element("div", _history(case.history), _answers(case.recommendations), css="columns")
    reasons = (
        _reason(why, f"customer-{number}-{place}") for place, why in enumerate(case.explanations)
    )
    return element("article", element("h3", case.heading), both, joined(reasons))


def _history(events: Sequence[PastEvent]) -> Html:
    """Newest first; the rest of a long history unfolds."""
    newest_first = [_event(event) for event in reversed(events)]
    parts = [element("h4", f"Latest events ({len(events):,}, newest first)")]
    parts.append(items(newest_first[:_SHOWN], css="plain") if events else element("p", "Nothing."))
    if len(events) > _SHOWN:
        rest = f"{len(events) - _SHOWN:,} earlier events"
        parts.append(folded(rest, items(newest_first[_SHOWN:], css="plain")))
    return element("div", *parts)


def _event(event: PastEvent) -> Html:
    when = [] if event.time is None else [element("small", day(event.time))]
    return render(item_name(event.item, event.title), *when)


def _answers(answer: Recommendations) -> Html:
    """Best first, with score, and whether the history holds the item already."""
    rows = [
        element(
            "li",
            item_name(each.item, each.title),
            element("small", f"{each.score:.3f}"),
            element(
                "span",
                "had before" if each.seen else "new",
                css="badge" if each.seen else "badge new",
            ),
        )
        for each in answer
    ]
    heading = element("h4", f"Recommended by {answer.answered_by}")
    return element(
        "div", heading, element("ol", joined(rows), css="plain"), items(answer.notes, css="notes")
    )


def _reason(why: Explanation, anchor: str) -> Html:
    """The sentence, the chart, and how far to believe it."""
    caption = (
        "Newest event on top. Effect: by how much the log-odds of the item fall when the event is "
        "removed; left of zero it speaks against the item, within the grey band it hardly matters."
    )
    if why.has_attention:
        caption += " Attention: where the model looked, which is not the same as why."
    evidence = []
    if why.agreement is not None:
        evidence.append(f"Attention and effects agree with rank correlation {why.agreement:+.2f}.")
    if why.check is not None:
        evidence.append(str(why.check))
    return joined(
        [
            element("h4", f"Why {why.name}?"),
            element("p", why.sentence, css="reason"),
            *([chart(draw_explanation(why), anchor, caption)] if why.events else []),
            items(evidence, css="notes"),
        ]
    )
