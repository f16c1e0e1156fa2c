"""Rows of text as an aligned table, plain or Markdown."""

from collections.abc import Sequence


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Columns aligned with spaces, the first to the left, the others to the right.

    Args:
        header: one title for each column.
        rows: cells, as many in each row as the header has.
        indent: what every line begins with.

    Returns:
        Lines joined by newlines, none with trailing blanks.

    Example:
        >>> print(plain_table(["metric", "@10"], [["ndcg", "0.1"]]))
          metric  @10
          ------  ---
          ndcg    0.1
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(indent + _line(cells, widths) for cells in (header, rule, *rows))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""The same table for a README or an issue.

    Args:
        header: one title for each column.
        rows: cells, as many in each row as the header has.

    Returns:
        Lines joined by newlines.

    Example:
        >>> print(markdown_table(["metric", "@10"], [["ndcg", "a|b"]]))
        | metric | @10 |
        |:---|---:|
        | ndcg | a\|b |
    """
    rule = "|:---|" + "---:|" * (len(header) - 1)
    cells = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (header, *rows)]
    lines = [f"| {line} |" for line in cells]
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    aligned = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return "  ".join(aligned).rstrip()
