"""Roles: what well-known logs get without help, and what must be asked."""

import polars as pl
import pytest

from regard.data.rolenames import name_confidence
from regard.data.roles import PROPOSED, laid_out_by_clean, propose_roles
from regard.errors import ColumnError
from regard.schema import POSITION

WELL_KNOWN = {
    "movielens": (
        {"user_id": [1], "item_id": [2], "rating": [5], "timestamp": [978_300_019]},
        {"user": "user_id", "item": "item_id", "time": "timestamp", "value": "rating"},
    ),
    "movielens csv": (
        {"userId": [1], "movieId": [2], "rating": [5.0], "timestamp": [978_300_019]},
        {"user": "userId", "item": "movieId", "time": "timestamp", "value": "rating"},
    ),
    "online retail": (
        {
            "InvoiceNo": ["536365"],
            "StockCode": ["85123A"],
            "Description": ["HEART"],
            "Quantity": [6],
            "InvoiceDate": ["12/1/2010 8:26"],
            "UnitPrice": [2.55],
            "CustomerID": [17850.0],
            "Country": ["United Kingdom"],
        },
        {
            "user": "CustomerID",
            "item": "StockCode",
            "time": "InvoiceDate",
            "quantity": "Quantity",
            "price": "UnitPrice",
            "session": "InvoiceNo",
            "title": "Description",
        },
    ),
    "retailrocket": (
        {
            "timestamp": [1_433_221_332_117],
            "visitorid": [257_597],
            "event": ["view"],
            "itemid": [355_908],
            "transactionid": [None],
        },
        {"user": "visitorid", "item": "itemid", "time": "timestamp", "event": "event"},
    ),
    "amazon": (
        {
            "reviewerID": ["A2SUAM1J3GNN3B"],
            "asin": ["0000013714"],
            "reviewerName": ["J. McDonald"],
            "helpful": [[0, 0]],
            "reviewText": ["I bought this"],
            "overall": [5.0],
            "summary": ["Heavenly"],
            "unixReviewTime": [1_252_800_000],
            "reviewTime": ["09 13, 2009"],
        },
        {"user": "reviewerID", "item": "asin", "time": "unixReviewTime", "value": "overall"},
    ),
    "shop clicks": (
        {
            "event_time": ["2019-10-01 00:00:00 UTC"],
            "event_type": ["view"],
            "product_id": [44_600_062],
            "category_id": [2_103_807_459_595_387_724],
            "price": [35.79],
            "user_id": [541_312_140],
            "user_session": ["72d76fde"],
        },
        {
            "user": "user_id",
            "item": "product_id",
            "time": "event_time",
            "event": "event_type",
            "price": "price",
            "session": "user_session",
        },
    ),
    "plays": (
        {"uid": ["u1"], "track_id": ["t1"], "played_at": ["2024-01-31T10:00:00Z"]},
        {"user": "uid", "item": "track_id", "time": "played_at"},
    ),
}


def roles(columns, **options):
    return {each.role: each.column for each in propose_roles(pl.DataFrame(columns), **options)}


@pytest.mark.parametrize("log", WELL_KNOWN)
def test_well_known_logs_need_no_help(log):
    columns, expected = WELL_KNOWN[log]
    assert roles(columns) == expected


@pytest.mark.parametrize("log", WELL_KNOWN)
def test_the_order_of_the_columns_does_not_matter(log):
    columns, expected = WELL_KNOWN[log]
    assert roles(dict(reversed(columns.items()))) == expected


@pytest.mark.parametrize(
    ("role", "one", "other"),
    [
        ("user", {"user_id": [1]}, {"customer_id": [2]}),
        ("item", {"asin": ["a"]}, {"parent_asin": ["b"]}),
        ("time", {"order_date": ["2024-01-31"]}, {"purchase_date": ["2024-01-31"]}),
    ],
)
def test_two_equally_good_columns_are_a_question_for_the_caller(role, one, other):
    (first,), (second,) = one, other
    with pytest.raises(ColumnError, match=rf"the {role}: '{first}' and '{second}'.*{role}='"):
        roles(one | other, source="shop.csv")
    wanted = [each for each in PROPOSED if each != role]
    assert role not in roles(one | other, wanted=wanted)


def test_two_equally_good_optional_columns_are_no_question():
    assert roles({"user": [1], "rating": [1], "stars": [2]})["value"] == "rating"


def test_a_time_is_known_by_its_values():
    (found,) = propose_roles(pl.DataFrame({"x": ["2024-01-31", "2024-02-01"], "y": [1, 2]}))
    assert (found.role, found.column, found.confidence) == ("time", "x", 0.6)
    assert "read as times" in found.reason


def test_a_name_whose_values_look_like_no_times_is_proposed_with_doubt():
    (found,) = propose_roles(pl.DataFrame({"timestamp": ["soon", "later"]}))
    assert found.confidence < 0.5
    assert "do not look like times" in found.reason


def test_values_rule_out_what_a_name_promises():
    assert roles({"user_id": [1.5], "rating": ["good"], "item": [[1]]}) == {}
    many = [f"kind {number}" for number in range(100)]
    assert "event" not in roles({"event": many})
    assert roles({"user": [None, None], "rating": [None, None]}) == {"user": "user"}
    assert "session" not in roles({"session": ["a", None, None]})


@pytest.mark.parametrize("role", ["value", "quantity", "price"])
@pytest.mark.parametrize("numbers", [["7", "-1.5"], ["2,50", "+3"], ["1,250.75", " 1e3 "]])
def test_a_few_cells_that_are_no_numbers_take_no_role_away(role, numbers):
    missing = [None, "", "NA", "null"]
    (found,) = propose_roles(pl.DataFrame({role: [*numbers, "n.a.", *missing]}))
    assert found.role == role
    assert found.reason == "its name says so and most of its values are numbers"
    assert roles({role: [*numbers, "n.a.", "2024-01-31", *missing]}) == {}


def test_a_headline_of_reviews_is_not_the_title_of_the_item():
    reviews = {"item_id": ["a", "a", "b", "b"], "title": ["Good", "Bad", "Fine", "Poor"]}
    assert roles(reviews) == {"item": "item_id"}
    named = {"item_id": ["a", "a", "b", "b"], "title": ["Tea", "Tea", "Milk", "Milk"]}
    assert roles(named) == {"item": "item_id", "title": "title"}


def test_each_column_plays_one_role():
    found = propose_roles(pl.DataFrame({"user": [1], "item": [1], "date": ["2024-01-31"]}))
    assert len({each.column for each in found}) == len(found) == 3


def test_an_order_is_never_guessed():
    assert POSITION not in PROPOSED
    assert roles({"position": [1, 2], "user": [1, 2]}) == {"user": "user"}


def test_names_are_read_without_case_and_punctuation():
    for name in ("Customer ID", "customer-id", "CUSTOMERID", "customer_id"):
        assert name_confidence(name, "user") == name_confidence("CustomerID", "user") > 0.9
    assert name_confidence("first_seen_at", "time") > 0
    assert name_confidence("lastSeenAt", "time") > 0
    assert name_confidence("server_timestamp", "time") > 0
    assert name_confidence("format", "time") == name_confidence("user", "unheard of") == 0


def test_in_what_clean_writes_a_column_called_like_a_role_plays_it() -> None:
    more = {"timestamp": [1.5e9, 1.5e9 + 9], "customer": [7, 8], "stars": [5, 1]}
    table = pl.DataFrame({
        "user": [1, 2], "item": ["a", "b"], "time": [1.6e9, 1.6e9 + 9], "value": [0.5, 0.1], **more,
    })  # fmt: skip
    assert laid_out_by_clean(table.columns)
    chosen = {each.role: each.column for each in propose_roles(table, cleaned=True)}
    assert {role: chosen[role] for role in ("user", "item", "time", "value")} == {
        "user": "user", "item": "item", "time": "time", "value": "value",
    }  # fmt: skip


def test_elsewhere_a_name_beside_an_id_is_no_id() -> None:
    table = pl.DataFrame({
        "user_id": [1, 2], "user": ["Ann", "Bo"], "item_id": [7, 8], "item": ["Tea", "Milk"],
        "timestamp": [1.6e9, 1.6e9 + 9],
    })  # fmt: skip
    assert not laid_out_by_clean(table.columns)
    chosen = {each.role: each.column for each in propose_roles(table)}
    assert (chosen["user"], chosen["item"]) == ("user_id", "item_id")
