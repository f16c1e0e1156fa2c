"""What the log was: its size, its columns, and what in it should make a reader doubt."""

from collections.abc import Iterator
from pathlib import PurePath

from regard.data.description import Description
from regard.viz.history_lengths import draw_history_lengths
from regard.viz.markup import Html, chart, element, folded, items, joined, section, table


def log_section(description: Description) -> Html:
    """Tiles of numbers, doubts, columns, lengths of histories.

    Args:
        description: of the raw log.

    Returns:
        The section.
    """
    tiles = element("div", joined(_tiles(description)), css="tiles")
    source = PurePath(description.source)
    # The folders of whoever made the report are nobody's business.
    shown = source.name if source.is_absolute() else description.source
    parts = [element("p", f"Source: {shown}"), tiles]
    if description.doubts:
        parts += [element("h3", "What to doubt"), items(description.doubts, css="doubts")]
    parts.append(folded("Columns and what they are taken for", _roles(description)))
    if description.notes:
        parts.append(folded("What was decided while reading", items(description.notes)))
    if description.lengths is not None:
        caption = (
            "How many users are known by how many events, in the raw log. Each bar stands for "
            "histories up to twice as long as the bar before it."
        )
        parts.append(element("h3", "How much is known of one person"))
        parts.append(chart(draw_history_lengths(description.lengths), "lengths", caption))
    return section("log", "What the log was", *parts)


def _tiles(description: Description) -> Iterator[Html]:
    """The numbers that say most, large."""
    yield _tile(f"{description.rows:,}", "rows")
    yield _tile(f"{description.users:,}", "users")
    yield _tile(f"{description.items:,}", "items")
    if description.span is not None:
        for moment, what in zip(description.span, ("first day", "last day"), strict=True):
            yield _tile(moment[:10], what)
    yield _tile(f"{100 * description.repeats:.0f} %", "rows repeat a user's item")
    yield _tile(f"{100 * description.ties:.0f} %", "next events at the same time")


def _tile(number: str, what: str) -> Html:
    return element("div", element("strong", number), element("span", what), css="tile")


def _roles(description: Description) -> Html:
    """Which column plays which role, why, and what it lacks."""
    rows = [
        [
            role,
            description.roles.get(role, role),
            f"{missing:,}",
            f"{description.non_positive[role]:,}" if role in description.non_positive else "",
            description.reasons.get(role, "as given"),
        ]
        for role, missing in description.missing.items()
    ]
    header = ["role", "column", "missing", "zero or less", "why"]
    return table(header, rows, words=(0, 1, 4))
