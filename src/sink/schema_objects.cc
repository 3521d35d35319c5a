// SPDX-License-Identifier: Apache-2.0
#include "sink/schema_objects.h"

#include <algorithm>
#include <vector>

#include "schema/schema.h"
#include "sink/schema_checks.h"
#include "sqlite/savepoint.h"

namespace sluice {

std::string AddColumnSql(const Table& table, const Column& column) {
  return "ALTER TABLE " + QuoteName(table.name) + " ADD COLUMN " + QuoteName(column.name) +
         (column.declared_type.empty() ? "" : " ") + column.declared_type;
}

Status AddColumn(Connection& connection, const Table& table, const Column& column) {
  return connection.Execute(AddColumnSql(table, column));
}

namespace {

Result<std::vector<std::string>> TriggersOn(Connection& connection, const std::string& view) {
  Result<Statement> query = connection.Prepare(
      "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE "
      "ORDER BY rowid");
  if (!query) return Error(query.error());
  query->BindText(1, view);
  std::vector<std::string> triggers;
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return triggers;
    triggers.emplace_back(query->Text(0));
  }
}

Status CreateView(Connection& connection, const View& view) {
  const Status made = connection.Execute(CreateViewSql(view));
  if (made.ok() || !made.remedy().empty()) return made;
  return Status::Usage("the schema's view " + view.name + " cannot be made: " + made.message(),
                       "mend its sql in the schema file");
}

// DROP VIEW takes its triggers with it, which are somebody else's.
Status ReplaceView(Connection& connection, const View& view) {
  const Result<std::vector<std::string>> triggers = TriggersOn(connection, view.name);
  if (!triggers) return triggers.error();
  const Result<SchemaState> before = ReadTriggerState(connection, view.name);
  if (!before) return before.error();
  if (Status s = connection.Execute("DROP VIEW " + QuoteName(view.name)); !s.ok()) return s;
  if (Status s = CreateView(connection, view); !s.ok()) return s;
  for (const std::string& trigger : *triggers) {
    if (Status s = connection.Execute(trigger); !s.ok()) return s;
  }
  const Status fits =
      triggers->empty() ? Status() : CheckTriggersAgainst(connection, view.name, *before);
  if (fits.ok() || IsFault(fits)) return fits;
  return Status::Unsupported(
      "the view " + view.name + " cannot have its new text: " + fits.message(), fits.remedy());
}

}  // namespace

Status MakeView(Connection& connection, const View& view) {
  Result<Statement> query = connection.Prepare(
      "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ? COLLATE NOCASE");
  if (!query) return query.error();
  query->BindText(1, view.name);
  Result<bool> there = query->Step();
  if (!there) return there.error();
  if (!*there) return CreateView(connection, view);
  if (query->Text(0) == CreateViewSql(view)) return {};
  query->Reset();
  Result<Savepoint> savepoint = Savepoint::Prepare(connection, "_sluice_view");
  if (!savepoint) return savepoint.error();
  if (Status s = savepoint->Set(); !s.ok()) return s;
  Status made = ReplaceView(connection, view);
  if (made.ok()) return savepoint->Release();
  if (!connection.in_transaction()) return made;
  if (Status s = savepoint->Undo(); !s.ok()) return s;
  return made;
}

Status MakeFullText(Connection& connection, const Table& table, const FullText& full_text) {
  for (const std::string& sql : CreateFullTextSql(table, full_text)) {
    if (Status s = connection.Execute(sql); !s.ok()) return s;
  }
  return {};
}

// CREATE INDEX sorts in runs as large as the cache may be, one in the making on each of its threads
// and one more: together with the cache itself, three of them are the share that we were given.
Status PrepareToSort(Connection& connection, uint64_t cache_bytes) {
  const uint64_t kibibytes = std::max<uint64_t>((cache_bytes >> 10) / 3, 1024);
  return connection.Execute("PRAGMA temp_store=FILE; PRAGMA threads=2; PRAGMA cache_size=-" +
                            std::to_string(kibibytes));
}

std::string IndexStep(const Table& table, size_t index) {
  return "index " + table.indexes[index].name + " (" + std::to_string(index + 1) + " of " +
         std::to_string(table.indexes.size()) + ")";
}

}  // namespace sluice
