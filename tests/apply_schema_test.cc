// SPDX-License-Identifier: Apache-2.0
// A schema file was edited, and is applied to the table that an earlier version of it made: every
// kind of change, what is kept beside it, and failures at every call, after which all is as it was.
#include "sluice/apply_schema.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "database_view.h"
#include "fault_vfs.h"
#include "power_loss.h"
#include "schema/schema.h"
#include "sink/table_change.h"
#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kSchema[] = R"(table = "t"
index_prefix = "i_"
[[column]]
name = "a"
type = "INTEGER NOT NULL"
[[column]]
name = "b"
type = "TEXT"
[[column]]
name = "c"
from = "/deep/x"
[[index]]
name = "i_b"
columns = ["b"]
[[view]]
name = "v"
sql = "SELECT a FROM t"
[[fulltext]]
name = "f"
columns = ["b"]
)";
constexpr char kLineColumn[] = "[[column]]\nname = \"line\"\nfrom = \"@line\"\ntype = \"TEXT\"\n";

constexpr char kLog[] = R"({"a":1,"b":"02139","deep":{"x":5,"y":"five"}}
{"b":"no a","deep":{"x":"s"}}
{"a":3,"b":"7","deep":{"x":1.5,"y":[1, 2]}}
{"a":4,"deep":{"x":null,"y":"\u0041"}}
)";

class ApplySchemaTest : public testing::Test {
 protected:
  static std::string Edited(std::string toml, const std::string& from, const std::string& to) {
    const size_t at = toml.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return toml.replace(at, from.size(), to);
  }

  void Ingest(const std::string& schema, const std::string& log = kLog) {
    IngestOptions options;
    options.database = database_;
    options.inputs = {folder_.Write("log.jsonl", log)};
    options.schema = folder_.Write("first.toml", schema);
    options.memory_bytes = uint64_t{32} << 20;
    const Result<IngestSummary> summary = RunIngest(options);
    ASSERT_TRUE(summary.has_value()) << summary.error().message();
  }

  ApplyOptions Options(const std::string& schema) const {
    ApplyOptions options;
    options.database = database_;
    options.schema = folder_.Write("edited.toml", schema);
    return options;
  }
  ApplySummary Apply(const ApplyOptions& options) {
    const Result<ApplySummary> summary = ApplySchema(options);
    if (summary) return *summary;
    ADD_FAILURE() << summary.error().message() << "\n" << summary.error().remedy();
    return {};
  }
  ApplySummary Apply(const std::string& schema) { return Apply(Options(schema)); }

  // The error, after which the database is what it was.
  Status Failure(const ApplyOptions& options) {
    const std::vector<std::string> before = Everything();
    const Result<ApplySummary> summary = ApplySchema(options);
    EXPECT_FALSE(summary.has_value());
    EXPECT_EQ(Everything(), before);
    if (summary) return {};
    EXPECT_NE(summary.error().remedy(), "") << summary.error().message();
    return summary.error();
  }

  std::vector<std::string> Rows(const std::string& sql) {
    return DatabaseView(database_).TypedRows(sql);
  }
  std::string One(const std::string& sql) { return DatabaseView(database_).One(sql); }

  static std::vector<std::string> EverythingOf(const std::string& database) {
    DatabaseView view(database);
    std::vector<std::string> all = view.TypedRows("SELECT rowid, * FROM t ORDER BY rowid");
    for (const char* sql :
         {"SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*' "
          "ORDER BY type, name",
          "SELECT table_name, schema FROM _sluice_schemas",
          "SELECT line_number, reason FROM _sluice_rejects"}) {
      for (std::string& row : view.TypedRows(sql)) all.push_back(std::move(row));
    }
    all.push_back(view.Integrity());
    return all;
  }
  std::vector<std::string> Everything() { return EverythingOf(database_); }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
};

TEST_F(ApplySchemaTest, AWidenedColumnTakesItsRejects) {
  Ingest(kSchema);
  ASSERT_EQ(One("SELECT count(*) FROM _sluice_rejects"), "1");
  const ApplySummary summary = Apply(Edited(kSchema, "INTEGER NOT NULL", "INTEGER"));
  EXPECT_THAT(summary.changes, ElementsAre("column a: NOT NULL goes"));
  EXPECT_TRUE(summary.rebuilt);
  EXPECT_EQ(summary.rows, 3u);
  EXPECT_EQ(summary.retried.rows, 1u);
  EXPECT_THAT(Rows("SELECT id, a, b FROM t"),
              ElementsAre("i1|i1|t02139", "i2|i3|t7", "i3|i4|nNULL", "i4|nNULL|tno a"));
  EXPECT_EQ(One("SELECT count(*) FROM _sluice_rejects"), "0");
  EXPECT_EQ(One("SELECT \"notnull\" FROM pragma_table_info('t') WHERE name = 'a'"), "0");
  EXPECT_EQ(One("SELECT rowid FROM f WHERE f MATCH '02139'"), "1");
  EXPECT_EQ(One("SELECT rowid FROM f WHERE f MATCH 'no'"), "4") << "its triggers are there";
  EXPECT_EQ(One("SELECT name FROM pragma_index_list('t')"), "i_b");
  DatabaseView(database_).Run("INSERT INTO f(f) VALUES ('integrity-check')");
  EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");
  EXPECT_THAT(Apply(Edited(kSchema, "INTEGER NOT NULL", "INTEGER")).changes, IsEmpty());
}

TEST_F(ApplySchemaTest, AllRejectsAreTriedHoweverManyThereAre) {
  std::string log;
  for (int i = 0; i < 2500; ++i) log += i % 2 == 0 ? "{\"b\":\"x\"}\n" : "{\"a\":\n";
  Ingest(kSchema, log);
  const ApplySummary summary = Apply(Edited(kSchema, "INTEGER NOT NULL", "INTEGER"));
  EXPECT_EQ(summary.retried.tried, 2500u);
  EXPECT_EQ(summary.retried.rows, 1250u);
  EXPECT_EQ(One("SELECT count(*) FROM _sluice_rejects"), "1250");
}

TEST_F(ApplySchemaTest, ATypeIsChangedIfEveryValueComesBack) {
  Ingest(kSchema);
  // Whatever an INTEGER is, TEXT gives back.
  Apply(Edited(kSchema, "INTEGER NOT NULL", "TEXT NOT NULL"));
  EXPECT_THAT(Rows("SELECT a FROM t"), ElementsAre("t1", "t3", "t4"));
  EXPECT_THAT(One("SELECT schema FROM _sluice_schemas"), HasSubstr("TEXT NOT NULL"));
  Apply(kSchema);
  EXPECT_THAT(Rows("SELECT a FROM t"), ElementsAre("i1", "i3", "i4"));

  const Status lost = Failure(Options(Edited(kSchema, "\"TEXT\"", "\"INTEGER\"")));
  EXPECT_EQ(lost.code(), StatusCode::kConstraint);
  EXPECT_THAT(lost.message(), AllOf(HasSubstr("column b: 1 value does not survive INTEGER"),
                                    HasSubstr("rowid 1: '02139' would be 2139")));
  DatabaseView(database_).Run("UPDATE t SET b = '2139' WHERE id = 1");
  Apply(Edited(kSchema, "\"TEXT\"", "\"INTEGER\""));
  EXPECT_THAT(Rows("SELECT b FROM t ORDER BY id"), ElementsAre("i2139", "i7", "nNULL"));
}

// What SQLite's columns make of values, and of what they made by the way back, is the oracle.
TEST_F(ApplySchemaTest, ARoundTripIsJudgedAsSqliteWouldMakeIt) {
  const std::vector<std::string> values = {"5",
                                           "9007199254740993",
                                           "-9223372036854775808",
                                           "9223372036854775807",
                                           "1.5",
                                           "5.0",
                                           "'05'",
                                           "'5'",
                                           "'abc'",
                                           "x'00'"};
  const std::vector<std::string> types = {"", "TEXT", "INTEGER", "REAL", "NUMERIC"};
  int survived = 0;
  const auto schema = [](const std::string& type) {
    return "table = \"t\"\n[[column]]\nname = \"x\"\ntype = \"" + type + "\"\n";
  };
  const std::string original = folder_ / "original.db";
  for (const std::string& from : types) {
    std::filesystem::remove(database_);
    Ingest(schema(from), "{\"x\":1}\n");
    std::filesystem::copy_file(database_, original,
                               std::filesystem::copy_options::overwrite_existing);
    for (const std::string& to : types) {
      if (from == to) continue;
      for (const std::string& value : values) {
        DatabaseView view(":memory:");
        view.Run("CREATE TABLE o(x " + from + "); CREATE TABLE n(x " + to + "); CREATE TABLE b(x " +
                 from + "); INSERT INTO o VALUES (" + value +
                 "); INSERT INTO n SELECT x FROM o; INSERT INTO b SELECT x FROM n");
        const bool comes_back =
            view.One("SELECT o.x IS b.x AND typeof(o.x) = typeof(b.x) FROM o, b") == "1";

        std::filesystem::copy_file(original, database_,
                                   std::filesystem::copy_options::overwrite_existing);
        DatabaseView(database_).Run("DELETE FROM t; INSERT INTO t(x) VALUES (" + value + ")");
        const Result<ApplySummary> applied = ApplySchema(Options(schema(to)));
        EXPECT_EQ(applied.has_value(), comes_back) << value << " " << from << " -> " << to;
        EXPECT_EQ(Rows("SELECT x FROM t"),
                  view.TypedRows(applied ? "SELECT x FROM n" : "SELECT x FROM o"));
        survived += applied.has_value();
      }
    }
  }
  EXPECT_GT(survived, 60);
}

TEST_F(ApplySchemaTest, WhatRowsBreakIsRefusedWithACountAndAnExample) {
  Ingest(kSchema);
  const Status narrowed = Failure(Options(Edited(kSchema, "\"TEXT\"", "\"TEXT NOT NULL\"")));
  EXPECT_EQ(narrowed.code(), StatusCode::kConstraint);
  EXPECT_THAT(narrowed.message(),
              AllOf(HasSubstr("1 row of t have no value in b"), HasSubstr("rowid 3")));
  DatabaseView(database_).Run("UPDATE t SET b = '7' WHERE b IS NULL");
  const std::string unique = "columns = [\"b\"]\nunique = true\n[[view]]";
  const Status doubled = Failure(Options(Edited(kSchema, "columns = [\"b\"]\n[[view]]", unique)));
  EXPECT_EQ(doubled.code(), StatusCode::kConstraint);
  EXPECT_THAT(doubled.message(), AllOf(HasSubstr("i_b"), HasSubstr("1 keys"), HasSubstr("'7'")));
  DatabaseView(database_).Run("UPDATE t SET b = '8' WHERE id = 3");
  Apply(Edited(Edited(kSchema, "columns = [\"b\"]\n[[view]]", unique), "\"TEXT\"",
               "\"TEXT NOT NULL\""));
  EXPECT_EQ(One("SELECT \"unique\" FROM pragma_index_list('t')"), "1");
  EXPECT_EQ(One("SELECT \"notnull\" FROM pragma_table_info('t') WHERE name = 'b'"), "1");
}

TEST_F(ApplySchemaTest, AChangedPointerIsReadFromTheLineThatIsKept) {
  const std::string schema = Edited(kSchema, "[[index]]", std::string(kLineColumn) + "[[index]]");
  Ingest(schema);
  const std::string edited = Edited(Edited(schema, "/deep/x", "/deep/y"), "[[index]]",
                                    "[[column]]\nname = \"d\"\nfrom = \"/deep\"\n[[index]]");
  const ApplySummary summary = Apply(edited);
  EXPECT_THAT(summary.changes,
              ElementsAre("column c: from /deep/x becomes from /deep/y", "column d is new"));
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE c IS NOT json_extract(line, '$.deep.y') OR "
                "d IS NOT json_extract(line, '$.deep') OR typeof(c) <> "
                "typeof(json_extract(line, '$.deep.y'))"),
            "0");
  EXPECT_THAT(Rows("SELECT id, c FROM t"), ElementsAre("i1|tfive", "i2|t[1,2]", "i3|tA"));

  // With --new-lines-only the rows stay.
  ApplyOptions options = Options(schema);
  options.new_lines_only = true;
  options.drop = true;
  Apply(options);
  EXPECT_THAT(Rows("SELECT c FROM t"), ElementsAre("tfive", "t[1,2]", "tA"));
  EXPECT_THAT(One("SELECT schema FROM _sluice_schemas"), HasSubstr("/deep/x"));
}

TEST_F(ApplySchemaTest, AChangedPointerWithoutLinesIsRefusedUnlessOnlyNewLinesCount) {
  Ingest(kSchema);
  ApplyOptions options = Options(Edited(kSchema, "/deep/x", "/deep/y"));
  const Status failure = Failure(options);
  EXPECT_EQ(failure.code(), StatusCode::kUsage);
  EXPECT_THAT(failure.message(), HasSubstr("column c: from /deep/x becomes from /deep/y"));
  EXPECT_THAT(failure.remedy(), HasSubstr("--new-lines-only"));
  options.new_lines_only = true;
  EXPECT_FALSE(Apply(options).rebuilt);
  EXPECT_THAT(Rows("SELECT c FROM t"), ElementsAre("i5", "r1.5", "nNULL"));
  EXPECT_THAT(One("SELECT schema FROM _sluice_schemas"), HasSubstr("/deep/y"));
}

TEST_F(ApplySchemaTest, ALineThatCannotFillItsRowIsRefusedWithAnExample) {
  const std::string schema = Edited(kSchema, "[[index]]", std::string(kLineColumn) + "[[index]]");
  Ingest(schema);
  const Status none = Failure(Options(
      Edited(schema, "[[index]]",
             "[[column]]\nname = \"d\"\nfrom = \"/deep/x\"\ntype = \"TEXT NOT NULL\"\n[[index]]")));
  EXPECT_THAT(none.message(), AllOf(HasSubstr("1 row of t cannot be filled"),
                                    HasSubstr("rowid 3: its line has nothing for d")));
  DatabaseView(database_).Run("UPDATE t SET line = '[]' WHERE id = 2");
  EXPECT_THAT(Failure(Options(Edited(schema, "/deep/x", "/deep/y"))).message(),
              HasSubstr("rowid 2: its line is no row"));
}

TEST_F(ApplySchemaTest, AColumnThatIsGoneNeedsTheWordDrop) {
  Ingest(kSchema);
  const std::string edited = Edited(kSchema, "[[column]]\nname = \"c\"\nfrom = \"/deep/x\"\n", "");
  ApplyOptions options = Options(edited);
  EXPECT_THAT(Failure(options).remedy(), HasSubstr("--drop"));
  options.drop = true;
  Apply(options);
  EXPECT_THAT(Rows("SELECT name FROM pragma_table_info('t')"), ElementsAre("tid", "ta", "tb"));
}

TEST_F(ApplySchemaTest, WhatTheSchemaNoLongerListsGoes) {
  Ingest(kSchema);
  std::string edited = kSchema;
  edited = edited.substr(0, edited.find("[[index]]"));
  const ApplySummary summary = Apply(edited);
  EXPECT_FALSE(summary.rebuilt);
  EXPECT_THAT(summary.changes,
              ElementsAre("index i_b is gone", "view v is gone", "full text f is gone"));
  EXPECT_THAT(Rows("SELECT name FROM sqlite_schema WHERE name NOT GLOB '_sluice_*' AND name NOT "
                   "GLOB 'sqlite_*'"),
              ElementsAre("tt"));
  // And back again, the full text over two columns.
  Apply(
      Edited(kSchema, "name = \"f\"\ncolumns = [\"b\"]", "name = \"f\"\ncolumns = [\"b\", \"c\"]"));
  EXPECT_EQ(One("SELECT rowid FROM f WHERE f MATCH '\"1.5\"'"), "2");
}

TEST_F(ApplySchemaTest, WhatOthersMadeIsKept) {
  Ingest(kSchema);
  DatabaseView(database_).Run(
      "CREATE TABLE log(x); ALTER TABLE t ADD COLUMN mine INTEGER DEFAULT 9 CHECK (mine > 0);"
      "CREATE INDEX mine_i ON t(mine, b); CREATE VIEW mine_v AS SELECT mine, a FROM t;"
      "CREATE TRIGGER mine_t AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.b); END;"
      "CREATE TABLE child(t_id REFERENCES t(id)); INSERT INTO child VALUES (2);"
      "CREATE VIRTUAL TABLE mine_f USING fts5(c, content='t', content_rowid='id');"
      "INSERT INTO mine_f(mine_f) VALUES ('rebuild'); UPDATE t SET mine = 10 WHERE id = 2");
  Apply(Edited(kSchema, "INTEGER NOT NULL", "TEXT"));
  EXPECT_THAT(Rows("SELECT mine, a FROM mine_v"),
              ElementsAre("i9|t1", "i10|t3", "i9|t4", "i9|nNULL"));
  EXPECT_THAT(Rows("SELECT x FROM log"), ElementsAre("tno a")) << "the retried line, and no other";
  EXPECT_EQ(One("SELECT count(*) FROM pragma_index_info('mine_i')"), "2");
  EXPECT_THAT(One("SELECT sql FROM sqlite_schema WHERE name = 't'"), HasSubstr("CHECK (mine > 0)"));
  EXPECT_THAT(One("SELECT sql FROM sqlite_schema WHERE name = 'child'"),
              HasSubstr("REFERENCES t(id)"));
  EXPECT_EQ(One("SELECT rowid FROM mine_f WHERE mine_f MATCH '\"5\"'"), "1");
  EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");
}

// Its owner dropped our full text, and gave its name to something of his own.
TEST_F(ApplySchemaTest, WhatHasTheNameOfOurFormerFullTextStays) {
  const std::string all = kSchema;
  const std::string without = all.substr(0, all.find("[[fulltext]]"));
  for (const char* theirs :
       {"CREATE TABLE f(mine); INSERT INTO f VALUES ('precious')",
        "CREATE VIEW f AS SELECT 'precious' AS mine",
        "CREATE VIRTUAL TABLE f USING fts5(mine); INSERT INTO f VALUES ('precious')"}) {
    SCOPED_TRACE(theirs);
    std::filesystem::remove(database_);
    Ingest(kSchema);
    DatabaseView(database_).Run("DROP TABLE f; " + std::string(theirs));
    const Status clash = Failure(Options(kSchema));
    EXPECT_EQ(clash.code(), StatusCode::kUsage);
    EXPECT_THAT(clash.message(), HasSubstr(" f, which sluice did not make"));
    Apply(without);
    EXPECT_THAT(Rows("SELECT mine FROM f"), ElementsAre("tprecious"));
    EXPECT_THAT(Rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'"), IsEmpty());
  }
}

TEST_F(ApplySchemaTest, ATriggerOfOthersThatHasTheNameOfOursStays) {
  Ingest(kSchema);
  DatabaseView(database_).Run(
      "DROP TRIGGER f_insert; CREATE TABLE own(x);"
      "CREATE TRIGGER f_insert AFTER INSERT ON own BEGIN SELECT 1; END;"
      "CREATE TRIGGER i_b AFTER INSERT ON t BEGIN SELECT 2; END");
  EXPECT_THAT(Failure(Options(kSchema)).message(), HasSubstr("the trigger f_insert on own"));
  std::string edited = Edited(kSchema, "[[index]]\nname = \"i_b\"\ncolumns = [\"b\"]\n", "");
  edited = edited.substr(0, edited.find("[[fulltext]]"));
  Apply(Edited(edited, "INTEGER NOT NULL", "TEXT NOT NULL"));
  EXPECT_THAT(Rows("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger' ORDER BY 1"),
              ElementsAre("tf_insert|town", "ti_b|tt"));
  EXPECT_EQ(One("SELECT count(*) FROM sqlite_schema WHERE name IN ('f', 'f_data')"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 'i_b'"), "0");
}

TEST_F(ApplySchemaTest, AFullTextThatWasDroppedIsMadeAgain) {
  Ingest(kSchema);
  DatabaseView(database_).Run("DROP TABLE f");
  EXPECT_THAT(Apply(kSchema).changes, ElementsAre("full text f is new: (b)"));
  DatabaseView(database_).Run("INSERT INTO t(a, b) VALUES (9, 'nine')");
  EXPECT_EQ(One("SELECT count(*) FROM f WHERE f MATCH 'nine OR 7'"), "2");
}

TEST_F(ApplySchemaTest, AViewThatSomebodyChangedIsLeftAsItIs) {
  const std::string gone =
      Edited(kSchema, "[[view]]\nname = \"v\"\nsql = \"SELECT a FROM t\"\n", "");
  for (const std::string& edited :
       {std::string(kSchema), Edited(kSchema, "SELECT a FROM", "SELECT a, b FROM"),
        Edited(kSchema, "\"INTEGER NOT NULL\"", "\"TEXT NOT NULL\""), gone}) {
    SCOPED_TRACE(edited);
    std::filesystem::remove(database_);
    Ingest(kSchema);
    DatabaseView(database_).Run("DROP VIEW v; CREATE VIEW v AS SELECT 'mine' AS x");
    const ApplySummary summary = Apply(edited);
    EXPECT_THAT(summary.notes, ElementsAre(HasSubstr("the view v was changed since")));
    EXPECT_THAT(summary.changes, Not(Contains(HasSubstr("view v"))));
    EXPECT_THAT(Rows("SELECT * FROM v"), ElementsAre("tmine"));
    if (edited == gone) continue;
    EXPECT_THAT(Apply(edited).notes, ElementsAre(HasSubstr("the view v"))) << "again";
    DatabaseView(database_).Run("DROP VIEW v");
    EXPECT_THAT(Apply(edited).notes, IsEmpty());
    EXPECT_EQ(One("SELECT count(a) FROM v"), "3");
  }
}

TEST_F(ApplySchemaTest, TriggersOfOthersOnAViewAreMadeAgainWithIt) {
  Ingest(kSchema);
  DatabaseView(database_).Run(
      "CREATE TRIGGER mine INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES (new.a); END");
  Apply(Edited(kSchema, "SELECT a FROM", "SELECT a, b FROM"));
  DatabaseView(database_).Run("INSERT INTO v(a) VALUES (99)");
  EXPECT_EQ(One("SELECT max(a) || ' ' || count(b) FROM v"), "99 2");

  const Status failure = Failure(Options(Edited(kSchema, "SELECT a FROM", "SELECT b FROM")));
  EXPECT_THAT(failure.message(),
              AllOf(HasSubstr("the view v"), HasSubstr("mine"), HasSubstr("new.a")));
  EXPECT_EQ(One("SELECT count(*) FROM sqlite_schema WHERE name = 'mine'"), "1");
}

TEST_F(ApplySchemaTest, AViewThatIsGoneStaysForATriggerOfOthersOnIt) {
  Ingest(kSchema);
  DatabaseView(database_).Run(
      "CREATE TRIGGER mine INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES (new.a); END");
  const ApplySummary summary =
      Apply(Edited(kSchema, "[[view]]\nname = \"v\"\nsql = \"SELECT a FROM t\"\n", ""));
  EXPECT_THAT(summary.notes, ElementsAre(HasSubstr("the trigger mine on it")));
  EXPECT_THAT(summary.changes, IsEmpty());
  DatabaseView(database_).Run("INSERT INTO v(a) VALUES (99)");
  EXPECT_EQ(One("SELECT max(a) FROM v"), "99");
}

TEST_F(ApplySchemaTest, WhatWouldNotCompileAnyMoreIsNamed) {
  const std::vector<std::pair<std::string, std::string>> objects = {
      {"CREATE TRIGGER mine AFTER UPDATE ON t BEGIN SELECT new.c; END", "mine"},
      {"CREATE TRIGGER mine AFTER INSERT ON log BEGIN DELETE FROM t WHERE c = new.x; END", "mine"},
      {"CREATE TRIGGER mine AFTER UPDATE OF a, c ON t BEGIN SELECT 1; END", "trigger mine"},
      {"CREATE VIEW mine AS SELECT c FROM t", "view mine"},
      {"CREATE INDEX mine ON t(c)", "index mine"},
      {"CREATE INDEX mine ON t(a) WHERE \"c\" > 0", "index mine"},
      {"CREATE VIEW mine AS SELECT \"c\" FROM t", "view mine"},
      {"CREATE TRIGGER mine AFTER INSERT ON log BEGIN DELETE FROM t WHERE \"c\" = new.x; END",
       "mine"},
      {"CREATE VIRTUAL TABLE mine USING fts5(c, content='t', content_rowid='id')", "mine"},
      {"CREATE VIRTUAL TABLE mine USING fts5(b, content='t', content_rowid='c')", "mine"},
  };
  const std::string edited = Edited(kSchema, "[[column]]\nname = \"c\"\nfrom = \"/deep/x\"\n", "");
  for (const auto& [sql, name] : objects) {
    std::filesystem::remove(database_);
    Ingest(kSchema);
    DatabaseView(database_).Run("CREATE TABLE log(x); CREATE VIEW broken AS SELECT * FROM none");
    DatabaseView(database_).Run(sql);
    ApplyOptions options = Options(edited);
    options.drop = true;
    const Status failure = Failure(options);
    EXPECT_EQ(failure.code(), StatusCode::kUsage) << sql;
    EXPECT_THAT(failure.message(), HasSubstr(name)) << sql;
    const std::string kind = sql.substr(7, sql.find(' ', 7) - 7);
    DatabaseView(database_).Run("DROP " + (kind == "VIRTUAL" ? "TABLE" : kind) + " mine");
    Apply(options);
  }
}

TEST_F(ApplySchemaTest, AColumnThatAnotherOneNamesIsNotDropped) {
  const std::string edited = Edited(kSchema, "[[column]]\nname = \"c\"\nfrom = \"/deep/x\"\n", "");
  for (const char* column :
       {"mine AS (c + 1)", "mine CHECK (mine > c)", "mine CHECK (mine > \"c\")"}) {
    SCOPED_TRACE(column);
    std::filesystem::remove(database_);
    Ingest(kSchema);
    DatabaseView(database_).Run("ALTER TABLE t ADD COLUMN " + std::string(column));
    ApplyOptions options = Options(edited);
    options.drop = true;
    const Status failure = Failure(options);
    EXPECT_EQ(failure.code(), StatusCode::kUsage);
    EXPECT_THAT(failure.message(),
                AllOf(HasSubstr("the column mine of t ("), HasSubstr("names the column c"),
                      Not(HasSubstr("CREATE TABLE"))));
  }
}

// As most programs' SQLite takes them.
TEST_F(ApplySchemaTest, AStringInDoubleQuotesIsNotInTheWay) {
  Ingest(kSchema);
  {
    DatabaseView view(database_);
    sqlite3_db_config(view.handle(), SQLITE_DBCONFIG_DQS_DML, 1, nullptr);
    sqlite3_db_config(view.handle(), SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
    view.Run(
        "CREATE TABLE log(x); CREATE VIEW mine AS SELECT a, \"words\" AS w FROM t;"
        "CREATE TRIGGER mine_t AFTER INSERT ON t BEGIN INSERT INTO log VALUES (\"words\"); END");
  }
  ApplyOptions options = Options(Edited(Edited(kSchema, "INTEGER NOT NULL", "INTEGER"),
                                        "[[column]]\nname = \"c\"\nfrom = \"/deep/x\"\n", ""));
  options.drop = true;
  EXPECT_TRUE(Apply(options).rebuilt);
  EXPECT_THAT(Rows("SELECT x FROM log"), ElementsAre("twords")) << "the retried line";
}

TEST_F(ApplySchemaTest, AKeyIsChanged) {
  Ingest(kSchema);
  Apply(Edited(kSchema, "table = \"t\"\n", "table = \"t\"\nrowid = \"nr\"\n"));
  EXPECT_THAT(Rows("SELECT nr, a FROM t"), ElementsAre("i1|i1", "i2|i3", "i3|i4"));
  EXPECT_EQ(One("SELECT rowid FROM f WHERE f MATCH '02139'"), "1");

  std::string keyed = Edited(kSchema, "table = \"t\"\n", "table = \"t\"\nprimary_key = [\"a\"]\n");
  ApplyOptions options = Options(keyed.substr(0, keyed.find("[[fulltext]]")));
  EXPECT_THAT(Failure(options).remedy(), HasSubstr("--drop")) << "nr goes";
  options.drop = true;
  DatabaseView(database_).Run("UPDATE t SET a = 3");
  EXPECT_THAT(Failure(options).message(),
              AllOf(HasSubstr("1 keys of the new primary key"), HasSubstr("example 3")));
  DatabaseView(database_).Run("UPDATE t SET a = nr * 10");
  Apply(options);
  EXPECT_THAT(Rows("SELECT name FROM pragma_table_info('t') WHERE pk"), ElementsAre("ta"));
  EXPECT_THAT(Rows("SELECT a FROM t ORDER BY a"), ElementsAre("i10", "i20", "i30"));
}

TEST_F(ApplySchemaTest, ANewKeyIsNotInventedAndRowsKeepTheirRowids) {
  const auto keyed = [&](const std::string& schema, const std::string& column) {
    ApplyOptions options =
        Options(Edited(schema.substr(0, schema.find("[[fulltext]]")), "table = \"t\"\n",
                       "table = \"t\"\nprimary_key = [\"" + column + "\"]\n"));
    options.drop = true;  // id goes
    return options;
  };
  Ingest(kSchema);
  const Status null = Failure(keyed(kSchema, "b"));
  EXPECT_EQ(null.code(), StatusCode::kConstraint);
  EXPECT_THAT(null.message(),
              AllOf(HasSubstr("1 row of t have no value in b"), HasSubstr("the one with rowid 3")));
  DatabaseView(database_).Run(
      "UPDATE t SET a = 'abc' WHERE id = 1; UPDATE t SET a = 5.5 WHERE id = 2");
  const Status no_integer = Failure(keyed(kSchema, "a"));
  EXPECT_EQ(no_integer.code(), StatusCode::kConstraint);
  EXPECT_THAT(no_integer.message(), AllOf(HasSubstr("2 rows of t have no integer in a"),
                                          HasSubstr("the one with rowid 1: 'abc'")));
  DatabaseView(database_).Run(
      "UPDATE t SET b = 'x' WHERE id = 3; UPDATE t SET id = 70 WHERE id = 2");
  Apply(keyed(kSchema, "b"));
  EXPECT_THAT(Rows("SELECT rowid, b FROM t ORDER BY rowid"),
              ElementsAre("i1|t02139", "i3|tx", "i70|t7"));
  EXPECT_THAT(Rows("SELECT name FROM pragma_table_info('t') WHERE pk"), ElementsAre("tb"));

  // From the lines, which need not hold one.
  std::filesystem::remove(database_);
  const std::string with_line =
      Edited(kSchema, "[[index]]", std::string(kLineColumn) + "[[index]]");
  Ingest(Edited(with_line, "/deep/x", "/deep/y"));
  EXPECT_THAT(Failure(keyed(with_line, "c")).message(),
              AllOf(HasSubstr("1 row of t cannot be filled"),
                    HasSubstr("rowid 3: its line has nothing for c, which is to be the primary")));
}

// What was wrong with foreign keys before is nothing that the change does.
TEST_F(ApplySchemaTest, OnlyNewFaultsOfForeignKeysCount) {
  Ingest(kSchema);
  DatabaseView(database_).Run(
      "CREATE TABLE mismatch(x REFERENCES t(b)); INSERT INTO mismatch VALUES ('7');"
      "CREATE TABLE missing(x REFERENCES none(x)); INSERT INTO missing VALUES (1);"
      "CREATE UNIQUE INDEX c_is_unique ON t(c);"
      "CREATE TABLE child(x REFERENCES t(c)); INSERT INTO child VALUES (5), (77)");
  EXPECT_TRUE(Apply(Edited(kSchema, "INTEGER NOT NULL", "TEXT NOT NULL")).rebuilt);
  EXPECT_THAT(Rows("SELECT x FROM child"), ElementsAre("i5", "i77"));

  ApplyOptions options =
      Options(Edited(kSchema, "[[column]]\nname = \"c\"\nfrom = \"/deep/x\"\n", ""));
  options.drop = true;
  DatabaseView(database_).Run("DROP INDEX c_is_unique");
  EXPECT_TRUE(Apply(options).rebuilt) << "without its unique index the key was wrong before";
}

TEST_F(ApplySchemaTest, AForeignKeyThatWouldBreakIsNamed) {
  Ingest(kSchema);
  DatabaseView(database_).Run(
      "CREATE TABLE child(x REFERENCES t(id)); INSERT INTO child VALUES (2)");
  std::string keyed = Edited(kSchema, "table = \"t\"\n", "table = \"t\"\nprimary_key = [\"a\"]\n");
  ApplyOptions options = Options(keyed.substr(0, keyed.find("[[fulltext]]")));
  options.drop = true;
  EXPECT_THAT(Failure(options).message(), HasSubstr("foreign keys of child would not compile"));
}

TEST_F(ApplySchemaTest, AFullTextIsBuiltAnewOnlyIfItsTextChanges) {
  Ingest(kSchema);
  DatabaseView(database_).Run(
      "CREATE VIRTUAL TABLE part USING fts5(b, content='t', content_rowid='id');"
      "INSERT INTO part(rowid, b) SELECT id, b FROM t WHERE id = 1");
  Apply(Edited(kSchema, "INTEGER NOT NULL", "TEXT NOT NULL"));
  EXPECT_EQ(One("SELECT count(*) FROM part WHERE part MATCH '02139 OR 7'"), "1");
  EXPECT_EQ(One("SELECT count(*) FROM f WHERE f MATCH '02139 OR 7'"), "2");
  DatabaseView(database_).Run("INSERT INTO f(f) VALUES ('integrity-check')");

  DatabaseView(database_).Run("UPDATE t SET b = '2139' WHERE id = 1");
  Apply(Edited(kSchema, "\"TEXT\"", "\"INTEGER\""));
  EXPECT_EQ(One("SELECT count(*) FROM part WHERE part MATCH '2139 OR 7'"), "2");
  EXPECT_EQ(One("SELECT count(*) FROM f WHERE f MATCH '2139 OR 7'"), "2");
  DatabaseView(database_).Run("INSERT INTO f(f) VALUES ('integrity-check')");
}

TEST_F(ApplySchemaTest, AutoincrementGivesNoNumberASecondTime) {
  const std::string schema =
      "table = \"t\"\n[[column]]\nname = \"a\"\ntype = \"INTEGER NOT NULL\"\n";
  Ingest(schema, "{\"a\":1}\n{\"a\":2}\n");
  DatabaseView(database_).Run(
      "CREATE TABLE n(id INTEGER PRIMARY KEY AUTOINCREMENT, a INTEGER NOT NULL);"
      "INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;"
      "INSERT INTO t VALUES (1000, 3); DELETE FROM t WHERE id = 1000");
  EXPECT_TRUE(Apply(Edited(schema, "INTEGER NOT NULL", "INTEGER")).rebuilt);
  EXPECT_THAT(Rows("SELECT name, seq FROM sqlite_sequence"), ElementsAre("tt|i1000"));
  DatabaseView(database_).Run("INSERT INTO t(a) VALUES (4)");
  EXPECT_EQ(One("SELECT max(id) FROM t"), "1001");
}

TEST_F(ApplySchemaTest, ADryRunChangesNothing) {
  Ingest(kSchema);
  ApplyOptions options = Options(Edited(kSchema, "INTEGER NOT NULL", "INTEGER"));
  options.dry_run = true;
  const std::vector<std::string> before = Everything();
  EXPECT_THAT(Apply(options).changes, ElementsAre("column a: NOT NULL goes"));
  EXPECT_EQ(Everything(), before);
}

TEST_F(ApplySchemaTest, RoomIsCheckedFirst) {
  Ingest(kSchema);
  ApplyOptions options = Options(Edited(kSchema, "INTEGER NOT NULL", "INTEGER"));
  options.free_bytes = 1000;
  const Status full = Failure(options);
  EXPECT_EQ(full.code(), StatusCode::kFull);
  EXPECT_THAT(full.message(), HasSubstr("1000B are free"));
  EXPECT_TRUE(CheckRoom(5, 5).ok());
}

TEST_F(ApplySchemaTest, AStopLeavesAllAsItWas) {
  Ingest(kSchema);
  const std::vector<std::string> before = Everything();
  StopToken stop;
  stop.RequestStop();
  const Result<ApplySummary> summary =
      ApplySchema(Options(Edited(kSchema, "INTEGER NOT NULL", "INTEGER")), stop);
  ASSERT_FALSE(summary.has_value());
  EXPECT_EQ(summary.error().code(), StatusCode::kCancelled);
  EXPECT_EQ(Everything(), before);
}

TEST_F(ApplySchemaTest, ManyRowsKeepTheirRowids) {
  std::string log;
  for (int i = 0; i < 50'000; ++i) log += "{\"a\":" + std::to_string(i) + "}\n";
  Ingest(kSchema, log);
  DatabaseView(database_).Run("DELETE FROM t WHERE id % 7 = 3; UPDATE t SET id = -5 WHERE id = 9");
  const std::string sum = "SELECT count(*) || ' ' || sum(id * 31 + a) FROM t";
  const std::string before = One(sum);
  Apply(Edited(kSchema, "INTEGER NOT NULL", "INTEGER"));
  EXPECT_EQ(One(sum), before);
}

TEST_F(ApplySchemaTest, SaysWhatIsNotThere) {
  EXPECT_EQ(ApplySchema(Options(kSchema)).error().code(), StatusCode::kNotFound);
  Ingest(kSchema);
  ApplyOptions options = Options(kSchema);
  options.table = "other";
  EXPECT_EQ(Failure(options).code(), StatusCode::kNotFound);
  options = Options(Edited(kSchema, "SELECT a FROM t", "SELECT nope FROM t"));
  EXPECT_THAT(Failure(options).message(), AllOf(HasSubstr("edited.toml:15"), HasSubstr("nope")));
}

// Each call that a file system can refuse: all as it was, or all applied. Of each kind of call
// every one, or fewer and fewer.
class ApplySchemaFaults : public ApplySchemaTest {
 protected:
  void Sweep(bool every_call) {
    Ingest(kept_);
    before_ = Everything();
    std::filesystem::copy_file(database_, original_);
    Apply(edited_);
    after_ = Everything();
    for (const VfsCall call : {VfsCall::kWrite, VfsCall::kSync, VfsCall::kRead, VfsCall::kTruncate,
                               VfsCall::kOpen, VfsCall::kShmMap}) {
      for (uint64_t n = 1; FailsAt(call, n); n += every_call ? 1 : 1 + n / 4) ASSERT_LT(n, 5000u);
    }
  }

 private:
  // Whether the fault struck.
  bool FailsAt(VfsCall call, uint64_t n) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
      std::filesystem::remove(database_ + suffix);
    std::filesystem::copy_file(original_, database_);
    FaultVfs vfs;
    vfs.Fail({.call = call, .nth = n, .lasting = n % 2 == 0});
    const Result<ApplySummary> applied = ApplySchema(Options(edited_));
    vfs.Heal();
    const std::vector<std::string> now = Everything();
    if (!applied && applied.error().message().starts_with("the schema is applied")) {
      EXPECT_EQ(One("SELECT count(*) FROM t WHERE typeof(a) = 'text'"), "3");
    } else {
      EXPECT_TRUE(now == after_ || (!applied && now == before_))
          << NameOf(call) << " " << n << ": " << (applied ? "applied" : applied.error().message())
          << "\n"
          << testing::PrintToString(now) << "\n"
          << testing::PrintToString(after_);
    }
    EXPECT_EQ(now.back(), "ok") << NameOf(call) << " " << n;
    return vfs.fired();
  }

  const std::string kept_ = Edited(kSchema, "[[index]]", std::string(kLineColumn) + "[[index]]");
  const std::string edited_ =
      Edited(Edited(kept_, "INTEGER NOT NULL", "TEXT"), "/deep/x", "/deep/y");
  const std::string original_ = folder_ / "original.db";
  std::vector<std::string> before_;
  std::vector<std::string> after_;
};
class TortureApplySchema : public ApplySchemaFaults {};

TEST_F(ApplySchemaFaults, AFailureLeavesTheOldTableOrTheNew) { Sweep(false); }
TEST_F(TortureApplySchema, EveryFailureLeavesTheOldTableOrTheNew) { Sweep(true); }

TEST_F(ApplySchemaTest, NoPowerCutLeavesHalfAChange) {
  const std::string schema = Edited(kSchema, "[[index]]", std::string(kLineColumn) + "[[index]]");
  Ingest(schema, std::string(kLog).substr(0, std::string(kLog).find('\n') + 1));
  const std::string edited =
      Edited(Edited(schema, "INTEGER NOT NULL", "TEXT"), "/deep/x", "/deep/y");
  const ApplyOptions options = Options(edited);
  const std::vector<std::string> before = Everything();
  PowerLossLog log(folder_.path());
  {
    FaultVfs vfs(&log);
    const ScopedFileHook hook(log.FileHookOf());
    Apply(options);
  }
  const std::vector<std::string> after = Everything();
  TemporaryDirectory elsewhere;
  for (const size_t position : log.SyncPositions()) {
    for (uint32_t seed = 0; seed < 6; ++seed) {
      log.Replay(position, seed, elsewhere.path());
      const FaultVfs no_syncs;
      const std::vector<std::string> left = EverythingOf(elsewhere / "app.db");
      EXPECT_TRUE(left == before || left == after) << position << " " << seed;
    }
  }
}

}  // namespace
}  // namespace sluice
