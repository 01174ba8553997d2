"""Casparian Flow: what plugin authors import. `from casparian_flow.sdk import BasePlugin` is all most plugins need."""

from casparian_flow.errors import DataError, UndeclaredTopicError
from casparian_flow.sdk import BasePlugin, FileEvent, PluginContext, PluginMetadata
from casparian_flow.version import VERSION as __version__

__all__ = [
    "BasePlugin",
    "DataError",
    "FileEvent",
    "PluginContext",
    "PluginMetadata",
    "UndeclaredTopicError",
    "__version__",
]
