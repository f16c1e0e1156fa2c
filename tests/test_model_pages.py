"""The pages of docs/models are those that the code gives."""

import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "model_pages.py"


def test_the_pages_are_those_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}; run python scripts/model_pages.py"


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    stale = runpy.run_path(str(SCRIPT))["stale"]
    wanted = {"a.md": "A\n", "b.md": "B\n", "c.md": "C\n"}
    for name, text in {"a.md": "A\n", "b.md": "changed\n", "gone.md": "G\n"}.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert stale(tmp_path, wanted) == ["b.md", "c.md", "gone.md"]
    assert stale(tmp_path / "nowhere", {}) == []
