"""Neighbours of the smallest attention model: alike but for how a history becomes one vector.

Networks of a benchmark, not of the package: `regard.recommender.fitting.welcome` makes them known
in the process of a run, through `NETWORKS`.
"""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from regard.attention.contract import Promises
from regard.losses.contract import ItemTable
from regard.models.attention_pooling import AttentionPoolingConfig
from regard.models.contract import ModelInput, SequenceModel, Trace
from regard.models.dropout import ByteDropout


class Pooling(SequenceModel):
    """Embedding, something that makes one vector of the events so far, linear output.

    Args:
        config: sizes, those of attention pooling.
        catalogue_size: number of item codes (`N`).
    """

    config_class: ClassVar[type] = AttentionPoolingConfig
    promises = Promises(has_map=False, because="it does not attend")
    config: AttentionPoolingConfig

    def __init__(self, config: AttentionPoolingConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        self.embedding = nn.Embedding(catalogue_size, config.width, padding_idx=0)
        self.dropout = ByteDropout(config.dropout)
        self.output = nn.Linear(config.width, catalogue_size)

    @abstractmethod
    def pooled(self, vectors_BLD: Tensor) -> Tensor:
        """One vector for each event, of it and those before, `(B, L, D)`."""

    def trace(self, batch: ModelInput, *, need_maps: bool = False) -> Trace:  # noqa: ARG002 - it has none
        """See `SequenceModel.trace`."""
        self.check_length(batch)
        return Trace(self.dropout(self.pooled(self.embedding(batch.items_BL))))

    def item_table(self) -> ItemTable:
        """Weight and bias of the linear output."""
        return ItemTable(self.output.weight, self.output.bias)


class LastItem(Pooling):
    """The newest event alone: a first-order Markov chain, squeezed into D numbers an item."""

    name: ClassVar[str] = "last-item"

    def pooled(self, vectors_BLD: Tensor) -> Tensor:
        """See `Pooling.pooled`."""
        return vectors_BLD


class MeanPooling(Pooling):
    """The mean of all events so far: attention whose shares are equal."""

    name: ClassVar[str] = "mean-pooling"

    def pooled(self, vectors_BLD: Tensor) -> Tensor:
        """See `Pooling.pooled`; padding stands behind, and never in a mean that is asked for."""
        counts_L = torch.arange(1, vectors_BLD.shape[1] + 1, device=vectors_BLD.device)
        return vectors_BLD.cumsum(1) / counts_L[:, None]


class LSTM(Pooling):
    """The last state of an LSTM."""

    name: ClassVar[str] = "lstm"

    def __init__(self, config: AttentionPoolingConfig, catalogue_size: int) -> None:
        super().__init__(config, catalogue_size)
        self.lstm = nn.LSTM(config.width, config.width, batch_first=True)

    def pooled(self, vectors_BLD: Tensor) -> Tensor:
        """See `Pooling.pooled`; in float32, since a rounding would be handed on."""
        with torch.autocast(vectors_BLD.device.type, enabled=False):
            states_BLD: Tensor = self.lstm(vectors_BLD.float())[0]
        return states_BLD


NETWORKS = (LastItem, MeanPooling, LSTM)
