"""A point of a curve in a process of its own, so that no point warms or burdens another."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def point_of(script: Path, words: Sequence[str]) -> dict[str, Any] | str:
    """What a script prints as JSON, or why there is nothing; its errors end everything.

    Args:
        script: to be run.
        words: what follows its name.
    """
    called = [sys.executable, str(script), *words]
    done = subprocess.run(called, capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return f"killed by signal {-done.returncode}, most likely for want of memory"
    if done.returncode:
        sys.exit(f"{' '.join(called)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
