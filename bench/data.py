# SPDX-License-Identifier: Apache-2.0
"""The lines that the benchmark reads: generated, or made of real files that lie outside the repository."""

import dataclasses
import os
import re
import shutil
import subprocess

# What a line of sse-lines takes at most, and what its database takes, with what is spilled while it is built.
SSE_LINE_BYTES = 450
SSE_DATABASE_BYTES_A_LINE = 1_100
UUID = re.compile(rb"[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


class NoData(Exception):
    """Why a suite's data cannot be had here."""


@dataclasses.dataclass
class Task:
    """What a peer is given: inputs, the schema to read them by, and how many lines they hold."""
    inputs: list
    lines: int
    schema: str = "sse-lines"

    def bytes(self):
        total = 0
        for path in self.inputs:
            if os.path.isdir(path):
                total += sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path))
            else:
                total += os.path.getsize(path)
        return total


def settle():
    """What was written before reaches the disk now, not while somebody's time is taken."""
    os.sync()


def warm(paths):
    """Reads the files once, so that they are in the page cache as far as memory goes."""
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.read(8 << 20):
                pass


class Data:
    """Makes files under `folder`, each when it is first asked for, and removes them."""

    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.made = set()

    def sse(self, count, first=0, unique=False):
        """`count` sse-lines, beginning with the one numbered `first`."""
        options = ["--first", str(first)] + (["--unique-keys"] if unique else [])
        name = f"sse-{first}-{count}{'-unique' if unique else ''}.jsonl"
        return self.generated(name, "sse_generate", str(count), *options)

    def wide(self, count):
        """`count` flat objects of 200 keys."""
        return self.generated(f"wide-{count}.jsonl", "wide_generate", str(count))

    def generated(self, name, program, *arguments):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            with open(path + ".part", "wb") as out:
                subprocess.run([os.path.join(self.build, program), *arguments], stdout=out, check=True)
            os.rename(path + ".part", path)
        self.made.add(path)
        return path

    def agents(self, wanted_bytes):
        """Real session logs of agents, copied until they are `wanted_bytes`; (folders, lines).

        Each copy has UUIDs of its own, so that it is another session and another source.
        """
        originals = {agent: agent_files(agent) for agent in ("claude-code", "codex")}
        once = sum(len(text) for files in originals.values() for _, text in files)
        lines = sum(text.count(b"\n") + (not text.endswith(b"\n")) for files in originals.values() for _, text in files)
        copies = max(1, wanted_bytes // once)
        folders = []
        for agent, files in originals.items():
            folder = os.path.join(self.folder, "agents-" + agent)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            folders.append(folder)
            self.made.add(folder)
            for name, text in files:
                write_copies(folder, name, text, copies)
        return folders, lines * copies

    def room_for(self, what, needed):
        """Raises unless `needed` bytes are free."""
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise NoData(f"{what} needs {needed / 1e9:.0f} GB of disk, {free / 1e9:.0f} GB are free")

    def remove(self, paths=None):
        """These, or all that was made."""
        for path in list(self.made) if paths is None else paths:
            self.made.discard(path)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)


def agent_files(agent):
    """(name, bytes) of the real files of an agent, in the order of their names."""
    here = os.path.dirname(os.path.abspath(__file__))
    shared = os.environ.get("SLUICE_SHARED_DATA") or os.path.join(here, "..", "..", "shared", "data")
    folder = os.path.join(shared, agent)
    if not os.path.isdir(folder):
        raise NoData(f"{os.path.normpath(folder)} is not there (SLUICE_SHARED_DATA names the folder it lies in)")
    files = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            files.append((name, file.read()))
    return files


def write_copies(folder, name, text, copies):
    places = [match.start() for match in UUID.finditer(text)]
    heads = [int(text[at:at + 8], 16) for at in places]
    buffer = bytearray(text)
    for copy in range(copies):
        # One XOR for all of a copy: a UUID that refers to another one still does.
        change = copy * 0x9E3779B1 & 0xFFFFFFFF
        for at, head in zip(places, heads):
            buffer[at:at + 8] = b"%08x" % (head ^ change)
        with open(os.path.join(folder, f"{copy:04}-{name}"), "wb") as out:
            out.write(buffer)
