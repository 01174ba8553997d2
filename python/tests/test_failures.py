"""What goes wrong in a plugin ends its job with a clear ERROR, and the guest takes the next one."""

import pytest

from host import Host, handler, run

FAILING = handler(
    """
    if path == "good":
        yield {"n": 1}
    else:
        exec(path, {"self": self, **globals()})
    """,
    imports="""
    import asyncio, sys


    class Odd(BaseException):
        pass


    class Mute(Exception):
        def __str__(self):
            raise ValueError("no text")


    def recurse():
        recurse()
    """,
)


@pytest.mark.parametrize(
    "code, class_, message",
    [
        ("raise ValueError('bad row')", "plugin", "ValueError: bad row"),
        ("raise ValueError", "plugin", "ValueError"),
        ("raise KeyError('amount')", "plugin", "KeyError: 'amount'"),
        ("raise KeyboardInterrupt", "plugin", "KeyboardInterrupt"),
        ("raise GeneratorExit", "plugin", "GeneratorExit"),
        ("raise asyncio.CancelledError", "plugin", "CancelledError"),
        ("raise Odd('odd')", "plugin", "Odd: odd"),
        ("raise Mute", "plugin", "Mute: <its text cannot be made>"),
        ("recurse()", "plugin", "RecursionError: maximum recursion depth exceeded"),
        ("exit(2)", "exit", "the plugin called exit(2)"),
        ("sys.exit()", "exit", "the plugin called exit()"),
        ("sys.exit('text')", "exit", "the plugin called exit('text')"),
        ("raise MemoryError('4 GB')", "memory", "MemoryError: 4 GB"),
        ("x = bytearray(2**62)", "memory", "MemoryError"),
        ("self.publish('other', [])", "topic", "UndeclaredTopicError: topic 'other' is not declared; declared: out. Add a line `# TOPIC: other`."),
        ("self.publish('out', 1)", "data", "DataError: topic 'out': a int was published"),
        ("raise ValueError('\\udc80')", "plugin", "ValueError: \\udc80"),
    ],
)  # fmt: skip
def test_each_failure_has_its_class_and_the_guest_goes_on(code, class_, message):
    with Host(FAILING) as host:
        host.ready()
        assert host.job("good").rows == {"out": 1}
        error = host.job(code).error
        assert error["class"] == class_
        assert error["message"].startswith(message)
        assert host.job("good").rows == {"out": 1}
        assert host.stderr() == ""


def test_the_traceback_shows_the_plugin_and_not_the_guest():
    source = handler("outer(self)", imports="def outer(handler):\n    handler.publish('out', 1)  # here")
    error = run(source).error
    assert "plugin_under_test.py" in error["traceback"]
    assert "handler.publish('out', 1)  # here" in error["traceback"]
    assert "casparian_flow" not in error["traceback"].replace("casparian_flow.errors.DataError", "")


def test_causes_are_shown_and_stripped_too():
    body = "try:\n    self.publish('nowhere', [])\nexcept Exception as error:\n    raise RuntimeError('wrapped') from error"
    error = run(handler(body)).error
    assert "direct cause" in error["traceback"] and "output.py" not in error["traceback"]
    assert error["message"] == "RuntimeError: wrapped"


def test_tracebacks_and_messages_have_a_limit():
    error = run(handler("raise ValueError('begin' + 'ü' * 100_000 + 'end')")).error
    assert len(error["traceback"].encode()) <= 16 * 1024
    assert error["traceback"].startswith("Traceback") and error["traceback"].rstrip().endswith("end")
    assert len(error["message"].encode()) <= 4 * 1024


def test_rows_that_fail_late_fail_the_job_even_if_the_plugin_catches_the_error():
    body = """
    self.publish("out", {"a": 1})
    self.publish("out", {"a": "x"})
    try:
        self.publish("out", {"a": [1.5]})
    except Exception:
        pass
    """
    error = run(handler(body)).error
    assert error["class"] == "data"
    assert error["message"].startswith("DataError: topic 'out', column 'a': holds both int and str")


def test_rows_that_fail_at_the_end_of_the_job_fail_it():
    error = run(handler("self.publish('out', [{'a': 1}, {'a': 'x'}])")).error
    assert error["class"] == "data" and "holds both int and str" in error["message"]


def test_an_error_inside_of_a_generator_is_the_plugins():
    error = run(handler("self.publish('out', (1 / n for n in (0,)))")).error
    assert (error["class"], error["message"]) == ("plugin", "ZeroDivisionError: division by zero")


def test_a_handler_without_a_method_says_so():
    error = run("from casparian_flow.sdk import BasePlugin\nclass Handler(BasePlugin): pass").error
    assert error["message"] == "NotImplementedError: Handler defines neither execute(path) nor consume(event)"


def test_an_error_in_init_or_configure_is_the_jobs():
    for method in ("__init__(self)", "configure(self, ctx, config)"):
        source = f"from casparian_flow.sdk import BasePlugin\nclass Handler(BasePlugin):\n    def {method}: raise ValueError('early')"
        assert run(source).error["message"] == "ValueError: early"


@pytest.mark.parametrize(
    "source, message",
    [
        ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule' (needed by plugin plugin_under_test; install it for "),
        ("from json import nosuchname", "ImportError: cannot import name 'nosuchname' from 'json'"),
        ("def broken(:\n", "SyntaxError: invalid syntax (plugin_under_test.py, line 1)"),
        ("x = 1", "plugin plugin_under_test defines no class Handler; write `class Handler(BasePlugin):`"),
        ("class Handler: pass", "class Handler of plugin plugin_under_test must derive from casparian_flow.sdk.BasePlugin"),
        ("Handler = 3", "class Handler of plugin plugin_under_test must derive from"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("exit(3)", "the plugin called exit(3) while it was loaded"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sdk", "ModuleNotFoundError: No module named 'sdk'"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_says_why_and_the_guest_ends(source, message):
    with Host(source) as host:
        error = host.hello()
        assert error["class"] == "load"
        assert error["message"].startswith(message)
        assert host.receive() == (None, None)
        assert host.process.wait(10) == 1
        assert host.stderr() == ""


def test_the_traceback_of_a_load_error_shows_the_plugins_line():
    with Host("x = 1\ndef f():\n    return 1 / 0\nf()") as host:
        traceback = host.hello()["traceback"]
    assert "return 1 / 0" in traceback and "importlib" not in traceback and "loader.py" not in traceback


@pytest.mark.parametrize("name", ["json", "logging", "my-plugin", "v1.orders", "casparian_flow"])
def test_a_plugin_may_have_any_name(name):
    source = handler("yield {'dumped': json.dumps(1), 'module': type(self).__module__}", imports="import json")
    (row,) = run(source, name=name).values()
    assert row["dumped"] == "1"
    assert name.replace(".", "_") in row["module"]
