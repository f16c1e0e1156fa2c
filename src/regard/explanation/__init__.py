"""Why a recommender said so, and whether that is true."""
