"""Attention to the last w events only.

Idea: what comes next is mostly decided by what just happened, so an event looks at itself and the w
− 1 events before it.

Formula: scaled dot-product attention whose softmax runs over `0 ≤ i − j < w`.

Source: the sliding window of Beltagy et al. 2020, "Longformer: The Long-Document Transformer",
section 3.1, in its one-sided form. Differs in how it is computed: positions are cut into blocks of
w, and each block looks at itself and the block before it, which takes ordinary products.

Cost: time `O(L w D + L D²)`, memory `O(L (D + w))` fused; `O(H L²)` written out.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.attention.heads import HeadedAttention, kernel, likeness
from regard.errors import ConfigurationError


class LocalWindowAttention(HeadedAttention):
    """Causal multi-head attention within a window.

    Args:
        width: of the states (`D`).
        heads: number of heads (`H`); must divide `width`.
        window: how many events an event looks at, itself included (`w`).
        bias: whether the two linear layers add a constant.

    Raises:
        ConfigurationError: `heads` does not divide `width`, or `window` is below 1.

    Example:
        >>> attention = LocalWindowAttention(width=8, heads=2, window=2)
        >>> _, map_BHLM = attention(torch.randn(1, 4, 8), need_map=True)
        >>> (map_BHLM[0, 0] > 0).int().tolist()
        [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    """

    def __init__(self, width: int, heads: int = 1, window: int = 32, *, bias: bool = False) -> None:
        super().__init__(width, heads, bias=bias)
        if window < 1:
            raise ConfigurationError(f"window={window} must be 1 or more.")
        self.window = window

    def attend(
        self, q_BHQK: Tensor, k_BHMK: Tensor, v_BHMK: Tensor, distances_BQM: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `HeadedAttention.attend`."""
        outside_BQM = (distances_BQM < 0) | (distances_BQM >= self.window)
        scores_BHQM = likeness(q_BHQK, k_BHMK)
        map_BHQM = scores_BHQM.masked_fill(outside_BQM[:, None], -torch.inf).softmax(-1)
        return map_BHQM @ v_BHMK, map_BHQM

    def fused(self, q_BHLK: Tensor, k_BHLK: Tensor, v_BHLK: Tensor) -> Tensor:
        """Blocks of w positions, each beside the block before it (`N` blocks, `X = 2w` keys)."""
        B, H, L, K = q_BHLK.shape
        W = self.window
        if L <= W:
            return kernel(q_BHLK, k_BHLK, v_BHLK, causal=True)
        missing = -L % W
        q_RNWK = F.pad(q_BHLK, (0, 0, 0, missing)).reshape(B * H, -1, W, K)
        k_RNXK, v_RNXK = (self._with_block_before(part, missing) for part in (k_BHLK, v_BHLK))
        mask_NWX = self._mask(q_RNWK.shape[1], q_BHLK.device)
        mixed_RNWK = kernel(q_RNWK, k_RNXK, v_RNXK, mask=mask_NWX)
        return mixed_RNWK.reshape(B, H, L + missing, K)[:, :, :L]

    def _with_block_before(self, part_BHLK: Tensor, missing: int) -> Tensor:
        """`(B H, N, 2w, K)`: of each block, the block before it and itself."""
        W = self.window
        filled = F.pad(part_BHLK, (0, 0, W, missing)).flatten(0, 1)
        return filled.unfold(1, 2 * W, W).transpose(-1, -2)

    def _mask(self, blocks: int, device: torch.device) -> Tensor:
        """Boolean `(N, w, 2w)`: within the window; nothing lies before the first block."""
        W = self.window
        keys_X = torch.arange(2 * W, device=device)
        distances_WX = torch.arange(W, 2 * W, device=device)[:, None] - keys_X
        mask_NWX = ((distances_WX >= 0) & (distances_WX < W)).repeat(blocks, 1, 1)
        mask_NWX[0, :, :W] = False
        return mask_NWX
