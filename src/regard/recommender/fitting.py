"""From a split to what was learned."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.classical import CLASSICAL, ClassicalMethod, Popularity, RecentPopularity
from regard.data.catalogue import Catalogue
from regard.data.encoders.events import layout_of
from regard.data.encoders.fitted import Encoders
from regard.data.split import Split
from regard.errors import ConfigurationError
from regard.evaluation.ranking import Scorer
from regard.kinds import settings_of
from regard.optional import require
from regard.recommender.counting import Counted, Validation
from regard.recommender.learned import Learned
from regard.recommender.memory import Verdict, remember
from regard.recommender.recipe import Recipe

if TYPE_CHECKING:
    from regard.training.history import History
    from regard.training.watching import Watcher


def learn(
    recipe: Recipe,
    split: Split,
    catalogue: Catalogue,
    *,
    encoders: Encoders | None = None,
    checkpoint: Path | None = None,
    watcher: "Watcher | None" = None,
) -> Learned:
    """Fit the model of a recipe and the fallback beside it; the test part is not looked at.

    Args:
        recipe: of a model that `check_model` accepts, its evaluation resolved.
        split: what to learn from, and to validate on.
        catalogue: titles.
        encoders: what made the features of the split, where the recipe names some.
        checkpoint: file for checkpoints of a network.
        watcher: is told of each training step of a network.

    Returns:
        Everything that was learned.

    Raises:
        TooLittleDataError: the training part holds nothing to learn from.
        NeedsClockError: the model needs times, and the split has none.
        TrainingError: training diverged, or the checkpoint belongs to another run.
    """
    history: History | None = None
    memory: Verdict | None = None
    counted: Counted | None = None
    popular = (Popularity() if split.sequences.times is None else RecentPopularity()).fit(
        split.training
    )
    scorer: Scorer
    if recipe.model in CLASSICAL:
        scorer = classical(recipe).fit(split.training)
    else:
        from regard.recommender import networks

        rules = recipe.evaluation.protocol(str(split.protocol), recipe.seed)
        validation = Validation(popular, split, rules)
        layout = None if encoders is None else layout_of(encoders)
        network, history = networks.teach(
            recipe, split, layout=layout, checkpoint=checkpoint, watcher=watcher
        )
        scorer = network
        if recipe.memory != "off":
            mixed, memory = remember(network, split, rules)
            scorer = mixed if memory.pays or recipe.memory == "on" else network
        counted = validation.hold(scorer)
    return Learned(
        scorer,
        popular,
        split.events,
        split.vocabulary,
        catalogue,
        split.protocol,
        split.fingerprint,
        history,
        memory,
        counted,
        encoders=encoders,
    )


def check_model(recipe: Recipe) -> None:
    """Refuse an unknown model or option at once, not after hours.

    Args:
        recipe: names them.

    Raises:
        ConfigurationError: a name or value makes no sense.
        MissingDependencyError: the model is no classical method and torch is not installed.
    """
    if recipe.model in CLASSICAL:
        classical(recipe)
    else:
        methods = ", ".join(sorted(CLASSICAL))
        purpose = f"The model {recipe.model!r} is no classical method ({methods}); a network"
        require("torch", extra="torch", purpose=purpose)
        from regard.recommender import networks

        networks.check(recipe)
    if recipe.features and not reads_features(recipe.model):
        raise ConfigurationError(
            f"The model {recipe.model!r} reads no features of events, but the recipe names "
            f"{', '.join(recipe.features)}; leave out [features], or choose sasrec."
        )


def reads_features(model: str) -> bool:
    """Whether a model can read features of events.

    Args:
        model: name of one that `check_model` accepts.

    Example:
        >>> reads_features("markov"), reads_features("sasrec")
        (False, True)
    """
    if model in CLASSICAL:
        return False
    from regard.models import MODELS

    return MODELS[model].features


def welcome(kind: type) -> str:
    """Make a model of one's own known by its name, for this process.

    Args:
        kind: a subclass of `regard.models.contract.SequenceModel` or of
            `regard.classical.ClassicalMethod`.

    Returns:
        Its name, as recipes and bundles carry it.

    Raises:
        ConfigurationError: it is neither, or another class has that name.

    Example:
        >>> from regard.classical import Popularity
        >>> class Favourites(Popularity):
        ...     name = "favourites"
        >>> welcome(Favourites)
        'favourites'
        >>> del CLASSICAL["favourites"]
    """
    names: dict[str, Any] = CLASSICAL
    if not issubclass(kind, ClassicalMethod):
        require("torch", extra="torch", purpose="A network")
        from regard.models import MODELS
        from regard.models.contract import SequenceModel

        names = MODELS
        if not issubclass(kind, SequenceModel):
            raise ConfigurationError(
                f"{kind.__name__} is no model; derive it from SequenceModel or ClassicalMethod."
            )
    if names.setdefault(kind.name, kind) is not kind:
        raise ConfigurationError(
            f"Another model is called {kind.name!r} already; give {kind.__name__} another name."
        )
    return str(kind.name)


def classical(recipe: Recipe) -> ClassicalMethod:
    """The classical method that a recipe names, with its options, unfitted.

    Args:
        recipe: of a classical method.

    Raises:
        ConfigurationError: an option makes no sense.
    """
    kind = CLASSICAL[recipe.model]
    options = settings_of(type(kind().config), recipe.options, "model")
    return kind(**asdict(options))
