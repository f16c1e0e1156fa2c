"""Methods without a network, behind the same contract as the networks."""

from regard.classical.contract import ClassicalMethod
from regard.classical.markov import MarkovChain
from regard.classical.popularity import Popularity, RecentPopularity

CLASSICAL: dict[str, type[ClassicalMethod]] = {
    Popularity.name: Popularity,
    RecentPopularity.name: RecentPopularity,
    MarkovChain.name: MarkovChain,
}
"""Name on the command line and in recipes -> class."""

__all__ = ["CLASSICAL", "ClassicalMethod", "MarkovChain", "Popularity", "RecentPopularity"]
