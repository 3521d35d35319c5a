// SPDX-License-Identifier: Apache-2.0
// Schemas at work: constraints that refuse rows, schema files that are mended between two runs, and
// tables that get columns while several threads parse.
#include <filesystem>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database_view.h"
#include "schema/schema.h"
#include "sink/current_table.h"
#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kSchema[] = R"(table = "t"
index_prefix = "idx_t_"
[[column]]
name = "n"
type = "INTEGER NOT NULL"
[[column]]
name = "k"
type = "TEXT"
)";

class IngestSchemaTest : public testing::Test {
 protected:
  IngestOptions Options(const std::string& log) const {
    IngestOptions options;
    options.database = database_;
    options.inputs = {log};
    options.memory_bytes = uint64_t{32} << 20;
    return options;
  }
  IngestOptions Options(const std::string& log, const std::string& schema) const {
    IngestOptions options = Options(log);
    options.schema = folder_.Write("schema.toml", schema);
    return options;
  }

  IngestSummary Ingest(const IngestOptions& options) {
    const StopToken stop;
    Result<IngestSummary> summary = RunIngest(options, stop, {});
    if (!summary) {
      ADD_FAILURE() << summary.error().message() << "\n" << summary.error().remedy();
      return {};
    }
    return *summary;
  }

  Status Failure(const IngestOptions& options) {
    const StopToken stop;
    Result<IngestSummary> summary = RunIngest(options, stop, {});
    return summary ? Status() : summary.error();
  }

  Status CompileViewsOf(const std::string& schema) {
    Result<Connection> connection = Connection::Open(database_, {});
    const Result<Table> table = ParseSchema(schema, "s.toml");
    if (!connection || !table) return Status::Internal("no database, or no schema");
    return CompileViews(&*connection, {*table}, table->name);
  }

  std::vector<std::string> Rows(const std::string& sql) {
    return DatabaseView(database_).Rows(sql);
  }
  std::vector<std::string> Rejects() {
    return Rows("SELECT line_number || ' ' || reason FROM _sluice_rejects ORDER BY id");
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
};

TEST_F(IngestSchemaTest, NotNullRefusesALine) {
  const std::string log = folder_.Write("a.jsonl", R"({"n":1}
{"k":"x"}
{"n":null,"k":"y"}
{"n":4}
)");
  const IngestSummary summary = Ingest(Options(log, kSchema));
  EXPECT_EQ(summary.counts.rows, 2u);
  EXPECT_EQ(summary.counts.rejects, 2u);
  EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1", "4"));
  EXPECT_THAT(Rejects(), ElementsAre("2 refused by the table: NOT NULL constraint failed: t.n",
                                     "3 refused by the table: NOT NULL constraint failed: t.n"));
}

TEST_F(IngestSchemaTest, AUniqueIndexRefusesALine) {
  const std::string unique =
      std::string(kSchema) + "[[index]]\nname = \"idx_t_k\"\ncolumns = [\"k\"]\nunique = true\n";
  const std::string log = folder_.Write("a.jsonl", R"({"n":1,"k":"x"}
{"n":2,"k":"x"}
{"n":3,"k":"y"}
{"n":4}
{"n":5}
)");
  Ingest(Options(log, unique));
  EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1", "3", "4", "5"));
  EXPECT_THAT(Rejects(), ElementsAre(AllOf(HasSubstr("2 refused"), HasSubstr("UNIQUE"))));
  folder_.Append("a.jsonl", "{\"n\":6,\"k\":\"y\"}\n{\"n\":7,\"k\":\"z\"}\n");
  Ingest(Options(log, unique));
  EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1", "3", "4", "5", "7"));
  EXPECT_EQ(Rejects().size(), 2u);
}

// It decides which rows are refused, so it is there before them, in a later run too.
TEST_F(IngestSchemaTest, AUniqueIndexThatWasAddedRefusesTheNextLines) {
  const std::string unique =
      std::string(kSchema) + "[[index]]\nname = \"idx_t_k\"\ncolumns = [\"k\"]\nunique = true\n";
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  Ingest(Options(log, kSchema));
  folder_.Append("a.jsonl", "{\"n\":2,\"k\":\"x\"}\n{\"n\":3,\"k\":\"y\"}\n");
  Ingest(Options(log, unique));
  EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1", "3"));
  EXPECT_THAT(Rejects(), ElementsAre(HasSubstr("UNIQUE")));
}

// Over rows that it would refuse it cannot be made: nothing of the run is done.
TEST_F(IngestSchemaTest, AUniqueIndexOverDoublesIsAnError) {
  const std::string unique =
      std::string(kSchema) + "[[index]]\nname = \"idx_t_k\"\ncolumns = [\"k\"]\nunique = true\n";
  const std::string log =
      folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n{\"n\":2,\"k\":\"x\"}\n");
  Ingest(Options(log, kSchema));
  folder_.Append("a.jsonl", "{\"n\":3,\"k\":\"z\"}\n");
  const Status failure = Failure(Options(log, unique));
  EXPECT_THAT(failure.message(), HasSubstr("idx_t_k"));
  EXPECT_FALSE(failure.remedy().empty());
  EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1", "2"));
  Ingest(Options(log, kSchema));
  EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1", "2", "3"));
}

TEST_F(IngestSchemaTest, ATableThatDoesNotFitTheSchema) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1}\n");
  // Somebody else's.
  folder_.Write("app.db", "");
  DatabaseView(database_).Run("CREATE TABLE t(n, other)");
  IngestOptions options = Options(log, kSchema);
  options.table = "t";
  const Status foreign = Failure(options);
  EXPECT_EQ(foreign.code(), StatusCode::kUsage);
  EXPECT_THAT(foreign.message(), AllOf(HasSubstr("table t"), HasSubstr("column k")));
  EXPECT_THAT(foreign.remedy(), HasSubstr("--table"));
  EXPECT_THAT(Rows("SELECT name FROM sqlite_schema"), ElementsAre("t")) << "nothing is half there";

  // One of ours, by another schema.
  options.table = "ours";
  Ingest(options);
  options.schema =
      folder_.Write("wider.toml", std::string(kSchema) + "[[column]]\nname = \"new\"\n");
  EXPECT_THAT(Ingest(options).notes,
              testing::Contains("the table ours changes: column new is new"));
}

TEST_F(IngestSchemaTest, ATableOfSomebodyElseThatFitsIsAddedTo) {
  folder_.Write("app.db", "");
  DatabaseView(database_).Run("CREATE TABLE t(k TEXT, other DEFAULT 7, n INTEGER CHECK(n < 9))");
  IngestOptions options =
      Options(folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n{\"n\":9}\n"), kSchema);
  options.table = "t";
  Ingest(options);
  EXPECT_THAT(Rows("SELECT n, k, other FROM t"), ElementsAre("1|x|7"));
  EXPECT_THAT(Rejects(), ElementsAre(HasSubstr("CHECK")));
}

TEST_F(IngestSchemaTest, AKeyOfNoColumn) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1}\n");
  for (const std::string& schema :
       {std::string("auto"), std::string("raw"), folder_.Write("schema.toml", kSchema)}) {
    IngestOptions options = Options(log);
    options.schema = schema;
    options.primary_key = {"nope"};
    const Status failure = Failure(options);
    EXPECT_EQ(failure.code(), StatusCode::kUsage) << schema;
    EXPECT_THAT(failure.message(), HasSubstr("nope"));
    EXPECT_FALSE(std::filesystem::exists(database_));
  }
}

TEST_F(IngestSchemaTest, OneTableForSeveralKinds) {
  folder_.Write("logs/a.jsonl", "{\"n\":1}\n");
  folder_.Write("logs/c.jsonl",
                "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"session_meta\",\"payload\":{"
                "\"id\":\"c1\",\"cwd\":\"/w\"}}\n");
  IngestOptions options = Options(folder_ / "logs");
  options.table = "all_of_it";
  const Status failure = Failure(options);
  EXPECT_EQ(failure.code(), StatusCode::kUsage);
  EXPECT_THAT(failure.message(), HasSubstr("all_of_it"));
  EXPECT_FALSE(std::filesystem::exists(database_));
}

TEST_F(IngestSchemaTest, AMendedFileTakesEffectInTheNextRun) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  const std::string index = "[[index]]\nname = \"idx_t_n\"\ncolumns = [\"n\"]\n";
  const auto view = [](const std::string& sql) {
    return "[[view]]\nname = \"v\"\nsql = \"" + sql + "\"\n";
  };
  const std::string objects =
      "SELECT type || ' ' || name FROM sqlite_schema WHERE name IN ('v', 'idx_t_n', 'idx_t_k') "
      "ORDER BY 1";
  Ingest(Options(log, kSchema));
  EXPECT_THAT(Rows(objects), IsEmpty());

  // With nothing new to read, too.
  Ingest(Options(log, kSchema + index + view("SELECT n FROM t")));
  EXPECT_THAT(Rows(objects), ElementsAre("index idx_t_n", "view v"));
  Ingest(Options(log, kSchema + index + view("SELECT n + 1 FROM t")));
  EXPECT_THAT(Rows("SELECT * FROM v"), ElementsAre("2"));

  // An index that the file does not list any more goes only when that is asked for; one of another
  // prefix never.
  DatabaseView(database_).Run("CREATE INDEX mine ON t(k)");
  const std::string other = "[[index]]\nname = \"idx_t_k\"\ncolumns = [\"k\"]\n";
  IngestOptions options = Options(log, kSchema + other);
  Ingest(options);
  EXPECT_THAT(Rows("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't' "
                   "ORDER BY 1"),
              ElementsAre("idx_t_k", "idx_t_n", "mine"));
  options.sync_indexes = true;
  const IngestSummary summary = Ingest(options);
  EXPECT_THAT(summary.notes, testing::Contains(HasSubstr("idx_t_n")));
  EXPECT_THAT(Rows("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't' "
                   "ORDER BY 1"),
              ElementsAre("idx_t_k", "mine"));
}

// The name of an index says nothing about what it indexes.
TEST_F(IngestSchemaTest, AnIndexOfTheSameNameAndOtherColumnsIsMadeAnew) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  Ingest(Options(log, std::string(kSchema) + "[[index]]\nname = \"idx_t_x\"\ncolumns = [\"n\"]\n"));
  IngestOptions options = Options(
      log, std::string(kSchema) + "[[index]]\nname = \"idx_t_x\"\ncolumns = [\"k\", \"n\"]\n");
  options.sync_indexes = true;
  Ingest(options);
  EXPECT_THAT(Rows("SELECT name FROM pragma_index_info('idx_t_x')"), ElementsAre("k", "n"));
}

TEST_F(IngestSchemaTest, AColumnThatAFileHasMoreIsAddedAndReported) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"d\":7,\"e\":8}\n");
  Ingest(Options(log, kSchema));
  folder_.Append("a.jsonl", "{\"n\":2,\"d\":7,\"e\":8}\n");
  const std::string more =
      "[[column]]\nname = \"d\"\ntype = \"INTEGER NOT NULL DEFAULT 5\"\n"
      "[[column]]\nname = \"e\"\ntype = \"TEXT\"\n";
  const IngestSummary summary = Ingest(Options(log, kSchema + more));
  EXPECT_THAT(summary.notes,
              testing::Contains("the table t changes: column d is new: INTEGER NOT NULL DEFAULT 5; "
                                "column e is new: TEXT"));
  EXPECT_THAT(Rows("SELECT n, d, e FROM t"), ElementsAre("1|5|NULL", "2|7|8"));
  EXPECT_THAT(Rows("SELECT schema LIKE '%name = \"e\"%' FROM _sluice_schemas"), ElementsAre("1"));
  EXPECT_THAT(Ingest(Options(log, kSchema + more)).notes, IsEmpty()) << "once";
}

TEST_F(IngestSchemaTest, ANewColumnThatRowsCannotHaveIsRefused) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1}\n");
  const std::string more = "[[column]]\nname = \"d\"\ntype = \"TEXT NOT NULL\"\n";
  Ingest(Options(log, kSchema));
  const Status failure = Failure(Options(log, kSchema + more));
  EXPECT_EQ(failure.code(), StatusCode::kUsage);
  EXPECT_THAT(failure.message(), HasSubstr("new column d TEXT NOT NULL"));
  EXPECT_THAT(failure.remedy(), HasSubstr("DEFAULT"));
  DatabaseView(database_).Run("DELETE FROM t");
  Ingest(Options(log, kSchema + more));
  EXPECT_THAT(Rows("SELECT name FROM pragma_table_info('t')"), ElementsAre("id", "n", "k", "d"));
}

// Each is an error that shows the difference and names the command; nothing of the run is done.
TEST_F(IngestSchemaTest, AChangeThatIsNoAdditionIsRefusedWhole) {
  const std::string base =
      std::string(kSchema) + "[[index]]\nname = \"idx_t_k\"\ncolumns = [\"k\"]\nunique = true\n";
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  Ingest(Options(log, base));
  const std::string stored = Rows("SELECT schema FROM _sluice_schemas").front();
  folder_.Append("a.jsonl", "{\"n\":2,\"k\":\"y\"}\n");
  const std::vector<std::tuple<std::string, std::string, std::string>> edits = {
      {"INTEGER NOT NULL", "INTEGER", "column n: NOT NULL goes"},
      {"INTEGER NOT NULL", "TEXT NOT NULL", "column n: INTEGER becomes TEXT"},
      {"\"TEXT\"", "\"TEXT NOT NULL\"", "column k: NOT NULL comes"},
      {"name = \"k\"\n", "name = \"k\"\nfrom = \"/d\"\n", "column k: from /k becomes from /d"},
      {"[[column]]\nname = \"n\"\ntype = \"INTEGER NOT NULL\"\n", "", "column n is gone"},
      {"unique = true\n", "", "index idx_t_k: UNIQUE goes"},
      {"table = \"t\"\n", "table = \"t\"\nrowid = \"nr\"\n", "the primary key id becomes nr"},
  };
  for (const auto& [from, to, difference] : edits) {
    std::string edited = base;
    edited.replace(edited.find(from), from.size(), to);
    // Together with an addition, which is not made either.
    edited += "[[column]]\nname = \"more\"\n";
    const Status failure = Failure(Options(log, edited));
    EXPECT_EQ(failure.code(), StatusCode::kUsage) << difference;
    EXPECT_THAT(failure.message(), HasSubstr(difference));
    EXPECT_THAT(failure.remedy(), HasSubstr("sluice schema apply " + database_));
    EXPECT_EQ(Rows("SELECT schema FROM _sluice_schemas").front(), stored);
    EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1"));
  }
  Ingest(Options(log, base));
  EXPECT_THAT(Rows("SELECT n FROM t"), ElementsAre("1", "2"));
}

TEST_F(IngestSchemaTest, WhatAFileNoLongerListsStaysAndIsTold) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  Ingest(Options(log, std::string(kSchema) + "[[index]]\nname = \"idx_t_k\"\ncolumns = [\"k\"]\n"
                                             "[[view]]\nname = \"v\"\nsql = \"SELECT n FROM t\"\n"
                                             "[[fulltext]]\nname = \"f\"\ncolumns = [\"k\"]\n"));
  EXPECT_THAT(
      Ingest(Options(log, kSchema)).notes,
      testing::Contains(AllOf(HasSubstr("index idx_t_k is gone"), HasSubstr("view v is gone"),
                              HasSubstr("full text f is gone"), HasSubstr("sluice schema apply"))));
  EXPECT_THAT(Rows("SELECT n FROM v"), ElementsAre("1"));
  const std::string stored = Rows("SELECT schema FROM _sluice_schemas").front();
  for (const char* name : {"idx_t_k", "\"v\"", "\"f\""}) EXPECT_THAT(stored, HasSubstr(name));
}

TEST_F(IngestSchemaTest, APlainIndexOnOtherColumnsIsMadeAnew) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  Ingest(Options(log, std::string(kSchema) + "[[index]]\nname = \"idx_t_x\"\ncolumns = [\"n\"]\n"));
  const std::string other =
      std::string(kSchema) + "[[index]]\nname = \"idx_t_x\"\ncolumns = [\"k\", \"n\"]\n";
  EXPECT_THAT(Ingest(Options(log, other)).notes,
              testing::Contains(HasSubstr("index idx_t_x: (n) becomes (k, n)")));
  EXPECT_THAT(Rows("SELECT name FROM pragma_index_info('idx_t_x')"), ElementsAre("k", "n"));
  EXPECT_THAT(Ingest(Options(log, other)).notes, IsEmpty());
}

// The database says what a table is, whoever changed it.
TEST_F(IngestSchemaTest, AColumnThatSomebodyDroppedComesBack) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  Ingest(Options(log, kSchema));
  DatabaseView(database_).Run("ALTER TABLE t DROP COLUMN k");
  folder_.Append("a.jsonl", "{\"n\":2,\"k\":\"y\"}\n");
  EXPECT_THAT(Ingest(Options(log, kSchema)).notes,
              testing::Contains(HasSubstr("column k is new: TEXT")));
  EXPECT_THAT(Rows("SELECT n, k FROM t"), ElementsAre("1|NULL", "2|y"));
}

TEST_F(IngestSchemaTest, ATableOfSomebodyElseKeepsItsTypes) {
  folder_.Write("app.db", "");
  DatabaseView(database_).Run("CREATE TABLE t(k VARCHAR(9) NOT NULL, n TEXT CHECK (n <> '9'))");
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n{\"n\":2}\n");
  IngestOptions options = Options(log, kSchema);
  options.table = "t";
  EXPECT_EQ(Ingest(options).counts.rejects, 1u);
  const std::string stored = Rows("SELECT schema FROM _sluice_schemas").front();
  EXPECT_THAT(stored, AllOf(HasSubstr("foreign = true"), HasSubstr("VARCHAR ( 9 ) NOT NULL"),
                            HasSubstr("type = \"TEXT\""), HasSubstr("rowid = \"\"")));
  folder_.Append("a.jsonl", "{\"n\":3,\"k\":\"y\"}\n");
  EXPECT_THAT(Ingest(options).notes, IsEmpty()) << "its types are no difference in the next run";
  EXPECT_THAT(Rows("SELECT n, k FROM t"), ElementsAre("1|x", "3|y"));
}

// A newer preset meets a table of an older one: what it has more is added, the rest stays.
TEST_F(IngestSchemaTest, ANewerPresetLocksNobodyOut) {
  const std::string log = folder_.Write("a.jsonl", "{\"event\":\"e\",\"round\":1}\n");
  IngestOptions options = Options(log);
  options.schema = "sse-lines";
  Ingest(options);
  // As if that preset had lacked a column and an index, and had another type.
  DatabaseView(database_).Run(
      "DROP INDEX idx_sse_meta_turn_id; ALTER TABLE sse_lines DROP COLUMN meta_turn_id; "
      "UPDATE _sluice_schemas SET schema = replace(substr(schema, 1, instr(schema, "
      "'\n[[column]]\nname = \"meta_turn_id\"') - 1), 'type = \"INTEGER\"', 'type = \"TEXT\"'); "
      "CREATE TABLE n AS SELECT * FROM sse_lines; DROP TABLE sse_lines; "
      "CREATE TABLE sse_lines(id INTEGER PRIMARY KEY, line TEXT NOT NULL, event TEXT, t TEXT, sid "
      "TEXT, flow_id TEXT, round TEXT, metadata TEXT, meta_pid TEXT, meta_cwd TEXT); "
      "INSERT INTO sse_lines SELECT * FROM n; DROP TABLE n");
  folder_.Append("a.jsonl", "{\"event\":\"f\",\"round\":2}\n");
  const IngestSummary summary = Ingest(options);
  EXPECT_THAT(summary.notes,
              AllOf(testing::Contains(HasSubstr("column meta_turn_id is new: TEXT")),
                    testing::Contains(AllOf(HasSubstr("column round: TEXT becomes INTEGER"),
                                            HasSubstr("sluice schema apply")))));
  EXPECT_THAT(Rows("SELECT event, typeof(round), meta_turn_id FROM sse_lines"),
              ElementsAre("e|text|NULL", "f|text|NULL"));
  EXPECT_THAT(Rows("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'idx_sse_*'"),
              ElementsAre("7"));
}

TEST_F(IngestSchemaTest, AFileOfAPresetIsNotUndoneByThePreset) {
  const std::string log = folder_.Write("a.jsonl", "{\"event\":\"e\",\"round\":1}\n");
  const Result<Table> preset = LoadPreset("sse-lines");
  IngestOptions options =
      Options(log, ToToml(*preset) + "[[fulltext]]\nname = \"sse_text\"\ncolumns = [\"line\"]\n");
  Ingest(options);
  options.schema = "sse-lines";
  Ingest(options);
  EXPECT_THAT(Rows("SELECT schema LIKE '%sse_text%' FROM _sluice_schemas"), ElementsAre("1"));
}

TEST_F(IngestSchemaTest, AViewThatDoesNotCompileIsAnErrorAtItsLine) {
  const std::string log = folder_.Write("a.jsonl", "{\"n\":1,\"k\":\"x\"}\n");
  const auto view = [](const std::string& sql) {
    return std::string(kSchema) + "[[view]]\nname = \"v\"\nsql = \"" + sql + "\"\n";
  };
  for (const bool exists : {false, true}) {
    if (exists) Ingest(Options(log, kSchema));
    for (const char* sql : {"SELECT n FROM tt", "SELECT m FROM t", "SELECT n FROM t WHERE"}) {
      const Status failure = Failure(Options(log, view(sql)));
      EXPECT_EQ(failure.code(), StatusCode::kUsage) << sql;
      EXPECT_THAT(failure.message(), HasSubstr("schema.toml:9: ")) << sql;
      EXPECT_EQ(std::filesystem::exists(database_), exists);
    }
  }
  // A view may name what else is in the database, and views that follow it.
  DatabaseView(database_).Run("CREATE TABLE other(x); CREATE VIEW mine AS SELECT x FROM other");
  // (A database with tables of others is written to when its table is named; views go then.)
  EXPECT_TRUE(CompileViewsOf(view("SELECT n, x, z FROM t, mine, w") +
                             "[[view]]\nname = \"w\"\nsql = \"SELECT k AS z FROM t\"\n")
                  .ok());
}

// Keys come in one by one while chunks behind them are parsed already, by the narrower table.
TEST_F(IngestSchemaTest, AlterWithSeveralThreads) {
  constexpr int kLines = 30'000;
  std::string text;
  std::set<int> with_key;
  for (int i = 0; i < kLines; ++i) {
    text += "{\"n\":" + std::to_string(i);
    // Several new keys at a time, and most chunks bring none.
    if (i % 2500 == 1999) {
      for (int key = 0; key < 3; ++key)
        text += ",\"k" + std::to_string(i / 2500 * 3 + key) + "\":\"v" + std::to_string(i) + "\"";
      with_key.insert(i);
    } else if (i > 2000 && i % 100 == 0) {
      text += ",\"k1\":" + std::to_string(i);
    }
    text += ",\"text\":\"some more bytes, so that there are many chunks\"}\n";
  }
  const std::string log = folder_.Write("a.jsonl", "{\"n\":-1,\"text\":\"\"}\n");
  Ingest(Options(log));  // n and text are all that the table has
  folder_.Append("a.jsonl", text);
  IngestOptions options = Options(log);
  options.alter = true;
  options.threads = 4;
  options.commit_rows = 500;  // small chunks
  const IngestSummary summary = Ingest(options);
  EXPECT_EQ(summary.counts.rows, static_cast<uint64_t>(kLines));
  EXPECT_EQ(summary.counts.rejects, 0u);

  EXPECT_THAT(Rows("SELECT count(*), count(DISTINCT n), sum(n), sum(_extra IS NOT NULL), "
                   "sum(_line <> n + 2), sum(text IS NULL) FROM lines"),
              ElementsAre("30001|30001|449984999|0|0|0"));
  EXPECT_THAT(Rows("SELECT count(*) FROM pragma_table_info('lines')"),
              ElementsAre(std::to_string(6 + 3 * with_key.size())));
  for (const int line : with_key) {
    for (int key = 0; key < 3; ++key) {
      const std::string column = "k" + std::to_string(line / 2500 * 3 + key);
      EXPECT_EQ(Rows("SELECT n FROM lines WHERE " + column + " = 'v" + std::to_string(line) + "'"),
                std::vector<std::string>{std::to_string(line)});
      if (column != "k1") {
        EXPECT_THAT(Rows("SELECT count(" + column + ") FROM lines"), ElementsAre("1"));
      }
    }
  }
  EXPECT_THAT(Rows("SELECT count(*) FROM lines WHERE typeof(k1) = 'integer' AND k1 <> n"),
              ElementsAre("0"));
  EXPECT_THAT(Rows("SELECT count(*) FROM lines WHERE n > 2000 AND n % 100 = 0 AND k1 IS NOT n"),
              ElementsAre("0"));
}

// A table has 2,000 columns at most; what does not fit stays in _extra.
TEST_F(IngestSchemaTest, AlterUpToTheLimitOfColumns) {
  constexpr int kKeys = 2300;
  const std::string log = folder_.Write("a.jsonl", "{\"n\":0}\n");
  Ingest(Options(log));
  std::string all = "{\"n\":1";
  for (int key = 0; key < kKeys; ++key)
    all += ",\"k" + std::to_string(key) + "\":" + std::to_string(key);
  folder_.Append("a.jsonl", all + "}\n{\"n\":2,\"k0\":\"x\",\"k2299\":\"y\"}\n");
  IngestOptions options = Options(log);
  options.alter = true;
  EXPECT_EQ(Ingest(options).counts.rows, 2u);
  EXPECT_THAT(Rows("SELECT count(*) FROM pragma_table_info('lines')"), ElementsAre("2000"));
  EXPECT_THAT(Rows("SELECT k0, k1000, (SELECT count(*) FROM json_each(_extra)), _extra ->> 'k2299' "
                   "FROM lines"),
              ElementsAre("NULL|NULL|0|NULL", "0|1000|305|2299", "x|NULL|1|y"));
  folder_.Append("a.jsonl", "{\"n\":3,\"k5\":1,\"and_one\":2}\n");
  EXPECT_EQ(Ingest(options).counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT k5, _extra FROM lines WHERE n = 3"), ElementsAre("1|{\"and_one\":2}"));
}

TEST_F(IngestSchemaTest, AlterAndAKeyThatDiffersInCaseOnly) {
  const std::string log = folder_.Write("a.jsonl", "{\"id\":1}\n");
  Ingest(Options(log));
  folder_.Append("a.jsonl", "{\"ID\":2,\"Id\":3,\"_ID\":4,\"\":5}\n{\"ID\":6,\"id\":7}\n");
  IngestOptions options = Options(log);
  options.alter = true;
  Ingest(options);
  EXPECT_THAT(
      Rows("SELECT id, ID_2, Id_3, _ID_2, _, _extra FROM lines"),
      ElementsAre("1|NULL|NULL|NULL|NULL|NULL", "NULL|2|3|4|5|NULL", "7|6|NULL|NULL|NULL|NULL"));
}

}  // namespace
}  // namespace sluice
