// SPDX-License-Identifier: Apache-2.0
#include "publish/fresh_database.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "fault_vfs.h"
#include "ledger/ledger.h"
#include "other_process.h"
#include "power_loss.h"
#include "publish/built_check.h"
#include "publish/target_lock.h"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

class FreshDatabaseTest : public testing::Test {
 protected:
  std::string target() const { return folder_ / "a.db"; }

  // What a sink does: builds the temporary file, closes it.
  static void Build(const std::string& path, int value) {
    Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kCreate});
    ASSERT_TRUE(db) << db.error().message();
    ASSERT_TRUE(db->Execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE t(a); "
                            "CREATE INDEX i ON t(a);"
                            "INSERT INTO t VALUES (" +
                            std::to_string(value) + ")")
                    .ok());
    Result<Ledger> ledger = Ledger::Create(*db);
    ASSERT_TRUE(ledger);
    ASSERT_TRUE(ledger->PutSchema("t", "table = \"t\"", "2026-01-01T00:00:00.000Z").ok());
    ASSERT_TRUE(db->Close().ok());
  }
  static int64_t ValueIn(const std::string& path) {
    Result<Connection> db = Connection::Open(path, {});
    return db ? (*db->QueryInteger("SELECT a FROM t")).value_or(-1) : -2;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TemporaryDirectory folder_;
};

TEST_F(FreshDatabaseTest, AppearsWholeAndAlone) {
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(fresh) << fresh.error().message();
  Build(fresh->temporary_path(), 7);
  EXPECT_FALSE(fs::exists(target()));
  const Status status = fresh->Publish();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(Files(), std::vector<std::string>{"a.db"}) << "no -wal, no lock, no temporary file";
  EXPECT_EQ(ValueIn(target()), 7);
  Result<Connection> db = Connection::Open(target(), {});
  EXPECT_EQ(*db->Pragma("journal_mode"), "wal");
}

TEST_F(FreshDatabaseTest, LeavesNothingWhenGivenUp) {
  {
    Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
    ASSERT_TRUE(fresh);
    Build(fresh->temporary_path(), 7);
  }
  EXPECT_TRUE(Files().empty());
}

TEST_F(FreshDatabaseTest, OneBuilderAtATime) {
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(fresh);
  const Status status = FreshDatabase::Claim(target(), {}).error();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_NE(status.message().find("this process"), std::string::npos) << status.message();
  fresh->Abandon();
  EXPECT_TRUE(FreshDatabase::Claim(target(), {}));
}

TEST_F(FreshDatabaseTest, AnExistingTargetIsOnlyReplacedOnRequest) {
  Build(target(), 1);
  EXPECT_EQ(FreshDatabase::Claim(target(), {}).error().code(), StatusCode::kUnsupported);
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = true});
  ASSERT_TRUE(fresh) << fresh.error().message();
  Build(fresh->temporary_path(), 2);
  const Status status = fresh->Publish();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(ValueIn(target()), 2);
}

TEST_F(FreshDatabaseTest, ALeftoverWalIsNeverAdopted) {
  for (const char* leftover : {"a.db-wal", "a.db-journal"}) {
    folder_.Write(leftover, "x");
    const Status status = FreshDatabase::Claim(target(), {}).error();
    EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    EXPECT_NE(status.message().find(leftover), std::string::npos) << status.message();
    fs::remove(folder_ / leftover);
  }
}

TEST_F(FreshDatabaseTest, NamesTheProcessThatBuilds) {
  OtherProcess builder([this] {
    static std::optional<FreshDatabase> fresh;
    Result<FreshDatabase> claimed = FreshDatabase::Claim(target(), {});
    if (!claimed) return false;
    fresh.emplace(std::move(*claimed));
    Build(fresh->temporary_path(), 1);
    return true;
  });
  ASSERT_TRUE(builder.ready());
  const Status status = FreshDatabase::Claim(target(), {}).error();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_NE(status.message().find("pid " + std::to_string(builder.pid())), std::string::npos)
      << status.message();

  // Somebody removes its lock file: the temporary file of a living process is left alone.
  fs::remove(target() + ".sluice-lock");
  Result<FreshDatabase> second = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(second);
  EXPECT_EQ(Files().size(), 2u) << "its temporary file, our lock file";
  second->Abandon();

  // Once it is dead its file is removed.
  builder.Kill();
  Result<FreshDatabase> third = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(third);
  EXPECT_EQ(Files(), std::vector<std::string>{"a.db.sluice-lock"});
}

TEST_F(FreshDatabaseTest, ALockFileLeftByADeadProcessIsNoObstacle) {
  {
    OtherProcess builder([this] {
      static Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
      return fresh.has_value();
    });
    ASSERT_TRUE(builder.ready());
  }
  EXPECT_EQ(Files(), std::vector<std::string>{"a.db.sluice-lock"});
  EXPECT_TRUE(FreshDatabase::Claim(target(), {}));
}

TEST_F(FreshDatabaseTest, WaitsForTheOtherBuilder) {
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(fresh);
  std::thread later([&fresh] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    fresh->Abandon();
  });
  EXPECT_TRUE(FreshDatabase::Claim(target(), {.wait = {.longest = std::chrono::seconds(10)}}));
  later.join();
}

// Many processes claim, look around and let go, over and over: never two at once, though each
// removes the lock file.
TEST(TargetLock, IsHeldByOneOfManyProcesses) {
  TemporaryDirectory folder;
  const std::string target = folder / "a.db";
  const std::string inside = folder / "inside";
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      for (int round = 0; round < 40; ++round) {
        Result<TargetLock> lock =
            TargetLock::Acquire(target, {.longest = std::chrono::seconds(30)});
        if (!lock) _exit(1);
        if (mkdir(inside.c_str(), 0700) != 0) _exit(2);
        if (rmdir(inside.c_str()) != 0) _exit(3);
      }
      _exit(0);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_FALSE(fs::exists(target + ".sluice-lock"));
}

TEST_F(FreshDatabaseTest, NeverReplacesWhatAppearedMeanwhile) {
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(fresh);
  Build(fresh->temporary_path(), 1);
  Build(target(), 2);
  EXPECT_EQ(fresh->Publish().code(), StatusCode::kBusy);
  EXPECT_EQ(ValueIn(target()), 2);
  EXPECT_EQ(Files(), std::vector<std::string>{"a.db"});
}

TEST_F(FreshDatabaseTest, AWalThatAppearedMeanwhileIsNotAdopted) {
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(fresh);
  Build(fresh->temporary_path(), 1);
  folder_.Write("a.db-wal", "x");
  EXPECT_EQ(fresh->Publish().code(), StatusCode::kUnsupported);
  EXPECT_EQ(Files(), std::vector<std::string>{"a.db-wal"});
}

TEST_F(FreshDatabaseTest, GivesTheOldOneBackAsItWas) {
  Build(target(), 1);
  ASSERT_TRUE(Connection::Open(target(), {.mode = OpenOptions::Mode::kReadWrite})
                  ->Execute("PRAGMA journal_mode=WAL")
                  .ok());
  {
    Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = true});
    ASSERT_TRUE(fresh);
    Build(fresh->temporary_path(), 2);
    // Nobody reads or writes it meanwhile.
    OtherProcess other([this] { return !Connection::Open(target(), {}); });
    EXPECT_TRUE(other.ready());
  }
  EXPECT_EQ(ValueIn(target()), 1);
  EXPECT_EQ(*Connection::Open(target(), {})->Pragma("journal_mode"), "wal");
}

TEST_F(FreshDatabaseTest, TheNewOneHasThePermissionsOfTheOld) {
  Build(target(), 1);
  fs::permissions(target(), fs::perms::owner_read | fs::perms::owner_write);
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = true});
  ASSERT_TRUE(fresh);
  Build(fresh->temporary_path(), 2);
  ASSERT_TRUE(fresh->Publish().ok());
  EXPECT_EQ(fs::status(target()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// Each way in which another process can be connected: idle or reading, WAL or not.
TEST_F(FreshDatabaseTest, RefusesToReplaceWhatIsInUse) {
  for (const char* mode : {"WAL", "DELETE"}) {
    for (const char* use : {"", "SELECT * FROM t"}) {
      SCOPED_TRACE(std::string(mode) + " " + use);
      fs::remove(target());
      Build(target(), 1);
      ASSERT_TRUE(Connection::Open(target(), {.mode = OpenOptions::Mode::kReadWrite})
                      ->Execute(std::string("PRAGMA journal_mode=") + mode)
                      .ok());
      OtherProcess other([this, use] {
        static Connection db;
        static Statement statement;
        db = std::move(*Connection::Open(target(), {}));
        if (*use == '\0') return true;
        statement = std::move(*db.Prepare(use));
        return statement.Step().value_or(false);
      });
      ASSERT_TRUE(other.ready());
      const Status status =
          FreshDatabase::Claim(target(), {.replace = true, .force = true}).error();
      EXPECT_EQ(status.code(), StatusCode::kBusy);
      EXPECT_NE(status.message().find("pid " + std::to_string(other.pid())), std::string::npos)
          << status.message();
      other.Kill();
      EXPECT_EQ(ValueIn(target()), 1);
    }
  }
}

TEST_F(FreshDatabaseTest, RefusesToReplaceTablesOfOthers) {
  Build(target(), 1);
  ASSERT_TRUE(Connection::Open(target(), {.mode = OpenOptions::Mode::kReadWrite})
                  ->Execute("CREATE VIRTUAL TABLE ours USING fts5(a, content='t');"
                            "CREATE TABLE customers(a INTEGER PRIMARY KEY AUTOINCREMENT)")
                  .ok());
  const Status status = FreshDatabase::Claim(target(), {.replace = true}).error();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_TRUE(status.message().ends_with("did not make: the table customers")) << status.message();
  EXPECT_EQ(ValueIn(target()), 1);
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = true, .force = true});
  ASSERT_TRUE(fresh);
  Build(fresh->temporary_path(), 2);
  ASSERT_TRUE(fresh->Publish().ok());
  EXPECT_EQ(ValueIn(target()), 2);
}

TEST_F(FreshDatabaseTest, AFileThatIsNoDatabaseIsNotReplaced) {
  folder_.Write("a.db", std::string(10000, 'x'));
  for (const bool force : {false, true}) {
    EXPECT_EQ(FreshDatabase::Claim(target(), {.replace = true, .force = force}).error().code(),
              StatusCode::kCorruption);
  }
}

TEST_F(FreshDatabaseTest, FollowsLinks) {
  fs::create_directory(folder_ / "real");
  fs::create_symlink("real/data.db", folder_ / "a.db");
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(fresh) << fresh.error().message();
  EXPECT_EQ(fresh->target(), folder_ / "real/data.db") << "a link that points to nothing yet";
  Build(fresh->temporary_path(), 1);
  ASSERT_TRUE(fresh->Publish().ok());
  EXPECT_TRUE(fs::is_symlink(target()));
  EXPECT_EQ(ValueIn(folder_ / "real/data.db"), 1);

  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(ResolveTarget(folder_ / "loop").error().code(), StatusCode::kUsage);
}

TEST_F(FreshDatabaseTest, SaysWhatCanBeNoTarget) {
  EXPECT_EQ(FreshDatabase::Claim(folder_.path(), {}).error().code(), StatusCode::kUsage);
  EXPECT_EQ(FreshDatabase::Claim(folder_.path() + "/", {}).error().code(), StatusCode::kUsage);
  EXPECT_EQ(FreshDatabase::Claim("/dev/null", {}).error().code(), StatusCode::kUsage);
  const Status status = FreshDatabase::Claim(folder_ / "no/a.db", {}).error();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.remedy().find("mkdir -p"), std::string::npos);
}

// A file that SQLite wrote, with one byte changed behind its back.
TEST_F(FreshDatabaseTest, ADamagedDatabaseIsNotPublished) {
  using Verify = FreshDatabase::Verify;
  struct Case {
    Verify verify;
    uint64_t at;  // byte to change
    bool noticed;
  };
  constexpr uint64_t kRootOfIndex = 3 * 4096 - 1;  // the last cell of page 3: a value in the index
  for (const Case& damage :
       {Case{Verify::kLight, 4096, true}, Case{Verify::kQuick, 4096, true},
        Case{Verify::kFull, 4096, true}, Case{Verify::kFull, kRootOfIndex, true},
        Case{Verify::kLight, kRootOfIndex, true}, Case{Verify::kQuick, kRootOfIndex, false}}) {
    Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.verify = damage.verify});
    ASSERT_TRUE(fresh);
    Build(fresh->temporary_path(), 77);
    {
      std::fstream file(fresh->temporary_path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(damage.at));
      file.put('\x7f');
    }
    const Status status = fresh->Publish();
    EXPECT_EQ(status.code() == StatusCode::kCorruption, damage.noticed)
        << static_cast<int>(damage.verify) << " at " << damage.at << ": " << status.message();
    EXPECT_EQ(Files().empty(), damage.noticed);
    fs::remove(target());
  }
}

// An index whose keys are those of another column: its edges are sound, its rows are not where they
// should be.
TEST_F(FreshDatabaseTest, ALightCheckLooksRowsUpInEveryIndex) {
  const std::string path = folder_ / "b.db";
  {
    Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kCreate});
    ASSERT_TRUE(db);
    const Status made = db->Execute(
        "CREATE TABLE t(rowid TEXT, a TEXT, b, c REAL COLLATE NOCASE);"
        "CREATE INDEX same ON t(a); CREATE INDEX three ON t(c, b, a);"
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO t SELECT 'x', 'same', iif(i % 3, i, NULL), i % 7 FROM n;"
        "CREATE TABLE empty(a, b); CREATE INDEX of_empty ON empty(a, b);"
        "CREATE TABLE keyed(k TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO keyed VALUES ('k')");
    ASSERT_TRUE(made.ok()) << made.message();
    ASSERT_TRUE(db->Close().ok());
  }
  constexpr std::chrono::seconds kLong{60};
  const Status sound = CheckLightly(path, kLong);
  EXPECT_TRUE(sound.ok()) << sound.message();

  {
    Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
    ASSERT_TRUE(db->Execute("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql ="
                            " 'CREATE INDEX same ON t(b)' WHERE name = 'same'")
                    .ok());
  }
  const Status status = CheckLightly(path, kLong);
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("is missing from the index same"), std::string::npos)
      << status.message();
  EXPECT_TRUE(CheckLightly(path, std::chrono::nanoseconds(0)).ok()) << "there was no time for it";
}

TEST_F(FreshDatabaseTest, WhatABuilderPutBesideItsFileGoesWithIt) {
  const auto builds = [this] {
    static std::optional<FreshDatabase> fresh;
    Result<FreshDatabase> claimed = FreshDatabase::Claim(target(), {});
    if (!claimed) return false;
    fresh.emplace(std::move(*claimed));
    for (const char* suffix : {"", "-blueprint", "-blueprint-journal", "-run-7"}) {
      folder_.Write(fs::path(fresh->temporary_path() + suffix).filename().string(), "x");
    }
    return true;
  };
  {
    OtherProcess dies(builds);
    ASSERT_TRUE(dies.ready());
    EXPECT_EQ(Files().size(), 5u) << "and the lock";
  }
  OtherProcess lives(builds);
  ASSERT_TRUE(lives.ready());
  EXPECT_EQ(Files().size(), 5u) << "those of the dead one are gone";

  fs::remove(target() + ".sluice-lock");
  Result<FreshDatabase> third = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(third);
  Build(third->temporary_path(), 1);
  folder_.Write(fs::path(third->temporary_path() + "-run-1").filename().string(), "x");
  third->Abandon();
  EXPECT_EQ(Files().size(), 4u) << "those of the living one are left alone";
}

TEST_F(FreshDatabaseTest, AFileCutShortIsNotPublished) {
  Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {});
  ASSERT_TRUE(fresh);
  Build(fresh->temporary_path(), 7);
  fs::resize_file(fresh->temporary_path(), fs::file_size(fresh->temporary_path()) - 4096);
  EXPECT_EQ(fresh->Publish().code(), StatusCode::kCorruption);
  EXPECT_TRUE(Files().empty());
}

// Every call of File and of SQLite in Claim and Publish fails once: the old database or the new
// one, whole, and nothing beside it.
TEST_F(FreshDatabaseTest, EveryFailureLeavesOneWholeDatabase) {
  for (const bool replace : {false, true}) {
    for (uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE((replace ? "replacing, call " : "from nothing, call ") + std::to_string(nth));
      for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry);
      if (replace) Build(target(), 1);
      uint64_t calls = 0;
      Status status;
      {
        ScopedFileHook hook([&](const FileEvent&) { return ++calls == nth ? EIO : 0; });
        Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = replace});
        status = fresh ? Status() : fresh.error();
        if (fresh) {
          Build(fresh->temporary_path(), 2);
          status = fresh->Publish();
        }
      }
      for (const std::string& name : Files()) {
        // What could not be removed stays, and is no obstacle.
        EXPECT_TRUE(name == "a.db" || name == "a.db.sluice-lock" || !status.ok()) << name;
        EXPECT_FALSE(name.starts_with("a.db-")) << name;
      }
      const int64_t value = fs::exists(target()) ? ValueIn(target()) : 0;
      EXPECT_TRUE(value == 2 || (!status.ok() && value == (replace ? 1 : 0)))
          << value << ": " << status.message();
      if (calls < nth) {
        EXPECT_TRUE(status.ok());
        EXPECT_GT(nth, 4u);
        break;
      }
    }
  }
}

TEST_F(FreshDatabaseTest, EveryFailureOfSqliteLeavesOneWholeDatabase) {
  TemporaryDirectory templates;
  Build(templates / "new", 2);
  Build(templates / "old", 1);
  ASSERT_TRUE(Connection::Open(templates / "old", {.mode = OpenOptions::Mode::kReadWrite})
                  ->Execute("PRAGMA journal_mode=WAL")
                  .ok());
  for (const bool replace : {false, true}) {
    for (const VfsCall call :
         {VfsCall::kOpen, VfsCall::kRead, VfsCall::kWrite, VfsCall::kSync, VfsCall::kDelete,
          VfsCall::kLock, VfsCall::kFileSize, VfsCall::kShmMap}) {
      for (uint64_t nth = 1;; ++nth) {
        SCOPED_TRACE(std::string(replace ? "replacing, " : "from nothing, ") + NameOf(call) + " " +
                     std::to_string(nth));
        for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry);
        if (replace) fs::copy_file(templates / "old", target());
        Status status;
        FaultVfs vfs;
        vfs.Fail({.call = call, .nth = nth});
        {
          Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = replace});
          status = fresh ? Status() : fresh.error();
          if (fresh) {
            fs::copy_file(templates / "new", fresh->temporary_path());
            status = fresh->Publish();
          }
        }
        const bool fired = vfs.fired();
        vfs.Heal();
        const int64_t value = fs::exists(target()) ? ValueIn(target()) : 0;
        EXPECT_TRUE(value == 2 || (!status.ok() && value == (replace ? 1 : 0)))
            << value << ": " << status.message();
        if (!fired) break;
      }
    }
  }
}

// kill -9 before every call of File: what is left is the old or the new, and the next run succeeds.
TEST_F(FreshDatabaseTest, AKilledRunIsNoObstacleToTheNext) {
  for (const bool replace : {false, true}) {
    for (uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE((replace ? "replacing, call " : "from nothing, call ") + std::to_string(nth));
      for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry);
      if (replace) Build(target(), 1);
      bool finished = false;
      {
        OtherProcess run([&] {
          uint64_t calls = 0;
          ScopedFileHook hook(
              [&](const FileEvent&) { return ++calls == nth ? raise(SIGKILL) : 0; });
          Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = replace});
          if (!fresh) return false;
          Build(fresh->temporary_path(), 2);
          return fresh->Publish().ok();
        });
        finished = run.ready();
      }
      if (fs::exists(target())) {
        const int64_t value = **Connection::Open(target(), {.mode = OpenOptions::Mode::kReadWrite})
                                    ->QueryInteger("SELECT a FROM t");
        EXPECT_TRUE(value == 2 || (replace && value == 1 && !finished)) << value;
      } else {
        EXPECT_TRUE(!replace && !finished);
      }

      Result<FreshDatabase> next = FreshDatabase::Claim(target(), {.replace = true});
      ASSERT_TRUE(next) << next.error().message();
      Build(next->temporary_path(), 3);
      ASSERT_TRUE(next->Publish().ok());
      EXPECT_EQ(Files(), std::vector<std::string>{"a.db"});
      EXPECT_EQ(ValueIn(target()), 3);
      if (finished) break;
    }
  }
}

TEST_F(FreshDatabaseTest, NoPowerCutLeavesHalfADatabase) {
  for (const bool replace : {false, true}) {
    for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry);
    if (replace) Build(target(), 1);
    PowerLossLog log(folder_.path());
    {
      FaultVfs vfs(&log);
      ScopedFileHook hook(log.FileHookOf());
      Result<FreshDatabase> fresh = FreshDatabase::Claim(target(), {.replace = replace});
      ASSERT_TRUE(fresh);
      Build(fresh->temporary_path(), 2);
      ASSERT_TRUE(fresh->Publish().ok());
    }
    TemporaryDirectory after;
    std::set<int64_t> seen;
    for (const size_t position : log.SyncPositions()) {
      for (uint32_t seed = 0; seed < 12; ++seed) {
        SCOPED_TRACE("cut at " + std::to_string(position) + ", seed " + std::to_string(seed));
        log.Replay(position, seed, after.path());
        const std::string path = after / "a.db";
        const int64_t value = fs::exists(path) ? ValueIn(path) : 0;
        EXPECT_TRUE(value == 2 || value == (replace ? 1 : 0)) << value;
        if (fs::exists(path)) {
          EXPECT_EQ(*Connection::Open(path, {})->Pragma("integrity_check"), "ok");
        }
        seen.insert(value);
        EXPECT_TRUE(position < log.position() || value == 2) << "Publish has returned";
      }
    }
    EXPECT_EQ(seen.size(), 2u);
  }
}

}  // namespace
}  // namespace sluice
