"""From files and dataframes to `Interactions`: understood, noted, and nothing lost."""

from regard.data.ingest.read import read

__all__ = ["read"]
