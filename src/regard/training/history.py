"""What happened while a model learned, epoch by epoch."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the training part.

    Attributes:
        number: from 1.
        loss: mean training loss over targets.
        validation: the validation metric after the epoch.
        rate: learning rate at its end.
        targets: how many targets were learned from.
        seconds: spent on steps, validation excluded.
        validation_seconds: spent on validation.
    """

    number: int
    loss: float
    validation: float
    rate: float
    targets: int
    seconds: float
    validation_seconds: float


@dataclass(frozen=True)
class History:
    """The whole training.

    Attributes:
        epochs: in order.
        metric: what `validation` of the epochs is, such as `"ndcg@10"`.
        stopped: why training ended.
        peak_megabytes: largest resident memory of the process so far, in MB.
        loss: which one was made small, and why that one.
        precision: of the matrix products of a step.
        note: what else to know, such as that a network had no clock to read; empty if nothing.

    Example:
        >>> epoch = Epoch(1, 5.2, 0.11, 0.002, 1000, 2.0, 0.5)
        >>> history = History((epoch,), "ndcg@10", "all epochs done", 700.0)
        >>> history.best.number, history.targets_per_second
        (1, 500.0)
    """

    epochs: tuple[Epoch, ...]
    metric: str
    stopped: str
    peak_megabytes: float
    loss: str = ""
    precision: str = "float32"
    note: str = ""

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept: the first with the highest validation metric."""
        return max(self.epochs, key=lambda epoch: epoch.validation)

    @property
    def seconds(self) -> float:
        """Seconds of learning, validation excluded."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def targets_per_second(self) -> float:
        """Real targets learned from in a second of learning."""
        return sum(epoch.targets for epoch in self.epochs) / max(self.seconds, 1e-9)

    def __str__(self) -> str:
        best, epochs = self.best, "epoch" if len(self.epochs) == 1 else "epochs"
        return (
            f"{len(self.epochs)} {epochs} in {self.seconds:.0f} s "
            f"({self.targets_per_second:,.0f} targets/s in {self.precision}, peak memory "
            f"{self.peak_megabytes:,.0f} MB); {self.stopped}; best validation {self.metric} "
            f"{best.validation:.4f} after epoch {best.number}"
            f"{self.loss and f'; loss: {self.loss}'}{self.note and f'; {self.note}'}"
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            **asdict(self),
            "best_epoch": self.best.number,
            "seconds": self.seconds,
            "targets_per_second": self.targets_per_second,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "History":
        """The inverse of `to_dict`."""
        epochs = tuple(Epoch(**epoch) for epoch in values["epochs"])
        values = {"note": "", **values}  # of a version that had none
        own = {each.name: values[each.name] for each in fields(cls) if each.name != "epochs"}
        return cls(epochs, **own)
