"""What every network promises, so that training, answering and explaining know one thing only."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, ClassVar, get_type_hints

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises, promises_of
from regard.attention.masks import pick_newest
from regard.data.batches import Batch
from regard.data.features import FeatureLayout
from regard.errors import ConfigurationError, ModelInputError
from regard.losses.contract import ItemTable


@dataclass(frozen=True)
class Trace:
    """What a network computed on the way, by name.

    Attributes:
        states_BLD: the output at every position.
        attention_maps: layer name -> `(B, H, L, M)`.
    """

    states_BLD: Tensor
    attention_maps: Mapping[str, Tensor] = field(default_factory=dict)


class SequenceModel(nn.Module, ABC):
    """A network that reads a history and says, at each event, what kind of item comes next.

    A subclass is constructed from `(config, catalogue_size)`, and one that reads features from
    `(config, catalogue_size, layout)`; it implements `trace` and `item_table`. It promises
    causality (changing what comes later never changes a state; a history of another length may,
    where positions count from its newest event), padding invariance, and a gradient to every
    parameter. One that is not causal says so in `promises`: only its newest state then has a
    meaning, and its `objective` asks for no other.

    Attributes:
        name: what recipes and the command line call it.
        config_class: the frozen dataclass that its config is one of.
        features: whether it can read features of events.
        cold_items: whether it can recommend items that training never showed.
        by_options: whether its promises follow from its options; they then differ from network to
            network of its kind.
        promises: what of the contract it keeps, and what of a batch it reads beside items and
            lengths.
        objective: name of the objective that it learns by where the recipe names none.
        config: the frozen dataclass it was built from.
        catalogue_size: N, the number of item codes.
        longest: the most events it can look at (`L`).
        layout: of the features that this one reads, or None.
    """

    name: ClassVar[str]
    config_class: ClassVar[type]
    features: ClassVar[bool] = False
    cold_items: ClassVar[bool] = False
    by_options: ClassVar[bool] = False
    promises: Promises = Promises()
    objective: str = "next-item"
    config: Any
    longest: int

    def __init__(
        self, config: Any, catalogue_size: int, layout: FeatureLayout | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.catalogue_size = catalogue_size
        self.longest = config.longest
        self.layout = layout

    @abstractmethod
    def trace(self, batch: "ModelInput", *, need_maps: bool = False) -> Trace:
        """Read a batch of histories.

        Args:
            batch: tensors of a batch.
            need_maps: whether the attention maps are wanted too.

        Returns:
            States `(B, L, D)`; those at padding have no meaning.
        """

    @abstractmethod
    def item_table(self) -> ItemTable:
        """What states are compared with."""

    def forward(self, batch: "ModelInput") -> Tensor:
        """States `(B, L, D)` of a batch."""
        return self.trace(batch).states_BLD

    def newest(self, batch: "ModelInput") -> Tensor:
        """States `(B, D)` after the newest event of each history: all that an answer needs.

        Equal to those of `forward` within float tolerance; a model that can leave out the work for
        the other positions of its last layer overrides this.
        """
        return pick_newest(self(batch), batch.lengths_B)

    def make_tables_sparse(self) -> list[nn.Parameter]:
        """Let gradients hold only those rows of the item tables that a step has read.

        For a loss that reads few items: a step then costs the same however long the catalogue is.

        Returns:
            The tables, input and output alike; their optimiser must know such gradients.
        """
        found: list[nn.Parameter] = []
        for module in self.modules():
            if isinstance(module, nn.Embedding) and module.num_embeddings == self.catalogue_size:
                module.sparse = True
                found.append(module.get_parameter("weight"))
        table = self.item_table()
        outputs = (table.vectors_ND, table.bias_N)
        found += [each for each in outputs if isinstance(each, nn.Parameter)]
        return list(dict.fromkeys(found))

    @property
    def with_times(self) -> bool:
        """Whether it reads a clock."""
        return not {"times_BL", "asked_BL"}.isdisjoint(self.promises.needs)

    def check_length(self, batch: "ModelInput") -> None:
        """Refuse histories that a mechanism without positions of its own would read all the same.

        Raises:
            ModelInputError: the batch has more than `longest` positions.
        """
        if batch.items_BL.shape[1] > self.longest:
            raise ModelInputError(
                f"A history of {batch.items_BL.shape[1]} events was given to a model that holds "
                f"{self.longest}; keep its newest {self.longest}."
            )

    def settings(self) -> dict[str, Any]:
        """The config as plain values, for a recipe."""
        if not is_dataclass(self.config) or isinstance(self.config, type):
            raise TypeError(f"The config of {self.name} must be a dataclass.")
        return asdict(self.config)


@contextmanager
def evaluating(model: SequenceModel) -> Iterator[None]:
    """Inference without dropout; training mode is restored afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def check_sizes(config: Any) -> None:
    """Refuse a config whose sizes make no network.

    Args:
        config: a dataclass; fields of whole numbers are sizes, and a dropout is a probability.

    Raises:
        ConfigurationError: a size is below 1, or a probability not in [0, 1).

    Example:
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     width: int = 0
        >>> check_sizes(Config())
        Traceback (most recent call last):
        regard.errors.ConfigurationError: model.width=0 must be 1 or more.
    """
    kinds = get_type_hints(type(config))
    for name, value in asdict(config).items():
        # Not by the value: a share of 0 is a whole number too.
        if kinds[name] is int and value < 1:
            raise ConfigurationError(f"model.{name}={value} must be 1 or more.")
        if name.endswith("dropout") and not 0.0 <= value < 1.0:
            raise ConfigurationError(f"model.{name}={value} must be at least 0 and below 1.")


def given_to(mechanism: object, batch: "ModelInput") -> dict[str, Tensor | None]:
    """What a mechanism is given of a batch beside states, by the names in its promises.

    Args:
        mechanism: with or without `promises`.
        batch: that its states were made of.

    Example:
        >>> from regard.attention.linear import LinearAttention
        >>> given_to(LinearAttention(4), ModelInput(torch.tensor([[3]]), torch.tensor([1])))
        {}
    """
    return {name: getattr(batch, name) for name in promises_of(mechanism).needs}


@dataclass(frozen=True)
class ModelInput:
    """A batch as tensors on the device of the network.

    Attributes:
        items_BL: int64 codes, padded on the right with 0.
        lengths_B: int64.
        targets_BL: int64, 0 where there is none; None when answering.
        times_BL: float64 seconds, or None.
        asked_BL: float64 seconds, or None.
        feature_codes_BLF: int32, or None.
        feature_numbers_BLF: float32, or None.
    """

    items_BL: Tensor
    lengths_B: Tensor
    targets_BL: Tensor | None = None
    times_BL: Tensor | None = None
    asked_BL: Tensor | None = None
    feature_codes_BLF: Tensor | None = None
    feature_numbers_BLF: Tensor | None = None

    @classmethod
    def of(
        cls, batch: Batch, catalogue_size: int, device: torch.device | str = "cpu"
    ) -> "ModelInput":
        """Check a batch once, at the door, and hand its arrays to torch without a copy.

        Args:
            batch: from `regard.data.batches`.
            catalogue_size: N of the network that will read it.
            device: where the network lives.

        Raises:
            ModelInputError: a row has no event, or a code is outside the catalogue.
        """
        if len(batch.lengths) == 0 or batch.lengths.min() < 1:
            raise ModelInputError(
                "A history without any event cannot be read: attention over padding alone has no "
                "meaning. Answer such users by popularity."
            )
        low, high = int(batch.items.min()), int(batch.items.max())
        if low < 0 or high >= catalogue_size:
            raise ModelInputError(
                f"Item codes must lie from 0 to {catalogue_size - 1}; received {low} to {high}. "
                "Encode items with the vocabulary of the model."
            )

        def tensor(array: Any) -> Tensor | None:
            return None if array is None else torch.from_numpy(array).to(device)

        items_BL, lengths_B = tensor(batch.items), tensor(batch.lengths)
        assert items_BL is not None and lengths_B is not None  # noqa: S101, PT018 - for the checker
        given = batch.features
        features = (None, None) if given is None else (given.codes, given.numbers)
        optional = (batch.targets, batch.times, batch.asked, *features)
        return cls(items_BL, lengths_B, *map(tensor, optional))
