"""The names that logs give their columns, and how surely each name tells the role."""

import re
from typing import Final

from regard.schema import EVENT, ITEM, PRICE, QUANTITY, SESSION, TIME, TITLE, USER, VALUE

SURE: Final = 0.95
LIKELY: Final = 0.85
MAYBE: Final = 0.7

_PEOPLE: Final = (
    "user customer client visitor reviewer member account buyer shopper person player listener "
    "viewer subscriber reader student learner guest passenger author consumer"
)
_THINGS: Final = (
    "item product article movie film song track book game app business content video news recipe "
    "course place poi venue listing hotel offer sku isbn anime show episode podcast page"
)
_NUMBERED: Final = ("id", "no", "nr", "num", "number", "code", "key", "hash")


def _ids(nouns: str) -> dict[str, float]:
    """A noun with a word for 'number' is sure, the noun alone likely."""
    numbered = {noun + suffix: SURE for noun in nouns.split() for suffix in _NUMBERED}
    return dict.fromkeys(nouns.split(), LIKELY) | numbered


def _graded(sure: str = "", likely: str = "", maybe: str = "") -> dict[str, float]:
    """Names by how surely they tell."""
    grades = ((maybe, MAYBE), (likely, LIKELY), (sure, SURE))
    return {name: grade for names, grade in grades for name in names.split()}


_NAMES: Final[dict[str, dict[str, float]]] = {
    USER: _ids(_PEOPLE) | _graded("uid userid", "custid usr", "username who"),
    ITEM: _ids(_THINGS)
    | _graded("asin parentasin stockcode iid sku isbn ean gtin upc mid", "what", "artistid artist"),
    TIME: _graded(
        "timestamp datetime unixreviewtime invoicedate orderdate purchasedate eventtime unixtime "
        "timestampms timestampus timestampns",
        "time ts when createdat orderedat purchasedat playedat ratedat viewedat clickedat",
        "date reviewtime day t created",
    ),
    EVENT: _graded(
        "event eventtype eventname interaction interactiontype",
        "action actiontype behavior behaviour behaviortype behaviourtype activity",
        "type kind verb",
    ),
    VALUE: _graded(
        "rating ratings overall stars",
        "score value reviewscore dwell dwelltime watchtime playcount dwellseconds",
        "weight duration playtime hours minutes seconds plays listens",
    ),
    QUANTITY: _graded("quantity qty", "units pieces", "count amountordered"),
    PRICE: _graded("price unitprice itemprice saleprice", "cost pricepaid", "amount"),
    SESSION: _graded(
        "sessionid session invoiceno invoice invoiceid invoicenumber basketid orderid visitid "
        "usersession cartid receiptid",
        "orderno ordernumber basket visit cart receipt transactionid transaction",
        "order trip",
    ),
    TITLE: _graded(
        "title itemname itemtitle productname producttitle movietitle itemdescription "
        "productdescription songtitle trackname booktitle",
        "description",
        "name",
    ),
}


def words_of(column: str) -> str:
    """A column's name without case, blanks and punctuation.

    Example:
        >>> words_of("Customer ID"), words_of("unixReviewTime"), words_of("item_id")
        ('customerid', 'unixreviewtime', 'itemid')
    """
    return re.sub(r"[^0-9a-z]", "", column.lower())


def name_confidence(column: str, role: str) -> float:
    """How surely a column's name tells that it plays a role.

    Args:
        column: the name in the source.
        role: a role of `regard.schema`.

    Returns:
        From 0 (says nothing) to 1.

    Example:
        >>> name_confidence("CustomerID", "user"), name_confidence("Country", "user")
        (0.95, 0.0)
    """
    words = words_of(column)
    known = _NAMES.get(role, {}).get(words)
    if known is not None:
        return known
    if role == TIME and re.search(r"(timestamp|datetime)$", words):
        return LIKELY
    if role == TIME and (words.endswith(("time", "date")) or re.search(r"(_at|[a-z]At)$", column)):
        return MAYBE
    return 0.0
