# PATTERN: *.arrow
# TOPIC: batches
# TIMEOUT: 3600s
import pyarrow

from casparian_flow.sdk import BasePlugin


class Handler(BasePlugin):
    def execute(self, path):
        with pyarrow.memory_map(str(path)) as file, pyarrow.ipc.open_file(file) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
