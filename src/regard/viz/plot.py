"""One verb for every picture: `plot(result)`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from regard.data.description import Description, Lengths
from regard.data.overview.activity import Activity
from regard.data.overview.histories import HistoryCurve
from regard.data.overview.popularity import Popularity
from regard.data.overview.report import DataReport
from regard.data.overview.series import ShownSeries
from regard.data.report import CleaningReport
from regard.errors import ConfigurationError
from regard.evaluation.comparison import Comparison
from regard.evaluation.report import EvaluationReport
from regard.explanation.result import Explanation
from regard.training.history import History
from regard.viz.activity import draw_activity
from regard.viz.cleaning import draw_cleaning
from regard.viz.comparison import draw_comparison, draw_evaluation
from regard.viz.explanation import draw_explanation
from regard.viz.history_lengths import draw_description, draw_histories, draw_history_lengths
from regard.viz.overview import draw_overview
from regard.viz.popularity import draw_popularity
from regard.viz.series import draw_series
from regard.viz.training_curve import draw_training_curve

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

DRAWINGS: Final[dict[type, Callable[[Any], "Figure"]]] = {
    Activity: draw_activity,
    CleaningReport: draw_cleaning,
    Comparison: draw_comparison,
    DataReport: draw_overview,
    Description: draw_description,
    EvaluationReport: draw_evaluation,
    Explanation: draw_explanation,
    History: draw_training_curve,
    HistoryCurve: draw_histories,
    Lengths: draw_history_lengths,
    Popularity: draw_popularity,
    ShownSeries: draw_series,
}
"""Type of a result -> what draws it."""


def plot(result: object) -> "Figure":
    """Draw a result.

    Args:
        result: one of the types in `DRAWINGS`.

    Returns:
        A Plotly figure: `show()` opens it, `write_html("x.html")` keeps it.

    Raises:
        ConfigurationError: there is no picture of such a thing.

    Example:
        >>> plot(7)
        Traceback (most recent call last):
        regard.errors.ConfigurationError: There is no picture of int. What can be drawn:
        Activity, CleaningReport, Comparison, DataReport, Description, EvaluationReport,
        Explanation, History, HistoryCurve, Lengths, Popularity, ShownSeries.
    """
    for kind, draw in DRAWINGS.items():
        if isinstance(result, kind):
            return draw(result)
    known = ", ".join(kind.__name__ for kind in DRAWINGS)
    raise ConfigurationError(
        f"There is no picture of {type(result).__name__}. What can be drawn: {known}."
    )
