"""The guest as a process, through the wire."""

import os
import signal
import time

import pytest

from casparian_flow import frames

HEAD = "from casparian_flow.sdk import BasePlugin\n"


def plugin(body):
    lines = "\n".join("        " + line for line in body.splitlines())
    return f"{HEAD}class Handler(BasePlugin):\n    def execute(self, path):\n{lines}\n"


def error_of(host, data):
    _, _, (kind, payload) = host.job(data)
    assert kind == frames.ERROR
    return payload


def test_the_example_of_the_design_works_to_the_letter(start, data):
    source = """\
# plugins/my_parser.py
# PATTERN: *.csv           <-- makes a RoutingRule
# TOPIC: sales_data        <-- makes a TopicConfig (Parquet by default)
import pandas
from casparian_flow.sdk import BasePlugin

class Handler(BasePlugin):
    def execute(self, path):
        df = pandas.read_csv(path)
        self.publish("sales_data", df)
"""
    tables, _, end = start(source, ["sales_data"]).job(data)
    assert tables["sales_data"][0].to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert end == (frames.DONE, {"rows": {"sales_data": 2}})


def test_it_greets_with_its_versions(start):
    kind, hello = start(plugin("pass")).hello
    assert kind == frames.HELLO
    assert hello["sdk"] == "0.1.0" and hello["python"].startswith("3.")


def test_what_execute_returns_or_yields_goes_to_the_first_topic(start, data):
    for body in ['return [{"a": 1}]', 'yield {"a": 1}', 'yield [{"a": 1}]', 'return {"a": [1]}']:
        tables, _, (kind, _) = start(plugin(body), ["first", "second"]).job(data)
        assert kind == frames.DONE
        assert [table.to_pylist() for table in tables["first"]] == [[{"a": 1}]]


def test_f02_each_job_has_a_fresh_handler_and_the_right_topic(start, data):
    body = 'self.seen = getattr(self, "seen", 0) + 1\nself.publish("b", {"n": [self.seen]})'
    host = start(plugin(body), ["a", "b"])
    for job_id in range(3):
        tables, _, _ = host.job(data, job_id=job_id)
        assert list(tables) == ["b"]
        assert tables["b"][0].to_pylist() == [{"n": 1}]


def test_a_plugin_may_have_its_own_init_and_configure(start, data):
    source = HEAD + (
        "class Handler(BasePlugin):\n"
        "    def __init__(self):\n        self.mine = 1\n"
        "    def configure(self, ctx, config):\n        self.ctx = ctx\n        self.threshold = config['threshold']\n"
        "    def consume(self, event):\n"
        "        head = event.open().read(1).decode()\n"
        "        self.publish('out', {'row': 1, 'mine': self.mine, 't': self.threshold, 'id': event.file_id, 'head': head, 'job': self.ctx.job_id})\n"
    )
    tables, _, _ = start(source, config={"threshold": 5}).job(data, job_id=3)
    expected = {"row": 1, "mine": 1, "t": 5, "id": 7, "head": "a", "job": 3}
    assert tables["out"][0].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("raise ValueError('bad row')", "plugin", "ValueError: bad row"),
        ("self.publish('other', {'a': [1]})", "topic", "topic 'other' is not declared; declared: out"),
        ("exit(2)", "exit", "the plugin called exit(2)"),
        ("raise SystemExit", "exit", "the plugin called exit()"),
        ("raise KeyboardInterrupt", "plugin", "KeyboardInterrupt"),
        ("raise MemoryError", "memory", "MemoryError"),
        ("self.publish('out', 5)", "data", "a int was published; publish takes"),
        ("self.publish('out', {'_job_id': [1]})", "data", "column '_job_id' is reserved for lineage"),
        ("f = lambda: f()\nf()", "plugin", "RecursionError"),
    ],
)
def test_whatever_a_plugin_does_ends_its_own_job_only(start, data, body, kind, message):
    source = plugin(f"if self.config.get('never'):\n    return\n{body}")
    host = start(source)
    for _ in range(2):
        error = error_of(host, data)
        assert error["class"] == kind
        assert message in error["message"]


def test_the_traceback_shows_the_plugin_and_not_the_guest(start, data):
    traceback = error_of(start(plugin("raise ValueError('x')")), data)["traceback"]
    assert "my_plugin.py" in traceback and "guest.py" not in traceback


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:\n", "SyntaxError"),
        ("import no_such_module_here\n", "No module named 'no_such_module_here' (needed by plugin my_plugin; install it for"),
        ("x = 1\n", "defines no class Handler"),
        ("class Handler: pass\n", "must derive from casparian_flow.sdk.BasePlugin"),
        ("raise SystemExit(3)\n", "the plugin called exit(3)"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_says_why(start, source, message):
    host = start(source)
    kind, error = host.hello
    assert (kind, error["class"]) == (frames.ERROR, "load")
    assert message in error["message"]
    assert host.process.wait(30) == 1


def test_prints_belong_to_streams_and_log_records_to_the_host(start, data):
    host = start(plugin("print('hello')\nself.log.info('about %s', 5)"))
    _, logs, (kind, _) = host.job(data)
    assert kind == frames.DONE
    assert logs == ["about 5"]
    assert host.close()[0] == b"hello\n"


def test_a_forked_child_never_speaks_for_the_guest(start, data):
    body = "import os\nif os.fork() == 0:\n    return {'a': [666]}\nos.wait()\nreturn {'a': [1]}"
    host = start(plugin(body))
    for _ in range(2):
        tables, _, (kind, _) = host.job(data)
        assert kind == frames.DONE
        assert [table.to_pylist() for table in tables["out"]] == [[{"a": 1}]]


def test_threads_may_publish(start, data):
    body = (
        "import threading\n"
        "work = lambda: [self.publish('out', {'a': list(range(1000))}) for _ in range(20)]\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "[t.start() for t in threads]\n[t.join() for t in threads]\n"
    )
    tables, _, end = start(plugin(body)).job(data)
    assert end == (frames.DONE, {"rows": {"out": 80_000}})
    assert sum(table.num_rows for table in tables["out"]) == 80_000


def test_names_that_are_not_utf8_reach_the_plugin(start, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\n.csv"
    with open(path, "wb") as file:
        file.write(b"abc")
    host = start(plugin("return {'size': [len(open(path, 'rb').read())]}"))
    tables, _, _ = host.job(path, not_utf8=True)
    assert tables["out"][0].to_pylist() == [{"size": 3}]


def test_ctrl_c_is_for_the_host_to_handle(start, data):
    host = start(plugin("import time\ntime.sleep(0.5)\nreturn {'a': [1]}"))
    host.process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    host.process.send_signal(signal.SIGINT)
    assert host.job(data)[2][0] == frames.DONE


def test_a_plugin_may_close_its_streams_and_change_directory(start, data):
    host = start(plugin("import sys, os\nsys.stdout.close()\nos.chdir('/')\nreturn {'a': [1]}"))
    for _ in range(2):
        assert host.job(data)[2][0] == frames.DONE


def test_it_ends_when_the_host_does(start):
    host = start(plugin("pass"))
    host.sock.close()
    assert host.process.wait(30) == 0
