// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/follow_line.h"
#include "cli/ingest_report.h"
#include "cli/terminal.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

IngestOptions Of(const std::string& database, bool alter = false) {
  IngestOptions options;
  options.database = database;
  options.alter = alter;
  return options;
}

IngestProgress Halfway() {
  IngestProgress progress;
  progress.phase = IngestProgress::Phase::kReading;
  progress.stored_bytes = uint64_t{512} << 20;
  progress.stored_bytes_total = uint64_t{1} << 30;
  progress.decoded_bytes = 1'000'000'000;
  progress.rows = 3'000'000;
  progress.seconds = 2;
  progress.source = "logs/a\x1b.jsonl";
  return progress;
}

TEST(Progress, SaysHowFarHowFastAndHowLong) {
  const std::string text = ProgressText(Halfway(), 0);
  EXPECT_EQ(text,
            "━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌  50 %  512MiB of 1GiB  1.50M rows/s  477MiB/s  2s left  "
            "logs/a\\x1b.jsonl");
}

TEST(Progress, CountsRejectsOnceThereAreSome) {
  IngestProgress progress = Halfway();
  EXPECT_THAT(ProgressText(progress, 0), Not(HasSubstr("reject")));
  progress.rejects = 1234;
  EXPECT_THAT(ProgressText(progress, 0), HasSubstr("1,234 rejects"));
}

TEST(Progress, OfAPipeThereIsNoEndToTell) {
  IngestProgress progress = Halfway();
  progress.stored_bytes_total = 0;
  EXPECT_THAT(ProgressText(progress, 0),
              testing::AllOf(testing::StartsWith("512MiB"), Not(HasSubstr("left"))));
}

TEST(Progress, NamesThePhaseAfterTheRows) {
  IngestProgress progress = Halfway();
  progress.phase = IngestProgress::Phase::kIndexing;
  progress.doing = "index idx_sse_sid (2 of 7)";
  EXPECT_EQ(ProgressText(progress, 0), "3,000,000 rows  index idx_sse_sid (2 of 7)  2.00s");
}

TEST(Progress, OfALongPathTheEndIsShown) {
  IngestProgress progress = Halfway();
  progress.source = "/home/ada/.claude/projects/-home-ada-work/0f3c2a.jsonl";
  EXPECT_THAT(ProgressText(progress, 110),
              testing::EndsWith("  2s left  …/-home-ada-work/0f3c2a.jsonl"));
  EXPECT_THAT(ProgressText(progress, 88), testing::EndsWith("  2s left"));
}

TEST(Progress, NeverWiderThanItsTerminal) {
  for (size_t columns = 1; columns < 120; ++columns) {
    EXPECT_LE(DisplayWidth(ProgressText(Halfway(), columns)), columns);
  }
}

TEST(Progress, IntoALogALineASecond) {
  FILE* log = tmpfile();
  ASSERT_NE(log, nullptr);
  {
    ProgressLine line(ProgressWhen::kAlways, false, log);
    for (int i = 0; i < 1000; ++i) line.Draw(Halfway());
    ProgressLine silent(ProgressWhen::kAuto, false, log);
    silent.Draw(Halfway());
    ProgressLine quiet(ProgressWhen::kAlways, true, log);
    quiet.Draw(Halfway());
  }
  EXPECT_GT(ftell(log), 0);
  EXPECT_LT(ftell(log), 300) << "one line, two when a second passed";
  fclose(log);
}

LiveStatus Following() {
  LiveStatus status;
  status.counts.rows = 3000;
  status.rows_per_second = 119.7;
  status.files = 12;
  status.seconds = 303;
  return status;
}

TEST(FollowText, SaysRowsRateLagFilesAndRejects) {
  LiveStatus status = Following();
  EXPECT_EQ(FollowText(status, 0), "following 12 files  3,000 rows  120 rows/s  no lag  5m03s");
  status.counts.rejects = 1;
  status.lag_bytes = uint64_t{3} << 20;
  status.lag_seconds = 2.1;
  status.possible_gaps = 2;
  status.waits_for = "the disk is full";
  status.seconds = 7;
  EXPECT_EQ(
      FollowText(status, 0),
      "waiting  following 12 files  3,000 rows  120 rows/s  lag 3MiB for 2s  1 reject  2 gaps  "
      "7s");
  for (size_t columns = 1; columns < 120; ++columns)
    EXPECT_LE(DisplayWidth(FollowText(status, columns)), columns);
}

TEST(FollowLine, IntoALogOnlyIfItIsAskedFor) {
  FILE* log = tmpfile();
  ASSERT_NE(log, nullptr);
  FollowLine automatic(ProgressWhen::kAuto, false, log);
  FollowLine quiet(ProgressWhen::kAlways, true, log);
  EXPECT_FALSE(automatic.is_shown());
  EXPECT_FALSE(quiet.is_shown());
  automatic.Draw(Following());
  quiet.Draw(Following());
  EXPECT_EQ(ftell(log), 0);
  FollowLine always(ProgressWhen::kAlways, false, log);
  for (int i = 0; i < 100; ++i) always.Draw(Following());
  EXPECT_EQ(ftell(log), static_cast<long>(FollowText(Following(), 0).size() + 1)) << "one a minute";
  fclose(log);
}

TEST(IngestReport, OfALiveRunTheSummaryNamesWhatToTypeNext) {
  IngestSummary summary;
  summary.seconds = 303;
  EXPECT_EQ(FollowSummaryText(Of("a.db"), summary, Terminal()),
            "a.db: nothing new while following for 5m03s\n");
  summary.counts.lines = 3001;
  summary.counts.rows = 3000;
  summary.counts.rejects = 1;
  summary.bytes_decoded = uint64_t{1} << 20;
  EXPECT_EQ(FollowSummaryText(Of("a.db"), summary, Terminal()),
            "a.db: 3,000 rows, 1 reject from 1MiB while following for 5m03s\n"
            "rejects: sluice rejects a.db\n");
}

IngestSummary TwoTables() {
  IngestSummary summary;
  summary.counts.lines = 1203;
  summary.counts.rows = 1200;
  summary.counts.rejects = 2;
  summary.counts.blank = 1;
  summary.bytes_decoded = 2'000'000;
  summary.bytes_written = 3'000'000;
  summary.database_bytes = uint64_t{2} << 20;
  summary.seconds = 0.5;
  summary.path = "sqlite";
  SourceSummary codex{"b.jsonl", "codex", {}, {}};
  codex.counts.lines = codex.counts.rows = 200;
  SourceSummary claude{"a.jsonl", "claude_code", {}, {}};
  claude.counts = summary.counts;
  claude.counts.lines -= 200;
  claude.counts.rows -= 200;
  SourceSummary unchanged{"c.jsonl", "codex", {}, {}};
  summary.sources = {claude, codex, unchanged};
  return summary;
}

TEST(IngestReport, TellsWhatWentWhereAndWhatToTypeNext) {
  EXPECT_EQ(SummaryText(Of("my db"), TwoTables(), Terminal()),
            "my db: 1,200 rows, 2 rejects from 1.91MiB in 500ms: 3.81MiB/s, 2,400 rows/s\n"
            "  claude_code: 1,000 rows, 2 rejects from 1 source\n"
            "  codex: 200 rows from 1 source\n"
            "    nothing new in 1 more\n"
            "  1 blank line\n"
            "  database 2MiB, 2.86MiB written, peak memory 0B\n"
            "rejects: sluice rejects 'my db'\n"
            "look:    sluice query 'my db' 'SELECT * FROM claude_code LIMIT 5'\n");
}

TEST(IngestReport, SkippedRejectsAreNowhereToBeSeen) {
  IngestOptions options = Of("a.db");
  options.on_bad_line = OnBadLine::kSkip;
  EXPECT_THAT(SummaryText(options, TwoTables(), Terminal()),
              AllOf(HasSubstr("2 rejects"), HasSubstr("rejects: skipped, and not kept\n"),
                    Not(HasSubstr("sluice rejects"))));
}

TEST(IngestReport, SaysWhichKeysHaveNoColumn) {
  IngestSummary summary = TwoTables();
  summary.extra_keys = {{.table = "codex",
                         .column = "_extra",
                         .table_is_inferred = true,
                         .keys = 2,
                         .lines = 310,
                         .first_keys = {"host", "cpu\x1b"}}};
  EXPECT_THAT(SummaryText(Of("a.db"), summary, Terminal()),
              HasSubstr("    2 keys in 310 lines have no column (host, cpu\\x1b): they are in "
                        "_extra; --alter adds them\n"));
  summary.extra_keys[0].keys = 1;
  summary.extra_keys[0].lines = 1;
  summary.extra_keys[0].first_keys = {"host"};
  EXPECT_THAT(SummaryText(Of("a.db", true), summary, Terminal()),
              HasSubstr("    1 key in 1 line has no column (host): it is in _extra\n"));
  EXPECT_THAT(SummaryJson("a.db", summary),
              HasSubstr("\"extra_keys\":1,\"lines_with_extra_keys\":1,"));
  summary.extra_keys[0].table_is_inferred = false;
  EXPECT_THAT(SummaryText(Of("a.db"), summary, Terminal()), Not(HasSubstr("no column")));
}

TEST(IngestReport, NothingNewIsOneLine) {
  IngestSummary summary;
  summary.sources.resize(3);
  EXPECT_EQ(SummaryText(Of("a.db"), summary, Terminal()), "a.db: nothing new in 3 sources\n");
}

TEST(IngestReport, JsonHasTheFieldsOfTheContract) {
  const std::string json = SummaryJson("a.db", TwoTables());
  for (const char* field :
       {"rows", "ignored", "replaced", "rejects", "blank_lines", "unfinished_lines", "lines",
        "bytes_read", "bytes_decoded", "bytes_written", "write_amplification", "seconds",
        "rows_per_second", "peak_rss_bytes", "path", "sources", "offset"}) {
    EXPECT_THAT(json, HasSubstr("\"" + std::string(field) + "\":"));
  }
  EXPECT_THAT(json, HasSubstr("\"write_amplification\":1.5,"));
  EXPECT_THAT(json, HasSubstr("\"rows_per_second\":2400.0,"));
  EXPECT_THAT(json, testing::EndsWith("}\n"));
}

}  // namespace
}  // namespace sluice
