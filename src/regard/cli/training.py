"""Training as it is seen at a prompt: a bar, and a word about where it goes on."""

from pathlib import Path
from types import TracebackType

from rich.console import Console

from regard.recommender.recipe import Recipe
from regard.training.watching import ProgressBar


class PromptBar(ProgressBar):
    r"""A progress bar that says aloud when training goes on from a checkpoint.

    Args:
        console: where to draw.
        metric: what the validation number is called.
        checkpoint: file for checkpoints; there already where an earlier run was stopped.

    Example:
        >>> import io, tempfile
        >>> console = Console(file=io.StringIO())
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     with PromptBar(console, "ndcg@10", Path(file.name)) as bar:
        ...         bar.step(0.25, 6.0, 1000.0)
        >>> console.file.getvalue()
        'going on where it stopped: 25 % of the training is done\n'
    """

    def __init__(self, console: Console, metric: str, checkpoint: Path | None = None) -> None:
        super().__init__(console, metric)
        self._goes_on = checkpoint is not None and checkpoint.exists()

    def step(self, done: float, loss: float, targets_per_second: float) -> None:
        """See `Watcher.step`."""
        if self._goes_on:
            self.console.print(
                f"going on where it stopped: {100 * done:.0f} % of the training is done",
                highlight=False,
            )
            self._goes_on = False
        super().step(done, loss, targets_per_second)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        super().__exit__(kind, failure, where)
        if self._goes_on and failure is None:
            self.console.print("going on after the last epoch: training was complete")


def bar_for(recipe: Recipe, console: Console, checkpoint: Path | None = None) -> PromptBar:
    """The bar of a recipe's training.

    Args:
        recipe: says what is measured.
        console: where to draw.
        checkpoint: file for checkpoints.
    """
    metric = f"ndcg@{recipe.evaluation.ks[-1]}"
    return PromptBar(console, metric, checkpoint)
