"""Methods without a network, behind the same contract as the networks."""

from regard.classical.als import ALS
from regard.classical.boosted import Boosted
from regard.classical.contract import ClassicalMethod
from regard.classical.decayed import DecayedPopularity
from regard.classical.ease import EASE
from regard.classical.item_neighbours import ItemNeighbours
from regard.classical.kneser_ney import KneserNey
from regard.classical.markov import MarkovChain
from regard.classical.popularity import Popularity, RecentPopularity
from regard.classical.session_neighbours import SessionNeighbours

CLASSICAL: dict[str, type[ClassicalMethod]] = {
    Popularity.name: Popularity,
    RecentPopularity.name: RecentPopularity,
    DecayedPopularity.name: DecayedPopularity,
    MarkovChain.name: MarkovChain,
    KneserNey.name: KneserNey,
    ItemNeighbours.name: ItemNeighbours,
    SessionNeighbours.name: SessionNeighbours,
    EASE.name: EASE,
    ALS.name: ALS,
    Boosted.name: Boosted,
}
"""Name on the command line and in recipes -> class."""

__all__ = [
    "ALS",
    "CLASSICAL",
    "EASE",
    "Boosted",
    "ClassicalMethod",
    "DecayedPopularity",
    "ItemNeighbours",
    "KneserNey",
    "MarkovChain",
    "Popularity",
    "RecentPopularity",
    "SessionNeighbours",
]
