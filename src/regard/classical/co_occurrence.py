"""Who has what, and which items are held by the same people.

::

    X    a  b  c            XᵀX   a  b  c      the diagonal counts holders,
    u1   1  1  .             a    2  1  .      the rest counts holders of both
    u2   1  .  .             b    1  2  1
    u3   .  1  1             c    .  1  1

`XᵀX` is made a block of rows at a time, so that it is never held as a whole.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from regard.data.split import TrainingPart
from regard.schema import FIRST_CODE

_ENTRIES = 2**22
"""Entries of one block at the most, plus one row."""


def user_items(training: TrainingPart) -> sparse.csr_array:
    """How often each user has each known item in the training part.

    Args:
        training: what may be looked at.

    Returns:
        `(U, N)` float64 counts; nothing for the two special codes.
    """
    size = training.vocabulary.size
    lengths = training.ends - training.sequences.offsets[:-1]
    user, item = np.repeat(np.arange(len(lengths)), lengths), training.items()
    known = item >= FIRST_CODE
    keys, counts = np.unique(user[known] * size + item[known], return_counts=True)
    user, item = np.divmod(keys, size)
    shape = (len(lengths), size)
    return sparse.csr_array((counts.astype(np.float64), (user, item)), shape=shape)


def co_occurrences(held_UN: sparse.csr_array) -> Iterator[tuple[int, sparse.csr_array]]:
    """How many users hold both of two items, a block of rows at a time.

    Args:
        held_UN: from `user_items`; how often does not matter.

    Yields:
        First item code of the block, and `(items of the block, N)` float64 counts.

    Example:
        >>> held = sparse.csr_array(np.array([[1, 1, 0], [3, 0, 0], [0, 1, 1]]))
        >>> [(start, block.toarray().tolist()) for start, block in co_occurrences(held)]
        [(0, [[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 1.0]])]
    """
    once_UN = held_UN.astype(np.bool_).astype(np.float64)
    by_item_NU = once_UN.T.tocsr()
    size = once_UN.shape[1]
    # A row has no more entries than its holders have items together.
    most_N = np.minimum(by_item_NU @ np.diff(once_UN.indptr), size)
    block_N = np.cumsum(most_N) // _ENTRIES
    starts = np.flatnonzero(np.diff(block_N, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], size], strict=True):
        yield start, by_item_NU[start:stop] @ once_UN
