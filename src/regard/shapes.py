"""One alphabet of array shapes for the whole package.

Arrays carry their shape as a suffix where it helps: `states_BLD`, `scores_BN`.

=====  ==========================================================
`B`    batch: histories handled together
`L`    position in a history, oldest first
`M`    attended position (the other axis of an attention map)
`H`    head
`D`    width of a state
`K`    width of a head (`D = H * K`)
`C`    candidate scored for a request
`N`    catalogue: number of item codes, the two special ones included
`Q`    query: one question of an evaluation
`T`    target tokens: real positions with a true next item
`U`    user
`E`    event: one interaction in the flat array of all histories
`F`    column of the encoded features of an event
=====  ==========================================================

The idea of suffixes is Noam Shazeer's ("Shape Suffixes", 2024). The aliases below are for
annotations; they name the dtype, the suffix of the variable names the shape.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int32]
"""Item codes: 0 padding, 1 unknown, 2 and up real items."""
Offsets: TypeAlias = NDArray[np.int64]
"""Positions in a flat array."""
Seconds: TypeAlias = NDArray[np.float64]
"""UTC seconds."""
Scores: TypeAlias = NDArray[np.float32]
"""Scores of items; higher is better; minus infinity is never recommended."""
Floats: TypeAlias = NDArray[np.float64]
"""Per-user or per-query numbers."""
Mask: TypeAlias = NDArray[np.bool_]
"""True where something holds."""
