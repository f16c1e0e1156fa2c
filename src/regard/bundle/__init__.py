"""A trained model on disk: data with checksums, never code."""

from regard.bundle.bundle import Bundle
from regard.bundle.read import read_bundle
from regard.bundle.write import write_bundle

__all__ = ["Bundle", "read_bundle", "write_bundle"]
