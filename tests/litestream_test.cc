// SPDX-License-Identifier: Apache-2.0
// Litestream itself beside sluice: it holds a read transaction on the WAL, checkpoints on its own,
// and keeps tables of its own in the database. What it restores must be the database.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "database_view.h"
#include "live_program.h"
#include "run_program.h"
#include "shared_data.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

// $SLUICE_LITESTREAM, else where scripts/setup --developer puts it; "" if there is none.
std::string Litestream() {
  const char* named = std::getenv("SLUICE_LITESTREAM");
  const std::string path =
      named != nullptr ? named
                       : std::string(SLUICE_SOURCE_DIR) +
                             "/.deps/npm/node_modules/@flydotio/litestream-linux-x64/litestream";
  return std::filesystem::exists(path) ? path : "";
}

class LitestreamTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Litestream().empty()) {
      GTEST_SKIP() << "no Litestream here: scripts/setup --developer installs it";
    }
    WriteLines(1000);
    ASSERT_EQ(Ingest().status, 0);
  }

  // `count` lines more at the end of the log.
  void WriteLines(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      lines +=
          "{\"n\":" + std::to_string(++written_) + ",\"text\":\"" + std::string(200, 'x') + "\"}\n";
    }
    folder_.Append("logs/app.jsonl", lines);
  }

  Outcome Ingest(const std::string& input = "logs") const {
    return RunIn(folder_, {SLUICE_PROGRAM, "ingest", "app.db", input}, {});
  }
  std::unique_ptr<LiveProgram> Follow() const {
    return std::make_unique<LiveProgram>(
        std::vector<std::string>{"ingest", "--follow", folder_ / "app.db", folder_ / "logs",
                                 "--wal-cap", "8MiB"},
        folder_ / "follow.log");
  }
  void StopFollowing(LiveProgram* follower) const {
    EXPECT_TRUE(follower->Reaches([&] { return follower->Follows(); }));
    EXPECT_EQ(follower->Stop(20), 128 + SIGTERM) << ReadFile(folder_ / "follow.log");
  }
  // LiveProgram puts our program behind the wrapper's words: the shell leaves it out.
  std::unique_ptr<LiveProgram> Replicate() const {
    folder_.Write("litestream.yml",
                  "dbs:\n  - path: " + (folder_ / "app.db") +
                      "\n    monitor-interval: 50ms\n    checkpoint-interval: 1s\n    replicas:\n"
                      "      - type: file\n        path: " +
                      (folder_ / "replica") + "\n        sync-interval: 50ms\n");
    return std::make_unique<LiveProgram>(
        std::vector<std::string>{}, folder_ / "litestream.log", -1,
        std::vector<std::string>{"/bin/sh", "-c", "exec \"$1\" replicate -config \"$2\"", "sh",
                                 Litestream(), folder_ / "litestream.yml"});
  }

  long long RowsIn(const std::string& database) const {
    return DatabaseView(folder_ / database).Count("SELECT count(*) FROM lines");
  }
  bool Holds(long long rows) const { return RowsIn("app.db") == rows; }

  // Everything in a database but Litestream's own tables.
  std::vector<std::string> Everything(const std::string& database) const {
    DatabaseView view(folder_ / database);
    std::vector<std::string> all = view.Rows(
        "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_litestream%' ESCAPE '\\'"
        " ORDER BY 1, 2");
    for (const std::string& table :
         view.Rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND"
                   " name NOT LIKE '\\_litestream%' ESCAPE '\\' ORDER BY 1")) {
      for (const std::string& row : view.TypedRows("SELECT * FROM \"" + table + "\"")) {
        all.push_back(table + ": " + row);
      }
    }
    EXPECT_EQ(view.Integrity(), "ok") << database;
    return all;
  }

  bool Restore() const {
    std::filesystem::remove(folder_ / "restored.db");
    return RunIn(folder_,
                 {Litestream(), "restore", "-o", "restored.db", "file://" + (folder_ / "replica")},
                 {})
               .status == 0;
  }
  // Soon after the last commit, what is restored is the database: half a minute is enough for every
  // timer of Litestream.
  void ExpectRestoreEquals() const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    bool is_equal = false;
    while (!is_equal && std::chrono::steady_clock::now() < until) {
      is_equal = Restore() && Everything("restored.db") == Everything("app.db");
    }
    EXPECT_TRUE(is_equal) << ReadFile(folder_ / "litestream.log");
    EXPECT_EQ(RowsIn("restored.db"), RowsIn("app.db"));
  }

  TemporaryDirectory folder_;
  int written_ = 0;
};

TEST_F(LitestreamTest, WhatItRestoresIsTheDatabase) {
  const std::unique_ptr<LiveProgram> litestream = Replicate();
  ASSERT_TRUE(litestream->Reaches([&] { return Restore(); }))
      << ReadFile(folder_ / "litestream.log");

  // Followed; killed in the midst of it; followed again.
  std::unique_ptr<LiveProgram> follower = Follow();
  for (int i = 0; i < 20; ++i) {
    WriteLines(500);  // 10,000 lines: Litestream checkpoints meanwhile
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(follower->Reaches([&] { return RowsIn("app.db") > 3000; }));
  follower->Kill();
  WriteLines(500);
  follower = Follow();
  WriteLines(500);
  ASSERT_TRUE(follower->Reaches([&] { return Holds(written_); }));
  ExpectRestoreEquals();
  StopFollowing(follower.get());

  // A historical run comes between, and makes a table, too.
  WriteLines(20'000);
  folder_.Write("other/other.jsonl",
                "{\"type\":\"session_meta\",\"timestamp\":\"2026-01-01T00:00:00Z\","
                "\"payload\":{\"id\":\"c\"}}\n");
  const Outcome run = RunIn(folder_, {SLUICE_PROGRAM, "ingest", "app.db", "logs", "other"}, {});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_TRUE(Holds(written_));

  // Live again, and read meanwhile.
  follower = Follow();
  WriteLines(2000);
  EXPECT_EQ(RunIn(folder_, {SLUICE_PROGRAM, "status", "app.db"}, {}).status, 0);
  ASSERT_TRUE(follower->Reaches([&] { return Holds(written_); }));
  StopFollowing(follower.get());
  ExpectRestoreEquals();

  // Litestream is killed, misses a run that empties the WAL, and comes back.
  EXPECT_FALSE(litestream->Ended().has_value());
  litestream->Kill();
  WriteLines(3000);
  EXPECT_EQ(Ingest().status, 0);
  const std::unique_ptr<LiveProgram> again = Replicate();
  WriteLines(100);
  EXPECT_EQ(Ingest().status, 0);
  EXPECT_TRUE(Holds(written_));
  ExpectRestoreEquals();
}

// The restored database is one of sluice's: it goes on where that one was.
TEST_F(LitestreamTest, WhatItRestoresGoesOn) {
  std::unique_ptr<LiveProgram> litestream = Replicate();
  ASSERT_TRUE(litestream->Reaches([&] { return Restore(); }))
      << ReadFile(folder_ / "litestream.log");
  ExpectRestoreEquals();
  litestream->Kill();
  WriteLines(10);
  const Outcome run =
      RunIn(folder_, {SLUICE_PROGRAM, "ingest", "restored.db", "logs", "--json"}, {});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("\"rows\":10,"));
  EXPECT_EQ(RowsIn("restored.db"), written_);
}

// A database that is made anew under it would leave it with a file that has lost its name.
TEST_F(LitestreamTest, ADatabaseThatItReplicatesIsNotReplaced) {
  const std::unique_ptr<LiveProgram> litestream = Replicate();
  ASSERT_TRUE(litestream->Reaches([&] { return Restore(); }))
      << ReadFile(folder_ / "litestream.log");
  const Outcome refused =
      RunIn(folder_, {SLUICE_PROGRAM, "ingest", "app.db", "logs", "--from-scratch"}, {});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("in use by"));
  EXPECT_THAT(refused.err, HasSubstr("litestream"));
}

}  // namespace
}  // namespace sluice
