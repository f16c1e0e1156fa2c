"""Where to compute, and how precisely."""

from typing import Any

import torch

from regard import settings
from regard.errors import ConfigurationError


def choose_device(wanted: str = "auto") -> torch.device:
    """The device to train on.

    Args:
        wanted: `"auto"` takes a GPU where there is one, else the processor; or a name that torch
            knows, such as `"cpu"` or `"cuda:1"`.

    Returns:
        A device that works.

    Raises:
        ConfigurationError: the name is unknown or the device is not there.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as failure:
        reason = str(failure).splitlines()[0]
        raise ConfigurationError(
            f"Device {wanted!r} cannot be used here ({reason}). Use 'auto' or 'cpu'."
        ) from failure
    return device


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The type of the factors of matrix products while training.

    Args:
        wanted: one of `PRECISIONS` of the training's config.
        device: where training runs.

    Returns:
        `torch.bfloat16` or `torch.float32`. For `"auto"`, bfloat16 where the device multiplies it
        faster than float32.

    Example:
        >>> choose_precision("float32", torch.device("cpu"))
        torch.float32
    """
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    if device.type == "cuda":
        has = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = device.type == "cpu" and _processor_is_faster_in_bfloat16()
    return torch.bfloat16 if has else torch.float32


def _processor_is_faster_in_bfloat16() -> bool:
    """By its instructions; a processor without any can emulate it, but slowly.

    Intel's vectors of bfloat16 (AVX-512 BF16) do no more a cycle than those of float32, and some
    are converted on the way: only its matrix units (AMX), which a virtual machine may hide, pay.
    """
    # Torch before 2.12 cannot tell, and then float32 is right everywhere.
    listed: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    vectors_pay = not str(listed.get("cpu_name", "")).startswith("Intel")
    return bool(listed.get("amx_bf16") or (vectors_pay and listed.get("avx512_bf16")))


def use_wanted_threads() -> None:
    """Let torch use `REGARD_THREADS` threads, where that is set."""
    if (wanted := settings.threads()) is not None:
        torch.set_num_threads(wanted)
