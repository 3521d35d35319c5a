# SPDX-License-Identifier: Apache-2.0
"""A live sluice as it is seen from outside: its memory, its processor time, and what a reader of its database sees."""

import os
import sqlite3
import subprocess
import sys
import threading
import time

MIB = 1 << 20
PAGE = os.sysconf("SC_PAGESIZE")


def read_proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
        return file.read()


def resident(pid):
    return int(read_proc(pid, "statm").split()[1]) * PAGE


def cpu_seconds(pid):
    """Of all its threads, to the nanosecond."""
    tasks = os.listdir(f"/proc/{pid}/task")
    return sum(int(read_proc(pid, f"task/{task}/schedstat").split()[0]) for task in tasks) / 1e9


def follows(pid):
    """Whether it is the image that follows: the historical part is over."""
    return "--handed-over" in read_proc(pid, "cmdline")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def times_started_anew(database):
    """How often its WAL has begun again from its start: a checkpoint of all of it before each. From the WAL's header."""
    with open(database + "-wal", "rb") as wal:
        return int.from_bytes(wal.read(16)[12:16], "big")


def connect(database):
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True)


class Sampler(threading.Thread):
    """Resident memory every 10 ms, and a reader that sees the count of rows grow."""

    def __init__(self, pid, database):
        super().__init__(daemon=True)
        self.pid, self.database = pid, database
        self.most = 0
        self.rows = 0
        self.shrank = False
        self.ended = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)

    def run(self):
        self.reader.start()
        while not self.ended.wait(0.01):
            try:
                self.most = max(self.most, resident(self.pid))
            except (FileNotFoundError, ProcessLookupError):
                break

    def read(self):
        connection = connect(self.database)
        while not self.ended.wait(0.1):
            rows = connection.execute("SELECT max(id) FROM sse_lines").fetchone()[0] or 0
            self.shrank |= rows < self.rows
            self.rows = rows
        connection.close()

    def end(self):
        self.ended.set()
        self.join()
        self.reader.join()


def generate(build, path, lines, first):
    with open(path, "wb") as out:
        subprocess.run([build / "sse_generate", str(lines), "--first", str(first)], stdout=out, check=True)


def wait_until(holds, seconds):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"{os.path.basename(sys.argv[0])}: waited too long")
        time.sleep(0.005)


def spread(seconds):
    """Milliseconds."""
    values = sorted(seconds)
    at = lambda share: round(1000 * values[min(len(values) - 1, int(len(values) * share))], 2)
    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1)}
