"""What a state is compared with, and what is done to it before: tied, a table of its own, a layer.

::

    tied              state ──────────────────────► · the table that items came in by
    own-table         state ──────────────────────► · another table, + a number an item
    fully-connected   state ──► layer, gelu, norm ──► · the table that items came in by

Source: the tied table is equation 6 of SASRec (Kang & McAuley 2018); a table of its own with a bias
is the output of GRU4Rec (Hidasi et al. 2016, section 3.1); the layer before the tied table is
equation 7 of BERT4Rec (Sun et al. 2019), less its bias for each item, with the norm that BERT's own
code puts behind it.
"""

from abc import ABC, abstractmethod
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention.projection import Projection
from regard.losses.contract import ItemTable
from regard.models.embeddings import ItemEmbedding


class Output(nn.Module, ABC):
    """The last step of a network.

    Args:
        width: of the states (`D`).
        catalogue_size: number of item codes (`N`).
    """

    def __init__(self, width: int, catalogue_size: int) -> None:
        super().__init__()
        self.width, self.catalogue_size = width, catalogue_size

    def forward(self, states: Tensor) -> Tensor:
        """States `(..., D)` as they are compared; as they come, unless overridden."""
        return states

    @abstractmethod
    def table(self, items: ItemEmbedding) -> ItemTable:
        """What they are compared with.

        Args:
            items: by which items came in.
        """


class TiedOutput(Output):
    """The input table once more.

    Example:
        >>> output = TiedOutput(width=4, catalogue_size=9)
        >>> items = ItemEmbedding(catalogue_size=9, width=4)
        >>> output.table(items).vectors_ND is items.vectors_ND
        True
    """

    def table(self, items: ItemEmbedding) -> ItemTable:
        """See `Output.table`."""
        return ItemTable(items.vectors_ND)


class OwnTableOutput(Output):
    """A table of its own, with a number for each item.

    Example:
        >>> output = OwnTableOutput(width=4, catalogue_size=9)
        >>> output.table(ItemEmbedding(catalogue_size=9, width=4)).bias_N.shape
        torch.Size([9])
    """

    def __init__(self, width: int, catalogue_size: int) -> None:
        super().__init__(width, catalogue_size)
        self.vectors_ND = nn.Parameter(torch.empty(catalogue_size, width))
        self.bias_N = nn.Parameter(torch.zeros(catalogue_size))
        nn.init.normal_(self.vectors_ND, std=0.02)

    def table(self, items: ItemEmbedding) -> ItemTable:
        """See `Output.table`."""
        del items
        return ItemTable(self.vectors_ND, self.bias_N)


class FullyConnectedOutput(TiedOutput):
    """One more layer, then the input table.

    Example:
        >>> FullyConnectedOutput(width=4, catalogue_size=9)(torch.ones(2, 4)).shape
        torch.Size([2, 4])
    """

    def __init__(self, width: int, catalogue_size: int) -> None:
        super().__init__(width, catalogue_size)
        self.layer = Projection(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, states: Tensor) -> Tensor:
        """See `Output.forward`."""
        layered: Tensor = self.norm(F.gelu(self.layer(states)))
        return layered


HEADS: Final[dict[str, type[Output]]] = {
    "tied": TiedOutput,
    "own-table": OwnTableOutput,
    "fully-connected": FullyConnectedOutput,
}
"""Name in recipes -> class."""
