# PATTERN: *.csv
# TOPIC: small
import polars

from casparian_flow.sdk import BasePlugin


class Handler(BasePlugin):
    def execute(self, path):
        return polars.read_csv(path)
