// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments: what was committed stays, what was not is read again, and at the end
// every line is there once.
#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "database_view.h"
#include "sluice/ingest.hpp"
#include "temporary_directory.h"
#include "torture.h"

namespace sluice {
namespace {

constexpr int kLinesPerFile = 20'000;

// Numbered lines with a bad one and a blank one now and then.
std::string Lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) {
    const std::string number = std::to_string(i);
    text += "{\"event\":\"e" + std::to_string(i % 5) + "\",\"t\":\"" + number + "\",\"sid\":\"s" +
            std::to_string(i % 24) + "\",\"flow_id\":\"f" + std::to_string(i / 50) +
            "\",\"round\":" + number + ",\"metadata\":\"{\\\"pid\\\":" + number + "}\"}\n";
    if (i % 997 == 0) text += "not json " + number + "\n";
    if (i % 499 == 0) text += "\n";
  }
  return text;
}

class KillTorture : public testing::Test {
 protected:
  using Duration = std::chrono::microseconds;
  Duration SomewhereIn(Duration length) {
    return Duration(std::uniform_int_distribution<Duration::rep>(0, length.count())(random_));
  }

  IngestOptions Options(const std::string& database) const {
    IngestOptions options;
    options.database = database;
    options.inputs = {folder_ / "logs"};
    options.schema = "sse-lines";
    options.memory_bytes = uint64_t{16} << 20;
    options.commit_rows = 500;
    options.wal_cap_bytes = uint64_t{256} << 10;  // checkpoints in the middle of the run too
    return options;
  }

  static Status Run(const IngestOptions& options) {
    const StopToken stop;
    Result<IngestSummary> summary = RunIngest(options, stop, {});
    return summary ? Status() : summary.error();
  }

  // Runs it in a process of its own and kills that after `after`. False where it had ended by then.
  static bool RunAndKill(const IngestOptions& options, Duration after) {
    const pid_t child = fork();
    if (child == 0) _exit(Run(options).ok() ? 0 : 1);
    std::this_thread::sleep_for(after);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
  }

  // All that a reader sees, with the counts of the sources (I9 and I1 in one).
  static std::vector<std::string> Everything(const std::string& database) {
    DatabaseView view(database);
    EXPECT_EQ(view.Integrity(), "ok");
    std::vector<std::string> all =
        view.Rows("SELECT line, t, sid, flow_id, round, meta_pid FROM sse_lines ORDER BY round");
    for (const char* sql :
         {"SELECT line_number, byte_offset, line FROM _sluice_rejects ORDER BY 3",
          "SELECT path, byte_offset, line_number, lines, rows, rejects, blank FROM "
          "_sluice_sources ORDER BY path",
          "SELECT name FROM sqlite_schema WHERE name LIKE 'idx%' ORDER BY 1"}) {
      const std::vector<std::string> rows = view.Rows(sql);
      all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
  }

  void WriteLogs() {
    for (int file = 0; file < 3; ++file) {
      folder_.Write("logs/" + std::to_string(file) + ".jsonl",
                    Lines(file * kLinesPerFile, (file + 1) * kLinesPerFile));
    }
  }

  TemporaryDirectory folder_;
  const int kills_ = ShortTorture() ? 20 : 200;
  const uint64_t seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
};

TEST_F(KillTorture, AFreshDatabaseIsWholeOrNotThere) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  WriteLogs();
  const std::string clean = folder_ / "clean.db";
  const Stopwatch watch;
  ASSERT_TRUE(Run(Options(clean)).ok());
  const Duration length = std::chrono::duration_cast<Duration>(watch.elapsed());
  const std::vector<std::string> expected = Everything(clean);

  const std::string database = folder_ / "killed.db";
  int killed = 0;
  for (int i = 0; i < kills_; ++i) {
    IngestOptions options = Options(database);
    options.write_pages = i % 4 != 0;
    killed += RunAndKill(options, SomewhereIn(length)) ? 1 : 0;
    if (std::filesystem::exists(database)) {
      ASSERT_EQ(Everything(database), expected) << "after kill " << i;
      std::filesystem::remove(database);
    } else {
      ASSERT_FALSE(std::filesystem::exists(database + "-wal"));
    }
  }
  EXPECT_GT(killed, kills_ / 2);
  ASSERT_TRUE(Run(Options(database)).ok());
  EXPECT_EQ(Everything(database), expected);
  // Nothing is left of the runs that died.
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(name == "logs" || name == "clean.db" || name == "killed.db") << name;
  }
}

TEST_F(KillTorture, AnExistingDatabaseLosesNothingAndGetsNothingTwice) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  // It stands with the first lines of the first file, and its indexes.
  const std::string clean = folder_ / "clean.db";
  const std::string first = Lines(0, 100);
  folder_.Write("logs/0.jsonl", first);
  ASSERT_TRUE(Run(Options(clean)).ok());
  const std::string before = folder_ / "before.db";
  std::filesystem::copy_file(clean, before);
  WriteLogs();
  const Stopwatch watch;
  ASSERT_TRUE(Run(Options(clean)).ok());
  const Duration length = std::chrono::duration_cast<Duration>(watch.elapsed());
  const std::vector<std::string> expected = Everything(clean);

  const std::string database = folder_ / "killed.db";
  int killed = 0;
  while (killed < kills_) {
    std::filesystem::remove(database);
    std::filesystem::copy_file(before, database);
    // One database is killed again and again until a run gets through.
    while (RunAndKill(Options(database), SomewhereIn(length))) ++killed;
    ASSERT_EQ(Everything(database), expected) << "after " << killed << " kills";
  }
}

}  // namespace
}  // namespace sluice
