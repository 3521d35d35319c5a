// SPDX-License-Identifier: Apache-2.0
// How many bytes leave us for each byte of input, counted in SQLite's VFS and in base's File.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "sluice/ingest.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

// Lines of an event stream as `sse-lines` takes them: 24 sessions interleaved, times that are
// sometimes late, about 440 bytes a line.
std::string Lines(int first, int last) {
  std::mt19937 random(7);  // the fixture is always the same
  std::string text;
  for (int i = first; i < last; ++i) {
    const std::string session = std::to_string(random() % 24);
    const int late = random() % 50 == 0 ? 60 : 0;
    char time[40];
    const int seconds = 100'000 + i / 20 - late;
    std::snprintf(time, sizeof time, "2026-01-%02dT%02d:%02d:%02d.%03dZ", 1 + seconds / 86400,
                  seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, i % 1000);
    text += R"({"event":"content_block_delta","t":")" + std::string(time) + R"(","sid":"session-)" +
            session + R"(","flow_id":"flow-)" + std::to_string(i / 200) + R"(","round":)" +
            std::to_string(i / 50 % 40) + R"(,"metadata":"{\"pid\":)" +
            std::to_string(4000 + random() % 24) + R"(,\"cwd\":\"/work/app-)" + session +
            R"(\",\"turn_id\":\"turn-)" + std::to_string(i / 100) + R"(\"}","data":")" +
            std::string(150 + random() % 120, 'x') + "\"}\n";
  }
  return text;
}

constexpr int kLines = 20'000;

struct Written {
  double per_input = 0;     // bytes written / bytes decoded
  double per_database = 0;  // bytes written / bytes by which the database grew
};

class WriteAmplification : public testing::Test {
 protected:
  Written Ingest(const std::string& log) {
    const uint64_t before = std::filesystem::exists(options_.database)
                                ? std::filesystem::file_size(options_.database)
                                : 0;
    options_.inputs = {log};
    options_.schema = "sse-lines";
    options_.memory_bytes = uint64_t{64} << 20;
    const StopToken stop;
    const Result<IngestSummary> summary = RunIngest(options_, stop, {});
    EXPECT_TRUE(summary) << summary.error().message();
    if (!summary) return {};
    EXPECT_EQ(summary->counts.rows, static_cast<uint64_t>(kLines));
    const auto written = static_cast<double>(summary->bytes_written);
    const Written result = {
        .per_input = written / static_cast<double>(summary->bytes_decoded),
        .per_database = written / static_cast<double>(summary->database_bytes - before)};
    std::printf("written: %.3f of the input, %.3f of what the database grew by\n", result.per_input,
                result.per_database);
    return result;
  }

  TemporaryDirectory folder_;
  IngestOptions options_ = [this] {
    IngestOptions options;
    options.database = folder_ / "app.db";
    // By rows only: a slow machine would commit more often.
    options.commit_interval = std::chrono::hours(1);
    return options;
  }();
};

// The fixture is 8.3 MB and always the same, so the numbers are, too, but for the page or two that
// the run journal and a path of another length take. Each limit is 15 % above what was measured: a
// change that writes a page more than it has to for every few rows passes it, and whoever has a
// reason raises it here.

// Measured 1.85 and 1.00: no journal, and each page is written once. (The text of a line is stored
// whole beside its columns and seven indexes.)
TEST_F(WriteAmplification, OfAFreshDatabase) {
  const Written written = Ingest(folder_.Write("app.jsonl", Lines(0, kLines)));
  EXPECT_LT(written.per_input, 2.13);
  EXPECT_LT(written.per_database, 1.15);
}

// Measured 4.16 and 2.15: each page goes into the WAL, and from there into the database; pages of
// the indexes that the old rows filled are written again.
TEST_F(WriteAmplification, OfAppending) {
  Ingest(folder_.Write("app.jsonl", Lines(0, kLines)));
  const Written written = Ingest(folder_.Append("app.jsonl", Lines(kLines, 2 * kLines)));
  EXPECT_LT(written.per_input, 4.78);
  EXPECT_LT(written.per_database, 2.47);
}

// Measured 6.38 and 3.30 for a commit every 1,000 rows: what a commit touched goes into the WAL
// again for the next one.
TEST_F(WriteAmplification, OfAppendingInSmallBatches) {
  Ingest(folder_.Write("app.jsonl", Lines(0, kLines)));
  options_.commit_rows = 1000;
  const Written written = Ingest(folder_.Append("app.jsonl", Lines(kLines, 2 * kLines)));
  EXPECT_LT(written.per_input, 7.34);
  EXPECT_LT(written.per_database, 3.79);
}

}  // namespace
}  // namespace sluice
