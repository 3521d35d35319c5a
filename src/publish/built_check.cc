// SPDX-License-Identifier: Apache-2.0
#include "publish/built_check.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "sqlite/connection.h"

namespace sluice {
namespace {

Status Damaged(const std::string& path, const std::string& found) {
  return Status::Corruption(
      path + ": the new database did not pass its check and is not published: " + found,
      "run again; if it happens again, check the memory and disk of this machine, or report it as "
      "a mistake in sluice");
}

// The file itself is looked at while no connection is open (I10 would not mind a stat, but so it is
// the size on disk).
Status CheckSize(Connection& connection, uint64_t file_bytes) {
  const Result<std::optional<int64_t>> pages = connection.QueryInteger("PRAGMA page_count");
  if (!pages) return pages.error();
  const Result<std::optional<int64_t>> page_bytes = connection.QueryInteger("PRAGMA page_size");
  if (!page_bytes) return page_bytes.error();
  const auto expected = static_cast<uint64_t>(pages->value_or(0) * page_bytes->value_or(0));
  if (expected == file_bytes) return {};
  return Damaged(connection.path(), "its header tells of " + std::to_string(expected) +
                                        " bytes, the file has " + std::to_string(file_bytes));
}

struct IndexToCheck {
  std::string name;
  std::vector<std::string> columns;
};

struct TableToCheck {
  std::string name;
  std::string rowid;  // how its rowid is called; "" where it has none that can be named
  std::vector<IndexToCheck> indexes;
};

Result<std::vector<std::string>> Names(Connection& connection, const std::string& sql) {
  Result<Statement> statement = connection.Prepare(sql);
  if (!statement) return Error(statement.error());
  std::vector<std::string> names;
  while (true) {
    const Result<bool> row = statement->Step();
    if (!row) return Error(row.error());
    if (!*row) return names;
    names.emplace_back(statement->Text(0));
  }
}

// Of SQLite's three names for it, one that no column has taken.
Result<std::string> RowidOf(Connection& connection, const std::string& table) {
  const Result<std::vector<std::string>> free =
      Names(connection,
            "SELECT column1 FROM (VALUES ('rowid'), ('_rowid_'), ('oid')) WHERE column1 NOT IN"
            " (SELECT lower(name) FROM pragma_table_xinfo(" +
                QuoteText(table) + "))");
  if (!free) return Error(free.error());
  return free->empty() ? std::string() : free->front();
}

// All that were made by CREATE INDEX on columns, or for UNIQUE and PRIMARY KEY. None has a WHERE of
// ours; one of another's is left out.
Result<std::vector<IndexToCheck>> IndexesOf(Connection& connection, const std::string& table) {
  const Result<std::vector<std::string>> names =
      Names(connection, "SELECT name FROM pragma_index_list(" + QuoteText(table) +
                            ") WHERE NOT partial AND origin <> 'pk'");
  if (!names) return Error(names.error());
  std::vector<IndexToCheck> indexes;
  for (const std::string& name : *names) {
    Result<std::vector<std::string>> columns =
        Names(connection, "SELECT name FROM pragma_index_xinfo(" + QuoteText(name) +
                              ") WHERE key AND name IS NOT NULL ORDER BY seqno");
    if (!columns) return Error(columns.error());
    indexes.push_back({.name = name, .columns = std::move(*columns)});
  }
  return indexes;
}

Result<std::vector<TableToCheck>> TablesOf(Connection& connection) {
  const Result<std::vector<std::string>> names = Names(
      connection,
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')"
      " AND name NOT IN ('sqlite_schema', 'sqlite_temp_schema')");
  if (!names) return Error(names.error());
  const Result<std::vector<std::string>> without_rowid =
      Names(connection, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr");
  if (!without_rowid) return Error(without_rowid.error());

  std::vector<TableToCheck> tables;
  for (const std::string& name : *names) {
    TableToCheck table{.name = name};
    if (std::ranges::find(*without_rowid, name) == without_rowid->end()) {
      Result<std::string> rowid = RowidOf(connection, name);
      if (!rowid) return Error(rowid.error());
      table.rowid = std::move(*rowid);
    }
    Result<std::vector<IndexToCheck>> indexes = IndexesOf(connection, name);
    if (!indexes) return Error(indexes.error());
    table.indexes = std::move(*indexes);
    tables.push_back(std::move(table));
  }
  return tables;
}

// "a, b", or with `direction` "a DESC, b DESC".
std::string ListOf(const std::vector<std::string>& columns, std::string_view direction) {
  std::string list;
  for (const std::string& column : columns) {
    list += (list.empty() ? "" : ", ") + QuoteName(column) + std::string(direction);
  }
  return list;
}

// The first and the last entry of each tree are read whole.
Status WalkEdges(Connection& connection, const TableToCheck& table) {
  std::vector<std::string> walks;
  for (const std::string direction : {"", " DESC"}) {
    const std::string all = "SELECT * FROM " + QuoteName(table.name);
    if (!table.rowid.empty()) {
      walks.push_back(all + " ORDER BY " + table.rowid + direction + " LIMIT 1");
    } else if (direction.empty()) {
      walks.push_back(all + " LIMIT 1");
    }
    for (const IndexToCheck& index : table.indexes) {
      walks.push_back("SELECT " + ListOf(index.columns, "") + " FROM " + QuoteName(table.name) +
                      " INDEXED BY " + QuoteName(index.name) + " ORDER BY " +
                      ListOf(index.columns, direction) + " LIMIT 1");
    }
  }
  for (const std::string& walk : walks) {
    const Result<std::optional<std::string>> value = connection.QueryText(walk);
    if (!value) return value.error();
  }
  return {};
}

// Descents to rows by chance, and from each row through every index back to it.
class Sampler {
 public:
  static Result<Sampler> Prepare(Connection& connection, const TableToCheck& table) {
    Sampler sampler;
    sampler.name_ = table.name;
    const std::string from = " FROM " + QuoteName(table.name);
    const std::string rowid = table.rowid;
    for (std::optional<int64_t>* edge : {&sampler.first_, &sampler.last_}) {
      const std::string end = edge == &sampler.first_ ? "min(" : "max(";
      const Result<std::optional<int64_t>> value =
          connection.QueryInteger("SELECT " + end + rowid + ")" + from);
      if (!value) return Error(value.error());
      *edge = *value;
    }
    Result<Statement> next = connection.Prepare("SELECT " + rowid + from + " WHERE " + rowid +
                                                " >= ? ORDER BY " + rowid + " LIMIT 1");
    if (!next) return Error(next.error());
    sampler.next_ = std::move(*next);
    // Apart from its rowid: a result may have as many columns as a table, and no more.
    Result<Statement> row = connection.Prepare("SELECT *" + from + " WHERE " + rowid + " = ?");
    if (!row) return Error(row.error());
    sampler.row_ = std::move(*row);

    for (const IndexToCheck& index : table.indexes) {
      // CROSS JOIN keeps SQLite to this order of the two.
      std::string sql = "SELECT 1" + from + " AS a CROSS JOIN " + QuoteName(table.name) +
                        " AS b INDEXED BY " + QuoteName(index.name) + " WHERE a." + rowid +
                        " = ? AND b." + rowid + " = a." + rowid;
      for (const std::string& column : index.columns) {
        sql += " AND b." + QuoteName(column) + " IS a." + QuoteName(column);
      }
      Result<Statement> lookup = connection.Prepare(sql);
      if (!lookup) return Error(lookup.error());
      sampler.lookups_.push_back({index.name, std::move(*lookup)});
    }
    return sampler;
  }

  // The error says what is not where it should be.
  Status Try(std::minstd_rand* random) {
    if (!first_) return {};  // no row
    next_.BindInteger(1, std::uniform_int_distribution<int64_t>(*first_, *last_)(*random));
    const Result<bool> next = next_.Step();
    if (!next) return next.error();
    const int64_t rowid = *next ? next_.Integer(0) : 0;
    next_.Reset();
    row_.BindInteger(1, rowid);
    const Result<bool> found = row_.Step();
    if (!found) return found.error();
    row_.Reset();
    if (!*next || !*found)
      return Status::Corruption("a row of " + name_ + " is not found by its rowid");

    for (auto& [index, lookup] : lookups_) {
      lookup.BindInteger(1, rowid);
      const Result<bool> entry = lookup.Step();
      if (!entry) return entry.error();
      lookup.Reset();
      if (*entry) continue;
      return Status::Corruption("row " + std::to_string(rowid) + " of " + name_ +
                                " is missing from the index " + index);
    }
    return {};
  }

 private:
  std::string name_;
  std::optional<int64_t> first_;
  std::optional<int64_t> last_;
  Statement next_;  // the first rowid from a given one on
  Statement row_;
  std::vector<std::pair<std::string, Statement>> lookups_;  // by the name of their index
};

// One sample of each table in turn, so that a clock that runs out takes from all of them alike.
Status SampleTables(Connection& connection, const std::vector<TableToCheck>& tables,
                    const Stopwatch& watch, std::chrono::nanoseconds at_most) {
  constexpr int kSamples = 64;
  std::vector<Sampler> samplers;
  for (const TableToCheck& table : tables) {
    if (table.rowid.empty()) continue;
    Result<Sampler> sampler = Sampler::Prepare(connection, table);
    if (!sampler) return sampler.error();
    samplers.push_back(std::move(*sampler));
  }
  std::minstd_rand random;  // the same rows in every run over the same input
  for (int i = 0; i < kSamples; ++i) {
    for (Sampler& sampler : samplers) {
      if (watch.elapsed() >= at_most) return {};
      if (Status s = sampler.Try(&random); !s.ok()) return s;
    }
  }
  return {};
}

}  // namespace

Status CheckLightly(const std::string& path, std::chrono::nanoseconds at_most) {
  const Stopwatch watch;
  const Result<FileInfo> info = Stat(path);
  if (!info) return info.error();
  Result<Connection> connection = Connection::Open(path, {.mode = OpenOptions::Mode::kReadOnly});
  if (!connection) return connection.error();

  if (Status status = CheckSize(*connection, info->size); !status.ok()) return status;
  const Result<std::vector<TableToCheck>> tables = TablesOf(*connection);
  if (!tables) return Damaged(path, tables.error().message());
  for (const TableToCheck& table : *tables) {
    if (Status s = WalkEdges(*connection, table); !s.ok()) return Damaged(path, s.message());
  }
  if (Status s = SampleTables(*connection, *tables, watch, at_most); !s.ok()) {
    return Damaged(path, s.message());
  }
  return connection->Close();
}

Status CheckThoroughly(const std::string& path, const std::string& pragma) {
  Result<Connection> connection = Connection::Open(path, {.mode = OpenOptions::Mode::kReadOnly});
  if (!connection) return connection.error();
  const Result<std::string> found = connection->Pragma(pragma);
  if (!found) return Damaged(path, found.error().message());
  if (*found != "ok") return Damaged(path, pragma + " says: " + *found);
  return connection->Close();
}

}  // namespace sluice
