"""Benchmarks are scripts, not a package: their folder is looked in, as when one of them runs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
