"""Mechanisms as a recipe names them: refused by name, made, and tried before a log is read."""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import nn

from regard.attention import ATTENTION
from regard.attention.contract import promises_of
from regard.errors import ConfigurationError
from regard.kinds import nearest_of
from regard.models.contract import ModelInput, given_to


def suited() -> dict[str, type[nn.Module]]:
    """The mechanisms that read no more than a batch of histories holds, by name.

    Example:
        >>> "linear" in suited(), "target" in suited()
        (True, False)
    """
    readable = {each.name for each in fields(ModelInput)}
    return {
        name: kind
        for name, kind in ATTENTION.items()
        if readable.issuperset(promises_of(kind).needs)
    }


def check_mechanisms(names: tuple[str, ...]) -> None:
    """Refuse mechanisms that are not there, or that read more than a history.

    Args:
        names: of `regard.attention.ATTENTION`.

    Raises:
        ConfigurationError: there is none, one is named twice, is not known, or reads what a batch
            does not hold.

    Example:
        >>> check_mechanisms(("linaer",))
        Traceback (most recent call last):
        regard.errors.ConfigurationError: model.mechanisms names 'linaer', which is not known; did
        you mean 'linear'?
    """
    if not names:
        raise ConfigurationError("model.mechanisms is empty; name one or several, such as linear.")
    usable = suited()
    for name in names:
        if name in ATTENTION and name not in usable:
            raise ConfigurationError(
                f"model.mechanisms names {name!r}, which weighs a history anew for each candidate, "
                f"and this network reads it once for all of them; choose of {', '.join(usable)}."
            )
        require_one_of(name, usable, "model.mechanisms names")
        if names.count(name) > 1:
            raise ConfigurationError(f"model.mechanisms names {name!r} twice; once is enough.")


def require_one_of(name: str, known: Collection[str], where: str) -> None:
    """Refuse a name that is not known, with the nearest one that is.

    Args:
        name: as given.
        known: the names that there are.
        where: the beginning of the sentence.

    Raises:
        ConfigurationError: it is not known.

    Example:
        >>> require_one_of("smu", ["sum", "gate"], "model.fusion is")
        Traceback (most recent call last):
        regard.errors.ConfigurationError: model.fusion is 'smu', which is not known; did you mean
        'sum'?
    """
    if name not in known:
        raise ConfigurationError(f"{where} {name!r}, which is not known; {nearest_of(name, known)}")


def made(kind: type[nn.Module], settings: Mapping[str, Any]) -> nn.Module:
    """A mechanism of a kind, given those of some settings that it takes.

    Args:
        kind: of mechanisms, or of schemes of distances.
        settings: argument -> value, of any number of kinds.

    Example:
        >>> from regard.attention.additive import AdditiveAttention
        >>> made(AdditiveAttention, {"width": 8, "heads": 2})
        AdditiveAttention(
          (score): Linear(in_features=8, out_features=1, bias=False)
        )
    """
    takes = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in settings.items() if name in takes})


def dry_run(mechanism: nn.Module, width: int) -> int:
    """Let a fresh mechanism read one event, and count the heads of its map.

    What it would refuse only when it reads, such as heads of odd width under rotary positions, or a
    package that is not installed, is so refused before a log is read.

    Args:
        mechanism: that needs no more than a batch holds.
        width: of the states (`D`).

    Returns:
        H of its maps `(B, H, L, M)`.

    Example:
        >>> from regard.attention.talking_heads import TalkingHeadsAttention
        >>> dry_run(TalkingHeadsAttention(8, heads=4), width=8)
        4
    """
    one_B, time_BL = torch.ones(1, dtype=torch.int64), torch.zeros(1, 1, dtype=torch.float64)
    event = ModelInput(one_B[None], one_B, None, time_BL, time_BL)
    states_BLD = torch.zeros(1, 1, width)
    with torch.no_grad():
        # Without dropout, which would draw numbers that training is to draw.
        _, map_BHLM = mechanism.eval()(states_BLD, need_map=True, **given_to(mechanism, event))
    mechanism.train()
    return int(map_BHLM.shape[1])
