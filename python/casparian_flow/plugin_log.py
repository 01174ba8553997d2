"""`self.log`, and everything else that plugins send to Python's logging, as LOG frames."""

import logging
import sys

from casparian_flow.frames import LOG, Channel, printable

MESSAGE_CHARS_MAX = 64 * 1024


class FrameHandler(logging.Handler):
    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if self._channel.in_child():
            print(message, file=sys.stderr)  # The host does not know the child; its stderr is the job's log, too.
        else:
            self._channel.send_json(LOG, {"level": _level(record.levelno), "message": _shortened(message)})


def set_up_log(channel: Channel, plugin_name: str) -> logging.Logger:
    """The plugin's logger. It sends all levels; other loggers send what theirs let through, warnings by default."""
    handler = FrameHandler(channel)
    logging.getLogger().addHandler(handler)
    log = logging.getLogger(f"casparian_flow.plugin.{plugin_name}")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(handler)
    return log


def _level(number: int) -> str:
    names = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"))
    return next((name for limit, name in names if number >= limit), "debug")


def _shortened(message: str) -> str:
    surplus = len(message) - MESSAGE_CHARS_MAX
    return printable(message if surplus <= 0 else f"{message[:MESSAGE_CHARS_MAX]} [{surplus} more characters]")
