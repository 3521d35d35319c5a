// SPDX-License-Identifier: Apache-2.0
#include "sqlite/read_only.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

class ReadOnlyTest : public testing::Test {
 protected:
  ReadOnlyTest() {
    Result<Connection> db = Connection::Open(path(), {.mode = OpenOptions::Mode::kCreate});
    EXPECT_TRUE(db->Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);"
                            "CREATE VIEW v AS SELECT json_extract(a, '$') AS b FROM t;"
                            "CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES ('word')")
                    .ok());
  }
  std::string path() const { return folder_ / "a.db"; }
  Connection Open() {
    Result<Connection> db = OpenReadOnly(path(), {});
    EXPECT_TRUE(db) << db.error().message();
    return db ? std::move(*db) : Connection();
  }

  TemporaryDirectory folder_;
};

TEST_F(ReadOnlyTest, AnswersQuestions) {
  Connection db = Open();
  for (const char* sql : {
           "SELECT a FROM t",
           "SELECT b FROM v",
           "SELECT 1 FROM f WHERE f MATCH 'word'",
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT "
           "max(i) FROM n",
           "SELECT count(*) FROM pragma_table_info('t')",
           "PRAGMA table_info(t)",
           "PRAGMA journal_mode",
           "PRAGMA integrity_check",
           "EXPLAIN QUERY PLAN SELECT * FROM t",
           "SELECT count(*) FROM json_each('[1,2]')",
       }) {
    const auto answer = db.QueryText(sql);
    EXPECT_TRUE(answer && answer->has_value())
        << sql << ": " << (answer ? "" : answer.error().message());
  }
}

TEST_F(ReadOnlyTest, DoesNothingElse) {
  Connection db = Open();
  const std::string attach = "ATTACH '" + (folder_ / "b.db") + "' AS b";
  for (const std::string& sql : {
           std::string("INSERT INTO t VALUES (2)"),
           std::string("DELETE FROM t"),
           std::string("DROP TABLE t"),
           std::string("CREATE TEMP TABLE x(a)"),
           std::string("CREATE TABLE x(a)"),
           attach,
           std::string("VACUUM INTO 'copy.db'"),
           std::string("PRAGMA journal_mode=DELETE"),
           std::string("PRAGMA query_only=0"),
           std::string("PRAGMA writable_schema=1"),
           std::string("PRAGMA wal_checkpoint"),
           std::string("PRAGMA optimize"),
           std::string("BEGIN IMMEDIATE"),
           std::string("REINDEX"),
           std::string("ANALYZE"),
           std::string("SELECT load_extension('x')"),
           std::string("SELECT fts3_tokenizer('simple')"),
           std::string("INSERT INTO f(f) VALUES ('optimize')"),
       }) {
    const Result<std::optional<std::string>> answer = db.QueryText(sql);
    ASSERT_FALSE(answer) << sql;
    EXPECT_EQ(answer.error().code(), StatusCode::kUsage) << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.db"));
  EXPECT_EQ(**db.QueryInteger("SELECT count(*) FROM t"), 1);
}

TEST_F(ReadOnlyTest, SeesWhatWasCommittedToTheWal) {
  Result<Connection> writer = Connection::Open(path(), {.mode = OpenOptions::Mode::kReadWrite});
  Connection db = Open();
  ASSERT_TRUE(writer->Execute("INSERT INTO t VALUES (2)").ok());
  EXPECT_EQ(**db.QueryInteger("SELECT count(*) FROM t"), 2);
}

constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

TEST_F(ReadOnlyTest, ATimeLimitEndsAStatement) {
  Connection db = Open();
  TimeLimit limit(db, std::chrono::milliseconds(20), nullptr);
  const auto answer = db.QueryInteger(kEndless);
  ASSERT_FALSE(answer);
  EXPECT_TRUE(limit.expired());
  const Status status = limit.Explain(answer.error());
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_NE(status.message().find("within 20ms"), std::string::npos) << status.message();
  limit.Restart();
  EXPECT_TRUE(db.QueryInteger("SELECT 1")) << "the next one has its own time";
}

TEST_F(ReadOnlyTest, TimeSpentElsewhereDoesNotCount) {
  Connection db = Open();
  TimeLimit limit(db, std::chrono::milliseconds(1), nullptr);
  limit.Extend(std::chrono::hours(1));
  EXPECT_TRUE(
      db.QueryInteger("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                      "200000) SELECT count(*) FROM n"));
}

TEST_F(ReadOnlyTest, AFailedPrepareKnowsItsPlaceAndParametersTheirNames) {
  Connection db = Open();
  EXPECT_FALSE(db.Prepare("SELECT 1, oops"));
  EXPECT_EQ(db.ErrorOffset(), std::optional<size_t>(10));
  Result<Statement> statement = db.Prepare("SELECT :one, @two, $three, ?");
  ASSERT_TRUE(statement);
  EXPECT_EQ(statement->ParameterNamed("one"), 1);
  EXPECT_EQ(statement->ParameterNamed("two"), 2);
  EXPECT_EQ(statement->ParameterNamed("three"), 3);
  EXPECT_EQ(statement->ParameterNamed("four"), 0);
}

TEST_F(ReadOnlyTest, AStopEndsAStatement) {
  Connection db = Open();
  StopToken stop;
  stop.RequestStop();
  TimeLimit limit(db, std::chrono::milliseconds(0), &stop);
  const auto answer = db.QueryInteger(kEndless);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), StatusCode::kCancelled);
  EXPECT_FALSE(limit.expired());
}

}  // namespace
}  // namespace sluice
