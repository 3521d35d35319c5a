// SPDX-License-Identifier: Apache-2.0
// One bad row never stops a file: what a table, its indexes or its triggers refuse is a reject with
// its place, in runs, in live mode and when rejects are tried again.
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database_view.h"
#include "sluice/ingest.hpp"
#include "sluice/live.hpp"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Columns id, name and v of an application's table, without a rowid column of their own.
constexpr char kSchema[] = R"(
table = "t"
rowid = ""
[[column]]
name = "id"
[[column]]
name = "name"
[[column]]
name = "v"
)";
constexpr char kTable[] = "CREATE TABLE t(id, name, v);";

std::string TenLines() {
  std::string lines;
  for (int i = 1; i <= 10; ++i) {
    const std::string number = std::to_string(i);
    lines += "{\"id\":" + number + ",\"name\":\"n" + number + "\",\"v\":" + number + ".5}\n";
  }
  return lines;
}

class RefusedRowsTest : public testing::Test {
 protected:
  IngestOptions Options(const std::string& input, const std::string& schema = "") {
    IngestOptions options;
    options.database = database_;
    options.inputs = {input};
    options.memory_bytes = uint64_t{32} << 20;
    if (!schema.empty()) options.schema = folder_.Write("schema.toml", schema);
    return options;
  }

  // As another program does.
  void Execute(const std::string& sql) {
    Connection connection = *Connection::Open(database_, {.mode = OpenOptions::Mode::kCreate});
    const Status done = connection.Execute(sql);
    EXPECT_TRUE(done.ok()) << done.message();
  }

  // Options for `kSchema` into a database that an application has made.
  IngestOptions OptionsFor(const std::string& ddl, const std::string& lines) {
    Execute(ddl);
    IngestOptions options = Options(folder_.Write("app.jsonl", lines), kSchema);
    options.table = "t";
    return options;
  }

  IngestSummary Ingest(const IngestOptions& options) {
    const StopToken stop;
    Result<IngestSummary> summary = RunIngest(options, stop, {});
    if (!summary) {
      ADD_FAILURE() << summary.error().message() << "\n" << summary.error().remedy();
      return {};
    }
    EXPECT_TRUE(summary->counts.Balanced());
    return *summary;
  }

  Status Failure(const IngestOptions& options) {
    const StopToken stop;
    Result<IngestSummary> summary = RunIngest(options, stop, {});
    return summary ? Status() : summary.error();
  }

  std::vector<std::string> Rows(const std::string& sql) {
    return DatabaseView(database_).Rows(sql);
  }
  std::vector<std::string> Rejects() {
    return Rows("SELECT line_number, byte_offset, reason FROM _sluice_rejects ORDER BY id");
  }

  // A live run until the source has been read up to `offset`, or ten seconds.
  Status Follow(const IngestOptions& ingest, const std::string& more, uint64_t offset) {
    LiveOptions options;
    options.ingest = ingest;
    options.commit_interval = std::chrono::milliseconds(5);
    options.rss_budget_bytes = uint64_t{4} << 30;
    StopToken stop;
    Status failure;
    std::thread run([&] {
      const Result<LiveSummary> summary = RunLive(options, stop, {});
      if (!summary) failure = summary.error();
    });
    folder_.Append("app.jsonl", more);
    for (int i = 0; i < 1000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (DatabaseView(database_).Count("SELECT max(byte_offset) FROM _sluice_sources") ==
          static_cast<long long>(offset)) {
        break;
      }
    }
    stop.RequestStop();
    run.join();
    return failure;
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "a.db";
};

TEST_F(RefusedRowsTest, ATriggersRefusalIsTheRejectOfItsLine) {
  for (const char* how : {"ABORT", "FAIL", "ROLLBACK"}) {
    for (const char* when : {"BEFORE", "AFTER"}) {
      SCOPED_TRACE(std::string(when) + " " + how);
      std::filesystem::remove(database_);
      const IngestOptions options = OptionsFor(
          std::string(kTable) + "CREATE TRIGGER r " + when +
              " INSERT ON t WHEN new.id IN (5, 9) BEGIN SELECT RAISE(" + how + ", 'no'); END",
          TenLines());
      const IngestSummary summary = Ingest(options);
      EXPECT_EQ(summary.counts.rows, 8u);
      EXPECT_EQ(summary.counts.rejects, 2u);
      EXPECT_THAT(Rows("SELECT group_concat(id) FROM t"), ElementsAre("1,2,3,4,6,7,8,10"));
      EXPECT_THAT(Rejects(),
                  ElementsAre("5|116|refused by the table: no", "9|232|refused by the table: no"));
      EXPECT_EQ(Ingest(options).counts.lines, 0u) << "the offset is behind the lines";
    }
  }
}

// Sluice's own full text makes triggers, too: rows behind a refused one were lost in silence.
TEST_F(RefusedRowsTest, ADuplicateInATableWithFullTextIsOneReject) {
  constexpr char kDocs[] = R"(
table = "docs"
[[column]]
name = "k"
type = "TEXT"
[[column]]
name = "body"
type = "TEXT"
[[index]]
name = "idx_k"
columns = ["k"]
unique = true
[[fulltext]]
name = "docs_text"
columns = ["body"]
)";
  const auto lines = [](int from, int to) {
    std::string text;
    for (int i = from; i <= to; ++i) {
      text += "{\"k\":\"a" + std::to_string(i) + "\",\"body\":\"word" + std::to_string(i) + "\"}\n";
    }
    return text;
  };
  const IngestOptions options = Options(folder_.Write("app.jsonl", lines(1, 3)), kDocs);
  Ingest(options);
  folder_.Append("app.jsonl", lines(3, 7));
  const IngestSummary summary = Ingest(options);
  EXPECT_EQ(summary.counts.rows, 4u);
  EXPECT_EQ(summary.counts.rejects, 1u);
  EXPECT_THAT(Rows("SELECT group_concat(k) FROM docs"), ElementsAre("a1,a2,a3,a4,a5,a6,a7"));
  EXPECT_THAT(Rows("SELECT rowid FROM docs_text WHERE docs_text MATCH 'word7'"), ElementsAre("7"));
  EXPECT_THAT(Rows("SELECT line_number FROM _sluice_rejects"), ElementsAre("4"));

  // And live.
  const std::string more = lines(6, 9);
  const uint64_t size = summary.sources[0].offset.bytes + more.size();
  EXPECT_EQ(Follow(options, more, size).message(), "");
  EXPECT_THAT(Rows("SELECT count(*) FROM docs"), ElementsAre("9"));
  EXPECT_THAT(Rows("SELECT group_concat(line_number) FROM _sluice_rejects"), ElementsAre("4,9,10"));
  Execute("INSERT INTO docs_text(docs_text) VALUES ('integrity-check')");
}

TEST_F(RefusedRowsTest, ReplacingKeepsTheFullTextCurrent) {
  constexpr char kDocs[] = R"(
table = "docs"
on_conflict = "replace"
[[column]]
name = "k"
type = "TEXT"
[[column]]
name = "body"
type = "TEXT"
[[index]]
name = "idx_k"
columns = ["k"]
unique = true
[[fulltext]]
name = "docs_text"
columns = ["body"]
)";
  const IngestOptions options = Options(
      folder_.Write("app.jsonl", "{\"k\":1,\"body\":\"apple\"}\n{\"k\":2,\"body\":\"pear\"}\n"),
      kDocs);
  Ingest(options);
  folder_.Append("app.jsonl", "{\"k\":1,\"body\":\"plum\"}\n{\"k\":3,\"body\":\"fig\"}\n");
  const IngestSummary summary = Ingest(options);
  EXPECT_EQ(summary.counts.rows, 2u);
  EXPECT_EQ(summary.counts.replaced, 1u);
  EXPECT_THAT(Rows("SELECT id, k, body FROM docs"), ElementsAre("1|1|plum", "2|2|pear", "3|3|fig"));
  EXPECT_THAT(Rows("SELECT rowid FROM docs_text WHERE docs_text MATCH 'apple'"), IsEmpty());
  EXPECT_THAT(Rows("SELECT rowid FROM docs_text WHERE docs_text MATCH 'plum'"), ElementsAre("1"));
  Execute("INSERT INTO docs_text(docs_text) VALUES ('integrity-check')");
}

TEST_F(RefusedRowsTest, AKeyOfAnotherTypeIsAReject) {
  for (const OnConflict rule : {OnConflict::kReject, OnConflict::kIgnore, OnConflict::kReplace}) {
    std::filesystem::remove(database_);
    IngestOptions options =
        Options(folder_.Write("app.jsonl", "{\"id\":1,\"n\":\"a\"}\n{\"id\":2,\"n\":\"b\"}\n"));
    options.primary_key = {"id"};
    options.on_conflict = rule;
    Ingest(options);
    folder_.Append("app.jsonl",
                   "{\"id\":3,\"n\":\"c\"}\n{\"id\":\"x9\",\"n\":\"d\"}\n{\"id\":4.5,\"n\":\"e\"}\n"
                   "{\"id\":6,\"n\":\"f\"}\n");
    const IngestSummary summary = Ingest(options);
    EXPECT_EQ(summary.counts.rows, 2u);
    EXPECT_EQ(summary.counts.rejects, 2u);
    EXPECT_THAT(Rows("SELECT id FROM lines"), ElementsAre("1", "2", "3", "6"));
    EXPECT_THAT(Rows("SELECT line_number FROM _sluice_rejects"), ElementsAre("4", "5"));
  }
}

TEST_F(RefusedRowsTest, ARowThatAnExpressionCannotTakeIsAReject) {
  for (const char* ddl :
       {"CREATE TABLE t(id, name, v); CREATE INDEX i ON t(json_extract(name, '$.x'))",
        "CREATE TABLE t(id, name, v, x AS (json_extract(name, '$.x')) STORED)",
        "CREATE TABLE t(id, name CHECK(json_extract(name, '$.x') > 0), v)",
        "CREATE TABLE t(id, name TEXT, v) STRICT"}) {
    SCOPED_TRACE(ddl);
    std::filesystem::remove(database_);
    std::string sql = ddl;
    if (sql.ends_with("STRICT")) sql = "CREATE TABLE t(id INTEGER, name TEXT, v ANY) STRICT";
    const bool is_strict = sql.ends_with("STRICT");
    const std::string second = is_strict ? "{\"id\":\"x\"}\n" : "{\"id\":2,\"name\":\"no json\"}\n";
    const IngestSummary summary =
        Ingest(OptionsFor(sql, "{\"id\":1,\"name\":\"{\\\"x\\\":1}\"}\n" + second +
                                   "{\"id\":3,\"name\":\"{\\\"x\\\":3}\"}\n"));
    EXPECT_EQ(summary.counts.rows, 2u);
    EXPECT_THAT(Rows("SELECT id FROM t"), ElementsAre("1", "3"));
    EXPECT_THAT(Rows("SELECT line_number FROM _sluice_rejects"), ElementsAre("2"));
  }
}

TEST_F(RefusedRowsTest, AKeyNamedAsTheRowidGetsAColumnOfAnotherName) {
  const std::string lines = "{\"id\":2,\"oid\":5}\n{\"id\":3,\"rowid\":6}\n{\"id\":4}\n";
  const std::string first = folder_.Write("first.jsonl", "{\"id\":1}\n");
  const std::string second = folder_.Write("second.jsonl", lines);
  Ingest(Options(first));
  IngestOptions options = Options(second);
  options.alter = true;
  Ingest(options);
  EXPECT_THAT(Rows("SELECT id, oid_2, rowid_2 FROM lines"),
              ElementsAre("1|NULL|NULL", "2|5|NULL", "3|NULL|6", "4|NULL|NULL"));
  // The same names in a new database, and in a table that an empty file made.
  std::filesystem::remove(database_);
  Ingest(Options(second));
  EXPECT_THAT(Rows("SELECT id, oid_2, rowid_2 FROM lines"),
              ElementsAre("2|5|NULL", "3|NULL|6", "4|NULL|NULL"));
  std::filesystem::remove(database_);
  const std::string empty = folder_.Write("empty.jsonl", "");
  Ingest(Options(empty));
  folder_.Append("empty.jsonl", lines);
  Ingest(Options(empty));
  EXPECT_THAT(Rows("SELECT id, oid_2, rowid_2 FROM lines"),
              ElementsAre("2|5|NULL", "3|NULL|6", "4|NULL|NULL"));
}

TEST_F(RefusedRowsTest, AColumnThatAUserAddedKeepsItsName) {
  const std::string log = folder_.Write("app.jsonl", "{\"id\":1}\n");
  Ingest(Options(log));
  Execute("ALTER TABLE lines ADD COLUMN Mark; ALTER TABLE lines ADD COLUMN g AS (id)");
  folder_.Append("app.jsonl", "{\"id\":2,\"mark\":3,\"g\":4}\n");
  IngestOptions options = Options(log);
  options.alter = true;
  Ingest(options);
  EXPECT_THAT(Rows("SELECT id, Mark, mark_2, g, g_2 FROM lines"),
              ElementsAre("1|NULL|NULL|1|NULL", "2|NULL|3|2|4"));
}

TEST_F(RefusedRowsTest, FailCommitsTheLinesBeforeWhateverIsWrongWithTheLine) {
  struct Case {
    const char* ddl;
    const char* line;
    const char* words;
  };
  for (const Case& bad : {
           Case{"CREATE TABLE t(id, name, v)", "nonsense", "JSON"},
           Case{"CREATE TABLE t(id UNIQUE, name, v)", "{\"id\":1}", "UNIQUE"},
           Case{"CREATE TABLE t(id CHECK(id < 100), name, v)", "{\"id\":100}", "CHECK"},
           Case{"CREATE TABLE t(id INTEGER PRIMARY KEY, name, v)", "{\"id\":\"x\"}", "datatype"},
           Case{"CREATE TABLE t(id, name, v); CREATE INDEX i ON t(json_extract(name, '$.x'))",
                "{\"id\":3,\"name\":\"no json\"}", "malformed"},
           Case{"CREATE TABLE t(id, name, v); CREATE TRIGGER r AFTER INSERT ON t WHEN new.id = 3"
                " BEGIN SELECT RAISE(ABORT, 'no three'); END",
                "{\"id\":3}", "no three"},
           Case{"CREATE TABLE t(id, name, v); CREATE TRIGGER r AFTER INSERT ON t WHEN new.id = 3"
                " BEGIN SELECT RAISE(ROLLBACK, 'no three'); END",
                "{\"id\":3}", "no three"},
       }) {
    SCOPED_TRACE(bad.ddl);
    std::filesystem::remove(database_);
    IngestOptions options = OptionsFor(
        bad.ddl, "{\"id\":1}\n\n{\"id\":2}\n" + std::string(bad.line) + "\n{\"id\":4}\n");
    options.on_bad_line = OnBadLine::kFail;
    for (int run = 0; run < 2; ++run) {
      const Status failure = Failure(options);
      EXPECT_THAT(failure.message(), HasSubstr("app.jsonl:4: "));
      EXPECT_THAT(failure.message(), HasSubstr(bad.words));
      EXPECT_THAT(failure.message(), HasSubstr("(byte "));
      EXPECT_THAT(Rows("SELECT id FROM t"), ElementsAre("1", "2"));
      EXPECT_THAT(Rows("SELECT byte_offset, line_number, rows, rejects FROM _sluice_sources"),
                  ElementsAre("19|3|2|0"));
      EXPECT_THAT(Rejects(), IsEmpty());
    }
    options.on_bad_line = OnBadLine::kKeep;
    EXPECT_EQ(Ingest(options).counts.rejects, 1u);
    EXPECT_THAT(Rows("SELECT id FROM t"), ElementsAre("1", "2", "4"));
    // Live mode means the same by it.
    options.on_bad_line = OnBadLine::kFail;
    const std::string more = "{\"id\":5}\n" + std::string(bad.line) + "\n{\"id\":6}\n";
    const uint64_t before = std::filesystem::file_size(folder_ / "app.jsonl");
    EXPECT_THAT(Follow(options, more, before + 9).message(), HasSubstr("app.jsonl:7: "));
    EXPECT_THAT(Rows("SELECT id FROM t"), ElementsAre("1", "2", "4", "5"));
  }
}

TEST_F(RefusedRowsTest, ALineThatRollsBackTakesNoOtherWithItInLiveMode) {
  IngestOptions options = OptionsFor(std::string(kTable) +
                                         "CREATE TABLE log(id); CREATE TRIGGER r AFTER INSERT ON t"
                                         " BEGIN INSERT INTO log VALUES (new.id);"
                                         " SELECT RAISE(ROLLBACK, 'odd') WHERE new.id % 2; END",
                                     "");
  Ingest(options);
  const std::string lines = TenLines();
  EXPECT_EQ(Follow(options, lines, lines.size()).message(), "");
  EXPECT_THAT(Rows("SELECT group_concat(id) FROM t"), ElementsAre("2,4,6,8,10"));
  EXPECT_THAT(Rows("SELECT group_concat(id) FROM log"), ElementsAre("2,4,6,8,10"));
  EXPECT_THAT(Rows("SELECT group_concat(line_number) FROM _sluice_rejects"),
              ElementsAre("1,3,5,7,9"));
  EXPECT_THAT(Rows("SELECT rows, rejects, lines FROM _sluice_sources"), ElementsAre("5|5|10"));

  // Each is tried again by itself.
  Execute(
      "DROP TRIGGER r; CREATE TRIGGER r AFTER INSERT ON t BEGIN"
      " SELECT RAISE(ROLLBACK, 'still no') WHERE new.id > 5 AND new.id % 2; END");
  const Result<RetrySummary> retried = RetryRejects({.database = database_});
  ASSERT_TRUE(retried) << retried.error().message();
  EXPECT_EQ(retried->tried, 5u);
  EXPECT_EQ(retried->rows, 3u);
  EXPECT_THAT(Rows("SELECT group_concat(id) FROM t"), ElementsAre("2,4,6,8,10,1,3,5"));
  EXPECT_THAT(Rows("SELECT group_concat(line_number) FROM _sluice_rejects"), ElementsAre("7,9"));
}

}  // namespace
}  // namespace sluice
