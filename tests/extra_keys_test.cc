// SPDX-License-Identifier: Apache-2.0
// Keys that no column takes are counted, whichever way rows are written. The judge is SQLite: its
// json_each over the column _extra.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "database_view.h"
#include "sluice/ingest.hpp"
#include "sluice/live.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

class ExtraKeysTest : public testing::Test {
 protected:
  IngestOptions Options(const std::string& input) const {
    IngestOptions options;
    options.database = database_;
    options.inputs = {input};
    options.memory_bytes = uint64_t{32} << 20;
    return options;
  }

  static IngestSummary Ingest(const IngestOptions& options) {
    const Result<IngestSummary> summary = RunIngest(options);
    EXPECT_TRUE(summary) << summary.error().message();
    return summary ? *summary : IngestSummary();
  }

  // `rows`: a condition for the rows of the run.
  void ExpectCounted(const std::vector<ExtraKeys>& counted, const std::string& rows) {
    ASSERT_EQ(counted.size(), 1U);
    DatabaseView view(database_);
    EXPECT_EQ(counted[0].table, "lines");
    EXPECT_EQ(counted[0].column, "_extra");
    EXPECT_TRUE(counted[0].table_is_inferred);
    EXPECT_EQ(counted[0].lines,
              static_cast<uint64_t>(view.Count("SELECT count(*) FROM lines WHERE _extra IS NOT "
                                               "NULL AND " +
                                               rows)));
    EXPECT_EQ(counted[0].keys,
              static_cast<uint64_t>(view.Count(
                  "SELECT count(DISTINCT key) FROM lines, json_each(_extra) WHERE " + rows)));
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
};

// More keys than a table of `auto` has columns for.
std::string WideLines() {
  std::string wide;
  for (int i = 0; i < 210; ++i) {
    wide += (i == 0 ? "{" : ",") + ("\"k" + std::to_string(i) + "\":") + std::to_string(i);
  }
  return "{\"k0\":1}\n" + wide + "}\n{\"k1\":2}\n" + wide + ",\"k0\":5}\n";
}

TEST_F(ExtraKeysTest, OfANewDatabase) {
  for (const bool pages : {true, false}) {
    IngestOptions options = Options(folder_.Write("app.jsonl", WideLines()));
    options.write_pages = pages;
    options.from_scratch = true;
    const IngestSummary summary = Ingest(options);
    EXPECT_EQ(summary.path, pages ? "pages" : "sqlite");
    ExpectCounted(summary.extra_keys, "true");
    EXPECT_EQ(summary.extra_keys[0].lines, 2U);
    EXPECT_EQ(summary.extra_keys[0].keys, 10U);
    EXPECT_EQ(summary.extra_keys[0].first_keys.size(), ExtraKeys::kMostNamed);
  }
}

TEST_F(ExtraKeysTest, OfLinesOfAnotherShape) {
  Ingest(Options(folder_.Write("users.jsonl", "{\"id\":1,\"name\":\"x\"}\n")));
  const std::string metrics = folder_.Write(
      "metrics.jsonl",
      "{\"host\":\"x\",\"cpu\":0.5}\n\n{\"id\":2}\n{\"host\":\"y\",\"host\":1}\n{\"bad\":\n");
  const IngestSummary summary = Ingest(Options(metrics));
  ExpectCounted(summary.extra_keys, "_source LIKE '%metrics%'");
  EXPECT_EQ(summary.extra_keys[0].first_keys, (std::vector<std::string>{"host", "cpu"}));
  EXPECT_TRUE(Ingest(Options(metrics)).extra_keys.empty()) << "nothing new";
}

TEST_F(ExtraKeysTest, WithStopAfterOnlyOfLinesThatWereTaken) {
  Ingest(Options(folder_.Write("users.jsonl", "{\"id\":1}\n")));
  IngestOptions options =
      Options(folder_.Write("more.jsonl", "{\"a\":1}\n{\"b\":1}\n{\"c\":1}\n{\"d\":1}\n"));
  options.stop_after_rows = 3;
  ExpectCounted(Ingest(options).extra_keys, "_source LIKE '%more%'");
}

TEST_F(ExtraKeysTest, AlterLeavesNoneButThoseThatCannotBeColumns) {
  Ingest(Options(folder_.Write("users.jsonl", "{\"id\":1}\n")));
  const std::string long_key(200, 'x');
  IngestOptions options =
      Options(folder_.Write("more.jsonl", "{\"a\":1}\n{\"" + long_key + "\":1}\n"));
  options.alter = true;
  const IngestSummary summary = Ingest(options);
  ExpectCounted(summary.extra_keys, "true");
  EXPECT_EQ(summary.extra_keys[0].first_keys[0], std::string(40, 'x') + "…");
}

class UnfoldingTest : public ExtraKeysTest {
 protected:
  // users.jsonl made the table; the keys of metrics.jsonl are in _extra.
  UnfoldingTest() {
    Ingest(Options(folder_.Write("users.jsonl", "{\"id\":1,\"name\":\"x\"}\n")));
    metrics_ = folder_.Write("metrics.jsonl",
                             "{\"id\":2,\"host\":\"x\",\"cpu\":0.50}\n{\"id\":3}\n"
                             "{\"id\":4,\"host\":{\"a\": [1]}}\n");
    Ingest(Options(metrics_));
  }
  IngestSummary IngestWithAlter(const std::string& input) {
    IngestOptions options = Options(input);
    options.alter = true;
    return Ingest(options);
  }
  std::string Unfolded() {
    DatabaseView view(database_);
    EXPECT_EQ(view.Integrity(), "ok");
    return view.One(
        "SELECT group_concat(id || ':' || coalesce(host, '-') || ':' || coalesce(cpu, '-') || ':' "
        "|| coalesce(_extra, '-'), ' ') FROM lines");
  }

  std::string metrics_;
};

TEST_F(UnfoldingTest, AlterUnfoldsWhatEarlierRunsLeftAlsoIfThereIsNothingNew) {
  const IngestSummary summary = IngestWithAlter(metrics_);
  EXPECT_EQ(summary.counts.lines, 0U);
  EXPECT_EQ(summary.notes, std::vector<std::string>{
                               "lines: 2 keys that stood in _extra are columns now, in 2 rows"});
  EXPECT_EQ(Unfolded(), "1:-:-:- 2:x:0.5:- 3:-:-:- 4:{\"a\":[1]}:-:-");
}

TEST_F(UnfoldingTest, NewLinesGoToTheSameColumns) {
  folder_.Append("metrics.jsonl", "{\"id\":5,\"cpu\":2,\"ram\":3}\n");
  IngestWithAlter(metrics_);
  EXPECT_EQ(Unfolded(), "1:-:-:- 2:x:0.5:- 3:-:-:- 4:{\"a\":[1]}:-:- 5:-:2:-");
  DatabaseView view(database_);
  EXPECT_EQ(view.One("SELECT ram FROM lines WHERE id = 5"), "3");
}

TEST_F(UnfoldingTest, ATableIsLookedThroughOnceAfterEachRunThatLeftKeys) {
  IngestWithAlter(metrics_);
  const auto listed = [this] {
    return DatabaseView(database_).Count("SELECT count(*) FROM _sluice_unfolded");
  };
  EXPECT_EQ(listed(), 1);
  Ingest(Options(folder_.Write("users.jsonl", "{\"id\":1,\"name\":\"x\"}\n{\"id\":5}\n")));
  EXPECT_EQ(listed(), 1) << "a run that left none";
  Ingest(Options(folder_.Write("more.jsonl", "{\"id\":6,\"late\":1}\n")));
  EXPECT_EQ(listed(), 0);
  IngestWithAlter(metrics_);
  EXPECT_EQ(listed(), 1);
  EXPECT_EQ(DatabaseView(database_).One("SELECT late FROM lines WHERE id = 6"), "1");
}

TEST_F(UnfoldingTest, ATriggerThatRefusesLeavesAllAsItWas) {
  DatabaseView(database_).Run(
      "CREATE TRIGGER keep BEFORE UPDATE ON lines BEGIN SELECT raise(ABORT, 'append only'); END");
  const IngestSummary summary = IngestWithAlter(metrics_);
  ASSERT_EQ(summary.notes.size(), 1U);
  EXPECT_NE(summary.notes[0].find("append only"), std::string::npos) << summary.notes[0];
  DatabaseView view(database_);
  EXPECT_EQ(view.Count("SELECT count(*) FROM pragma_table_info('lines') WHERE name = 'host'"), 0);
  EXPECT_EQ(view.Count("SELECT count(_extra) FROM lines"), 2);
}

TEST_F(ExtraKeysTest, InLiveMode) {
  const std::string log = folder_.Write("app.jsonl", "{\"id\":1}\n");
  LiveOptions options;
  options.ingest = Options(log);
  options.rss_budget_bytes = uint64_t{4} << 30;  // of the test program, which is large
  Ingest(options.ingest);
  folder_.Append("app.jsonl", "{\"id\":2,\"new\":1}\n{\"new\":2,\"other\":3}\n{\"id\":3}\n");
  StopToken stop;
  std::string said;
  LiveStatus last;
  LiveHooks hooks;
  hooks.note = [&](const std::string& line) { said += line + "\n"; };
  hooks.status = [&](const LiveStatus& status) {
    last = status;
    if (status.counts.rows >= 3) stop.RequestStop();
  };
  const Result<LiveSummary> summary = RunLive(options, stop, hooks);
  ASSERT_TRUE(summary) << summary.error().message();
  ExpectCounted(summary->ingest.extra_keys, "true");
  EXPECT_EQ(last.extra_keys, 2U);
  EXPECT_EQ(last.lines_with_extra_keys, 2U);
  EXPECT_NE(said.find("lines: keys that have no column go to _extra, such as new\n"),
            std::string::npos)
      << said;
}

}  // namespace
}  // namespace sluice
