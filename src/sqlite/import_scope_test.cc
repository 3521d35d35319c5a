// SPDX-License-Identifier: Apache-2.0
#include "sluice/import_scope.hpp"

#include <filesystem>
#include <thread>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "fault_vfs.h"
#include "other_process.h"
#include "power_loss.h"
#include "sqlite/connection.h"
#include "sqlite/scope_claim.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

// An application's own connection: opened without us, with values of its own.
class ImportScopeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(sqlite3_open(path().c_str(), &db_), SQLITE_OK);
    Run("PRAGMA journal_mode=WAL");
    Run("CREATE TABLE t(a)");
  }
  void TearDown() override { sqlite3_close(db_); }

  std::string path() const { return folder_ / "app.db"; }
  uint64_t wal_bytes() const { return std::filesystem::file_size(path() + "-wal"); }
  void Run(const std::string& sql) {
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << sql << ": " << (message == nullptr ? "" : message);
    sqlite3_free(message);
  }
  std::string Value(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sql;
    std::string value;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return value;
  }
  void Insert(int kilobytes) {
    Run("BEGIN IMMEDIATE");
    for (int i = 0; i < kilobytes; ++i) Run("INSERT INTO t VALUES (randomblob(1000))");
    Run("COMMIT");
  }

  TemporaryDirectory folder_;
  sqlite3* db_ = nullptr;
};

TEST_F(ImportScopeTest, SetsOddValuesBack) {
  const std::vector<std::pair<std::string, std::string>> odd = {
      {"cache_size", "77"},     {"synchronous", "0"}, {"wal_autocheckpoint", "3"},
      {"cache_spill", "50"},    {"threads", "2"},     {"mmap_size", "65536"},
      {"busy_timeout", "1234"}, {"temp_store", "1"},
  };
  for (const auto& [pragma, value] : odd) Run("PRAGMA " + pragma + "=" + value);
  // What SQLite makes of them is what must come back.
  std::vector<std::string> before;
  for (const auto& [pragma, value] : odd) before.push_back(Value("PRAGMA " + pragma));

  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope) << scope.error().message();
  EXPECT_EQ(Value("PRAGMA cache_size"), "-262144");
  EXPECT_EQ(Value("PRAGMA synchronous"), "1") << "I7: never OFF";
  Insert(10);
  EXPECT_TRUE(scope->AfterCommit().ok());
  ASSERT_TRUE(scope->End());

  for (size_t i = 0; i < odd.size(); ++i) {
    EXPECT_EQ(Value("PRAGMA " + odd[i].first), before[i]) << odd[i].first;
  }
  EXPECT_LT(wal_bytes(), 4096u);
}

TEST_F(ImportScopeTest, KeepsTheWalUnderItsCap) {
  constexpr uint64_t kCap = 1 << 20;
  Result<ImportScope> scope = ImportScope::Begin(db_, {.wal_cap_bytes = kCap});
  ASSERT_TRUE(scope);
  for (int i = 0; i < 40; ++i) {
    Insert(100);
    ASSERT_TRUE(scope->AfterCommit().ok());
    EXPECT_LT(wal_bytes(), kCap + 300'000);
  }
  const Result<ImportScope::Report> report = scope->End();
  ASSERT_TRUE(report);
  EXPECT_LT(report->wal_bytes, 4096u);
  EXPECT_GE(report->checkpoints, 3u);
  EXPECT_LE(report->checkpoints, 8u);
}

TEST_F(ImportScopeTest, ATransactionOfTheApplicationIsAnError) {
  Run("BEGIN");
  EXPECT_EQ(ImportScope::Begin(db_, {}).error().code(), StatusCode::kUsage);
  Run("COMMIT");
  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope);
  Run("BEGIN");
  EXPECT_EQ(scope->End().error().code(), StatusCode::kUsage);
  Run("COMMIT");
  EXPECT_TRUE(scope->End()) << "the scope still stood";
}

// Holds a read transaction open in a process of its own.
std::function<bool()> ReadForEver(const std::string& path) {
  return [path] {
    static Connection db;
    static Statement reading;
    Result<Connection> opened = Connection::Open(path, {});
    if (!opened) return false;
    db = std::move(*opened);
    Result<Statement> statement = db.Prepare("SELECT a FROM t");
    if (!statement) return false;
    reading = std::move(*statement);
    return reading.Step().value_or(false);
  };
}

TEST_F(ImportScopeTest, AConnectionHasOneScopeAtATime) {
  Run("PRAGMA synchronous=2");
  Result<ImportScope> first = ImportScope::Begin(db_, {});
  ASSERT_TRUE(first);
  const Result<ImportScope> second = ImportScope::Begin(db_, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), StatusCode::kUsage);
  EXPECT_EQ(second.error().message(), "the connection has an import scope already");
  EXPECT_EQ(Value("PRAGMA synchronous"), "1") << "the first one goes on";

  // Each way out of a scope makes room for the next one.
  ASSERT_TRUE(first->End());
  EXPECT_EQ(Value("PRAGMA synchronous"), "2");
  {
    Result<ImportScope> third = ImportScope::Begin(db_, {});
    ASSERT_TRUE(third);
    third->Forsake();
  }
  { EXPECT_TRUE(ImportScope::Begin(db_, {})); }
  EXPECT_TRUE(ImportScope::Begin(db_, {}));
}

TEST_F(ImportScopeTest, NoConnectionAtAllIsAnError) {
  const Result<ImportScope> scope = ImportScope::Begin(nullptr, {});
  ASSERT_FALSE(scope);
  EXPECT_EQ(scope.error().code(), StatusCode::kUsage);
}

// The system's SQLite beside ours, as a plugin may bring it in.
class OtherSqlite {
 public:
  OtherSqlite() : library_(dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) return;
    open_ = reinterpret_cast<decltype(&sqlite3_open)>(dlsym(library_, "sqlite3_open"));
    close_ = reinterpret_cast<decltype(&sqlite3_close)>(dlsym(library_, "sqlite3_close"));
  }
  ~OtherSqlite() {
    if (library_ != nullptr) dlclose(library_);
  }
  // Whether there is one that is not the one we are linked to.
  bool is_there() const { return open_ != nullptr && open_ != &sqlite3_open; }
  sqlite3* Open(const std::string& path) {
    sqlite3* db = nullptr;
    EXPECT_EQ(open_(path.c_str(), &db), SQLITE_OK);
    return db;
  }
  void Close(sqlite3* db) { close_(db); }

 private:
  void* library_;
  decltype(&sqlite3_open) open_ = nullptr;
  decltype(&sqlite3_close) close_ = nullptr;
};

TEST_F(ImportScopeTest, AConnectionOfAnotherSqliteIsRefused) {
  OtherSqlite other;
  if (!other.is_there()) GTEST_SKIP() << "no second SQLite here (libsqlite3.so.0)";
  for (const std::string& name : {path(), std::string(":memory:")}) {
    sqlite3* const foreign = other.Open(name);
    const Result<ImportScope> scope = ImportScope::Begin(foreign, {});
    other.Close(foreign);
    ASSERT_FALSE(scope) << name;
    EXPECT_EQ(scope.error().code(), StatusCode::kUsage);
    EXPECT_THAT(scope.error().message(), testing::HasSubstr("another copy of SQLite"));
  }
}

// What the check above rests on, for each kind of connection that an application may have.
TEST_F(ImportScopeTest, ConnectionsOfOurSqliteAreAccepted) {
  const std::string in_memory = "file:shared?mode=memory&cache=shared";
  for (const std::string& name : {std::string(":memory:"), std::string(), in_memory, path()}) {
    for (const char* vfs : {static_cast<const char*>(nullptr), "unix", "unix-excl", "unix-none"}) {
      sqlite3* db = nullptr;
      const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
      ASSERT_EQ(sqlite3_open_v2(name.c_str(), &db, flags, vfs), SQLITE_OK) << name;
      EXPECT_TRUE(CheckOpenedByOurSqlite(db).ok()) << name;
      sqlite3_close(db);
    }
  }
}

TEST_F(ImportScopeTest, TheConnectionMayBeSharedBetweenThreads) {
  EXPECT_NE(sqlite3_db_mutex(db_), nullptr) << "the default is serialized, as Debian's";
  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int k = 0; k < 200; ++k) Run("INSERT INTO t VALUES (1)");
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(scope->AfterCommit().ok());
  ASSERT_TRUE(scope->End());
  EXPECT_EQ(Value("SELECT count(*) FROM t"), "800");
}

TEST_F(ImportScopeTest, NamesTheReaderThatPinsTheWal) {
  Insert(10);
  OtherProcess reader(ReadForEver(path()));
  ASSERT_TRUE(reader.ready());

  constexpr uint64_t kCap = 256 << 10;
  Result<ImportScope> scope = ImportScope::Begin(
      db_, {.wal_cap_bytes = kCap, .checkpoint_wait = std::chrono::milliseconds(20)});
  ASSERT_TRUE(scope);
  for (int i = 0; i < 10; ++i) {
    Insert(100);
    EXPECT_TRUE(scope->AfterCommit().ok()) << "a pinned WAL grows, which is no failure";
  }
  const Result<ImportScope::Report> report = scope->End();
  ASSERT_TRUE(report);
  EXPECT_GT(report->wal_bytes, kCap);
  ASSERT_EQ(report->pinned_by.size(), 1u);
  EXPECT_NE(report->pinned_by[0].find("pid " + std::to_string(reader.pid())), std::string::npos)
      << report->pinned_by[0];
  // An attempt costs its wait, so there are as many as quarters of the cap, not as commits.
  EXPECT_LE(report->checkpoints, 1 + report->wal_bytes / (kCap / 4));

  reader.Kill();
  Result<ImportScope> unpinned = ImportScope::Begin(db_, {});
  EXPECT_LT(unpinned->End()->wal_bytes, 4096u);
}

// Who would rather wait than let the WAL grow.
TEST_F(ImportScopeTest, AFullWalHasRoomAgainWhenItsReaderIsGone) {
  Insert(10);
  OtherProcess reader(ReadForEver(path()));
  ASSERT_TRUE(reader.ready());
  constexpr uint64_t kCap = 256 << 10;
  Result<ImportScope> scope =
      ImportScope::Begin(db_, {.wal_cap_bytes = kCap,
                               .checkpoint_bytes = kCap / 8,
                               .checkpoint_wait = std::chrono::milliseconds(5)});
  ASSERT_TRUE(scope);
  while (scope->HasRoom().value_or(false)) {
    Insert(10);
    ASSERT_TRUE(scope->AfterCommit().ok());
    ASSERT_LT(wal_bytes(), kCap + 100'000);
  }
  EXPECT_GE(scope->wal_bytes(), kCap);
  ASSERT_EQ(scope->PinnedBy().size(), 1u);
  EXPECT_NE(scope->PinnedBy()[0].find(std::to_string(reader.pid())), std::string::npos);

  reader.Kill();
  EXPECT_TRUE(scope->HasRoom().value_or(false));
  EXPECT_LT(scope->wal_bytes(), kCap);
}

TEST_F(ImportScopeTest, CheckpointsBelowTheCapKeepTheWalSmall) {
  constexpr uint64_t kCap = 2 << 20;
  Result<ImportScope> scope =
      ImportScope::Begin(db_, {.wal_cap_bytes = kCap, .checkpoint_bytes = kCap / 8});
  ASSERT_TRUE(scope);
  for (int i = 0; i < 80; ++i) {
    Insert(100);
    ASSERT_TRUE(scope->AfterCommit().ok());
  }
  // It starts anew at half the cap, or a quarter later where the thread did not keep up.
  EXPECT_LT(wal_bytes(), kCap * 3 / 4 + 300'000);
  EXPECT_GE(scope->End()->checkpoints, 5u);
}

// Pages reach the database while the WAL goes on growing, and who commits syncs nothing but the
// WAL.
TEST_F(ImportScopeTest, SmallCheckpointsLeaveTheSyncOfTheDatabaseToAThread) {
  FaultVfs vfs;
  Result<Connection> db = Connection::Open(path(), {.mode = OpenOptions::Mode::kReadWrite});
  Result<ImportScope> scope =
      ImportScope::Begin(db->handle(), {.wal_cap_bytes = 64 << 20, .checkpoint_bytes = 256 << 10});
  ASSERT_TRUE(scope);
  vfs.Fail({.call = VfsCall::kSync,
            .lasting = true,
            .path_suffix = "app.db",
            .thread = std::this_thread::get_id()});
  const auto database_bytes = [this] { return std::filesystem::file_size(path()); };
  const uint64_t before = database_bytes();
  for (int i = 0; i < 200 && database_bytes() < before + 1'000'000; ++i) {
    ASSERT_TRUE(db->Execute("INSERT INTO t VALUES (zeroblob(100000))").ok());
    ASSERT_TRUE(scope->AfterCommit().ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the thread has its turn
  }
  vfs.Heal();
  EXPECT_FALSE(vfs.fired());
  EXPECT_GT(database_bytes(), before + 1'000'000) << "moved";
  EXPECT_LT(database_bytes(), wal_bytes()) << "up to the pin";
  EXPECT_TRUE(scope->End());
}

TEST_F(ImportScopeTest, ABusyDatabaseNamesTheWriterInTheOtherProcess) {
  OtherProcess writer([this] {
    static Connection db;
    Result<Connection> opened = Connection::Open(path(), {.mode = OpenOptions::Mode::kReadWrite});
    if (!opened) return false;
    db = std::move(*opened);
    return db.Execute("BEGIN IMMEDIATE").ok();
  });
  ASSERT_TRUE(writer.ready());
  Result<Connection> db = Connection::Open(path(), {.mode = OpenOptions::Mode::kReadWrite});
  const Status status = Transaction::Begin(&*db).error();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_NE(status.message().find("pid " + std::to_string(writer.pid())), std::string::npos)
      << status.message();
}

TEST_F(ImportScopeTest, HooksAndHandlersOfTheApplicationStay) {
  static int hook_calls = 0;
  static int handler_calls = 0;
  hook_calls = handler_calls = 0;
  sqlite3_wal_hook(
      db_, [](void*, sqlite3*, const char*, int) { return ++hook_calls, SQLITE_OK; }, nullptr);
  sqlite3_busy_handler(
      db_, [](void*, int) { return ++handler_calls, 0; }, nullptr);

  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope);
  Insert(1);
  EXPECT_EQ(hook_calls, 1) << "within the scope";
  ASSERT_TRUE(scope->End());
  Insert(1);
  EXPECT_EQ(hook_calls, 2) << "and after it";

  Result<Connection> other = Connection::Open(path(), {.mode = OpenOptions::Mode::kReadWrite});
  ASSERT_TRUE(other->Execute("BEGIN IMMEDIATE").ok());
  EXPECT_EQ(sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_BUSY);
  EXPECT_EQ(handler_calls, 1);
}

TEST_F(ImportScopeTest, AnAutocheckpointSetMeanwhileStays) {
  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope);
  Run("PRAGMA wal_autocheckpoint=5");
  ASSERT_TRUE(scope->End());
  EXPECT_EQ(Value("PRAGMA wal_autocheckpoint"), "5");
}

TEST_F(ImportScopeTest, TemporaryTablesOfTheApplicationStay) {
  Run("CREATE TEMP TABLE mine(a); INSERT INTO mine VALUES (42)");
  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope);
  ASSERT_TRUE(scope->End());
  EXPECT_EQ(Value("SELECT a FROM temp.mine"), "42");
}

TEST_F(ImportScopeTest, AStatementThatIsRunningDoesNotStopIt) {
  Insert(2);
  sqlite3_stmt* reading = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db_, "SELECT a FROM t", -1, &reading, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(reading), SQLITE_ROW);
  Result<ImportScope> scope =
      ImportScope::Begin(db_, {.checkpoint_wait = std::chrono::milliseconds(5)});
  ASSERT_TRUE(scope) << scope.error().message();
  const Result<ImportScope::Report> report = scope->End();
  EXPECT_TRUE(report) << report.error().message();
  sqlite3_finalize(reading);
  EXPECT_EQ(Value("PRAGMA cache_size"), "-2000");
}

TEST_F(ImportScopeTest, EveryWayOutSetsThePragmasBack) {
  { ASSERT_TRUE(ImportScope::Begin(db_, {})); }
  EXPECT_EQ(Value("PRAGMA cache_size"), "-2000") << "the destructor";
  {
    Result<ImportScope> scope = ImportScope::Begin(db_, {});
    scope->Forsake();
  }
  EXPECT_EQ(Value("PRAGMA cache_size"), "-262144") << "forsaken: left as it is";
}

TEST_F(ImportScopeTest, AReopenedConnectionGetsTheScopeAgain) {
  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope);
  scope->Forsake();
  sqlite3_close(db_);
  ASSERT_EQ(sqlite3_open(path().c_str(), &db_), SQLITE_OK);
  Result<ImportScope> again = ImportScope::Begin(db_, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(Value("PRAGMA cache_size"), "-262144");
  ASSERT_TRUE(again->End());
  EXPECT_EQ(Value("PRAGMA cache_size"), "-2000");
}

TEST_F(ImportScopeTest, ARollbackJournalIsKept) {
  Run("PRAGMA journal_mode=DELETE");
  Run("PRAGMA synchronous=OFF");
  Result<ImportScope> scope = ImportScope::Begin(db_, {});
  ASSERT_TRUE(scope);
  EXPECT_EQ(Value("PRAGMA synchronous"), "2") << "I7";
  Insert(1);
  ASSERT_TRUE(scope->AfterCommit().ok());
  const Result<ImportScope::Report> report = scope->End();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->checkpoints, 0u);
  EXPECT_EQ(Value("PRAGMA synchronous"), "0");
  EXPECT_EQ(Value("PRAGMA journal_mode"), "delete");
}

// The n-th write, sync and truncation of End's checkpoint fail: it says so, and the PRAGMAs are
// back.
TEST_F(ImportScopeTest, AFailedCheckpointIsToldAndThePragmasAreBack) {
  for (const VfsCall call : {VfsCall::kWrite, VfsCall::kSync, VfsCall::kTruncate}) {
    for (uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE(std::string(NameOf(call)) + " " + std::to_string(nth));
      TemporaryDirectory folder;
      FaultVfs vfs;
      sqlite3* db = nullptr;
      ASSERT_EQ(sqlite3_open((folder / "b.db").c_str(), &db), SQLITE_OK);
      sqlite3_exec(db, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)", nullptr, nullptr, nullptr);
      Result<ImportScope> scope = ImportScope::Begin(db, {});
      sqlite3_exec(db, "INSERT INTO t VALUES (zeroblob(9000))", nullptr, nullptr, nullptr);
      vfs.Fail({.call = call, .nth = nth});
      const Result<ImportScope::Report> report = scope->End();
      vfs.Heal();
      // A WAL that could not be cut short is long, and nothing worse.
      EXPECT_TRUE(call == VfsCall::kTruncate || !report == vfs.fired());
      std::swap(db, db_);
      EXPECT_EQ(Value("PRAGMA cache_size"), "-2000");
      EXPECT_EQ(Value("PRAGMA integrity_check"), "ok");
      std::swap(db, db_);
      sqlite3_close(db);
      if (!vfs.fired()) {
        EXPECT_GT(nth, 1u);
        break;
      }
    }
  }
}

// A sync that fails on the thread is as bad as one of a commit (I8): it is told, whoever asks next.
TEST_F(ImportScopeTest, AFailedSyncAheadOfACheckpointIsTold) {
  for (const char* suffix : {"-wal", ".db"}) {
    for (uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE(suffix + std::to_string(nth));
      TemporaryDirectory folder;
      FaultVfs vfs;
      Result<Connection> db =
          Connection::Open(folder / "b.db", {.mode = OpenOptions::Mode::kCreate});
      ASSERT_TRUE(db->Execute("PRAGMA journal_mode=WAL; CREATE TABLE t(a)").ok());
      vfs.Fail({.call = VfsCall::kSync, .nth = nth, .path_suffix = suffix});
      Result<ImportScope> scope = ImportScope::Begin(
          db->handle(), {.wal_cap_bytes = 1 << 20, .checkpoint_bytes = 128 << 10});
      bool said = !scope;
      for (int i = 0; i < 12 && !said; ++i) {
        said = !db->Execute("INSERT INTO t VALUES (zeroblob(100000))").ok();
        if (!said) said = !scope->AfterCommit().ok();
      }
      if (scope) said |= !scope->End();
      EXPECT_EQ(said, vfs.fired());
      if (!vfs.fired()) {
        EXPECT_GT(nth, 2u);
        break;
      }
    }
  }
}

// Whatever of it reached the disk: all commits up to one of them, and a sound database.
TEST_F(ImportScopeTest, NoPowerCutDuringSmallCheckpointsTearsTheDatabase) {
  PowerLossLog log(folder_.path());
  {
    FaultVfs vfs(&log);
    Result<Connection> db = Connection::Open(path(), {.mode = OpenOptions::Mode::kReadWrite});
    ASSERT_TRUE(db);
    Result<ImportScope> scope = ImportScope::Begin(
        db->handle(), {.wal_cap_bytes = 512 << 10, .checkpoint_bytes = 64 << 10});
    ASSERT_TRUE(scope);
    for (int i = 0; i < 60; ++i) {
      ASSERT_TRUE(db->Execute("INSERT INTO t VALUES (zeroblob(10000)), (zeroblob(10000))").ok());
      ASSERT_TRUE(scope->AfterCommit().ok());
    }
    ASSERT_TRUE(scope->End());
  }
  const std::vector<size_t> positions = log.SyncPositions();
  EXPECT_GT(positions.size(), 20u);
  TemporaryDirectory after;
  for (size_t position : positions) {
    for (uint32_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(std::to_string(position) + " seed " + std::to_string(seed));
      log.Replay(position, seed, after.path());
      Result<Connection> left =
          Connection::Open(after / "app.db", {.mode = OpenOptions::Mode::kReadWrite});
      ASSERT_TRUE(left) << left.error().message();
      ASSERT_EQ(*left->Pragma("integrity_check"), "ok");
      ASSERT_EQ(**left->QueryInteger("SELECT count(*) % 2 FROM t"), 0);
    }
  }
}

// Under synchronous=NORMAL a commit is not synced. End makes all of them durable, pinned or not.
TEST_F(ImportScopeTest, WhatWasCommittedSurvivesAPowerCutAfterTheEnd) {
  Insert(5);
  for (const bool pinned : {false, true}) {
    PowerLossLog log(folder_.path());
    FaultVfs vfs(&log);
    int64_t rows = 0;
    {
      Result<Connection> reader = Connection::Open(path(), {});
      ASSERT_TRUE(reader);
      Result<Statement> reading = reader->Prepare("SELECT a FROM t");
      ASSERT_TRUE(!pinned || reading->Step().value_or(false));
      Result<Connection> db = Connection::Open(path(), {.mode = OpenOptions::Mode::kReadWrite});
      ASSERT_TRUE(db);
      Result<ImportScope> scope =
          ImportScope::Begin(db->handle(), {.checkpoint_wait = std::chrono::milliseconds(5)});
      ASSERT_TRUE(scope);
      ASSERT_TRUE(db->Execute("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)").ok());
      ASSERT_TRUE(scope->AfterCommit().ok());
      const Result<ImportScope::Report> report = scope->End();
      ASSERT_TRUE(report);
      EXPECT_EQ(report->wal_bytes >= 4096, pinned);
      rows = **db->QueryInteger("SELECT count(*) FROM t");
      const size_t ended = log.position();
      TemporaryDirectory after;
      for (uint32_t seed = 0; seed < 8; ++seed) {
        log.Replay(ended, seed, after.path());
        Result<Connection> left =
            Connection::Open(after / "app.db", {.mode = OpenOptions::Mode::kReadWrite});
        ASSERT_TRUE(left) << left.error().message();
        EXPECT_EQ(**left->QueryInteger("SELECT count(*) FROM t"), rows) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace sluice
