"""A recommender to a bundle and back."""

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from regard.bundle import Bundle, read_bundle, write_bundle
from regard.classical import CLASSICAL, ClassicalMethod, MarkovChain
from regard.data.catalogue import Catalogue
from regard.data.encoders.events import layout_of
from regard.data.split import SplitProtocol, Targets
from regard.errors import BundleError
from regard.evaluation.ranking import Scorer
from regard.explanation.explain import looked_at
from regard.recommender.asking import one_history
from regard.recommender.counting import Counted
from regard.recommender.fitting import check_model
from regard.recommender.learned import Learned
from regard.recommender.memory import RememberingScorer, Verdict
from regard.recommender.recipe import Recipe
from regard.recommender.returns import Returns
from regard.schema import ITEM
from regard.training.history import History

OWN_FACTS: Final = (
    "model", "regard", "created", "fingerprint", "users", "items", "interactions", "split",
    "fallback", "training", "memory", "counted",
)  # fmt: skip
"""What every bundle's card says; nobody else may say it."""
_MODEL, _FALLBACK, _MEMORY = "model.", "fallback.", "memory."


def save(recipe: Recipe, learned: Learned, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a fitted recommender as a bundle.

    Args:
        recipe: of the run.
        learned: what came of it.
        folder: to be made.
        overwrite: whether a bundle that is there may be replaced.

    Returns:
        The folder.

    Raises:
        BundleError: the card says what JSON cannot.
        StorageError: it could not be written, or is there and may not be replaced.
    """
    card = {
        "model": recipe.model,
        "regard": version("regard"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": learned.fingerprint,
        "users": len(learned.events),
        "items": len(learned.vocabulary),
        "interactions": len(learned.events.items),
        "split": asdict(learned.protocol),
        "fallback": learned.fallback.name,
        "training": None if learned.history is None else learned.history.to_dict(),
        "memory": None if learned.memory is None else asdict(learned.memory),
        "counted": None if learned.counted is None else learned.counted.to_dict(),
        **learned.card,
    }
    weights = _weights(learned.scorer)
    weights |= {_FALLBACK + name: value for name, value in learned.fallback.arrays().items()}
    bundle = Bundle(
        recipe.to_dict(),
        card,
        weights,
        learned.vocabulary,
        learned.catalogue.to_frame().rename({ITEM: "id"}),
        learned.events,
        learned.encoders,
    )
    write_bundle(bundle, folder, overwrite=overwrite)
    return folder


def load(folder: Path) -> tuple[Recipe, Learned]:
    """Read a bundle.

    Args:
        folder: what `save` wrote.

    Returns:
        The recipe, and what was learned.

    Raises:
        BundleError: the folder is not there, is damaged, or does not hold a recommender.
        ConfigurationError: the recipe names what this version does not know.
        MissingDependencyError: it holds a network and torch is not installed.
    """
    bundle = read_bundle(folder)
    recipe = Recipe.from_dict(bundle.recipe)
    check_model(recipe)
    if bundle.histories is None:
        raise BundleError(f"{folder} holds no histories, so it cannot answer for its users.")
    if bool(recipe.features) != (bundle.encoders is not None):
        holds = "no encoders" if recipe.features else "encoders"
        raise BundleError(
            f"{folder} holds {holds}, but its recipe says otherwise under [features]. The bundle "
            "mixes parts of two models; save the model again."
        )
    try:
        split = dict(bundle.card["split"])
        protocol = SplitProtocol(**(split | {"targets": Targets(split["targets"])}))
        fallback = CLASSICAL[bundle.card["fallback"]]
        fingerprint = str(bundle.card["fingerprint"])
        training, memory = bundle.card["training"], bundle.card["memory"]
        history = None if training is None else History.from_dict(training)
        verdict = None if memory is None else Verdict.from_dict(memory)
        counted = bundle.card["counted"]
        counted = None if counted is None else Counted.from_dict(counted)
    except (KeyError, TypeError, ValueError) as amiss:
        raise BundleError(
            f"The card of {folder} does not describe a recommender ({type(amiss).__name__}: "
            f"{amiss}); save the model again."
        ) from amiss
    learned = Learned(
        _scorer(recipe, bundle, verdict),
        fallback.from_arrays(_part(bundle, _FALLBACK)),
        bundle.histories,
        bundle.vocabulary,
        Catalogue.from_frame(bundle.catalogue.rename({"id": ITEM})),
        protocol,
        fingerprint,
        history,
        verdict,
        counted,
        bundle.card,
        bundle.encoders,
    )
    _require_answers(learned, folder)
    return recipe, learned


def _weights(scorer: Any) -> dict[str, NDArray[Any]]:
    """Everything that was learned, by name."""
    if isinstance(scorer, ClassicalMethod):
        return {_MODEL + name: value for name, value in scorer.arrays().items()}
    from regard.recommender.networks import weights_of

    weights = {}
    if isinstance(scorer, RememberingScorer):
        weights = {_MEMORY + name: value for name, value in scorer.chain.arrays().items()}
        scorer = scorer.network
    return weights | {_MODEL + name: value for name, value in weights_of(scorer).items()}


def _scorer(recipe: Recipe, bundle: Bundle, verdict: Verdict | None) -> Scorer:
    """The model that was saved, with the memory that it wore, if any."""
    model, chain = _part(bundle, _MODEL), _part(bundle, _MEMORY)
    if recipe.model in CLASSICAL:
        return CLASSICAL[recipe.model].from_arrays(model, **recipe.options)
    from regard.recommender.networks import rebuild

    layout = None if bundle.encoders is None else layout_of(bundle.encoders)
    network = rebuild(recipe, bundle.vocabulary.size, model, layout)
    if not chain:
        return network
    if verdict is None:
        raise BundleError(
            "The bundle holds a memory of transitions, but its card does not say how far to trust "
            "it; save the model again."
        )
    returns = None if verdict.returns is None else Returns(verdict.returns, looked_at(network))
    return RememberingScorer(network, MarkovChain.from_arrays(chain), verdict.gate, returns)


def _require_answers(learned: Learned, folder: Path) -> None:
    """Refuse counts of another catalogue: ask about the last item all who may have to answer."""
    size = learned.vocabulary.size
    times = None if learned.events.times is None else np.zeros(1)
    asked = one_history(np.array([size - 1], np.int32), times)
    for scorer in (learned.scorer, learned.fallback):
        try:
            fits = scorer.score(asked).shape == (1, size)
        except (IndexError, ValueError):
            fits = False
        if not fits:
            raise BundleError(
                f"The weights of {folder} do not fit its vocabulary of {len(learned.vocabulary):,} "
                "items. The bundle mixes parts of two models; save the model again."
            )


def _part(bundle: Bundle, prefix: str) -> dict[str, NDArray[Any]]:
    """The weights whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in bundle.weights.items()
        if name.startswith(prefix)
    }
