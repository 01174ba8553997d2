"""A Sentinel of the original v4, as its page describes it: no answer to IDENTIFY, no lease, no grant; one job at a time to an idle worker.

sentinel.py ADDRESS FILE...: gives each file to plugin `orders`, aborts the one whose name has `slow` in it, and prints each CONCLUDE as a
line of JSON. A file that is called `unknown.csv` goes to a plugin that no worker has.
"""

import json
import struct
import sys
import time

import zmq

HEADER = struct.Struct("!BBHQI")
IDENTIFY, DISPATCH, ABORT, HEARTBEAT, CONCLUDE, ERR = range(1, 7)


def main() -> None:
    address, *files = sys.argv[1:]
    socket = zmq.Context().socket(zmq.ROUTER)
    socket.bind(address)
    worker = identified(socket)
    for job, file in enumerate(files, start=1):
        payload = {
            "plugin_name": "nobody" if "unknown" in file else "orders",
            "file_path": file,
            "sinks": [{"topic": "orders", "uri": "parquet://orders", "mode": "append", "schema_def": None}],
            "file_version_id": 100 + job,
        }
        send(socket, worker, DISPATCH, job, json.dumps(payload).encode())
        if "slow" in file:
            time.sleep(1)
            send(socket, worker, ABORT, job, b"")
        print(json.dumps(concluded(socket, job)), flush=True)


def identified(socket: zmq.Socket) -> bytes:
    while True:
        worker, opcode, _, payload = receive(socket)
        if opcode == IDENTIFY and "orders" in payload["capabilities"]:
            return worker


def concluded(socket: zmq.Socket, wanted: int) -> dict:
    while True:
        _, opcode, job, payload = receive(socket)
        assert opcode in (IDENTIFY, HEARTBEAT, CONCLUDE), f"opcode {opcode}: {payload}"
        if opcode == CONCLUDE:
            assert job == wanted, f"job {job} is concluded, and not {wanted}"
            return payload


def send(socket: zmq.Socket, worker: bytes, opcode: int, job: int, data: bytes) -> None:
    socket.send_multipart([worker, HEADER.pack(4, opcode, 0, job, len(data)), data])


def receive(socket: zmq.Socket) -> tuple:
    worker, header, data = socket.recv_multipart()
    version, opcode, _, job, length = HEADER.unpack(header)
    assert version == 4 and length == len(data)
    return worker, opcode, job, json.loads(data) if data else {}


main()
