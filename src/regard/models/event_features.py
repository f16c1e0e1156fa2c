"""What else is known of each event, as one more vector to add to its item's.

::

    codes    one learned vector each, added up      ┐
    numbers  one linear layer without a bias        ┴─ + ──► input vector of the event

The vectors join the input only: the event to be predicted is compared by its item alone, so nothing
of it is seen before it has happened.

Source: the sum of embeddings of side information at the input, as in BERT's segments (Devlin et al.
2019, section 3.2); one table for all columns, each with a stretch of its own. Differs in that
everything begins at zero: a network starts as if it had no features, and a code that training
never showed (an unknown word, a history without such columns) stays silent.
"""

from itertools import accumulate

import torch
from torch import Tensor, nn

from regard.data.features import FeatureLayout
from regard.models.contract import ModelInput


class EventFeatures(nn.Module):
    """Vectors of the features of events.

    Where a batch has none, such as a history that was typed, each event has what the layout calls
    missing.

    Args:
        layout: of the columns; there is at least one.
        width: of the vectors (`D`).
        scale: what learned vectors are multiplied by, as those of items are.

    Example:
        >>> layout = FeatureLayout(sizes=(5, 3), missing_codes=(0, 0), missing_numbers=(0.0,))
        >>> features = EventFeatures(layout, width=4)
        >>> batch = ModelInput(torch.tensor([[2, 3, 0]]), torch.tensor([2]))
        >>> features(batch).shape, features(batch).abs().sum().item()
        (torch.Size([1, 3, 4]), 0.0)
    """

    starts_F: Tensor
    missing_codes_F: Tensor
    missing_numbers_F: Tensor

    def __init__(self, layout: FeatureLayout, width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        starts = list(accumulate(layout.sizes, initial=0))
        self._keep("starts_F", torch.tensor(starts[:-1], dtype=torch.int32))
        self._keep("missing_codes_F", torch.tensor(layout.missing_codes, dtype=torch.int32))
        self._keep("missing_numbers_F", torch.tensor(layout.missing_numbers, dtype=torch.float32))
        self.codes: nn.EmbeddingBag | None = None
        self.numbers: nn.Linear | None = None
        if layout.sizes:
            self.codes = nn.EmbeddingBag(starts[-1], width, mode="sum")
            nn.init.zeros_(self.codes.weight)
        if layout.missing_numbers:
            self.numbers = nn.Linear(len(layout.missing_numbers), width, bias=False)
            nn.init.zeros_(self.numbers.weight)

    def forward(self, batch: ModelInput) -> Tensor:
        """Vectors `(B, L, D)` of the events of a batch."""
        B, L = batch.items_BL.shape
        parts_BLD: list[Tensor] = []
        if self.codes is not None:
            codes_BLF = batch.feature_codes_BLF
            if codes_BLF is None:
                codes_BLF = self.missing_codes_F.expand(B, L, -1)
            summed_TD = self.codes((codes_BLF + self.starts_F).flatten(0, 1))
            parts_BLD.append(summed_TD.unflatten(0, (B, L)))
        if self.numbers is not None:
            numbers_BLF = batch.feature_numbers_BLF
            if numbers_BLF is None:
                numbers_BLF = self.missing_numbers_F.expand(B, L, -1)
            parts_BLD.append(self.numbers(numbers_BLF))
        return self.scale * torch.stack(parts_BLD).sum(dim=0)

    def _keep(self, name: str, values: Tensor) -> None:
        """A constant of the layout, which moves with the network and is not saved with it."""
        self.register_buffer(name, values, persistent=False)
