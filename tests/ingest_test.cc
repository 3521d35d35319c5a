// SPDX-License-Identifier: Apache-2.0
// The main job from end to end: files in, rows and bookkeeping out, run after run.
#include "sluice/ingest.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database_view.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class IngestTest : public testing::Test {
 protected:
  IngestOptions Options(std::vector<std::string> inputs) const {
    IngestOptions options;
    options.database = database_;
    options.inputs = std::move(inputs);
    options.memory_bytes = uint64_t{32} << 20;
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
  IngestSummary IngestAll(std::vector<std::string> inputs) {
    return Ingest(Options(std::move(inputs)));
  }

  Status Failure(const IngestOptions& options) {
    const StopToken stop;
    Result<IngestSummary> summary = RunIngest(options, stop, {});
    return summary ? Status() : summary.error();
  }

  std::vector<std::string> Rows(const std::string& sql) {
    return DatabaseView(database_).Rows(sql);
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
};

TEST_F(IngestTest, AFileBecomesATableWithAColumnForEachKey) {
  const std::string log =
      folder_.Write("app.jsonl", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"c\":{\"d\": true}}\n");
  const IngestSummary summary = IngestAll({log});
  EXPECT_EQ(summary.counts.rows, 2u);
  EXPECT_EQ(summary.path, "pages");
  EXPECT_THAT(Rows("SELECT a, b, c, _line FROM lines"),
              ElementsAre("1|x|NULL|1", "2|NULL|{\"d\":true}|2"));
  EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");
  EXPECT_EQ(DatabaseView(database_).One("PRAGMA journal_mode"), "wal");
  EXPECT_FALSE(std::filesystem::exists(database_ + "-wal"));
}

TEST_F(IngestTest, RunningAgainReadsOnlyWhatIsNew) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n{\"a\":2}\n");
  IngestAll({log});
  EXPECT_EQ(IngestAll({log}).counts.lines, 0u);
  folder_.Append("app.jsonl", "{\"a\":3}\n");
  const IngestSummary summary = IngestAll({log});
  EXPECT_EQ(summary.counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT a, _line FROM lines"), ElementsAre("1|1", "2|2", "3|3"));
}

TEST_F(IngestTest, ABadLineIsKeptWithItsPlaceAndReason) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n\n{\"a\":,}\n[1]\n{\"a\":2}\n");
  const IngestSummary summary = IngestAll({log});
  EXPECT_EQ(summary.counts.lines, 5u);
  EXPECT_EQ(summary.counts.rows, 2u);
  EXPECT_EQ(summary.counts.rejects, 2u);
  EXPECT_EQ(summary.counts.blank, 1u);
  EXPECT_THAT(
      Rows("SELECT line_number, byte_offset, CAST(line AS TEXT), length FROM _sluice_rejects"),
      ElementsAre("3|9|{\"a\":,}|7", "4|17|[1]|3"));
}

TEST_F(IngestTest, SkipCountsABadLineWithoutKeepingIt) {
  IngestOptions options = Options({folder_.Write("app.jsonl", "{\"a\":1}\nnonsense\n")});
  options.on_bad_line = OnBadLine::kSkip;
  EXPECT_EQ(Ingest(options).counts.rejects, 1u);
  EXPECT_THAT(Rows("SELECT * FROM _sluice_rejects"), IsEmpty());
}

TEST_F(IngestTest, FailEndsTheRunAtTheFirstBadLineAndKeepsWhatWasBeforeIt) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n");
  IngestAll({log});
  folder_.Append("app.jsonl", "{\"a\":2}\nnonsense\n{\"a\":3}\n");
  IngestOptions options = Options({log});
  options.on_bad_line = OnBadLine::kFail;
  const Status failure = Failure(options);
  EXPECT_THAT(failure.message(), HasSubstr("app.jsonl:3: "));
  EXPECT_THAT(Rows("SELECT a FROM lines"), ElementsAre("1", "2"));

  options.on_bad_line = OnBadLine::kKeep;
  Ingest(options);
  EXPECT_THAT(Rows("SELECT a FROM lines"), ElementsAre("1", "2", "3"));
}

TEST_F(IngestTest, ACompleteLastLineIsTakenBeforeItsNewlineComes) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n{\"a\":2}");
  EXPECT_EQ(IngestAll({log}).counts.rows, 2u);
  folder_.Append("app.jsonl", "\n{\"a\":3}\n");
  const IngestSummary summary = IngestAll({log});
  EXPECT_EQ(summary.counts.lines, 1u);
  EXPECT_THAT(Rows("SELECT a, _line FROM lines"), ElementsAre("1|1", "2|2", "3|3"));
  EXPECT_THAT(Rows("SELECT * FROM _sluice_rejects"), IsEmpty());
}

TEST_F(IngestTest, BytesBehindALineThatWasTakenEarlyAreAReject) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n{\"a\":2}");
  IngestAll({log});
  folder_.Append("app.jsonl", " garbage\n{\"a\":3}\n");
  const IngestSummary summary = IngestAll({log});
  EXPECT_EQ(summary.counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT line_number, byte_offset, CAST(line AS TEXT) FROM _sluice_rejects"),
              ElementsAre("2|15| garbage"));
  EXPECT_THAT(Rows("SELECT a, _line FROM lines"), ElementsAre("1|1", "2|2", "3|3"));
}

TEST_F(IngestTest, AnUnfinishedLineWaitsForTheNextRun) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n{\"a\":");
  const IngestSummary first = IngestAll({log});
  EXPECT_EQ(first.counts.unfinished, 1u);
  EXPECT_EQ(first.counts.rows, 1u);
  folder_.Append("app.jsonl", "2}\n");
  EXPECT_EQ(IngestAll({log}).counts.rows, 1u);
  EXPECT_THAT(Rows("SELECT a, _line FROM lines"), ElementsAre("1|1", "2|2"));
  EXPECT_THAT(Rows("SELECT lines, rows, unfinished FROM _sluice_sources"), ElementsAre("2|2|0"));
}

// A reader may come at any moment while another program writes: the file is cut at every byte,
// read, and read again when it is whole.
TEST_F(IngestTest, AFileReadWhileItGrowsGivesTheRowsOfTheWholeFile) {
  const std::string text =
      "\xEF\xBB\xBF{\"a\":1}\r\n{\"a\":[1, 2]}\n\n \t\r\nnot "
      "json\n[1]\n{\"a\":\"\xC3\xA4\",\"b\":{\"c\":null}}\n12\n"
      "{\"b\":2}\n{\"a\":3}\n";
  const auto everything = [this] {
    std::vector<std::string> all = Rows("SELECT a, b, _line FROM lines");
    for (const char* sql :
         {"SELECT line_number, byte_offset, CAST(line AS TEXT) FROM _sluice_rejects",
          "SELECT byte_offset, line_number, lines, rows, rejects, blank, unfinished "
          "FROM _sluice_sources"}) {
      for (std::string& row : Rows(sql)) all.push_back(std::move(row));
    }
    return all;
  };
  const std::string schema =
      folder_.Write("s.toml",
                    "table = \"lines\"\n[[column]]\nname = \"a\"\nfrom = \"/a\"\n[[column]]\nname "
                    "= \"b\"\nfrom = \"/b\"\n"
                    "[[column]]\nname = \"_line\"\nfrom = \"@line_number\"\n");
  IngestOptions options = Options({folder_.Write("app.jsonl", text)});
  options.schema = schema;
  Ingest(options);
  const std::vector<std::string> expected = everything();

  for (size_t cut = 0; cut < text.size(); ++cut) {
    SCOPED_TRACE(cut);
    std::filesystem::remove(database_);
    folder_.Write("app.jsonl", text.substr(0, cut));
    Ingest(options);
    folder_.Append("app.jsonl", text.substr(cut));
    Ingest(options);
    ASSERT_EQ(everything(), expected);
  }
}

TEST_F(IngestTest, TheFirstOfTwoRowsWithOneKeyStandsAndTheOtherIsAReject) {
  IngestOptions options = Options({folder_.Write(
      "app.jsonl", "{\"k\":1,\"v\":\"a\"}\n{\"k\":1,\"v\":\"b\"}\n{\"v\":\"c\"}\n")});
  options.primary_key = {"k"};
  const IngestSummary summary = Ingest(options);
  EXPECT_EQ(summary.counts.rows, 1u);
  EXPECT_EQ(summary.counts.rejects, 2u);
  EXPECT_THAT(Rows("SELECT k, v FROM lines"), ElementsAre("1|a"));
}

TEST_F(IngestTest, IgnoreKeepsTheOldRowAndReplaceTheNew) {
  const std::string log = folder_.Write(
      "app.jsonl", "{\"k\":1,\"v\":\"a\"}\n{\"k\":1,\"v\":\"b\"}\n{\"k\":2,\"v\":\"c\"}\n");
  IngestOptions options = Options({log});
  options.primary_key = {"k"};
  options.on_conflict = OnConflict::kIgnore;
  const IngestSummary ignored = Ingest(options);
  EXPECT_EQ(ignored.counts.rows, 2u);
  EXPECT_EQ(ignored.counts.ignored, 1u);
  EXPECT_THAT(Rows("SELECT k, v FROM lines"), ElementsAre("1|a", "2|c"));

  folder_.Append("app.jsonl", "{\"k\":2,\"v\":\"d\"}\n{\"k\":3,\"v\":\"e\"}\n");
  options.on_conflict = OnConflict::kReplace;
  const IngestSummary replaced = Ingest(options);
  EXPECT_EQ(replaced.counts.rows, 2u);
  EXPECT_EQ(replaced.counts.replaced, 1u);
  EXPECT_THAT(Rows("SELECT k, v FROM lines"), ElementsAre("1|a", "2|d", "3|e"));
}

TEST_F(IngestTest, AFileThatWasEmptyGetsItsColumnsWithItsFirstLines) {
  const std::string log = folder_.Write("app.jsonl", "");
  IngestAll({log});
  folder_.Append("app.jsonl", "{\"a\":1,\"b\":\"x\"}\n");
  IngestAll({log});
  EXPECT_THAT(Rows("SELECT a, b, _extra, _line FROM lines"), ElementsAre("1|x|NULL|1"));
}

TEST_F(IngestTest, ADirectoryWithoutJsonLinesMakesNoDatabase) {
  folder_.Write("logs/readme.txt", "hello");
  EXPECT_EQ(Failure(Options({folder_ / "logs"})).code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(database_));

  // Into a database that stands it is a warning: the logs may have been cleared away.
  const std::string log = folder_.Write("logs/app.jsonl", "{\"a\":1}\n");
  IngestAll({folder_ / "logs"});
  std::filesystem::remove(log);
  EXPECT_EQ(IngestAll({folder_ / "logs"}).warnings.size(), 1u);
}

TEST_F(IngestTest, ANewKeyGoesToExtraOrWithAlterToAColumn) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n");
  IngestAll({log});
  folder_.Append("app.jsonl", "{\"a\":2,\"b\":\"x\"}\n");
  IngestAll({log});
  EXPECT_THAT(Rows("SELECT a, _extra FROM lines"), ElementsAre("1|NULL", "2|{\"b\":\"x\"}"));

  folder_.Append("app.jsonl", "{\"a\":3,\"b\":\"y\",\"c\":7}\n{\"c\":8}\n");
  IngestOptions options = Options({log});
  options.alter = true;
  Ingest(options);
  EXPECT_THAT(Rows("SELECT a, b, c, _extra FROM lines"),
              ElementsAre("1|NULL|NULL|NULL", "2|x|NULL|NULL", "3|y|7|NULL", "NULL|NULL|8|NULL"))
      << "the row of the run before gets its cell out of _extra";

  folder_.Append("app.jsonl", "{\"c\":9}\n");
  IngestAll({log});
  EXPECT_THAT(Rows("SELECT c FROM lines WHERE c > 8"), ElementsAre("9"));
}

// Chunks that other threads parsed by the narrower table are on their way when the table gets
// wider.
TEST_F(IngestTest, AColumnAddedInMidRunFitsTheChunksThatAreOnTheirWay) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":0}\n");
  IngestAll({log});
  std::string text = "{\"a\":1,\"b\":1}\n";
  for (int i = 2; i < 40'000; ++i) text += "{\"a\":" + std::to_string(i) + "}\n";
  folder_.Append("app.jsonl", text + "{\"a\":40000,\"b\":2,\"c\":3}\n");
  IngestOptions options = Options({log});
  options.alter = true;
  options.threads = 3;
  options.commit_rows = 100;  // small chunks
  Ingest(options);
  EXPECT_THAT(
      Rows("SELECT count(*), sum(a), sum(b), sum(c), count(_extra), sum(_line - 1 = a) FROM lines"),
      ElementsAre("40001|800020000|3|3|0|40001"));
}

TEST_F(IngestTest, StopAfterEndsAtThatRowAndTheNextRunGoesOn) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "{\"a\":" + std::to_string(i) + "}\n" + (i % 7 == 0 ? "\nbad\n" : "");
  IngestOptions options = Options({folder_.Write("app.jsonl", text)});
  options.stop_after_rows = 333;
  const IngestSummary first = Ingest(options);
  EXPECT_EQ(first.counts.rows, 333u);
  EXPECT_TRUE(first.stopped);
  EXPECT_THAT(Rows("SELECT count(*), max(a) FROM lines"), ElementsAre("333|332"));
  Ingest(options);
  options.stop_after_rows.reset();
  Ingest(options);
  EXPECT_THAT(Rows("SELECT count(*), sum(a), count(DISTINCT a) FROM lines"),
              ElementsAre("1000|499500|1000"));
  EXPECT_THAT(Rows("SELECT lines, rows, rejects, blank FROM _sluice_sources"),
              ElementsAre("1286|1000|143|143"));
}

TEST_F(IngestTest, StartAtEndTakesOnlyWhatComesLater) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n{\"a\":2}\n");
  IngestOptions options = Options({log});
  options.start_at_end = true;
  EXPECT_EQ(Ingest(options).counts.rows, 0u);
  folder_.Append("app.jsonl", "{\"a\":3}\n");
  IngestAll({log});
  EXPECT_THAT(Rows("SELECT a, _line FROM lines"), ElementsAre("3|3"));
}

TEST_F(IngestTest, StartOffsetWantsTheStartOfALine) {
  IngestOptions options = Options({folder_.Write("app.jsonl", "{\"a\":1}\n{\"a\":2}\n")});
  options.start_offset = 3;
  EXPECT_EQ(Failure(options).code(), StatusCode::kUsage);
  options.start_offset = 8;
  Ingest(options);
  EXPECT_THAT(Rows("SELECT a, _line FROM lines"), ElementsAre("2|2"));
}

TEST_F(IngestTest, BothAgentsGoToTheirTablesInOneRun) {
  folder_.Write("logs/claude/s.jsonl",
                "{\"type\":\"user\",\"sessionId\":\"s1\",\"uuid\":\"u1\",\"parentUuid\":null,"
                "\"cwd\":\"/w\",\"version\":\"1\",\"isSidechain\":false,"
                "\"userType\":\"external\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"message\":{"
                "\"role\":\"user\",\"content\":\"hi\"}}\n");
  folder_.Write("logs/codex/r.jsonl",
                "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"session_meta\",\"payload\":{"
                "\"id\":\"c1\",\"cwd\":\"/w\"}}\n"
                "{\"timestamp\":\"2026-01-01T00:00:01Z\",\"type\":\"response_item\",\"payload\":{"
                "\"type\":\"message\",\"role\":\"user\","
                "\"content\":[{\"type\":\"input_text\",\"text\":\"hello\"}]}}\n");
  IngestAll({folder_ / "logs"});
  EXPECT_THAT(Rows("SELECT count(*) FROM claude_code"), ElementsAre("1"));
  EXPECT_THAT(Rows("SELECT count(*) FROM codex"), ElementsAre("2"));
  EXPECT_THAT(Rows("SELECT count(*) > 1 FROM agent_messages"), ElementsAre("1"));
  EXPECT_EQ(IngestAll({folder_ / "logs"}).counts.lines, 0u);
}

TEST_F(IngestTest, AnotherApplicationsDatabaseWantsToBeTold) {
  folder_.Write("app.db", "");
  DatabaseView(database_).Run("CREATE TABLE customers(name)");
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n");
  const Status failure = Failure(Options({log}));
  EXPECT_EQ(failure.code(), StatusCode::kUsage);
  EXPECT_THAT(failure.message(), HasSubstr("customers"));
  IngestOptions options = Options({log});
  options.table = "events";
  Ingest(options);
  EXPECT_THAT(Rows("SELECT a FROM events"), ElementsAre("1"));
}

TEST_F(IngestTest, AppendingGivesTheRowsThatOneRunWouldGive) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += "{\"event\":\"e\",\"t\":\"" + std::to_string(i) + "\",\"sid\":\"s" +
            std::to_string(i % 24) + "\",\"flow_id\":\"f\",\"round\":" + std::to_string(i % 9) +
            "}\n";
  }
  const std::string log = folder_.Write("app.jsonl", text.substr(0, text.size() / 3));
  IngestOptions options = Options({log});
  options.schema = "sse-lines";
  options.commit_rows = 100;
  Ingest(options);
  folder_.Append("app.jsonl", text.substr(text.size() / 3));
  Ingest(options);
  const std::vector<std::string> appended = Rows("SELECT * FROM sse_lines");

  options.database = folder_ / "whole.db";
  Ingest(options);
  EXPECT_EQ(DatabaseView(options.database).Rows("SELECT * FROM sse_lines"), appended);
  EXPECT_EQ(appended.size(), 5000u);
  EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");
  EXPECT_EQ(DatabaseView(database_).Count(
                "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'idx_sse_%'"),
            7);
}

TEST_F(IngestTest, FromScratchReplacesTheDatabaseWhole) {
  const std::string log = folder_.Write("app.jsonl", "{\"a\":1}\n");
  IngestAll({log});
  folder_.Write("app.jsonl", "{\"b\":2}\n");
  IngestOptions options = Options({log});
  options.from_scratch = true;
  Ingest(options);
  EXPECT_THAT(Rows("SELECT b FROM lines"), ElementsAre("2"));
}

TEST_F(IngestTest, ARunIsWrittenDown) {
  IngestAll({folder_.Write("app.jsonl", "{\"a\":1}\nbad\n")});
  EXPECT_THAT(Rows("SELECT outcome, path, lines, rows, rejects, ended_at <> '' FROM _sluice_runs"),
              ElementsAre("done|pages|2|1|1|1"));
}

TEST_F(IngestTest, ADryRunSaysWhatItWouldDoAndDoesNothing) {
  const Result<IngestPlan> plan = PlanIngest(Options({folder_.Write("app.jsonl", "{\"a\":1}\n")}));
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_TRUE(plan->creates_database);
  EXPECT_EQ(plan->sources.size(), 1u);
  EXPECT_FALSE(plan->ddl.empty());
  EXPECT_FALSE(std::filesystem::exists(database_));
}

TEST_F(IngestTest, OneDocumentIsNotTakenForJsonLines) {
  const std::string document =
      folder_.Write("app.json", "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}\n");
  const Status failure = Failure(Options({document}));
  EXPECT_THAT(failure.message(), HasSubstr("app.json"));
  EXPECT_FALSE(failure.remedy().empty());
  EXPECT_FALSE(std::filesystem::exists(database_));
}

TEST_F(IngestTest, RejectsThatTheTableTakesNowBecomeRows) {
  IngestOptions options =
      Options({folder_.Write("app.jsonl", "{\"k\":1,\"v\":\"a\"}\n{\"k\":1,\"v\":\"b\"}\nbad\n")});
  options.primary_key = {"k"};
  Ingest(options);
  DatabaseView(database_).Run("DELETE FROM lines");
  const Result<RetrySummary> retried = RetryRejects({.database = database_});
  ASSERT_TRUE(retried) << retried.error().message();
  EXPECT_EQ(retried->tried, 2u);
  EXPECT_EQ(retried->rows, 1u);
  EXPECT_THAT(Rows("SELECT v, _line FROM lines"), ElementsAre("b|2"));
  EXPECT_THAT(Rows("SELECT CAST(line AS TEXT) FROM _sluice_rejects"), ElementsAre("bad"));
  EXPECT_THAT(
      Rows("SELECT lines = rows + ignored + rejects + blank + unfinished FROM _sluice_sources"),
      ElementsAre("1"));
}

}  // namespace
}  // namespace sluice
