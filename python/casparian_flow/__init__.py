"""What plugins of Casparian Flow import, and the guest process that runs them."""

from casparian_flow.sdk import BasePlugin, FileEvent, PluginMetadata, UndeclaredTopicError

__version__ = "0.1.0"

__all__ = ["BasePlugin", "FileEvent", "PluginMetadata", "UndeclaredTopicError"]
