"""The tables of figures in the pages are those of the saved results."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_tables_of_the_pages_are_those_of_the_results() -> None:
    words = [sys.executable, "benchmarks/tables.py", "--check"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}; run python benchmarks/tables.py"


def test_the_pages_have_tables() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        page = (ROOT / name).read_text("utf-8")
        for table in page.split("<!-- figures ")[1:]:
            assert table.partition("<!-- end of figures -->")[0].count("|") > 20
        assert page.count("<!-- figures ") == 2
