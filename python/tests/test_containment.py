"""Plugins that fork, start threads, set signals and change their process harm neither the wire nor the next job."""

import os
import signal
import time

import pytest

from host import Host, handler, run


def test_what_a_job_changes_about_the_process_is_put_back():
    source = handler(
        """
        state = {"cwd": os.getcwd(), "argv": str(sys.argv[1:]), "alarm": str(signal.getsignal(signal.SIGALRM)), "timer": signal.getitimer(signal.ITIMER_REAL)[0]}
        print("printed in", path)
        os.chdir("/")
        sys.argv.append("--changed")
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        exec(path)
        yield state
        """,
        imports="import io, os, signal, sys",
    )
    with Host(source) as host:
        host.ready()
        first = host.job("pass").values()
        for change in ("sys.stdout.close()", "os.close(1)", "sys.stdout = io.StringIO()", "os.dup2(0, 1)", "del sys.stdout", "sys.stderr = None", "os.rmdir(state['cwd'])"):
            host.job(change)
            assert host.job("pass").values() == first, change
        assert host.stdout().count("printed in pass\n") == 8


def test_an_alarm_of_a_finished_job_does_not_hit_the_next():
    source = handler("if path == 'set': signal.signal(signal.SIGALRM, signal.default_int_handler); signal.setitimer(signal.ITIMER_REAL, 0.1)\nelse: time.sleep(0.3)", imports="import signal, time")
    with Host(source) as host:
        host.ready().job("set")
        assert host.job("wait").rows == {}


def test_a_timeout_of_the_plugins_own_in_the_middle_of_a_publish_leaves_the_wire_whole():
    source = handler(
        """
        class Late(Exception): pass
        def late(*_): raise Late
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        big = {"a": ["x" * 1000] * 7000}
        try:
            while True:
                self.publish("out", big)
        except Late:
            self.log.info("late")
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.publish("out", {"a": "after"})
        """,
        imports="import signal",
    )
    with Host(source) as host:
        host.ready().send_job()
        time.sleep(0.5)  # The socket is full; the alarm rings while the guest is in the middle of a frame.
        answer = host.answer()
        assert answer.logs == [{"level": "info", "message": "late"}]
        assert answer.values()[-1] == {"a": "after"}
        assert host.process.poll() is None


def test_a_signal_handler_may_log_while_a_publish_is_being_written():
    source = handler(
        """
        signal.signal(signal.SIGALRM, lambda *_: self.log.info("tick"))
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        for n in range(60):
            self.publish("out", {"n": [n] * 60_000})
        """,
        imports="import signal",
    )
    with Host(source) as host:
        host.ready().send_job()
        time.sleep(0.3)
        answer = host.answer()
    assert answer.rows == {"out": 60 * 60_000}
    assert answer.logs


def test_threads_may_publish():
    source = handler(
        """
        def work(worker):
            for n in range(500):
                self.publish("out", {"worker": worker, "n": n})
                self.publish("other", {"n": [n, n]})
                self.log.debug("x")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        """,
        imports="import threading",
    )
    answer = run(source, topics=["out", "other"])
    assert answer.rows == {"out": 2000, "other": 4000}
    assert len(answer.logs) == 2000
    assert {(row["worker"], row["n"]) for row in answer.values("out")} == {(w, n) for w in range(4) for n in range(500)}


def test_a_thread_that_outlives_its_job_cannot_write_into_the_next():
    source = handler(
        """
        if path == "start":
            def work():
                errors.append("started")
                time.sleep(0.2)
                try:
                    self.publish("out", {"a": "late"})
                except RuntimeError as error:
                    errors.append(str(error))
            threading.Thread(target=work).start()
        else:
            time.sleep(0.4)
            yield {"a": str(errors)}
        """,
        imports="import threading, time\nerrors = []",
    )
    with Host(source) as host:
        host.ready().job("start")
        assert host.job("next").values() == [{"a": "['started', 'publish() after the end of its job']"}]


def test_a_thread_left_running_does_not_keep_the_guest_alive():
    with Host(handler("threading.Thread(target=time.sleep, args=(60,)).start()", imports="import threading, time")) as host:
        host.ready().job()
        host.socket.close()
        assert host.process.wait(5) == 0


@pytest.mark.parametrize("end", ["pass", "raise ValueError('child')", "sys.exit(3)", "self.publish('out', {'from': 'child'})", "self.log.info('child')"])
def test_a_forked_child_that_comes_back_writes_nothing_to_the_host(end):
    source = handler(
        f"""
        self.publish("out", {{"from": "parent"}})
        child = os.fork()
        if child == 0:
            {end}
            return
        self.publish("out", {{"status": os.waitpid(child, 0)[1]}})
        """,
        imports="import os, sys",
    )
    status = {"pass": 0, "self.log.info('child')": 0, "sys.exit(3)": 3 << 8}.get(end, 1 << 8)
    with Host(source) as host:
        host.ready()
        for _ in range(2):
            answer = host.job()
            assert answer.values() == [{"from": "parent", "status": None}, {"from": None, "status": status}]
            assert answer.logs == []


def test_a_child_that_lives_on_does_not_hold_the_socket():
    source = handler(
        """
        if os.fork() == 0:
            time.sleep(60)
        child = subprocess.Popen(["sleep", "60"])
        yield {"child": child.pid}
        """,
        imports="import os, subprocess, time",
    )
    with Host(source) as host:
        (row,) = host.ready().job().values()
        group = os.getpgid(host.process.pid)
        host.process.kill()
        host.process.wait()
        host.socket.settimeout(5)
        assert host.receive() == (None, None)
        os.kill(row["child"], signal.SIGKILL)
        assert group == os.getpgrp()


def test_processes_of_multiprocessing_do_their_work():
    source = handler(
        """
        with multiprocessing.get_context("fork").Pool(2) as pool:
            yield [{"n": n} for n in pool.map(abs, [-1, -2])]
        """,
        imports="import multiprocessing",
    )
    assert run(source).values() == [{"n": 1}, {"n": 2}]


def test_interrupts_are_ignored():
    with Host(handler("yield {'slept': time.sleep(0.3)}", imports="import time")) as host:
        host.ready().send_job()
        for _ in range(5):
            time.sleep(0.02)
            host.process.send_signal(signal.SIGINT)
        assert host.answer().rows == {"out": 1}


def test_closing_every_descriptor_harms_only_the_plugins_own_guest():
    with Host(handler("os.closerange(3, 100)", imports="import os")) as host:
        host.ready().send_job()
        assert host.receive() == (None, None)
        assert host.process.wait(10) != 0


def test_a_crash_leaves_the_last_prints_and_a_traceback():
    with Host(handler("print('last words')\nctypes.string_at(0)", imports="import ctypes")) as host:
        host.ready().send_job()
        assert host.receive() == (None, None)
        assert host.process.wait(10) == -signal.SIGSEGV
        assert host.stdout() == "last words\n"
        assert "plugin_under_test.py" in host.stderr()
