"""Which items have the events, and how much is known of one person."""

from collections.abc import Iterator

from regard.data.overview.popularity import Popularity
from regard.data.overview.report import DataReport
from regard.data.report import percent
from regard.viz.history_lengths import draw_histories
from regard.viz.markup import Html, chart, element, section, table
from regard.viz.popularity import draw_lorenz, draw_ranks


def popularity_section(report: DataReport) -> Html:
    """Popularity by rank and as a share of all, then the lengths of histories.

    Args:
        report: of the log.

    Returns:
        The section.
    """
    parts = [*_items(report), *_histories(report)]
    nothing = element("p", "No row with an item or a user is left, so there is nothing to draw.")
    return section("items", "Items and people", *(parts or [nothing]))


def _items(report: DataReport) -> Iterator[Html]:
    """A sentence, both curves, the busiest items."""
    spread = report.latest.popularity
    if spread is None:
        return
    heads = "; ".join(
        f"the top {100 * share:.0f} % have {percent(events)}" for share, events in spread.head
    )
    yield element(
        "p",
        f"{spread.half:,} of {spread.items:,} items have half of the events: {heads}. "
        f"{spread.once:,} items have a single event.",
    )
    before = report.before.popularity if report.after is not None else None
    ranks = "Events of the most popular item, the second, and so on; both axes are logarithmic."
    if before is not None:
        ranks += " Grey: before cleaning."
    lorenz = (
        f"How much the least popular items have together; the Gini coefficient is "
        f"{spread.gini:.3f} (0: all alike, the dotted line; 1: one has all)."
    )
    yield element(
        "div",
        chart(draw_ranks(spread, before), "ranks", ranks, _ranks(spread)),
        chart(draw_lorenz(spread), "lorenz", lorenz, _shares(spread)),
        css="pictures",
    )
    yield element("h3", "The busiest items")
    yield _busiest(spread)


def _histories(report: DataReport) -> Iterator[Html]:
    """How many users have at least so many events."""
    curve = report.latest.histories
    if curve is None:
        return
    before = report.before.histories if report.after is not None else None
    caption = (
        "How many users are known by at least so many events; both axes are logarithmic. What a "
        "model learns from begins at two."
    )
    if before is not None:
        caption += " Grey: before cleaning."
    pairs = zip(curve.lengths, curve.users, strict=True)
    rows = [[f"{length:,}", f"{users:,}"] for length, users in pairs]
    yield element("h3", "How much is known of one person")
    numbers = table(["at least so many events", "users"], rows, words=())
    yield chart(draw_histories(curve, before), "histories", caption, numbers)


def _busiest(spread: Popularity) -> Html:
    """The items with most events, with their titles where the log has any."""
    if all(each.title is None for each in spread.top):
        return table(["item", "events"], [(str(e.item), f"{e.events:,}") for e in spread.top])
    rows = [(str(each.item), each.title or "–", f"{each.events:,}") for each in spread.top]
    return table(["item", "title", "events"], rows, words=(0, 1))


def _ranks(spread: Popularity) -> Html:
    """The rank-frequency curve as a table."""
    pairs = zip(spread.ranks, spread.counts, strict=True)
    rows = [[f"{rank:,}", f"{events:,}"] for rank, events in pairs]
    return table(["place", "events"], rows, words=())


def _shares(spread: Popularity) -> Html:
    """The Lorenz curve as a table."""
    rows = [[f"{100 * items:.1f} %", f"{100 * events:.2f} %"] for items, events in spread.lorenz]
    return table(["share of the items", "share of the events"], rows, words=())
