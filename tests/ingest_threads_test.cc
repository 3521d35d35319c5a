// SPDX-License-Identifier: Apache-2.0
// Several runs at once in one process, as include/sluice/ingest.hpp allows them.
#include <atomic>
#include <csignal>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "database_view.h"
#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

constexpr int kLines = 3000;

class IngestThreadsTest : public testing::Test {
 protected:
  std::string WriteLines(const std::string& name) const {
    std::string lines;
    for (int i = 1; i <= kLines; ++i) {
      lines += "{\"file\":\"" + name + "\",\"n\":" + std::to_string(i) + "}\n";
    }
    return folder_.Write(name, lines);
  }
  IngestOptions Options(const std::string& database, const std::string& input) const {
    IngestOptions options;
    options.database = folder_ / database;
    options.inputs = {input};
    options.memory_bytes = uint64_t{32} << 20;
    options.commit_rows = 500;
    options.threads = 2;
    return options;
  }
  // Each on a thread of its own, all at once.
  static std::vector<Result<IngestSummary>> RunAll(const std::vector<IngestOptions>& runs) {
    std::vector<Result<IngestSummary>> summaries(runs.size());
    std::vector<std::thread> threads;
    std::atomic<size_t> ready{0};
    for (size_t i = 0; i < runs.size(); ++i) {
      threads.emplace_back([&, i] {
        ++ready;
        while (ready < runs.size()) std::this_thread::yield();
        summaries[i] = RunIngest(runs[i]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return summaries;
  }

  TemporaryDirectory folder_;
};

TEST_F(IngestThreadsTest, RunsOnDifferentDatabasesDoNotDisturbEachOther) {
  std::vector<IngestOptions> runs;
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i);
    runs.push_back(Options("db" + n, WriteLines("a" + n + ".jsonl")));
    runs.back().write_pages = i % 2 == 0;
  }
  for (int round = 1; round <= 2; ++round) {
    for (const Result<IngestSummary>& summary : RunAll(runs)) {
      ASSERT_TRUE(summary) << summary.error().message();
      EXPECT_EQ(summary->counts.rows, uint64_t{kLines});
    }
    for (size_t i = 0; i < runs.size(); ++i) {
      DatabaseView view(runs[i].database);
      EXPECT_EQ(view.Integrity(), "ok");
      EXPECT_EQ(view.Count("SELECT count(*) FROM lines"), round * kLines);
      EXPECT_EQ(view.Count("SELECT count(DISTINCT file) FROM lines"), round);
      // The second round goes into databases that are there.
      runs[i].inputs = {WriteLines("b" + std::to_string(i) + ".jsonl")};
    }
  }
}

// One waits for the other, whether the database is there already or not.
TEST_F(IngestThreadsTest, RunsOnOneDatabaseComeOneAfterTheOther) {
  for (int round = 1; round <= 2; ++round) {
    std::vector<IngestOptions> runs;
    for (int i = 0; i < 3; ++i) {
      const std::string name = std::to_string(round) + "-" + std::to_string(i) + ".jsonl";
      runs.push_back(Options("one.db", WriteLines(name)));
      runs.back().wait = std::chrono::seconds(60);
    }
    for (const Result<IngestSummary>& summary : RunAll(runs)) {
      ASSERT_TRUE(summary) << summary.error().message() << "; " << summary.error().remedy();
      EXPECT_EQ(summary->counts.rows, uint64_t{kLines});
    }
    DatabaseView view(folder_ / "one.db");
    EXPECT_EQ(view.Integrity(), "ok");
    EXPECT_EQ(view.Count("SELECT count(*) FROM lines"), round * 3 * kLines);
    EXPECT_EQ(view.Count("SELECT count(DISTINCT file) FROM lines"), round * 3);
    EXPECT_EQ(view.Count("SELECT count(*) FROM _sluice_sources"), round * 3);
  }
}

TEST_F(IngestThreadsTest, TheSignalsOfTheProcessStayAsTheyWere) {
  std::map<int, void (*)(int)> before;
  for (int signal = 1; signal < 32; ++signal) {
    struct sigaction action = {};
    if (sigaction(signal, nullptr, &action) == 0) before[signal] = action.sa_handler;
  }
  ASSERT_TRUE(RunIngest(Options("s.db", WriteLines("s.jsonl"))));
  ASSERT_TRUE(PlanIngest(Options("s.db", folder_ / "s.jsonl")));
  for (const auto& [signal, handler] : before) {
    struct sigaction action = {};
    ASSERT_EQ(sigaction(signal, nullptr, &action), 0);
    EXPECT_EQ(action.sa_handler, handler) << signal;
  }
}

}  // namespace
}  // namespace sluice
