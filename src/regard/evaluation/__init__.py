"""How good a recommender is, with intervals: ranks, metrics, comparisons."""
