# SPDX-License-Identifier: Apache-2.0
"""Who takes part in the benchmark: how each is found, run, and read back.

A peer turns a task's lines into a database that does not exist yet (`fresh`), or adds them to one (`append`). Each
says what it does not do that the others do (`note`): a time without that is no comparison. `compares` are the columns
whose values are to be those of the suite's oracle; None is all of them.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time

COLUMNS = ["line", "event", "t", "sid", "flow_id", "round", "metadata", "meta_pid", "meta_cwd", "meta_turn_id"]
INDEXES = ["flow_id", "sid", "t", "meta_pid", "meta_cwd", "round", "meta_turn_id"]


class PeerFailed(Exception):
    """A peer ended with an error: its run is no result."""


def run_measured(command, stdin_text=None, cwd=None):
    """Runs a command. What it printed, and what the kernel says that it took."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        if stdin_text is not None:
            given.write(stdin_text.encode())
            given.seek(0)
        begin = time.monotonic()
        process = subprocess.Popen(command, stdin=given, stdout=out, stderr=err, cwd=cwd)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed, complaint = out.read().decode(), err.read().decode(errors="replace")
    if process.returncode != 0:
        raise PeerFailed(f"{' '.join(map(str, command[:4]))}…: exit {process.returncode}: {complaint.strip()[-400:]}")
    return printed, {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_rss_bytes": usage.ru_maxrss * 1024,
    }


def remove_database(path):
    for suffix in ("", "-wal", "-shm", "-journal", ".wal"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)


class Sluice:
    name = "sluice"
    note = "every line validated, bad lines kept, offsets committed with the rows, published with fsync"
    compares = None

    def __init__(self, build, memory):
        self.program = os.path.join(build, "sluice")
        self.memory = memory

    def why_not(self):
        return None if os.path.exists(self.program) else f"{self.program} is not built"

    def fresh(self, database, task):
        return self.ingest(database, task, "--memory", f"{self.memory}MiB")

    def append(self, database, task):
        # The reference made the table, so sluice wants to be told that it may write into it.
        return self.ingest(database, task, "--table", "sse_lines")

    def ingest(self, database, task, *options):
        printed, sample = run_measured(
            [self.program, "ingest", database, *task.inputs, "--schema", task.schema, "--json", *options])
        return with_summary(sample, json.loads(printed), task)


class SluiceThroughSqlite:
    name = "sluice-sqlite"
    note = "sluice, but the rows go through SQLite's API, as they do into a database that exists"
    compares = None

    def __init__(self, build, memory):
        self.program = os.path.join(build, "sluice_through_sqlite")
        self.memory = memory

    def why_not(self):
        return None if os.path.exists(self.program) else f"{self.program} is not built"

    def fresh(self, database, task):
        memory = str(self.memory << 20)
        printed, sample = run_measured([self.program, database, task.schema, memory, *task.inputs])
        return with_summary(sample, json.loads(printed), task)


def with_summary(sample, summary, task):
    """What the kernel counted, and what sluice says itself."""
    if (summary["rows"], summary["rejects"]) != (task.lines, 0):
        raise PeerFailed(f"of {task.lines} lines sluice made {summary['rows']} rows and {summary['rejects']} rejects")
    for name in ("insert_seconds", "index_seconds", "peak_rss_bytes", "path", "write_amplification"):
        sample[name] = summary[name]
    return sample


class Reference:
    name = "reference"
    note = "needle search without parsing, no journal, no sync but one at the end: a crash leaves a broken database"
    compares = None

    def __init__(self, build):
        self.program = os.path.join(build, "sse_reference")

    def why_not(self):
        return None if os.path.exists(self.program) else f"{self.program} is not built"

    def fresh(self, database, task):
        return self.load("fresh", database, task)

    def append(self, database, task):
        return self.load("append", database, task)

    def load(self, mode, database, task):
        printed, sample = run_measured([self.program, mode, database, *task.inputs])
        phases = json.loads(printed)
        for name in ("insert_seconds", "index_seconds", "sync_seconds", "pragmas"):
            sample[name] = phases[name]
        return sample


class Disk:
    """No peer: what the disk takes for as many bytes as sluice's database has, were there nothing else to do."""
    name = "disk"
    note = "as many bytes as sluice's database has: O_DIRECT, 2 MiB a write, one thread, fsync"

    def __init__(self, build):
        self.program = os.path.join(build, "disk_limit")

    def why_not(self):
        return None if os.path.exists(self.program) else f"{self.program} is not built"

    def write(self, path, size):
        printed, sample = run_measured([self.program, path, str(size)])
        written = json.loads(printed)
        sample["seconds"] = written["seconds"]
        sample["direct"] = written["direct"]
        return sample


class SqliteShell:
    name = "sqlite3 shell"
    note = "the system's sqlite3: .import of raw lines, then json_extract; a bad line ends it; no sync"
    compares = COLUMNS

    def why_not(self):
        return None if shutil.which("sqlite3") else "no sqlite3 program in PATH"

    def fresh(self, database, task):
        pointers = ["event", "t", "sid", "flow_id", "round", "metadata"]
        script = [
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1048576;",
            "CREATE TABLE sse_lines(id INTEGER PRIMARY KEY, line TEXT NOT NULL, event TEXT, t TEXT, sid TEXT,"
            " flow_id TEXT, round INTEGER, metadata TEXT, meta_pid INTEGER, meta_cwd TEXT, meta_turn_id TEXT);",
            "CREATE TEMP TABLE raw(line TEXT);",
            # Separators that occur in no JSON text: so a line is one column, whatever it holds.
            '.mode ascii', '.separator "\\037" "\\n"', f".import --schema temp {task.inputs[0]} raw",
            "INSERT INTO sse_lines(line, " + ", ".join(pointers) + ", meta_pid, meta_cwd, meta_turn_id) SELECT line, "
            + ", ".join(f"json_extract(line, '$.{name}')" for name in pointers)
            + "".join(f", json_extract(json_extract(line, '$.metadata'), '$.{name}')"
                      for name in ("pid", "cwd", "turn_id")) + " FROM raw ORDER BY rowid;",
            ".print inserted",
        ] + [f"CREATE INDEX idx_sse_{name} ON sse_lines({name});" for name in INDEXES]
        _, sample = run_measured(["sqlite3", "-bail", database], stdin_text="\n".join(script))
        return sample


class SqliteUtils:
    name = "sqlite-utils"
    note = ("top-level keys only: no raw line, no columns from inside `metadata`; three of the seven indexes do not apply;"
            " no sync")
    compares = ["event", "t", "sid", "flow_id", "round", "metadata"]

    def why_not(self):
        return None if shutil.which("sqlite-utils") else "not installed (pipx install sqlite-utils)"

    def fresh(self, database, task):
        _, sample = run_measured(["sqlite-utils", "insert", database, "sse_lines", task.inputs[0], "--nl"])
        for name in ("flow_id", "sid", "t", "round"):
            _, more = run_measured(["sqlite-utils", "create-index", database, "sse_lines", name])
            sample["seconds"] += more["seconds"]
            sample["cpu_seconds"] += more["cpu_seconds"]
        return sample


DUCKDB_PACKAGE = "@duckdb/node-api@1.5.6-r.1"
DUCKDB_SCRIPT = """
const { DuckDBInstance } = require('@duckdb/node-api');
(async () => {
  const [database, lines] = process.argv.slice(2);
  const db = await (await DuckDBInstance.create(database)).connect();
  await db.run(`CREATE TABLE sse_lines AS
    SELECT json AS line, json->>'event' AS event, json->>'t' AS t, json->>'sid' AS sid, json->>'flow_id' AS flow_id,
           CAST(json->>'round' AS BIGINT) AS round, json->>'metadata' AS metadata,
           CAST((json->>'metadata')->>'$.pid' AS BIGINT) AS meta_pid,
           (json->>'metadata')->>'$.cwd' AS meta_cwd, (json->>'metadata')->>'$.turn_id' AS meta_turn_id
    FROM read_ndjson_objects('${lines}')`);
  await db.run('CHECKPOINT');
  const digest = await db.runAndReadAll(`SELECT count(*), sum(strlen(line::VARCHAR)), sum(round), sum(meta_pid),
    min(t), max(t), count(DISTINCT flow_id), count(DISTINCT meta_turn_id) FROM sse_lines`);
  console.log(JSON.stringify(digest.getRowsJson()[0].map(String)));
})().catch(error => { console.error(String(error)); process.exit(1); });
"""
# The same numbers from SQLite: DuckDB's own file cannot be read by sse_checksum.
DIGEST_SQL = ("SELECT count(*), sum(length(CAST(line AS BLOB))), sum(round), sum(meta_pid), min(t), max(t),"
              " count(DISTINCT flow_id), count(DISTINCT meta_turn_id) FROM sse_lines")


class DuckDb:
    name = "DuckDB"
    note = "another kind of database: columns, compressed, no indexes; all cores; not a file that SQLite opens"
    compares = []  # by DIGEST_SQL

    def __init__(self, work):
        self.folder = os.path.join(work, "duckdb")
        self.digest = None

    def why_not(self):
        if not shutil.which("node") or not shutil.which("npm"):
            return "no node and npm to run it with"
        package = os.path.join(self.folder, "node_modules", "@duckdb", "node-api")
        if not os.path.exists(package):
            os.makedirs(self.folder, exist_ok=True)
            fetched = subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", self.folder, DUCKDB_PACKAGE],
                                     capture_output=True, timeout=300, check=False)
            if fetched.returncode != 0:
                return f"npm could not fetch {DUCKDB_PACKAGE}"
        with open(os.path.join(self.folder, "load.js"), "w", encoding="utf-8") as script:
            script.write(DUCKDB_SCRIPT)
        return None

    def fresh(self, database, task):
        printed, sample = run_measured(
            ["node", os.path.join(self.folder, "load.js"), database, os.path.abspath(task.inputs[0])])
        self.digest = json.loads(printed)
        return sample
