"""The flat arrays of `Sequences`, written one stretch after another."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.lib import format as npy
from numpy.typing import NDArray

from regard.data.sequences import Sequences
from regard.schema import USER

_TYPES = {"items": "<i4", "rows": "<i8", "times": "<f8"}


class FlatWriter:
    """Writes what `Sequences.save` would have written, had all of it been in memory.

    Nothing is mapped while it is written: pages of a mapped file count as the memory of a process.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with FlatWriter.into(folder, events=3, clock=False) as writer:
        ...     for user, items in (("ann", [2, 3]), ("zoe", [2])):
        ...         writer.add(pl.Series([user]), np.array([len(items)]),
        ...                    items=np.array(items), rows=np.arange(len(items)))
        >>> Sequences.open(folder).offsets.tolist()
        [0, 2, 3]
    """

    def __init__(self, folder: Path, files: dict[str, Any]) -> None:
        self._folder = folder
        self._files = files
        self._users: list[pl.Series] = []
        self._lengths: list[NDArray[Any]] = []

    @classmethod
    @contextmanager
    def into(cls, folder: Path, *, events: int, clock: bool) -> Iterator["FlatWriter"]:
        """Open a folder, and finish it at the end of the block.

        Args:
            folder: existing and empty.
            events: how many there will be in all.
            clock: whether they have times.
        """
        with ExitStack() as opened:
            files = {}
            for name in ("items", "rows", *(["times"] if clock else [])):
                # Unbuffered, for what is written is large already.
                file = opened.enter_context((folder / f"{name}.npy").open("wb", buffering=0))
                header = {"descr": _TYPES[name], "fortran_order": False, "shape": (events,)}
                npy.write_array_header_1_0(file, header)
                files[name] = file
            writer = cls(folder, files)
            yield writer
        writer._finish(clock)

    def add(self, users: pl.Series, lengths: NDArray[Any], **arrays: NDArray[Any]) -> None:
        """Append the histories of some users, who come after all users so far.

        Args:
            users: `(U,)` own ids.
            lengths: `(U,)` events of each.
            arrays: `items`, `rows`, and `times` where there is a clock; `(E,)` each.
        """
        self._users.append(users.rename(USER))
        self._lengths.append(lengths.astype(np.int64))
        for name, array in arrays.items():
            content, written = np.ascontiguousarray(array, _TYPES[name]).tobytes(), 0
            while written < len(content):  # the system takes 2 GB at most in one go
                written += self._files[name].write(memoryview(content)[written:])

    def _finish(self, clock: bool) -> None:
        """Write who the users are and where their histories lie."""
        lengths = np.concatenate([np.zeros(1, np.int64), *self._lengths])
        users = pl.concat(self._users) if self._users else pl.Series(USER, [], pl.String)
        Sequences.save_index(self._folder, users, np.cumsum(lengths), clock=clock)
