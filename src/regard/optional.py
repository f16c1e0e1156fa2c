"""Extras are imported where they are used; one that is missing says how to get it."""

import importlib
import importlib.util
from types import ModuleType

from regard.errors import MissingDependencyError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a module that an extra brings.

    Args:
        module: what to import, such as `"torch"`.
        extra: the extra that installs it, such as `"torch"` in `regard[torch]`.
        purpose: what the user wanted, as the subject of the message's sentence.

    Returns:
        The imported module.

    Raises:
        MissingDependencyError: it is not installed.

    Example:
        >>> require("no_such_module", extra="report", purpose="The HTML report")
        Traceback (most recent call last):
        regard.errors.MissingDependencyError: The HTML report needs no_such_module, which is not
        installed. Install it with: pip install 'regard[report]'
    """
    package = module.split(".")[0]
    if importlib.util.find_spec(package) is None:
        raise MissingDependencyError(
            f"{purpose} needs {package}, which is not installed. Install it with: "
            f"pip install 'regard[{extra}]'"
        )
    return importlib.import_module(module)
