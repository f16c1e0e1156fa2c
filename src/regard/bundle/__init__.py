"""A trained model on disk: data with checksums, never code."""
