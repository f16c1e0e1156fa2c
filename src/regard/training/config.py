"""How to learn, as data; reading it does not load torch."""

from dataclasses import dataclass

from regard.errors import ConfigurationError

PRECISIONS = ("auto", "float32", "bfloat16")
"""What `TrainingConfig.precision` may be."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to learn.

    Attributes:
        epochs: most passes over the training part.
        minutes: most minutes of steps, validation excluded, after which the epoch under way ends
            early; 0 for any. A run that a clock ends cannot be repeated to the bit.
        tokens: most positions in a step, padding included.
        least_steps: of a pass over the training part. Where `tokens` would give fewer, steps are
            halved until they do not, though not below 1,024 positions; but not where a
            history has one target alone, as in `newest-item`.
        negatives: items that sampled softmax draws in a step.
        rate: highest learning rate.
        warmup: share of the training during which the rate rises.
        weight_decay: of linear layers' matrices, per unit of rate.
        clip: longest gradient (its norm) that is followed; 0 for any.
        averaging: share of the average of the weights that outlives a step; the average is what
            is validated and kept. 0 keeps the latest weights.
        patience: epochs without a better validation after which training stops.
        checkpoint_seconds: least time between two checkpoints; one is also written after each
            epoch.
        device: `"auto"`, `"cpu"`, `"cuda"`, ...
        precision: of the matrix products of a step, `"float32"` or `"bfloat16"`; `"auto"` takes
            bfloat16 where the device is faster in it. Weights, optimiser and all answers are
            float32.

    Raises:
        ConfigurationError: a number is out of its range.

    Example:
        >>> TrainingConfig(rate=0.0)
        Traceback (most recent call last):
        regard.errors.ConfigurationError: training.rate=0.0 must be greater than 0.
    """

    epochs: int = 30
    minutes: float = 0.0
    tokens: int = 4096
    least_steps: int = 64
    negatives: int = 4096
    rate: float = 2e-3
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    averaging: float = 0.995
    patience: int = 5
    checkpoint_seconds: float = 60.0
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        for name in ("epochs", "tokens", "least_steps", "negatives", "rate", "patience"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(
                    f"training.{name}={getattr(self, name)} must be greater than 0."
                )
        for name in ("minutes", "weight_decay", "clip", "checkpoint_seconds"):
            if not getattr(self, name) >= 0:
                raise ConfigurationError(
                    f"training.{name}={getattr(self, name)} must be 0 or more."
                )
        if not 0 < self.warmup < 1:
            raise ConfigurationError(f"training.warmup={self.warmup} must lie between 0 and 1.")
        if not 0 <= self.averaging < 1:
            raise ConfigurationError(
                f"training.averaging={self.averaging} must be at least 0 and below 1."
            )
        if self.precision not in PRECISIONS:
            raise ConfigurationError(
                f"training.precision={self.precision!r} must be one of {', '.join(PRECISIONS)}."
            )
