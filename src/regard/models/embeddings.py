"""Items as vectors."""

from torch import Tensor, nn

from regard.schema import PADDING

_SPREAD = 0.02
"""Standard deviation of the table's numbers at first."""


class ItemEmbedding(nn.Module):
    """A learned vector per item code; the padding's is zero and stays so.

    Args:
        catalogue_size: number of codes (`N`).
        width: of the vectors (`D`).
        scale: what vectors are multiplied by when read as input. `sqrt(D)`, as in "Attention Is
            All You Need" (section 3.4), lets one table serve as input and, unscaled, as output.

    Attributes:
        scale: as given.
        spread: standard deviation of the numbers that are read at first.

    Example:
        >>> import torch
        >>> embed = ItemEmbedding(catalogue_size=5, width=4)
        >>> embed(torch.tensor([[0, 3]]))[0, 0].tolist()
        [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, catalogue_size: int, width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.spread = scale * _SPREAD
        self.table = nn.Embedding(catalogue_size, width, padding_idx=PADDING)
        nn.init.normal_(self.table.weight, std=_SPREAD)
        nn.init.zeros_(self.table.weight[PADDING].detach())

    def forward(self, items_BL: Tensor) -> Tensor:
        """Vectors `(B, L, D)` of int64 codes `(B, L)`."""
        vectors: Tensor = self.table(items_BL)
        return vectors * self.scale

    @property
    def vectors_ND(self) -> Tensor:
        """The unscaled table `(N, D)`."""
        return self.table.weight
