"""From memory to a folder: all of it or nothing."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import tomli_w
from safetensors import SafetensorError
from safetensors.numpy import save_file

from regard.bundle.bundle import Bundle, Weights
from regard.bundle.manifest import is_bundle, write_manifest
from regard.data.atomic import atomic_folder, refuse_others
from regard.errors import StorageError


def write_bundle(bundle: Bundle, folder: Path | str, *, overwrite: bool = False) -> None:
    """Write a trained model as a folder that appears complete or not at all.

    The same bundle gives the same bytes, so two folders can be compared by their manifests.

    Args:
        bundle: what to write.
        folder: where; missing parents are made.
        overwrite: replace a bundle that is there, once the new one is complete.

    Raises:
        StorageError: it could not be written, or a folder with content is there that is no bundle
            or may not be overwritten; what was there before is untouched.

    Example:
        >>> import tempfile
        >>> from regard.bundle import Bundle, read_bundle
        >>> from regard.data.vocabulary import Vocabulary
        >>> bundle = Bundle(
        ...     recipe={"model": "popularity"}, card={}, weights={"counts": np.array([2, 1])},
        ...     vocabulary=Vocabulary.fit(pl.Series(["tea", "tea", "milk"])),
        ...     catalogue=pl.DataFrame({"id": ["tea", "milk"], "title": ["Tea", "Milk"]}),
        ...     histories=None,
        ... )
        >>> with tempfile.TemporaryDirectory() as place:
        ...     write_bundle(bundle, Path(place, "model"))
        ...     read_bundle(Path(place, "model")).weights["counts"].tolist()
        [2, 1]
    """
    refuse_others(Path(folder), is_bundle, "bundle")
    with atomic_folder(folder, overwrite=overwrite) as draft:
        (draft / "recipe.toml").write_text(tomli_w.dumps(bundle.recipe), "utf-8")
        card = json.dumps(bundle.card, indent=2, ensure_ascii=False, allow_nan=False)
        (draft / "card.json").write_text(card + "\n", "utf-8")
        _write_weights(bundle.weights, draft / "weights.safetensors", folder)
        vocabulary = pl.DataFrame({"id": bundle.vocabulary.ids, "count": bundle.vocabulary.counts})
        vocabulary.write_parquet(draft / "vocabulary.parquet")
        bundle.catalogue.write_parquet(draft / "catalogue.parquet")
        if bundle.histories is not None:
            (draft / "histories").mkdir()
            bundle.histories.save(draft / "histories")
        if bundle.encoders is not None:
            bundle.encoders.save(draft / "encoders")
        write_manifest(draft)


def _write_weights(weights: Weights, path: Path, folder: Path | str) -> None:
    """Write arrays as they read, whatever their memory layout."""
    # safetensors writes the memory of an array as it lies; a transposed one would come back wrong.
    flat = {name: np.asarray(weight, order="C") for name, weight in weights.items()}
    try:
        save_file(flat, path)
        # safetensors lets nobody but the owner read; a bundle is as readable as any other folder.
        path.chmod((path.parent / "recipe.toml").stat().st_mode)
    except SafetensorError as broken:
        raise StorageError(
            f"{folder} could not be written ({broken}); nothing half-written was left behind. Free "
            "some space and try again."
        ) from broken
