"""A trained network as something that answers queries."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from regard.data.batches import query_batch
from regard.data.queries import Queries
from regard.models.contract import ModelInput, SequenceModel, Trace
from regard.shapes import Scores


class NetworkScorer:
    """Scores of every item for each query, by the state after its newest event.

    Args:
        model: is put into evaluation mode whenever it answers, and back afterwards.
        rows: histories read at a time.

    Example:
        >>> import polars as pl
        >>> from regard.data.sequences import Sequences
        >>> from regard.models.sasrec import SASRec, SASRecConfig
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7], "item": [2, 3], "row": [0, 1]}))
        >>> scorer = NetworkScorer(SASRec(SASRecConfig(width=8), catalogue_size=5))
        >>> scorer.score(Queries.requests(seqs, np.array([0]))).shape
        (1, 5)
    """

    def __init__(self, model: SequenceModel, rows: int = 256) -> None:
        self.model = model
        self.rows = rows

    def score(self, queries: Queries) -> Scores:
        """Scores of all items.

        Args:
            queries: none with an empty history.

        Returns:
            `(Q, N)` float32.
        """
        order = np.argsort(queries.history_lengths, kind="stable")
        scores_QN = np.empty((len(queries), self.model.catalogue_size), np.float32)
        for start in range(0, len(order), self.rows):
            rows = order[start : start + self.rows]
            scores_QN[rows] = self._score(queries.select(rows)).numpy()
        return scores_QN

    def trace(self, queries: Queries) -> Trace:
        """What the network computed for some queries, attention maps included."""
        with _evaluating(self.model):
            return self.model.trace(self._input(queries), need_maps=True)

    def _score(self, queries: Queries) -> Tensor:
        with _evaluating(self.model):
            batch = self._input(queries)
            rows = torch.arange(len(queries), device=batch.lengths_B.device)
            last_BD = self.model(batch)[rows, batch.lengths_B - 1]
            table = self.model.item_table()
            scores_BN: Tensor = last_BD @ table.vectors_ND.T
            if table.bias_N is not None:
                scores_BN = scores_BN + table.bias_N
            return scores_BN.float().cpu()

    def _input(self, queries: Queries) -> ModelInput:
        device = next(self.model.parameters()).device
        batch = query_batch(queries, self.model.longest)
        return ModelInput.of(batch, self.model.catalogue_size, device)


@contextmanager
def _evaluating(model: SequenceModel) -> Iterator[None]:
    """Inference without dropout; training mode is restored afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)
