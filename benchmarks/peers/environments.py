"""An environment of its own for each peer: made, timed, weighed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TORCH = "torch==2.13.0"
"""Installed first and everywhere, so that its own time and size are no peer's."""


class PeerError(Exception):
    """A peer cannot be installed or does not run; the others go on."""


@dataclass(frozen=True)
class Peer:
    """Something to measure.

    Attributes:
        name: of its requirements file, and in the results.
        script: what teaches it.
        imports: what a user imports before teaching.
        allocator: whether to try it with a kinder memory allocator as well.
        looks: how many times as often as the others its quality is measured; one that is quick
            would otherwise have passed several levels between two looks.
    """

    name: str
    script: str
    imports: str
    allocator: bool = True
    looks: int = 1

    @property
    def requirements(self) -> Path:
        """The file that pip reads."""
        return HERE / f"requirements-{self.name}.txt"

    def digest(self) -> str:
        """Of everything that its environment is made of."""
        files = [self.requirements]
        if self.name == "regard":
            files += [ROOT / "pyproject.toml", *sorted((ROOT / "src").rglob("*.py"))]
        return digest_of(files, TORCH)


PEERS = {
    peer.name: peer
    for peer in (
        Peer("recbole", "with_recbole.py", "from recbole.quick_start import run_recbole"),
        Peer("rectools", "with_rectools.py", "from rectools.models import SASRecModel"),
        Peer(
            "replay",
            "with_replay.py",
            "from replay.nn.sequential import SasRec; from replay.nn.lightning import *",
        ),
        Peer("naive", "naive.py", "import torch"),
        # As a user runs it, who sets nothing.
        Peer(
            "regard",
            "with_regard.py",
            "import regard.recommender.networks",
            allocator=False,
            looks=3,
        ),
    )
}


def digest_of(files: list[Path], *words: object) -> str:
    """What files and settings are, in a few letters."""
    found = hashlib.sha256(repr(words).encode())
    for path in files:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def environment_of(peer: Peer, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Make a peer's environment, or take the one that was made of the same.

    Args:
        peer: what to install.
        folder: of the peer; the environment lies in `venv`.

    Returns:
        Its Python, and what making it took.

    Raises:
        PeerError: pip says no, or what was installed cannot be imported.
    """
    venv, notes = folder / "venv", folder / "environment.json"
    python = venv / "bin" / "python"
    if notes.exists():
        known: dict[str, Any] = json.loads(notes.read_text("utf-8"))
        if known["digest"] == peer.digest():
            return python, known
        notes.unlink()
    shutil.rmtree(venv, ignore_errors=True)
    call([sys.executable, "-m", "venv", str(venv)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    found = {
        "digest": peer.digest(),
        "torch_seconds": call([*pip, TORCH]),
        "install_seconds": call([*pip, "-r", str(peer.requirements)]),
        "import_seconds": import_seconds(python, peer.imports),
        "megabytes": megabytes(venv),
    }
    notes.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return python, found


def call(words: list[str]) -> float:
    """Run a command in the root of the checkout; returns its seconds.

    Raises:
        PeerError: it failed; says how.
    """
    began = time.perf_counter()
    done = subprocess.run(
        words, cwd=ROOT, env=surrounding({}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PeerError(f"{' '.join(words[1:])}: {last_words(done.stderr)}")
    return time.perf_counter() - began


def surrounding(variables: dict[str, str]) -> dict[str, str]:
    """The variables of a process that belongs to no other environment."""
    outer = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in outer} | variables


def last_words(text: str, lines: int = 3) -> str:
    """The end of what a process said, on one line."""
    return " / ".join(line.strip() for line in text.strip().splitlines()[-lines:])[-400:]


def import_seconds(python: Path, imports: str) -> float:
    """Seconds of an import, the median of three fresh processes; the start of Python not counted.

    Raises:
        PeerError: it cannot be imported.
    """
    code = (
        f"import time; began = time.perf_counter()\n{imports}\nprint(time.perf_counter() - began)"
    )
    taken = []
    for _ in range(4):  # the first one also compiles, and is not counted
        done = subprocess.run(
            [str(python), "-c", code],
            env=surrounding({}),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PeerError(f"{imports}: {last_words(done.stderr)}")
        taken.append(float(done.stdout.split()[-1]))
    return median(taken[1:])


def megabytes(folder: Path) -> float:
    """Size of everything in a folder, links not followed."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6
