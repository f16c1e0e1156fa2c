"""A run as data: what was read, cleaned, split, learned and measured, and with which numbers.

As TOML::

    seed = 7

    [source]
    path = "purchases.csv"

    [[repair]]
    repair = "trim-ids"

    [[cleaning]]
    rule = "missing-user"

    [split]
    protocol = "global-time"

    [features]
    price = "buckets"

    [model]
    name = "sasrec"
    width = 64

    [training]
    epochs = 30

    [evaluation]
    seen = "keep"
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from regard.data.encoders.events import check_features
from regard.data.ingest.addresses import without_password
from regard.data.interactions import Interactions
from regard.data.repairs import REPAIRS, Repair
from regard.data.rules import RULES
from regard.data.rules.contract import Rule
from regard.data.split import Split, Targets, split_by_time, split_leave_last_out
from regard.errors import ConfigurationError
from regard.evaluation.protocol import Protocol, Seen
from regard.kinds import require_known, settings_of
from regard.schema import Clock
from regard.training.config import TrainingConfig

_SEEDS = 2**63
_REPEATS_MATTER = 0.05
"""Share of repeats in training from which on seen items stay candidates by default."""
EXACT_UP_TO = 30_000
"""Items up to which `loss="auto"` is exact: there a step takes two to three times as long as with
samples, and seven times as long as without any loss (`benchmarks/losses.py`)."""


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """Where the log lies and which column plays which role; names as in `regard.read`.

    The path may be the URL of a database. A password in it is used and never written down: what
    `Recipe.to_dict` gives, and with it every bundle, holds the URL without one.
    """

    path: str = ""
    items: str | None = None
    users: str | None = None
    query: str | None = None
    table: str | None = None
    parameters: Mapping[str, Any] | None = None
    user: str | None = None
    item: str | None = None
    time: str | None = None
    order: str | None = None
    event: str | None = None
    value: str | None = None
    quantity: str | None = None
    price: str | None = None
    session: str | None = None
    title: str | None = None
    time_format: str | None = None
    time_unit: str | None = None
    timezone: str = "UTC"
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    header: bool | None = None

    def options(self) -> dict[str, Any]:
        """What to hand to `regard.read` beside the path."""
        given = asdict(self)
        del given["path"]
        return given


@dataclass(frozen=True, kw_only=True)
class SplitSettings:
    """How to cut the log.

    Attributes:
        protocol: `"global-time"`, `"leave-last-out"`, or `"auto"`: global time where the log has
            a clock.
        test_share: share of interactions in the test period (global time).
        validation_share: share of the earlier ones in the validation period (global time).
        targets: `"last"`, `"first"` or `"all"` (global time).
        min_count: items seen less often in training are unknown.

    Raises:
        ConfigurationError: the protocol is unknown.
    """

    protocol: str = "auto"
    test_share: float = 0.1
    validation_share: float = 0.1
    targets: str = Targets.LAST.value
    min_count: int = 1

    def __post_init__(self) -> None:
        if self.protocol not in ("auto", "global-time", "leave-last-out"):
            raise ConfigurationError(
                f"split.protocol={self.protocol!r} is not known; choose 'global-time', "
                "'leave-last-out' or 'auto'."
            )

    def apply(self, log: Interactions) -> Split:
        """Cut a log."""
        protocol = self.protocol
        if protocol == "auto":
            protocol = "global-time" if log.clock is Clock.TIME else "leave-last-out"
        if protocol == "leave-last-out":
            return split_leave_last_out(log, min_count=self.min_count)
        return split_by_time(
            log,
            test_share=self.test_share,
            validation_share=self.validation_share,
            targets=self.targets,
            min_count=self.min_count,
        )


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """How to measure.

    Attributes:
        seen: `"keep"` or `"remove"` items of the history, or `"auto"`: keep them where at least
            5 % of the training events repeat an item of the user.
        ks: cut-offs, ascending; the last one chooses the best epoch.
        ties: `"mean"` or `"worst"`.
        resamples: of each bootstrap.

    Raises:
        ConfigurationError: a value is not one of those it may have.
    """

    seen: str = "auto"
    ks: tuple[int, ...] = (10,)
    ties: str = "mean"
    resamples: int = 2000

    def __post_init__(self) -> None:
        object.__setattr__(self, "ks", tuple(self.ks))
        if self.seen not in ("auto", *Seen):
            raise ConfigurationError(
                f"evaluation.seen={self.seen!r} is not known; choose 'keep', 'remove' or 'auto'."
            )
        self.protocol("any", seed=0)

    def protocol(self, split: str, seed: int) -> Protocol:
        """The protocol of an evaluation; `"auto"` counts as keep until `resolved` has decided."""
        seen = Seen.KEEP if self.seen == "auto" else Seen(self.seen)
        # Protocol turns the word for ties into its enumeration, or refuses it by name.
        ties: Any = self.ties
        return Protocol(split, seen, self.ks, ties, self.resamples, seed=seed)

    def resolved(self, split: Split) -> "EvaluationSettings":
        """The same settings with `"auto"` decided by what the training part shows."""
        if self.seen != "auto":
            return self
        repeats = split.repeat_share >= _REPEATS_MATTER
        return replace(self, seen=(Seen.KEEP if repeats else Seen.REMOVE).value)


@dataclass(frozen=True)
class LossChoice:
    """Which loss, and why.

    Attributes:
        name: in recipes.
        why: in words.
    """

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a run.

    Attributes:
        model: name of the network or classical method.
        options: of the model, by name.
        seed: of everything random.
        objective: name of the objective, or `"auto"`: the one that the network is made for
            (networks only).
        loss: `"cross-entropy"`, `"sampled-softmax"`, or `"auto"`: exact cross-entropy up to 30,000
            items, sampled softmax beyond (networks only).
        memory: whether a network also counts what followed what: `"auto"` where validation says
            that it pays, `"on"` or `"off"`.
        source: where the log lies.
        cleaning: rules in order, each `{"rule": name, parameter: value, ...}`; the default rules
            where None.
        repair: repairs of ids that run before them, each `{"repair": name, parameter: value, ...}`.
        features: what a network reads of each event beside its item: column of the log -> an
            encoder's name, or `{"name": name, setting: value, ...}`, or a list of these.
        split: how to cut.
        training: how to learn (networks only).
        evaluation: how to measure.

    Raises:
        ConfigurationError: the seed is negative or no int64, `memory` is none of its three words,
            or an encoder is not known.

    Example:
        >>> recipe = Recipe.from_dict({"model": {"name": "markov"}, "split": {"min_count": 2}})
        >>> recipe.model, recipe.split.min_count
        ('markov', 2)
        >>> Recipe.from_dict({"trainning": {}})
        Traceback (most recent call last):
        regard.errors.ConfigurationError: The recipe has no 'trainning'; did you mean 'training'?
    """

    model: str = "sasrec"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 7
    objective: str = "auto"
    loss: str = "auto"
    memory: str = "auto"
    source: SourceSettings = field(default_factory=SourceSettings)
    cleaning: tuple[Mapping[str, Any], ...] | None = None
    repair: tuple[Mapping[str, Any], ...] = ()
    features: Mapping[str, Any] = field(default_factory=dict)
    split: SplitSettings = field(default_factory=SplitSettings)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < _SEEDS:
            raise ConfigurationError(f"seed={self.seed} must be 0 or more, and below 2 to the 63.")
        if self.memory not in ("auto", "on", "off"):
            raise ConfigurationError(
                f"memory={self.memory!r} is not known; choose 'auto', 'on' or 'off'."
            )
        if self.features:
            check_features(self.features)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A recipe from nested plain values, as `to_dict` gives them.

        Raises:
            ConfigurationError: a name is unknown or a value is of the wrong kind.
        """
        known = [each.name for each in fields(cls) if each.name != "options"]
        require_known(values, known, "The recipe")
        given = dict(values)
        model = _table(given.pop("model", {}), "model")
        name = model.pop("name", cls.model)
        if not isinstance(name, str):
            raise ConfigurationError(f"model.name={name!r} must be text, such as 'sasrec'.")
        tables = {"source": SourceSettings, "split": SplitSettings}
        tables |= {"training": TrainingConfig, "evaluation": EvaluationSettings}
        for key, kind in tables.items():
            if key in given:
                given[key] = settings_of(kind, _table(given[key], key), key)
        if "features" in given:
            given["features"] = _table(given["features"], "features")
        if given.get("cleaning") is not None:
            given["cleaning"] = _tables(given["cleaning"], "cleaning")
        given["repair"] = _tables(given.get("repair", ()), "repair")
        recipe = settings_of(cls, given | {"model": name, "options": model}, "recipe")
        recipe.rules()
        recipe.repairs()
        return recipe

    @classmethod
    def from_toml(cls, path: Path | str) -> Self:
        """Read a recipe file.

        Raises:
            ConfigurationError: it cannot be read, is no TOML, or holds what no recipe knows.
        """
        try:
            return cls.from_dict(tomllib.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
            raise ConfigurationError(f"The recipe {path} cannot be read: {broken}.") from broken

    def to_dict(self) -> dict[str, Any]:
        """As nested plain values without empty ones and without a password, ready for TOML."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["model"] = {"name": values["model"], **values.pop("options")}
        for name in ("source", "split", "training", "evaluation"):
            values[name] = asdict(values[name])
        values["source"]["path"] = without_password(self.source.path)
        values["evaluation"]["ks"] = list(self.evaluation.ks)
        values["features"] = dict(self.features) or None
        if self.cleaning is None:
            del values["cleaning"]
        else:
            values["cleaning"] = [dict(rule) for rule in self.cleaning]
        values["repair"] = [dict(repair) for repair in self.repair] or None
        plain: dict[str, Any] = _without_none(values)
        return plain

    def rules(self) -> tuple[Rule, ...] | None:
        """The cleaning rules, or None for the default ones.

        Raises:
            ConfigurationError: a rule or one of its parameters is unknown, or one has no value
                that makes sense.
        """
        if self.cleaning is None:
            return None
        return tuple(_built(given, "rule", RULES, "cleaning rule") for given in self.cleaning)

    def repairs(self) -> tuple[Repair, ...]:
        """What mends ids before the rules look at them.

        Raises:
            ConfigurationError: as for `rules`.

        Example:
            >>> Recipe(repair=({"repair": "trim-ids"},)).repairs()
            (TrimIds(columns=('user', 'item')),)
        """
        return tuple(_built(given, "repair", REPAIRS, "repair") for given in self.repair)

    def loss_for(self, items: int) -> "LossChoice":
        """The loss, `"auto"` decided by the size of the catalogue.

        Args:
            items: that may be recommended.

        Example:
            >>> Recipe().loss_for(1_000_000).name
            'sampled-softmax'
        """
        if self.loss != "auto":
            return LossChoice(self.loss, "as the recipe says")
        limit = f"{EXACT_UP_TO:,} items"
        if items <= EXACT_UP_TO:
            return LossChoice("cross-entropy", f"exact, which is affordable up to {limit}")
        return LossChoice(
            "sampled-softmax",
            f"since beyond {limit} an exact loss would take most of each step, and here are "
            f"{items:,}",
        )

    def digest(self, fingerprint: str) -> str:
        """What a checkpoint is good for: these settings on this data.

        Args:
            fingerprint: of the cleaned log.
        """
        values = self.to_dict()
        values.pop("source", None)
        values["training"] = {
            name: value
            for name, value in values["training"].items()
            if name not in ("checkpoint_seconds", "device")
        }
        text = json.dumps([fingerprint, values], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


_Part = TypeVar("_Part")


def _built(
    given: Mapping[str, Any], key: str, known: Mapping[str, type[_Part]], what: str
) -> _Part:
    """A rule or a repair from its name and parameters."""
    parameters = dict(given)
    name = parameters.pop(key, None)
    if not isinstance(name, str) or name not in known:
        raise ConfigurationError(
            f"{what.capitalize()} {name!r} is not known; choose from {', '.join(known)}."
        )
    return settings_of(known[name], parameters, f"{what} {name!r}")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"[{where}] of a recipe must be a table, not {value!r}.")
    return dict(value)


def _tables(value: Any, where: str) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list | tuple):
        raise ConfigurationError(
            f"{where} of a recipe must be a list of tables, each of which TOML calls [[{where}]]; "
            f"not {value!r}."
        )
    return tuple(_table(each, where) for each in value)


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_none(inner) for inner in value]
    return value
