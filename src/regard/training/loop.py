"""The loop: step after step, epoch after epoch, until validation says stop.

It can be killed at any moment and goes on from its last checkpoint to the very same weights.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from regard.data.batches import TrainingBatches
from regard.data.large.space import peak_megabytes
from regard.data.split import TrainingPart
from regard.errors import TooLittleDataError, TrainingError
from regard.losses.contract import Loss
from regard.models.contract import ModelInput, SequenceModel
from regard.training.averaging import WeightAverage
from regard.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from regard.training.config import TrainingConfig
from regard.training.device import choose_precision, precision_name, seeded
from regard.training.history import Epoch, History
from regard.training.objectives import Objective
from regard.training.optimiser import Optimiser, build_optimiser, clip_gradients, rate_at
from regard.training.watching import Silence, Watcher

_FEWEST_TOKENS = 1024
"""Smaller steps are slower for each position, and learned no more where it was tried."""


@dataclass(frozen=True)
class Plan:
    """What a training is made of; everything here is given, nothing changes.

    Attributes:
        training: what may be learned from.
        objective: picks states and targets of a batch.
        loss: to be made small.
        validate: the validation metric of the model as it is; higher is better.
        metric: its name.
        config: how to learn.
        seed: of everything random.
        run: a digest of recipe and data, for checkpoints.
        checkpoint: file to keep checkpoints in, or None for none.
        sparse: whether the loss reads few rows of the item table, which then alone move.
    """

    training: TrainingPart
    objective: Objective
    loss: Loss
    validate: Callable[[SequenceModel], float]
    metric: str
    config: TrainingConfig
    seed: int
    run: str = ""
    checkpoint: Path | None = None
    sparse: bool = False


@dataclass
class _Progress:
    """Where a training stands."""

    epoch: int = 0
    batch: int = 0
    loss: float = 0.0
    targets: int = 0
    seconds: float = 0.0
    epochs: list[Epoch] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def since_best(self) -> int:
        """Epochs since the best one."""
        best = max(self.epochs, key=lambda epoch: epoch.validation, default=None)
        return 0 if best is None else len(self.epochs) - best.number

    def done(self, config: TrainingConfig, of_epoch: float) -> float:
        """Share of the planned training, by whichever of epochs and minutes ends first.

        Args:
            config: plans both.
            of_epoch: share of the epoch under way.
        """
        share = (self.epoch + of_epoch) / config.epochs
        if not config.minutes:
            return share
        seconds = self.seconds + sum(epoch.seconds for epoch in self.epochs)
        return min(1.0, max(share, seconds / (60 * config.minutes)))


@dataclass(frozen=True)
class _Learner:
    """What moves in a training."""

    model: SequenceModel
    optimiser: Optimiser
    average: WeightAverage


def train(model: SequenceModel, plan: Plan, watcher: Watcher | None = None) -> History:
    """Teach a model; it ends with the (averaged) weights of its best epoch.

    Numbers are drawn from generators seeded by the plan, and the caller's are left as they were:
    the same plan on the same machine, with as many threads, gives the same weights. Where the plan
    names a checkpoint file that exists, training goes on from it.

    Args:
        model: freshly initialised, on its device.
        plan: what to do.
        watcher: is told of each step.

    Returns:
        What happened.

    Raises:
        TrainingError: training diverged, or the checkpoint is damaged or of another run.
        TooLittleDataError: there is no next item to learn from.
    """
    watcher = watcher or Silence()
    with seeded(plan.seed, _device(model)):
        sparse = model.make_tables_sparse() if plan.sparse else []
        optimiser = build_optimiser(
            model, plan.config.weight_decay, [model.item_table().vectors_ND], sparse
        )
        learner = _Learner(model, optimiser, WeightAverage(model, plan.config.averaging))
        progress = _resume(learner, plan)
        while (stopped := _stopped(progress, plan.config)) is None:
            _one_epoch(learner, plan, progress, watcher)
            _checkpoint(learner, plan, progress)
    model.load_state_dict(progress.best)
    precision = precision_name(_precision(model, plan))
    peak = peak_megabytes()
    return History(tuple(progress.epochs), plan.metric, stopped, peak, precision=precision)


def tokens_of_a_step(config: TrainingConfig, training: TrainingPart, objective: Objective) -> int:
    """Positions of a step: as many as are wanted, or fewer so that a small log gives enough steps.

    A small log that is passed over in a few large steps stops before it has learned, for the
    average of the weights follows by steps and patience counts passes. A step that
    holds one target a history stays as large as it is.

    Args:
        config: how to learn.
        training: what from.
        objective: what is asked.

    Example:
        >>> import polars as pl
        >>> from regard.data.interactions import Interactions
        >>> from regard.data.split import split_leave_last_out
        >>> from regard.training.objectives import NextItem
        >>> log = pl.DataFrame({"user": [1] * 200_000}).with_row_index("position")
        >>> log = Interactions.of(log.with_columns(item=pl.col("position") % 9))
        >>> training = split_leave_last_out(log).training
        >>> tokens_of_a_step(TrainingConfig(), training, NextItem())
        2048
    """
    if objective.prefixes:
        return config.tokens
    events = int((training.ends - training.sequences.offsets[:-1]).sum())
    tokens = config.tokens
    while -(-events // tokens) < config.least_steps and tokens // 2 >= _FEWEST_TOKENS:
        tokens //= 2
    return tokens


def _device(model: SequenceModel) -> torch.device:
    return next(model.parameters()).device


def _precision(model: SequenceModel, plan: Plan) -> torch.dtype:
    return choose_precision(plan.config.precision, _device(model))


def _stopped(progress: _Progress, config: TrainingConfig) -> str | None:
    """Why training ends here; None where it goes on."""
    if progress.since_best >= config.patience:
        return f"no better validation for {config.patience} epochs"
    if progress.epoch >= config.epochs:
        return "all epochs done"
    over = config.minutes and sum(each.seconds for each in progress.epochs) >= 60 * config.minutes
    return f"{config.minutes:g} minutes are over" if over else None


def _one_epoch(learner: _Learner, plan: Plan, progress: _Progress, watcher: Watcher) -> None:
    """Finish the epoch under way, then validate."""
    config, model, optimiser = plan.config, learner.model, learner.optimiser
    batches = TrainingBatches(
        plan.training,
        longest=model.longest,
        tokens=tokens_of_a_step(config, plan.training, plan.objective),
        seed=plan.seed,
        with_times=model.with_times,
        with_features=model.layout is not None,
        prefixes=plan.objective.prefixes,
    )
    total = batches.count(progress.epoch)
    device = _device(model)
    model.train()
    saved = clock = time.perf_counter()
    for batch in batches.epoch(progress.epoch, start=progress.batch):
        done = progress.done(config, (progress.batch + 1) / total)
        optimiser.rate = rate_at(done, highest=config.rate, warmup=config.warmup)
        loss, targets = _step(
            model, optimiser, plan, ModelInput.of(batch, model.catalogue_size, device)
        )
        progress.batch += 1
        learner.average.after_step(progress.batch)
        now = time.perf_counter()
        progress.loss += loss * targets
        progress.targets += targets
        progress.seconds += now - clock
        clock = now
        watcher.step(done, loss, progress.targets / progress.seconds)
        if now - saved > config.checkpoint_seconds:
            _checkpoint(learner, plan, progress)
            saved = clock = time.perf_counter()
        if config.minutes and done >= 1:
            break
    _close_epoch(learner, plan, progress, watcher)


def _step(
    model: SequenceModel, optimiser: Optimiser, plan: Plan, batch: ModelInput
) -> tuple[float, int]:
    """One step down the gradient: the loss and how many targets it was the mean of."""
    assert batch.targets_BL is not None  # noqa: S101 - training batches carry targets
    if not batch.targets_BL.any():
        return 0.0, 0
    low = _precision(model, plan) == torch.bfloat16
    with torch.autocast(batch.items_BL.device.type, torch.bfloat16, enabled=low):
        states_TD, targets_T = plan.objective(model, batch)
        loss = plan.loss(states_TD, model.item_table(), targets_T)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            f"The loss became {value}: training diverged. Lower training.rate (now "
            f"{plan.config.rate}) or set training.clip."
        )
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    if plan.config.clip:
        clip_gradients(model.parameters(), plan.config.clip)
    optimiser.step()
    return value, len(targets_T)


def _close_epoch(learner: _Learner, plan: Plan, progress: _Progress, watcher: Watcher) -> None:
    """Validate, keep the weights if they are the best, and begin a new epoch."""
    if not progress.targets:
        raise TooLittleDataError(
            "The training part holds no next item to learn from: its histories are of one event or "
            "of unknown items. Bring longer histories, or lower min_count."
        )
    learner.average.update()
    clock = time.perf_counter()
    validation = plan.validate(learner.average.model)
    if math.isnan(validation):
        raise TrainingError(
            f"The validation {plan.metric} of epoch {progress.epoch + 1} is nan, which is neither "
            "better nor worse than another: training diverged, or the metric has no value here."
        )
    epoch = Epoch(
        progress.epoch + 1,
        progress.loss / max(progress.targets, 1),
        validation,
        learner.optimiser.rate,
        progress.targets,
        progress.seconds,
        time.perf_counter() - clock,
    )
    best = validation > max((each.validation for each in progress.epochs), default=float("-inf"))
    if best:
        state = learner.average.model.state_dict()
        progress.best = {name: value.clone() for name, value in state.items()}
    progress.epochs.append(epoch)
    progress.epoch, progress.batch = progress.epoch + 1, 0
    progress.loss, progress.targets, progress.seconds = 0.0, 0, 0.0
    watcher.epoch(epoch, best=best)


def _checkpoint(learner: _Learner, plan: Plan, progress: _Progress) -> None:
    if plan.checkpoint is None:
        return
    plain = {
        "loss": progress.loss,
        "targets": progress.targets,
        "seconds": progress.seconds,
        "epochs": [epoch.__dict__ for epoch in progress.epochs],
    }
    device = _device(learner.model)
    save_checkpoint(
        Checkpoint(
            plan.run,
            progress.epoch,
            progress.batch,
            learner.model.state_dict(),
            learner.average.state(),
            progress.best,
            learner.optimiser.state_dict(),
            torch.get_rng_state(),
            torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            plain,
        ),
        plan.checkpoint,
    )


def _resume(learner: _Learner, plan: Plan) -> _Progress:
    """Where to begin: the checkpoint, if there is one."""
    if plan.checkpoint is None or not plan.checkpoint.exists():
        return _Progress()
    found = load_checkpoint(plan.checkpoint, plan.run)
    learner.model.load_state_dict(found.model)
    learner.average.restore(found.average)
    learner.optimiser.load_state_dict(found.optimiser)
    torch.set_rng_state(found.random)
    device = _device(learner.model)
    if found.random_device is not None and device.type == "cuda":
        torch.cuda.set_rng_state(found.random_device, device)
    sums = {name: found.progress[name] for name in ("loss", "targets", "seconds")}
    epochs = [Epoch(**epoch) for epoch in found.progress["epochs"]]
    return replace(
        _Progress(**sums), epoch=found.epoch, batch=found.batch, epochs=epochs, best=found.best
    )
