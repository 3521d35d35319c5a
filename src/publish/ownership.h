// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ledger/ledger.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// An object of a database, as sqlite_schema lists it.
struct DatabaseObject {
  std::string kind;   // "table", "virtual table", "view", "index" or "trigger"
  std::string name;   // as it was written
  std::string table;  // of an index or a trigger: what it is on
  std::string sql;
  std::string index_key;   // of an index over whole columns and all rows: "1:'a','b'" if unique
  bool is_shadow = false;  // a table that a virtual table keeps its data in
};

// Which objects of a database are sluice's (I12).
//
// Ours are the `_sluice_*` tables, and what the stored schemas list: a table, its indexes and
// views, and each full-text table with its triggers and the tables in which FTS5 keeps its data.
// All others are somebody else's and are neither changed nor dropped, whatever made them: a person,
// Datasette, sqlite-utils. Litestream's two tables count as nobody's: it makes them in any database
// that it replicates, and makes them again if they are gone.
//
// A value: what the database held when it was read.
class Ownership {
 public:
  // Of a database with nothing in it.
  Ownership() = default;
  // `ledger` is null for a database that sluice has not written to.
  static Result<Ownership> Read(Connection& connection, Ledger* ledger);

  // Whether a run of sluice made a table here. If so, the database is ours to continue.
  bool is_ours() const { return !stored_.empty(); }
  // What is not ours: tables, then views, indexes and triggers. Shadow tables are left out.
  std::vector<DatabaseObject> Foreign() const;
  // The tables and views among them, in words: "the table notes".
  std::vector<std::string> ForeignTables() const;

  // kUsage if something that `table` needs has the name of an object that is somebody else's; the
  // message names both. An object with exactly the SQL that would be made serves as well, whoever
  // made it, and so does an index that holds the same columns of the same table. `may_use_table`: a
  // table of its name may be there already, for somebody told us to write into it.
  Status CheckNames(const Table& table, bool may_use_table) const;

  // The stored schema of a table that is not in the database any more (dropped, or renamed).
  const Table* GoneTable(std::string_view name) const;
  // Whether the full-text table of `table` stands. Another object of its name is none.
  bool HasFullText(const Table& table, const FullText& full_text) const;
  // Those of a full-text table's triggers that stand, and are ours.
  std::vector<std::string> FullTextTriggers(const Table& table, const FullText& full_text) const;
  // Our triggers on a table whose full-text table is gone, by its stored schema: SQLite leaves them
  // standing, and they would make every INSERT fail.
  std::vector<std::string> LostFullTextTriggers(std::string_view table) const;
  // Whether a view of this name stands that is not exactly as a stored schema made it. One of ours
  // that somebody has changed since is theirs, too.
  bool IsViewOfOthers(std::string_view name) const;
  // The triggers of others on a table or view, which go with it when it is dropped.
  std::vector<std::string> TriggersOfOthers(std::string_view on) const;

 private:
  struct Needed;
  static std::vector<Needed> NeededBy(const Table& table);
  Status ReadObjects(Connection& connection);
  Status ReadSchemas(Ledger* ledger);
  const DatabaseObject* Find(std::string_view name, bool is_trigger) const;
  bool IsListed(const DatabaseObject& object) const;

  std::string path_;
  std::vector<DatabaseObject> objects_;
  std::unordered_multimap<std::string, size_t> by_name_;  // in lower case: indexes in `objects_`
  std::vector<Table> stored_;
  // What the stored schemas list: kind, name and table → whose text it has to index, if any.
  std::unordered_map<std::string, std::string> listed_;
  std::vector<std::string> unread_;  // tables whose stored schema cannot be read
};

}  // namespace sluice
