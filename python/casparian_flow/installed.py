"""The data libraries. None is ever needed, and none is imported before data of its kind shows up: imports take half a second."""

import importlib
import sys
from types import ModuleType
from typing import Any, Dict, Optional

_tried: Dict[str, Optional[ModuleType]] = {}


def imported(library: str) -> Any:
    """The library if somebody has imported it, else None. Who hands us a frame of pandas has imported pandas."""
    return sys.modules.get(library)


def installed(library: str) -> Any:
    """The library, imported now if need be, else None."""
    if library not in _tried:
        try:
            _tried[library] = importlib.import_module(library)
        except ImportError:
            _tried[library] = None
    return _tried[library]


def is_a(value: Any, library: str, *classes: str) -> bool:
    module = imported(library)
    return module is not None and isinstance(value, tuple(getattr(module, name) for name in classes if hasattr(module, name)))
