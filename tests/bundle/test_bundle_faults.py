"""A folder that is not what was written is refused, and half a folder never appears."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError

from regard.bundle import Bundle, manifest, read_bundle, write_bundle
from regard.bundle.manifest import read_manifest
from regard.errors import (
    BundleChecksumError,
    BundleError,
    BundleMissingError,
    BundleVersionError,
    StorageError,
)

Maker = Callable[..., Bundle]

LISTED = (
    "recipe.toml",
    "card.json",
    "weights.safetensors",
    "vocabulary.parquet",
    "catalogue.parquet",
    "histories/sequences.json",
    "histories/users.parquet",
    "histories/offsets.npy",
    "histories/items.npy",
    "histories/rows.npy",
    "histories/times.npy",
)


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def forge(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and give it the right size and checksum, as somebody with intent would."""
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    entry = {"sha256": digest, "bytes": len(content)}
    edit_manifest(folder, lambda content: content["files"].update({name: entry}))


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


# Damage


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_one_flipped_bit_is_found(saved: Path, name: str, where: float) -> None:
    flip(saved / name, round(where * ((saved / name).stat().st_size - 1)))
    with pytest.raises(BundleChecksumError, match=f"{name} is not what was written"):
        read_bundle(saved)


def test_one_flipped_bit_of_the_manifest_changes_nothing_that_is_read(saved: Path) -> None:
    path = saved / "manifest.json"
    whole = path.read_bytes()
    refused = 0
    for position in range(0, len(whole), 11):
        flip(path, position)
        try:
            assert read_bundle(saved).recipe["seed"] == 0
        except BundleError:
            refused += 1
        path.write_bytes(whole)
    assert refused > len(whole) // 11 // 2


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("verify", [True, False])
def test_a_cut_file_is_found_even_without_checksums(saved: Path, name: str, verify: bool) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[:-1])
    with pytest.raises(BundleChecksumError, match=rf"{name} has [\d,]+ bytes instead of the"):
        read_bundle(saved, verify=verify)


@pytest.mark.parametrize("name", LISTED)
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(BundleMissingError, match=f"{name} is listed in manifest.json but"):
        read_bundle(saved)


@pytest.mark.parametrize("name", LISTED)
def test_a_file_that_the_manifest_forgets_is_named(saved: Path, name: str) -> None:
    edit_manifest(saved, lambda content: content["files"].pop(name))
    with pytest.raises(BundleMissingError, match=f"does not list {name}"):
        read_bundle(saved)


@pytest.mark.parametrize("name", [name for name in LISTED if name.endswith(("parquet", "json"))])
def test_tables_are_compared_even_without_verify(saved: Path, name: str) -> None:
    flip(saved / name, (saved / name).stat().st_size // 2)
    with pytest.raises(BundleChecksumError, match=name):
        read_bundle(saved, verify=False)


def test_arrays_are_not_read_without_verify(saved: Path) -> None:
    flip(saved / "histories/times.npy", -1)
    assert read_bundle(saved, verify=False).histories is not None


# Not a bundle


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match="model does not exist"):
        read_bundle(tmp_path / "model")


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model").touch()
    with pytest.raises(BundleMissingError, match="model is a file, not a folder"):
        read_bundle(tmp_path / "model")


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match=r"has no manifest\.json, so it is not a bundle"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[" * 100_000, b"\x00"])
def test_a_manifest_that_is_not_json(saved: Path, content: bytes) -> None:
    (saved / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json is not JSON"):
        read_bundle(saved)


@pytest.mark.parametrize("content", ["[]", "3", "{}", '{"format": "onnx", "version": 1}'])
def test_a_manifest_of_something_else(saved: Path, content: str) -> None:
    (saved / "manifest.json").write_text(content)
    with pytest.raises(BundleError, match="does not say format 'regard-bundle'"):
        read_bundle(saved)


def test_a_newer_version_says_who_wrote_it_and_what_to_do(saved: Path) -> None:
    edit_manifest(saved, lambda content: content.update(version=2, regard="7.1.0"))
    with pytest.raises(
        BundleVersionError, match=r"written by Regard 7\.1\.0 in version 2 .*upgrade it"
    ):
        read_bundle(saved)


@pytest.mark.parametrize("number", [0, -1, True, 1.0, "1", None])
def test_a_version_that_never_was(saved: Path, number: object) -> None:
    edit_manifest(saved, lambda content: content.update(version=number))
    with pytest.raises(BundleVersionError, match="does not know; it reads version 1"):
        read_bundle(saved)


def test_a_manifest_without_files(saved: Path) -> None:
    edit_manifest(saved, lambda content: content.pop("files"))
    with pytest.raises(BundleError, match="lists no files"):
        read_bundle(saved)


@pytest.mark.parametrize(
    "entry", [None, "x", {}, {"sha256": "0" * 64}, {"sha256": "0", "bytes": 1}, {"bytes": 3}]
)
def test_an_entry_without_checksum_or_size(saved: Path, entry: object) -> None:
    edit_manifest(saved, lambda content: content["files"].update({"card.json": entry}))
    with pytest.raises(BundleError, match=r"gives no SHA-256 and size for 'card\.json'"):
        read_bundle(saved)


# Malice


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/../../x", "..", ".", "", "a//b", "a/./b", "a/", "C:\\x", "C:/x",
     "a\\..\\x", "~/x", "x\n", "x\0"],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(saved: Path, name: str) -> None:
    edit_manifest(
        saved,
        lambda content: content["files"].update({name: {"sha256": "0" * 64, "bytes": 1}}),
    )
    with pytest.raises(BundleError, match="no plain path inside the folder"):
        read_bundle(saved)


@pytest.mark.parametrize("linked", ["card.json", "histories"])
def test_a_link_out_of_the_folder_is_refused(saved: Path, tmp_path: Path, linked: str) -> None:
    shutil.move(saved / linked, tmp_path / "elsewhere")
    (saved / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="is a link that leads out of the bundle"):
        read_bundle(saved)


def test_a_link_to_itself_is_refused(saved: Path) -> None:
    (saved / "card.json").unlink()
    (saved / "card.json").symlink_to("card.json")
    # Python 3.13 and newer resolve such a link to itself, and then nothing is there.
    with pytest.raises(BundleError, match=r"check its permissions and links|is not there"):
        read_bundle(saved)


def test_a_file_that_may_not_be_read(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> manifest.Entry:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(manifest.Entry, "of", refuse)
    with pytest.raises(BundleError, match=r"model cannot be read .*Permission denied"):
        read_bundle(saved)


def test_a_link_to_the_folder_itself_is_welcome(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(saved)
    assert read_bundle(tmp_path / "latest").recipe["seed"] == 0


def test_a_file_that_is_not_listed_is_ignored(saved: Path) -> None:
    (saved / "README.md").write_text("notes of a colleague")
    (saved / "histories" / "more.npy").write_bytes(b"")
    assert read_bundle(saved).histories is not None


class Trap:
    """Pickles to a call that leaves a mark: if it was unpickled, the mark is there."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("name", [name for name in LISTED if name.endswith(".npy")])
def test_nothing_is_unpickled(saved: Path, tmp_path: Path, name: str) -> None:
    np.save(tmp_path / "trap.npy", np.array([Trap(tmp_path / "mark")], object), allow_pickle=True)
    forge(saved, name, (tmp_path / "trap.npy").read_bytes())
    with pytest.raises(BundleError, match="histories does not hold histories"):
        read_bundle(saved)
    assert not (tmp_path / "mark").exists()
    np.load(tmp_path / "trap.npy", allow_pickle=True)
    assert (tmp_path / "mark").exists(), "the trap itself does not work"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("recipe.toml", b"a = ", "recipe.toml does not hold TOML"),
        ("recipe.toml", b"\xff", "recipe.toml does not hold TOML"),
        ("card.json", b"{", "card.json does not hold JSON"),
        ("card.json", b"[" * 100_000, "card.json does not hold JSON"),
        ("card.json", b"[]", "model cannot be used: The card .* not list"),
        ("card.json", b'{"a": NaN}', r"model cannot be used: card\['a'\] is nan"),
        ("weights.safetensors", b"PK\3\4pickle", "weights.safetensors does not hold weights"),
        ("weights.safetensors", b"", "weights.safetensors does not hold weights"),
        ("vocabulary.parquet", b"id,count\n", "vocabulary.parquet does not hold a vocabulary"),
        ("catalogue.parquet", b"id,title\n", "catalogue.parquet does not hold Parquet"),
        ("histories/users.parquet", b"user\n", "histories does not hold histories"),
        ("histories/sequences.json", b"[]", "histories does not hold histories"),
        ("histories/offsets.npy", b"\x93NUMPY\1\0\5\0{'a' ", "histories does not hold histories"),
    ],
)
def test_a_file_of_another_kind_is_named(
    saved: Path, name: str, content: bytes, message: str
) -> None:
    forge(saved, name, content)
    with pytest.raises(BundleError, match=message):
        read_bundle(saved)


def test_a_vocabulary_with_an_id_twice_is_refused(saved: Path, make_bundle: Maker) -> None:
    vocabulary = make_bundle().vocabulary
    table = vocabulary.ids.to_frame("id").with_columns(count=vocabulary.counts)
    table[[0, 0, 1]].write_parquet(saved / "vocabulary.parquet")
    forge(saved, "vocabulary.parquet", (saved / "vocabulary.parquet").read_bytes())
    with pytest.raises(BundleError, match=r"a vocabulary that can be used .*each id once"):
        read_bundle(saved)


# Writing


def test_a_folder_with_content_is_kept_unless_asked(saved: Path, make_bundle: Maker) -> None:
    with pytest.raises(StorageError, match="not empty"):
        write_bundle(make_bundle(seed=1), saved)
    assert read_bundle(saved).recipe["seed"] == 0
    write_bundle(make_bundle(seed=1, histories=False), saved, overwrite=True)
    assert read_bundle(saved).recipe["seed"] == 1
    assert not (saved / "histories").exists()


@pytest.mark.parametrize("step", ["save_file", "write_manifest"])
def test_a_full_disk_leaves_what_was_there(
    saved: Path, make_bundle: Maker, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(f"regard.bundle.write.{step}", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_bundle(make_bundle(seed=1), saved, overwrite=True)
    assert os.listdir(saved.parent) == ["model"]  # noqa: PTH208 - hidden drafts count too
    assert read_bundle(saved).recipe["seed"] == 0


def test_weights_that_cannot_be_written_are_a_storage_error(
    tmp_path: Path, make_bundle: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("regard.bundle.write.save_file", full)
    with pytest.raises(StorageError, match=r"model could not be written \(I/O error: No space"):
        write_bundle(make_bundle(), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


WRITE_UNDER_A_LIMIT = """
import resource, sys
import numpy as np, polars as pl
from regard.bundle import read_bundle, write_bundle
from regard.bundle.bundle import Bundle
from regard.errors import StorageError

saved, target, part = sys.argv[1:]
parts = vars(read_bundle(saved))
if part == "weights":
    parts["weights"] = {"w": np.random.default_rng(0).random(100_000)}
elif part == "catalogue":
    titles = pl.Series(np.random.default_rng(0).random(100_000)).cast(pl.String)
    ids = pl.int_range(100_000, eager=True).cast(pl.String)
    parts["catalogue"] = pl.DataFrame({"id": ids, "title": titles})
else:
    parts["card"] = {"much": "x" * 100_000}
bundle = Bundle(**parts)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_bundle(bundle, target, overwrite=True)
except StorageError as refused:
    print(refused)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of files are POSIX's")
@pytest.mark.parametrize("part", ["weights", "catalogue", "card"])
def test_a_write_that_the_system_cuts_short_leaves_what_was_there(saved: Path, part: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", WRITE_UNDER_A_LIMIT, saved, saved, part],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "could not be written" in said.stdout, said
    assert "nothing half-written was left behind" in said.stdout
    assert os.listdir(saved.parent) == ["model"]  # noqa: PTH208 - hidden drafts count too
    assert read_bundle(saved).recipe["seed"] == 0


STOP_BEFORE_THE_MANIFEST = """
import sys, time
from regard.bundle import read_bundle, write, write_bundle

def wait(draft):
    print("half-way", flush=True)
    time.sleep(60)

write.write_manifest = wait
write_bundle(read_bundle(sys.argv[1]), sys.argv[2], overwrite=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("target", ["new", "model"])
def test_a_kill_half_way_leaves_no_half_bundle(saved: Path, target: str) -> None:
    place = saved.parent
    with subprocess.Popen(
        [sys.executable, "-c", STOP_BEFORE_THE_MANIFEST, saved, place / target],
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half-way\n"
        writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    assert not (place / "new").exists()
    assert read_bundle(saved).recipe["seed"] == 0


# Size


def test_checksums_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file far larger than memory allows is described without reading it whole."""
    large = tmp_path / "large.npy"
    with large.open("wb") as stream:
        stream.truncate(2**28)

    def refuse(path: Path) -> bytes:
        raise AssertionError(f"{path} was read whole")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    tracemalloc.start()
    entry = manifest.Entry.of(large)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert entry.bytes == 2**28
    assert peak < 2**23


def test_reading_the_manifest_opens_nothing_else(saved: Path) -> None:
    for name in LISTED:
        (saved / name).unlink()
    assert set(read_manifest(saved)) == set(LISTED)
