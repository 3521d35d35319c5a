// SPDX-License-Identifier: Apache-2.0
// The fault tools themselves, on the smallest thing that can fail: one transaction.
#include "fault_vfs.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "power_loss.h"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

// Two rows in one transaction, in a database that is there.
Status AddTwoRows(const std::string& path) {
  Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
  if (!db) return db.error();
  Result<Transaction> transaction = Transaction::Begin(&*db);
  if (!transaction) return transaction.error();
  for (int i = 0; i < 2; ++i) {
    Status status = db->Execute("INSERT INTO t VALUES (zeroblob(3000))");
    if (!status.ok()) return status;
  }
  if (Status status = transaction->Commit(); !status.ok()) return status;
  return db->Close();
}

void MakeDatabase(const std::string& path, const std::string& journal_mode) {
  Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kCreate});
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->Execute("PRAGMA journal_mode=" + journal_mode + "; CREATE TABLE t(a)").ok());
}

// All rows of whole transactions, and a sound file; -1 otherwise.
int64_t SoundRows(const std::string& path) {
  Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
  if (!db) return ADD_FAILURE() << db.error().message(), -1;
  EXPECT_EQ(db->Pragma("integrity_check").value_or("?"), "ok");
  return db->QueryInteger("SELECT count(*) FROM t").value_or(-1).value_or(-1);
}

class FaultVfsTest : public testing::TestWithParam<const char*> {};

TEST_P(FaultVfsTest, EveryCallCanFailAndTheDatabaseStaysSound) {
  for (size_t i = 0; i < kVfsCalls; ++i) {
    const VfsCall call = static_cast<VfsCall>(i);
    uint64_t struck = 0;
    for (uint64_t nth = 1; nth < 200; ++nth) {
      SCOPED_TRACE(std::string(NameOf(call)) + " number " + std::to_string(nth));
      TemporaryDirectory folder;
      const std::string path = folder / "a.db";
      FaultVfs vfs;
      MakeDatabase(path, GetParam());
      vfs.Fail({.call = call, .nth = nth});
      const Status status = AddTwoRows(path);
      vfs.Heal();
      const int64_t rows = SoundRows(path);
      // A failure after the commit (in the checkpoint of the close) takes nothing back.
      EXPECT_TRUE(rows == 2 || (rows == 0 && !status.ok()))
          << rows << " rows: " << status.message();
      if (!vfs.fired()) {
        EXPECT_TRUE(status.ok()) << status.message();
        break;
      }
      ++struck;
    }
    const bool only_in_wal = call == VfsCall::kShmMap || call == VfsCall::kShmLock;
    const bool rare = call == VfsCall::kTruncate || call == VfsCall::kAccess;
    if (!rare && !(only_in_wal && std::string_view(GetParam()) == "DELETE")) {
      EXPECT_GT(struck, 0u) << NameOf(call) << " was never called";
    }
  }
}

TEST_P(FaultVfsTest, AFullDiskIsCalledThat) {
  TemporaryDirectory folder;
  const std::string path = folder / "a.db";
  MakeDatabase(path, GetParam());
  FaultVfs vfs;
  vfs.Fail({.call = VfsCall::kWrite,
            .nth = 2,
            .code = SQLITE_FULL,
            .lasting = true,
            .half_written = true});
  const Status status = AddTwoRows(path);
  EXPECT_EQ(status.code(), StatusCode::kFull) << status.message();
  EXPECT_NE(status.remedy().find("free space"), std::string::npos);
  vfs.Heal();
  EXPECT_EQ(SoundRows(path), 0);
}

TEST_P(FaultVfsTest, AFailedSyncCondemnsTheConnection) {
  TemporaryDirectory folder;
  const std::string path = folder / "a.db";
  MakeDatabase(path, GetParam());
  FaultVfs vfs;
  {
    Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
    ASSERT_TRUE(db->Execute("PRAGMA synchronous=FULL").ok());
    Result<Transaction> transaction = Transaction::Begin(&*db);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(db->Execute("INSERT INTO t VALUES (1)").ok());
    vfs.Fail({.call = VfsCall::kSync});
    EXPECT_EQ(transaction->Commit().code(), StatusCode::kIo);
    EXPECT_TRUE(vfs.fired());
    EXPECT_TRUE(db->condemned());

    const uint64_t writes = vfs.calls(VfsCall::kWrite);
    EXPECT_FALSE(db->Execute("INSERT INTO t VALUES (2)").ok());
    EXPECT_TRUE(db->Close().ok());
    // A rollback journal is played back, which is what makes the file whole again. A WAL is left as
    // it is.
    if (std::string_view(GetParam()) == "WAL") {
      EXPECT_EQ(vfs.calls(VfsCall::kWrite), writes) << "I8";
    }
  }
  vfs.Heal();
  SoundRows(path);
}

TEST_P(FaultVfsTest, NoPowerCutLosesWhatASyncedCommitAcknowledged) {
  TemporaryDirectory folder;
  const std::string path = folder / "a.db";
  MakeDatabase(path, GetParam());
  PowerLossLog log(folder.path());
  std::vector<size_t> acknowledged;
  {
    FaultVfs vfs(&log);
    Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
    // EXTRA: under FULL a rollback journal may come back after its commit, for SQLite does not sync
    // the directory when it has removed it.
    ASSERT_TRUE(db->Execute("PRAGMA synchronous=EXTRA; PRAGMA wal_autocheckpoint=3").ok());
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(db->Execute("INSERT INTO t VALUES (randomblob(3000))").ok());
      acknowledged.push_back(log.position());
    }
  }
  std::set<int64_t> seen;
  TemporaryDirectory after;
  FaultVfs without_syncs;
  for (const size_t position : log.SyncPositions()) {
    for (uint32_t seed = 0; seed < 6; ++seed) {
      SCOPED_TRACE("cut at " + std::to_string(position) + ", seed " + std::to_string(seed));
      log.Replay(position, seed, after.path());
      const int64_t rows = SoundRows(after / "a.db");
      const int64_t safe =
          std::ranges::count_if(acknowledged, [&](size_t at) { return at <= position; });
      EXPECT_GE(rows, safe);
      EXPECT_LE(rows, safe + 1);
      seen.insert(rows);
    }
  }
  EXPECT_EQ(seen.size(), 5u) << "cuts fell between all commits";
}

INSTANTIATE_TEST_SUITE_P(JournalModes, FaultVfsTest, testing::Values("DELETE", "WAL"),
                         [](const auto& mode) { return std::string(mode.param); });

// The tool has teeth: without syncs, it loses.
TEST(PowerLoss, FindsWhatWasNotSynced) {
  TemporaryDirectory folder;
  const std::string path = folder / "a.db";
  MakeDatabase(path, "WAL");
  PowerLossLog log(folder.path());
  {
    FaultVfs vfs(&log);
    Result<Connection> db = Connection::Open(path, {.mode = OpenOptions::Mode::kReadWrite});
    ASSERT_TRUE(db->Execute("PRAGMA synchronous=OFF; INSERT INTO t VALUES (1)").ok());
  }
  TemporaryDirectory after;
  log.Replay(log.position(), 0, after.path());
  EXPECT_EQ(SoundRows(after / "a.db"), 0);
  log.Replay(log.position(), 1, after.path());
  EXPECT_EQ(SoundRows(after / "a.db"), 1);
}

TEST(PowerLoss, SeesFilesThatWereNotWrittenBySqlite) {
  TemporaryDirectory folder;
  folder.Write("old", "old");
  PowerLossLog log(folder.path());
  {
    ScopedFileHook hook(log.FileHookOf());
    Result<File> file = File::Open(folder / "new", File::Mode::kCreateNew);
    ASSERT_TRUE(file->Write("new").ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(Rename(folder / "new", folder / "old").ok());
    ASSERT_TRUE(SyncDirectory(folder.path()).ok());
  }
  TemporaryDirectory after;
  const std::vector<size_t> cuts = log.SyncPositions();
  ASSERT_EQ(cuts.size(), 3u);
  log.Replay(cuts[1], 0, after.path());
  EXPECT_EQ(*ReadFile(after / "old", 10), "old") << "the rename is not safe yet";
  log.Replay(cuts[2], 0, after.path());
  EXPECT_EQ(*ReadFile(after / "old", 10), "new");
  EXPECT_FALSE(std::filesystem::exists(after / "new"));
}

TEST(SqliteOutOfMemoryTest, EveryAllocationCanFailAndTheDatabaseStaysSound) {
  SqliteOutOfMemory memory;
  FaultVfs without_syncs;
  uint64_t nth = 1;
  for (;; ++nth) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    TemporaryDirectory folder;
    const std::string path = folder / "a.db";
    MakeDatabase(path, "WAL");
    memory.FailNth(nth);
    const Status status = AddTwoRows(path);
    memory.Heal();
    const int64_t rows = SoundRows(path);
    EXPECT_TRUE(rows == 2 || (rows == 0 && !status.ok())) << rows << " rows: " << status.message();
    if (!memory.fired()) {
      EXPECT_TRUE(status.ok());
      break;
    }
    ASSERT_LT(nth, 5000u);
  }
  EXPECT_GT(nth, 50u);
}

}  // namespace
}  // namespace sluice
