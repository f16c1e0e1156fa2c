"""What comes back from a bundle is what went in."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from regard.bundle import Bundle, read_bundle, write_bundle
from regard.bundle.bundle import STORABLE
from regard.data.encoders.events import encode_split
from regard.data.interactions import Interactions
from regard.data.sequences import Sequences
from regard.data.split import split_leave_last_out
from regard.data.vocabulary import Vocabulary
from regard.errors import BundleError

Maker = Callable[..., Bundle]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
json_leaf = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
) | text
toml_leaf = st.booleans() | st.integers() | st.floats(allow_nan=False) | text | st.dates()


def nested(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
    )
    return st.dictionaries(text, values, max_size=4)


@st.composite
def weights(draw: st.DrawFn) -> dict[str, np.ndarray]:
    shapes = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    names = draw(st.lists(text.filter(lambda name: name != "__metadata__"), max_size=4))
    drawn = {
        name: draw(st.sampled_from(sorted(STORABLE)).flatmap(lambda dtype: arrays(dtype, shapes)))
        for name in names
    }
    # Transposed, strided and big-endian arrays read the same and lie differently in memory.
    return {
        name: draw(st.sampled_from([array, array.T, array[..., ::-1] if array.ndim else array]))
        for name, array in drawn.items()
    }


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    kind = draw(st.sampled_from([st.integers(-(2**63), 2**63 - 1), text]))
    ids = draw(st.lists(kind, min_size=1, max_size=5, unique=True))
    own = pl.Series("id", ids, dtype=pl.String if isinstance(ids[0], str) else pl.Int64)
    lengths = draw(st.lists(st.integers(1, 4), max_size=3))
    users = [f"u{number}" for number, length in enumerate(lengths) for _ in range(length)]
    codes = draw(st.lists(st.integers(1, len(ids) + 1), min_size=len(users), max_size=len(users)))
    schema = {"user": pl.String, "item": pl.Int32, "row": pl.Int64}
    events = pl.DataFrame(
        {"user": users, "item": codes, "row": range(len(users))}, schema, strict=False
    )
    if draw(st.booleans()):
        events = events.with_columns(time=pl.int_range(pl.len()).cast(pl.Float64))
    return Bundle(
        recipe=draw(nested(toml_leaf)),
        card=draw(nested(json_leaf)),
        weights=draw(weights()),
        vocabulary=Vocabulary(own, np.arange(len(ids), 0, -1)),
        catalogue=pl.DataFrame({"id": own, "title": [f"title of {each}" for each in ids]}),
        histories=draw(st.sampled_from([Sequences.of(events), None])),
    )


def assert_same(found: Bundle, given_: Bundle) -> None:
    assert found.recipe == given_.recipe
    assert found.card == given_.card
    assert found.weights.keys() == given_.weights.keys()
    for name, weight in given_.weights.items():
        assert found.weights[name].dtype == weight.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found.weights[name], weight, strict=False)
        assert found.weights[name].shape == weight.shape
    assert found.vocabulary.ids.equals(given_.vocabulary.ids, check_dtypes=True)
    np.testing.assert_array_equal(found.vocabulary.counts, given_.vocabulary.counts)
    assert found.catalogue.equals(given_.catalogue)
    if given_.histories is None:
        assert found.histories is None
        return
    assert found.histories is not None
    assert found.histories.users.equals(given_.histories.users, check_dtypes=True)
    for name in ("offsets", "items", "rows", "times"):
        np.testing.assert_array_equal(
            getattr(found.histories, name), getattr(given_.histories, name)
        )


@settings(max_examples=40, deadline=None)
@given(bundles())
def test_any_bundle_comes_back_as_it_was(bundle: Bundle) -> None:
    with TemporaryDirectory() as place:
        write_bundle(bundle, Path(place, "model"))
        assert_same(read_bundle(Path(place, "model")), bundle)


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("clock", [True, False])
@pytest.mark.parametrize("verify", [True, False])
def test_ids_and_clock_come_back(
    make_bundle: Maker, tmp_path: Path, text: bool, clock: bool, verify: bool
) -> None:
    bundle = make_bundle(text=text, clock=clock)
    write_bundle(bundle, tmp_path / "deep" / "model")
    assert_same(read_bundle(str(tmp_path / "deep" / "model"), verify=verify), bundle)


def test_brackets_in_a_name_are_no_pattern(make_bundle: Maker, tmp_path: Path) -> None:
    log = Interactions.of(pl.DataFrame({"user": [1] * 4, "item": list("abab"), "time": range(4)}))
    split, encoders = encode_split(log, split_leave_last_out(log), {"item": "categories"})
    plain, given_ = make_bundle(text=False), make_bundle()
    given_ = replace(given_, histories=split.events, encoders=encoders)
    folder = tmp_path / "run[1]"
    write_bundle(given_, folder)
    assert_same(read_bundle(folder), given_)
    write_bundle(plain, tmp_path / "run1")
    assert_same(read_bundle(folder), given_)
    assert read_bundle(folder).encoders == encoders
    assert_same(read_bundle(tmp_path / "run1"), plain)


def test_the_folder_is_as_documented(make_bundle: Maker, tmp_path: Path) -> None:
    write_bundle(make_bundle(), tmp_path / "model")
    files = {
        path.relative_to(tmp_path / "model").as_posix()
        for path in (tmp_path / "model").rglob("*")
        if path.is_file()
    }
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert files == {*manifest["files"], "manifest.json"}
    assert files == {
        "manifest.json", "recipe.toml", "card.json", "weights.safetensors", "vocabulary.parquet",
        "catalogue.parquet", "histories/users.parquet", "histories/offsets.npy",
        "histories/items.npy", "histories/rows.npy", "histories/times.npy",
        "histories/sequences.json",
    }  # fmt: skip
    assert (manifest["format"], manifest["version"]) == ("regard-bundle", 1)


def test_text_in_the_card_stays_readable(saved: Path) -> None:
    assert "Café" in (saved / "card.json").read_text("utf-8")


def test_the_same_bundle_gives_the_same_bytes(make_bundle: Maker, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_bundle(make_bundle(), tmp_path / name)
    one, two = ((tmp_path / name / "manifest.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_histories_are_mapped_and_weights_may_be_changed(saved: Path) -> None:
    bundle = read_bundle(saved)
    assert bundle.histories is not None
    assert isinstance(bundle.histories.items, np.memmap)
    assert all(weight.flags.writeable for weight in bundle.weights.values())


def test_big_endian_weights_come_back(make_bundle: Maker, tmp_path: Path) -> None:
    given_ = make_bundle()
    big = {"w": np.arange(6, dtype=">f4").reshape(2, 3)}
    bundle = Bundle(
        given_.recipe, given_.card, big, given_.vocabulary, given_.catalogue, given_.histories
    )
    write_bundle(bundle, tmp_path / "model")
    np.testing.assert_array_equal(
        read_bundle(tmp_path / "model").weights["w"], [[0, 1, 2], [3, 4, 5]]
    )


def test_tuples_come_back_as_lists_and_dates_as_dates(make_bundle: Maker, tmp_path: Path) -> None:
    given_ = make_bundle()
    recipe = {
        "cutoffs": (5, 10),
        "day": date(2011, 9, 1),
        "at": datetime(2011, 9, 1, 12, tzinfo=UTC),
    }
    bundle = Bundle(
        recipe, {"sizes": (1, 2)}, given_.weights, given_.vocabulary, given_.catalogue, None
    )
    write_bundle(bundle, tmp_path / "model")
    found = read_bundle(tmp_path / "model")
    assert found.recipe == {**recipe, "cutoffs": [5, 10]}
    assert found.card == {"sizes": [1, 2]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"recipe": {"a": {"b": None}}}, r"recipe\['a'\]\['b'\] is a NoneType"),
        ({"recipe": {"a": np.float32(1)}}, r"recipe\['a'\] is a float32"),
        ({"recipe": [1]}, "recipe of a bundle is a dictionary, not list"),
        ({"card": {"a": [1.0, float("nan")]}}, r"card\['a'\]\[1\] is nan"),
        ({"card": {"a": date(2011, 9, 1)}}, r"card\['a'\] is a date"),
        ({"card": {1: 2}}, "card has the key 1"),
        ({"card": {"\udc80": 2}}, "key '.udc80' of card is text that is not valid Unicode"),
        ({"card": {"a": "\udc80"}}, r"card\['a'\] is text that is not valid Unicode"),
        ({"weights": {"w": np.array(["a"])}}, "weight 'w' holds <U1"),
        ({"weights": {"w": np.array([None])}}, "weight 'w' holds object"),
        ({"weights": {"__metadata__": np.ones(2)}}, "weight is named '__metadata__'"),
        ({"catalogue": pl.DataFrame()}, "it has none"),
        ({"catalogue": pl.DataFrame({"id": ["a"], "title": [1]})}, r"title \(Int64\)"),
        ({"catalogue": pl.DataFrame({"id": [1], "title": ["a"]})}, "Int64 .* String"),
        ({"catalogue": pl.DataFrame({"id": ["a", "a"], "title": ["a", "b"]})}, "each id once"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(
    make_bundle: Maker, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        Bundle(**{**vars(make_bundle()), **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"items": np.array([2, 3, 0, 4], np.int32)}, "codes from 0 to 4.*from 1 to 4"),
        ({"items": np.array([2, 3, 1, 5], np.int32)}, "codes from 1 to 5.*from 1 to 4"),
        ({"items": np.array([2, 3, 1, 4])}, "items of the histories are 1-dimensional int64"),
        ({"rows": np.zeros((4, 1), np.int64)}, "rows of the histories are 2-dimensional"),
        ({"times": np.zeros(4, np.float32)}, "times of the histories are 1-dimensional float32"),
        ({"offsets": np.array([1, 3, 4])}, "do not ascend from 0"),
        ({"offsets": np.array([0, 5, 4])}, "do not ascend from 0"),
    ],
)
def test_histories_that_do_not_fit_are_refused(
    make_bundle: Maker, changed: dict[str, Any], message: str
) -> None:
    bundle = make_bundle()
    histories = Sequences(**{**vars(bundle.histories), **changed})
    with pytest.raises(BundleError, match=message):
        Bundle(**{**vars(bundle), "histories": histories})
