"""Compose: a network put together from a recipe, for combinations that nobody has tried yet.

::

    items (+ positions) ─► [ block: mechanism ┐            ] × blocks ─► norm ─► head ─► scores
                           [        mechanism ┴ fusion ... ]

As a recipe::

    [model]
    name = "compose"
    mechanisms = ["linear", "local-window"]
    fusion = "gate"

    [model.options_of.local-window]
    window = 20

Idea: what the papers of the field propose are parts: an attention mechanism, what stands around it,
where order comes from, what a state is compared with. Each part has a name here, so that a new
combination is a few lines of a recipe, trained and measured as every other network is.

Formula: with x the item vectors times √D, plus those of positions: `x ← block(x)` in each of the
blocks, whose mechanism is `fusion(x, mechanism₁(x), ..., mechanismₙ(x))`; the score of item j is
`head(norm(x))·eⱼ`. What is inside stands on the pages of the mechanisms, and in
`regard.models.blocks`, `regard.models.fusion` and `regard.models.output`.

Source: the frame is SASRec (Kang & McAuley 2018, section III), which it is, number for number,
unless told otherwise; the parts name theirs.

Differs from the paper: as SASRec here does. Promises follow from the mechanisms: with one that
reads histories whole, such as low-rank, the network learns by the newest item of each history, and
with one that reads a clock it reads one.

Cost: time `O(n L² D + L D²)`, memory `O(n H L²)` at the most, for n mechanisms a block; less where
theirs cost less.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from regard.attention import ATTENTION, DISTANCES
from regard.attention.contract import Promises, promises_of
from regard.attention.options import check_options
from regard.attention.positions import NewestFirstPositions
from regard.data.features import FeatureLayout
from regard.errors import ConfigurationError
from regard.kinds import nearest_of
from regard.losses.contract import ItemTable
from regard.models.blocks import BLOCKS
from regard.models.fusion import FUSIONS
from regard.models.mechanisms import check_mechanisms, dry_run, made, require_one_of
from regard.models.output import HEADS
from regard.models.side_by_side import SideBySide
from regard.models.stack import Stack, StackConfig

_NONE: Final = "none"
_BARE: Final = "bare"
_TAKES_DISTANCES: Final = "scaled-dot-product"
_POSITIONS: Final = ("newest-first", _NONE)
_READ_BY_EVERY_MODEL: Final = {"items_BL", "lengths_B"}


@dataclass(frozen=True, kw_only=True)
class ComposeConfig(StackConfig):
    """Parts of a network and their sizes; the defaults are those of SASRec.

    Attributes:
        mechanisms: one name of `regard.attention.ATTENTION`, or several for side by side in each
            block.
        options_of: name of a mechanism, or of the scheme of distances -> its options by name.
        fusion: what makes one of several mechanisms: `sum`, `gate`, `concatenation` or
            `convolution`.
        block: what stands around a mechanism: `pre-norm`, `post-norm`, `gated` (of LiGR) or
            `bare`, which has no feed-forward network.
        blocks: number of layers.
        positions: learned vectors of places, `newest-first`, or `none`.
        distances: what makes scaled dot products depend on distance: `rotary`, `linear-bias` or
            `none`.
        head: what a state is compared with: the input table (`tied`), a table and a bias of its own
            (`own-table`), or the input table behind one more layer (`fully-connected`).
        width: of the states (`D`).
        heads: per layer (`H`), of each mechanism that has heads; must divide `width`.
        expansion: how many times as wide as the states a feed-forward network is inside; not for
            a block without one.
        longest: most events looked at (`L`).
        dropout: probability after the embedding and in each branch.

    Raises:
        ConfigurationError: a part is not known or cannot be used here, an option is not one of its
            mechanism, or a size is below 1.

    Example:
        >>> ComposeConfig(mechanisms=("linear", "local-windw"))
        Traceback (most recent call last):
        regard.errors.ConfigurationError: model.mechanisms names 'local-windw', which is not known;
        did you mean 'local-window'?
    """

    mechanisms: str | tuple[str, ...] = (_TAKES_DISTANCES,)
    options_of: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fusion: str = "sum"
    block: str = "pre-norm"
    positions: str = "newest-first"
    distances: str = _NONE
    head: str = "tied"
    expansion: int = 4

    def __post_init__(self) -> None:
        if not isinstance(self.mechanisms, str):
            object.__setattr__(self, "mechanisms", tuple(self.mechanisms))
        super().__post_init__()
        parts: dict[str, Collection[str]] = {
            "fusion": FUSIONS,
            "block": BLOCKS,
            "positions": _POSITIONS,
            "distances": {*DISTANCES, _NONE},
            "head": HEADS,
        }
        for name, known in parts.items():
            require_one_of(getattr(self, name), known, f"model.{name} is")
        check_mechanisms(self.names)
        self._check_combination()
        used = {name: ATTENTION[name] for name in self.names}
        if self.distances != _NONE:
            used[self.distances] = DISTANCES[self.distances]
        for name, options in self.options_of.items():
            if name not in used:
                raise ConfigurationError(
                    f"model.options_of sets {name!r}, which is no part of this model; "
                    f"{nearest_of(name, used)}"
                )
            check_options(used[name], options, f"model.options_of.{name}")
        self._check_lengths()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the mechanisms."""
        return (self.mechanisms,) if isinstance(self.mechanisms, str) else self.mechanisms

    def _check_combination(self) -> None:
        """Refuse what would be set and change nothing."""
        if self.fusion != "sum" and len(self.names) == 1:
            raise ConfigurationError(
                f"model.fusion={self.fusion!r} makes one of several mechanisms, and there is one "
                f"only ({self.names[0]}); name another in model.mechanisms, or leave fusion out."
            )
        if self.distances != _NONE and _TAKES_DISTANCES not in self.names:
            raise ConfigurationError(
                f"model.distances={self.distances!r} is for {_TAKES_DISTANCES}, which is not among "
                f"model.mechanisms ({', '.join(self.names)}); name it there, or leave distances "
                "out."
            )
        if self.expansion != ComposeConfig.expansion and self.block == _BARE:
            raise ConfigurationError(
                f"model.expansion={self.expansion} is for a feed-forward network, and "
                f"model.block={self.block!r} has none; choose another block, or leave expansion "
                "out."
            )

    def _check_lengths(self) -> None:
        """Refuse a mechanism that would refuse histories which the model holds."""
        for name in self.names:
            own = self.options_of.get(name, {}).get("longest")
            if promises_of(ATTENTION[name]).bounded and own is not None and own < self.longest:
                raise ConfigurationError(
                    f"model.options_of.{name}.longest={own} is below "
                    f"model.longest={self.longest}: {name} would refuse histories that the model "
                    "holds; leave it out, or lower model.longest."
                )


class Compose(Stack):
    """A network of the parts that its config names.

    Args:
        config: parts and sizes.
        catalogue_size: number of item codes (`N`).
        layout: of the features of events; None where it reads items alone.

    Raises:
        ConfigurationError: a size does not suit a mechanism.
        MissingDependencyError: a mechanism needs a package that is not installed.

    Example:
        >>> import numpy as np
        >>> from regard.data.batches import Batch
        >>> from regard.models.contract import ModelInput
        >>> config = ComposeConfig(
        ...     mechanisms=("linear", "local-window"), fusion="gate", blocks=1, width=8,
        ...     options_of={"local-window": {"window": 2}},
        ... )
        >>> model = Compose(config, catalogue_size=20)
        >>> batch = Batch(items=np.array([[3, 4, 5], [6, 0, 0]]), lengths=np.array([3, 1]))
        >>> list(model.trace(ModelInput.of(batch, 20), need_maps=True).attention_maps)
        ['block 1 linear', 'block 1 local-window']
    """

    name: ClassVar[str] = "compose"
    config_class: ClassVar[type] = ComposeConfig
    by_options: ClassVar[bool] = True
    config: ComposeConfig

    def __init__(
        self, config: ComposeConfig, catalogue_size: int, layout: FeatureLayout | None = None
    ) -> None:
        super().__init__(config, catalogue_size, layout)
        if getattr(self.blocks[-1], "ends_normed", False):
            self.norm = nn.Identity()
        self.head = HEADS[config.head](config.width, catalogue_size)
        self.promises = _of_a_model(promises_of(self.blocks[0].attention))
        self.objective = "next-item" if self.promises.causal else "newest-item"
        mechanisms = _mechanisms_of(self.blocks[0])
        self.map_heads = [dry_run(each, config.width) for each in mechanisms]

    def places(self) -> NewestFirstPositions | None:
        """See `Stack.places`."""
        return None if self.config.positions == _NONE else super().places()

    def block(self) -> nn.Module:
        """See `Stack.block`."""
        config, number = self.config, len(self.blocks) + 1
        mechanisms = {name: _mechanism(name, config, number) for name in config.names}
        attention: Any = mechanisms[config.names[0]]
        if len(mechanisms) > 1:
            fusion = FUSIONS[config.fusion](config.width, len(mechanisms))
            attention = SideBySide(mechanisms, fusion)
        hidden = config.expansion * config.width
        return BLOCKS[config.block](attention, config.width, hidden, config.dropout)

    def answers(self, states: Tensor) -> Tensor:
        """See `Stack.answers`."""
        answers: Tensor = self.head(super().answers(states))
        return answers

    def named(self, number: int, map_BHLM: Tensor) -> dict[str, Tensor]:
        """Maps are named `block 1 linear`, `block 1 graph`, ...; see `Stack.named`."""
        names = [f"block {number} {name}" for name in self.config.names]
        return dict(zip(names, torch.split(map_BHLM, self.map_heads, dim=1), strict=True))

    def item_table(self) -> ItemTable:
        """As the head has it."""
        return self.head.table(self.items)


def _mechanism(name: str, config: ComposeConfig, number: int) -> nn.Module:
    """One mechanism, with the sizes of the model where its own options say nothing else."""
    sizes = {"heads": config.heads, "longest": config.longest, "layer": number}
    settings: dict[str, Any] = sizes | dict(config.options_of.get(name, {}))
    if name == _TAKES_DISTANCES and config.distances != _NONE:
        of_scheme = {"heads": settings["heads"], **config.options_of.get(config.distances, {})}
        settings["positions"] = made(DISTANCES[config.distances], of_scheme)
    return made(ATTENTION[name], {"width": config.width, **settings})


def _mechanisms_of(block: nn.Module) -> list[nn.Module]:
    attention = block.get_submodule("attention")
    return (
        list(attention.mechanisms.children()) if isinstance(attention, SideBySide) else [attention]
    )


def _of_a_model(promises: Promises) -> Promises:
    """What a network of such mechanisms promises: every network reads items and lengths."""
    needs = tuple(name for name in promises.needs if name not in _READ_BY_EVERY_MODEL)
    return replace(promises, needs=needs)
