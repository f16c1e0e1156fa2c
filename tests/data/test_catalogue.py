"""Catalogues: one title per item, and which one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.catalogue import Catalogue
from regard.data.interactions import Interactions
from regard.errors import ColumnError, DataError, SourceError


def log_of(items, titles=None):
    columns = {
        "user": [1] * len(items),
        "item": items,
        "time": [float(i) for i, _ in enumerate(items)],
    }
    if titles is not None:
        columns["title"] = titles
    return Interactions.of(
        pl.DataFrame(columns, schema_overrides={"title": pl.String} if titles else None)
    )


def test_the_most_frequent_title_counts_and_ties_go_to_the_first():
    items = ["a", "a", "a", "b", "b", "c", "c", "d"]
    titles = ["damaged", "Tea", "Tea", "Milk", "milk?", " ", None, "Salt"]
    catalogue = Catalogue.of(log_of(items, titles))
    assert catalogue.ids.to_list() == ["a", "b", "c", "d"]
    assert catalogue.names.to_list() == ["Tea", "Milk", None, "Salt"]


def test_a_blank_title_never_outvotes_a_real_one():
    assert Catalogue.of(log_of([1, 1, 1], ["", " ", "Tea"])).title(1) == "Tea"
    assert Catalogue.of(log_of([1, 1, 1], ["", "", None])).title(1) is None


def test_a_log_without_titles_still_lists_its_items():
    catalogue = Catalogue.of(log_of(["b", "a", "b", None]))
    assert catalogue.ids.to_list() == ["b", "a"]
    assert catalogue.titles(["a", "b"]) == [None, None]
    assert len(catalogue) == 2


def test_own_ids_are_found_in_either_spelling():
    catalogue = Catalogue.of(log_of([7, 8], ["Tea", "Milk"]))
    assert catalogue.titles(["8", 7, "x", 9]) == ["Milk", "Tea", None, None]
    assert catalogue.title("7") == "Tea"
    assert catalogue.titles([]) == []


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["x", "y", "z"])), min_size=1))
def test_titles_agree_with_counting_one_by_one(rows):
    items, titles = map(list, zip(*rows, strict=True))
    catalogue = Catalogue.of(log_of(items, titles))
    for item in set(items):
        own = [title for each, title in rows if each == item]
        best = max(own, key=lambda title: (own.count(title), -own.index(title)))
        assert catalogue.title(item) == best
    assert catalogue.ids.to_list() == list(dict.fromkeys(items))


def test_there_and_back():
    catalogue = Catalogue.of(log_of(["a", "b"], ["Tea", None]))
    again = Catalogue.from_frame(catalogue.to_frame())
    assert again.to_frame().equals(catalogue.to_frame())
    assert catalogue.to_frame().columns == ["item", "title"]


def test_reading_a_table_of_items(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("movieId,name,genre\n1,Toy Story,Animation\n2,Jumanji,Adventure\n2,Jumanji,x\n")
    assert Catalogue.read(path).titles([1, 2]) == ["Toy Story", "Jumanji"]
    assert Catalogue.read(path, title="genre").title(1) == "Animation"
    frame = pl.DataFrame({"code": ["a"], "label": ["Tea"]})
    assert Catalogue.read(frame, item="code", title="label").title("a") == "Tea"


def test_tables_that_are_no_catalogue(tmp_path):
    frame = pl.DataFrame({"code": ["a"], "label": ["Tea"]})
    with pytest.raises(ColumnError, match=r"no column for the item .*'code', 'label'.*item='"):
        Catalogue.read(frame)
    with pytest.raises(ColumnError, match="for the title"):
        Catalogue.read(frame, item="code", title="name")
    with pytest.raises(SourceError):
        Catalogue.read(tmp_path / "none.csv")


def test_what_a_catalogue_refuses():
    with pytest.raises(DataError, match="once"):
        Catalogue(pl.Series([1, 1]), pl.Series(["a", "b"]))
    with pytest.raises(DataError, match="once"):
        Catalogue(pl.Series([1, None]), pl.Series(["a", "b"]))
    with pytest.raises(DataError, match="one title"):
        Catalogue(pl.Series([1]), pl.Series(["a", "b"]))
