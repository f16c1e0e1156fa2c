"""Where to compute, and how precisely."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch

from regard import settings
from regard.errors import ConfigurationError

PROCESSOR: Final = torch.device("cpu")


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


def precision_name(precision: torch.dtype) -> str:
    """What recipes, histories and results call a precision.

    Example:
        >>> precision_name(choose_precision("float32", PROCESSOR))
        'float32'
    """
    return str(precision).removeprefix("torch.")


def _processor_is_faster_in_bfloat16() -> bool:
    """By its instructions; a processor without any can emulate it, but slowly.

    Intel's vectors of bfloat16 (AVX-512 BF16) do no more a cycle than those of float32, and some
    are converted on the way: only its matrix units (AMX), which a virtual machine may hide, pay.
    """
    # Torch before 2.12 cannot tell, and then float32 is right everywhere.
    listed: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    vectors_pay = not str(listed.get("cpu_name", "")).startswith("Intel")
    return bool(listed.get("amx_bf16") or (vectors_pay and listed.get("avx512_bf16")))


@contextmanager
def seeded(seed: int, device: torch.device = PROCESSOR) -> Iterator[None]:
    """Let torch draw from a seed, on the processor and on a device; afterwards all is as it was.

    The generators of other devices are left alone, which `torch.manual_seed` would seed too.

    Args:
        seed: of both generators.
        device: with its number, as a tensor on it says.

    Example:
        >>> before = torch.get_rng_state()
        >>> with seeded(7):
        ...     torch.initial_seed()
        7
        >>> torch.equal(torch.get_rng_state(), before)
        True
    """
    others = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=others, device_type=device.type):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.default_generators[device.index].manual_seed(seed)
        elif others:
            torch.get_device_module(device).manual_seed(seed)
        yield


def use_wanted_threads() -> None:
    """Let torch use `REGARD_THREADS` threads, where that is set."""
    if (wanted := settings.threads()) is not None:
        torch.set_num_threads(wanted)
