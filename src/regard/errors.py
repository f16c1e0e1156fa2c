"""Every error a user can cause, in one family tree.

    RegardError
    ├── DataError (ValueError)            the log itself
    │   ├── SourceError                   a file or frame that cannot be read
    │   ├── ColumnError                   a column that is missing, ambiguous or of the wrong kind
    │   ├── TimeError                     times that cannot be understood
    │   ├── NeedsClockError               real time was asked of a log that carries only an order
    │   └── TooLittleDataError            nothing left to learn from or to ask about
    ├── ConfigurationError (ValueError)   an option, a recipe or a name that makes no sense
    ├── ModelInputError (ValueError)      a batch that a model or loss must refuse
    ├── UnknownUserError (LookupError)    nobody of that id, and no fallback wanted
    ├── UnknownItemError (LookupError)    no item of that id
    ├── NotFittedError                    an answer was asked before `fit`
    ├── BundleError                       a model folder that cannot be trusted
    │   ├── BundleMissingError            the folder or one of its files is not there
    │   ├── BundleVersionError            written by a version this one cannot read
    │   └── BundleChecksumError           a file is not what was written
    ├── TrainingError                     training that cannot go on (diverged, stale checkpoint)
    ├── StorageError (OSError)            a result that could not be written
    └── MissingDependencyError (ImportError)   an extra that is not installed

A message is one sentence or two: what is wrong, where (file, column, row, value), what to do.
The command line prints it without a traceback and exits with status 2.
"""


class RegardError(Exception):
    """The root: `except RegardError` catches whatever a user's input can cause.

    Example:
        >>> issubclass(DataError, RegardError) and issubclass(DataError, ValueError)
        True
    """


class DataError(RegardError, ValueError):
    """The log has a defect that Regard will not guess its way around."""


class SourceError(DataError):
    """A file or frame cannot be read as a table."""


class ColumnError(DataError):
    """A column is missing, ambiguous or holds the wrong kind of values."""


class TimeError(DataError):
    """A column of times cannot be understood without help."""


class NeedsClockError(DataError):
    """Something that needs real time was asked of a log that carries only an order."""


class TooLittleDataError(DataError):
    """Too few rows, users or items are left to do what was asked."""


class ConfigurationError(RegardError, ValueError):
    """An option, a recipe or a name makes no sense."""


class ModelInputError(RegardError, ValueError):
    """A batch holds something that a model or a loss must refuse."""


class UnknownUserError(RegardError, LookupError):
    """No user of that id is known, and no fallback was wanted."""


class UnknownItemError(RegardError, LookupError):
    """No item of that id is in the catalogue."""


class NotFittedError(RegardError):
    """An answer was asked of a recommender that has not learned yet."""


class BundleError(RegardError):
    """A model folder cannot be trusted."""


class BundleMissingError(BundleError):
    """The folder, or a file that its manifest lists, is not there."""


class BundleVersionError(BundleError):
    """The folder was written in a format that this version cannot read."""


class BundleChecksumError(BundleError):
    """A file's content is not what the manifest says was written."""


class TrainingError(RegardError):
    """Training cannot go on: it diverged, or its checkpoint belongs to another run."""


class StorageError(RegardError, OSError):
    """A result could not be written; nothing half-written was left behind."""


class MissingDependencyError(RegardError, ImportError):
    """A feature needs an extra that is not installed."""
