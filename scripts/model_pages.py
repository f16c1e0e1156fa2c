"""Write the pages about models, mechanisms and methods, from the code that they describe.

    python scripts/model_pages.py [--check]

`docs/models/` holds them and nothing else: a page whose subject is gone is removed.
"""

import argparse
import sys
from pathlib import Path

from regard.recommender.listing import listing
from regard.recommender.model_pages import index, page

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "models"


def pages() -> dict[str, str]:
    """Name of a file -> what it holds."""
    found = listing()
    for sentence in found.missing:
        sys.exit(sentence)
    return {"index.md": index(found)} | {f"{each.name}.md": page(each) for each in found.entries}


def stale(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Names of files that are missing, too many, or hold something else."""
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    return sorted(
        name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name)
    )


def main() -> None:
    """Write or check all pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say which pages are stale")
    given = parser.parse_args()
    wanted = pages()
    found = stale(FOLDER, wanted)
    if found:
        sys.stdout.write(f"{'stale' if given.check else 'written'}: {', '.join(found)}\n")
    if not given.check:
        FOLDER.mkdir(exist_ok=True)
        for name in found:
            if name in wanted:
                (FOLDER / name).write_text(wanted[name], "utf-8")
            else:
                (FOLDER / name).unlink()
    sys.exit(1 if found and given.check else 0)


if __name__ == "__main__":
    main()
