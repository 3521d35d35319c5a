// SPDX-License-Identifier: Apache-2.0
// Live mode from end to end: files grow, rotate and go, rows and offsets follow, once each.
#include "sluice/live.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/fsuid.h>

#include "base/clock.h"
#include "base/file.h"
#include "database_view.h"
#include "fault_vfs.h"
#include "live_run.h"
#include "other_process.h"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

std::string Numbered(int from, int to) {
  std::string lines;
  for (int i = from; i <= to; ++i) {
    lines += "{\"n\":" + std::to_string(i) + ",\"s\":\"line " + std::to_string(i) + "\"}\n";
  }
  return lines;
}

class LiveTest : public testing::Test {
 protected:
  LiveOptions Options(const std::string& input) const {
    LiveOptions options;
    options.ingest.database = database_;
    options.ingest.inputs = {input};
    options.ingest.memory_bytes = uint64_t{32} << 20;
    options.commit_interval = milliseconds(5);
    options.rss_budget_bytes = uint64_t{4} << 30;  // of the test program, which is large
    return options;
  }

  // The historical part.
  void Ingest(const LiveOptions& options) const {
    const Result<IngestSummary> summary = RunIngest(options.ingest);
    ASSERT_TRUE(summary) << summary.error().message();
  }

  // Lines 1 to 5 of app.jsonl: what most runs begin with.
  LiveOptions IngestFiveLines() const {
    const LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 5)));
    Ingest(options);
    return options;
  }

  // Permissions say nothing to root: where it runs the tests, the live run reads files as nobody,
  // who may write to the database.
  std::function<void()> AsSomebodyElse() const {
    fs::permissions(folder_.path(), fs::perms::all);
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_.path())) {
      fs::permissions(entry, fs::perms::all);
    }
    return [] { setfsuid(65534); };
  }

  std::string Lines() const {
    DatabaseView view(database_);
    if (view.Count("SELECT count(*) FROM sqlite_schema WHERE name = 'lines'") == 0) return "none";
    return view.One(
        "SELECT count(*) || ' of ' || count(DISTINCT n) || ' to ' || max(n) FROM lines");
  }
  // Name, line number and known bytes of each.
  std::vector<std::string> Gaps() const {
    DatabaseView view(database_);
    if (view.Count("SELECT count(*) FROM sqlite_schema WHERE name = '_sluice_gaps'") == 0)
      return {};
    return view.Rows(
        "SELECT replace(g.path, '" + folder_.path() +
        "/', ''), 'after ' || line_number || ' lines', bytes FROM _sluice_gaps AS g "
        "JOIN _sluice_sources AS s ON s.id = source_id AND g.byte_offset = s.byte_offset");
  }
  // Numbers 1 to `last`, each once.
  bool UntilAll(int last) const {
    const std::string n = std::to_string(last);
    const bool all = LiveRun::Until([&] { return Lines() == n + " of " + n + " to " + n; });
    EXPECT_TRUE(all) << Lines();
    return all;
  }
  void ExpectBalanced() const {
    DatabaseView view(database_);
    EXPECT_EQ(view.Integrity(), "ok");
    EXPECT_EQ(view.Count("SELECT count(*) FROM _sluice_sources WHERE lines <> rows + ignored + "
                         "rejects + blank + unfinished"),
              0);
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
  const std::string log_ = folder_ / "app.jsonl";
};

TEST_F(LiveTest, WithoutADatabaseTheErrorSaysHowToMakeIt) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 5)));
  options.ingest.inputs_may_come = true;
  {
    LiveRun live(options);
    ASSERT_TRUE(live.UntilEnded());
    EXPECT_EQ(live.failure().code(), StatusCode::kNotFound);
    EXPECT_EQ(live.failure().message(), database_ + ": there is no such database to go on with");
    EXPECT_NE(live.failure().remedy().find("RunIngest"), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(database_));
  Ingest(options);
  LiveRun live(options);
  folder_.Append("app.jsonl", Numbered(6, 7));
  UntilAll(7);
}

TEST_F(LiveTest, LinesBecomeRowsAsTheyAreWritten) {
  const LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 10)));
  Ingest(options);
  LiveRun live(options);
  folder_.Append("app.jsonl", Numbered(11, 12) + "{\"n\":13,");
  UntilAll(12);
  folder_.Append("app.jsonl", "\"s\":\"\"}\n" + Numbered(14, 2000));
  UntilAll(2000);
  live.Stop();
  ASSERT_TRUE(live.summary()) << live.failure().message();
  EXPECT_EQ(live.summary()->ingest.counts.rows, 1990u);
  EXPECT_EQ(live.summary()->ingest.path, "live");
  ExpectBalanced();
}

TEST_F(LiveTest, ALineThatWasTakenWithoutItsNewlineIsNotTakenAgain) {
  const LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 3) + "{\"n\":4}"));
  Ingest(options);
  LiveRun live(options);
  folder_.Append("app.jsonl", "\n" + Numbered(5, 6));
  UntilAll(6);
  live.Stop();
  ExpectBalanced();
}

// The historical part lists the file, recognises it, looks for it among those that it knows, and
// reads it: its name is taken away before each time that it opens it.
TEST_F(LiveTest, AFileThatIsRotatedAtAnyMomentOfTheStartIsReadOnce) {
  bool was_rotated = true;
  int moment = 0;
  while (was_rotated) {
    ++moment;
    SCOPED_TRACE(moment);
    for (const char* old : {"app.db", "app.db-wal", "app.db-shm", "app.jsonl.1"}) {
      fs::remove(folder_ / old);
    }
    LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 5)));
    options.ingest.inputs_may_come = true;
    int opens = 0;
    {
      const ScopedFileHook rotate([&](const FileEvent& event) {
        if (event.call != FileCall::kOpen || event.path != log_ || ++opens != moment) return 0;
        fs::rename(log_, log_ + ".1");
        return 0;
      });
      Ingest(options);
    }
    was_rotated = opens >= moment;
    folder_.Append(was_rotated ? "app.jsonl.1" : "app.jsonl", Numbered(6, 10));
    LiveRun live(options);
    folder_.Append("app.jsonl", Numbered(11, 15));
    UntilAll(15);
    live.Stop();
    EXPECT_EQ(live.said().find("gap"), std::string::npos) << live.said();
    ExpectBalanced();
  }
  EXPECT_GT(moment, 3);
}

TEST_F(LiveTest, FilesThatAppearAreTakenUpFromTheirFirstByte) {
  folder_.Write("logs/a.jsonl", Numbered(1, 5));
  const LiveOptions options = Options(folder_ / "logs");
  Ingest(options);
  LiveRun live(options);
  folder_.Write("logs/deep/b.jsonl", Numbered(6, 9));
  UntilAll(9);
  folder_.Append("logs/deep/b.jsonl", Numbered(10, 10));
  UntilAll(10);
}

// A file of another kind goes to the table of its own preset.
TEST_F(LiveTest, AFileOfAnotherKindGetsATableOfItsOwn) {
  folder_.Write("logs/a.jsonl", Numbered(1, 5));
  const LiveOptions options = Options(folder_ / "logs");
  Ingest(options);
  LiveRun live(options);
  const std::string sse =
      R"({"t":"1","sid":"s","flow_id":"f","round":1,"event":"e","metadata":"{\"pid\":7}"})";
  folder_.Write("logs/sse.jsonl", sse + "\n" + sse + "\n");
  EXPECT_TRUE(LiveRun::Until([&] {
    DatabaseView view(database_);
    return view.Count("SELECT count(*) FROM sqlite_schema WHERE name = 'sse_lines'") == 1 &&
           view.Count("SELECT count(*) FROM sse_lines WHERE meta_pid = 7") == 2;
  })) << live.said();
  folder_.Append("logs/a.jsonl", Numbered(6, 6));
  UntilAll(6);
  DatabaseView view(database_);
  EXPECT_EQ(view.Count("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'idx_sse_%'"), 7);
}

// Tables come and go in the order of their names; a file stays with its own.
TEST_F(LiveTest, AFileKeepsItsTableWhenOthersAreMade) {
  folder_.Write("logs/a.jsonl", Numbered(1, 5));
  const LiveOptions options = Options(folder_ / "logs");
  Ingest(options);
  LiveRun live(options);
  const auto until_there = [&](const std::string& table) {
    return LiveRun::Until([&] {
      DatabaseView view(database_);
      return view.Count("SELECT count(*) FROM sqlite_schema WHERE name = '" + table + "'") == 1 &&
             view.Count("SELECT count(*) FROM " + table) == 1;
    });
  };
  folder_.Write("logs/claude.jsonl",
                "{\"type\":\"summary\",\"summary\":\"s\",\"leafUuid\":\"u\"}\n");
  ASSERT_TRUE(until_there("claude_code")) << live.said();
  folder_.Write("logs/sse.jsonl",
                R"({"t":"1","sid":"s","flow_id":"f","round":1,"event":"e","metadata":"{}"})"
                "\n");
  ASSERT_TRUE(until_there("sse_lines")) << live.said();
  folder_.Append("logs/a.jsonl", Numbered(6, 6));
  UntilAll(6);
  live.Stop();
  ExpectBalanced();
}

TEST_F(LiveTest, BadLinesAreRejectsAndKeepNobodyWaiting) {
  const LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 2)));
  Ingest(options);
  LiveRun live(options);
  folder_.Append("app.jsonl", "no json\n" + Numbered(3, 3));
  UntilAll(3);
  DatabaseView view(database_);
  EXPECT_EQ(view.One("SELECT line_number || ' ' || line FROM _sluice_rejects"), "3 no json");
  live.Stop();
  ExpectBalanced();
}

// As without --follow: the lines before it are committed, and its place is said.
TEST_F(LiveTest, WithOnBadLineFailTheLinesBeforeTheBadOneAreCommitted) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 2)));
  options.ingest.on_bad_line = OnBadLine::kFail;
  options.commit_interval = std::chrono::hours(1);
  Ingest(options);
  for (int start = 0; start < 2; ++start) {  // it is as bad at the next start
    LiveRun live(options);
    if (start == 0) folder_.Append("app.jsonl", Numbered(3, 4) + "no json\n" + Numbered(5, 5));
    ASSERT_TRUE(live.UntilEnded());
    EXPECT_EQ(live.failure().code(), StatusCode::kConstraint);
    EXPECT_NE(live.failure().message().find("app.jsonl:5: "), std::string::npos)
        << live.failure().message();
    EXPECT_EQ(Lines(), "4 of 4 to 4");
    ExpectBalanced();
  }
  DatabaseView view(database_);
  EXPECT_EQ(view.Count("SELECT count(*) FROM _sluice_rejects"), 0);
  // The same words as in the historical part.
  const Result<IngestSummary> historical = RunIngest(options.ingest);
  ASSERT_FALSE(historical);
  LiveRun live(options);
  ASSERT_TRUE(live.UntilEnded());
  EXPECT_EQ(live.failure().message(), historical.error().message());
  EXPECT_EQ(live.failure().remedy(), historical.error().remedy());
}

TEST_F(LiveTest, WithAlterANewKeyBecomesAColumn) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 2)));
  options.ingest.alter = true;
  Ingest(options);
  LiveRun live(options);
  folder_.Append("app.jsonl", "{\"n\":3,\"level\":\"info\"}\n" + Numbered(4, 4));
  UntilAll(4);
  DatabaseView view(database_);
  EXPECT_EQ(view.One("SELECT level FROM lines WHERE n = 3"), "info");
  folder_.Append("app.jsonl", "{\"n\":5,\"level\":\"warn\",\"host\":\"a\"}\n");
  UntilAll(5);
  EXPECT_EQ(view.One("SELECT level || host FROM lines WHERE n = 5"), "warna");
  live.Stop();
  ExpectBalanced();
}

// What was altered goes with its transaction.
TEST_F(LiveTest, AColumnThatCouldNotBeCommittedIsAddedLater) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 2)));
  options.ingest.alter = true;
  Ingest(options);
  FaultVfs vfs;
  LiveRun live(options);
  vfs.Fail({.call = VfsCall::kWrite, .code = SQLITE_FULL, .lasting = true, .path_suffix = "-wal"});
  folder_.Append("app.jsonl", "{\"n\":3,\"level\":\"info\"}\n");
  EXPECT_TRUE(live.UntilSaid("waiting: ")) << live.said();
  vfs.Heal();
  UntilAll(3);
  EXPECT_EQ(DatabaseView(database_).One("SELECT level FROM lines WHERE n = 3"), "info");
}

TEST_F(LiveTest, RotatedWhileItRunsAndWhileItDoesNot) {
  const LiveOptions options = IngestFiveLines();
  {
    LiveRun live(options);
    folder_.Append("app.jsonl", Numbered(6, 10));
    fs::rename(log_, folder_ / "app.jsonl.1");
    folder_.Write("app.jsonl", Numbered(11, 15));
    UntilAll(15);
  }
  // Twice, with nobody there: what had the name for a moment is found too.
  folder_.Append("app.jsonl", Numbered(16, 20));
  fs::rename(folder_ / "app.jsonl.1", folder_ / "app.jsonl.3");
  fs::rename(log_, folder_ / "app.jsonl.2");
  folder_.Write("app.jsonl.1", Numbered(21, 25));
  folder_.Write("app.jsonl", Numbered(26, 30));
  Ingest(options);
  LiveRun live(options);
  UntilAll(30);
  live.Stop();
  ExpectBalanced();
}

// A run that was killed, or did not keep up, leaves many to the next one.
TEST_F(LiveTest, WhatManyRotationsMadeIsTakenUpHoweverManyTheyAre) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 1));
  const LiveOptions options = Options(log);
  Ingest(options);
  constexpr int kRotations = 150;
  fs::rename(log, log + "." + std::to_string(kRotations));
  for (int i = 1; i < kRotations; ++i) {
    folder_.Write("app.jsonl." + std::to_string(kRotations - i), Numbered(i + 1, i + 1));
  }
  folder_.Write("app.jsonl", "");  // what has the name now has no line to be taken up for
  LiveRun live(options);
  UntilAll(kRotations);
  live.Stop();
  ExpectBalanced();
}

TEST_F(LiveTest, AGapIsSaidAndCounted) {
  const LiveOptions options = IngestFiveLines();
  LiveRun live(options);
  folder_.Append("app.jsonl", Numbered(6, 6));
  UntilAll(6);
  folder_.Write("app.jsonl", Numbered(7, 7));
  UntilAll(7);
  EXPECT_TRUE(live.UntilSaid("possible gap")) << live.said();
  live.Stop();
  EXPECT_EQ(live.status().possible_gaps, 1u);
  EXPECT_EQ(Gaps(), std::vector<std::string>{"app.jsonl|after 6 lines|0"});
  // Once.
  Ingest(options);
  EXPECT_EQ(Gaps().size(), 1u);
  ExpectBalanced();
}

TEST_F(LiveTest, OfALostFileTheBytesAreCountedThatWereKnown) {
  const LiveOptions options = IngestFiveLines();
  LiveRun live(options);
  const std::string unfinished = R"({"n":6,"s)";
  folder_.Append("app.jsonl", unfinished);
  EXPECT_TRUE(LiveRun::Until([&] {
    const LiveStatus status = live.status();
    return !status.sources.empty() && status.sources[0].lag_bytes == unfinished.size();
  }));
  fs::resize_file(log_, 0);
  EXPECT_TRUE(live.UntilSaid("gap: 9 bytes")) << live.said();
  live.Stop();
  EXPECT_EQ(Gaps(), std::vector<std::string>{"app.jsonl|after 5 lines|9"});
}

// Of each that is made and removed at once either the line is there, or a gap.
TEST_F(LiveTest, FilesThatComeAndGoAreRowsOrGaps) {
  constexpr int kFiles = 200;
  constexpr int kLast = 100 + kFiles - 1;  // all lines have one length
  folder_.Write("logs/a.jsonl", Numbered(100, 100));
  const LiveOptions options = Options(folder_ / "logs");
  Ingest(options);
  LiveRun live(options);
  for (int i = 101; i < kLast; ++i) {
    fs::remove(folder_.Write("logs/b" + std::to_string(i % 3) + ".jsonl", Numbered(i, i)));
  }
  folder_.Write("logs/c.jsonl", Numbered(kLast, kLast));
  EXPECT_TRUE(LiveRun::Until(
      [&] { return DatabaseView(database_).Count("SELECT max(n) FROM lines") == kLast; }));
  std::this_thread::sleep_for(milliseconds(2500));  // those that lost their names are looked for
  live.Stop();
  DatabaseView view(database_);
  const bool has_gaps =
      view.Count("SELECT count(*) FROM sqlite_schema WHERE name = '_sluice_gaps'") > 0;
  const auto gaps = has_gaps ? view.Count("SELECT count(*) FROM _sluice_gaps") : 0;
  const auto told = view.Count("SELECT count(DISTINCT n) FROM lines") + gaps;
  EXPECT_GE(told, kFiles) << live.said();
  EXPECT_EQ(view.Count("SELECT count(*) - count(DISTINCT n) FROM lines"), 0);
  ExpectBalanced();
}

// A new name is committed for, and a commit sweeps away what nobody needs any more.
TEST_F(LiveTest, AGapIsThatOfItsFileWhateverIsTakenUpMeanwhile) {
  const std::string logs = folder_ / "logs";
  const std::string a = folder_.Write("logs/a.jsonl", Numbered(1, 5));
  const std::string b = folder_.Write("logs/b.jsonl", Numbered(6, 10));
  LiveOptions options = Options(logs);
  Ingest(options);
  options.commit_interval = std::chrono::hours(1);
  LiveRun live(options);
  folder_.Append("logs/a.jsonl", Numbered(11, 11));  // in the open transaction from here on
  EXPECT_TRUE(LiveRun::Until([&] {
    return std::ranges::any_of(live.status().sources, [&](const LiveSource& source) {
      return source.path == a && source.offset == fs::file_size(a);
    });
  }));
  // What b.jsonl held is looked for, and c.jsonl, which begins like a.jsonl, has to be quiet, for
  // the same second.
  fs::resize_file(b, 0);
  folder_.Write("logs/c.jsonl", Numbered(1, 5) + Numbered(11, 12));
  EXPECT_TRUE(live.UntilSaid("possible gap: ")) << live.said();
  live.Stop();
  EXPECT_NE(live.said().find("possible gap: " + b), std::string::npos) << live.said();
  EXPECT_EQ(Gaps(), std::vector<std::string>{"logs/b.jsonl|after 5 lines|0"});
  ExpectBalanced();
}

// What is gone cannot be found out again: it is kept until a commit takes it.
TEST_F(LiveTest, AGapThatCannotBeCommittedIsCommittedLater) {
  const LiveOptions options = IngestFiveLines();
  FaultVfs vfs;
  LiveRun live(options);
  folder_.Append("app.jsonl", Numbered(6, 6));
  UntilAll(6);
  vfs.Fail({.call = VfsCall::kWrite, .code = SQLITE_FULL, .lasting = true, .path_suffix = "-wal"});
  fs::resize_file(log_, 0);
  EXPECT_TRUE(live.UntilSaid("possible gap")) << live.said();
  EXPECT_TRUE(live.UntilSaid("waiting: ")) << live.said();
  EXPECT_TRUE(Gaps().empty());
  vfs.Heal();
  EXPECT_TRUE(LiveRun::Until([&] { return Gaps().size() == 1; })) << live.said();
}

TEST_F(LiveTest, AGapBetweenTwoRunsIsRecordedOnce) {
  const LiveOptions options = IngestFiveLines();
  fs::resize_file(log_, 0);  // no new source has a row yet
  Ingest(options);
  Ingest(options);
  EXPECT_EQ(Gaps(), std::vector<std::string>{"app.jsonl|after 5 lines|0"});
  folder_.Append("app.jsonl", Numbered(6, 6));
  LiveRun live(options);
  UntilAll(6);
  live.Stop();
  EXPECT_EQ(Gaps().size(), 1u) << live.said();
  ExpectBalanced();
}

TEST_F(LiveTest, AFileThatIsEmptiedBetweenTheTwoPartsIsAGap) {
  const LiveOptions options = IngestFiveLines();
  folder_.Write("app.jsonl", Numbered(6, 6));
  LiveRun live(options);
  UntilAll(6);
  EXPECT_TRUE(live.UntilSaid("possible gap")) << live.said();
  live.Stop();
  EXPECT_EQ(Gaps(), std::vector<std::string>{"app.jsonl|after 5 lines|0"});
}

TEST_F(LiveTest, AFileThatIsCopiedAndEmptiedBetweenTheTwoPartsIsNone) {
  // Over 1 KiB: of a name that is no rotated one only strong evidence tells what it holds.
  const LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 200)));
  Ingest(options);
  folder_.Append("app.jsonl", Numbered(201, 202));
  fs::copy_file(log_, folder_ / "moved.txt");
  folder_.Write("app.jsonl", Numbered(203, 203));
  LiveRun live(options);
  UntilAll(203);
  live.Stop();
  EXPECT_TRUE(Gaps().empty()) << live.said();
  ExpectBalanced();
}

// That a file waits is committed while rows of another one stand in the open transaction (I1).
TEST_F(LiveTest, ANameThatWaitsCommitsNoRowWithoutItsOffset) {
  LiveOptions options = Options(folder_.path());
  options.commit_interval = std::chrono::seconds(60);
  folder_.Write("app.jsonl", Numbered(1, 5));
  Ingest(options);
  LiveRun live(options);
  folder_.Append("app.jsonl", Numbered(6, 8));
  std::this_thread::sleep_for(milliseconds(300));  // they are read; 60 seconds to their commit
  folder_.Write("b.jsonl", "{\"type\":\"permission-mode\",\"sessionId\":\"s\"}\n");
  ASSERT_TRUE(live.UntilSaid("b.jsonl waits")) << live.said();
  EXPECT_TRUE(LiveRun::Until([this] {
    return DatabaseView(database_).Count(
               "SELECT count(*) FROM sqlite_schema WHERE name = '_sluice_waiting'") > 0;
  }));
  EXPECT_EQ(DatabaseView(database_).One("SELECT count(*) FROM lines"),
            DatabaseView(database_).One("SELECT sum(line_number) FROM _sluice_sources"));
}

TEST_F(LiveTest, AnotherWriterIsWaitedForAtTheStartToo) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 5)));
  options.ingest.wait = std::chrono::seconds(60);
  Ingest(options);
  folder_.Append("app.jsonl", Numbered(6, 10));
  OtherProcess writer([this] {
    static DatabaseView view(database_);
    view.Run("BEGIN IMMEDIATE");
    return true;
  });
  ASSERT_TRUE(writer.ready());
  {
    StopToken stop;
    std::thread later([&stop] {
      std::this_thread::sleep_for(milliseconds(500));
      stop.RequestStop();
    });
    const Stopwatch watch;
    const Result<LiveSummary> summary = RunLive(options, stop, {});
    later.join();
    ASSERT_TRUE(summary) << summary.error().message();
    EXPECT_EQ(summary->end, LiveEnd::kStopped);
    EXPECT_LT(watch.seconds(), 2);
  }
  EXPECT_EQ(Lines(), "5 of 5 to 5");
  std::thread later([&writer] {
    std::this_thread::sleep_for(milliseconds(500));
    writer.Kill();
  });
  LiveRun live(options);
  later.join();
  UntilAll(10);
  live.Stop();
  EXPECT_TRUE(live.failure().ok()) << live.failure().message();
}

TEST_F(LiveTest, AnotherWriterIsWaitedForAndNamed) {
  const LiveOptions options = IngestFiveLines();
  OtherProcess writer([this] {
    static Connection db;
    Result<Connection> opened =
        Connection::Open(database_, {.mode = OpenOptions::Mode::kReadWrite});
    if (!opened) return false;
    db = std::move(*opened);
    return true;
  });
  ASSERT_TRUE(writer.ready());
  LiveRun live(options);
  Result<Connection> db = Connection::Open(database_, {.mode = OpenOptions::Mode::kReadWrite});
  ASSERT_TRUE(db->Execute("BEGIN IMMEDIATE").ok());
  folder_.Append("app.jsonl", Numbered(6, 10));
  EXPECT_TRUE(live.UntilSaid("waiting: ")) << live.said();
  EXPECT_EQ(Lines(), "5 of 5 to 5");
  ASSERT_TRUE(db->Execute("COMMIT").ok());
  UntilAll(10);
  EXPECT_TRUE(live.UntilSaid("going on"));
  live.Stop();
  ExpectBalanced();
}

TEST_F(LiveTest, AFileThatNeedsATableIsTakenUpWhenTheTableCanBeMade) {
  folder_.Write("logs/a.jsonl", Numbered(1, 5));
  const LiveOptions options = Options(folder_ / "logs");
  Ingest(options);
  LiveRun live(options);
  Result<Connection> db = Connection::Open(database_, {.mode = OpenOptions::Mode::kReadWrite});
  ASSERT_TRUE(db->Execute("BEGIN IMMEDIATE").ok());
  const std::string sse = folder_.Write(
      "sse.jsonl", R"({"t":"1","sid":"s","flow_id":"f","round":1,"event":"e","metadata":"{}"})"
                   "\n");
  fs::rename(sse, folder_ / "logs/sse.jsonl");
  EXPECT_TRUE(live.UntilSaid("waiting: ")) << live.said();
  std::this_thread::sleep_for(milliseconds(1000));  // no hint comes for it any more
  ASSERT_TRUE(db->Execute("COMMIT").ok());
  EXPECT_TRUE(LiveRun::Until([&] {
    DatabaseView view(database_);
    return view.Count("SELECT count(*) FROM sqlite_schema WHERE name = 'sse_lines'") == 1 &&
           view.Count("SELECT count(*) FROM sse_lines") == 1;
  })) << live.said();
  live.Stop();
  ExpectBalanced();
}

TEST_F(LiveTest, TheWalKeepsToItsCapWhileAReaderPinsIt) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 5));
  LiveOptions options = Options(log);
  options.ingest.wal_cap_bytes = uint64_t{1} << 20;
  options.commit_rows = 1000;
  Ingest(options);
  OtherProcess reader([this] {
    static Connection db;
    static Statement reading;
    Result<Connection> opened = Connection::Open(database_, {});
    if (!opened) return false;
    db = std::move(*opened);
    Result<Statement> statement = db.Prepare("SELECT n FROM lines");
    if (!statement) return false;
    reading = std::move(*statement);
    return reading.Step().value_or(false);
  });
  ASSERT_TRUE(reader.ready());
  LiveRun live(options);
  folder_.Append("app.jsonl", Numbered(6, 60'000));
  EXPECT_TRUE(live.UntilSaid("pid " + std::to_string(reader.pid()))) << live.said();
  std::this_thread::sleep_for(milliseconds(600));
  EXPECT_LT(fs::file_size(database_ + "-wal"), uint64_t{2} << 20);
  reader.Kill();
  UntilAll(60'000);
  EXPECT_LT(fs::file_size(database_ + "-wal"), uint64_t{2} << 20);
}

// Nothing is lost: the lines wait in their file until there is room.
TEST_F(LiveTest, AFullDiskIsWaitedFor) {
  const LiveOptions options = IngestFiveLines();
  FaultVfs vfs;
  LiveRun live(options);
  folder_.Append("app.jsonl", Numbered(6, 10));
  UntilAll(10);
  vfs.Fail({.call = VfsCall::kWrite, .code = SQLITE_FULL, .lasting = true, .path_suffix = "-wal"});
  folder_.Append("app.jsonl", Numbered(11, 20));
  EXPECT_TRUE(live.UntilSaid("waiting: ")) << live.said();
  folder_.Append("app.jsonl", Numbered(21, 30));
  vfs.Heal();
  UntilAll(30);
  EXPECT_TRUE(live.UntilSaid("going on")) << live.said();
  live.Stop();
  ASSERT_TRUE(live.summary()) << live.failure().message();
  ExpectBalanced();
}

// A checkpoint that finds no room takes nothing back: its lines are in the WAL.
TEST_F(LiveTest, AFullDiskInACheckpointDoublesNothing) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 5));
  LiveOptions options = Options(log);
  options.ingest.wal_cap_bytes = uint64_t{64} << 10;
  Ingest(options);
  FaultVfs vfs;
  LiveRun live(options);
  vfs.Fail({.call = VfsCall::kWrite, .code = SQLITE_FULL, .lasting = true, .path_suffix = ".db"});
  int last = 5;
  for (; last < 100'000 && live.said().find("waiting: ") == std::string::npos; last += 100) {
    folder_.Append("app.jsonl", Numbered(last + 1, last + 100));
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_TRUE(vfs.fired());
  EXPECT_TRUE(live.UntilSaid("waiting: ")) << live.said();
  vfs.Heal();
  folder_.Append("app.jsonl", Numbered(last + 1, last + 10));
  UntilAll(last + 10);
  EXPECT_TRUE(live.UntilSaid("going on")) << live.said();
  live.Stop();
  ASSERT_TRUE(live.summary()) << live.failure().message();
  ExpectBalanced();
}

TEST_F(LiveTest, ADatabaseThatWasDeletedEndsTheRun) {
  const LiveOptions options = IngestFiveLines();
  LiveRun live(options);
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(database_ + suffix);
  ASSERT_TRUE(live.UntilEnded());
  EXPECT_EQ(live.failure().code(), StatusCode::kNotFound);
}

TEST_F(LiveTest, ADatabaseThatWasReplacedEndsTheRunAndTheNextGoesOnFromItsOffsets) {
  const LiveOptions options = IngestFiveLines();
  fs::copy_file(database_, folder_ / "backup.db");
  {
    LiveRun live(options);
    folder_.Append("app.jsonl", Numbered(6, 9));
    UntilAll(9);
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(database_ + suffix);
    fs::rename(folder_ / "backup.db", database_);
    ASSERT_TRUE(live.UntilEnded());
    EXPECT_EQ(live.failure().code(), StatusCode::kCorruption);
  }
  Ingest(options);
  UntilAll(9);
  ExpectBalanced();
}

// A file that is known: its lines wait.
TEST_F(LiveTest, AFileThatCannotBeReadIsWaitedFor) {
  const LiveOptions options = IngestFiveLines();
  LiveRun live(options, AsSomebodyElse());
  fs::permissions(log_, fs::perms::none);
  folder_.Append("app.jsonl", Numbered(6, 8));
  EXPECT_TRUE(live.UntilSaid("permission denied: waiting until it can be read")) << live.said();
  EXPECT_TRUE(LiveRun::Until([&] {
    const LiveStatus status = live.status();
    return !status.sources.empty() && status.sources[0].state == "unreadable";
  }));
  EXPECT_EQ(Lines(), "5 of 5 to 5");
  fs::permissions(log_, fs::perms(0644));
  UntilAll(8);
  EXPECT_TRUE(live.UntilSaid("can be read again")) << live.said();
  live.Stop();
  ExpectBalanced();
}

TEST_F(LiveTest, AFileThatCannotBeReadAtTheStartIsTakenUpWhenItCan) {
  folder_.Write("logs/a.jsonl", Numbered(1, 5));
  const LiveOptions options = Options(folder_ / "logs");
  Ingest(options);
  folder_.Append("logs/a.jsonl", Numbered(6, 8));
  folder_.Write("logs/b.jsonl", Numbered(9, 10));
  for (const char* name : {"logs/a.jsonl", "logs/b.jsonl"}) {
    fs::permissions(folder_ / name, fs::perms::none);
  }
  LiveRun live(options, AsSomebodyElse());
  EXPECT_TRUE(live.UntilSaid("left out cannot open " + folder_.path() + "/logs/b.jsonl"))
      << live.said();
  for (const char* name : {"logs/a.jsonl", "logs/b.jsonl"}) {
    fs::permissions(folder_ / name, fs::perms(0644));
  }
  UntilAll(10);
  live.Stop();
  ExpectBalanced();
}

TEST_F(LiveTest, ALineThatDoesNotFitTheBudgetIsTakenAndTheProcessBeginsAnew) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 5)));
  options.rss_budget_bytes = kLeastRssBudget;  // less than this program has
  Ingest(options);
  LiveRun live(options);
  const std::string text(size_t{3} << 20, 'x');
  folder_.Append("app.jsonl", "{\"n\":6,\"s\":\"" + text + "\"}\n");
  UntilAll(6);
  ASSERT_TRUE(live.UntilEnded());
  ASSERT_TRUE(live.summary());
  EXPECT_EQ(live.summary()->end, LiveEnd::kOverBudget);
  EXPECT_NE(live.said().find("does not fit --rss-budget"), std::string::npos);
  ExpectBalanced();
}

TEST_F(LiveTest, WithStrictRssALineThatDoesNotFitIsAReject) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 5)));
  options.rss_budget_bytes = kLeastRssBudget;
  options.strict_rss = true;
  Ingest(options);
  LiveRun live(options);
  const std::string text(size_t{3} << 20, 'x');
  folder_.Append("app.jsonl", "{\"n\":0,\"s\":\"" + text + "\"}\n" + Numbered(6, 6));
  UntilAll(6);
  DatabaseView view(database_);
  EXPECT_EQ(view.One("SELECT length FROM _sluice_rejects"), std::to_string(text.size() + 14));
  live.Stop();
  ExpectBalanced();
}

TEST_F(LiveTest, ABudgetThatCannotBeKeptIsRefused) {
  LiveOptions options = Options(folder_.Write("app.jsonl", Numbered(1, 5)));
  options.rss_budget_bytes = uint64_t{4} << 20;
  const StopToken stop;
  EXPECT_EQ(RunLive(options, stop, {}).error().code(), StatusCode::kUsage);
}

}  // namespace
}  // namespace sluice
