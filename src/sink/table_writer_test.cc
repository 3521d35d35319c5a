// SPDX-License-Identifier: Apache-2.0
// The oracle is the plain loop: each row in a transaction of its own, by SQLite's API alone.
#include "sink/table_writer.h"

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "bind_cell.h"
#include "schema/schema.h"
#include "temporary_directory.h"
#include "torture.h"

namespace sluice {
namespace {

using Row = std::vector<Cell>;

Cell Text(std::string_view text) { return Cell::Text(text); }
Cell Int(int64_t value) { return Cell::Integer(value); }

// What became of some rows.
struct Outcome {
  uint64_t rows = 0;
  uint64_t ignored = 0;
  uint64_t replaced = 0;
  std::vector<std::string> rejects;  // "number: words"

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& result) {
  out << result.rows << " rows, " << result.ignored << " ignored, " << result.replaced
      << " replaced;";
  for (const std::string& reject : result.rejects) out << "\n  " << reject;
  return out;
}

// Columns a, b, c, d without types: what the test's own DDL says counts.
Table TableT() {
  Table table;
  table.name = "t";
  table.rowid_column = "";
  for (const char* name : {"a", "b", "c", "d"}) {
    Column column;
    column.name = name;
    column.pointers = {std::string("/") + name};
    table.columns.push_back(column);
  }
  return table;
}

std::string Dump(sqlite3* db, const std::string& sql) {
  std::string text;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    return sqlite3_errmsg(db);
  }
  while (sqlite3_step(statement) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
      text += std::to_string(sqlite3_column_type(statement, i)) + (value ? value : "") + "|";
    }
    text += "\n";
  }
  sqlite3_finalize(statement);
  return text;
}

// The plain loop.
class PlainLoop {
 public:
  PlainLoop(const std::string& ddl, Table table) : table_(std::move(table)) {
    sqlite3_open(":memory:", &db_);
    Run(ddl);
  }
  ~PlainLoop() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }
  PlainLoop(const PlainLoop&) = delete;
  PlainLoop& operator=(const PlainLoop&) = delete;

  void Run(const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db_) << "\n"
        << sql;
  }

  void Insert(const Row& row, size_t number, Outcome* result) {
    if (insert_ == nullptr) {
      const std::string sql = InsertSql(table_, "VALUES (?, ?, ?, ?)", {.or_fail = false});
      ASSERT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &insert_, nullptr), SQLITE_OK)
          << sqlite3_errmsg(db_);
    }
    for (size_t i = 0; i < row.size(); ++i) BindCell(insert_, static_cast<int>(i + 1), row[i]);
    const bool was_there = IsThere(row);
    Run("BEGIN");
    const bool is_stored = sqlite3_step(insert_) == SQLITE_DONE;
    const std::string words = sqlite3_errmsg(db_);
    const auto changes = sqlite3_changes64(db_);
    sqlite3_reset(insert_);
    if (!is_stored) {
      result->rejects.push_back(std::to_string(number) + ": " + words);
      if (sqlite3_get_autocommit(db_) == 0) Run("ROLLBACK");
      return;
    }
    Run("COMMIT");
    ++(changes == 0 ? result->ignored : result->rows);
    if (changes > 0 && was_there) ++result->replaced;
  }

  sqlite3* handle() const { return db_; }

 private:
  // Whether --replace finds the key of the row.
  bool IsThere(const Row& row) {
    if (table_.on_conflict != OnConflict::kReplace) return false;
    sqlite3_stmt* query = nullptr;
    sqlite3_prepare_v2(db_, "SELECT 1 FROM t WHERE a = ?", -1, &query, nullptr);
    BindCell(query, 1, row[0]);
    const bool is_there = sqlite3_step(query) == SQLITE_ROW;
    sqlite3_finalize(query);
    return is_there;
  }

  Table table_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

// A table as the writer sees it, with a sink's part of the work.
class Written {
 public:
  Written(const std::string& ddl, const Table& table, bool stop_at_refusal = false,
          const std::string& path = ":memory:")
      : table_(table), connection_(*Connection::Open(path, {.mode = OpenOptions::Mode::kCreate})) {
    const Status made = connection_.Execute(ddl);
    EXPECT_TRUE(made.ok()) << made.message() << "\n" << ddl;
    Result<std::unique_ptr<TableWriter>> writer = TableWriter::Open(
        &connection_, &table_, {.name = "_feed", .stop_at_refusal = stop_at_refusal});
    EXPECT_TRUE(writer.has_value()) << writer.error().message() << "\n" << ddl;
    if (writer) writer_ = std::move(*writer);
  }
  ~Written() { writer_.reset(); }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;

  void Begin() {
    ASSERT_TRUE(connection_.Execute("BEGIN IMMEDIATE").ok());
    writer_->BeginTransaction();
  }
  void Commit() { ASSERT_TRUE(connection_.Execute("COMMIT").ok()); }

  // One batch, numbered from `first`, in the open transaction: or each row in its own, where one
  // may roll it back.
  void Insert(const std::vector<Row>& rows, size_t first, Outcome* result) {
    const Result<bool> may_roll_back = writer_->MayRollBack();
    ASSERT_TRUE(may_roll_back.has_value()) << may_roll_back.error().message();
    if (!*may_roll_back) return Write(rows, first, result);
    Commit();
    for (size_t i = 0; i < rows.size(); ++i) {
      Begin();
      Write({rows[i]}, first + i, result);
      if (writer_->lost_transaction()) {
        EXPECT_FALSE(connection_.in_transaction());
        Begin();
      }
      Commit();
    }
    Begin();
  }

  // A batch that must be written.
  void Write(const std::vector<Row>& rows, size_t first, Outcome* result) {
    const Status written = TryWrite(rows, first, result);
    ASSERT_TRUE(written.ok()) << written.message();
  }

  Status TryWrite(const std::vector<Row>& rows, size_t first, Outcome* result) {
    RowBatch batch;
    batch.table = &table_;
    for (size_t i = 0; i < rows.size(); ++i) {
      batch.lines.push_back({.text = "line", .number = first + i, .byte_offset = 5 * (first + i)});
      batch.row_lines.push_back(static_cast<uint32_t>(i));
      batch.cells.insert(batch.cells.end(), rows[i].begin(), rows[i].end());
    }
    batch.counts.lines = batch.counts.rows = rows.size();
    batch.decoded_bytes = 5 * rows.size();
    const Status written = writer_->Write(&batch);
    result->rows += batch.counts.rows;
    result->ignored += batch.counts.ignored;
    result->replaced += batch.counts.replaced;
    for (const Reject& reject : batch.rejects) {
      result->rejects.push_back(std::to_string(reject.line.number) + ": " + reject.detail);
    }
    return written;
  }

  TableWriter& writer() { return *writer_; }
  sqlite3* handle() const { return connection_.handle(); }

 private:
  Table table_;
  Connection connection_;
  std::unique_ptr<TableWriter> writer_;
};

// All rows as one batch, both ways: the same counts, rejects and rows.
Outcome ExpectAsThePlainLoop(const std::string& ddl, const Table& table,
                             const std::vector<Row>& rows, const std::string& dump) {
  Outcome expected;
  PlainLoop plain(ddl, table);
  for (size_t i = 0; i < rows.size(); ++i) plain.Insert(rows[i], i + 1, &expected);
  Outcome result;
  Written written(ddl, table);
  written.Begin();
  written.Insert(rows, 1, &result);
  written.Commit();
  EXPECT_EQ(result, expected) << ddl;
  EXPECT_EQ(Dump(written.handle(), dump), Dump(plain.handle(), dump)) << ddl;
  return result;
}

std::vector<Row> Numbered(int count) {
  std::vector<Row> rows;
  for (int i = 1; i <= count; ++i) rows.push_back({Int(i), Int(i % 3), Text("x"), Cell::Null()});
  return rows;
}

constexpr char kT[] = "CREATE TABLE t(a, b, c, d);";
constexpr char kDump[] = "SELECT rowid, * FROM t";

TEST(TableWriter, ARowThatATriggerAbortsIsARejectWhateverItsPlace) {
  for (const char* how : {"ABORT", "FAIL", "ROLLBACK"}) {
    for (const char* when : {"BEFORE", "AFTER"}) {
      const std::string ddl = std::string(kT) + "CREATE TRIGGER no_five " + when +
                              " INSERT ON t WHEN new.a = 5 BEGIN SELECT RAISE(" + how +
                              ", 'no'); END";
      for (int rows : {5, 10}) {
        const Outcome result = ExpectAsThePlainLoop(ddl, TableT(), Numbered(rows), kDump);
        EXPECT_EQ(result.rows, static_cast<uint64_t>(rows - 1)) << ddl;
        EXPECT_EQ(result.rejects, std::vector<std::string>{"5: no"}) << ddl;
      }
    }
  }
}

TEST(TableWriter, NothingOfARefusedRowRemains) {
  // RAISE(FAIL) alone would keep what the trigger wrote before it.
  ExpectAsThePlainLoop(std::string(kT) +
                           "CREATE TABLE log(x); CREATE TRIGGER r AFTER INSERT ON t BEGIN"
                           " INSERT INTO log VALUES (new.a);"
                           " SELECT RAISE(FAIL, 'even') WHERE new.a % 2 = 0; END",
                       TableT(), Numbered(9),
                       "SELECT 'log', x, 0, 0, 0 FROM log UNION ALL " + std::string(kDump));
}

TEST(TableWriter, WhatATriggerIgnoresIsIgnoredAndWhatItDeletesCounts) {
  Outcome result = ExpectAsThePlainLoop(std::string(kT) +
                                            "CREATE TRIGGER r BEFORE INSERT ON t WHEN new.b = 0"
                                            " BEGIN SELECT RAISE(IGNORE); END",
                                        TableT(), Numbered(9), kDump);
  EXPECT_EQ(result.ignored, 3u);
  result = ExpectAsThePlainLoop(
      std::string(kT) +
          "CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t WHERE a < new.a; END",
      TableT(), Numbered(9), kDump);
  EXPECT_EQ(result.rows, 9u);
}

TEST(TableWriter, ATriggersOwnConflictClauseHolds) {
  const std::string ddl = std::string(kT) +
                          "CREATE TABLE tags(tag UNIQUE); CREATE TRIGGER r AFTER INSERT ON t"
                          " BEGIN INSERT OR IGNORE INTO tags VALUES (new.b); END";
  const Outcome result = ExpectAsThePlainLoop(ddl, TableT(), Numbered(9), kDump);
  EXPECT_EQ(result.rows, 9u);
}

TEST(TableWriter, TheTablesOwnConflictClauseHolds) {
  for (const char* how : {"ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"}) {
    const std::string ddl =
        std::string("CREATE TABLE t(a, b UNIQUE ON CONFLICT ") + how + ", c, d NOT NULL DEFAULT 1)";
    std::vector<Row> rows = Numbered(9);
    for (Row& row : rows) row[3] = Int(1);
    ExpectAsThePlainLoop(ddl, TableT(), rows, kDump);
  }
}

TEST(TableWriter, AnErrorOfOneRowIsItsReject) {
  std::vector<Row> rows = Numbered(9);
  for (Row& row : rows) row[2] = Text("{\"x\":1}");
  rows[2][2] = rows[6][2] = Text("not json");
  rows[8][2] = Text("{\"x\":9}");
  for (const char* ddl :
       {"CREATE TABLE t(a, b, c, d); CREATE INDEX i ON t(json_extract(c, '$.x'))",
        "CREATE TABLE t(a, b, c, d); CREATE INDEX i ON t(a) WHERE json_extract(c, '$.x') > 0",
        "CREATE TABLE t(a, b, c, d, g AS (json_extract(c, '$.x')) STORED)",
        "CREATE TABLE t(a, b, c, d, g AS (json_extract(c, '$.x')) UNIQUE)",
        "CREATE TABLE t(a, b, c CHECK(json_extract(c, '$.x') < 9), d)",
        "CREATE TABLE t(a, b, c, d); CREATE TRIGGER r AFTER INSERT ON t"
        " BEGIN SELECT json_extract(new.c, '$.x'); END"}) {
    const Outcome result = ExpectAsThePlainLoop(ddl, TableT(), rows, "SELECT * FROM t");
    EXPECT_GE(result.rejects.size(), 2u) << ddl;
    EXPECT_GE(result.rows, 1u) << ddl;
  }
}

TEST(TableWriter, AValueOfAnotherTypeIsAReject) {
  std::vector<Row> rows = Numbered(9);
  rows[1][0] = Text("x9");
  rows[2][0] = Cell::Real(4.5);
  rows[3][0] = Text("44");
  rows[4][0] = Cell::Real(55.0);
  for (const char* ddl : {"CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d)",
                          "CREATE TABLE t(a INTEGER, b ANY, c ANY, d ANY) STRICT",
                          "CREATE TABLE t(a INTEGER PRIMARY KEY, b ANY, c ANY, d ANY) STRICT",
                          "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d) WITHOUT ROWID"}) {
    ExpectAsThePlainLoop(ddl, TableT(), rows, "SELECT * FROM t");
  }
  Table keyed = TableT();
  keyed.primary_key = {"a"};
  for (const OnConflict rule : {OnConflict::kReject, OnConflict::kIgnore, OnConflict::kReplace}) {
    keyed.on_conflict = rule;
    rows[7][0] = Int(1);
    const Outcome result = ExpectAsThePlainLoop("CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d)",
                                                keyed, rows, "SELECT * FROM t");
    EXPECT_EQ(result.rejects[0], "2: datatype mismatch");
    EXPECT_EQ(result.rejects[1], "3: datatype mismatch");
  }
}

TEST(TableWriter, ARowThatWasToReplaceAndWasRefusedReplacedNone) {
  Table keyed = TableT();
  keyed.primary_key = {"a"};
  keyed.on_conflict = OnConflict::kReplace;
  const std::vector<Row> rows = {
      {Int(1), Int(1), Text("x"), Int(1)}, {Int(2), Int(2), Text("x"), Int(1)},
      {Int(1), Int(3), Text("y"), Int(1)}, {Int(1), Int(2), Text("z"), Int(1)},
      {Int(3), Int(3), Text("z"), Int(1)}, {Int(2), Int(5), Text("z"), Int(1)}};
  for (const char* more : {"", "CREATE TRIGGER r AFTER UPDATE ON t BEGIN SELECT 1; END",
                           "CREATE TRIGGER r BEFORE UPDATE ON t WHEN new.b = 5"
                           " BEGIN SELECT RAISE(IGNORE); END"}) {
    ExpectAsThePlainLoop(std::string("CREATE TABLE t(a PRIMARY KEY, b UNIQUE, c, d);") + more,
                         keyed, rows, kDump);
  }
}

TEST(TableWriter, RowsOfAViewAreCountedThoughSqliteCountsNone) {
  Outcome result;
  Written written(std::string("CREATE TABLE u(a, b, c, d); CREATE VIEW t AS SELECT * FROM u;") +
                      "CREATE TRIGGER r INSTEAD OF INSERT ON t BEGIN"
                      " SELECT RAISE(ABORT, 'no') WHERE new.a = 2;"
                      " INSERT INTO u VALUES (new.a, new.b, new.c, new.d); END",
                  TableT());
  written.Begin();
  written.Insert(Numbered(4), 1, &result);
  written.Commit();
  EXPECT_EQ(result.rows, 3u);
  EXPECT_EQ(result.rejects, std::vector<std::string>{"2: no"});
  EXPECT_EQ(Dump(written.handle(), "SELECT a FROM u"), "11|\n13|\n14|\n");
}

TEST(TableWriter, ATriggerThatAppearsBetweenTransactionsIsSeen) {
  TemporaryDirectory folder;
  const std::string path = folder / "a.db";
  Outcome result;
  Written written(std::string("PRAGMA journal_mode=WAL;") + kT, TableT(), false, path);
  written.Begin();
  written.Insert(Numbered(4), 1, &result);
  written.Commit();
  const std::string trigger =
      "CREATE TRIGGER r BEFORE INSERT ON t WHEN new.a = 2 BEGIN SELECT RAISE(ABORT, 'no'); END";
  {
    Connection other = *Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
    ASSERT_TRUE(other.Execute(trigger).ok());
  }
  written.Begin();
  written.Insert(Numbered(4), 5, &result);
  written.Commit();
  EXPECT_EQ(result.rows, 7u);
  EXPECT_EQ(result.rejects, std::vector<std::string>{"6: no"});
  // And one of the connection's own.
  ASSERT_EQ(sqlite3_exec(written.handle(),
                         "DROP TRIGGER r; CREATE TEMP TRIGGER q AFTER INSERT ON t WHEN new.a = 3"
                         " BEGIN SELECT RAISE(ROLLBACK, 'never'); END",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  written.Begin();
  written.Insert(Numbered(4), 9, &result);
  written.Commit();
  EXPECT_EQ(result.rejects.back(), "11: never");
  EXPECT_EQ(Dump(written.handle(), "SELECT count(*) FROM t"), "110|\n");
}

// Such a database is a new one, which has no triggers.
TEST(TableWriter, WithoutAJournalRowsAreRefusedOneByOne) {
  TemporaryDirectory folder;
  Table keyed = TableT();
  keyed.primary_key = {"a"};
  std::vector<Row> rows = Numbered(9);
  rows[1][0] = Text("x9");
  rows[5][0] = Cell::Real(4.5);
  Outcome result;
  Written written("PRAGMA journal_mode=OFF; CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d)", keyed,
                  false, folder / "a.db");
  written.Begin();
  written.Insert(rows, 1, &result);
  written.Commit();
  EXPECT_EQ(result.rows, 7u);
  EXPECT_EQ(result.rejects.size(), 2u);
  EXPECT_EQ(Dump(written.handle(), "PRAGMA integrity_check"), "3ok|\n");

  // What is to replace a row may break another key.
  keyed.on_conflict = OnConflict::kReplace;
  const std::string ddl = "CREATE TABLE t(a PRIMARY KEY, b UNIQUE, c, d)";
  rows = Numbered(3);
  rows.push_back({Int(1), Int(2), Text("y"), Int(1)});
  rows.push_back({Int(3), Int(7), Text("y"), Int(1)});
  PlainLoop plain(ddl, keyed);
  Written replaced("PRAGMA journal_mode=OFF;" + ddl, keyed, false, folder / "b.db");
  Outcome expected, outcome;
  for (size_t i = 0; i < rows.size(); ++i) plain.Insert(rows[i], i + 1, &expected);
  replaced.Begin();
  replaced.Insert(rows, 1, &outcome);
  replaced.Commit();
  EXPECT_EQ(outcome, expected);
  EXPECT_EQ(Dump(replaced.handle(), kDump), Dump(plain.handle(), kDump));
  EXPECT_EQ(Dump(replaced.handle(), "PRAGMA integrity_check"), "3ok|\n");
}

TEST(TableWriter, StopsAtTheFirstRefusalIfItIsTold) {
  for (const char* more : {"", "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END"}) {
    Outcome result;
    Written written(std::string("CREATE TABLE t(a, b, c, d NOT NULL);") + more, TableT(), true);
    std::vector<Row> rows = Numbered(9);
    for (size_t i = 0; i < rows.size(); ++i) rows[i][3] = i == 4 ? Cell::Null() : Int(1);
    written.Begin();
    written.Insert(rows, 1, &result);
    written.Commit();
    EXPECT_EQ(result.rejects, std::vector<std::string>{"5: NOT NULL constraint failed: t.d"});
    EXPECT_EQ(Dump(written.handle(), "SELECT count(*) FROM t"), "14|\n") << more;
  }
}

// Of a table whose rows may all be refused, work is done for a few times as many rows as there are.
TEST(TableWriter, TheWorkIsLinearHoweverManyRowsAreRefused) {
  constexpr int kRows = 20'000;
  std::vector<Row> rows;
  for (int i = 0; i < kRows; ++i) rows.push_back({Int(i), Int(i % 2), Text("x"), Int(1)});
  for (const char* refused : {"new.b = 1", "1", "new.a % 100 = 99", "new.a = 19999"}) {
    Outcome result;
    Written written(std::string(kT) + "CREATE TRIGGER r BEFORE INSERT ON t WHEN " + refused +
                        " BEGIN SELECT RAISE(ABORT, 'no'); END",
                    TableT());
    written.Begin();
    const int64_t before = sqlite3_total_changes64(written.handle());
    written.Insert(rows, 1, &result);
    written.Commit();
    EXPECT_EQ(result.rows + result.rejects.size(), static_cast<uint64_t>(kRows));
    EXPECT_LE(sqlite3_total_changes64(written.handle()) - before, 5 * kRows) << refused;
  }
}

// --- Random tables, triggers and rows

class RandomCase {
 public:
  explicit RandomCase(uint64_t seed) : random_(seed) {
    table_ = TableT();
    MakeTable();
    const size_t triggers = Below(4);
    for (size_t i = 0; i < triggers; ++i) MakeTrigger(i);
    if (Below(4) == 0 && has_rowid_) MakeFullText();
  }

  const std::string& ddl() const { return ddl_; }
  const Table& table() const { return table_; }
  std::string dump() const {
    return std::string("SELECT ") + (has_rowid_ ? "rowid, " : "") +
           "a, b, c, d FROM t ORDER BY 1, 2, 3, 4";
  }
  bool has_full_text() const { return has_full_text_; }
  size_t Below(int limit) { return static_cast<size_t>(random_() % static_cast<uint64_t>(limit)); }

  Row NextRow() {
    Row row;
    for (int i = 0; i < 4; ++i) row.push_back(NextCell(i));
    return row;
  }

 private:
  const char* OneOf(std::vector<const char*> choices) {
    return choices[Below(static_cast<int>(choices.size()))];
  }

  void MakeTable() {
    const bool is_strict = Below(6) == 0;
    const std::string any = is_strict ? " ANY" : "";
    std::string a = OneOf({" INTEGER", " TEXT", " INTEGER", ""});
    if (is_strict && a.empty()) a = " ANY";
    const bool has_key = Below(2) == 0;
    if (has_key) {
      table_.primary_key = {"a"};
      table_.on_conflict = static_cast<OnConflict>(Below(3));
      a += " PRIMARY KEY";
    }
    std::string b = any, c = is_strict ? " TEXT" : "", d = any;
    if (Below(3) == 0) b += std::string(" UNIQUE") + Conflict();
    if (Below(4) == 0) d += std::string(" NOT NULL") + Conflict();
    c += OneOf({"", "", " CHECK(c <> 'bad')", " CHECK(json_extract(c, '$.x') IS NOT 7)"});
    ddl_ = "CREATE TABLE t(a" + a + ", b" + b + ", c" + c + ", d" + d;
    const std::string type = is_strict ? " ANY" : "";
    if (Below(5) == 0) ddl_ += ", g" + type + " AS (json_extract(c, '$.x')) STORED";
    has_rowid_ = !(has_key && Below(6) == 0);
    std::string options = has_rowid_ ? "" : "WITHOUT ROWID";
    if (is_strict) options += options.empty() ? "STRICT" : ", STRICT";
    ddl_ += ") " + options + ";";
    ddl_ += OneOf({"", "", "CREATE UNIQUE INDEX u ON t(b, d);", "CREATE INDEX i ON t(abs(d));",
                   "CREATE UNIQUE INDEX p ON t(d) WHERE json_extract(c, '$.x') > 3;"});
    ddl_ += "CREATE TABLE log(n INTEGER PRIMARY KEY AUTOINCREMENT, x UNIQUE, y NOT NULL);";
  }

  std::string Conflict() {
    if (Below(3) > 0) return "";
    return std::string(" ON CONFLICT ") + OneOf({"ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"});
  }

  void MakeTrigger(size_t number) {
    const std::string body = OneOf(
        {"SELECT RAISE(ABORT, 'aborted')", "SELECT RAISE(FAIL, 'failed')", "SELECT RAISE(IGNORE)",
         "SELECT RAISE(ROLLBACK, 'rolled back')",
         "INSERT INTO log(x, y) VALUES (new.d, 1); SELECT RAISE(FAIL, 'failed late')",
         "INSERT INTO log(x, y) VALUES (new.d, new.b)",
         "INSERT OR IGNORE INTO log(x, y) VALUES (new.d, new.b)",
         "INSERT OR REPLACE INTO log(x, y) VALUES (new.d, 1)",
         "INSERT OR FAIL INTO log(x, y) VALUES (new.b, 1)",
         "INSERT OR ROLLBACK INTO log(x, y) VALUES (new.b, 1)", "DELETE FROM t WHERE d = new.d - 1",
         "UPDATE t SET c = 'changed' WHERE d = new.d - 2",
         "INSERT INTO log(x, y) VALUES (json_extract(new.c, '$.x'), 1)",
         "UPDATE log SET y = y + 1 WHERE x = new.b", "SELECT abs(new.d)"});
    const std::string when = OneOf({"", " WHEN new.d % 3 = 0", " WHEN new.d % 5 = 1",
                                    " WHEN new.b > 3", " WHEN new.d % 2 = 0"});
    ddl_ += std::string("CREATE ") + OneOf({"", "", "TEMP "}) + "TRIGGER r" +
            std::to_string(number) + " " + OneOf({"BEFORE", "AFTER"}) + " " +
            OneOf({"INSERT", "INSERT", "INSERT", "UPDATE"}) + " ON t" + when + " BEGIN " + body +
            "; END;";
  }

  // As a schema's [[fulltext]] makes it.
  void MakeFullText() {
    has_full_text_ = true;
    Table named = table_;
    named.rowid_column = "rowid";
    for (const std::string& sql : CreateFullTextSql(named, {"f", {"c"}, ""})) ddl_ += sql + ";";
  }

  Cell NextCell(int column) {
    static const std::string texts[] = {"bad", "{\"x\":7}", "{\"x\":1}", "not json", "12", "x", ""};
    const size_t kind = Below(12);
    if (kind == 0 && column != 3) return Cell::Null();
    if (column == 2 || kind == 1) return Cell::Text(texts[Below(std::size(texts))]);
    if (kind == 2) return Cell::Real(static_cast<double>(Below(20)) / 2);
    if (column == 3)
      return kind == 3 ? Cell::Null() : Cell::Integer(static_cast<int64_t>(Below(40)));
    return Cell::Integer(static_cast<int64_t>(Below(column == 0 ? 60 : 12)));
  }

  std::mt19937_64 random_;
  Table table_;
  std::string ddl_;
  bool has_rowid_ = true;
  bool has_full_text_ = false;
};

void CompareRandomCase(uint64_t seed) {
  RandomCase random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + random.ddl() + "\non_conflict " +
               std::to_string(static_cast<int>(random.table().on_conflict)));
  PlainLoop plain(random.ddl(), random.table());
  Written written(random.ddl(), random.table());
  Outcome expected, result;
  size_t number = 1;
  for (size_t commits = 1 + random.Below(3); commits > 0; --commits) {
    written.Begin();
    for (size_t batches = 1 + random.Below(3); batches > 0; --batches) {
      std::vector<Row> rows;
      for (size_t count = random.Below(40); count > 0; --count) rows.push_back(random.NextRow());
      // A row without a key is refused before SQLite sees it.
      for (size_t i = 0; i < rows.size(); ++i) {
        const bool has_no_key =
            !random.table().primary_key.empty() && rows[i][0].type == CellType::kNull;
        if (has_no_key) {
          expected.rejects.push_back(std::to_string(number + i) +
                                     ": no value for the primary key a");
        } else {
          plain.Insert(rows[i], number + i, &expected);
        }
      }
      written.Insert(rows, number, &result);
      number += rows.size();
    }
    written.Commit();
  }
  // A BEFORE trigger may delete what the oracle looked for, before SQLite looks.
  if (random.ddl().find("DELETE FROM t") != std::string::npos) {
    expected.replaced = result.replaced = 0;
  }
  EXPECT_EQ(result, expected);
  for (const std::string& sql : {random.dump(), std::string("SELECT * FROM log"),
                                 std::string("SELECT * FROM sqlite_sequence")}) {
    EXPECT_EQ(Dump(written.handle(), sql), Dump(plain.handle(), sql)) << sql;
  }
  EXPECT_EQ(Dump(written.handle(), "PRAGMA integrity_check"), "3ok|\n");
  if (random.has_full_text()) {
    for (const char* word : {"bad", "changed", "json", "12"}) {
      const std::string sql = "SELECT rowid FROM f WHERE f MATCH '" + std::string(word) + "'";
      EXPECT_EQ(Dump(written.handle(), sql), Dump(plain.handle(), sql)) << sql;
    }
  }
}

TEST(TableWriter, DoesAsThePlainLoopWithRandomTriggersAndConstraints) {
  for (uint64_t seed = 1; seed <= 500 && !testing::Test::HasFailure(); ++seed) {
    CompareRandomCase(seed);
  }
}

TEST(TableWriterTorture, DoesAsThePlainLoopWithMoreRandomTriggersAndConstraints) {
  const uint64_t last = ShortTorture() ? 120'000 : 400'000;
  for (uint64_t seed = 100'000; seed <= last && !testing::Test::HasFailure(); ++seed) {
    CompareRandomCase(seed);
  }
}

}  // namespace
}  // namespace sluice
