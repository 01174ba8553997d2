"""What a plugin can do, through the real guest process."""

import os
import subprocess

import pytest

from host import PYTHON, Host, handler, has_package, run


def test_the_example_of_the_documentation_works_as_written(tmp_path):
    if not has_package("pandas"):
        pytest.skip("needs pandas")
    (tmp_path / "sales.csv").write_text("id,amount\n1,2.5\n2,\n")
    source = """\
    # plugins/my_parser.py
    # PATTERN: *.csv           <-- makes a RoutingRule
    # TOPIC: sales_data        <-- makes a TopicConfig (Parquet by default)
    from casparian_flow.sdk import BasePlugin
    import pandas

    class Handler(BasePlugin):
        def execute(self, path):
            df = pandas.read_csv(path)
            self.publish("sales_data", df)
    """
    with Host(source, topics=["sales_data"]) as host:
        answer = host.ready().job_for(tmp_path / "sales.csv")
    assert answer.rows == {"sales_data": 2}
    assert answer.values("sales_data") == [{"id": 1, "amount": 2.5}, {"id": 2, "amount": None}]


def test_hello_tells_versions_and_the_packages_imported_so_far():
    with Host(handler("pass")) as host:
        assert host.hello() == {"sdk": "0.1.0", "python": host_python(), "packages": {}}
    if has_package("pandas"):
        with Host(handler("pass", imports="import pandas")) as host:
            assert {"pandas", "numpy"} <= set(host.hello()["packages"])


def host_python():
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    return subprocess.run([PYTHON, "-c", code], capture_output=True, text=True).stdout.strip()


def test_a_plugin_that_publishes_nothing_has_no_rows():
    answer = run(handler("pass"))
    assert (answer.rows, answer.streams, answer.logs) == ({}, [], [])


def test_no_data_library_is_imported_for_plain_rows():
    source = handler(
        """
        self.publish("out", [{"a": 1}])
        yield {"a": [2, 3]}
        import sys
        self.log.info(str([name for name in ("pandas", "polars", "pyarrow", "numpy") if name in sys.modules]))
        """
    )
    answer = run(source)
    assert answer.rows == {"out": 3}
    assert answer.logs == [{"level": "info", "message": "[]"}]


@pytest.mark.parametrize(
    "body, values",
    [
        ("return {'a': 1}", [{"a": 1}]),
        ("return [{'a': 1}, {'a': 2}]", [{"a": 1}, {"a": 2}]),
        ("yield {'a': 1}\nyield None\nyield [{'a': 2}]", [{"a": 1}, {"a": 2}]),
        ("return [None]", []),
        ("return ({'a': n} for n in range(2))", [{"a": 0}, {"a": 1}]),
        ("return []", []),
        ("return\nyield", []),
    ],
)
def test_what_execute_returns_or_yields_goes_to_the_first_topic(body, values):
    answer = run(handler(body), topics=["first", "second"])
    assert answer.values("first") == values
    assert answer.rows == {"first": len(values)}


def test_rows_to_several_topics_keep_their_order():
    source = handler(
        """
        for n in range(3):
            self.publish("b", {"n": n})
            yield {"n": n}
            self.publish("b", {"n": [n + 10]})
        """
    )
    answer = run(source, topics=["a", "b"])
    assert answer.rows == {"a": 3, "b": 6}
    assert [row["n"] for row in answer.values("b")] == [0, 10, 1, 11, 2, 12]


def test_single_rows_are_sent_in_batches():
    answer = run(handler("for n in range(20_000): self.publish('out', {'n': n})"))
    assert answer.rows == {"out": 20_000}
    assert len(answer.streams) == 3


def test_a_topic_published_to_without_rows_is_in_done():
    assert run(handler("self.publish('b', [])"), topics=["a", "b"]).rows == {"b": 0}


def test_an_undeclared_topic_is_an_error_that_names_the_declared_ones():
    error = run(handler("self.publish('sale', [])"), topics=["sales", "refunds"]).error
    assert error["class"] == "topic"
    assert error["message"].startswith("UndeclaredTopicError: topic 'sale' is not declared; declared: sales, refunds.")


def test_returned_rows_need_a_topic():
    error = run(handler("return {'a': 1}"), topics=[]).error
    assert error["class"] == "topic" and "declared: none" in error["message"]
    assert run(handler("yield None"), topics=[]).rows == {}


def test_a_returned_value_that_is_no_data_is_an_error():
    error = run(handler("return True")).error
    assert (error["class"], "a bool was published" in error["message"]) == ("data", True)


CONSUMER = handler(
    """
    with event.open() as file, event.open() as again:
        again.read(3)
        content = file.read().decode()
    yield {"path": os.fsencode(event.path), "id": event.file_id, "type": event.event_type, "metadata": event.metadata, "content": content}
    """,
    "self, event",
    "consume",
    imports="import os",
)


def test_consume_gets_the_event_and_reads_by_descriptor(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("content")
    with Host(CONSUMER) as host:
        (row,) = host.ready().job_for(file, metadata={"size": 7}).values()
        assert row == {"path": os.fsencode(file), "id": 1001, "type": "file_found", "metadata": {"size": 7}, "content": "content"}
        (row,) = host.job(str(file)).values()  # Without a descriptor it opens the path.
        assert (row["id"], row["content"]) == (1002, "content")


def test_a_file_name_that_is_no_text_arrives_as_python_spells_it(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe.csv"
    with open(name, "w") as file:
        file.write("x")
    with Host(CONSUMER) as host:
        (row,) = host.ready().job_for(name).values()
    assert (row["path"], row["content"]) == (name, "x")


def test_descriptors_are_closed_after_the_job_and_cannot_be_inherited(tmp_path):
    body = """
    self.log.info(f"{len(os.listdir('/proc/self/fd'))} {os.get_inheritable(event.fd)}")
    if event.file_id % 2: os.close(event.fd)
    """
    file = tmp_path / "a"
    file.touch()
    with Host(handler(body, "self, event", "consume", "import os")) as host:
        host.ready()
        counts = {host.job_for(file).logs[0]["message"] for _ in range(6)}
    assert len(counts) == 1 and counts.pop().endswith("False")


def test_configure_gets_the_context_and_a_config_of_its_own():
    source = """
    from casparian_flow.sdk import BasePlugin

    class Handler(BasePlugin):
        def configure(self, ctx, config):
            self.ctx = ctx
            config["seen"] = config.get("seen", 0) + 1

        def execute(self, path):
            yield {"name": self.ctx.plugin_name, "version": self.ctx.plugin_version, "topics": list(self.ctx.topics), "job": self.ctx.job_id, **self.config}
    """
    with Host(source, config={"limit": 3}) as host:
        host.ready()
        for job in (1, 2):
            expected = {"name": "plugin_under_test", "version": "abc", "topics": ["out"], "job": job, "limit": 3, "seen": 1}
            assert host.job().values() == [expected]


def test_each_job_has_a_fresh_handler_and_the_module_is_loaded_once():
    source = """
    from casparian_flow.sdk import BasePlugin
    jobs = 0

    class Handler(BasePlugin):
        def execute(self, path):
            global jobs
            jobs += 1
            self.count = getattr(self, "count", 0) + 1
            yield {"count": self.count, "jobs": jobs}
    """
    with Host(source) as host:
        host.ready()
        assert [host.job().values() for _ in range(2)] == [[{"count": 1, "jobs": 1}], [{"count": 1, "jobs": 2}]]


def test_topics_of_one_job_do_not_leak_into_the_next():
    with Host(handler("self.publish('a', []) if path == 'first' else self.publish('b', [{'n': 1}])"), topics=["a", "b"]) as host:
        host.ready()
        assert host.job("first").rows == {"a": 0}
        for _ in range(2):
            assert host.job("other").rows == {"b": 1}


def test_a_handler_kept_from_an_earlier_job_cannot_publish():
    source = handler("kept.append(self)\nkept[0].publish('out', {'a': 1})", imports="kept = []")
    with Host(source) as host:
        host.ready()
        assert host.job().rows == {"out": 1}
        assert "publish() after the end of its job" in host.job().error["message"]


def test_a_handler_may_take_any_name_for_its_own():
    source = """
    from dataclasses import dataclass
    from casparian_flow.sdk import BasePlugin

    class Handler(BasePlugin):
        config = {"mine": 1}

        def __init__(self):
            self.log = []
            self.topics = self.job = self.output = None
            self.publish("out", {"from": "init"})

        def execute(self, path):
            self.log.append(1)
            yield {"from": str(self.config)}
    """
    assert run(source, config={"theirs": 2}).values() == [{"from": "init"}, {"from": "{'mine': 1}"}]
    source = """
    from dataclasses import dataclass
    from casparian_flow.sdk import BasePlugin

    @dataclass(frozen=True)
    class Handler(BasePlugin):
        limit: int = 3

        def log(self, text):
            return {"logged": text}

        def execute(self, path):
            yield self.log(f"{self.limit} {self.config}")
    """
    assert run(source, config={"theirs": 2}).values() == [{"logged": "3 {'theirs': 2}"}]


def test_prints_belong_to_the_job_and_never_to_the_wire():
    source = handler("print('to stdout', path)\nsys.stdout.buffer.write(b'raw ')\nprint('half', end='')\nsys.stderr.write('to stderr')", imports="import sys")
    with Host(source) as host:
        host.ready()
        host.job("1")
        assert host.stdout() == "to stdout 1\nraw half"
        assert host.stderr() == "to stderr"


def test_logs_arrive_once_with_level_and_text():
    body = """
    self.log.debug("d")
    self.log.warning("%s and %s", 1, "two")
    self.log.critical("c")
    logging.getLogger(__name__).warning("by name")
    logging.info("below the limit")
    self.log.info("\\udc80" + "x" * 100_000)
    try:
        1 / 0
    except ZeroDivisionError:
        self.log.exception("failed")
    """
    with Host(handler(body, imports="import logging")) as host:
        host.ready()
        for _ in range(2):
            logs = host.job().logs
            assert [log["level"] for log in logs] == ["debug", "warning", "error", "warning", "info", "error"]
            assert [log["message"] for log in logs[:4]] == ["d", "1 and two", "c", "by name"]
            assert logs[4]["message"].startswith("\\udc80xxx") and len(logs[4]["message"]) < 70_000
            assert "ZeroDivisionError" in logs[5]["message"]


def test_the_guest_ends_quietly_when_the_host_closes():
    with Host(handler("pass")) as host:
        host.ready().job()
        host.socket.close()
        assert host.process.wait(10) == 0
        assert (host.stdout(), host.stderr()) == ("", "")


def test_a_running_job_ends_with_its_host():
    with Host(handler("while True:\n    try: self.publish('out', {'a': ['x' * 1000] * 1000})\n    except Exception: pass")) as host:
        host.ready().send_job()
        host.receive()
        host.socket.close()
        assert host.process.wait(10) == 0
        assert host.stderr() == ""


def test_stdin_is_empty():
    assert run(handler("yield {'read': sys.stdin.read()}", imports="import sys")).values() == [{"read": ""}]


def test_a_guest_keeps_no_descriptor_but_its_own(tmp_path):
    body = """
    fds = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")}
    yield [{"fd": int(fd), "target": target} for fd, target in fds.items()]
    """
    with Host(handler(body, imports="import os")) as host:
        targets = [row["target"] for row in host.ready().job().values()]
        own = (str(host.directory / "stdout"), str(host.directory / "stderr"))
    assert sum(target.startswith("socket:") for target in targets) == 1
    assert all(target.startswith(("/dev/null", "socket:", "/proc/", *own)) for target in targets), targets
