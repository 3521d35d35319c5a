// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <cstring>
#include <utility>

#include "ledger/rows.h"

namespace sluice {
namespace {

// The layout, version 1. Hashes are 20 bytes: XXH3-128 as low and high (8 bytes each,
// little-endian), then the length (4).
constexpr std::string_view kCreateTables = R"sql(
CREATE TABLE IF NOT EXISTS _sluice_sources(
  id INTEGER PRIMARY KEY,
  table_name TEXT NOT NULL,
  path TEXT NOT NULL,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  byte_offset INTEGER NOT NULL DEFAULT 0,
  line_number INTEGER NOT NULL DEFAULT 0,
  tail_taken INTEGER NOT NULL DEFAULT 0,
  head_hash BLOB,
  tail_hash BLOB,
  lines INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  replaced INTEGER NOT NULL DEFAULT 0,
  ignored INTEGER NOT NULL DEFAULT 0,
  rejects INTEGER NOT NULL DEFAULT 0,
  blank INTEGER NOT NULL DEFAULT 0,
  unfinished INTEGER NOT NULL DEFAULT 0,
  updated_at TEXT);
CREATE TABLE IF NOT EXISTS _sluice_schemas(
  table_name TEXT PRIMARY KEY,
  schema TEXT NOT NULL,
  layout INTEGER NOT NULL,
  updated_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _sluice_rejects(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES _sluice_sources(id),
  line_number INTEGER NOT NULL,
  byte_offset INTEGER NOT NULL,
  reason TEXT NOT NULL,
  line BLOB NOT NULL,
  length INTEGER NOT NULL,
  rejected_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _sluice_runs(
  id INTEGER PRIMARY KEY,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  outcome TEXT NOT NULL,
  path TEXT NOT NULL,
  command TEXT NOT NULL,
  lines INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  replaced INTEGER NOT NULL DEFAULT 0,
  ignored INTEGER NOT NULL DEFAULT 0,
  rejects INTEGER NOT NULL DEFAULT 0,
  blank INTEGER NOT NULL DEFAULT 0,
  unfinished INTEGER NOT NULL DEFAULT 0,
  bytes_read INTEGER NOT NULL DEFAULT 0,
  bytes_decoded INTEGER NOT NULL DEFAULT 0,
  bytes_written INTEGER NOT NULL DEFAULT 0,
  layout INTEGER NOT NULL);
)sql";

constexpr std::string_view kCreateEvents = R"sql(
CREATE TABLE IF NOT EXISTS _sluice_events(
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES _sluice_runs(id),
  at TEXT NOT NULL,
  event TEXT NOT NULL,
  source_path TEXT,
  byte_offset INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  rejects INTEGER NOT NULL);
)sql";

constexpr std::string_view kCreateGaps = R"sql(
CREATE TABLE IF NOT EXISTS _sluice_gaps(
  id INTEGER PRIMARY KEY,
  source_id INTEGER REFERENCES _sluice_sources(id),
  path TEXT NOT NULL,
  byte_offset INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  found_at TEXT NOT NULL);
)sql";

// Every run and schema carries the layout that wrote it, so the highest of both is the database's.
constexpr std::string_view kLayout =
    "SELECT max(coalesce((SELECT max(layout) FROM _sluice_runs), 0),"
    " coalesce((SELECT max(layout) FROM _sluice_schemas), 0))";

constexpr std::string_view kCountTables =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN"
    " ('_sluice_sources', '_sluice_schemas', '_sluice_rejects', '_sluice_runs')";
constexpr int64_t kTables = 4;

const std::string kSelectSource =
    "SELECT id, path, device, inode, byte_offset, line_number, tail_taken, head_hash, tail_hash,"
    " table_name, lines, rows, replaced, ignored, rejects, blank, unfinished, updated_at"
    " FROM _sluice_sources WHERE ";
const std::string kSources = kSelectSource + "?1 IS NULL OR table_name = ?1 ORDER BY id";
const std::string kSourceOf = kSelectSource + "id = ?1";

constexpr std::string_view kCountSources = "SELECT count(*) FROM _sluice_sources";

constexpr std::string_view kAddSource =
    "INSERT INTO _sluice_sources(table_name, path, device, inode) VALUES (?1, ?2, ?3, ?4)";

// The unfinished line of the last run is read again by this one: it leaves `lines` as the new one
// comes in.
constexpr std::string_view kAdvance =
    "UPDATE _sluice_sources SET path = ?2, device = ?3, inode = ?4, byte_offset = ?5,"
    " line_number = ?6, tail_taken = ?7, head_hash = ?8, tail_hash = ?9,"
    " lines = lines - unfinished + ?10, rows = rows + ?11, replaced = replaced + ?12,"
    " ignored = ignored + ?13, rejects = rejects + ?14, blank = blank + ?15, unfinished = ?16,"
    " updated_at = ?17 WHERE id = ?1";

constexpr std::string_view kSchemaOf = "SELECT schema FROM _sluice_schemas WHERE table_name = ?1";
constexpr std::string_view kTableNames =
    "SELECT table_name FROM _sluice_schemas ORDER BY table_name";
constexpr std::string_view kPutSchema =
    "INSERT OR REPLACE INTO _sluice_schemas(table_name, schema, layout, updated_at)"
    " VALUES (?1, ?2, ?3, ?4)";

constexpr std::string_view kForgetSchema = "DELETE FROM _sluice_schemas WHERE table_name = ?1";
constexpr std::string_view kForgetSources = "DELETE FROM _sluice_sources WHERE table_name = ?1";
constexpr std::string_view kForgetRejects =
    "DELETE FROM _sluice_rejects WHERE source_id IN"
    " (SELECT id FROM _sluice_sources WHERE table_name = ?1)";
constexpr std::string_view kForgetGaps =
    "DELETE FROM _sluice_gaps WHERE source_id IN"
    " (SELECT id FROM _sluice_sources WHERE table_name = ?1)";

constexpr std::string_view kAddReject =
    "INSERT INTO _sluice_rejects(source_id, line_number, byte_offset, reason, line, length,"
    " rejected_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr std::string_view kRejects =
    "SELECT r.id, r.source_id, s.path, s.table_name, r.line_number, r.byte_offset, r.reason, "
    "r.line,"
    " r.length, r.rejected_at FROM _sluice_rejects AS r"
    " CROSS JOIN _sluice_sources AS s ON s.id = r.source_id"
    " WHERE r.id > ?3 AND (?1 = '' OR s.path = ?1) AND (?2 = '' OR s.table_name = ?2)"
    " ORDER BY r.id LIMIT ?4";
constexpr std::string_view kCountRejects = "SELECT count(*) FROM _sluice_rejects";
constexpr std::string_view kDeleteReject = "DELETE FROM _sluice_rejects WHERE id = ?1";
constexpr std::string_view kRejectBecameRow =
    "UPDATE _sluice_sources SET rejects = rejects - 1, rows = rows + 1 WHERE id = ?1";

constexpr std::string_view kAddGap =
    "INSERT INTO _sluice_gaps(source_id, path, byte_offset, bytes, found_at)"
    " VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5)";
constexpr std::string_view kDeleteGaps = "DELETE FROM _sluice_gaps WHERE source_id = ?1";
constexpr std::string_view kGaps =
    "SELECT id, source_id, path, byte_offset, bytes, found_at FROM _sluice_gaps"
    " ORDER BY id DESC LIMIT ?1";
constexpr std::string_view kCountGaps =
    "SELECT coalesce(sum(bytes > 0), 0), coalesce(sum(bytes), 0), coalesce(sum(bytes = 0), 0)"
    " FROM _sluice_gaps";
constexpr std::string_view kSourcesWithGaps =
    "SELECT DISTINCT source_id FROM _sluice_gaps WHERE source_id IS NOT NULL ORDER BY 1";
constexpr std::string_view kHasGap = "SELECT count(*) FROM _sluice_gaps WHERE source_id = ?1";

constexpr std::string_view kBeginRun =
    "INSERT INTO _sluice_runs(started_at, outcome, path, command, layout)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr std::string_view kDeleteOldRuns = "DELETE FROM _sluice_runs WHERE id <= ?1";
// Events stand in the order of their runs, so this looks at no more of them than it deletes.
constexpr std::string_view kDeleteOldEvents =
    "DELETE FROM _sluice_events WHERE id <"
    " (SELECT id FROM _sluice_events WHERE run_id > ?1 ORDER BY id LIMIT 1)";
constexpr std::string_view kUpdateRun =
    "UPDATE _sluice_runs SET ended_at = nullif(?2, ''), outcome = ?3, path = ?4, command = ?5,"
    " lines = ?6, rows = ?7, replaced = ?8, ignored = ?9, rejects = ?10, blank = ?11,"
    " unfinished = ?12, bytes_read = ?13, bytes_decoded = ?14, bytes_written = ?15 WHERE id = ?1";
constexpr std::string_view kRuns =
    "SELECT id, started_at, ended_at, outcome, path, command, lines, rows, replaced, ignored,"
    " rejects, blank, unfinished, bytes_read, bytes_decoded, bytes_written"
    " FROM _sluice_runs ORDER BY id DESC LIMIT ?1";
constexpr std::string_view kBeginOfRunsDone =
    "SELECT started_at FROM _sluice_runs WHERE path <> 'live' AND id >= coalesce("
    "(SELECT id FROM _sluice_runs WHERE path <> 'live' AND outcome = 'done'"
    " ORDER BY id DESC LIMIT 1 OFFSET ?1 - 1), 0) ORDER BY id LIMIT 1";
constexpr std::string_view kAddEvent =
    "INSERT INTO _sluice_events(run_id, at, event, source_path, byte_offset, rows, rejects)"
    " VALUES (?1, ?2, ?3, nullif(?4, ''), ?5, ?6, ?7)";

// SQLite's integers are signed; devices and inodes may use all 64 bits and come back whole.
int64_t Stored(uint64_t value) { return static_cast<int64_t>(value); }
uint64_t Loaded(const Statement& row, int column) {
  return static_cast<uint64_t>(row.Integer(column));
}

constexpr size_t kHashBytes = 20;

std::string EncodeHash(const ContentHash& hash) {
  std::string bytes;
  const auto put = [&bytes](uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  };
  put(hash.low, 8);
  put(hash.high, 8);
  put(hash.length, 4);
  return bytes;
}

ContentHash DecodeHash(std::string_view bytes) {
  if (bytes.size() != kHashBytes) return {};
  const auto get = [&bytes](size_t at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
    }
    return value;
  };
  const uint64_t length = get(16, 4);
  if (length > kIdentityWindow) return {};  // not ours: who compares it has room for a window
  return {.low = get(0, 8), .high = get(8, 8), .length = static_cast<uint32_t>(length)};
}

// The seven counts stand side by side in every table that has them.
void BindCounts(Statement& statement, int first, const LineCounts& counts) {
  for (const uint64_t count : {counts.lines, counts.rows, counts.replaced, counts.ignored,
                               counts.rejects, counts.blank, counts.unfinished}) {
    statement.BindInteger(first++, Stored(count));
  }
}

LineCounts ReadCounts(const Statement& row, int first) {
  LineCounts counts;
  for (uint64_t* count : {&counts.lines, &counts.rows, &counts.replaced, &counts.ignored,
                          &counts.rejects, &counts.blank, &counts.unfinished}) {
    *count = Loaded(row, first++);
  }
  return counts;
}

SourceRow ReadSource(const Statement& row) {
  SourceRow source;
  source.source.id = row.Integer(0);
  source.source.key = {
      .path = std::string(row.Text(1)), .device = Loaded(row, 2), .inode = Loaded(row, 3)};
  source.source.offset = {.bytes = Loaded(row, 4),
                          .lines = Loaded(row, 5),
                          .tail_taken = row.Integer(6) != 0,
                          .head = DecodeHash(row.Blob(7)),
                          .tail = DecodeHash(row.Blob(8))};
  source.table = row.Text(9);
  source.counts = ReadCounts(row, 10);
  source.updated_at = row.Text(17);
  return source;
}

RejectRow ReadReject(const Statement& row) {
  RejectRow reject;
  reject.id = row.Integer(0);
  reject.source_id = row.Integer(1);
  reject.source_path = row.Text(2);
  reject.table = row.Text(3);
  reject.line_number = Loaded(row, 4);
  reject.byte_offset = Loaded(row, 5);
  reject.reason = row.Text(6);
  reject.line = row.Blob(7);
  reject.length = Loaded(row, 8);
  reject.rejected_at = row.Text(9);
  return reject;
}

GapRow ReadGap(const Statement& row) {
  return {.id = row.Integer(0),
          .source_id = row.Integer(1),
          .path = std::string(row.Text(2)),
          .byte_offset = Loaded(row, 3),
          .bytes = Loaded(row, 4),
          .found_at = std::string(row.Text(5))};
}

RunRow ReadRun(const Statement& row) {
  RunRow run;
  run.id = row.Integer(0);
  run.started_at = row.Text(1);
  run.ended_at = row.Text(2);
  run.outcome = row.Text(3);
  run.path = row.Text(4);
  run.command = row.Text(5);
  run.counts = ReadCounts(row, 6);
  run.bytes_read = Loaded(row, 13);
  run.bytes_decoded = Loaded(row, 14);
  run.bytes_written = Loaded(row, 15);
  return run;
}

Status ForbidNewer(Connection& connection) {
  const Result<std::optional<int64_t>> layout = connection.QueryInteger(kLayout);
  if (!layout) return layout.error();
  if (layout->value_or(0) <= Ledger::kVersion) return {};
  return Status::Unsupported(
      connection.path() + ": its _sluice_ tables have layout " + std::to_string(**layout) +
          ", and this sluice knows layouts up to " + std::to_string(Ledger::kVersion),
      "use the newer sluice that wrote them");
}

Status NoSource(int64_t id) {
  return Status::Internal("no source " + std::to_string(id) + " in _sluice_sources");
}

}  // namespace

// Those of the hot path are kept; the others are prepared when they are asked for.
struct Ledger::Statements {
  Statement source;
  Statement advance;
  Statement add_reject;
  Statement add_event;

  static Result<Statement*> Prepared(Connection& connection, Statement* kept,
                                     std::string_view sql) {
    if (kept->handle() == nullptr) {
      Result<Statement> statement = connection.Prepare(sql);
      if (!statement) return Error(statement.error());
      *kept = std::move(*statement);
    }
    return kept;
  }
};

Ledger::Ledger(Connection* connection)
    : connection_(connection), statements_(std::make_unique<Statements>()) {}
Ledger::Ledger(Ledger&& other) noexcept = default;
Ledger& Ledger::operator=(Ledger&& other) noexcept = default;
Ledger::~Ledger() = default;

Result<bool> Ledger::Exists(Connection& connection) {
  const Result<std::optional<int64_t>> tables = connection.QueryInteger(kCountTables);
  if (!tables) return Error(tables.error());
  return tables->value_or(0) == kTables;
}

Result<Ledger> Ledger::Create(Connection& connection) {
  // First the look, so that nothing is written into a database of a newer layout.
  const Result<bool> exists = Exists(connection);
  if (!exists) return Error(exists.error());
  Status status = *exists ? ForbidNewer(connection) : connection.Execute(kCreateTables);
  if (!status.ok()) return Error(status);
  return Ledger(&connection);
}

Result<Ledger> Ledger::Open(Connection& connection) {
  const Result<bool> exists = Exists(connection);
  if (!exists) return Error(exists.error());
  if (!*exists) {
    return Error(Status::NotFound(
        connection.path() + ": sluice has put nothing into this database",
        "check the path, or fill it: sluice ingest " + connection.path() + " INPUT..."));
  }
  if (Status status = ForbidNewer(connection); !status.ok()) return Error(status);
  return Ledger(&connection);
}

// --- Sources

Result<std::vector<SourceRow>> Ledger::Sources() {
  Result<Statement> statement = connection_->Prepare(kSources);
  if (!statement) return Error(statement.error());
  return ReadAll(*statement, ReadSource);
}

Status Ledger::EachSource(const std::function<Status(SourceRow)>& visit) {
  Result<Statement> statement = connection_->Prepare(kSources);
  if (!statement) return statement.error();
  return ForEachRow(*statement, [&](const Statement& row) { return visit(ReadSource(row)); });
}

Result<SourceRow> Ledger::SourceOf(int64_t id) {
  const auto prepared = Statements::Prepared(*connection_, &statements_->source, kSourceOf);
  if (!prepared) return Error(prepared.error());
  Statement& statement = **prepared;
  statement.BindInteger(1, id);
  const Result<bool> row = statement.Step();
  if (!row) return Error(row.error());
  if (!*row) return Error(NoSource(id));
  SourceRow source = ReadSource(statement);
  statement.Reset();
  return source;
}

Result<uint64_t> Ledger::CountSources() {
  const Result<std::optional<int64_t>> count = connection_->QueryInteger(kCountSources);
  if (!count) return Error(count.error());
  return static_cast<uint64_t>(count->value_or(0));
}

Result<std::vector<KnownSource>> Ledger::SourcesOf(std::string_view table) {
  Result<Statement> statement = connection_->Prepare(kSources);
  if (!statement) return Error(statement.error());
  statement->BindText(1, table);
  return ReadAll<KnownSource>(*statement,
                              [](const Statement& row) { return ReadSource(row).source; });
}

Result<int64_t> Ledger::AddSource(const SourceKey& key, std::string_view table) {
  Result<Statement> statement = connection_->Prepare(kAddSource);
  if (!statement) return Error(statement.error());
  statement->BindText(1, table);
  statement->BindText(2, key.path);
  statement->BindInteger(3, Stored(key.device));
  statement->BindInteger(4, Stored(key.inode));
  if (Status status = statement->Run(); !status.ok()) return Error(status);
  return connection_->last_insert_rowid();
}

Status Ledger::Advance(int64_t source_id, const SourceKey& key, const Offset& offset,
                       const LineCounts& added, std::string_view now) {
  const auto prepared = Statements::Prepared(*connection_, &statements_->advance, kAdvance);
  if (!prepared) return prepared.error();
  Statement& statement = **prepared;
  const std::string head = EncodeHash(offset.head);
  const std::string tail = EncodeHash(offset.tail);
  statement.BindInteger(1, source_id);
  statement.BindText(2, key.path);
  statement.BindInteger(3, Stored(key.device));
  statement.BindInteger(4, Stored(key.inode));
  statement.BindInteger(5, Stored(offset.bytes));
  statement.BindInteger(6, Stored(offset.lines));
  statement.BindInteger(7, offset.tail_taken ? 1 : 0);
  statement.BindBlob(8, head);
  statement.BindBlob(9, tail);
  BindCounts(statement, 10, added);
  statement.BindText(17, now);
  if (Status status = statement.Run(); !status.ok()) return status;
  // An offset that goes nowhere would mean rows without an offset (I1).
  if (connection_->changes() != 1) {
    return NoSource(source_id);
  }
  return {};
}

// --- Schemas

Result<std::optional<std::string>> Ledger::SchemaOf(std::string_view table) {
  Result<Statement> statement = connection_->Prepare(kSchemaOf);
  if (!statement) return Error(statement.error());
  statement->BindText(1, table);
  const Result<bool> row = statement->Step();
  if (!row) return Error(row.error());
  if (!*row) return std::optional<std::string>();
  return std::optional(std::string(statement->Text(0)));
}

Result<std::vector<std::string>> Ledger::Tables() {
  Result<Statement> statement = connection_->Prepare(kTableNames);
  if (!statement) return Error(statement.error());
  return ReadAll<std::string>(*statement,
                              [](const Statement& row) { return std::string(row.Text(0)); });
}

Status Ledger::PutSchema(std::string_view table, std::string_view toml, std::string_view now) {
  Result<Statement> statement = connection_->Prepare(kPutSchema);
  if (!statement) return statement.error();
  statement->BindText(1, table);
  statement->BindText(2, toml);
  statement->BindInteger(3, kVersion);
  statement->BindText(4, now);
  return statement->Run();
}

Result<ForgottenTable> Ledger::ForgetTable(std::string_view table) {
  const Result<bool> has_gaps = HasTable(*connection_, "_sluice_gaps");
  if (!has_gaps) return Error(has_gaps.error());
  ForgottenTable forgotten;
  uint64_t unused = 0;
  const auto forget = [&](std::string_view sql, uint64_t* rows) -> Status {
    Result<Statement> statement = connection_->Prepare(sql);
    if (!statement) return statement.error();
    statement->BindText(1, table);
    const Status done = statement->Run();
    *rows = static_cast<uint64_t>(connection_->changes());
    return done;
  };
  // The sources last: by them the others are found.
  if (Status s = forget(kForgetRejects, &forgotten.rejects); !s.ok()) return Error(s);
  if (Status s = *has_gaps ? forget(kForgetGaps, &unused) : Status(); !s.ok()) return Error(s);
  if (Status s = forget(kForgetSources, &forgotten.sources); !s.ok()) return Error(s);
  if (Status s = forget(kForgetSchema, &unused); !s.ok()) return Error(s);
  return forgotten;
}

// --- Rejects

Status Ledger::AddReject(int64_t source_id, const Line& line, uint64_t length,
                         std::string_view reason, std::string_view now) {
  const auto prepared = Statements::Prepared(*connection_, &statements_->add_reject, kAddReject);
  if (!prepared) return prepared.error();
  Statement& statement = **prepared;
  statement.BindInteger(1, source_id);
  statement.BindInteger(2, Stored(line.number));
  statement.BindInteger(3, Stored(line.byte_offset));
  statement.BindText(4, reason);
  statement.BindBlob(5, line.text);
  statement.BindInteger(6, Stored(length));
  statement.BindText(7, now);
  return statement.Run();
}

Result<std::vector<RejectRow>> Ledger::Rejects(std::string_view source_path_or_empty,
                                               uint64_t limit) {
  return Rejects(RejectFilter{.source_path = std::string(source_path_or_empty), .limit = limit});
}

Result<std::vector<RejectRow>> Ledger::Rejects(const RejectFilter& filter) {
  Result<Statement> statement = connection_->Prepare(kRejects);
  if (!statement) return Error(statement.error());
  statement->BindText(1, filter.source_path);
  statement->BindText(2, filter.table);
  statement->BindInteger(3, filter.after_id);
  // A negative limit is none at all to SQLite, which is what more than it can hold means.
  statement->BindInteger(4, Stored(filter.limit));
  return ReadAll(*statement, ReadReject);
}

Result<uint64_t> Ledger::CountRejects() {
  const Result<std::optional<int64_t>> count = connection_->QueryInteger(kCountRejects);
  if (!count) return Error(count.error());
  return static_cast<uint64_t>(count->value_or(0));
}

Status Ledger::DeleteReject(int64_t id) {
  Result<Statement> statement = connection_->Prepare(kDeleteReject);
  if (!statement) return statement.error();
  statement->BindInteger(1, id);
  return statement->Run();
}

Status Ledger::TurnRejectIntoRow(const RejectRow& reject) {
  if (Status status = DeleteReject(reject.id); !status.ok()) return status;
  Result<Statement> statement = connection_->Prepare(kRejectBecameRow);
  if (!statement) return statement.error();
  statement->BindInteger(1, reject.source_id);
  return statement->Run();
}

// --- Gaps

Status Ledger::AddGap(const GapRow& gap) {
  if (Status status = connection_->Execute(kCreateGaps); !status.ok()) return status;
  Result<Statement> statement = connection_->Prepare(kAddGap);
  if (!statement) return statement.error();
  statement->BindInteger(1, gap.source_id);
  statement->BindText(2, gap.path);
  statement->BindInteger(3, Stored(gap.byte_offset));
  statement->BindInteger(4, Stored(gap.bytes));
  statement->BindText(5, gap.found_at);
  return statement->Run();
}

Status Ledger::DeleteGaps(int64_t source_id) {
  const Result<bool> exist = HasTable(*connection_, "_sluice_gaps");
  if (!exist) return exist.error();
  if (!*exist) return {};
  Result<Statement> statement = connection_->Prepare(kDeleteGaps);
  if (!statement) return statement.error();
  statement->BindInteger(1, source_id);
  return statement->Run();
}

Result<std::vector<GapRow>> Ledger::Gaps(uint64_t limit) {
  const Result<bool> exist = HasTable(*connection_, "_sluice_gaps");
  if (!exist) return Error(exist.error());
  if (!*exist) return std::vector<GapRow>();
  Result<Statement> statement = connection_->Prepare(kGaps);
  if (!statement) return Error(statement.error());
  statement->BindInteger(1, Stored(limit));
  return ReadAll(*statement, ReadGap);
}

Result<GapCounts> Ledger::CountGaps() {
  const Result<bool> exist = HasTable(*connection_, "_sluice_gaps");
  if (!exist) return Error(exist.error());
  if (!*exist) return GapCounts();
  Result<Statement> statement = connection_->Prepare(kCountGaps);
  if (!statement) return Error(statement.error());
  if (const Result<bool> row = statement->Step(); !row) return Error(row.error());
  return GapCounts{.gaps = Loaded(*statement, 0),
                   .gap_bytes = Loaded(*statement, 1),
                   .possible_gaps = Loaded(*statement, 2)};
}

Result<bool> Ledger::HasGap(int64_t source_id) {
  const Result<bool> exist = HasTable(*connection_, "_sluice_gaps");
  if (!exist || !*exist) return exist;
  Result<Statement> statement = connection_->Prepare(kHasGap);
  if (!statement) return Error(statement.error());
  statement->BindInteger(1, source_id);
  if (const Result<bool> row = statement->Step(); !row) return Error(row.error());
  return statement->Integer(0) > 0;
}

Result<std::vector<int64_t>> Ledger::SourcesWithGaps() {
  const Result<bool> exist = HasTable(*connection_, "_sluice_gaps");
  if (!exist) return Error(exist.error());
  if (!*exist) return std::vector<int64_t>();
  Result<Statement> statement = connection_->Prepare(kSourcesWithGaps);
  if (!statement) return Error(statement.error());
  return ReadAll<int64_t>(*statement, [](const Statement& row) { return row.Integer(0); });
}

// --- Runs

Result<int64_t> Ledger::BeginRun(const RunRow& run) {
  Result<Statement> statement = connection_->Prepare(kBeginRun);
  if (!statement) return Error(statement.error());
  statement->BindText(1, run.started_at);
  statement->BindText(2, run.outcome);
  statement->BindText(3, run.path);
  statement->BindText(4, run.command);
  statement->BindInteger(5, kVersion);
  if (Status status = statement->Run(); !status.ok()) return Error(status);
  const int64_t id = connection_->last_insert_rowid();
  if (Status status = DeleteRunsUpTo(id - kMostRuns); !status.ok()) return Error(status);
  return id;
}

// Their events first: they name their run.
Status Ledger::DeleteRunsUpTo(int64_t last_id) {
  if (last_id <= 0) return {};
  const Result<bool> has_events = HasTable(*connection_, "_sluice_events");
  if (!has_events) return has_events.error();
  for (const std::string_view sql : {kDeleteOldEvents, kDeleteOldRuns}) {
    if (sql == kDeleteOldEvents && !*has_events) continue;
    Result<Statement> statement = connection_->Prepare(sql);
    if (!statement) return statement.error();
    statement->BindInteger(1, last_id);
    if (Status status = statement->Run(); !status.ok()) return status;
  }
  return {};
}

Status Ledger::UpdateRun(const RunRow& run) {
  Result<Statement> statement = connection_->Prepare(kUpdateRun);
  if (!statement) return statement.error();
  statement->BindInteger(1, run.id);
  statement->BindText(2, run.ended_at);
  statement->BindText(3, run.outcome);
  statement->BindText(4, run.path);
  statement->BindText(5, run.command);
  BindCounts(*statement, 6, run.counts);
  statement->BindInteger(13, Stored(run.bytes_read));
  statement->BindInteger(14, Stored(run.bytes_decoded));
  statement->BindInteger(15, Stored(run.bytes_written));
  return statement->Run();
}

Result<std::vector<RunRow>> Ledger::Runs(uint64_t limit) {
  Result<Statement> statement = connection_->Prepare(kRuns);
  if (!statement) return Error(statement.error());
  statement->BindInteger(1, Stored(limit));
  return ReadAll(*statement, ReadRun);
}

Result<std::string> Ledger::BeginOfRunsDone(uint64_t count) {
  Result<Statement> statement = connection_->Prepare(kBeginOfRunsDone);
  if (!statement) return Error(statement.error());
  statement->BindInteger(1, Stored(count));
  const Result<bool> row = statement->Step();
  if (!row) return Error(row.error());
  return *row ? std::string(statement->Text(0)) : std::string();
}

Status Ledger::AddEvent(const EventRow& event) {
  if (statements_->add_event.handle() == nullptr) {
    if (Status status = connection_->Execute(kCreateEvents); !status.ok()) return status;
  }
  const auto prepared = Statements::Prepared(*connection_, &statements_->add_event, kAddEvent);
  if (!prepared) return prepared.error();
  Statement& statement = **prepared;
  statement.BindInteger(1, event.run_id);
  statement.BindText(2, event.at);
  statement.BindText(3, event.event);
  statement.BindText(4, event.source_path);
  statement.BindInteger(5, Stored(event.offset));
  statement.BindInteger(6, Stored(event.rows));
  statement.BindInteger(7, Stored(event.rejects));
  return statement.Run();
}

}  // namespace sluice
