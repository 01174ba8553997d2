"""Generated trees to measure on. The same arguments make the same bytes."""

import random
from pathlib import Path

import numpy
import pyarrow
import pyarrow.ipc

FILES_PER_DIRECTORY = 100
BATCH_ROWS = 65_536


def many_files(root: Path, count: int) -> None:
    """Files of a few bytes, a hundred to a directory, two levels deep."""
    for number in range(count):
        directory = number // FILES_PER_DIRECTORY
        parent = root / f"part-{directory // 50:03}" / f"lot-{directory:05}"
        if number % FILES_PER_DIRECTORY == 0:
            parent.mkdir(parents=True)
        (parent / f"measurement-{number:07}.csv").write_bytes(b"n\n%d\n" % number)


def csv_files(root: Path, count: int) -> None:
    """CSV files of about 1 KB."""
    rows = random.Random(1)
    for number in range(count):
        parent = root / f"lot-{number // FILES_PER_DIRECTORY:04}"
        parent.mkdir(parents=True, exist_ok=True)
        lines = ["time,station,temperature,pressure"]
        for _ in range(26):
            second, station = rows.randrange(86_400), rows.randrange(500)
            lines.append(f"{second},station-{station:03},{rows.uniform(-20, 35):.2f},{rows.uniform(980, 1040):.3f}")
        (parent / f"readings-{number:06}.csv").write_text("\n".join(lines) + "\n")


def large_csv(path: Path, megabytes: int) -> None:
    """One CSV file; a block of random rows repeated under rising numbers would compress too well, so each row is drawn."""
    rows = random.Random(2)
    size, number = 0, 0
    with open(path, "w") as file:
        file.write("number,time,station,temperature,pressure,remark\n")
        while size < megabytes << 20:
            block = []
            for _ in range(10_000):
                number += 1
                a, b = rows.getrandbits(48), rows.random()
                block.append(f"{number},{a % 86_400},station-{a % 499:03},{b * 55 - 20:.3f},{980 + b * 60:.4f},{a:x}-{a ^ number:x}\n")
            size += file.write("".join(block))


def readings(path: Path, megabytes: int) -> None:
    """One file of numbers, dates, times, text and quoted text, as CSV or, by its name, as JSON lines."""
    rows = random.Random(4)
    as_json = path.suffix == ".ndjson"
    size, number = 0, 0
    with open(path, "w") as file:
        if not as_json:
            file.write("number,day,at,station,temperature,pressure,remark,valid\n")
        while size < megabytes << 20:
            block = []
            for _ in range(10_000):
                number += 1
                bits, draw = rows.getrandbits(48), rows.random()
                day = f"20{bits % 25:02}-{bits % 12 + 1:02}-{bits % 28 + 1:02}"
                at = f"{day}T{bits % 24:02}:{bits % 60:02}:{(bits >> 6) % 60:02}"
                station, remark = f"station-{bits % 499:03}", f"seen by {bits:x}, {'again' if bits & 1 else 'once'}"
                temperature, pressure, valid = f"{draw * 55 - 20:.2f}", f"{980 + draw * 60:.4f}", "true" if bits & 6 else "false"
                if as_json:
                    block.append(
                        f'{{"number":{number},"day":"{day}","at":"{at}","station":"{station}","temperature":{temperature},'
                        f'"pressure":{pressure},"remark":"{remark}","valid":{valid}}}\n'
                    )
                else:
                    block.append(f'{number},{day},{at},{station},{temperature},{pressure},"{remark}",{valid}\n')
            size += file.write("".join(block))


def arrow_batches(path: Path, rows: int) -> None:
    """An Arrow file of batches of 65,536 rows, six columns of the usual kinds."""
    draw = numpy.random.default_rng(3)
    stations = pyarrow.array([f"station-{number:03}" for number in range(500)])
    writer = None
    with pyarrow.OSFile(str(path), "wb") as file:
        for start in range(0, rows, BATCH_ROWS):
            count = min(BATCH_ROWS, rows - start)
            numbers = numpy.arange(start, start + count)
            batch = pyarrow.record_batch({
                "number": numbers,
                "temperature": numpy.round(draw.uniform(-20, 35, count), 3),
                "remark": pyarrow.array(draw.integers(0, 1 << 48, count)).cast(pyarrow.string()),
                "day": pyarrow.array((numbers // 1000 % 20_000).astype("int32")).cast(pyarrow.date32()),
                "time": pyarrow.array(numbers * 1_000_000 + draw.integers(0, 999_999, count), pyarrow.timestamp("us")),
                "station": stations.take(pyarrow.array(draw.integers(0, 500, count))),
            })
            writer = writer or pyarrow.ipc.new_file(file, batch.schema)
            writer.write_batch(batch)
        writer.close()
