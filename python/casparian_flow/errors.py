"""What can go wrong with published data. Both errors say which topic, and what to do."""

from typing import Iterable, Optional


class UndeclaredTopicError(LookupError):
    """Data for a topic that the plugin does not declare."""

    def __init__(self, topic: object, declared: Iterable[str]) -> None:
        names = ", ".join(declared) or "none"
        super().__init__(f"topic {topic!r} is not declared; declared: {names}. Add a line `# TOPIC: {topic}`.")


class DataError(TypeError, ValueError):
    """Data that cannot be published as it is. The topic is added where it is known."""

    def __init__(self, problem: str, column: Optional[str] = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.column = column
        self.topic: Optional[str] = None

    def __str__(self) -> str:
        topic = [] if self.topic is None else [f"topic {self.topic!r}"]
        column = [] if self.column is None else [f"column {self.column!r}"]
        where = ", ".join(topic + column)
        return f"{where}: {self.problem}" if where else self.problem
