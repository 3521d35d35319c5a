// SPDX-License-Identifier: Apache-2.0
#include "publish/ownership.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "schema/names.h"
#include "schema/schema.h"
#include "schema/table_sql.h"

namespace sluice {
namespace {

// SQLite keeps tables, views and indexes in one space of names, triggers in another.
bool IsTrigger(std::string_view kind) { return kind == "trigger"; }
bool IsTable(std::string_view kind) { return kind == "table" || kind == "virtual table"; }

// Of an FTS5 table with external content.
constexpr std::array<std::string_view, 4> kShadowSuffixes = {"_data", "_idx", "_docsize",
                                                             "_config"};
constexpr std::array<std::string_view, 3> kTriggerSuffixes = {"_insert", "_delete", "_update"};

bool IsNobodys(const DatabaseObject& object) {
  return object.is_shadow || object.name.starts_with("sqlite_") ||
         object.name.starts_with("_sluice_") || object.name == "_litestream_seq" ||
         object.name == "_litestream_lock";
}

std::string Describe(const DatabaseObject& object) {
  std::string text = "the " + object.kind + " " + object.name;
  if (!object.table.empty()) text += " on " + object.table;
  return text;
}

// As Ownership::Read makes it of an index that stands: there an expression is NULL.
std::string IndexKeyOf(const Index& index) {
  std::string key;
  for (const std::string& column : index.columns) {
    key += (key.empty() ? "" : ",") + QuoteText(column);
  }
  return (index.unique ? "1:" : "0:") + key;
}

// Where the reader may choose another name for what the schema lists.
std::string RemedyFor(const DatabaseObject& in_the_way, bool wants_table) {
  const std::string rename = IsTable(in_the_way.kind)
                                 ? "rename it (ALTER TABLE ... RENAME TO)"
                                 : "drop it, or make it again under another name";
  return rename + (wants_table ? ", or say --table NAME: that of a new table, or this one's if the "
                                 "lines are to go into it"
                               : ", or use a schema file that gives its own another name");
}

// What a database lists as a table in sqlite_schema and is a virtual table, or one that a virtual
// table keeps its data in: "virtual" or "shadow" by name. It is read at once, because SQLite looks
// through all tables for each question about one.
Result<std::map<std::string, std::string>> TableTypes(Connection& connection) {
  std::map<std::string, std::string> types;
  Result<Statement> query = connection.Prepare(
      "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('virtual', "
      "'shadow')");
  if (!query) return Error(query.error());
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return Error(row.error());
    if (!*row) return types;
    types.emplace(query->Text(0), query->Text(1));
  }
}

std::string KeyOf(std::string_view kind, std::string_view name, std::string_view table) {
  return std::string(kind) + '\0' + FoldName(name) + '\0' + FoldName(table);
}

}  // namespace

// What a schema makes, and what is listed as ours once it was made.
struct Ownership::Needed {
  std::string kind;
  std::string name;
  std::string table;  // of an index or a trigger
  std::string sql;    // "" for what FTS5 makes itself
  std::string index_key = "";
  std::string content = "";  // of a virtual table: the table whose text it indexes
};

std::vector<Ownership::Needed> Ownership::NeededBy(const Table& table) {
  std::vector<Needed> needed = {{"table", table.name, "", CreateTableSql(table)}};
  for (const Index& index : table.indexes) {
    needed.push_back(
        {"index", index.name, table.name, CreateIndexSql(table, index), IndexKeyOf(index)});
  }
  for (const View& view : table.views) {
    needed.push_back({"view", view.name, "", CreateViewSql(view)});
  }
  for (const FullText& full_text : table.full_texts) {
    const std::vector<std::string> ddl = CreateFullTextSql(table, full_text);
    needed.push_back({"virtual table", full_text.name, "", ddl[0], "", table.name});
    for (const std::string_view suffix : kShadowSuffixes) {
      needed.push_back({"table", full_text.name + std::string(suffix), "", ""});
    }
    for (size_t i = 0; i < kTriggerSuffixes.size(); ++i) {
      const std::string name = full_text.name + std::string(kTriggerSuffixes[i]);
      needed.push_back({"trigger", name, table.name, ddl[2 + i]});
    }
  }
  return needed;
}

Result<Ownership> Ownership::Read(Connection& connection, Ledger* ledger) {
  Ownership ownership;
  ownership.path_ = connection.path();
  if (Status s = ownership.ReadObjects(connection); !s.ok()) return Error(s);
  if (ledger == nullptr) return ownership;
  if (Status s = ownership.ReadSchemas(ledger); !s.ok()) return Error(s);
  return ownership;
}

Status Ownership::ReadObjects(Connection& connection) {
  const Result<std::map<std::string, std::string>> types = TableTypes(connection);
  if (!types) return types.error();
  Result<Statement> query = connection.Prepare(
      "SELECT s.type, s.name, CASE WHEN s.type IN ('index', 'trigger') THEN s.tbl_name ELSE '' END,"
      " s.sql, CASE WHEN s.type = 'index' THEN (SELECT i.\"unique\" || ':' ||"
      "  (SELECT group_concat(quote(x.name)) FROM pragma_index_info(s.name) AS x)"
      "  FROM pragma_index_list(s.tbl_name) AS i WHERE i.name = s.name AND NOT i.partial) END"
      " FROM sqlite_schema AS s"
      " ORDER BY CASE s.type WHEN 'table' THEN 0 WHEN 'view' THEN 1 ELSE 2 END, s.name");
  if (!query) return query.error();
  for (;;) {
    const Result<bool> row = query->Step();
    if (!row) return row.error();
    if (!*row) return {};
    DatabaseObject object{.kind = std::string(query->Text(0)),
                          .name = std::string(query->Text(1)),
                          .table = std::string(query->Text(2)),
                          .sql = std::string(query->Text(3)),
                          .index_key = std::string(query->Text(4))};
    const auto type = object.kind == "table" ? types->find(object.name) : types->end();
    if (type != types->end()) {
      object.is_shadow = type->second == "shadow";
      if (type->second == "virtual") object.kind = "virtual table";
    }
    by_name_.emplace(FoldName(object.name), objects_.size());
    objects_.push_back(std::move(object));
  }
}

Status Ownership::ReadSchemas(Ledger* ledger) {
  Result<std::vector<std::string>> names = ledger->Tables();
  if (!names) return names.error();
  for (const std::string& name : *names) {
    Result<std::optional<std::string>> toml = ledger->SchemaOf(name);
    if (!toml) return toml.error();
    if (!toml->has_value()) continue;
    Result<Table> table = ParseSchema(**toml, "_sluice_schemas: " + name);
    // One that cannot be read says at least whose the table is; who needs more of it gets the
    // error.
    if (!table) {
      unread_.push_back(name);
      stored_.emplace_back().name = name;
      continue;
    }
    for (const Needed& needed : NeededBy(*table))
      listed_.emplace(KeyOf(needed.kind, needed.name, needed.table), needed.content);
    stored_.push_back(std::move(*table));
  }
  return {};
}

const DatabaseObject* Ownership::Find(std::string_view name, bool is_trigger) const {
  const auto [begin, end] = by_name_.equal_range(FoldName(name));
  for (auto at = begin; at != end; ++at) {
    const DatabaseObject& object = objects_[at->second];
    if (IsTrigger(object.kind) == is_trigger) return &object;
  }
  return nullptr;
}

// By kind, name and table: a person may have dropped one of ours and given its name to something
// else.
bool Ownership::IsListed(const DatabaseObject& object) const {
  const auto listed = listed_.find(KeyOf(object.kind, object.name, object.table));
  if (listed != listed_.end()) {
    const std::string& content = listed->second;
    if (content.empty() || MakesFullTextOf(object.sql, content)) return true;
  }
  // A schema that cannot be read: what is on its table, or indexes its text, is taken for ours.
  return std::ranges::any_of(unread_, [&](const std::string& table) {
    return SameName(object.table, table) || SameName(object.name, table) ||
           object.sql.find("content=" + QuoteText(table)) != std::string::npos;
  });
}

std::vector<DatabaseObject> Ownership::Foreign() const {
  std::vector<DatabaseObject> foreign;
  for (const DatabaseObject& object : objects_) {
    if (!IsNobodys(object) && !IsListed(object)) foreign.push_back(object);
  }
  return foreign;
}

std::vector<std::string> Ownership::ForeignTables() const {
  std::vector<std::string> names;
  for (const DatabaseObject& object : Foreign()) {
    if (IsTable(object.kind) || object.kind == "view") {
      names.push_back("the " + object.kind + " " + object.name);
    }
  }
  return names;
}

Status Ownership::CheckNames(const Table& table, bool may_use_table) const {
  for (const Needed& needed : NeededBy(table)) {
    const DatabaseObject* there = Find(needed.name, IsTrigger(needed.kind));
    if (there == nullptr) continue;
    const bool is_same_index = !needed.index_key.empty() && SameName(there->table, needed.table) &&
                               SameName(there->index_key, needed.index_key);
    const bool serves = is_same_index || (!needed.sql.empty() && there->sql == needed.sql);
    const bool same_object = there->kind == needed.kind && SameName(there->table, needed.table);
    // A shadow table's virtual table stands, and has come before it in this list.
    const bool is_of_full_text = needed.sql.empty() && there->is_shadow;
    if (serves || is_of_full_text || (same_object && IsListed(*there))) continue;
    const bool is_the_table = SameName(needed.name, table.name);
    if (is_the_table && may_use_table && there->kind != "index") continue;
    return Status::Usage(path_ + ": the " + needed.kind + " " + needed.name +
                             (is_the_table ? "" : " of the schema of " + table.name) +
                             " cannot be made: " + Describe(*there) +
                             ", which sluice did not make, has its name",
                         RemedyFor(*there, is_the_table));
  }
  return {};
}

const Table* Ownership::GoneTable(std::string_view name) const {
  const auto stored =
      std::ranges::find_if(stored_, [&](const Table& table) { return SameName(table.name, name); });
  return stored == stored_.end() || Find(name, false) != nullptr ? nullptr : &*stored;
}

bool Ownership::HasFullText(const Table& table, const FullText& full_text) const {
  const DatabaseObject* there = Find(full_text.name, false);
  return there != nullptr && there->kind == "virtual table" &&
         MakesFullTextOf(there->sql, table.name);
}

std::vector<std::string> Ownership::FullTextTriggers(const Table& table,
                                                     const FullText& full_text) const {
  std::vector<std::string> triggers;
  for (const std::string_view suffix : kTriggerSuffixes) {
    const DatabaseObject* there = Find(full_text.name + std::string(suffix), true);
    if (there != nullptr && SameName(there->table, table.name) && IsListed(*there)) {
      triggers.push_back(there->name);
    }
  }
  return triggers;
}

std::vector<std::string> Ownership::LostFullTextTriggers(std::string_view name) const {
  std::vector<std::string> lost;
  for (const Table& table : stored_) {
    if (!SameName(table.name, name)) continue;
    for (const FullText& full_text : table.full_texts) {
      if (HasFullText(table, full_text)) continue;
      for (std::string& trigger : FullTextTriggers(table, full_text))
        lost.push_back(std::move(trigger));
    }
  }
  return lost;
}

bool Ownership::IsViewOfOthers(std::string_view name) const {
  const DatabaseObject* there = Find(name, false);
  if (there == nullptr) return false;
  const auto made_it = [&](const View& view) {
    return SameName(view.name, name) && CreateViewSql(view) == there->sql;
  };
  return std::ranges::none_of(
      stored_, [&](const Table& table) { return std::ranges::any_of(table.views, made_it); });
}

std::vector<std::string> Ownership::TriggersOfOthers(std::string_view on) const {
  std::vector<std::string> names;
  for (const DatabaseObject& object : objects_) {
    const bool is_on_it = IsTrigger(object.kind) && SameName(object.table, on);
    if (is_on_it && !IsListed(object)) names.push_back(object.name);
  }
  return names;
}

}  // namespace sluice
