"""The wire itself: frames in pieces, descriptors, and what a host must not send."""

import os
import socket
import struct
import threading

import pytest

from casparian_flow import frames
from host import Host, handler


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, frames.Channel(theirs)


def test_frames_arrive_whole_however_they_are_cut(ends):
    ours, channel = ends
    stream = b"".join(struct.pack(">BI", kind, len(payload)) + payload for kind, payload in [(1, b"{}"), (2, b"x" * 300), (2, b"")])
    sender = threading.Thread(target=lambda: [ours.sendall(stream[i : i + 1]) for i in range(len(stream))])
    sender.start()
    assert [channel.receive()[:2] for _ in range(3)] == [(1, b"{}"), (2, b"x" * 300), (2, b"")]
    sender.join()
    ours.close()
    assert channel.receive() is None


def test_the_end_in_the_middle_of_a_frame_is_the_end(ends):
    ours, channel = ends
    ours.sendall(struct.pack(">BI", 2, 10) + b"abc")
    ours.close()
    assert channel.receive() is None


def test_pipelined_jobs_keep_their_own_descriptors(ends, tmp_path):
    ours, channel = ends
    for name in "ab":
        (tmp_path / name).write_text(name)
        fds = [os.open(tmp_path / name, os.O_RDONLY), os.open(tmp_path / name, os.O_RDONLY)]
        socket.send_fds(ours, [struct.pack(">BI", 2, 1) + name.encode()], fds)  # The second is surplus.
        [os.close(fd) for fd in fds]
    before = len(os.listdir("/proc/self/fd"))
    for name in "ab":
        frame = channel.receive()
        assert frame.payload == name.encode()
        assert not os.get_inheritable(frame.fd)
        assert os.read(frame.fd, 10) == name.encode()
        os.close(frame.fd)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_frame_beyond_the_limit_is_refused(ends):
    ours, channel = ends
    ours.sendall(struct.pack(">BI", 2, frames.PAYLOAD_BYTES_MAX + 1))
    with pytest.raises(frames.ProtocolError, match="a frame of 67108865 bytes"):
        channel.receive()


def test_large_frames_are_sent_whole_from_several_threads(ends):
    ours, channel = ends
    threads = [threading.Thread(target=lambda n=n: [channel.send(3, bytes([n]) * 10, bytes([n]) * 300_000) for _ in range(10)]) for n in range(3)]
    [thread.start() for thread in threads]
    reader = frames.Channel(ours)
    for _ in range(30):
        frame = reader.receive()
        assert (frame.kind, len(frame.payload), len(set(frame.payload))) == (3, 300_010, 1)
    [thread.join() for thread in threads]


def test_a_closed_host_is_noticed_when_sending(ends):
    ours, channel = ends
    ours.close()
    with pytest.raises(frames.HostGone):
        channel.send(3, b"x")


def test_a_frame_out_of_turn_ends_the_guest_with_the_reason_on_stderr():
    with Host(handler("pass")) as host:
        host.ready()
        host.send(frames.DONE, {})
        assert host.receive() == (None, None)
        assert host.process.wait(10) == 1
        assert "a frame of kind 6 where a JOB was due" in host.stderr()
