"""What the log was and is: its size, its columns, and what in it should make a reader doubt."""

from collections.abc import Iterable, Iterator

from regard.data.description import Description
from regard.data.doubts import Doubt
from regard.data.overview.look import Missing
from regard.data.overview.report import DataReport
from regard.viz.contents import shown_source
from regard.viz.markup import Html, element, folded, items, joined, section, table


def log_section(report: DataReport) -> Html:
    """Tiles of numbers, doubts, the numbers before and after cleaning, columns.

    Args:
        report: of the log.

    Returns:
        The section.
    """
    description = report.before.description
    tiles = element("div", joined(_tiles(description)), css="tiles")
    parts = [element("p", f"Source: {shown_source(report.source)}"), tiles]
    if report.doubts:
        doubts = joined(map(_doubt, report.doubts))
        parts += [element("h3", "What to doubt"), element("ol", doubts, css="doubts")]
    if report.after is None:
        parts.append(folded("All numbers", _table(("", "log"), report.comparison())))
    else:
        parts.append(element("h3", "Before and after cleaning"))
        parts.append(_table(("", "before", "after"), report.comparison()))
    parts.append(element("h3", "What is missing"))
    parts += _missing(report)
    parts.append(folded("Columns and what they are taken for", _roles(description)))
    if description.notes:
        parts.append(folded("What was decided while reading", items(description.notes)))
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


def _doubt(doubt: Doubt) -> Html:
    """How serious it is, the sentence, and what cleaning did about it."""
    severity = element("span", doubt.severity, css=f"badge {doubt.severity}")
    if doubt.remains is None:
        return element("li", severity, doubt.text)
    if doubt.remains:
        return element("li", severity, doubt.text, element("span", "remains", css="badge"))
    settled = element("span", "settled by cleaning", css="badge settled")
    return element("li", severity, doubt.text, settled, css="settled-by-cleaning")


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Html:
    """As many columns of each row as the header has."""
    return table(header, [row[: len(header)] for row in rows])


def _missing(report: DataReport) -> Iterator[Html]:
    """The columns that lack something, before cleaning and after it; the others by name."""
    roles = report.before.description.roles
    names = {column: roles.get(column, column) for column in report.before.missing}
    looks = [look.missing for look in (report.before, report.after) if look is not None]
    lacking = [column for column in names if any(look[column] != Missing(0, 0) for look in looks)]
    if lacking:
        header = ["column", "empty", "blank text"] + ["empty after", "blank after"] * (
            len(looks) - 1
        )
        rows = [
            [names[column], *(text for look in looks for text in _lacks(look[column]))]
            for column in lacking
        ]
        yield table(header, rows)
    whole = [name for column, name in names.items() if column not in lacking]
    if whole:
        yield element("p", f"Nothing is missing in {', '.join(whole)}.")


def _lacks(missing: Missing) -> tuple[str, str]:
    return f"{missing.empty:,}", f"{missing.blank:,}"


def _roles(description: Description) -> Html:
    """Which column plays which role, and why."""
    rows = [
        [
            role,
            description.roles.get(role, role),
            f"{description.non_positive[role]:,}" if role in description.non_positive else "",
            description.reasons.get(role, "as given"),
        ]
        for role in description.missing
    ]
    return table(["role", "column", "zero or less", "why"], rows, words=(0, 1, 3))
