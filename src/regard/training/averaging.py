"""The average of the weights of late, which is better than the weights themselves.

A step of a high learning rate jumps about the goal; the average of the last some hundred steps lies
near its middle. So a model is good long before the rate has come down.

Source: Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; in the
exponential form of Tarvainen & Valpola 2017, "Mean Teachers", section 2.
"""

from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from regard.models.contract import SequenceModel

_Tensors = tuple[Tensor, ...] | list[Tensor]
EVERY = 10
"""Steps between two updates: each reads all weights, which shows where there are many items."""


class WeightAverage:
    """An exponentially forgetting average of the weights of a model in training.

    Args:
        model: whose weights to follow.
        keep: share of the average that outlives a step; 0 makes it the latest weights.

    Example:
        >>> import torch
        >>> from regard.models.sasrec import SASRec, SASRecConfig
        >>> model = SASRec(SASRecConfig(width=8), catalogue_size=5)
        >>> average = WeightAverage(model, keep=0.995)
        >>> average.update()
        >>> torch.equal(average.model.norm.weight, model.norm.weight)
        True
    """

    def __init__(self, model: SequenceModel, keep: float) -> None:
        kept = keep**EVERY

        def blend(averages: _Tensors, weights: _Tensors, number: Tensor | int) -> None:
            # An early average forgets faster, or it would remember the first, random weights.
            early = (1 + int(number)) / (10 + int(number))
            for average, weight in zip(averages, weights, strict=True):
                average.lerp_(weight, 1 - min(kept, early))

        self._followed = model
        self._averaged = AveragedModel(model, multi_avg_fn=blend)

    @property
    def model(self) -> SequenceModel:
        """A model with the average as its weights; not one to train."""
        found = self._averaged.module
        assert isinstance(found, SequenceModel)  # noqa: S101 - it was copied from one
        return found

    def after_step(self, number: int) -> None:
        """Follow the model, which is due once in some steps.

        Args:
            number: of the step within its epoch, from 1.
        """
        if number % EVERY == 0:
            self.update()

    def update(self) -> None:
        """Take in the weights as they are now."""
        self._averaged.update_parameters(self._followed)

    def state(self) -> dict[str, Tensor]:
        """For a checkpoint."""
        return self._averaged.state_dict()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint.

        Args:
            state: what `state` gave.
        """
        self._averaged.load_state_dict(state)
