"""What a trained model consists of, in memory: plain values, arrays and tables.

On disk it is a folder that holds nothing but data::

    retail-sasrec/
        manifest.json          format, version, and the checksum of every other file
        recipe.toml            the run as data
        card.json              what it is: model, data, metrics, cleaning counts
        weights.safetensors    name -> array
        vocabulary.parquet     id, count
        catalogue.parquet      id, title
        encoders/              how features of events were encoded, where the model reads some
        histories/             every user's events, memory-mapped when opened
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regard.data.encoders.events import layout_of
from regard.data.encoders.fitted import Encoders
from regard.data.sequences import Sequences
from regard.data.vocabulary import Vocabulary
from regard.errors import BundleError
from regard.schema import UNKNOWN

Weights: TypeAlias = Mapping[str, NDArray[Any]]
"""Parameters by name."""

STORABLE: Final = frozenset({
    "bool", "float16", "float32", "float64",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
})  # fmt: skip
"""Names of the dtypes that weights may have."""

_IN_JSON: Final = (str, int, float, bool, type(None))
_IN_TOML: Final = (str, int, float, bool, date, datetime, time)


@dataclass(frozen=True, eq=False)
class Bundle:
    """A trained model as data: enough to answer requests, nothing that runs.

    Attributes:
        recipe: the run as nested dictionaries of what TOML can say (tuples come back as lists).
        card: what the model is, as nested dictionaries of what JSON can say; no NaN.
        weights: name -> array of whole numbers, floats or Booleans, any shape.
        vocabulary: the items the model knows.
        catalogue: one row per item that may be shown, with the columns `id` (unique, of the
            vocabulary's type) and `title` (text, may be null).
        histories: every user's events in the codes of the vocabulary, or None where the model
            only answers for histories that come with the request.
        encoders: what made the features of the histories, or None where the model reads none.

    Raises:
        BundleError: the parts do not fit together or hold what cannot be stored.

    Example:
        >>> import numpy as np, polars as pl
        >>> bundle = Bundle(
        ...     recipe={"model": "popularity"}, card={"ndcg@10": 0.12},
        ...     weights={"counts": np.array([5, 2])},
        ...     vocabulary=Vocabulary.fit(pl.Series(["tea", "tea", "milk"])),
        ...     catalogue=pl.DataFrame({"id": ["tea", "milk"], "title": ["Tea", None]}),
        ...     histories=None,
        ... )
        >>> sorted(bundle.weights), len(bundle.vocabulary)
        (['counts'], 2)
    """

    recipe: dict[str, Any]
    card: dict[str, Any]
    weights: Weights
    vocabulary: Vocabulary
    catalogue: pl.DataFrame
    histories: Sequences | None
    encoders: Encoders | None = None

    def __post_init__(self) -> None:
        _require_plain("recipe", self.recipe, _IN_TOML)
        _require_plain("card", self.card, _IN_JSON)
        if "__metadata__" in self.weights:
            raise BundleError(
                "A weight is named '__metadata__', which safetensors keeps for itself; rename it."
            )
        for name, weight in self.weights.items():
            if weight.dtype.name not in STORABLE:
                raise BundleError(
                    f"The weight {name!r} holds {weight.dtype}; a bundle stores whole numbers, "
                    "floats of at most 64 bits and Booleans. Convert it first."
                )
        _require_catalogue(self.catalogue, self.vocabulary)
        if self.histories is not None:
            _require_histories(self.histories, self.vocabulary)
            _require_features(self.histories, self.encoders)


def _require_plain(what: str, value: Any, allowed: tuple[type, ...]) -> None:
    """Refuse by name the first value that a text file cannot hold."""
    if not isinstance(value, dict):
        raise BundleError(f"The {what} of a bundle is a dictionary, not {type(value).__name__}.")
    for where, why in _misfits(value, what, allowed):
        raise BundleError(f"{where} {why}; a bundle cannot store that. Give a plain value.")


def _misfits(value: Any, where: str, allowed: tuple[type, ...]) -> Iterator[tuple[str, str]]:
    """Where a nested value holds something unfit, and why it is unfit."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _misfits(key, f"the key {key!r} of {where}", allowed)
                yield from _misfits(inner, f"{where}[{key!r}]", allowed)
            else:
                yield where, f"has the key {key!r}, which is no text"
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _misfits(inner, f"{where}[{index}]", allowed)
    elif not isinstance(value, allowed):
        yield where, f"is a {type(value).__name__}"
    elif isinstance(value, float) and allowed is _IN_JSON and not np.isfinite(value):
        yield where, f"is {value}"
    elif isinstance(value, str) and not _is_unicode(value):
        yield where, "is text that is not valid Unicode"


def _is_unicode(text: str) -> bool:
    """Whether text can be written as UTF-8; names of files sometimes cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _require_catalogue(catalogue: pl.DataFrame, vocabulary: Vocabulary) -> None:
    """Refuse a catalogue that cannot name the items of the vocabulary."""
    schema = catalogue.schema
    if "id" not in schema or schema.get("title") != pl.String:
        raise BundleError(
            "The catalogue of a bundle has the columns 'id' and 'title' (text); it has "
            f"{', '.join(f'{name} ({dtype})' for name, dtype in schema.items()) or 'none'}."
        )
    ids = catalogue["id"]
    if ids.dtype != vocabulary.ids.dtype:
        raise BundleError(
            f"The ids of the catalogue are {ids.dtype} and those of the vocabulary are "
            f"{vocabulary.ids.dtype}; they must be of one type."
        )
    if ids.null_count() or ids.n_unique() != len(ids):
        raise BundleError("A catalogue holds each id once and none that is missing.")


def _require_histories(histories: Sequences, vocabulary: Vocabulary) -> None:
    """Refuse histories that would be read outside their arrays or the vocabulary."""
    arrays = {"offsets": np.int64, "items": np.int32, "rows": np.int64, "times": np.float64}
    for name, dtype in arrays.items():
        array = getattr(histories, name)
        if array is not None and (array.ndim != 1 or array.dtype != dtype):
            raise BundleError(
                f"The {name} of the histories are {array.ndim}-dimensional {array.dtype}; they "
                f"must be one-dimensional {np.dtype(dtype).name}."
            )
    if histories.offsets[0] != 0 or (np.diff(histories.offsets) < 0).any():
        raise BundleError("The offsets of the histories do not ascend from 0.")
    items = histories.items
    if len(items) and (items.min() < UNKNOWN or items.max() >= vocabulary.size):
        raise BundleError(
            f"The histories hold item codes from {items.min()} to {items.max()}; the vocabulary "
            f"has codes from {UNKNOWN} to {vocabulary.size - 1}."
        )


def _require_features(histories: Sequences, encoders: Encoders | None) -> None:
    """Refuse features that these encoders have not made, which a network would misread."""
    features = histories.features
    if (features is None) != (encoders is None):
        with_, without = ("encoders", "features")[:: 1 if features is None else -1]
        raise BundleError(
            f"There are {with_} without {without}: what encoded the histories and what came of it "
            "belong together."
        )
    if features is None or encoders is None:
        return
    for name, array, dtype in (
        ("codes", features.codes, np.int32),
        ("numbers", features.numbers, np.float32),
    ):
        if array.ndim != 2 or array.dtype != dtype:
            raise BundleError(
                f"The {name} of the features are {array.ndim}-dimensional {array.dtype}; they must "
                f"be two-dimensional {np.dtype(dtype).name}."
            )
    if misfit := layout_of(encoders).misfit(features):
        raise BundleError(f"The features of the histories do not fit their encoders: {misfit}.")
