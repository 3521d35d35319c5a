// SPDX-License-Identifier: Apache-2.0
// A database that sluice shares with a person and with other programs (I12): what they make in it
// is neither touched nor in the way, unless it has the very name of something that a run needs.
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database_view.h"
#include "run_program.h"
#include "schema/schema.h"
#include "sluice/ingest.hpp"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// One object of each kind that a schema makes.
constexpr char kSchema[] = R"(table = "events"
index_prefix = "idx_events_"
[[column]]
name = "n"
from = "/n"
type = "INTEGER"
[[column]]
name = "k"
from = "/k"
type = "TEXT"
[[index]]
name = "idx_events_n"
columns = ["n"]
[[view]]
name = "events_view"
sql = '''
SELECT n FROM events
'''
[[fulltext]]
name = "events_text"
columns = ["k"]
)";

class BesideOthers : public testing::Test {
 protected:
  IngestOptions Options(const std::string& log, const std::string& schema = "auto") const {
    IngestOptions options;
    options.database = database_;
    options.inputs = {folder_ / log};
    options.memory_bytes = uint64_t{32} << 20;
    options.schema = schema;
    return options;
  }
  IngestOptions Events() const {
    folder_.Write("events.toml", kSchema);
    return Options("events.jsonl", folder_ / "events.toml");
  }
  static Result<IngestSummary> Try(const IngestOptions& options) {
    const StopToken stop;
    return RunIngest(options, stop, {});
  }
  static IngestSummary Ingest(const IngestOptions& options) {
    Result<IngestSummary> summary = Try(options);
    if (!summary) {
      ADD_FAILURE() << summary.error().message() << "\n" << summary.error().remedy();
      return {};
    }
    return *summary;
  }
  static Status Failure(const IngestOptions& options) {
    const Result<IngestSummary> summary = Try(options);
    return summary ? Status() : summary.error();
  }

  // In a database that is made if it is not there: an empty file is one.
  void Sql(const std::string& sql) const {
    folder_.Append("app.db", "");
    char* error = nullptr;
    sqlite3_exec(DatabaseView(database_).handle(), sql.c_str(), nullptr, nullptr, &error);
    EXPECT_EQ(error, nullptr) << error << " in " << sql;
    sqlite3_free(error);
  }
  std::vector<std::string> Rows(const std::string& sql) const {
    return DatabaseView(database_).Rows(sql);
  }
  // Of the system's SQLite, which is older than ours; status 127 if there is no python3 with it.
  Outcome RunPython(const std::string& script) const {
    const std::string command = "python3 -c 'import sqlite3' || exit 127; exec python3 " + script;
    return RunIn(folder_, {"sh", "-c", command}, {});
  }
  // Every object with its SQL.
  std::vector<std::string> Objects() const {
    return Rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2");
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
  const std::string log_ = folder_.Write("a.jsonl", "{\"a\":1}\n");
  const std::string events_ = folder_.Write("events.jsonl", "{\"n\":1,\"k\":\"one\"}\n");
};

// An application's table may have the very index that a schema lists, in words of its own.
TEST_F(BesideOthers, AnIndexOfTheSameColumnsServesWhoeverMadeIt) {
  Sql("CREATE TABLE events(id INTEGER PRIMARY KEY, n INTEGER, k TEXT); CREATE INDEX idx_events_n "
      "ON events(N)");
  IngestOptions options = Events();
  options.table = "events";
  EXPECT_EQ(Ingest(options).counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT sql FROM sqlite_schema WHERE name = 'idx_events_n'"),
              ElementsAre("CREATE INDEX idx_events_n ON events(N)"));
}

TEST_F(BesideOthers, AnotherIndexOfTheSameNameDoesNotServe) {
  for (const char* index :
       {"INDEX idx_events_n ON events(k)", "INDEX idx_events_n ON events(n, k)",
        "UNIQUE INDEX idx_events_n ON events(n)", "INDEX idx_events_n ON events(n) WHERE n > 0",
        "INDEX idx_events_n ON events(n + 0)"}) {
    SCOPED_TRACE(index);
    Sql("DROP TABLE IF EXISTS events; CREATE TABLE events(id INTEGER PRIMARY KEY, n INTEGER, k "
        "TEXT); CREATE " +
        std::string(index));
    IngestOptions options = Events();
    options.table = "events";
    EXPECT_THAT(Failure(options).message(), HasSubstr("idx_events_n"));
  }
}

// An object of somebody else's, by kind; "user" is its name. Those that need a table take `on`.
struct Theirs {
  const char* kind;
  const char* sql;
};
constexpr Theirs kTheirs[] = {
    {"table", "CREATE TABLE \"NAME\"(a); INSERT INTO \"NAME\" VALUES (7)"},
    {"view", "CREATE VIEW \"NAME\" AS SELECT 7 AS a"},
    {"index", "CREATE INDEX \"NAME\" ON \"ON\"(1)"},
    {"trigger", "CREATE TRIGGER \"NAME\" AFTER DELETE ON \"ON\" BEGIN SELECT 7; END"},
    {"virtual table",
     "CREATE VIRTUAL TABLE \"NAME\" USING fts5(a); INSERT INTO \"NAME\" VALUES "
     "('seven')"},
};

std::string Made(const Theirs& theirs, const std::string& name, const std::string& on) {
  std::string sql = theirs.sql;
  for (const auto& [word, value] :
       {std::pair<std::string, std::string>{"NAME", name}, {"ON", on}}) {
    for (size_t at = sql.find(word); at != std::string::npos; at = sql.find(word, at)) {
      const bool is_whole = sql[at - 1] == '"' && sql[at + word.size()] == '"';
      if (is_whole) sql.replace(at, word.size(), value);
      at += is_whole ? value.size() : word.size();
    }
  }
  return sql;
}

TEST_F(BesideOthers, WhatWasThereBeforeUsMakesItAnotherApplicationsDatabase) {
  for (const Theirs& theirs : kTheirs) {
    SCOPED_TRACE(theirs.kind);
    std::filesystem::remove(database_);
    const bool on_a_table =
        std::string(theirs.kind) == "index" || theirs.kind == std::string("trigger");
    if (on_a_table) Sql("CREATE TABLE theirs(a)");
    Sql(Made(theirs, "user", "theirs"));
    const std::vector<std::string> before = Objects();

    const Status refused = Failure(Options("a.jsonl"));
    EXPECT_EQ(refused.code(), StatusCode::kUsage);
    EXPECT_THAT(refused.message(), HasSubstr("database of another application"));
    EXPECT_THAT(refused.message(), HasSubstr(on_a_table ? "the table theirs" : "user"));
    EXPECT_EQ(Objects(), before);

    // Told, we write there; and from then on it is ours to continue.
    IngestOptions told = Options("a.jsonl");
    told.table = "lines";
    EXPECT_EQ(Ingest(told).counts.rows, 1u);
    folder_.Write("b.jsonl", "{\"a\":2}\n");
    EXPECT_EQ(Ingest(Options("b.jsonl")).counts.rows, 1u);
    const std::vector<std::string> after = Objects();
    for (const std::string& object : before) EXPECT_THAT(after, Contains(object));
  }
}

TEST_F(BesideOthers, WhatIsMadeAfterUsIsNeitherTouchedNorInTheWay) {
  for (const Theirs& theirs : kTheirs) {
    SCOPED_TRACE(theirs.kind);
    std::filesystem::remove(database_);
    folder_.Write("events.jsonl", "{\"n\":1,\"k\":\"one\"}\n");
    Ingest(Events());
    Sql(Made(theirs, "user", "events"));
    const std::vector<std::string> before = Objects();

    folder_.Append("events.jsonl", "{\"n\":2,\"k\":\"two\"}\n");
    EXPECT_EQ(Ingest(Events()).counts.rows, 1u);
    EXPECT_EQ(Ingest(Options("a.jsonl")).counts.rows, 1u);  // a new table, too
    const std::vector<std::string> after = Objects();
    for (const std::string& object : before) EXPECT_THAT(after, Contains(object));
    EXPECT_THAT(Rows("SELECT n FROM events_view"), ElementsAre("1", "2"));
    EXPECT_THAT(Rows("SELECT rowid FROM events_text('two')"), ElementsAre("2"));
    EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");

    // And it would be lost with the database.
    IngestOptions anew = Events();
    anew.from_scratch = true;
    EXPECT_THAT(Failure(anew).message(), HasSubstr("the " + std::string(theirs.kind) + " user"));
    EXPECT_EQ(Objects(), after);
  }
}

// What the schema makes, against every kind of object that can have its name.
TEST_F(BesideOthers, TheSameNameIsAnErrorThatNamesTheObject) {
  for (const std::string name : {"events", "idx_events_n", "events_view", "events_text",
                                 "events_text_data", "events_text_insert"}) {
    for (const Theirs& theirs : kTheirs) {
      SCOPED_TRACE(name + " is a " + theirs.kind);
      const bool is_trigger = std::string(theirs.kind) == "trigger";
      if (is_trigger != name.ends_with("_insert")) continue;  // names of two spaces
      const bool is_a_place_to_write = name == "events" && theirs.kind != std::string("index");
      if (is_a_place_to_write) continue;  // the schema file names the table: see below
      std::filesystem::remove(database_);
      Ingest(Options("a.jsonl"));
      Sql(Made(theirs, name, "lines"));
      const std::vector<std::string> before = Objects();
      const Status clash = Failure(Events());
      EXPECT_EQ(clash.code(), StatusCode::kUsage);
      EXPECT_THAT(clash.message(), HasSubstr("the " + std::string(theirs.kind) + " " + name));
      EXPECT_THAT(clash.message(), HasSubstr("sluice did not make"));
      EXPECT_THAT(clash.remedy(), Not(IsEmpty()));
      EXPECT_EQ(Objects(), before) << "nothing is half made";
    }
  }
}

TEST_F(BesideOthers, ATableOfTheirsIsWrittenToOnlyIfSomebodyNamedIt) {
  Ingest(Options("a.jsonl"));
  Sql("CREATE TABLE claude_code(x); CREATE TABLE events(n INTEGER, k TEXT, id INTEGER PRIMARY "
      "KEY)");
  // By a schema file, or by --table; not by what the data look like.
  EXPECT_EQ(Ingest(Events()).counts.rows, 1u);
  folder_.Write("session.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u\",\"timestamp\":\"2026-01-"
                "01T00:00:00Z\","
                "\"message\":{\"role\":\"user\",\"content\":\"hello\"}}\n");
  const Status clash = Failure(Options("session.jsonl", "claude-code"));
  EXPECT_THAT(clash.message(), HasSubstr("the table claude_code, which sluice did not make"));
  EXPECT_THAT(Rows("SELECT count(*) FROM pragma_table_list WHERE name = 'codex'"),
              ElementsAre("0"));
}

TEST_F(BesideOthers, InAnotherApplicationsDatabaseAPresetMakesItsTableAndNoMore) {
  Sql("CREATE TABLE theirs(a)");
  folder_.Write("session.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u\",\"timestamp\":\"2026-01-"
                "01T00:00:00Z\","
                "\"message\":{\"role\":\"user\",\"content\":\"hello\"}}\n");
  IngestOptions told = Options("session.jsonl", "claude-code");
  told.table = "claude_code";
  EXPECT_EQ(Ingest(told).counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND "
                   "name NOT GLOB '_sluice_*' AND name NOT GLOB 'sqlite_*' ORDER BY 1"),
              ElementsAre("claude_code", "theirs"));
}

// Under `auto` a table gets columns of sluice's own, which theirs has not.
TEST_F(BesideOthers, TheRemedyForTheirTableUnderAutoShowsTheWay) {
  Sql("CREATE TABLE lines(a INTEGER)");
  IngestOptions told = Options("a.jsonl");
  told.table = "lines";
  const Status lacking = Failure(told);
  EXPECT_THAT(lacking.message(), HasSubstr("no column _source"));
  EXPECT_THAT(lacking.remedy(), HasSubstr("schema file"));
  // The way that it shows.
  told.schema = folder_.Write("lines.toml",
                              "table = \"lines\"\nrowid = \"\"\n[[column]]\nname = \"a\"\n"
                              "from = \"/a\"\ntype = \"INTEGER\"\n");
  EXPECT_EQ(Ingest(told).counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT a FROM lines"), ElementsAre("1"));
}

TEST_F(BesideOthers, ReservedNamesAndMemoryAreRefusedInWords) {
  for (const char* table : {"sqlite_foo", "_sluice_foo", "SQLITE_foo"}) {
    IngestOptions options = Options("a.jsonl");
    options.table = table;
    EXPECT_THAT(Failure(options).message(), HasSubstr("reserved name")) << table;
  }
  IngestOptions options = Options("a.jsonl");
  options.database = ":memory:";
  EXPECT_EQ(Failure(options).code(), StatusCode::kUsage);
  EXPECT_FALSE(std::filesystem::exists(":memory:"));
  EXPECT_FALSE(std::filesystem::exists(database_));
}

// --- Objects of ours that somebody changed

TEST_F(BesideOthers, ADroppedTableIsMadeAnewAndItsFilesAreReadAgain) {
  folder_.Write("events.jsonl", "{\"n\":1,\"k\":\"one\"}\n{,}\n");
  Ingest(Events());
  Ingest(Options("a.jsonl"));
  Sql("DROP TABLE events");
  const IngestSummary again = Ingest(Events());
  EXPECT_EQ(again.counts.rows, 1u);
  EXPECT_THAT(again.notes, Contains(HasSubstr("the table events was gone")));
  EXPECT_THAT(Rows("SELECT n FROM events"), ElementsAre("1"));
  EXPECT_THAT(Rows("SELECT rowid FROM events_text('one')"), ElementsAre("1"));
  EXPECT_THAT(Rows("SELECT table_name, rows, rejects FROM _sluice_sources ORDER BY 1"),
              ElementsAre("events|1|1", "lines|1|0"));
  EXPECT_THAT(Rows("SELECT count(*) FROM _sluice_rejects"), ElementsAre("1"));
  EXPECT_EQ(Ingest(Events()).counts.lines, 0u) << "once";
  folder_.Append("events.jsonl", "{\"n\":3,\"k\":\"three\"}\n");
  Ingest(Events());
  EXPECT_THAT(Rows("SELECT rowid FROM events_text('three')"), ElementsAre("2"));
}

TEST_F(BesideOthers, ADroppedTableThatWasInferredIsInferredAnew) {
  Ingest(Options("a.jsonl"));
  Sql("DROP TABLE lines");
  folder_.Write("a.jsonl", "{\"other\":\"x\"}\n");
  Ingest(Options("a.jsonl"));
  EXPECT_THAT(Rows("SELECT other FROM lines"), ElementsAre("x"));
}

TEST_F(BesideOthers, ARenamedTableIsTheirsAndTheDatabaseStaysOurs) {
  Ingest(Options("a.jsonl"));
  Sql("ALTER TABLE lines RENAME TO old_lines");
  const IngestSummary again = Ingest(Options("a.jsonl"));
  EXPECT_THAT(again.notes, Contains(HasSubstr("the table lines was gone")));
  EXPECT_THAT(Rows("SELECT a FROM lines"), ElementsAre("1"));
  EXPECT_THAT(Rows("SELECT a FROM old_lines"), ElementsAre("1"));
}

TEST_F(BesideOthers, ADroppedFullTextTableIsMadeAgain) {
  Ingest(Events());
  Sql("DROP TABLE events_text");
  folder_.Append("events.jsonl", "{\"n\":2,\"k\":\"two\"}\n");
  EXPECT_EQ(Ingest(Events()).counts.rejects, 0u);
  EXPECT_THAT(Rows("SELECT rowid FROM events_text('one OR two')"), ElementsAre("1", "2"));
}

// They dropped ours, and gave its name to something of their own.
TEST_F(BesideOthers, WhatHasTheNameOfOurFormerFullTextStays) {
  const std::string all = kSchema;
  const std::string without = all.substr(0, all.find("[[fulltext]]"));
  for (const char* dropped : {"events_text", "events"}) {
    for (const Theirs& theirs : kTheirs) {
      SCOPED_TRACE(dropped + std::string(" is gone, and there is a ") + theirs.kind);
      std::filesystem::remove(database_);
      folder_.Write("events.jsonl", "{\"n\":1,\"k\":\"one\"}\n");
      Ingest(Events());
      Sql("DROP TABLE events_text; DROP TABLE IF EXISTS " + std::string(dropped) +
          "; CREATE TABLE own(a)");
      Sql(Made(theirs, "events_text", "own"));
      const std::string of_theirs =
          "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name = 'events_text'";
      const std::vector<std::string> before = Rows(of_theirs);

      if (theirs.kind != std::string("trigger")) {  // names of two spaces
        EXPECT_THAT(Failure(Events()).message(),
                    AllOf(HasSubstr("the " + std::string(theirs.kind) + " events_text"),
                          HasSubstr("which sluice did not make")));
      }
      folder_.Append("events.jsonl", "{\"n\":2,\"k\":\"two\"}\n");
      IngestOptions options = Events();
      options.schema = folder_.Write("without.toml", without);
      Ingest(options);
      EXPECT_THAT(Rows("SELECT n FROM events"), ElementsAre("1", "2"));
      EXPECT_EQ(Rows(of_theirs), before);
    }
  }
}

TEST_F(BesideOthers, AFullTextThatTheyDroppedAndTheSchemaNoLongerListsIsNotInTheWay) {
  Ingest(Events());
  Sql("DROP TABLE events_text");
  folder_.Append("events.jsonl", "{\"n\":2,\"k\":\"two\"}\n");
  const std::string all = kSchema;
  IngestOptions options = Events();
  options.schema = folder_.Write("without.toml", all.substr(0, all.find("[[fulltext]]")));
  EXPECT_EQ(Ingest(options).counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'"), IsEmpty());
}

TEST_F(BesideOthers, AViewThatTheyChangedIsKeptAndOneOfOursFollowsItsSchema) {
  Ingest(Events());
  Sql("DROP VIEW events_view; CREATE VIEW events_view AS SELECT 'mine' AS n");
  const IngestSummary kept = Ingest(Events());
  EXPECT_THAT(kept.notes, Contains(HasSubstr("the view events_view was changed")));
  EXPECT_THAT(Rows("SELECT * FROM events_view"), ElementsAre("mine"));

  Sql("DROP VIEW events_view");
  Ingest(Events());
  EXPECT_THAT(Rows("SELECT * FROM events_view"), ElementsAre("1"));
  std::string other = kSchema;
  other.replace(other.find("SELECT n FROM"), 13, "SELECT -n FROM");
  folder_.Write("other.toml", other);
  IngestOptions options = Events();
  options.schema = folder_ / "other.toml";
  Ingest(options);
  EXPECT_THAT(Rows("SELECT * FROM events_view"), ElementsAre("-1"));
}

TEST_F(BesideOthers, TriggersOnAViewOfOursOutliveItsText) {
  Ingest(Events());
  Sql("CREATE TRIGGER mine INSTEAD OF INSERT ON events_view BEGIN INSERT INTO events(n) VALUES "
      "(new.n); END");
  const auto with_view = [&](const std::string& select) {
    std::string schema = kSchema;
    schema.replace(schema.find("SELECT n FROM"), 13, select + " FROM");
    IngestOptions options = Events();
    options.schema = folder_.Write("other.toml", schema);
    return options;
  };
  EXPECT_THAT(Ingest(with_view("SELECT n, k")).notes, Not(Contains(HasSubstr("left as it is"))));
  Sql("INSERT INTO events_view(n) VALUES (7)");
  EXPECT_THAT(Rows("SELECT n, k FROM events_view"), ElementsAre("1|one", "7|NULL"));

  // One that would not compile over the new text keeps the old one.
  EXPECT_THAT(Ingest(with_view("SELECT k")).notes,
              Contains(AllOf(HasSubstr("the view events_view is left as it is"), HasSubstr("mine"),
                             HasSubstr("new.n"))));
  Sql("INSERT INTO events_view(n) VALUES (8)");
  EXPECT_THAT(Rows("SELECT n FROM events_view"), ElementsAre("1", "7", "8"));
}

// Nobody changed a view of the presets, however its SQL stands in the preset.
TEST_F(BesideOthers, TheSecondRunOfAPresetSaysNothingOfItsViews) {
  folder_.Write("claude.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u\",\"message\":{}}\n");
  folder_.Write("codex.jsonl",
                "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"session_meta\",\"payload\":{"
                "\"id\":\"c\"}}\n");
  folder_.Write("sse.jsonl", "{\"sid\":\"s\"}\n");
  const std::vector<IngestOptions> runs = {Options("claude.jsonl", "claude-code"),
                                           Options("codex.jsonl", "codex"),
                                           Options("sse.jsonl", "sse-lines")};
  for (const IngestOptions& options : runs) Ingest(options);
  const std::vector<std::string> before = Objects();
  for (const IngestOptions& options : runs) EXPECT_THAT(Ingest(options).notes, IsEmpty());
  EXPECT_EQ(Objects(), before);
}

// SQLite takes a string in double quotes unless it was built otherwise, as ours is.
TEST_F(BesideOthers, StringsInDoubleQuotesOfTheirsAreStrings) {
  Ingest(Options("a.jsonl"));
  folder_.Write("theirs.py", R"py(import sqlite3
database = sqlite3.connect("app.db")
database.execute("CREATE TABLE log(what)")
database.execute('CREATE TRIGGER note AFTER INSERT ON lines BEGIN INSERT INTO log VALUES ("new"); END')
database.execute('CREATE VIEW theirs AS SELECT "new" AS word')
)py");
  const Outcome made = RunPython("theirs.py");
  if (made.status == 127) GTEST_SKIP() << "no python3 with sqlite3 here";
  ASSERT_EQ(made.status, 0) << made.err;
  folder_.Append("a.jsonl", "{\"a\":2}\n");
  EXPECT_EQ(Ingest(Options("a.jsonl")).counts.rows, 1U);
  EXPECT_THAT(Rows("SELECT what FROM log"), ElementsAre("new"));
  const auto query = [this](const std::string& sql) {
    return RunIn(folder_, {SLUICE_PROGRAM, "query", "app.db", sql, "--format", "raw"}, {});
  };
  EXPECT_EQ(query("SELECT * FROM theirs").out, "new\n");
  EXPECT_NE(query("SELECT \"b\" FROM lines").status, 0) << "a misspelt column is an error";
}

// The companions of a table follow a newer preset, so the table itself has to: also in a run that
// finds nothing new.
TEST_F(BesideOthers, ADatabaseOfAnOlderPresetGetsItsNewViewsWhateverTheRunFinds) {
  folder_.Write("claude.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u\",\"message\":{}}\n");
  Ingest(Options("claude.jsonl", "claude-code"));
  const std::vector<std::string> whole = Objects();
  Result<Table> older = ParseSchema(
      Rows("SELECT schema FROM _sluice_schemas WHERE table_name = 'claude_code'").front(), "test");
  ASSERT_TRUE(older) << older.error().message();
  for (View& view : older->views) {
    view.sql = "SELECT 1 AS old";
    Sql("DROP VIEW " + view.name + "; " + CreateViewSql(view));
  }
  Sql("UPDATE _sluice_schemas SET schema = " + QuoteText(ToToml(*older)) +
      " WHERE table_name = 'claude_code'");
  EXPECT_EQ(Ingest(Options("claude.jsonl")).counts.lines, 0U);
  EXPECT_EQ(Objects(), whole);
  EXPECT_THAT(Rows("SELECT count(*) FROM agent_cost"), ElementsAre("0"));
}

// --- The neighbours that users have

// Python's SQLite is the system's, which is older than ours. It reads every view, and SQLite looks
// at all of them when any table is renamed.
TEST_F(BesideOthers, AnOlderSqliteReadsEveryViewAndRenamesTables) {
  folder_.Write("claude.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u\",\"message\":{}}\n");
  Ingest(Options("claude.jsonl", "claude-code"));
  Ingest(Options("a.jsonl", "raw"));
  folder_.Write("older.py", R"py(import sqlite3
database = sqlite3.connect("app.db")
views = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
for name in views:
    database.execute('SELECT * FROM "%s"' % name).fetchall()
database.execute("CREATE TABLE mine(a, b)")
database.execute("ALTER TABLE mine RENAME TO yours")
database.execute("ALTER TABLE yours RENAME COLUMN a TO c")
database.execute("ALTER TABLE yours DROP COLUMN b")
print(len(views))
)py");
  const Outcome run = RunPython("older.py");
  if (run.status == 127) GTEST_SKIP() << "no python3 with sqlite3 here";
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_GE(std::atoi(run.out.c_str()), 10);
}

// As sqlite-utils 3 writes them: `enable-fts DB TABLE COLUMN --create-triggers`.
TEST_F(BesideOthers, FullTextOfSqliteUtilsStaysCurrent) {
  Ingest(Options("a.jsonl"));
  Sql(R"sql(
CREATE VIRTUAL TABLE [lines_fts] USING FTS5 ([a], content=[lines]);
INSERT INTO [lines_fts] (rowid, [a]) SELECT rowid, [a] FROM [lines];
CREATE TRIGGER [lines_ai] AFTER INSERT ON [lines] BEGIN
  INSERT INTO [lines_fts] (rowid, [a]) VALUES (new.rowid, new.[a]);
END;
CREATE TRIGGER [lines_ad] AFTER DELETE ON [lines] BEGIN
  INSERT INTO [lines_fts] ([lines_fts], rowid, [a]) VALUES('delete', old.rowid, old.[a]);
END;
CREATE TRIGGER [lines_au] AFTER UPDATE ON [lines] BEGIN
  INSERT INTO [lines_fts] ([lines_fts], rowid, [a]) VALUES('delete', old.rowid, old.[a]);
  INSERT INTO [lines_fts] (rowid, [a]) VALUES (new.rowid, new.[a]);
END)sql");
  folder_.Append("a.jsonl", "{\"a\":22}\n{\"a\":33}\n");
  EXPECT_EQ(Ingest(Options("a.jsonl")).counts.rows, 2u);
  EXPECT_THAT(Rows("SELECT rowid FROM lines_fts('22')"), ElementsAre("2"));
  EXPECT_THAT(Rows("SELECT rowid FROM lines_fts('33')"), ElementsAre("3"));
  EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");
}

// Litestream makes its tables in whatever it replicates, perhaps before the first run.
TEST_F(BesideOthers, TablesOfLitestreamAreNobodys) {
  Sql("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);"
      "CREATE TABLE _litestream_lock (id INTEGER); INSERT INTO _litestream_seq VALUES (1, 5)");
  EXPECT_EQ(Ingest(Options("a.jsonl")).counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT seq FROM _litestream_seq"), ElementsAre("5"));
}

// A virtual table whose module is not here, as those of SpatiaLite: it can be neither read nor
// described.
TEST_F(BesideOthers, AVirtualTableOfAnUnknownModuleIsNotInTheWay) {
  Ingest(Options("a.jsonl"));
  Sql("CREATE TABLE geometry_columns(f_table_name TEXT); PRAGMA writable_schema=1;"
      "INSERT INTO sqlite_schema VALUES ('table', 'ElementaryGeometries', 'ElementaryGeometries', "
      "0,"
      " 'CREATE VIRTUAL TABLE ElementaryGeometries USING VirtualElementary()')");
  folder_.Append("a.jsonl", "{\"a\":2}\n");
  EXPECT_EQ(Ingest(Options("a.jsonl")).counts.rows, 1u);
}

// --- The recipes of docs/schemas.md and docs/agents.md, one after the other

class Recipes : public testing::Test {
 protected:
  void Run(const std::string& command) {
    const Outcome run =
        RunIn(folder_, {"sh", "-ec", command}, {.environment = {{"S", SLUICE_PROGRAM}}});
    EXPECT_EQ(run.status, 0) << command << "\n" << run.err;
    out_ = run.out;
  }

  TemporaryDirectory folder_;
  std::string out_;
};

TEST_F(Recipes, FullTextOverAPresetSurvivesPricesAndTheOtherAgent) {
  folder_.Write("claude/s.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u\",\"timestamp\":\"2026-01-"
                "01T00:00:00Z\","
                "\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"about "
                "conda\"}]}}\n");
  folder_.Write("codex/r.jsonl",
                "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"session_meta\",\"payload\":{"
                "\"id\":\"c\"}}\n");
  folder_.Write(
      "prices.jsonl",
      "{\"model\":\"m\",\"input\":3,\"output\":15,\"cache_write\":3.75,\"cache_read\":0.3}\n");
  Run("\"$S\" schema show claude-code > agents.toml; "
      "printf '\\n[[fulltext]]\\nname = \"claude_code_text\"\\ncolumns = [\"text\"]\\n' >> "
      "agents.toml");
  Run("\"$S\" ingest a.db claude --schema agents.toml");
  Run("\"$S\" query a.db \"SELECT schema FROM _sluice_schemas WHERE table_name = 'claude_code'\"");
  const std::string stored = out_;
  EXPECT_THAT(stored, HasSubstr("claude_code_text"));
  Run("\"$S\" ingest a.db prices.jsonl --schema agents");
  Run("\"$S\" ingest a.db codex");
  Run("\"$S\" query a.db \"SELECT schema FROM _sluice_schemas WHERE table_name = 'claude_code'\"");
  EXPECT_EQ(out_, stored) << "a companion never overwrites a stored schema";
  Run("cp claude/s.jsonl claude/t.jsonl; sed -i 's/conda/poetry/; s/\"u\"/\"v\"/; s/\"s\"/\"t\"/' "
      "claude/t.jsonl");
  Run("\"$S\" ingest a.db claude --schema agents.toml");
  Run("\"$S\" query --format csv a.db \"SELECT count(*) FROM claude_code_text('conda OR "
      "poetry')\"");
  EXPECT_THAT(out_, HasSubstr("2"));
}

TEST_F(Recipes, TheStatusSaysThatATableIsGone) {
  folder_.Write("a.jsonl", "{\"a\":1}\n");
  Run("\"$S\" ingest a.db a.jsonl; \"$S\" status a.db");
  EXPECT_THAT(out_, Not(HasSubstr("is gone")));
  DatabaseView(folder_ / "a.db").Run("DROP TABLE lines");
  Run("\"$S\" status a.db");
  EXPECT_THAT(out_, HasSubstr("lines: 1 row of 1 line, but the table is gone"));
  Run("\"$S\" status --json a.db");
  EXPECT_THAT(out_, HasSubstr("\"is_gone\":true"));
}

TEST_F(Recipes, ApplySaysWhichViewItLeavesAsItIs) {
  folder_.Write("events.jsonl", "{\"n\":1,\"k\":\"one\"}\n");
  folder_.Write("events.toml", kSchema);
  Run("\"$S\" ingest a.db events.jsonl --schema events.toml");
  DatabaseView(folder_ / "a.db")
      .Run("DROP VIEW events_view; CREATE VIEW events_view AS SELECT 'mine' AS n");
  Run("\"$S\" schema apply a.db events.toml 2>&1");
  EXPECT_THAT(out_, AllOf(HasSubstr("the view events_view was changed"),
                          HasSubstr("events is what the schema says")));
  Run("\"$S\" schema apply a.db events.toml --json");
  EXPECT_THAT(out_, HasSubstr("\"notes\":[\"the view events_view was changed"));
}

// A database in which an older version has overwritten the stored schema so.
TEST_F(Recipes, FullTextThatTheStoredSchemaLostIsTakenUpAgain) {
  folder_.Write("claude/s.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u\",\"timestamp\":\"2026-01-"
                "01T00:00:00Z\","
                "\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"about "
                "conda\"}]}}\n");
  Run("\"$S\" schema show claude-code > agents.toml; "
      "printf '\\n[[fulltext]]\\nname = \"claude_code_text\"\\ncolumns = [\"text\"]\\n' >> "
      "agents.toml");
  Run("\"$S\" ingest a.db claude --schema agents.toml");
  DatabaseView(folder_ / "a.db")
      .Run(
          "UPDATE _sluice_schemas SET schema = substr(schema, 1, instr(schema, '[[fulltext]]') - "
          "1) "
          "WHERE table_name = 'claude_code'");
  Run("\"$S\" ingest a.db claude");
  Run("\"$S\" ingest a.db claude --schema agents.toml");
  Run("\"$S\" query a.db \"SELECT schema FROM _sluice_schemas WHERE table_name = 'claude_code'\"");
  EXPECT_THAT(out_, HasSubstr("claude_code_text"));
}

}  // namespace
}  // namespace sluice
