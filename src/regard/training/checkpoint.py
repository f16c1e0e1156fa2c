"""Everything a stopped training needs to go on as if nothing had happened."""

import hashlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from regard.data.atomic import atomic_file
from regard.errors import TrainingError

_HEADER = b"Regard checkpoint, format 2\n"
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    Attributes:
        run: a digest of recipe and data; a checkpoint is only good for its own run.
        epoch: the epoch under way, from 0.
        batch: batches of it that are done.
        model: parameters.
        average: of the parameters of late, and how many it was made of.
        best: parameters at the best validation so far; empty before the first.
        optimiser: its moments.
        random: state of torch's generator on the processor.
        random_device: state of the generator of the GPU, or None.
        progress: sums of the epoch under way and the epochs that are done, as plain values.
    """

    run: str
    epoch: int
    batch: int
    model: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    optimiser: dict[str, Any]
    random: torch.Tensor
    random_device: torch.Tensor | None
    progress: dict[str, Any]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint so that a crash at any moment leaves the old or the new one, whole.

    Args:
        checkpoint: what to keep.
        path: of the file.
    """
    with atomic_file(path) as draft, draft.open("wb", buffering=0) as raw:
        raw.write(_HEADER + bytes(_DIGEST_BYTES))
        file = _Digesting(raw)
        torch.save(checkpoint.__dict__, file)
        file.detach()  # which writes what it still holds
        raw.seek(len(_HEADER))
        raw.write(file.digest.digest())


def load_checkpoint(path: Path, run: str) -> Checkpoint:
    """Read a checkpoint of a certain run; nothing inside is executed.

    Args:
        path: of the file.
        run: digest of the run that wants to go on.

    Returns:
        The checkpoint.

    Raises:
        TrainingError: the file is damaged, or belongs to another run.
    """
    advice = "Delete it, or pass --restart, to train from the beginning."
    try:
        checkpoint = Checkpoint(**_content(path))
    except (OSError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError) as broken:
        raise TrainingError(
            f"The checkpoint {path} is damaged or of another version of Regard. {advice}"
        ) from broken
    if checkpoint.run != run:
        raise TrainingError(
            f"The checkpoint {path} was left by a run with other data or settings. {advice}"
        )
    return checkpoint


class _Digesting(io.BufferedWriter):
    """A file that knows the digest of what was written, which is too large to hold twice."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self.digest = hashlib.sha256()

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return super().write(content)


def _content(path: Path) -> dict[str, Any]:
    """What was saved; torch itself would read changed numbers without a word."""
    with path.open("rb") as file:
        head = file.read(len(_HEADER) + _DIGEST_BYTES)
        if head != _HEADER + hashlib.file_digest(file, "sha256").digest():
            raise ValueError("Its checksum is not that of its content.")
        file.seek(len(head))
        values: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return values
