"""Public logs by their names: what is known of them, their download, and how each is read.

    import regard

    regard.datasets.names()                # what there is; `table()` says size, licence, source
    log = regard.datasets.load("ml-100k")  # Interactions, ready for `regard.clean`
    regard.datasets.path("ml-100k")        # the raw files

One file per publisher (`movielens`, `amazon`, `mind`, `retail`) says what is published, on which
terms, and what one interaction is. Nothing is downloaded before somebody asks for it by name.
"""

from regard.data.datasets.loading import load, path
from regard.data.datasets.registry import dataset, names, table
from regard.data.datasets.retail import online_retail

__all__ = ["dataset", "load", "names", "online_retail", "path", "table"]
