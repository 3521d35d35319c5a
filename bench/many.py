# SPDX-License-Identifier: Apache-2.0
"""What many files cost: first read, seen again, grown, renamed, rotated, and followed.

Each step is timed for three numbers of files, each twice the one before: what is linear takes twice as long.
"""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

import peers as peer_room
from live_process import read_proc

STEPS = ("first run", "nothing new", "one grown", "all renamed", "half rotated", "follow", "rotated live")
LINES_A_FILE = 8
FILES_A_FOLDER = 2_000
PATIENCE = 120  # seconds for a live process to come to what is waited for


class Files:
    """A tree of small logs, and how many lines each step has added to it."""

    def __init__(self, folder, count):
        self.folder, self.count, self.lines, self.version = folder, count, 0, 0
        self.remove()
        for number in range(count):
            os.makedirs(os.path.dirname(self.path(number)), exist_ok=True)
            self.write(self.path(number), number, LINES_A_FILE, "w")

    def path(self, number):
        return os.path.join(self.folder, f"p{number // FILES_A_FOLDER}", f"app{self.version}-{number}.jsonl")

    def write(self, path, number, lines, mode):
        with open(path, mode, encoding="utf-8") as out:
            for _ in range(lines):
                self.lines += 1
                out.write(json.dumps({"file": number, "line": self.lines, "pad": "x" * 200}) + "\n")

    def grow_one(self):
        self.write(self.path(self.count // 2), self.count // 2, 1, "a")

    def rename_all(self):
        """Each file, and with it its folder."""
        before = [self.path(number) for number in range(self.count)]
        moved = self.folder + "-moved"
        shutil.rmtree(moved, ignore_errors=True)
        self.version += 1
        for number, path in enumerate(before):
            os.rename(path, self.path(number))
        os.rename(self.folder, moved)
        self.folder = moved

    def rotate_half(self):
        """One more line for the old file, which gets another name, and one for the new file."""
        rotated = max(1, self.count // 2)
        for number in range(rotated):
            path = self.path(number)
            for older in range(9, 0, -1):
                if os.path.exists(f"{path}.{older}"):
                    os.rename(f"{path}.{older}", f"{path}.{older + 1}")
            self.write(path, number, 1, "a")
            os.rename(path, path + ".1")
            self.write(path, number, 1, "w")
        return rotated

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def check(database, files, step):
    """Every line once, and no other."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        got = db.execute("SELECT count(*), count(DISTINCT line), max(line) FROM lines").fetchone()
    if got != (files.lines, files.lines, files.lines):
        raise peer_room.PeerFailed(f"many, {step}, {files.count} files: (rows, distinct, last) are {got}, not"
                                   f" {files.lines} each")


def run(program, database, files, step):
    printed, sample = peer_room.run_measured([program, "ingest", database, files.folder, "--json"])
    summary = json.loads(printed)
    sample["path"] = summary["path"]
    check(database, files, step)
    return sample


class Follower:
    """A live sluice, timed from its start until it follows every file."""

    def __init__(self, program, database, files):
        self.database, self.files = database, files
        self.status = database + ".status"
        self.begin = time.monotonic()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([program, "ingest", "--follow", "--quiet", database, files.folder,
                                         "--status-file", self.status], stdout=self.log, stderr=self.log)

    def wait(self, holds, step):
        while not holds():
            if self.process.poll() is not None or time.monotonic() > self.begin + PATIENCE:
                self.log.seek(0)
                raise peer_room.PeerFailed(f"many, {step}: {self.log.read().decode(errors='replace')[-400:]}")
            time.sleep(0.005)

    def follows_all(self):
        with contextlib.suppress(OSError, ValueError), open(self.status, encoding="utf-8") as status:
            return json.load(status)["files"] >= self.files.count
        return False

    def has_all(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM lines").fetchone()[0] >= self.files.lines

    def sample(self, since, cpu_before=0.0):
        peak = int(next(line for line in read_proc(self.process.pid, "status").splitlines()
                        if line.startswith("VmHWM")).split()[1]) * 1024
        return {"seconds": time.monotonic() - since, "cpu_seconds": self.cpu() - cpu_before, "peak_rss_bytes": peak}

    def cpu(self):
        fields = read_proc(self.process.pid, "stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.status)


def follow(program, database, files):
    """(start, 2,000 or half of all rotated at once)."""
    follower = Follower(program, database, files)
    try:
        follower.wait(follower.follows_all, "follow")
        started = follower.sample(follower.begin)
        cpu, begin = follower.cpu(), time.monotonic()
        files.rotate_half()
        follower.wait(follower.has_all, "rotated live")
        rotated = follower.sample(begin, cpu)
    finally:
        follower.end()
    check(database, files, "rotated live")
    return started, rotated


def round_of(program, folder, database, count):
    """All steps with `count` files; {step: sample}."""
    peer_room.remove_database(database)
    files = Files(folder, count)
    samples = {}
    try:
        samples["first run"] = run(program, database, files, "first run")
        samples["nothing new"] = run(program, database, files, "nothing new")
        files.grow_one()
        samples["one grown"] = run(program, database, files, "one grown")
        files.rename_all()
        samples["all renamed"] = run(program, database, files, "all renamed")
        files.rotate_half()
        samples["half rotated"] = run(program, database, files, "half rotated")
        samples["follow"], samples["rotated live"] = follow(program, database, files)
    finally:
        files.remove()
        peer_room.remove_database(database)
    return samples
