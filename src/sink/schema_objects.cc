// SPDX-License-Identifier: Apache-2.0
#include "sink/schema_objects.h"

#include <algorithm>

#include "schema/schema.h"

namespace sluice {

std::string AddColumnSql(const Table& table, const Column& column) {
  return "ALTER TABLE " + QuoteName(table.name) + " ADD COLUMN " + QuoteName(column.name) +
         (column.declared_type.empty() ? "" : " ") + column.declared_type;
}

Status AddColumn(Connection& connection, const Table& table, const Column& column) {
  return connection.Execute(AddColumnSql(table, column));
}

Status MakeView(Connection& connection, const View& view) {
  const std::string sql = CreateViewSql(view);
  Result<Statement> query = connection.Prepare(
      "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ? COLLATE NOCASE");
  if (!query) return query.error();
  query->BindText(1, view.name);
  Result<bool> there = query->Step();
  if (!there) return there.error();
  if (*there && query->Text(0) == sql) return {};
  query->Reset();
  if (*there) {
    if (Status s = connection.Execute("DROP VIEW " + QuoteName(view.name)); !s.ok()) return s;
  }
  const Status made = connection.Execute(sql);
  if (made.ok() || !made.remedy().empty()) return made;
  return Status::Usage("the schema's view " + view.name + " cannot be made: " + made.message(),
                       "mend its sql in the schema file");
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
