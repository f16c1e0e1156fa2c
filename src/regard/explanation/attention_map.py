"""Where a network looked: shares of attention for each event of a history.

What it is not: a reason. Different attention can give the same answer, and a value can carry
anything once it is looked at (Jain & Wallace 2019, "Attention is not Explanation", NAACL); after
the first layer a position holds a mixture of all events before it, no longer its own event. So
shares stand beside removal effects, and `faithfulness` says whether the two agree (Wiegreffe &
Pinter 2019, "Attention is not not Explanation", EMNLP, on what such checks can show).
"""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from regard.data.queries import Queries
from regard.errors import ModelInputError
from regard.shapes import Floats, Offsets

if TYPE_CHECKING:
    from torch import Tensor

    from regard.attention.contract import Promises
    from regard.models.contract import Trace


def told_by(scorer: object) -> "Promises | None":
    """What the network of a scorer promises of its maps; None where nothing is promised.

    Args:
        scorer: of a network, or anything else.

    Example:
        >>> told_by(object()) is None
        True
    """
    promises: Promises | None = getattr(getattr(scorer, "model", None), "promises", None)
    return promises


def caution(promises: "Promises | None") -> str:
    """A sentence about a map that is not what one takes a map for; empty where it is.

    Args:
        promises: of the network whose map is shown.

    Example:
        >>> from regard.attention.contract import Promises
        >>> print(caution(Promises(whole_map=False, because="the filter has none")))
        The map shows a part of what the answer was made of: the filter has none.
    """
    if promises is None or (promises.rows_sum_to_one and promises.whole_map):
        return ""
    if promises.rows_sum_to_one:
        return f"The map shows a part of what the answer was made of: {promises.because}."
    part = "" if promises.whole_map else ", and shows a part of what the answer was made of"
    return (
        "The map holds no shares: those shown are of its absolute values, made to sum to one"
        f"{part} ({promises.because})."
    )


@runtime_checkable
class Tracer(Protocol):
    """A scorer that can also show what it computed on the way, such as `NetworkScorer`.

    Example:
        >>> isinstance(object(), Tracer)
        False
    """

    def trace(self, queries: Queries) -> "Trace":
        """Named intermediates of some queries, attention maps included."""
        ...


def attention_shares(trace: "Trace", lengths: Offsets) -> Floats:
    """How much the newest event of each history looked at each event, in the last layer.

    Args:
        trace: of a network, with its attention maps.
        lengths: `(B,)` int64 real events of each history; at least 1.

    Returns:
        `(B, M)` float64, mean over heads, oldest event first; a history's shares sum to one, and
        padding has none. Of a map that holds no shares, they are those of its absolute values
        (all zero where it looked at nothing). See the module for what this is not.

    Raises:
        ModelInputError: the trace holds no map, or one that does not fit the lengths.

    Example:
        >>> import torch
        >>> from regard.models.contract import Trace
        >>> map_BHLM = torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]]])
        >>> attention_shares(Trace(torch.zeros(1, 2, 4), {"pooling": map_BHLM}), np.array([2]))
        array([[0.25, 0.75]])
    """
    return list(shares_by_layer(trace, lengths).values())[-1]


def shares_by_layer(trace: "Trace", lengths: Offsets) -> dict[str, Floats]:
    """The same for every layer, by the names of the trace, first layer first.

    Args:
        trace: of a network, with its attention maps.
        lengths: `(B,)` int64 real events of each history; at least 1.

    Returns:
        Layer name -> `(B, M)` float64 shares.

    Raises:
        ModelInputError: the trace holds no map, or one that does not fit the lengths.
    """
    if not trace.attention_maps:
        raise ModelInputError(
            "The trace holds no attention map; ask the network for it with need_maps=True."
        )
    return {name: _shares(map_, lengths) for name, map_ in trace.attention_maps.items()}


def _shares(map_BHLM: "Tensor", lengths: Offsets) -> Floats:
    """Sizes in the row of the newest real position, mean over heads, made to sum to one."""
    # Absolute before the mean: heads of opposite sign both looked.
    map_BLM = map_BHLM.detach().double().abs().mean(dim=1).cpu().numpy()
    rows, longest = map_BLM.shape[:2]
    if len(lengths) != rows or lengths.min(initial=1) < 1 or lengths.max(initial=1) > longest:
        raise ModelInputError(
            f"An attention map of {rows} histories and {longest} positions does not fit lengths "
            f"{lengths.tolist()[:5]}."
        )
    shares_BM = map_BLM[np.arange(rows), lengths - 1]
    sums_B1 = shares_BM.sum(axis=1, keepdims=True)
    shares: Floats = shares_BM / np.where(sums_B1 > 0, sums_B1, 1.0)
    return shares
