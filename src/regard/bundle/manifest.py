"""The list of a bundle's files with their checksums, and the check of a folder against it.

Checksums find damage, not malice: whoever changes a file can change the manifest too. What keeps a
stranger's bundle harmless is that no file of it is ever run or unpickled.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from regard.errors import (
    BundleChecksumError,
    BundleError,
    BundleMissingError,
    BundleVersionError,
)

NAME: Final = "manifest.json"
FORMAT: Final = "regard-bundle"
VERSION: Final = 1
"""Version of the layout that is written, and the newest that can be read."""

# One or more names of files or folders below the bundle: nothing absolute, no drive, no '..'.
_SAFE_PATH: Final = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[\w.-]+(?:/[\w.-]+)*", re.ASCII)
_ARRAYS: Final = frozenset({".npy", ".safetensors"})
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """What a file of a bundle must be.

    Attributes:
        sha256: hexadecimal checksum of its content.
        bytes: its size.
    """

    sha256: str
    bytes: int

    @classmethod
    def of(cls, path: Path) -> "Entry":
        """Describe a file, read as a stream so that its size does not matter."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(digest, path.stat().st_size)


def write_manifest(folder: Path) -> None:
    """Describe every file that lies in a folder now, in `manifest.json` beside them.

    Args:
        folder: the complete bundle but for its manifest.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     _ = Path(place, "card.json").write_text("{}")
        ...     write_manifest(Path(place))
        ...     {name: entry.bytes for name, entry in read_manifest(Path(place)).items()}
        {'card.json': 2}
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "regard": version("regard"),
        "files": {path.relative_to(folder).as_posix(): asdict(Entry.of(path)) for path in files},
    }
    (folder / NAME).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def is_bundle(folder: Path) -> bool:
    """Whether a folder holds a bundle, sound or not, so that it may be replaced by another.

    Many programs call a file of theirs `manifest.json`; ours says what it is of.

    Args:
        folder: of anybody.

    Example:
        >>> is_bundle(Path("no-such-folder"))
        False
    """
    try:
        return FORMAT.encode() in (folder / NAME).read_bytes()
    except OSError:
        return False


def read_manifest(folder: Path) -> dict[str, Entry]:
    """Read which files a bundle consists of; nothing but the manifest is opened.

    Args:
        folder: a bundle.

    Returns:
        Path below the folder, with `/` between names -> what that file must be.

    Raises:
        BundleMissingError: the folder or its manifest is not there.
        BundleVersionError: it was written in a newer format.
        BundleError: the manifest is not one, or names a file outside the folder.
    """
    if not folder.is_dir():
        kind = "is a file, not a folder" if folder.exists() else "does not exist"
        raise BundleMissingError(f"{folder} {kind}; name the folder that `save` wrote.")
    path = folder / NAME
    if not path.is_file():
        raise BundleMissingError(
            f"{folder} has no {NAME}, so it is not a bundle; name the folder that `save` wrote."
        )
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as broken:
        raise BundleError(
            f"{path} is not JSON ({broken}), so nothing in {folder} can be trusted; save the "
            "model again."
        ) from broken
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(
            f"{path} does not say format {FORMAT!r}, so {folder} is not a bundle; name the folder "
            "that `save` wrote."
        )
    _require_readable_version(folder, manifest)
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise BundleError(f"{path} lists no files; save the model again.")
    return {name: _entry(path, name, described) for name, described in files.items()}


def verify_files(folder: Path, files: Mapping[str, Entry], *, arrays: bool = True) -> None:
    """Check that each listed file is there, inside the folder, and what was written.

    Args:
        folder: a bundle.
        files: what `read_manifest` returned for it.
        arrays: compare the checksums of weights and events too, which reads them once; their
            sizes alone otherwise. The tables are small and always compared, for a damaged Parquet
            file can bring its parser down.

    Raises:
        BundleMissingError: a file is not there.
        BundleChecksumError: a file has another size or content.
        BundleError: a file is a link that leads out of the folder.
    """
    home = folder.resolve()
    for name, written in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(home):
            raise BundleError(
                f"{path} is a link that leads out of the bundle and will not be followed; put the "
                "file itself there."
            )
        if not path.is_file():
            raise BundleMissingError(
                f"{path} is listed in {NAME} but is not there; copy the whole folder again."
            )
        size = path.stat().st_size
        if size != written.bytes:
            raise BundleChecksumError(
                f"{path} has {size:,} bytes instead of the {written.bytes:,} that were written; "
                "copy the whole folder again."
            )
        if (arrays or path.suffix not in _ARRAYS) and Entry.of(path) != written:
            raise BundleChecksumError(
                f"{path} is not what was written (its SHA-256 differs from the one in {NAME}); "
                "copy the whole folder again."
            )


def _require_readable_version(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse a layout that this version of Regard does not know."""
    number = manifest.get("version")
    if type(number) is int and number == VERSION:
        return
    here = version("regard")
    writer = f"Regard {manifest.get('regard', 'of an unknown version')}"
    if type(number) is int and number > VERSION:
        raise BundleVersionError(
            f"{folder} was written by {writer} in version {number} of the format, and Regard "
            f"{here} reads version {VERSION}; upgrade it (pip install --upgrade regard) or save "
            "the model again with this one."
        )
    raise BundleVersionError(
        f"{folder} was written by {writer} in version {number!r} of the format, which Regard "
        f"{here} does not know; it reads version {VERSION}. Save the model again."
    )


def _entry(manifest: Path, name: str, described: Any) -> Entry:
    """One line of the manifest, once it is known to be safe and well-formed."""
    if not _SAFE_PATH.fullmatch(name):
        raise BundleError(
            f"{manifest} lists {name!r}, which is no plain path inside the folder; do not use a "
            "bundle from somebody you do not trust."
        )
    match described:
        case {"sha256": str(sha256), "bytes": int(size)} if _SHA256.fullmatch(sha256):
            return Entry(sha256, size)
    raise BundleError(f"{manifest} gives no SHA-256 and size for {name!r}; save the model again.")
