"""By what a processor multiplies bfloat16, and so beside which results those of a speed lie.

Units for matrices (Intel's AMX) give six times the rate of float32 and make almost all else the
dear part; units for vectors (AVX-512 BF16, of other makers than Intel) give twice the rate; without
any that pay, Regard multiplies float32. What was measured on one kind says nothing about another.
"""

import torch

from regard.training.device import PROCESSOR, choose_precision, precision_name


def units() -> str:
    """`"bfloat16-matrices"`, `"bfloat16-vectors"` or `"float32"`."""
    products = precision_name(choose_precision("auto", PROCESSOR))
    if products == "float32":
        return products
    has_matrices = torch.cpu.get_capabilities().get("amx_bf16")
    return f"{products}-{'matrices' if has_matrices else 'vectors'}"
