"""From a folder to memory: everything is checked before anything is used."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors.numpy import load_file

from regard.bundle.bundle import Bundle
from regard.bundle.manifest import NAME, Entry, read_manifest, verify_files
from regard.data.encoders.events import layout_of
from regard.data.encoders.fitted import Encoders
from regard.data.sequences import Sequences
from regard.data.vocabulary import Vocabulary
from regard.errors import BundleError, BundleMissingError

_ALWAYS: Final = (
    "recipe.toml",
    "card.json",
    "weights.safetensors",
    "vocabulary.parquet",
    "catalogue.parquet",
)
_HISTORIES: Final = tuple(
    f"histories/{name}"
    for name in ("sequences.json", "users.parquet", "offsets.npy", "items.npy", "rows.npy")
)
_FEATURES: Final = ("histories/feature-codes.npy", "histories/feature-numbers.npy")
_ENCODERS: Final = "encoders/encoders.json"
# Parsers raise anything at all on bytes that are not theirs; Polars' panic is no Exception.
_UNREADABLE: Final = (Exception, pl.exceptions.PanicException)


def read_bundle(folder: Path | str, *, verify: bool = True) -> Bundle:
    """Open a trained model after checking every file that its manifest lists.

    Nothing in the folder is code and nothing is unpickled, so opening a bundle runs nothing that
    is inside. Histories are memory-mapped: their events are read when they are used, so the folder
    must stay where it is. Files that the manifest does not list are ignored.

    Args:
        folder: what `write_bundle` wrote.
        verify: compare the checksum of every file, which reads it once; otherwise of weights and
            events only the sizes, for a folder that was verified before.

    Returns:
        The bundle.

    Raises:
        BundleMissingError: the folder, its manifest or a listed file is not there.
        BundleVersionError: it was written in a format that this version cannot read.
        BundleChecksumError: a file is not what was written.
        BundleError: the manifest leads out of the folder, or a file does not hold what it should.

    Example:
        >>> read_bundle("no-such-model")
        Traceback (most recent call last):
        regard.errors.BundleMissingError: no-such-model does not exist; name the folder that `save`
        wrote.
    """
    folder = Path(folder)
    try:
        files = read_manifest(folder)
        _require_listed(folder, files, _ALWAYS)
        verify_files(folder, files, arrays=verify)
    except (OSError, RuntimeError) as unreadable:  # a link to itself is a RuntimeError
        raise BundleError(
            f"{folder} cannot be read ({unreadable}); check its permissions and links."
        ) from unreadable
    recipe = _read_recipe(folder)
    card = _read_card(folder)
    weights = _read_weights(folder)
    vocabulary = _read_vocabulary(folder)
    with _parsing(folder, "catalogue.parquet", "Parquet"):
        catalogue = pl.read_parquet(folder / "catalogue.parquet", glob=False)
    histories = _read_histories(folder, files)
    encoders = _read_encoders(folder, files)
    try:
        return Bundle(recipe, card, weights, vocabulary, catalogue, histories, encoders)
    except BundleError as unfit:
        raise BundleError(f"{folder} cannot be used: {unfit}") from unfit


def _require_listed(folder: Path, files: Mapping[str, Entry], names: tuple[str, ...]) -> None:
    """Refuse a bundle that would be read from files which nobody has checked."""
    for name in names:
        if name not in files:
            raise BundleMissingError(
                f"{folder / NAME} does not list {name}, which every such bundle has; save the "
                "model again."
            )


@contextmanager
def _parsing(folder: Path, name: str, form: str) -> Iterator[None]:
    """Turn what a parser says into one sentence that names the file."""
    try:
        yield
    except _UNREADABLE as broken:
        reason = (str(broken).splitlines() or [type(broken).__name__])[0].rstrip(".")
        raise BundleError(
            f"{folder / name} does not hold {form} that can be used ({reason}); save the model "
            "again."
        ) from broken


def _read_recipe(folder: Path) -> dict[str, Any]:
    """The run as data."""
    with _parsing(folder, "recipe.toml", "TOML"):
        return tomllib.loads((folder / "recipe.toml").read_text("utf-8"))


def _read_card(folder: Path) -> dict[str, Any]:
    """What the model is; `Bundle` refuses a card that is no dictionary."""
    with _parsing(folder, "card.json", "JSON"):
        card: dict[str, Any] = json.loads((folder / "card.json").read_text("utf-8"))
    return card


def _read_weights(folder: Path) -> dict[str, NDArray[Any]]:
    """Parameters by name, in memory and writable."""
    with _parsing(folder, "weights.safetensors", "weights"):
        return {
            name: np.require(weight, requirements="W")
            for name, weight in load_file(folder / "weights.safetensors").items()
        }


def _read_vocabulary(folder: Path) -> Vocabulary:
    """The items the model knows, in the order of their codes."""
    with _parsing(folder, "vocabulary.parquet", "a vocabulary"):
        table = pl.read_parquet(folder / "vocabulary.parquet", glob=False)
        return Vocabulary(table["id"], table["count"].cast(pl.Int64).to_numpy())


def _read_histories(folder: Path, files: Mapping[str, Entry]) -> Sequences | None:
    """Every user's events, memory-mapped, or None where the bundle has none."""
    if not any(name.startswith("histories/") for name in files):
        return None
    _require_listed(folder, files, _HISTORIES)
    with _parsing(folder, "histories", "histories"):
        histories = Sequences.open(folder / "histories")
    if histories.times is not None:
        _require_listed(folder, files, ("histories/times.npy",))
    if histories.features is not None:
        _require_listed(folder, files, _FEATURES)
    return histories


def _read_encoders(folder: Path, files: Mapping[str, Entry]) -> Encoders | None:
    """What made the features of the histories, or None where the bundle has none."""
    tables = [name for name in files if re.fullmatch(r"encoders/\d+\.\w+\.parquet", name)]
    if _ENCODERS not in files:
        if tables:
            _require_listed(folder, files, (_ENCODERS,))
        return None
    with _parsing(folder, _ENCODERS, "encoders"):
        stored = json.loads((folder / _ENCODERS).read_text("utf-8"))
        frames = {
            name.removeprefix("encoders/").removesuffix(".parquet"): pl.read_parquet(
                folder / name, glob=False
            )
            for name in tables
        }
        encoders = Encoders.from_dict(stored, frames)
        layout_of(encoders)  # parameters that no encoder can work with are found here
    return encoders
