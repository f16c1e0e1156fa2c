"""A trained network as something that answers queries."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from regard.data.batches import query_batch, query_batches
from regard.data.queries import Queries
from regard.losses.contract import ItemTable
from regard.models.candidates import CandidateModel, ReadEvents
from regard.models.contract import ModelInput, SequenceModel, Trace, evaluating
from regard.shapes import Scores

_TOKENS = {"cpu": 4_096}
"""Positions that a network reads at a time: on a processor as many as its cache holds states of."""
_TOKENS_ELSEWHERE = 131_072
"""The same where thousands of cores wait for work."""
_FEWEST_ROWS, _FEWEST_ITEMS = 8, 16
"""Smaller products are computed by other kernels, which add up in another order."""


class NetworkScorer:
    """Scores of every item for each query, by the state after its newest event.

    Args:
        model: is put into evaluation mode whenever it answers, and back afterwards.
        tokens: positions that are read at a time, padding included; by the device if omitted.

    Example:
        >>> import numpy as np, polars as pl
        >>> from regard.data.sequences import Sequences
        >>> from regard.models.sasrec import SASRec, SASRecConfig
        >>> seqs = Sequences.of(pl.DataFrame({"user": [7, 7], "item": [2, 3], "row": [0, 1]}))
        >>> scorer = NetworkScorer(SASRec(SASRecConfig(width=8), catalogue_size=5))
        >>> scorer.score(Queries.requests(seqs, np.array([0]))).shape
        (1, 5)
    """

    in_blocks = True
    """See `regard.evaluation.scorer.BlockScorer`."""

    def __init__(self, model: SequenceModel, tokens: int | None = None) -> None:
        self.model = model
        self.tokens = tokens

    def score(self, queries: Queries) -> Scores:
        """Scores of all items.

        Args:
            queries: none with an empty history.

        Returns:
            `(Q, N)` float32.
        """
        return self.prepare(queries).block(0, self.model.catalogue_size)

    def prepare(self, queries: Queries) -> "ReadHistories | ReadEvents":
        """Read histories once, to compare them with any part of the catalogue.

        Args:
            queries: none with an empty history.

        Returns:
            Their newest states, beside the item table; of a model that looks at each candidate by
            itself, the states of all their events.
        """
        with evaluating(self.model):
            if isinstance(self.model, CandidateModel):
                return self._events(self.model, queries)
            table = self.model.item_table()
            vectors_ND = table.vectors_ND
            states_QD = vectors_ND.new_empty((len(queries), vectors_ND.shape[1]))
            tokens = self.tokens or _TOKENS.get(vectors_ND.device.type, _TOKENS_ELSEWHERE)
            for rows, batch in query_batches(
                queries, self.model.longest, tokens, with_features=self.model.layout is not None
            ):
                read = ModelInput.of(batch, self.model.catalogue_size, vectors_ND.device)
                places = torch.from_numpy(rows).to(vectors_ND.device)
                states_QD[places] = self.model.newest(read).to(states_QD.dtype)
            return ReadHistories(states_QD, table)

    def _events(self, model: CandidateModel, queries: Queries) -> ReadEvents:
        """The states of all events, always as many columns, so that scores never depend on them."""
        vectors_ND = model.item_table().vectors_ND
        if not len(queries):
            nobody = vectors_ND.new_empty(0, model.longest, vectors_ND.shape[1])
            return ReadEvents(model, nobody, nobody.new_empty(0, dtype=torch.int64))
        batch = query_batch(queries, model.longest, with_features=model.layout is not None)
        read = ModelInput.of(batch, model.catalogue_size, vectors_ND.device)
        states_BLD = model(read)
        missing = model.longest - states_BLD.shape[1]
        return ReadEvents(model, pad(states_BLD, (0, 0, 0, missing)), read.lengths_B)

    def trace(self, queries: Queries) -> Trace:
        """What the network computed for some queries, attention maps included."""
        with evaluating(self.model):
            with_features = self.model.layout is not None
            batch = query_batch(queries, self.model.longest, with_features=with_features)
            device = next(self.model.parameters()).device
            read = ModelInput.of(batch, self.model.catalogue_size, device)
            return self.model.trace(read, need_maps=True)


@dataclass(frozen=True)
class ReadHistories:
    """Histories as states, ready for any part of the catalogue.

    Attributes:
        states_BD: after the newest event of each history.
        table: what they are compared with.

    Example:
        >>> read = ReadHistories(torch.ones(1, 2), ItemTable(torch.arange(8.0).view(4, 2)))
        >>> read.block(2, 4).tolist()
        [[9.0, 13.0]]
    """

    states_BD: Tensor
    table: ItemTable

    @property
    def shape(self) -> tuple[int, int]:
        """`(B, N)`."""
        return len(self.states_BD), len(self.table.vectors_ND)

    @torch.inference_mode()
    def block(self, start: int, stop: int) -> Scores:
        """Scores of the codes from `start` to `stop` (exclusive), the same in any block.

        Returns:
            `(B, stop - start)` float32.
        """
        rows, items = self.shape
        # A few rows and columns more than asked for where those are too few; see above.
        low = max(0, min(start, items - _FEWEST_ITEMS))
        states_BD = pad(self.states_BD, (0, 0, 0, max(0, _FEWEST_ROWS - rows)))
        scores_BN = states_BD @ self.table.vectors_ND[low : max(stop, low + _FEWEST_ITEMS)].T
        scores_BN = scores_BN[:rows, start - low : stop - low]
        if self.table.bias_N is not None:
            scores_BN = scores_BN + self.table.bias_N[start:stop]
        return scores_BN.float().cpu().contiguous().numpy()
