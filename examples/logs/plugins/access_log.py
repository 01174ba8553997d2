# Web server logs in the combined format, line by line: memory does not grow with the file.
# PATTERN: access.log
# PATTERN: access.log.[0-9]
# TOPIC: web_requests
# TOPIC: unparsed_lines
# MEMORY: 256MB
import re
from datetime import datetime, timezone

from casparian_flow.sdk import BasePlugin

QUOTED = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(rf'(\S+) \S+ (\S+) \[([^\]]+)\] {QUOTED} (\d{{3}}) (\d+|-) {QUOTED} {QUOTED}$')
REQUEST = re.compile(r"([A-Z]+) (\S+) (HTTP/\S+)$")
ROWS_PER_BATCH = 1000


class Handler(BasePlugin):
    def execute(self, path):
        """Yields the requests, a list of rows at a time; what is no request goes to unparsed_lines."""
        requests, unparsed = [], []
        with open(path, encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                line = line.rstrip("\n")
                row = request(line)
                if row:
                    requests.append({"line": number, **row})
                else:
                    unparsed.append({"line": number, "text": line})
                if len(requests) == ROWS_PER_BATCH:
                    yield requests
                    requests = []
                if len(unparsed) == ROWS_PER_BATCH:
                    self.publish("unparsed_lines", unparsed)
                    unparsed = []
        if requests:
            yield requests
        if unparsed:
            self.publish("unparsed_lines", unparsed)


def request(line):
    parts = LINE.match(line)
    verb = parts and REQUEST.match(parts[4])
    if not verb:
        return None
    time = datetime.strptime(parts[3], "%d/%b/%Y:%H:%M:%S %z")
    return {
        "time": time.astimezone(timezone.utc),
        "client": parts[1],
        "method": verb[1],
        "target": verb[2],
        "status": int(parts[5]),
        "bytes": None if parts[6] == "-" else int(parts[6]),
        "referrer": None if parts[7] == "-" else parts[7],
        "agent": None if parts[8] == "-" else parts[8].replace('\\"', '"'),
    }
