"""Loads a plugin's source, once per guest."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Dict, Type

from casparian_flow.sdk import BasePlugin


class LoadError(Exception):
    """The plugin cannot be used; the message is for its author."""


def load_handler(plugin_name: str, source_path: str) -> Type[BasePlugin]:
    handler = getattr(_load_module(plugin_name, source_path), "Handler", None)
    if handler is None:
        raise LoadError(f"plugin {plugin_name} defines no class Handler; write `class Handler(BasePlugin):`")
    if not (isinstance(handler, type) and issubclass(handler, BasePlugin)):
        raise LoadError(f"class Handler of plugin {plugin_name} must derive from casparian_flow.sdk.BasePlugin")
    return handler


def _load_module(plugin_name: str, source_path: str) -> ModuleType:
    name = _module_name(plugin_name)
    spec = importlib.util.spec_from_loader(name, SourceFileLoader(name, source_path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Data classes and pickle look their module up there.
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def _module_name(plugin_name: str) -> str:
    """The plugin's own name, unless a module has it: a plugin json.py must not be what others get by `import json`."""
    taken = "." in plugin_name or plugin_name in sys.modules or importlib.util.find_spec(plugin_name) is not None
    return f"casparian_plugin_{plugin_name.replace('.', '_')}" if taken else plugin_name


def installed_packages() -> Dict[str, str]:
    """Versions of the packages imported so far, without the standard library: part of a row's lineage."""
    found = {}
    for name, module in list(sys.modules.items()):
        version = getattr(module, "__dict__", {}).get("__version__")
        installed = "-packages" in (getattr(module, "__file__", None) or "")
        if "." not in name and installed and isinstance(version, str):
            found[name] = version
    return found
