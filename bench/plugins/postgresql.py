# PATTERN: *.csv
# TOPIC: measured @warehouse
# TIMEOUT: 3600s
import pyarrow.csv

from casparian_flow.sdk import BasePlugin


class Handler(BasePlugin):
    def execute(self, path):
        yield from pyarrow.csv.open_csv(path)
