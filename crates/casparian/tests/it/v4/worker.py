"""A worker of the original v4, as its page describes it: it identifies once, never heartbeats, and concludes what it is given.

worker.py ADDRESS CAPABILITIES PLAN: for each DISPATCH the next step of the plan is taken, separated by commas:
ok, fail, err, twice (concludes twice), late (concludes after 4 s), die. Each DISPATCH is printed as one line of JSON.
"""

import json
import struct
import sys
import time

import zmq

HEADER = struct.Struct("!BBHQI")
IDENTIFY, DISPATCH, ABORT, HEARTBEAT, CONCLUDE, ERR = range(1, 7)


def main() -> None:
    address, capabilities, plan = sys.argv[1:]
    socket = zmq.Context().socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, f"w-{time.time_ns()}".encode())
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(address)
    send(socket, IDENTIFY, 0, {"capabilities": capabilities.split("+"), "worker_id": None})
    for step in plan.split(","):
        opcode, job, payload = receive(socket)
        assert opcode == DISPATCH, f"a v4 worker knows no opcode {opcode} from its Sentinel"
        print(json.dumps({"job": job, **payload}), flush=True)
        take(socket, step, job, payload)
    # What was sent has to leave before the process does.
    time.sleep(1)


def take(socket: zmq.Socket, step: str, job: int, payload: dict) -> None:
    artifacts = [{"topic": sink["topic"], "uri": sink["uri"]} for sink in payload["sinks"]]
    success = {
        "status": "SUCCESS", "metrics": {"rows": 0, "size_bytes": 0}, "artifacts": artifacts, "error_message": None,
    }
    failed = {"status": "FAILED", "metrics": {}, "artifacts": [], "error_message": "no such column"}
    if step == "die":
        sys.exit(0)
    if step == "late":
        time.sleep(4)
    if step == "err":
        send(socket, ERR, job, {"message": "it broke", "traceback": "Traceback: line 7"})
    elif step == "fail":
        send(socket, CONCLUDE, job, failed)
    else:
        for _ in range(2 if step == "twice" else 1):
            send(socket, CONCLUDE, job, success)


def send(socket: zmq.Socket, opcode: int, job: int, payload: dict) -> None:
    data = json.dumps(payload).encode()
    socket.send_multipart([HEADER.pack(4, opcode, 0, job, len(data)), data])


def receive(socket: zmq.Socket) -> tuple:
    header, data = socket.recv_multipart()
    version, opcode, _, job, length = HEADER.unpack(header)
    assert version == 4 and length == len(data)
    return opcode, job, json.loads(data) if data else {}


main()
