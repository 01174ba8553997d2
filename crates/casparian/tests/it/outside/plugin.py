# PATTERN: *.in
# TOPIC: files
# TOPIC: tables sqlite://shop.db/tables
import pyarrow as pa

from casparian_flow.sdk import BasePlugin


class Handler(BasePlugin):
    def execute(self, path):
        space = {}
        exec(open(path).read(), space)
        names, arrays = [], []
        for name, text, values in space["COLUMNS"]:
            if text.startswith("struct"):
                kind = pa.struct([("a", pa.int64()), ("b", pa.string())])
            elif text.startswith("list_"):
                kind = pa.list_(pa.int32())
            else:
                kind = eval("pa." + text if "(" in text else f"pa.{text}()")
            if text.startswith(("time", "timestamp")):
                array = pa.array(values, pa.int64()).cast(kind)
            else:
                array = pa.array(values, kind)
            names.append(name)
            arrays.append(array)
        table = pa.table(arrays, names)
        self.publish("files", table)
        self.publish("tables", table)
