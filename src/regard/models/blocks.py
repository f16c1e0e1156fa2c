"""What stands around a mechanism in each layer, by name."""

from collections.abc import Callable
from typing import Final, TypeAlias

from torch import nn

from regard.attention.contract import Attention
from regard.models.bare_block import BareBlock
from regard.models.block import PreNormBlock
from regard.models.gated_block import GatedBlock
from regard.models.post_norm import PostNormBlock

BlockMaker: TypeAlias = Callable[[Attention, int, int, float], nn.Module]
"""From a mechanism, the width of states, the width inside and a dropout to a block: a module whose
`forward` and `newest` are called as those of `regard.models.block.PreNormBlock`. One whose states
come out normalised says `ends_normed = True`; no norm is then put behind the last one."""

BLOCKS: Final[dict[str, BlockMaker]] = {
    "pre-norm": PreNormBlock,
    "post-norm": PostNormBlock,
    "gated": GatedBlock,
    "bare": lambda attention, width, hidden, dropout: BareBlock(  # noqa: ARG005 - has no inside
        attention, width, dropout
    ),
}
"""Name in recipes -> what makes the block."""
