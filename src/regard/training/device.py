"""Where to compute."""

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


def use_wanted_threads() -> None:
    """Let torch use `REGARD_THREADS` threads, where that is set."""
    if (wanted := settings.threads()) is not None:
        torch.set_num_threads(wanted)
