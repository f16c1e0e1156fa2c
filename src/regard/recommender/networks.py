"""Build, teach and rebuild networks; the only file of this room that needs torch."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from regard.classical import CLASSICAL
from regard.data.features import FeatureLayout
from regard.data.split import Split
from regard.data.vocabulary import Vocabulary
from regard.errors import BundleError, ConfigurationError, NeedsClockError
from regard.evaluation.metrics import measure
from regard.evaluation.protocol import Protocol, Seen
from regard.evaluation.ranking import rank_targets
from regard.kinds import settings_of
from regard.losses.candidate_softmax import CandidateSoftmax
from regard.losses.contract import Loss
from regard.losses.cross_entropy import CrossEntropy
from regard.losses.sampled_softmax import SampledSoftmax
from regard.models import MODELS
from regard.models.candidates import CandidateModel
from regard.models.contract import SequenceModel
from regard.models.scorer import NetworkScorer
from regard.recommender.recipe import LossChoice, Recipe
from regard.recommender.sampling import some
from regard.schema import FIRST_CODE
from regard.training.config import TrainingConfig
from regard.training.device import choose_device, seeded, use_wanted_threads
from regard.training.history import History
from regard.training.loop import Plan, train
from regard.training.objectives import OBJECTIVES, Objective
from regard.training.watching import Watcher

LOSSES: dict[str, Callable[[Vocabulary, TrainingConfig], Loss]] = {
    "cross-entropy": lambda vocabulary, config: CrossEntropy(),  # noqa: ARG005 - exact: needs none
    "sampled-softmax": lambda vocabulary, config: SampledSoftmax(
        vocabulary.counts, config.negatives
    ),
}
"""Name in recipes -> what makes the loss from the items of the training part."""

_MOST_VALIDATION_QUERIES = 20_000
"""Enough for a standard error of NDCG near 0.002; more would only slow each epoch."""
_MOST_VALIDATION_SCORES = 2 * 10**9
"""Queries times items; 2,000 queries of a million items cost about as much as their training."""


def teach(
    recipe: Recipe,
    split: Split,
    *,
    layout: FeatureLayout | None = None,
    checkpoint: Path | None = None,
    watcher: Watcher | None = None,
) -> tuple[NetworkScorer, History]:
    """Train a network as a recipe says.

    Args:
        recipe: names the network, its options and how it learns.
        split: what to learn from and to validate on; the test part is not looked at.
        layout: of the features of its events, where the network shall read some.
        checkpoint: where to keep checkpoints, and go on from one that is there.
        watcher: is told of each step.

    Returns:
        The trained network, and what happened.

    Raises:
        ConfigurationError: a name or value makes no sense, or the device is not there.
        NeedsClockError: the network cannot read without times, and the log has none.
        TooLittleDataError: there is no next item to learn from.
        TrainingError: training diverged, or the checkpoint is damaged or of another run.
    """
    use_wanted_threads()
    device = choose_device(recipe.training.device)
    model = build(recipe, split.vocabulary.size, layout).to(device)
    note = _of_the_clock(model, clock=split.sequences.times is not None)
    loss, choice = _loss(recipe, model, split.vocabulary)
    protocol = recipe.evaluation.protocol(str(split.protocol), recipe.seed)
    metric = f"ndcg@{protocol.ks[-1]}"
    plan = Plan(
        split.training,
        _objective(recipe, model),
        loss,
        _validation(split, protocol, metric),
        metric,
        recipe.training,
        recipe.seed,
        # A split can be handed in, so the recipe does not know for sure where the log was cut.
        recipe.digest(f"{split.fingerprint} {split.protocol!r}{_name_of_features(split)}"),
        checkpoint,
        isinstance(loss, SampledSoftmax),
    )
    history = replace(train(model, plan, watcher), loss=str(choice), note=note)
    return NetworkScorer(model), history


def check(recipe: Recipe) -> None:
    """Refuse what `teach` would refuse, before anything is read.

    Args:
        recipe: names the network, its options, objective and loss.

    Raises:
        ConfigurationError: a name or value makes no sense.
    """
    model = build(recipe, catalogue_size=FIRST_CODE + 1)
    _objective(recipe, model)
    _named({"auto": None, **LOSSES}, recipe.loss, "loss")
    if isinstance(model, CandidateModel):
        _require_samples(recipe)


def build(
    recipe: Recipe, catalogue_size: int, layout: FeatureLayout | None = None
) -> SequenceModel:
    """A freshly initialised network, the same for the same seed; torch's generator is left alone.

    Args:
        recipe: names it and its options.
        catalogue_size: N.
        layout: of the features of events that it shall read, for a network that can.

    Returns:
        The network, on the processor.

    Raises:
        ConfigurationError: there is no such network or option, or a value makes no sense.
    """
    if recipe.model not in MODELS:
        names = ", ".join(sorted({*CLASSICAL, *MODELS}))
        raise ConfigurationError(f"model={recipe.model!r} is not known; choose one of {names}.")
    kind = MODELS[recipe.model]
    config: Any = settings_of(kind.config_class, recipe.options, "model")
    with seeded(recipe.seed):
        return (
            kind(config, catalogue_size) if layout is None else kind(config, catalogue_size, layout)
        )


def rebuild(
    recipe: Recipe,
    catalogue_size: int,
    weights: Mapping[str, NDArray[Any]],
    layout: FeatureLayout | None = None,
) -> NetworkScorer:
    """A network with saved weights.

    Args:
        recipe: names it and its options.
        catalogue_size: N.
        weights: as `weights_of` gave them.
        layout: of the features of events that it reads, if any.

    Returns:
        The network, ready to answer.

    Raises:
        BundleError: the weights do not fit the network.
    """
    use_wanted_threads()
    model = build(recipe, catalogue_size, layout)
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
    try:
        model.load_state_dict(tensors)
    except RuntimeError as misfit:
        raise BundleError(
            f"The saved weights do not fit a {recipe.model} of this recipe: "
            f"{' '.join(str(misfit).split())[:200]}. The bundle mixes parts of two models."
        ) from misfit
    return NetworkScorer(model.eval())


def weights_of(scorer: NetworkScorer) -> dict[str, NDArray[Any]]:
    """Parameters of a network by name, as arrays."""
    state = scorer.model.state_dict()
    return {name: value.detach().cpu().numpy() for name, value in state.items()}


def _objective(recipe: Recipe, model: SequenceModel) -> Objective:
    """The objective that a recipe names, or that its network is made for."""
    name = model.objective if recipe.objective == "auto" else recipe.objective
    objective: Objective = _named({"auto": None, **OBJECTIVES}, name, "objective")()
    if objective.asks_everywhere and not model.promises.causal:
        raise ConfigurationError(
            f"objective={name!r} asks at every event, and the model {model.name!r} reads histories "
            f"whole: it would see its targets. Choose objective={model.objective!r}."
        )
    if objective.only_new and recipe.evaluation.seen == Seen.KEEP:
        raise ConfigurationError(
            f"objective={name!r} does not learn what to think of items that somebody had, and "
            "evaluation.seen='keep' offers them again. Choose evaluation.seen='remove', or "
            "objective='next-item'."
        )
    by_candidates = issubclass(objective.of, CandidateModel)
    if not isinstance(model, objective.of) or isinstance(model, CandidateModel) != by_candidates:
        raise ConfigurationError(
            f"objective={name!r} is not for the model {model.name!r}; choose "
            f"objective={model.objective!r}."
        )
    return objective


def _loss(recipe: Recipe, model: SequenceModel, vocabulary: Vocabulary) -> tuple[Loss, LossChoice]:
    """The loss, and why that one; a model that looks at each candidate by itself has one only."""
    if not isinstance(model, CandidateModel):
        choice = recipe.loss_for(len(vocabulary))
        return _named(LOSSES, choice.name, "loss")(vocabulary, recipe.training), choice
    _require_samples(recipe)
    why = f"{model.negatives} items a step, since {model.name} looks at each candidate by itself"
    # Any loss of samples is one of states; this one is asked for by its objective alone.
    loss: Loss = CandidateSoftmax(vocabulary.counts, model.negatives)  # type: ignore[assignment]
    return loss, LossChoice("sampled-softmax", why)


def _require_samples(recipe: Recipe) -> None:
    """Refuse the exact loss where each score would cost a pass through the network."""
    if recipe.loss not in {"auto", "sampled-softmax"}:
        raise ConfigurationError(
            f"loss={recipe.loss!r} compares every history with every item, and the model "
            f"{recipe.model!r} looks at each candidate by itself. Choose loss='sampled-softmax'."
        )


def _of_the_clock(model: SequenceModel, *, clock: bool) -> str:
    """What to know of how a network reads the clock; one that needs it is refused here."""
    if clock or not model.with_times:
        return ""
    if model.promises.needs_clock:
        raise NeedsClockError(
            f"The model {model.name!r} reads the time between events, and this log carries only "
            "an order. Name the column of times (time=), or choose a model without a clock, such "
            "as 'sasrec'."
        )
    return f"the log has no clock: {model.name} reads positions alone"


def _name_of_features(split: Split) -> str:
    """What the fingerprint of a log does not cover, but a checkpoint must."""
    features = split.events.features
    return "" if features is None else f" {features.digest()}"


def _validation(split: Split, protocol: Protocol, metric: str) -> Callable[[SequenceModel], float]:
    """What the loop calls after each epoch: a metric on the validation part."""
    queries = some(
        split.validation,
        most=_MOST_VALIDATION_QUERIES,
        most_scores=_MOST_VALIDATION_SCORES,
        catalogue_size=split.vocabulary.size,
    )

    def validate(model: SequenceModel) -> float:
        ranks = rank_targets(
            NetworkScorer(model),
            queries,
            catalogue_size=split.vocabulary.size,
            seen=protocol.seen,
            ties=protocol.ties,
        )
        return float(measure(metric, ranks).mean())

    return validate


def _named(names: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in names:
        raise ConfigurationError(
            f"{what}={name!r} is not known; choose one of {', '.join(sorted(names))}."
        )
    return names[name]
