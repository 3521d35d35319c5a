// SPDX-License-Identifier: Apache-2.0
#include "sink/target_database.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "ledger/unfolded.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "sink/current_table.h"
#include "sink/schema_objects.h"
#include "sqlite/read_only.h"

namespace sluice {
namespace {

std::string NameOfExtra(const Table& table) {
  for (const Column& column : table.columns) {
    if (column.origin == Origin::kExtra) return column.name;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TargetDatabase>> TargetDatabase::Open(const std::string& path,
                                                             const Options& options) {
  Result<std::string> resolved = ResolveTarget(path);
  if (!resolved) return Error(resolved.error());
  std::unique_ptr<TargetDatabase> target(new TargetDatabase());
  target->path_ = *resolved;
  target->longest_wait_ = options.wait.longest;
  target->page_size_ = options.page_size;

  // One run per database at a time: two would read the same offsets, and ingest the same lines.
  if (!options.look_only) {
    Result<TargetLock> lock = TargetLock::Acquire(target->path_, options.wait);
    if (!lock) return Error(lock.error());
    target->lock_ = std::move(*lock);
  }

  const bool anew = options.from_scratch || !Exists(target->path_);
  Status opened = anew ? target->ClaimFresh(options) : target->OpenExisting(options);
  if (!opened.ok()) return Error(opened);
  return target;
}

Status TargetDatabase::OpenExisting(const Options& options) {
  // Of a run from scratch that died.
  if (!options.look_only) RemoveTemporariesOfDeadRuns(path_);
  const OpenOptions open{.mode = OpenOptions::Mode::kReadWrite, .wait = options.wait};
  Result<Connection> connection =
      options.look_only ? OpenForReading(path_, open) : Connection::Open(path_, open);
  if (!connection) return connection.error();
  connection_ = std::make_unique<Connection>(std::move(*connection));
  connection_->AllowStringsInDoubleQuotes();

  Result<bool> known = Ledger::Exists(*connection_);
  if (!known) return known.error();
  if (*known) {
    Result<Ledger> ledger = Ledger::Open(*connection_);
    if (!ledger) return ledger.error();
    ledger_ = std::make_unique<Ledger>(std::move(*ledger));
  }
  return {};
}

Status TargetDatabase::ClaimFresh(const Options& options) {
  if (options.look_only) return {};
  Result<FreshDatabase> fresh = FreshDatabase::Claim(
      path_, std::move(*lock_),
      {.replace = options.from_scratch, .force = options.force, .verify = options.verify});
  if (!fresh) return fresh.error();
  fresh_.emplace(std::move(*fresh));
  return {};
}

Status TargetDatabase::OpenConnection() {
  if (connection_ != nullptr) return {};
  Result<Connection> connection =
      OpenTemporary(fresh_->temporary_path(), OpenOptions::Mode::kCreate);
  if (!connection) return connection.error();
  connection_ = std::make_unique<Connection>(std::move(*connection));
  return connection_->Execute("PRAGMA page_size=" + std::to_string(page_size_));
}

Result<Connection> TargetDatabase::OpenTemporary(const std::string& path,
                                                 OpenOptions::Mode mode) const {
  Result<Connection> connection = Connection::Open(path, {.mode = mode});
  if (!connection) return connection;
  Status status = connection->Execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
  if (!status.ok()) return Error(status);
  return connection;
}

Status TargetDatabase::TurnToWal() {
  if (fresh()) return {};
  Result<std::string> journal = connection_->Pragma("journal_mode");
  if (!journal) return journal.error();
  if (*journal == "wal") return {};
  Result<std::string> now = connection_->Pragma("journal_mode=WAL");
  if (!now) return now.error();
  if (*now == "wal") {
    notes_.push_back("turned " + path_ + " from journal_mode=" + *journal +
                     " to WAL (--keep-journal leaves it)");
  }
  return {};
}

Result<std::vector<SourceRow>> TargetDatabase::Sources() {
  std::vector<SourceRow> sources;
  const Status read = EachSource([&](SourceRow row) {
    sources.push_back(std::move(row));
    return Status();
  });
  if (!read.ok()) return Error(read);
  return sources;
}

Status TargetDatabase::EachSource(const std::function<Status(SourceRow)>& visit) {
  if (fresh() || ledger_ == nullptr) return {};
  Result<Ownership> owned = Owned();
  if (!owned) return owned.error();
  std::map<std::string, bool> is_gone;  // there may be very many sources, of few tables
  return ledger_->EachSource([&](SourceRow row) {
    const auto [table, is_new] = is_gone.try_emplace(row.table, false);
    if (is_new) table->second = owned->GoneTable(row.table) != nullptr;
    return table->second ? Status() : visit(std::move(row));
  });
}

Result<std::optional<Table>> TargetDatabase::StoredTable(std::string_view name) {
  if (fresh() || ledger_ == nullptr) return std::optional<Table>{};
  Result<std::optional<std::string>> toml = ledger_->SchemaOf(name);
  if (!toml) return Error(toml.error());
  if (!toml->has_value()) return std::optional<Table>{};
  const Result<std::vector<std::string>> columns = ColumnsOf(name);
  if (!columns) return Error(columns.error());
  if (columns->empty()) return std::optional<Table>{};
  Result<Table> table = ParseSchema(**toml, "_sluice_schemas: " + std::string(name));
  if (!table) return Error(table.error());
  return std::optional<Table>(std::move(*table));
}

Result<std::optional<Table>> TargetDatabase::Unfold(const Table& table, const UnfoldRules& rules) {
  if (fresh() || ledger_ == nullptr) return std::optional<Table>{};
  const Result<std::vector<std::string>> columns = ColumnsOf(table.name);
  if (!columns) return Error(columns.error());
  if (columns->empty()) return std::optional<Table>{};
  const Result<bool> is_done = IsUnfolded(*connection_, table.name);
  if (!is_done) return Error(is_done.error());
  if (*is_done) return std::optional<Table>{};

  const Result<std::vector<std::string>> keys = KeysInExtra(*connection_, table);
  if (!keys) return Error(keys.error());
  Result<std::optional<Table>> unfolded =
      UnfoldKeys(table, rules.widen(table, *keys, *columns), rules);
  if (unfolded) return unfolded;
  const bool refused = unfolded.error().code() == StatusCode::kConstraint;
  if (!refused && unfolded.error().code() != StatusCode::kUnsupported) return unfolded;
  notes_.push_back(table.name + ": keys in " + NameOfExtra(table) + " stay there, because " +
                   (refused ? "a trigger refused that they become columns: " : "") +
                   unfolded.error().message());
  return std::optional<Table>{};
}

Result<std::optional<Table>> TargetDatabase::UnfoldKeys(const Table& table,
                                                        std::optional<Table> wider,
                                                        const UnfoldRules& rules) {
  Result<Transaction> transaction = Transaction::Begin(connection_.get());
  if (!transaction) return Error(transaction.error());
  const std::string now = UtcNow();
  std::string note;
  if (wider) {
    const Result<uint64_t> rows = UnfoldExtra(*connection_, table, *wider, rules);
    if (!rows) return Error(rows.error());
    if (Status s = ledger_->PutSchema(table.name, ToToml(*wider), now); !s.ok()) return Error(s);
    const size_t added = wider->columns.size() - table.columns.size();
    note = table.name + ": " + std::to_string(added) + (added == 1 ? " key" : " keys") +
           " that stood in " + NameOfExtra(table) + " " +
           (added == 1 ? "is a column" : "are columns") + " now, in " + std::to_string(*rows) +
           (*rows == 1 ? " row" : " rows");
  }
  if (Status s = SetUnfolded(*connection_, table.name, now); !s.ok()) return Error(s);
  if (Status s = transaction->Commit(); !s.ok()) return Error(s);
  if (!note.empty()) notes_.push_back(std::move(note));
  return wider;
}

Result<std::optional<Table>> TargetDatabase::AsItIsThere(Table stored) {
  if (fresh()) return std::optional<Table>();
  return ReadTable(*connection_, std::move(stored));
}

Result<bool> TargetDatabase::HasRows(std::string_view table) {
  return fresh() ? false : sluice::HasRows(*connection_, table);
}

Status TargetDatabase::CompileViews(const std::vector<Table>& tables, std::string_view of) {
  return sluice::CompileViews(fresh() ? nullptr : connection_.get(), tables, of);
}

Result<std::vector<std::string>> TargetDatabase::ColumnsOf(std::string_view name) {
  return Names("SELECT name FROM pragma_table_info(?)", name);
}

Result<std::vector<std::string>> TargetDatabase::ColumnsOfIndex(std::string_view name) {
  return Names("SELECT name FROM pragma_index_info(?)", name);
}

Result<std::vector<std::string>> TargetDatabase::Names(const std::string& sql,
                                                       std::string_view of) {
  std::vector<std::string> names;
  if (fresh()) return names;
  Result<Statement> query = connection_->Prepare(sql);
  if (!query) return Error(query.error());
  query->BindText(1, of);
  for (;;) {
    Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return names;
    names.emplace_back(query->Text(0));
  }
}

Status TargetDatabase::CheckColumns(const Table& table) {
  Result<std::vector<std::string>> there = ColumnsOf(table.name);
  if (!there) return there.error();
  if (there->empty()) return {};
  std::string missing;
  for (const Column& column : table.columns) {
    const bool found = std::any_of(there->begin(), there->end(), [&](const std::string& name) {
      return SameName(name, column.name);
    });
    if (!found) missing += (missing.empty() ? "" : ", ") + column.name;
  }
  if (missing.empty()) return {};
  // `auto` adds columns of its own, which say where a row came from.
  const std::string fitting =
      table.preset == "auto"
          ? "a schema file that takes only the table's own columns (sluice schema infer INPUT... "
            "writes one to begin with; docs/schemas.md, \"A table that is there already\")"
          : "a schema that fits the table";
  return Status::Usage(path_ + ": the table " + table.name + " has no column " + missing,
                       "use " + fitting + ", or --table for another name");
}

Result<std::vector<std::string>> TargetDatabase::MissingDdl(const Table& table) {
  std::vector<std::string> ddl;
  Result<std::vector<std::string>> columns = ColumnsOf(table.name);
  if (!columns) return Error(columns.error());
  if (columns->empty()) ddl.push_back(CreateTableSql(table));
  for (const Column& column : table.columns) {
    const auto is_it = [&](const std::string& name) { return SameName(name, column.name); };
    if (!columns->empty() && std::ranges::none_of(*columns, is_it))
      ddl.push_back(AddColumnSql(table, column));
  }
  for (const Index& index : table.indexes) {
    Result<bool> there = HasIndex(index.name);
    if (!there) return Error(there.error());
    if (!*there) ddl.push_back(CreateIndexSql(table, index));
  }
  for (const FullText& full_text : table.full_texts) {
    Result<std::vector<std::string>> there = ColumnsOf(full_text.name);
    if (!there) return Error(there.error());
    if (!there->empty()) continue;
    for (std::string& sql : CreateFullTextSql(table, full_text)) ddl.push_back(std::move(sql));
  }
  return ddl;
}

Result<bool> TargetDatabase::HasIndex(std::string_view name) {
  if (connection_ == nullptr) return false;
  Result<Statement> query = connection_->Prepare(
      "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ? COLLATE NOCASE");
  if (!query) return Error(query.error());
  query->BindText(1, name);
  return query->Step();
}

Result<Ownership> TargetDatabase::Owned() {
  if (fresh()) return Ownership();
  return Ownership::Read(*connection_, ledger_.get());
}

}  // namespace sluice
