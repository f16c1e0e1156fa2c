"""The tables of figures in the pages are those of the saved results."""

import json
import runpy
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


def test_the_pictures_of_growth_are_of_its_results() -> None:
    page = (ROOT / "docs" / "growth.md").read_text("utf-8")
    saved = ROOT / "benchmarks" / "results" / "growth.json"
    if not saved.exists():
        assert page.count("Not measured yet") == 3
        assert "pictures/" not in page
        return
    results = json.loads(saved.read_text("utf-8"))
    digest = runpy.run_path(str(ROOT / "benchmarks" / "growth_pictures.py"))["digest"](results)
    for axis in ("items", "lengths", "users"):
        assert f"(pictures/growth-{axis}.svg)" in page
        picture = ROOT / "docs" / "pictures" / f"growth-{axis}.svg"
        assert f"results {digest}<" in picture.read_text("utf-8"), "run growth_pictures.py"


def test_the_pictures_of_mechanisms_are_of_their_results() -> None:
    page = (ROOT / "docs" / "mechanisms.md").read_text("utf-8")
    folder = ROOT / "benchmarks" / "results" / "mechanisms" / "step"
    found = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    if not any(each["state"] == "done" for each in found):
        assert "pictures/" not in page
        return
    module = ROOT / "benchmarks" / "mechanism_pictures.py"
    sys.path.insert(0, str(module.parent))
    mark = runpy.run_path(str(module))["mark"](found)
    for name in ("mechanisms-time", "mechanisms-memory"):
        assert f"(pictures/{name}.svg)" in page
        picture = ROOT / "docs" / "pictures" / f"{name}.svg"
        assert f"results {mark}<" in picture.read_text("utf-8"), "run benchmarks/mechanisms.py"
