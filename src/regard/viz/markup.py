"""HTML that cannot be injected into: text is escaped unless it is `Html` already.

Logs are hostile input: a title may hold `<script>`. Every function here takes plain text and
returns `Html`, so that what was not escaped cannot reach the page by oversight.
"""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_CHART_OPTIONS: Final = {"responsive": True, "displaylogo": False, "displayModeBar": False}


@dataclass(frozen=True)
class Html:
    """Markup that is safe to put on the page.

    Attributes:
        code: the markup.
    """

    code: str


def render(*parts: "str | Html") -> Html:
    """Join parts: text is escaped, markup is kept.

    Example:
        >>> render("<b> & ", Html("<br>")).code
        '&lt;b&gt; &amp; <br>'
    """
    return Html(
        "".join(part.code if isinstance(part, Html) else html.escape(part) for part in parts)
    )


def element(name: str, *parts: "str | Html", css: str = "") -> Html:
    """One element around parts.

    Args:
        name: of the element; never from a log.
        parts: its content; text is escaped.
        css: its class; never from a log.

    Returns:
        The element.

    Example:
        >>> element("p", "a < b", css="note").code
        '<p class="note">a &lt; b</p>'
    """
    kind = f' class="{html.escape(css)}"' if css else ""
    return Html(f"<{name}{kind}>{render(*parts).code}</{name}>")


def joined(parts: Iterable[Html]) -> Html:
    """Pieces of markup, one after the other."""
    return Html("\n".join(part.code for part in parts))


def items(texts: Iterable["str | Html"], css: str = "") -> Html:
    """An unordered list, or nothing for no items."""
    points = joined(element("li", text) for text in texts)
    return element("ul", points, css=css) if points.code else Html("")


def section(anchor: str, heading: str, *parts: Html) -> Html:
    """One section of the page with its heading.

    Args:
        anchor: its id; never from a log.
        heading: its heading.
        parts: its content.

    Returns:
        The section.
    """
    body = joined([element("h2", heading), *parts])
    return Html(f'<section id="{html.escape(anchor)}">\n{body.code}\n</section>')


def table(
    header: Sequence[str],
    rows: Iterable[Sequence["str | Html"]],
    *,
    words: Sequence[int] = (0,),
    marked: int | None = None,
) -> Html:
    """A table that scrolls sideways where the screen is narrow.

    Args:
        header: one title for each column.
        rows: cells, as many in each row as the header has.
        words: columns of text, aligned to the left; the others hold numbers.
        marked: row to emphasise.

    Returns:
        The table.
    """
    css = ["" if column in words else "number" for column in range(len(header))]
    titles = joined(element("th", title, css=c) for title, c in zip(header, css, strict=True))
    body = [
        element(
            "tr",
            joined(element("td", cell, css=c) for cell, c in zip(row, css, strict=True)),
            css="marked" if number == marked else "",
        )
        for number, row in enumerate(rows)
    ]
    parts = element("thead", element("tr", titles)), element("tbody", joined(body))
    return element("div", element("table", *parts), css="scroll")


def chart(figure: "Figure", anchor: str, caption: str, numbers: Html | None = None) -> Html:
    """A figure whose library the page carries already.

    Args:
        figure: a Plotly figure.
        anchor: its id, one of a kind on the page; never from a log.
        caption: what it shows and how to read it; also read aloud in place of the picture.
        numbers: a table of what is drawn, for who cannot see it; unfolds beneath.

    Returns:
        The figure with its caption.
    """
    drawn = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=f"chart-{anchor}",
        config=_CHART_OPTIONS,
        default_height=f"{figure.layout.height}px",
    )
    shown = Html(f'<div role="img" aria-label="{html.escape(caption)}">{drawn}</div>')
    beneath = [] if numbers is None else [folded("The numbers of this picture", numbers)]
    return element("figure", shown, element("figcaption", caption), *beneath)


def folded(summary: str, *parts: Html) -> Html:
    """Details that open when asked for."""
    return element("details", element("summary", summary), *parts)
