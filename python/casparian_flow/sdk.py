"""What a plugin author writes against: `BasePlugin`, and the event that says which file it is about."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Dict, List, Optional

Publish = Callable[[str, Any], None]


class UndeclaredTopicError(ValueError):
    """The plugin's source declares no such topic."""

    def __init__(self, topic: str, declared: List[str]) -> None:
        names = ", ".join(declared) if declared else "none; add a line `# TOPIC: <name>`"
        super().__init__(f"topic '{topic}' is not declared; declared: {names}")


@dataclass(frozen=True)
class PluginMetadata:
    """`MANIFEST = PluginMetadata(...)`: read from the source, so everything in it must be a literal."""

    pattern: str = ""
    topic: str = ""
    priority: int = 50
    subscriptions: List[str] = field(default_factory=list)
    sinks: Dict[str, str] = field(default_factory=dict)
    version: str = "1.0.0"
    description: str = ""


@dataclass(frozen=True)
class FileEvent:
    """The file that a job is about. `file_id` is the id of its version; `fd` an open descriptor to read from."""

    path: str
    file_id: int
    event_type: str = "file_found"
    metadata: Dict[str, Any] = field(default_factory=dict)
    fd: Optional[int] = None

    def open(self) -> BinaryIO:
        """The file, from its first byte; by the descriptor where there is one, so that a rename does not matter."""
        if self.fd is None:
            return open(self.path, "rb")
        copy = os.dup(self.fd)
        os.lseek(copy, 0, os.SEEK_SET)
        return os.fdopen(copy, "rb")


@dataclass(frozen=True)
class Context:
    """What `configure` is told of the job."""

    plugin_name: str
    plugin_version: str
    topics: List[str]
    job_id: int


class BasePlugin:
    """Base of every plugin's `Handler`. There is a fresh one for each job."""

    config: Dict[str, Any]
    log: logging.Logger
    _publish: Publish

    def __new__(cls, *args: Any, **kwargs: Any) -> "BasePlugin":
        # Here and not in __init__: a plugin's own __init__ need not call ours.
        plugin = super().__new__(cls)
        plugin.config = {}
        plugin.log = logging.getLogger("casparian_flow.plugin")
        plugin._publish = _no_job
        return plugin

    def configure(self, ctx: Context, config: Dict[str, Any]) -> None:
        """Called before the job; `config` is `[plugins.<name>]` of casparian.toml."""
        self.config = config

    def execute(self, path: str) -> Any:
        """The work, given the file's path. What it returns or yields goes to the plugin's first topic."""
        raise NotImplementedError("the plugin's Handler defines neither execute(path) nor consume(event)")

    def consume(self, event: FileEvent) -> Any:
        """The work, given the whole event; by default `execute` with its path."""
        return self.execute(event.path)

    def publish(self, topic: str, data: Any) -> None:
        """Sends rows to a topic that the plugin declares."""
        self._publish(topic, data)


def _no_job(topic: str, data: Any) -> None:
    raise RuntimeError(f"publish('{topic}', ...) works only while a job runs")
