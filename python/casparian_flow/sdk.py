"""What a plugin is made of: `BasePlugin`, and the file it is handed as `FileEvent`."""

import logging
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple

from casparian_flow.descriptor import open_descriptor


@dataclass
class FileEvent:
    """A file to process. `fd` is an open descriptor of exactly the version that was hashed; it is closed after the job."""

    path: str
    file_id: int
    event_type: str = "file_found"
    metadata: Dict[str, Any] = field(default_factory=dict)
    fd: Optional[int] = None

    def open(self) -> BinaryIO:
        """The file's bytes from the start, as often as you like."""
        return open(self.path, "rb") if self.fd is None else open_descriptor(self.fd)


@dataclass
class PluginMetadata:
    """For a module constant `MANIFEST = PluginMetadata(...)`. It is read from the source, never by running it: use literals."""

    pattern: str = ""
    topic: str = ""
    priority: int = 50
    subscriptions: List[str] = field(default_factory=list)
    sinks: Dict[str, str] = field(default_factory=dict)
    version: str = "1.0.0"
    description: str = ""


@dataclass(frozen=True)
class PluginContext:
    """What `configure` is told about the plugin and its job."""

    plugin_name: str
    plugin_version: str
    topics: Tuple[str, ...]
    job_id: int


def _no_job(topic: str, data: Any) -> None:
    raise RuntimeError("publish() works inside a job; in a test, replace it: handler.publish = lambda topic, data: ...")


@dataclass
class Binding:
    """What ties a handler to its job. One attribute of the handler, so that no name of a plugin's own is taken."""

    publish: Callable[[str, Any], None] = _no_job
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("casparian_flow.plugin"))
    config: Dict[str, Any] = field(default_factory=dict)


def bind(handler: "BasePlugin", binding: Binding) -> None:
    # Past any __setattr__ of the plugin's own, e.g. that of a frozen dataclass.
    object.__setattr__(handler, "_casparian", binding)


class _Bound:
    """An attribute read from the binding. It has no setter, so a plugin may define or assign the same name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, handler: Any, owner: Any) -> Any:
        return self if handler is None else getattr(handler._casparian, self._name)


class BasePlugin:
    """Derive `class Handler(BasePlugin)` and write `execute` or `consume`. Each job gets a Handler of its own."""

    _casparian: Binding
    config: Any = _Bound("config")
    log: Any = _Bound("log")

    def __new__(cls, *args: Any, **kwargs: Any) -> "BasePlugin":
        # Here and not in __init__, which a plugin may replace without calling ours.
        handler = super().__new__(cls)
        bind(handler, Binding())
        return handler

    def configure(self, ctx: PluginContext, config: Dict[str, Any]) -> None:
        """Called before each job with [plugins.<name>] of casparian.toml; `self.config` is that, too."""
        self._casparian.config = config

    def execute(self, path: str) -> Any:
        """Parses the file at `path`. What it returns or yields goes to the plugin's first topic."""
        raise NotImplementedError(f"{type(self).__name__} defines neither execute(path) nor consume(event)")

    def consume(self, event: FileEvent) -> Any:
        """Like `execute`, for plugins that want the file's id, metadata or open descriptor."""
        return self.execute(event.path)

    def publish(self, topic: str, data: Any) -> None:
        """Sends rows to a declared topic: frames of pandas, polars or pyarrow, dicts, lists of dicts, or a generator of these."""
        self._casparian.publish(topic, data)
