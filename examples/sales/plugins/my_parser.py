# plugins/my_parser.py
# PATTERN: *.csv           <-- makes a RoutingRule
# TOPIC: sales_data        <-- makes a TopicConfig (Parquet by default)
import pandas

from casparian_flow.sdk import BasePlugin


class Handler(BasePlugin):
    def execute(self, path):
        df = pandas.read_csv(path)
        self.publish("sales_data", df)
