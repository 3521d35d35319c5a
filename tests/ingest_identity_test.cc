// SPDX-License-Identifier: Apache-2.0
// Which source is this? The decision matrix of docs/sources.md from end to end: what a plan says,
// and that every line is in the table once after the run. The rows are lines of known numbers, so a
// lost or a doubled one is seen.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "compress.h"
#include "database_view.h"
#include "sluice/ingest.hpp"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Lines first to last of the log `name`: 50 are longer than an identity window.
std::string Lines(const std::string& name, int first, int last) {
  std::string text;
  for (int i = first; i <= last; ++i) {
    text += "{\"log\":\"" + name + "\",\"n\":" + std::to_string(i) +
            ",\"text\":\"something that takes some bytes\"}\n";
  }
  return text;
}

class IngestIdentityTest : public testing::Test {
 protected:
  // What a run over `inputs` will do with each source, in its order; then the run.
  std::vector<std::string> Ingest(const std::vector<std::string>& inputs) {
    IngestOptions options = options_;
    options.database = database_;
    for (const std::string& input : inputs) options.inputs.push_back(folder_ / input);
    options.memory_bytes = uint64_t{32} << 20;
    std::vector<std::string> decisions;
    const Result<IngestPlan> plan = PlanIngest(options);
    if (!plan) {
      ADD_FAILURE() << plan.error().message();
      return decisions;
    }
    for (const IngestPlan::PlannedSource& source : plan->sources) {
      std::string decision = source.decision;
      // Paths below the test's folder.
      for (size_t at; (at = decision.find(folder_.path() + "/")) != std::string::npos;)
        decision.erase(at, folder_.path().size() + 1);
      decisions.push_back(std::filesystem::path(source.path).filename().string() + ": " + decision);
    }
    for (const WaitingInput& waiting : plan->waiting) {
      decisions.push_back(std::filesystem::path(waiting.path).filename().string() + ": waits for " +
                          waiting.awaits);
    }
    const StopToken stop;
    const Result<IngestSummary> summary = RunIngest(options, stop, {});
    if (!summary) {
      ADD_FAILURE() << summary.error().message();
      return decisions;
    }
    EXPECT_TRUE(summary->failures.empty());
    rows_read_ = summary->counts.rows;
    EXPECT_EQ(DatabaseView(database_).Count("SELECT count(*) FROM _sluice_sources WHERE lines <> "
                                            "rows + ignored + rejects + blank + unfinished"),
              0)
        << "I9";
    EXPECT_EQ(DatabaseView(database_).Count("SELECT count(*) FROM _sluice_rejects"), 0);
    return decisions;
  }

  // Per log "name first-last", where each number between is there once; else what is wrong.
  std::vector<std::string> Rows() {
    return DatabaseView(database_).Rows(
        "SELECT log || CASE WHEN count(*) = count(DISTINCT n) AND count(*) = max(n) - min(n) + 1 "
        "THEN ' ' || min(n) || '-' || max(n) "
        "ELSE ' ' || count(*) || ' rows, ' || count(DISTINCT n) || ' numbers' END "
        "FROM lines GROUP BY log ORDER BY log");
  }

  // Lines of one log lie in the table in their order.
  bool InOrder(const std::string& log) {
    return DatabaseView(database_).Count(
               "SELECT count(*) FROM (SELECT n, lag(n) OVER (ORDER BY _id) AS before FROM lines "
               "WHERE log = '" +
               log + "') WHERE n <= before") == 0;
  }

  long long Sources() {
    return DatabaseView(database_).Count("SELECT count(*) FROM _sluice_sources");
  }

  void Move(const std::string& from, const std::string& to) {
    std::filesystem::rename(folder_ / from, folder_ / to);
  }
  void Copy(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(folder_ / from, folder_ / to);
  }
  void Remove(const std::string& name) { std::filesystem::remove(folder_ / name); }
  // Another inode under this name.
  void Replace(const std::string& name, const std::string& content) {
    folder_.Write(name + ".tmp", content);
    Move(name + ".tmp", name);
  }

  TemporaryDirectory folder_;
  TemporaryDirectory database_folder_;
  const std::string database_ = database_folder_ / "app.db";
  IngestOptions options_;
  uint64_t rows_read_ = 0;
};

TEST_F(IngestIdentityTest, NewUnchangedGrown) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: new"));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
  EXPECT_EQ(rows_read_, 0u);
  folder_.Append("app.jsonl", Lines("a", 51, 60));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: grown"));
  EXPECT_EQ(rows_read_, 10u);
  EXPECT_THAT(Rows(), ElementsAre("a 1-60"));
  EXPECT_EQ(Sources(), 1);
}

TEST_F(IngestIdentityTest, GrownByPiecesOfALine) {
  const std::string line = Lines("a", 2, 2);
  folder_.Write("app.jsonl", Lines("a", 1, 1) + line.substr(0, 20));
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-1"));
  folder_.Append("app.jsonl", line.substr(20, 10));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: grown"));
  folder_.Append("app.jsonl", line.substr(30, line.size() - 31));  // all but the newline
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-2"));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
  folder_.Append("app.jsonl", "\n");
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: grown"));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
  folder_.Append("app.jsonl", Lines("a", 3, 3));
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-3"));
  EXPECT_EQ(DatabaseView(database_).One("SELECT lines || ' ' || blank FROM _sluice_sources"),
            "3 0");
}

TEST_F(IngestIdentityTest, Replaced) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  Replace("app.jsonl", Lines("b", 1, 70));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: replaced by other content"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-70"));
  EXPECT_EQ(Sources(), 2);
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
  folder_.Append("app.jsonl", Lines("b", 71, 80));
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-80"));
}

TEST_F(IngestIdentityTest, ReplacedWithTheSameBeginningOrEnd) {
  const std::string common = Lines("c", 1, 30);
  folder_.Write("head.jsonl", common + Lines("a", 1, 30));
  folder_.Write("tail.jsonl", Lines("x", 1, 30) + Lines("d", 1, 30));
  Ingest({"head.jsonl", "tail.jsonl"});
  Replace("head.jsonl", Lines("e", 1, 1) + Lines("a", 31, 60));
  Replace("tail.jsonl", Lines("y", 1, 30) + Lines("d", 31, 60));
  EXPECT_THAT(Ingest({"head.jsonl", "tail.jsonl"}),
              ElementsAre("head.jsonl: replaced by other content",
                          "tail.jsonl: replaced by other content"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-60", "c 1-30", "d 1-60", "e 1-1", "x 1-30", "y 1-30"));
}

TEST_F(IngestIdentityTest, TruncatedAndRegrown) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  folder_.Write("app.jsonl", "");
  EXPECT_THAT(Ingest({"app.jsonl"}),
              ElementsAre("app.jsonl: waits for its first record (truncated, or overwritten)"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-50"));
  folder_.Append("app.jsonl", Lines("b", 1, 20));
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-20"));
  // Emptied and longer than before by the next run.
  folder_.Write("app.jsonl", Lines("c", 1, 90));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: truncated, or overwritten"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-20", "c 1-90"));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
}

TEST_F(IngestIdentityTest, Moved) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  Move("app.jsonl", "old.jsonl");
  EXPECT_THAT(Ingest({"old.jsonl"}), ElementsAre("old.jsonl: moved from app.jsonl, unchanged"));
  EXPECT_EQ(rows_read_, 0u);
  folder_.Append("old.jsonl", Lines("a", 51, 55));
  // It is known by its new place already.
  EXPECT_THAT(Ingest({"old.jsonl"}), ElementsAre("old.jsonl: grown"));
  Move("old.jsonl", "older.jsonl");
  folder_.Append("older.jsonl", Lines("a", 56, 60));
  EXPECT_THAT(Ingest({"older.jsonl"}), ElementsAre("older.jsonl: moved from old.jsonl, grown"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-60"));
  EXPECT_EQ(Sources(), 1);
}

// Two known files change their names in a circle.
TEST_F(IngestIdentityTest, Swapped) {
  folder_.Write("x.jsonl", Lines("a", 1, 50));
  folder_.Write("y.jsonl", Lines("b", 1, 40));
  Ingest({"x.jsonl", "y.jsonl"});
  Move("x.jsonl", "z.jsonl");
  Move("y.jsonl", "x.jsonl");
  Move("z.jsonl", "y.jsonl");
  folder_.Append("x.jsonl", Lines("b", 41, 45));
  folder_.Append("y.jsonl", Lines("a", 51, 55));
  EXPECT_THAT(Ingest({"x.jsonl", "y.jsonl"}), ElementsAre("x.jsonl: moved from y.jsonl, grown",
                                                          "y.jsonl: moved from x.jsonl, grown"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-55", "b 1-45"));
  EXPECT_EQ(Sources(), 2);
}

// logrotate's way: the file is renamed, goes on for a moment, and a new one takes its name. Only
// the new one is an input.
TEST_F(IngestIdentityTest, RotatedWithUnreadRest) {
  for (const bool compressed : {false, true}) {
    SCOPED_TRACE(compressed);
    folder_.Write("logs/app.jsonl", Lines("a", 1, 50));
    std::filesystem::remove(database_);
    Ingest({"logs/app.jsonl"});
    folder_.Append("logs/app.jsonl", Lines("a", 51, 60));
    if (compressed) {
      folder_.Write("logs/app.jsonl.1.gz", Gzip(Lines("a", 1, 60)));
      Remove("logs/app.jsonl");
    } else {
      Move("logs/app.jsonl", "logs/app.jsonl.1");
    }
    folder_.Write("logs/app.jsonl", Lines("b", 1, 5));
    const std::string rotated = compressed ? "app.jsonl.1.gz" : "app.jsonl.1";
    const std::vector<std::string> decisions = Ingest({"logs/app.jsonl"});
    ASSERT_EQ(decisions.size(), 2u);
    EXPECT_EQ(decisions[0], rotated + ": moved from logs/app.jsonl, grown");
    EXPECT_THAT(decisions[1], testing::AnyOf("app.jsonl: replaced by other content",
                                             "app.jsonl: truncated, or overwritten"));
    EXPECT_EQ(rows_read_, 15u);
    EXPECT_THAT(Rows(), ElementsAre("a 1-60", "b 1-5"));
    EXPECT_TRUE(InOrder("a"));

    folder_.Append("logs/app.jsonl", Lines("b", 6, 9));
    EXPECT_THAT(Ingest({"logs/app.jsonl"}), ElementsAre("app.jsonl: grown"));
    EXPECT_THAT(Rows(), ElementsAre("a 1-60", "b 1-9"));
    std::filesystem::remove_all(folder_ / "logs");
  }
}

// The folder is the input. app.jsonl.1 does not end in .jsonl, app.1.jsonl does.
TEST_F(IngestIdentityTest, RotatedInAFolder) {
  for (const char* rotated : {"logs/app.jsonl.1", "logs/app.1.jsonl"}) {
    SCOPED_TRACE(rotated);
    std::filesystem::remove(database_);
    folder_.Write("logs/app.jsonl", Lines("a", 1, 50));
    folder_.Write("logs/other.jsonl", Lines("o", 1, 5));
    Ingest({"logs"});
    folder_.Append("logs/app.jsonl", Lines("a", 51, 60));
    Move("logs/app.jsonl", rotated);
    folder_.Write("logs/app.jsonl", Lines("b", 1, 5));
    Ingest({"logs"});
    EXPECT_THAT(Rows(), ElementsAre("a 1-60", "b 1-5", "o 1-5"));
    Ingest({"logs"});
    EXPECT_EQ(rows_read_, 0u);
    EXPECT_EQ(Sources(), 3);
    std::filesystem::remove_all(folder_ / "logs");
  }
}

TEST_F(IngestIdentityTest, RotatedTwiceBetweenTwoRuns) {
  folder_.Write("logs/app.jsonl.1", Lines("a", 1, 50));
  folder_.Write("logs/app.jsonl", Lines("b", 1, 50));
  Ingest({"logs/app.jsonl.1", "logs/app.jsonl"});
  folder_.Append("logs/app.jsonl", Lines("b", 51, 60));
  Move("logs/app.jsonl.1", "logs/app.jsonl.3");
  Move("logs/app.jsonl", "logs/app.jsonl.2");
  folder_.Write("logs/app.jsonl.1", Lines("c", 1, 50));
  folder_.Write("logs/app.jsonl", Lines("d", 1, 50));
  Ingest({"logs/app.jsonl.1", "logs/app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-60", "c 1-50", "d 1-50"));
  Ingest({"logs/app.jsonl.1", "logs/app.jsonl"});
  EXPECT_EQ(rows_read_, 0u);
}

// Runs that were killed before they came to what a rotation had made do not shorten the search.
TEST_F(IngestIdentityTest, RotatedBeforeManyRunsThatWereKilled) {
  folder_.Write("logs/app.jsonl", Lines("a", 1, 50));
  Ingest({"logs/app.jsonl"});
  Move("logs/app.jsonl", "logs/app.jsonl.2");
  folder_.Write("logs/app.jsonl.1", Lines("b", 1, 50));
  folder_.Write("logs/app.jsonl", Lines("c", 1, 50));
  Result<Connection> connection =
      Connection::Open(database_, {.mode = OpenOptions::Mode::kReadWrite});
  ASSERT_TRUE(connection) << connection.error().message();
  const std::string later = "'2199-01-01T00:00:00.000Z'";
  const std::string killed =
      "INSERT INTO _sluice_runs(started_at, outcome, path, command, layout) VALUES (" + later +
      ", 'running', 'sqlite', '', 1)";
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(connection->Execute(killed).ok());
  // What they read was something else.
  ASSERT_TRUE(connection->Execute("UPDATE _sluice_sources SET updated_at = " + later).ok());
  Ingest({"logs/app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-50", "c 1-50"));
}

// The names of files may shift between the plan and the moment when they are opened.
TEST_F(IngestIdentityTest, RotatedWhileTheRunBegins) {
  IngestOptions options = options_;
  options.database = database_;
  options.inputs = {folder_.Write("logs/app.jsonl", Lines("a", 1, 50)),
                    folder_.Write("logs/app.jsonl.1", Lines("b", 1, 50))};
  IngestHooks hooks;
  hooks.note = [&, is_first = true](const std::string&) mutable {
    if (!std::exchange(is_first, false)) return;
    Move("logs/app.jsonl.1", "logs/app.jsonl.2");
    Move("logs/app.jsonl", "logs/app.jsonl.1");
    folder_.Write("logs/app.jsonl", Lines("c", 1, 50));
  };
  const Result<IngestSummary> summary = RunIngest(options, StopToken(), hooks);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_THAT(summary->failures, IsEmpty());
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-50"));
  Ingest({"logs/app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-50", "c 1-50"));
  EXPECT_EQ(Sources(), 3);
}

// copytruncate: the rest was copied away, and the file itself emptied and written anew.
TEST_F(IngestIdentityTest, CopiedAndTruncated) {
  folder_.Write("logs/app.jsonl", Lines("a", 1, 50));
  Ingest({"logs"});
  folder_.Append("logs/app.jsonl", Lines("a", 51, 60));
  Copy("logs/app.jsonl", "logs/app.jsonl.1");
  folder_.Write("logs/app.jsonl", Lines("b", 1, 5));
  EXPECT_THAT(Ingest({"logs"}), ElementsAre("app.jsonl.1: moved from logs/app.jsonl, grown",
                                            "app.jsonl: truncated, or overwritten"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-60", "b 1-5"));
}

TEST_F(IngestIdentityTest, Copied) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  Copy("app.jsonl", "copy.jsonl");
  // The copy is a second source, with rows of its own; each goes its own way.
  EXPECT_THAT(Ingest({"copy.jsonl"}), ElementsAre("copy.jsonl: copy of app.jsonl"));
  EXPECT_EQ(rows_read_, 50u);
  folder_.Append("app.jsonl", Lines("b", 1, 5));
  folder_.Append("copy.jsonl", Lines("c", 1, 5));
  EXPECT_THAT(Ingest({"app.jsonl", "copy.jsonl"}),
              ElementsAre("app.jsonl: grown", "copy.jsonl: grown"));
  EXPECT_THAT(Rows(), ElementsAre("a 100 rows, 50 numbers", "b 1-5", "c 1-5"));
  EXPECT_EQ(Sources(), 2);
}

// Whichever is named first: the file that stands where it stood is the original.
TEST_F(IngestIdentityTest, CopyIsNamedBeforeTheOriginal) {
  folder_.Write("m.jsonl", Lines("a", 1, 50));
  Ingest({"m.jsonl"});
  Copy("m.jsonl", "a.jsonl");
  folder_.Append("m.jsonl", Lines("a", 51, 60));
  EXPECT_THAT(Ingest({"a.jsonl", "m.jsonl"}),
              ElementsAre("a.jsonl: copy of m.jsonl", "m.jsonl: grown"));
  EXPECT_THAT(Rows(), ElementsAre("a 110 rows, 60 numbers"));
}

// Two copies and the original gone: one of them is it.
TEST_F(IngestIdentityTest, OneOfTwoCopiesIsTheMovedOne) {
  folder_.Write("m.jsonl", Lines("a", 1, 50));
  Ingest({"m.jsonl"});
  Copy("m.jsonl", "x.jsonl");
  Copy("m.jsonl", "y.jsonl");
  Remove("m.jsonl");
  EXPECT_THAT(Ingest({"x.jsonl", "y.jsonl"}),
              ElementsAre("x.jsonl: moved from m.jsonl, unchanged", "y.jsonl: copy of x.jsonl"));
  EXPECT_EQ(rows_read_, 50u);
  EXPECT_EQ(Sources(), 2);
}

TEST_F(IngestIdentityTest, CompressedSince) {
  for (const char* ending : {".gz", ".zst"}) {
    SCOPED_TRACE(ending);
    std::filesystem::remove(database_);
    folder_.Write("app.jsonl", Lines("a", 1, 50));
    Ingest({"app.jsonl"});
    const std::string more = Lines("a", 1, 60);
    const std::string packed = "app.jsonl" + std::string(ending);
    folder_.Write(packed, ending == std::string(".gz") ? Gzip(more) : Zstd(more));
    Remove("app.jsonl");
    EXPECT_THAT(Ingest({packed}), ElementsAre(packed + ": moved from app.jsonl, grown"));
    EXPECT_EQ(rows_read_, 10u);
    EXPECT_THAT(Ingest({packed}), ElementsAre(packed + ": unchanged"));
    // And back.
    folder_.Write("app.jsonl", more + Lines("a", 61, 61));
    Remove(packed);
    EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: moved from " + packed + ", grown"));
    EXPECT_THAT(Rows(), ElementsAre("a 1-61"));
    EXPECT_EQ(Sources(), 1);
  }
}

// gzip in a folder that is walked: both names end in what is taken.
TEST_F(IngestIdentityTest, CompressedInAFolder) {
  folder_.Write("logs/app.jsonl", Lines("a", 1, 50));
  Ingest({"logs"});
  folder_.Write("logs/app.jsonl.gz", Gzip(Lines("a", 1, 55)));
  Remove("logs/app.jsonl");
  EXPECT_THAT(Ingest({"logs"}), ElementsAre("app.jsonl.gz: moved from logs/app.jsonl, grown"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-55"));
}

// The file system gives the inode of a removed file to the next one.
TEST_F(IngestIdentityTest, InodeReused) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  // Written in place: the inode stays whatever the file system does.
  Move("app.jsonl", "other.jsonl");
  folder_.Write("other.jsonl", Lines("b", 1, 80));
  EXPECT_THAT(Ingest({"other.jsonl"}), ElementsAre("other.jsonl: new"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-50", "b 1-80"));
}

TEST_F(IngestIdentityTest, RestoredWithNewTimesAndInode) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  Replace("app.jsonl", Lines("a", 1, 50));
  std::filesystem::last_write_time(
      folder_ / "app.jsonl",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 365));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
  folder_.Append("app.jsonl", Lines("a", 51, 55));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: grown"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-55"));
}

TEST_F(IngestIdentityTest, StartedAtTheEnd) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  options_.start_at_end = true;
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: new, from its end"));
  EXPECT_THAT(Rows(), IsEmpty());
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
  folder_.Append("app.jsonl", Lines("a", 51, 60));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: grown"));
  EXPECT_THAT(Rows(), ElementsAre("a 51-60"));
  EXPECT_EQ(DatabaseView(database_).One("SELECT min(_line) FROM lines"), "51");
  Move("app.jsonl", "old.jsonl");
  options_.start_at_end = false;
  EXPECT_THAT(Ingest({"old.jsonl"}), ElementsAre("old.jsonl: moved from app.jsonl, unchanged"));
}

// At its end a line was being written: that line is not taken by halves.
TEST_F(IngestIdentityTest, StartedAtTheEndInMidLine) {
  const std::string line = Lines("a", 3, 3);
  folder_.Write("app.jsonl", Lines("a", 1, 2) + line.substr(0, 25));
  options_.start_at_end = true;
  Ingest({"app.jsonl"});
  folder_.Append("app.jsonl", line.substr(25) + Lines("a", 4, 5));
  options_.start_at_end = false;
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 3-5"));
}

// A source that is in the database as `lines` is another one for another table.
TEST_F(IngestIdentityTest, OffsetsAreKeptByTable) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  options_.schema = "raw";
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: new"));
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl: unchanged"));
  EXPECT_EQ(Sources(), 2);
}

// A link that is turned to the new file each day, as `current.jsonl`.
TEST_F(IngestIdentityTest, ALinkThatIsTurned) {
  folder_.Write("day1.jsonl", Lines("a", 1, 50));
  std::filesystem::create_symlink("day1.jsonl", folder_ / "current.jsonl");
  Ingest({"current.jsonl"});
  folder_.Append("day1.jsonl", Lines("a", 51, 60));
  folder_.Write("day2.jsonl", Lines("b", 1, 5));
  Remove("current.jsonl");
  std::filesystem::create_symlink("day2.jsonl", folder_ / "current.jsonl");
  Ingest({"current.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-60", "b 1-5"));
}

// A log of one line begins like many.
TEST_F(IngestIdentityTest, ANeighbourThatNobodyNamedIsLeftAlone) {
  folder_.Write("a.jsonl", Lines("start", 1, 1));
  folder_.Write("b.txt", Lines("start", 1, 1) + Lines("b", 1, 1));
  Ingest({"a.jsonl"});
  folder_.Write("a.jsonl", Lines("other", 1, 1));
  EXPECT_THAT(Ingest({"a.jsonl"}), ElementsAre("a.jsonl: truncated, or overwritten"));
  EXPECT_THAT(Rows(), ElementsAre("other 1-1", "start 1-1"));
}

TEST_F(IngestIdentityTest, AShortLogThatIsRotatedAndBeginsAgainWithTheSameLine) {
  folder_.Write("a.jsonl", Lines("start", 1, 1));
  Ingest({"a.jsonl"});
  folder_.Append("a.jsonl", Lines("a", 1, 1));
  std::filesystem::rename(folder_ / "a.jsonl", folder_ / "a.jsonl.1");
  folder_.Write("a.jsonl", Lines("start", 1, 1) + Lines("b", 1, 1));
  EXPECT_THAT(Ingest({"a.jsonl"}), ElementsAre("a.jsonl.1: moved from a.jsonl, grown",
                                               "a.jsonl: replaced by other content"));
  EXPECT_EQ(rows_read_, 3u);
}

// logrotate's `delaycompress`: the number shifts while the file is compressed.
TEST_F(IngestIdentityTest, ShortLogsThatAreCompressedWhenTheyAreShifted) {
  for (const bool folder : {false, true}) {
    SCOPED_TRACE(folder);
    const std::string app = folder ? "logs/app.jsonl" : "app.jsonl";
    const std::string input = folder ? "logs" : app;
    std::filesystem::create_directory(folder_ / "logs");
    std::filesystem::remove(database_);
    std::string yesterday;
    for (int day = 1; day <= 6; ++day) {
      for (int n = day - 2; n >= 2; --n)
        Move(app + "." + std::to_string(n) + ".gz", app + "." + std::to_string(n + 1) + ".gz");
      if (day >= 3) {
        folder_.Write(app + ".2.gz", Gzip(yesterday));
        Remove(app + ".1");
      }
      yesterday = Lines("day" + std::to_string(day - 1), 1, 1);
      if (day >= 2) Move(app, app + ".1");
      folder_.Write(app, Lines("day" + std::to_string(day), 1, 1));
      Ingest({input});
      EXPECT_EQ(rows_read_, 1U) << "day " << day;
    }
    EXPECT_EQ(Rows().size(), 6U);
  }
}

// Every log of the program begins with the same lines, more than a kilobyte of them.
TEST_F(IngestIdentityTest, OfTwoRotationsTheMiddleFileIsReadThoughAllBeginAlike) {
  const auto log = [](const std::string& name) { return Lines("same", 1, 40) + Lines(name, 1, 1); };
  folder_.Write("app.jsonl", log("a"));
  Ingest({"app.jsonl"});
  Move("app.jsonl", "app.jsonl.2");
  folder_.Write("app.jsonl.1", log("b"));
  folder_.Write("app.jsonl", log("c"));
  Ingest({"app.jsonl"});
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), testing::IsSupersetOf({"a 1-1", "b 1-1", "c 1-1"}));
}

TEST_F(IngestIdentityTest, OfTwoRotationsTheMiddleFileIsReadWithTheDateBeforeTheExtension) {
  folder_.Write("app.jsonl", Lines("a", 1, 1));
  folder_.Write("app-2.jsonl", Lines("another", 1, 1));
  Ingest({"app.jsonl"});
  Move("app.jsonl", "app-20260129.jsonl");
  folder_.Write("app-20260130.jsonl", Lines("b", 1, 1));
  folder_.Write("app.jsonl", Lines("c", 1, 1));
  folder_.Append("app-2.jsonl", Lines("another", 2, 2));
  Ingest({"app.jsonl"});
  EXPECT_THAT(Rows(), ElementsAre("a 1-1", "b 1-1", "c 1-1"));
}

// A file that is there, and that the system cannot open for a moment, is no gap: the run ends, and
// the next one finds it.
TEST_F(IngestIdentityTest, WhatCannotBeOpenedForNowIsNotGone) {
  folder_.Write("app.jsonl", Lines("a", 1, 50));
  Ingest({"app.jsonl"});
  folder_.Append("app.jsonl", Lines("a", 51, 60));
  Move("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", Lines("b", 1, 5));
  {
    const ScopedFileHook hook([](const FileEvent& event) {
      return event.call == FileCall::kOpen && event.path.ends_with("app.jsonl.1") ? EMFILE : 0;
    });
    IngestOptions options;
    options.database = database_;
    options.inputs = {folder_ / "app.jsonl"};
    const Result<IngestSummary> summary = RunIngest(options, StopToken(), {});
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().code(), StatusCode::kExhausted) << summary.error().message();
  }
  EXPECT_THAT(Ingest({"app.jsonl"}), ElementsAre("app.jsonl.1: moved from app.jsonl, grown",
                                                 "app.jsonl: replaced by other content"));
  EXPECT_THAT(Rows(), ElementsAre("a 1-60", "b 1-5"));
  EXPECT_EQ(DatabaseView(database_).Count("SELECT count(*) FROM sqlite_schema WHERE name = "
                                          "'_sluice_gaps'"),
            0)
      << "no gap";
}

// How many files a run over `inputs` opens.
class ManyFilesTest : public IngestIdentityTest {
 protected:
  size_t OpenedBy(const std::string& input) {
    size_t opened = 0;
    {
      ScopedFileHook hook([&](const FileEvent& event) {
        opened += event.call == FileCall::kOpen && event.path.starts_with(folder_.path()) ? 1U : 0U;
        return 0;
      });
      IngestOptions options;
      options.database = database_;
      options.inputs = {folder_ / input};
      const Result<IngestSummary> summary = RunIngest(options, StopToken(), {});
      EXPECT_TRUE(summary);
      rows_read_ = summary ? summary->counts.rows : 0;
    }
    return opened;
  }

  std::string Name(size_t i) const { return "logs/a" + std::to_string(i) + ".jsonl"; }
};

TEST_F(ManyFilesTest, NoFileIsOpenedMoreOftenWhereThereAreMore) {
  for (const size_t count : {60u, 120u}) {
    SCOPED_TRACE(count);
    std::filesystem::remove_all(folder_ / "logs");
    std::filesystem::remove_all(folder_ / "moved");
    std::filesystem::remove(database_);
    std::filesystem::create_directory(folder_ / "logs");
    const int lines = 50;
    for (size_t i = 0; i < count; ++i) {
      folder_.Write(Name(i), Lines("same", 1, 20) + Lines(std::to_string(i), 1, lines));
    }
    OpenedBy("logs");
    EXPECT_EQ(rows_read_, count * (20 + lines));

    EXPECT_LE(OpenedBy("logs"), count + 20) << "nothing new";
    EXPECT_EQ(rows_read_, 0u);

    for (size_t i = 0; i < count; ++i) {
      folder_.Append(Name(i), Lines(std::to_string(i), lines + 1, lines + 1));
      std::filesystem::rename(folder_ / Name(i), folder_ / (Name(i) + ".1"));
      folder_.Write(Name(i), Lines("new" + std::to_string(i), 1, 1));
    }
    EXPECT_LE(OpenedBy("logs"), 12 * count + 20) << "all rotated";
    EXPECT_EQ(rows_read_, 2 * count);

    std::filesystem::rename(folder_ / "logs", folder_ / "moved");
    EXPECT_LE(OpenedBy("moved"), 8 * count + 20) << "all renamed";
    EXPECT_EQ(rows_read_, 0u);
  }
}

}  // namespace
}  // namespace sluice
