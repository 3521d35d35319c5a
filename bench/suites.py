# SPDX-License-Identifier: Apache-2.0
"""What is measured: each suite makes its data, compares answers, and lets its peers take turns.

A suite returns a dictionary that bench/report.py can draw. Ratios are taken within a round, so that what the machine
does besides falls on both sides; their median and extremes are told.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys

import data as data_room
import many as many_room
import peers as peer_room
from data import NoData, Task

SPREADS = ("seconds", "insert_seconds", "index_seconds", "sync_seconds", "cpu_seconds", "peak_rss_bytes",
           "write_amplification", "database_bytes", "cores_busy", "wall_ratio", "cpu_ratio", "disk_share", "rate_ratio")
SCALES = (1, 3, 10)


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    """What the suites share: the data, the peers that were found, and where databases go."""

    def __init__(self, args, found):
        self.args = args
        self.data = data_room.Data(args.build, args.out)
        self.found = found
        self.sluice = peer_room.Sluice(args.build, args.memory)
        self.through_sqlite = peer_room.SluiceThroughSqlite(args.build, args.memory)
        self.reference = peer_room.Reference(args.build)
        self.disk = peer_room.Disk(args.build)
        self.skipped = []  # of a suite, what could not be run here

    def path(self, name):
        return os.path.join(self.args.out, name)

    def clear(self):
        """Leaves the folder as it was, but for lines that are to be kept, also where a suite failed halfway."""
        for name in (*SUITES, "base"):
            peer_room.remove_database(self.path(name + ".db"))
        if not self.args.keep:
            self.data.remove()

    def those(self, *names):
        return [peer for peer in self.found if peer.name in names]


# Answers.


@contextlib.contextmanager
def read_only(database):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA cache_size=-524288")
        yield connection


def contents(bench, database, columns=None):
    """Rows, and each column's checksum, of each table that is not sluice's own. `columns`: of these only."""
    program = os.path.join(bench.args.build, "sse_checksum")
    with read_only(database) as db:
        tables = [name for (name,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_sluice\\_%' ESCAPE '\\'"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")]
        found = {}
        for table in tables:
            names = columns or [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]
            found[table] = json.loads(subprocess.check_output([program, database, table, *names]))
    return found


def check_contents(peer, got, expected):
    """Fails unless `got` holds what the oracle's database holds. Says what differs."""
    if set(got) != set(expected):
        raise peer_room.PeerFailed(f"{peer.name}: has the tables {sorted(got)}, the oracle {sorted(expected)}")
    for table, one in got.items():
        other = expected[table]
        if one["rows"] != other["rows"]:
            raise peer_room.PeerFailed(f"{peer.name}: {table} has {one['rows']} rows, the oracle's {other['rows']}")
        for column, value in one["columns"].items():
            if value != other["columns"].get(column):
                raise peer_room.PeerFailed(f"{peer.name}: {table}.{column} differs from the oracle's")


def check_whole(database, check="integrity_check"):
    """SQLite's own check, by the SQLite that Python has: another build than the one that was measured."""
    # The check walks each tree backwards, where the kernel does not read ahead: of a database that is too large for the
    # page cache it takes minutes.
    if os.path.getsize(database) < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2:
        data_room.warm([database])
    with read_only(database) as db:
        verdict = db.execute(f"PRAGMA {check}").fetchone()[0]
    if verdict != "ok":
        raise peer_room.PeerFailed(f"sluice: {check} says: {verdict}")


def check_counts(database, lines):
    """Too large to compare in full: the pages are in order, and table and indexes have an entry for each line."""
    check_whole(database, "quick_check")
    with read_only(database) as db:
        for name in ("NOT INDEXED", *(f"INDEXED BY idx_sse_{column}" for column in peer_room.INDEXES)):
            count = db.execute(f"SELECT count(*) FROM sse_lines {name}").fetchone()[0]
            if count != lines:
                raise peer_room.PeerFailed(f"sluice: {count} of {lines} lines by {name}")


def digest_of(database):
    with read_only(database) as db:
        return [str(value) for value in db.execute(peer_room.DIGEST_SQL).fetchone()]


def pragmas_of(database):
    with read_only(database) as db:
        return {name: db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_size", "journal_mode", "page_count", "auto_vacuum")}


# Rounds.


def run_rounds(bench, title, turns):
    """`turns` is (name, function) of each contestant: each once a round, each round beginning with another."""
    samples = {name: [] for name, _ in turns}
    for number in range(bench.args.rounds):
        for name, run_once in turns[number % len(turns):] + turns[:number % len(turns)]:
            data_room.settle()
            sample = run_once()
            sample["cores_busy"] = sample["cpu_seconds"] / sample["seconds"]
            samples[name].append(sample)
            say(f"  {title} {number + 1}/{bench.args.rounds}  {name:24} {sample['seconds']:8.2f} s")
    return samples


def compare(samples, baseline, disk="disk"):
    """Adds to each sample how it stands to the baseline's of its round, and to the disk's."""
    for name, mine in samples.items():
        for number, sample in enumerate(mine):
            if name not in (baseline, disk) and baseline in samples:
                other = samples[baseline][number]
                sample["wall_ratio"] = other["seconds"] / sample["seconds"]
                sample["cpu_ratio"] = other["cpu_seconds"] / sample["cpu_seconds"]
            if name == "sluice" and disk in samples:
                sample["disk_share"] = samples[disk][number]["seconds"] / sample["seconds"]


def spread(samples, field):
    values = [sample[field] for sample in samples if field in sample]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(name, note, samples, rows):
    result = {"peer": name, "note": note, "rows": rows, "samples": samples}
    result.update({field: spread(samples, field) for field in SPREADS})
    for field in ("path", "pragmas", "direct"):
        if field in samples[-1]:
            result[field] = samples[-1][field]
    return result


# New databases.


def new_database(bench, suite, title, task, peers, oracle, baseline):
    """A database from nothing, by each of `peers` in turns; what `oracle` makes of the lines is the right answer."""
    database = bench.path(suite + ".db")
    say(f"{suite}: {task.lines:,} lines, {task.bytes():,} bytes; comparing answers")
    peer_room.remove_database(database)
    oracle.fresh(database, task)
    expected = contents(bench, database)
    digest = digest_of(database) if bench.those("DuckDB") and suite == "fresh" else None
    peer_room.remove_database(database)
    facts = bench.sluice.fresh(database, task)
    check_contents(bench.sluice, contents(bench, database), expected)
    check_whole(database)
    size = os.path.getsize(database)
    peer_room.remove_database(database)

    def turn(peer):
        if peer is bench.disk:
            sample = peer.write(database, size)
        else:
            sample = peer.fresh(database, task)
            sample["database_bytes"] = os.path.getsize(database)
            check_answer(bench, peer, database, expected, digest)
            if peer.name.startswith("sluice"):
                sample["pragmas"] = pragmas_of(database)
        peer_room.remove_database(database)
        return sample

    turns = peers + [bench.disk]
    samples = run_rounds(bench, suite, [(peer.name, lambda peer=peer: turn(peer)) for peer in turns])
    compare(samples, baseline)
    results = [summarise(peer.name, peer.note, samples[peer.name], task.lines) for peer in turns]
    return {"suite": suite, "title": title, "baseline": baseline, "input_bytes": task.bytes(), "path": facts["path"],
            "checked": "each run's rows and every column's checksum, in rowid order, with what"
                       f" {oracle.name} made of the same input; once, integrity_check of sluice's database",
            "results": results}


def check_answer(bench, peer, database, expected, digest):
    if peer.compares == []:
        got = [str(value) for value in peer.digest]
        if got != digest:
            raise peer_room.PeerFailed(f"{peer.name}: its digest is {got}, the oracle's {digest}")
        return
    check_contents(peer, contents(bench, database, peer.compares), expected)


def suite_fresh(bench):
    task = Task([bench.data.sse(bench.args.lines)], bench.args.lines)
    return new_database(bench, "fresh", f"{task.lines:,} lines into a new database, 7 indexes", task, bench.found,
                        bench.reference, "reference")


def suite_unique(bench):
    """The hardest case for an index: two of the seven columns differ on every line."""
    lines = max(1, bench.args.lines // 3)
    task = Task([bench.data.sse(lines, unique=True)], lines)
    suite = new_database(bench, "unique", f"{lines:,} lines into a new database, 2 of its 7 indexes on unique keys",
                         task, bench.those("sluice", "sluice-sqlite", "reference"), bench.reference, "reference")
    bench.data.remove(task.inputs)
    return suite


def suite_auto(bench):
    task = Task([bench.data.sse(bench.args.lines)], bench.args.lines, "auto")
    return new_database(bench, "auto", f"{task.lines:,} lines under `auto`, which recognises sse-lines", task,
                        bench.those("sluice", "sluice-sqlite"), bench.reference, "sluice-sqlite")


def suite_wide(bench):
    lines = max(1, bench.args.lines // 15)
    task = Task([bench.data.wide(lines)], lines, "auto")
    suite = new_database(bench, "wide", f"{lines:,} flat objects of 200 keys under `auto`, which infers the columns",
                         task, bench.those("sluice", "sluice-sqlite"), bench.through_sqlite, "sluice-sqlite")
    bench.data.remove(task.inputs)
    return suite


def suite_agents(bench):
    folders, lines = bench.data.agents(bench.args.lines * 1000 // 3)
    task = Task(folders, lines, "auto")
    files = sum(len(os.listdir(folder)) for folder in folders)
    suite = new_database(bench, "agents", f"{task.bytes() / 1e9:.2f} GB of agents' real session logs, {files:,} files,"
                         " under the presets that `auto` recognises", task,
                         bench.those("sluice", "sluice-sqlite"), bench.through_sqlite, "sluice-sqlite")
    bench.data.remove(folders)
    return suite


def scale_tasks(bench):
    """The lines of the fresh suite, three and ten times as many: as far as there is disk for it."""
    lines = bench.args.lines
    tasks = []
    for scale in SCALES:
        try:
            bench.data.room_for(f"scale at {scale * lines:,} lines",
                                scale * lines * (data_room.SSE_LINE_BYTES + data_room.SSE_DATABASE_BYTES_A_LINE))
        except NoData as reason:
            bench.skipped.append({"what": f"{scale * lines:,} lines", "why": str(reason)})
            say(f"skipping {scale * lines:,} lines: {reason}")
            break
        # As a log that is rotated: the files of the smaller task are files of the larger one too.
        tasks.append(Task([bench.data.sse(lines, part * lines) for part in range(scale)], scale * lines))
    if not tasks:
        raise NoData("there is no room for its smallest size")
    return tasks


def suite_scale(bench):
    """Whether the rate and the memory hold."""
    database = bench.path("scale.db")
    tasks = scale_tasks(bench)
    sizes = {}

    def build(task):
        data_room.warm(task.inputs)
        sample = bench.sluice.fresh(database, task)
        sample["database_bytes"] = sizes[task.lines] = os.path.getsize(database)
        peer_room.remove_database(database)
        return sample

    def write(task):
        sample = bench.disk.write(database, sizes[task.lines])
        peer_room.remove_database(database)
        return sample

    say(f"scale: {', '.join(f'{task.lines:,}' for task in tasks)} lines; comparing answers")
    peer_room.remove_database(database)
    turns = []
    for task in tasks:
        bench.sluice.fresh(database, task)
        check_counts(database, task.lines)
        sizes[task.lines] = os.path.getsize(database)
        peer_room.remove_database(database)
        turns += [(f"sluice, {task.lines:,}", lambda task=task: build(task)),
                  (f"disk, {task.lines:,}", lambda task=task: write(task))]
    samples = run_rounds(bench, "scale", turns)

    results = []
    first = tasks[0].lines
    for task in tasks:
        mine, disk = samples[f"sluice, {task.lines:,}"], samples[f"disk, {task.lines:,}"]
        for number, sample in enumerate(mine):
            sample["disk_share"] = disk[number]["seconds"] / sample["seconds"]
            sample["rate_ratio"] = (task.lines / sample["seconds"]) / (first / samples[turns[0][0]][number]["seconds"])
        results.append(summarise(f"sluice, {task.lines:,}", bench.sluice.note, mine, task.lines))
        results.append(summarise(f"disk, {task.lines:,}", bench.disk.note, disk, task.lines))
    bench.data.remove(tasks[-1].inputs[1:])
    return {"suite": "scale", "title": f"{first:,} lines, and up to {tasks[-1].lines:,}, into a new database, 7 indexes",
            "baseline": None, "input_bytes": None, "path": samples[turns[0][0]][0]["path"],
            "checked": "once for each size: quick_check, and the number of entries of the table and of each index",
            "results": results}


# A database that exists.


def suite_append(bench):
    """Lines appended to a database that has its indexes. sluice does it crash-safe, the reference without a journal."""
    lines, more = bench.args.lines, max(1, bench.args.lines // 3)
    peers = [peer for peer in bench.found if hasattr(peer, "append")]
    base, target = bench.path("base.db"), bench.path("append.db")
    task = Task([bench.data.sse(more, first=lines)], more)
    say(f"append: {more:,} lines to {lines:,}; comparing answers")
    peer_room.remove_database(base)
    bench.reference.fresh(base, Task([bench.data.sse(lines)], lines))

    def start_over():
        peer_room.remove_database(target)
        shutil.copyfile(base, target)
        data_room.settle()

    start_over()
    bench.reference.append(target, task)
    expected = contents(bench, target)

    def turn(peer):
        start_over()
        sample = peer.append(target, task)
        check_contents(peer, contents(bench, target), expected)
        return sample

    samples = run_rounds(bench, "append", [(peer.name, lambda peer=peer: turn(peer)) for peer in peers])
    compare(samples, "reference")
    size = task.bytes()
    peer_room.remove_database(base)
    peer_room.remove_database(target)
    bench.data.remove(task.inputs)
    return {"suite": "append", "title": f"{more:,} lines appended to {lines:,}, 7 indexes in place",
            "baseline": "reference", "input_bytes": size,
            "checked": "each run's rows and every column's checksum, in rowid order, with the reference's",
            "results": [summarise(peer.name, peer.note, samples[peer.name], more) for peer in peers]}


# Many files.


def suite_many(bench):
    """Whether a run is linear in the number of files: 4,000, 8,000 and 16,000, and each step with each of them."""
    counts = [max(10, bench.args.lines // 750) * scale for scale in (1, 2, 4)]
    database, folder = bench.path("many.db"), bench.path("many")
    say(f"many: {', '.join(f'{count:,}' for count in counts)} files of {many_room.LINES_A_FILE} lines")
    samples = {}
    for number in range(bench.args.rounds):
        for count in counts[number % len(counts):] + counts[:number % len(counts)]:
            data_room.settle()
            for step, sample in many_room.round_of(bench.sluice.program, folder, database, count).items():
                sample["cores_busy"] = sample["cpu_seconds"] / max(sample["seconds"], 1e-9)
                samples.setdefault((step, count), []).append(sample)
                say(f"  many {number + 1}/{bench.args.rounds}  {step:14} {count:7,} files {sample['seconds']:8.2f} s")
    results = []
    for step, count in sorted(samples, key=lambda key: key[1]):
        mine = samples[step, count]
        for sample, first in zip(mine, samples[step, counts[0]]):
            # Files a second, beside those of the smallest number: 1 if it is linear.
            sample["rate_ratio"] = (count / sample["seconds"]) / (counts[0] / first["seconds"])
        results.append(summarise(f"{step}, {count:,}", bench.sluice.note, mine, count))
    results.sort(key=lambda result: list(many_room.STEPS).index(result["peer"].split(",")[0]))
    return {"suite": "many", "title": f"{counts[0]:,}, {counts[1]:,} and {counts[2]:,} files, each step",
            "unit": "files", "baseline": None, "input_bytes": None,
            "checked": "after each step: every line that was written is in the table once, and no other",
            "results": results}


SUITES = {"fresh": suite_fresh, "unique": suite_unique, "append": suite_append, "wide": suite_wide, "auto": suite_auto,
          "agents": suite_agents, "scale": suite_scale, "many": suite_many}
