"""The column names of an interactions table, in one home.

A table that has passed `regard.read` carries these names whatever its source called them; every
other column keeps its own name and travels along as context.
"""

from enum import StrEnum
from typing import Final

USER: Final = "user"
"""Who did it. Own id: any integer or string."""
ITEM: Final = "item"
"""To what. Own id: any integer or string."""
TIME: Final = "time"
"""When: Float64 seconds since 1970-01-01 UTC. Absent when the log carries only an order."""
POSITION: Final = "position"
"""Int64 order of an interaction within its user. Present only when there is no `time`."""
ROW: Final = "row"
"""Int64 row number in the source, from 0: breaks ties of time, and names rows in messages."""
EVENT: Final = "event"
"""What kind of interaction: text such as 'view' or 'purchase'."""
VALUE: Final = "value"
"""A number that says how much: a rating, dwell seconds."""
QUANTITY: Final = "quantity"
"""How many pieces; negative where a shop books a return."""
PRICE: Final = "price"
"""Price of one piece, in the log's own currency."""
SESSION: Final = "session"
"""Which visit, basket or invoice an interaction belongs to: text."""
TITLE: Final = "title"
"""What the item is called, where the log itself says so: text."""

ROLES: Final = (USER, ITEM, TIME, POSITION, EVENT, VALUE, QUANTITY, PRICE, SESSION, TITLE)
"""The roles a source column can play, the required ones first."""

RESERVED: Final = (*ROLES, ROW)
"""Names that a context column may not carry; `read` appends an underscore to one that does."""

PADDING: Final = 0
"""Item code that stands for no item at all."""
UNKNOWN: Final = 1
"""Item code that stands for an item outside the training vocabulary."""
FIRST_CODE: Final = 2
"""The smallest code of a real item; a catalogue of N codes has N - 2 items."""


class Clock(StrEnum):
    """What orders the interactions of a log.

    Example:
        >>> Clock("order") is Clock.ORDER
        True
    """

    TIME = "time"
    """Real time in seconds: everything is possible."""
    ORDER = "order"
    """A mere order within each user: what needs seconds refuses by name."""
