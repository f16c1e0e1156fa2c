"""A recommender to a bundle and back."""

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from regard.bundle import Bundle, read_bundle, write_bundle
from regard.classical import CLASSICAL, ClassicalMethod, MarkovChain
from regard.data.catalogue import Catalogue
from regard.data.split import SplitProtocol, Targets
from regard.errors import BundleError
from regard.optional import require
from regard.recommender.memory import RememberingScorer, Verdict
from regard.recommender.recipe import Recipe
from regard.schema import ITEM

if TYPE_CHECKING:
    from regard.recommender.recommender import Learned, Recommender

_MODEL, _FALLBACK, _MEMORY, _SHARES = "model.", "fallback.", "memory.", "shares"


def save(recommender: "Recommender", folder: Path, *, overwrite: bool = False) -> Path:
    """Write a fitted recommender as a bundle.

    Args:
        recommender: fitted.
        folder: to be made.
        overwrite: whether a bundle that is there may be replaced.

    Returns:
        The folder.
    """
    learned = recommender.learned
    card = {
        "model": recommender.name,
        "regard": version("regard"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "fingerprint": learned.fingerprint,
        "users": len(learned.histories),
        "items": len(learned.vocabulary),
        "interactions": len(learned.histories.items),
        "split": asdict(learned.protocol),
        "fallback": learned.fallback.name,
        "training": None if learned.history is None else learned.history.to_dict(),
        "memory": None if learned.memory is None else asdict(learned.memory),
        **learned.card,
    }
    weights = _weights(learned.scorer)
    weights |= {_FALLBACK + name: value for name, value in learned.fallback.arrays().items()}
    bundle = Bundle(
        recommender.recipe.to_dict(),
        card,
        weights,
        learned.vocabulary,
        learned.catalogue.to_frame().rename({ITEM: "id"}),
        learned.histories,
    )
    write_bundle(bundle, folder, overwrite=overwrite)
    return folder


def load(folder: Path) -> tuple[Recipe, "Learned"]:
    """Read a bundle.

    Args:
        folder: what `save` wrote.

    Returns:
        The recipe, and what was learned.

    Raises:
        BundleError: the bundle does not hold a recommender.
    """
    from regard.recommender.recommender import Learned

    bundle = read_bundle(folder)
    recipe = Recipe.from_dict(bundle.recipe)
    if bundle.histories is None:
        raise BundleError(f"{folder} holds no histories, so it cannot answer for its users.")
    try:
        split = dict(bundle.card["split"])
        protocol = SplitProtocol(**(split | {"targets": Targets(split["targets"])}))
        fallback = CLASSICAL[bundle.card["fallback"]]
        fingerprint = bundle.card["fingerprint"]
        training, memory = bundle.card["training"], bundle.card["memory"]
        verdict = None if memory is None else Verdict(**memory)
    except (KeyError, TypeError, ValueError) as missing:
        raise BundleError(
            f"The card of {folder} does not describe a recommender ({missing})."
        ) from missing
    model = _part(bundle, _MODEL)
    history = None
    if recipe.model in CLASSICAL:
        scorer: Any = CLASSICAL[recipe.model].from_arrays(model, **recipe.options)
    else:
        require("torch", extra="torch", purpose=f"The network {recipe.model!r}")
        from regard.recommender.networks import rebuild
        from regard.training.history import History

        scorer = _remembering(rebuild(recipe, bundle.vocabulary.size, model), bundle)
        history = None if training is None else History.from_dict(training)
    return recipe, Learned(
        scorer,
        fallback.from_arrays(_part(bundle, _FALLBACK)),
        bundle.histories,
        bundle.vocabulary,
        Catalogue.from_frame(bundle.catalogue.rename({"id": ITEM})),
        protocol,
        fingerprint,
        history,
        verdict,
        bundle.card,
    )


def _weights(scorer: Any) -> dict[str, NDArray[Any]]:
    """Everything that was learned, by name."""
    if isinstance(scorer, ClassicalMethod):
        return {_MODEL + name: value for name, value in scorer.arrays().items()}
    from regard.recommender.networks import weights_of

    weights = {}
    if isinstance(scorer, RememberingScorer):
        weights = {_MEMORY + name: value for name, value in scorer.chain.arrays().items()}
        weights[_SHARES] = scorer.shares
        scorer = scorer.network
    return weights | {_MODEL + name: value for name, value in weights_of(scorer).items()}


def _remembering(network: Any, bundle: Bundle) -> Any:
    """The network with the memory that it wore when it was saved, if any."""
    chain = _part(bundle, _MEMORY)
    if not chain:
        return network
    return RememberingScorer(network, MarkovChain.from_arrays(chain), bundle.weights[_SHARES])


def _part(bundle: Bundle, prefix: str) -> dict[str, NDArray[Any]]:
    """The weights whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in bundle.weights.items()
        if name.startswith(prefix)
    }
