"""Everything that can recommend or attend, by name: what it is, what it reads, what it costs.

The facts are those of the classes (their promises, their options) and of their docstrings; nothing
is told twice.
"""

import importlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from regard.classical import CLASSICAL, ClassicalMethod
from regard.errors import ConfigurationError, MissingDependencyError
from regard.kinds import nearest
from regard.optional import require
from regard.recommender.docstrings import Description, describe, entries

if TYPE_CHECKING:
    from torch import nn

    from regard.attention.contract import Promises
    from regard.models.contract import SequenceModel

NETWORK, CLASSIC, MECHANISM, SCHEME = "network", "classical method", "mechanism", "distances"
"""The kinds of entries: mechanisms attend inside networks, and schemes of distances inside one."""
_TIMES: Final = {"times_BL", "asked_BL"}
_COST: Final = re.compile(r"`(O\(.*?\))`")


@dataclass(frozen=True)
class Option:
    """One thing that can be set.

    Attributes:
        name: in recipes.
        default: as Python spells it; empty where there is none.
        meaning: in words.
    """

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Entry:
    """What is known of one network, classical method or mechanism.

    Attributes:
        name: in recipes and at the prompt.
        kind: `network`, `classical method`, `mechanism`, or `distances` for a scheme of them.
        description: what its docstring says.
        reads_time: whether it reads a clock; None where its options decide.
        reads_features: whether it can read features of events.
        cold_items: whether it can recommend items that training never showed.
        has_map: whether it has an attention map.
        about_map: why its map tells less than a share of everything, where it does.
        causal: whether each event knows only what came before, so that all events of a history are
            learned from at once; None where its options decide.
        objective: name of the objective that a network learns by, or None.
        alone: whether a recipe can name it: a model, or a part of `compose`.
        options: what can be set.
        module: where it is written.

    Example:
        >>> markov = listing().entry("markov")
        >>> markov.kind, markov.cost, markov.has_map
        ('classical method', 'O(E)', False)
    """

    name: str
    kind: str
    description: Description
    reads_time: bool | None = False
    reads_features: bool = False
    cold_items: bool = False
    has_map: bool = False
    about_map: str = ""
    causal: bool | None = True
    objective: str | None = None
    alone: bool = True
    options: tuple[Option, ...] = ()
    module: str = ""

    @property
    def line(self) -> str:
        """What it is, in one sentence."""
        return self.description.opening

    @property
    def cost(self) -> str:
        """Its time, in the length of a history (`L`) and in other sizes."""
        found = _COST.search(self.description.parts.get("Cost", ""))
        return found.group(1) if found else ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        values = asdict(self)
        told = values.pop("description")
        parts = {name.lower().replace(" ", "_"): text for name, text in told["parts"].items()}
        values["options"] = list(values["options"])
        return {**values, "line": self.line, "cost": self.cost, "parts": parts}


@dataclass(frozen=True)
class Listing:
    """All entries, and what could not be listed.

    Attributes:
        entries: networks, classical methods, mechanisms, schemes of distances, in this order.
        missing: sentences that say what is not here, and how to get it.

    Example:
        >>> print(Listing((Entry("markov", CLASSIC, describe("Counts.")),)))
        classical method: markov
    """

    entries: tuple[Entry, ...]
    missing: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        lines = [
            f"{kind}: {', '.join(each.name for each in among)}"
            for kind, among in self.by_kind().items()
        ]
        return "\n".join([*lines, *self.missing])

    def by_kind(self) -> dict[str, list[Entry]]:
        """Kind -> its entries."""
        among: dict[str, list[Entry]] = {}
        for each in self.entries:
            among.setdefault(each.kind, []).append(each)
        return among

    def entry(self, name: str) -> Entry:
        """What is known of one.

        Args:
            name: of a network, a classical method, a mechanism or a scheme of distances.

        Raises:
            ConfigurationError: nothing has that name.

        Example:
            >>> Listing((Entry("markov", CLASSIC, describe("Counts.")),)).entry("marcov")
            Traceback (most recent call last):
            regard.errors.ConfigurationError: Nothing is called 'marcov'; did you mean 'markov'?
        """
        known = {each.name: each for each in self.entries}
        if name not in known:
            if self.missing:  # it may be among what is missing, and no name is near to that
                raise ConfigurationError(" ".join([f"{name!r} is not listed here.", *self.missing]))
            hint = nearest(name, known) or "`regard models` lists all names."
            raise ConfigurationError(f"Nothing is called {name!r}; {hint}")
        return known[name]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"models": [each.to_dict() for each in self.entries], "missing": list(self.missing)}


def listing() -> Listing:
    """Everything there is by name, models that were made known for this process included.

    Without torch the classical methods alone, and a sentence that says so.
    """
    classical = tuple(_of_classical(name, kind) for name, kind in CLASSICAL.items())
    try:
        require("torch", extra="torch", purpose="The list of networks and mechanisms")
    except MissingDependencyError as missing:
        return Listing(classical, (str(missing),))
    from regard.attention import ATTENTION, DISTANCES
    from regard.models import MODELS

    networks = tuple(_of_network(name, kind) for name, kind in MODELS.items())
    mechanisms = tuple(_of_mechanism(name, kind) for name, kind in ATTENTION.items())
    schemes = tuple(
        Entry(name, SCHEME, _described(kind), options=_arguments(kind), module=kind.__module__)
        for name, kind in DISTANCES.items()
    )
    return Listing((*networks, *classical, *mechanisms, *schemes))


def _of_network(name: str, kind: "type[SequenceModel]") -> Entry:
    promises = kind.promises
    return Entry(
        name,
        NETWORK,
        _described(kind),
        reads_time=None if kind.by_options else _timed(promises),
        reads_features=kind.features,
        cold_items=kind.cold_items,
        has_map=promises.has_map,
        about_map=promises.because,
        causal=None if kind.by_options else promises.causal,
        objective=None if kind.by_options else kind.objective,
        options=_fields(kind.config_class),
        module=kind.__module__,
    )


def _of_classical(name: str, kind: type[ClassicalMethod]) -> Entry:
    return Entry(
        name,
        CLASSIC,
        _described(kind),
        reads_time=kind.reads_time,
        cold_items=kind.cold_items,
        options=_fields(type(kind().config)),
        module=kind.__module__,
    )


def _of_mechanism(name: str, kind: "type[nn.Module]") -> Entry:
    from regard.attention.contract import promises_of
    from regard.models.mechanisms import suited

    promises = promises_of(kind)
    return Entry(
        name,
        MECHANISM,
        _described(kind),
        reads_time=_timed(promises),
        has_map=promises.has_map,
        about_map=promises.because,
        causal=promises.causal,
        alone=name in suited(),
        options=_arguments(kind),
        module=kind.__module__,
    )


def _timed(promises: "Promises") -> bool:
    return not _TIMES.isdisjoint(promises.needs)


def _described(kind: type) -> Description:
    """By the docstring of its module; by its own where that is of something else."""
    of_module = describe(importlib.import_module(kind.__module__).__doc__)
    return of_module if of_module.parts else describe(kind.__doc__)


def _fields(config: type) -> tuple[Option, ...]:
    """The options of a model: the fields of its config."""
    meanings = entries(config.__doc__, "Attributes")
    found = []
    for each in fields(config):
        default = each.default
        if each.default_factory is not MISSING:
            default = each.default_factory()
        shown = "" if default is MISSING else repr(default)
        found.append(Option(each.name, shown, meanings.get(each.name, "")))
    return tuple(found)


def _arguments(kind: type) -> tuple[Option, ...]:
    """The options of a mechanism: the arguments of its class."""
    meanings = entries(kind.__doc__, "Args")
    parameters: Mapping[str, inspect.Parameter] = inspect.signature(kind).parameters
    return tuple(
        Option(
            name,
            "" if each.default is inspect.Parameter.empty else repr(each.default),
            meanings.get(name, ""),
        )
        for name, each in parameters.items()
    )
