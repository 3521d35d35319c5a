// SPDX-License-Identifier: Apache-2.0
// The n-th call fails, for every n and every kind of call: a run ends well or says what failed,
// what it leaves is sound, and the next run completes it.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "database_view.h"
#include "fault_vfs.h"
#include "small_ingest.h"
#include "temporary_directory.h"
#include "torture.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A database that is not there is made by writing pages, or through SQLite.
enum class Start { kPages, kMissing, kWal, kRollbackJournal };
constexpr Start kStarts[] = {Start::kPages, Start::kMissing, Start::kWal, Start::kRollbackJournal};
const char* NameOf(Start start) {
  constexpr const char* kNames[] = {"pages", "missing database", "WAL", "journal"};
  return kNames[static_cast<size_t>(start)];
}
bool IsMissing(Start start) { return start == Start::kPages || start == Start::kMissing; }

class IngestFaults : public testing::Test {
 protected:
  void SetUp() override {
    for (const Start start : kStarts) {
      // What two runs without a fault leave.
      Begin(start);
      const Status status = SmallIngest::Run(Options(start));
      ASSERT_TRUE(status.ok()) << status.message();
      expected_[static_cast<size_t>(start)] = SmallIngest::Everything(database_);
    }
  }

  IngestOptions Options(Start start) const {
    IngestOptions options = ingest_.Options(database_);
    options.keep_journal = start == Start::kRollbackJournal;
    options.write_pages = start == Start::kPages;
    return options;
  }

  // The database as it is before the run that is to fail.
  void Begin(Start start) {
    for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry);
    if (!IsMissing(start)) {
      const std::string& old = old_[static_cast<size_t>(start)];
      if (!fs::exists(old)) MakeOld(start, old);
      fs::copy_file(old, database_);
    }
    ingest_.WriteWhole();
  }

  void MakeOld(Start start, const std::string& path) {
    ingest_.WriteBeginning();
    IngestOptions options = Options(start);
    options.database = path;
    const Status status = SmallIngest::Run(options);
    ASSERT_TRUE(status.ok()) << status.message();
    if (start == Start::kRollbackJournal) DatabaseView(path).Run("PRAGMA journal_mode=DELETE");
  }

  // Of a run that ended with `status` when a call had failed in it.
  void ExpectSoundAndResumable(Start start, const Status& status, bool may_leave_files = false) {
    const std::vector<std::string>& expected = expected_[static_cast<size_t>(start)];
    if (!status.ok()) {
      EXPECT_FALSE(status.message().empty());
    }
    for (const std::string& name : FilesIn(folder_.path())) {
      EXPECT_TRUE(may_leave_files || name.starts_with("a.db-") || name == "a.db") << name;
    }
    const bool there = fs::exists(database_);
    EXPECT_TRUE(there || (IsMissing(start) && !status.ok()));
    if (there) {
      const fs::path copy = copies_ / "copy.db";
      for (const char* suffix : {"", "-wal", "-journal"}) {
        fs::remove(copy.string() + suffix);
        if (fs::exists(database_ + suffix))
          fs::copy_file(database_ + suffix, copy.string() + suffix);
      }
      if (!ingest_.ExpectSound(copy)) return;
      EXPECT_TRUE(!status.ok() || SmallIngest::Everything(copy) == expected);
    }

    const Status resumed = SmallIngest::Run(Options(start));
    ASSERT_TRUE(resumed.ok()) << resumed.message() << "\n" << resumed.remedy();
    EXPECT_EQ(SmallIngest::Everything(database_), expected);
    EXPECT_EQ(FilesIn(folder_.path()), std::vector<std::string>{"a.db"});
  }

  // Fails the 1st call, the 1st + step, ... until a run comes through unharmed.
  void SweepVfs(Start start, VfsCall call, uint64_t step) {
    for (uint64_t nth = 1;; nth += step) {
      SCOPED_TRACE(std::string(NameOf(start)) + ", " + NameOf(call) + " " + std::to_string(nth));
      Begin(start);
      vfs_.Fail({.call = call, .nth = nth});
      const Status status = SmallIngest::Run(Options(start));
      const bool fired = vfs_.fired();
      vfs_.Heal();
      ExpectSoundAndResumable(start, status);
      EXPECT_TRUE(fired || status.ok()) << status.message();
      if (!fired || HasFailure()) break;
    }
  }

  void SweepFile(Start start, uint64_t step) {
    for (uint64_t nth = 1;; nth += step) {
      SCOPED_TRACE(std::string(NameOf(start)) + ", call of File " + std::to_string(nth));
      Begin(start);
      std::atomic<uint64_t> calls = 0;
      Status status;
      {
        ScopedFileHook hook([&](const FileEvent&) { return ++calls == nth ? EIO : 0; });
        status = SmallIngest::Run(Options(start));
      }
      // A file that could not be removed stays, and is no obstacle.
      ExpectSoundAndResumable(start, status, /*may_leave_files=*/true);
      EXPECT_TRUE(calls >= nth || status.ok()) << status.message();
      if (calls < nth || HasFailure()) break;
    }
  }

  std::string LastOutcome() const {
    return DatabaseView(database_).One("SELECT outcome FROM _sluice_runs ORDER BY id DESC");
  }

  void SweepMemory(Start start, uint64_t first, uint64_t step) {
    for (uint64_t nth = first;; nth += step) {
      SCOPED_TRACE(std::string(NameOf(start)) + ", allocation " + std::to_string(nth));
      Begin(start);
      memory_.FailNth(nth);
      const Status status = SmallIngest::Run(Options(start));
      const bool fired = memory_.fired();
      memory_.Heal();
      if (start == Start::kWal) outcomes_.insert(LastOutcome().substr(0, 7));
      ExpectSoundAndResumable(start, status);
      EXPECT_TRUE(fired || status.ok()) << status.message();
      if (!fired || HasFailure()) break;
    }
  }

  SqliteOutOfMemory memory_;  // before the VFS: it begins with sqlite3_shutdown()
  FaultVfs vfs_;
  const SmallIngest ingest_;
  const TemporaryDirectory folder_;
  const TemporaryDirectory copies_;
  const std::string database_ = folder_ / "a.db";
  const std::string old_[4] = {"", "", copies_ / "wal.db", copies_ / "journal.db"};
  std::vector<std::string> expected_[4];
  std::set<std::string> outcomes_;  // of runs over a WAL without memory
};

constexpr VfsCall kAllCalls[] = {
    VfsCall::kOpen,  VfsCall::kDelete,   VfsCall::kAccess,  VfsCall::kRead,
    VfsCall::kWrite, VfsCall::kTruncate, VfsCall::kSync,    VfsCall::kFileSize,
    VfsCall::kLock,  VfsCall::kShmMap,   VfsCall::kShmLock,
};

// A few are called so often that every one would take minutes: IngestFaultsTorture does that.
TEST_F(IngestFaults, AFailedCallOfTheVfsLosesNothing) {
  for (const Start start : kStarts) {
    for (const VfsCall call : kAllCalls) {
      const bool frequent = call == VfsCall::kRead || call == VfsCall::kWrite ||
                            call == VfsCall::kLock || call == VfsCall::kShmLock ||
                            call == VfsCall::kAccess || call == VfsCall::kFileSize;
      SweepVfs(start, call, frequent ? 13 : 1);
      if (HasFailure()) return;
    }
  }
}

TEST_F(IngestFaults, AFailedCallOfFileLosesNothing) {
  for (const Start start : kStarts) SweepFile(start, 1);
}

TEST_F(IngestFaults, AFailedAllocationLosesNothing) {
  for (const Start start : kStarts) SweepMemory(start, 3, 97);
  EXPECT_TRUE(outcomes_.contains("failed:")) << "the journal says so, where it can be written";
}

class IngestFaultsTorture : public IngestFaults {};

TEST_F(IngestFaultsTorture, EveryCallOfTheVfs) {
  for (const Start start : kStarts) {
    for (const VfsCall call : kAllCalls) SweepVfs(start, call, ShortTorture() ? 2 : 1);
  }
}

TEST_F(IngestFaultsTorture, EveryAllocation) {
  for (const Start start : kStarts) SweepMemory(start, 1, ShortTorture() ? 11 : 1);
}

// I8: after a failed COMMIT or sync nothing else is written, and no checkpoint made.
TEST_F(IngestFaults, NothingIsWrittenAfterAFailedCommit) {
  for (const VfsCall call : {VfsCall::kWrite, VfsCall::kSync}) {
    for (const bool durable : {false, true}) {
      uint64_t nth = 1;
      for (;; nth += call == VfsCall::kWrite ? 5 : 1) {
        SCOPED_TRACE(std::string(NameOf(call)) + " " + std::to_string(nth) +
                     (durable ? ", durable" : ""));
        Begin(Start::kWal);
        IngestOptions options = Options(Start::kWal);
        options.durable = durable;
        // The WAL is written by COMMITs alone; of syncs any may be the one.
        vfs_.Fail({.call = call, .nth = nth, .path_suffix = call == VfsCall::kWrite ? "-wal" : ""});
        const Status status = SmallIngest::Run(options);
        if (!vfs_.fired()) break;
        EXPECT_FALSE(status.ok());
        EXPECT_EQ(vfs_.calls_after(VfsCall::kWrite), 0u) << status.message();
        EXPECT_EQ(vfs_.calls_after(VfsCall::kTruncate), 0u);
        EXPECT_EQ(vfs_.calls_after(VfsCall::kDelete), 0u);
        vfs_.Heal();
        // What happened is not known, so the journal cannot say it.
        const std::string outcome = LastOutcome();
        EXPECT_TRUE(outcome == "running" || outcome == "done") << outcome;
        if (HasFailure()) return;
      }
      EXPECT_GT(nth, 5u) << "too few to mean anything";
    }
  }
}

std::vector<std::string> Outcomes(const std::string& database) {
  return DatabaseView(database).Rows("SELECT outcome FROM _sluice_runs ORDER BY id");
}

TEST_F(IngestFaults, TheJournalSaysWhyARunFailed) {
  Begin(Start::kWal);
  IngestOptions options = Options(Start::kWal);
  options.on_bad_line = OnBadLine::kFail;
  fs::remove(ingest_.log_path(0));  // so that others come in before the first bad line
  const Status status = SmallIngest::Run(options);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(Outcomes(database_), testing::ElementsAre("done", "failed: " + status.message()));
  // With the counts of what it has committed.
  DatabaseView view(database_);
  EXPECT_GT(view.Count("SELECT rows FROM _sluice_runs WHERE id = 2"), 0);
  EXPECT_EQ(view.One("SELECT sum(rows) FROM _sluice_runs"),
            view.One("SELECT count(*) FROM events"));
  EXPECT_NE(view.One("SELECT ended_at FROM _sluice_runs WHERE id = 2"), "NULL");
}

TEST_F(IngestFaults, ARunThatCommittedNothingIsInTheJournalToo) {
  Begin(Start::kWal);
  for (int file = 0; file < SmallIngest::kFiles; ++file) {
    std::ofstream(ingest_.log_path(file), std::ios::trunc) << "nonsense\n";
  }
  IngestOptions options = Options(Start::kWal);
  options.on_bad_line = OnBadLine::kFail;
  const Status status = SmallIngest::Run(options);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(Outcomes(database_), testing::ElementsAre("done", "failed: " + status.message()));
}

TEST_F(IngestFaults, AJournalOfItsOwnHearsOfAFreshDatabaseThatFailed) {
  Begin(Start::kMissing);
  IngestOptions options = Options(Start::kMissing);
  options.events_db = folder_ / "events.db";
  options.on_bad_line = OnBadLine::kFail;
  const Status status = SmallIngest::Run(options);
  ASSERT_FALSE(status.ok());
  EXPECT_FALSE(fs::exists(database_));
  EXPECT_THAT(Outcomes(options.events_db), testing::ElementsAre("failed: " + status.message()));
}

TEST_F(IngestFaults, AFullDiskIsCalledThatAndKeepsWhatWasCommitted) {
  for (const Start start : kStarts) {
    for (uint64_t nth = 2; nth < 60; nth += 9) {
      SCOPED_TRACE(std::string(NameOf(start)) + ", write " + std::to_string(nth));
      Begin(start);
      vfs_.Fail({.call = VfsCall::kWrite,
                 .nth = nth,
                 .code = SQLITE_FULL,
                 .lasting = true,
                 .half_written = true});
      const Status status = SmallIngest::Run(Options(start));
      const bool fired = vfs_.fired();
      vfs_.Heal();
      // Of pages, SQLite writes only what is beside the rows.
      if (start == Start::kPages && nth > 20 && !fired) break;
      ASSERT_TRUE(fired);
      EXPECT_EQ(status.code(), StatusCode::kFull) << status.message();
      EXPECT_THAT(status.remedy(), HasSubstr("free space"));
      ExpectSoundAndResumable(start, status);
      if (HasFailure()) return;
    }
  }
}

// Pages are written by File: from some call on the disk is full for good.
TEST_F(IngestFaults, AFullDiskEndsTheBuildingOfPages) {
  for (int nth = 1;; ++nth) {
    SCOPED_TRACE("write " + std::to_string(nth));
    Begin(Start::kPages);
    std::atomic<int> writes = 0;
    Status status;
    {
      ScopedFileHook hook([&](const FileEvent& event) {
        const bool is_of_builder = event.path.find(".sluice-new-") != std::string_view::npos;
        return event.call == FileCall::kWrite && is_of_builder && ++writes >= nth ? ENOSPC : 0;
      });
      status = SmallIngest::Run(Options(Start::kPages));
    }
    if (writes < nth) {
      EXPECT_TRUE(status.ok());
      EXPECT_GT(nth, 2);
      break;
    }
    EXPECT_EQ(status.code(), StatusCode::kFull) << status.message();
    EXPECT_THAT(status.remedy(), HasSubstr("make room"));
    ExpectSoundAndResumable(Start::kPages, status);
    if (HasFailure()) return;
  }
}

// The same on a real file system, which is full for everybody: the -shm, the lock file, the sorter.
class FullDisk : public IngestFaults {
 protected:
  // Runs `body` with a file system of this size at folder_/disk, in a process with mounts of its
  // own. False where mounts are not allowed.
  bool WithDisk(const std::string& size, const std::function<void(const std::string&)>& body) {
    const std::string disk = folder_ / "disk";
    fs::create_directory(disk);
    const pid_t child = fork();
    if (child == 0) {
      const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                           mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           mount("tmpfs", disk.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
      if (!mounted) _exit(2);
      body(disk);
      _exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_NE(WEXITSTATUS(status), 1);
    return WEXITSTATUS(status) != 2;
  }
};

TEST_F(FullDisk, IsCalledThatAndRunsGoOnWhereThereIsRoom) {
  const bool allowed = WithDisk("260k", [this](const std::string& disk) {
    ingest_.WriteBeginning();
    IngestOptions options = ingest_.Options(disk + "/a.db");
    const Status began = SmallIngest::Run(options);
    EXPECT_TRUE(began.ok()) << began.message();
    ingest_.WriteWhole();
    const Status full = SmallIngest::Run(options);
    EXPECT_EQ(full.code(), StatusCode::kFull) << full.message();
    EXPECT_FALSE(full.remedy().empty());
    EXPECT_EQ(mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
    EXPECT_TRUE(ingest_.ExpectSound(options.database));
    const Status resumed = SmallIngest::Run(options);
    EXPECT_TRUE(resumed.ok()) << resumed.message();
    EXPECT_EQ(SmallIngest::Everything(options.database),
              expected_[static_cast<size_t>(Start::kWal)]);
  });
  if (!allowed) GTEST_SKIP() << "only root may mount a file system";
}

TEST_F(FullDisk, LeavesNothingOfANewDatabase) {
  for (const char* size : {"4k", "64k", "200k"}) {
    SCOPED_TRACE(size);
    const bool allowed = WithDisk(size, [this](const std::string& disk) {
      ingest_.WriteWhole();
      const Status full = SmallIngest::Run(ingest_.Options(disk + "/a.db"));
      EXPECT_EQ(full.code(), StatusCode::kFull) << full.message();
      EXPECT_EQ(FilesIn(disk), std::vector<std::string>{});
    });
    if (!allowed) GTEST_SKIP() << "only root may mount a file system";
  }
}

}  // namespace
}  // namespace sluice
