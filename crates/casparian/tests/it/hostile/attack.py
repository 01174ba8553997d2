"""Peers that mean harm. attack.py ADDRESS KIND: does it for a while, and prints how far it came.

crowd: 3,000 connections, half of them without a word; mute: a peer that asks and never reads; parts: messages of very many and of very large
parts, and frames beyond every limit; stolen: a peer with the name of another one that is connected.
"""

import json
import resource
import socket
import struct
import sys
import time

import zmq

HEADER = struct.Struct("!BBHQI")
IDENTIFY, DISPATCH, ABORT, HEARTBEAT, CONCLUDE, ERR = range(1, 7)
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


def message(opcode: int, payload: dict, job: int = 0) -> list:
    data = json.dumps(payload).encode()
    return [HEADER.pack(4, opcode, 0, job, len(data)), data]


def dealer(address: str, name: bytes = b"") -> zmq.Socket:
    peer = zmq.Context.instance().socket(zmq.DEALER)
    peer.linger = 0
    peer.sndhwm = 1_000
    if name:
        peer.routing_id = name
    peer.connect(address)
    return peer


def crowd(address: str) -> int:
    ready = b"\x05READY\x0bSocket-Type" + struct.pack("!I", 6) + b"DEALER"
    opened = []
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for n in range(3_000):
        one = socket.socket(socket.AF_UNIX)
        try:
            one.connect(address.removeprefix("ipc://"))
            if n % 2:
                one.sendall(GREETING + b"\x04" + bytes([len(ready)]) + ready)
        except OSError:
            # Cut off in the middle of a word.
            pass
        opened.append(one)
    time.sleep(1)
    return len(opened)


def mute(address: str) -> int:
    peer = dealer(address)
    beat = message(HEARTBEAT, {"token": "nobody", "jobs": [{"id": n, "attempt": 1} for n in range(50)]})
    sent, until = 0, time.monotonic() + 3
    while time.monotonic() < until:
        try:
            peer.send_multipart(beat, zmq.DONTWAIT)
            sent += 1
        except zmq.Again:
            time.sleep(0.001)
    return sent


def parts(address: str) -> int:
    peer = dealer(address)
    peer.send_multipart([b"x"] * 200_000)
    for _ in range(12):
        peer.send_multipart([HEADER.pack(4, HEARTBEAT, 0, 0, 16 << 20), bytes(16 << 20)])
    peer.send_multipart([b"", *[bytes(1 << 20)] * 64])
    time.sleep(1)
    beyond = dealer(address)
    beyond.send_multipart([bytes(40 << 20)])
    time.sleep(1)
    return 15


def stolen(address: str) -> int:
    first, second = dealer(address, b"one"), dealer(address, b"one")
    first.send_multipart(message(IDENTIFY, {"worker_id": "first", "slots": 1}))
    assert first.poll(10_000), "an honest peer is answered"
    _, answer = first.recv_multipart()
    token = json.loads(answer)["session"]
    second.send_multipart(message(HEARTBEAT, {"token": token}))
    third = dealer(address)
    for opcode in (HEARTBEAT, CONCLUDE):
        third.send_multipart(message(opcode, {"token": token, "status": "FAILED" if opcode == CONCLUDE else "IDLE"}, job=1))
        assert third.poll(10_000), "who replays it is answered"
        assert json.loads(third.recv_multipart()[1]) == {"accepted": False}
    assert not second.poll(500), "whoever takes another's name is heard by nobody"
    first.send_multipart(message(HEARTBEAT, {"token": token, "leaving": True}))
    assert first.poll(10_000), "its own word counts as before"
    assert "accepted" not in json.loads(first.recv_multipart()[1])
    return 3


if __name__ == "__main__":
    print({"crowd": crowd, "mute": mute, "parts": parts, "stolen": stolen}[sys.argv[2]](sys.argv[1]))
