"""SASRec with its mechanism of attention swapped, and nothing else.

A network of the benchmark, not of the package: `regard.recommender.fitting.welcome` makes it known
in the process of a run, through `NETWORKS`.
"""

import inspect
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from regard.attention import ATTENTION, DISTANCES
from regard.attention.contract import Promises, promises_of
from regard.attention.positions import NewestFirstPositions
from regard.attention.scaled_dot_product import ScaledDotProductAttention
from regard.errors import ConfigurationError
from regard.losses.contract import ItemTable
from regard.models.block import PreNormBlock
from regard.models.contract import ModelInput, SequenceModel, Trace, check_sizes, given_to
from regard.models.dropout import ByteDropout
from regard.models.embeddings import ItemEmbedding

NOTHING = "nothing"
"""Blocks without attention: what the rest of the network does by itself."""


class Nothing(nn.Module):
    """Attends to nothing, and adds nothing.

    Args:
        width: of the states (`D`).
    """

    promises: ClassVar[Promises] = Promises(has_map=False, because="it does not attend")

    def __init__(self, width: int) -> None:  # noqa: ARG002 - as mechanisms are made
        super().__init__()

    def forward(self, states_BLD: Tensor, *, need_map: bool = False) -> tuple[Tensor, None]:  # noqa: ARG002 - it has none
        """Zeros."""
        return torch.zeros_like(states_BLD), None


def mechanisms() -> list[str]:
    """Every mechanism that reads a history once for all candidates, and every scheme of distances.

    A scheme is named behind the mechanism that takes it, with a plus.
    """
    once = [
        name
        for name, kind in ATTENTION.items()
        if "candidates_BCD" not in inspect.signature(kind.forward).parameters
    ]
    return [NOTHING, *once, *(f"scaled-dot-product + {name}" for name in DISTANCES)]


def made(name: str, width: int, **settings: int) -> nn.Module:
    """A mechanism with its defaults, given those of some settings that it takes.

    Raises:
        ConfigurationError: there is no mechanism of that name.
    """
    if name not in mechanisms():
        raise ConfigurationError(f"model.mechanism={name!r} is none of {', '.join(mechanisms())}.")
    name, _, scheme = name.partition(" + ")
    if scheme:
        distances = DISTANCES[scheme]
        return ScaledDotProductAttention(
            width, settings["heads"], positions=distances(**_taken(distances, settings))
        )
    kind: Any = Nothing if name == NOTHING else ATTENTION[name]
    mechanism: nn.Module = kind(width, **_taken(kind, settings))
    return mechanism


def _taken(kind: type, settings: dict[str, int]) -> dict[str, int]:
    known = inspect.signature(kind).parameters
    return {name: value for name, value in settings.items() if name in known}


@dataclass(frozen=True, kw_only=True)
class SwappedConfig:
    """Sizes as those of SASRec, and a mechanism.

    Attributes:
        mechanism: one of `mechanisms()`.
        width: of the states (`D`).
        blocks: number of layers.
        heads: of a mechanism that has heads.
        expansion: how many times as wide as the states the feed-forward network is inside.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.
    """

    mechanism: str = "scaled-dot-product"
    width: int = 64
    blocks: int = 2
    heads: int = 2
    expansion: int = 4
    longest: int = 200
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self)


class Swapped(SequenceModel):
    """SASRec's items, positions and pre-norm blocks around any mechanism.

    A scheme of distances takes the place of the learned positions, which would tell the same twice.

    Args:
        config: sizes and mechanism.
        catalogue_size: number of item codes (`N`).
    """

    name: ClassVar[str] = "swapped"
    config_class: ClassVar[type] = SwappedConfig
    config: SwappedConfig

    def __init__(self, config: SwappedConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        width = config.width
        self.items = ItemEmbedding(catalogue_size, width, scale=width**0.5)
        learned = " + " not in config.mechanism
        self.positions = NewestFirstPositions(config.longest, width) if learned else None
        self.dropout = ByteDropout(config.dropout)
        self.blocks = nn.ModuleList()
        for layer in range(1, config.blocks + 1):
            sizes = {"heads": config.heads, "longest": config.longest, "layer": layer}
            mechanism: Any = made(config.mechanism, width, **sizes)
            hidden = config.expansion * width
            self.blocks.append(PreNormBlock(mechanism, width, hidden, config.dropout))
        self.norm = nn.LayerNorm(width)
        self.promises = replace(promises_of(mechanism), whole_map=False, because="of one layer")
        self.objective = "next-item" if self.promises.causal else "newest-item"

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:
        """See `SequenceModel.trace`."""
        self.check_length(batch)
        states_BLD = self.items(batch.items_BL)
        if self.positions is not None:
            states_BLD = states_BLD + self.positions(batch.lengths_B, batch.items_BL.shape[1])
        states_BLD, maps = self.dropout(states_BLD), {}
        for number, block in enumerate(self.blocks, start=1):
            given = given_to(block.attention, batch)
            states_BLD, map_BHLM = block(states_BLD, need_map=need_maps, **given)
            if map_BHLM is not None:
                maps[f"block {number}"] = map_BHLM
        return Trace(self.norm(states_BLD), maps)

    def item_table(self) -> ItemTable:
        """The input table once more."""
        return ItemTable(self.items.vectors_ND)


NETWORKS = (Swapped,)
