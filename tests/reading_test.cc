// SPDX-License-Identifier: Apache-2.0
// Reading leaves nothing behind: whatever stands beside a database, the same files stand there
// after `query`, `status`, `rejects` and a dry run; and nobody else who is connected notices.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database_view.h"
#include "other_process.h"
#include "run_program.h"
#include "small_ingest.h"
#include "sqlite/connection.h"
#include "sqlite/read_only.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReadingTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_ / "db");
    folder_.Write("a.jsonl", "{\"a\":1}\n{,}\n");
    ASSERT_EQ(Run({"ingest", "db/a.db", "a.jsonl"}).status, 0);
    ASSERT_THAT(Beside(), ElementsAre("a.db"));
  }
  void TearDown() override { chmod((folder_ / "db").c_str(), 0755); }

  Outcome Run(std::vector<std::string> words, const RunSetting& setting = {}) const {
    words.insert(words.begin(), SLUICE_PROGRAM);
    return RunIn(folder_, words, setting);
  }
  std::vector<std::string> Beside() const { return FilesIn(folder_ / "db"); }
  std::string database() const { return folder_ / "db/a.db"; }

  // Each way to read. `rows`: how many the table has.
  void ExpectReadable(const std::string& rows, const RunSetting& setting = {}) const {
    const Outcome query =
        Run({"query", "db/a.db", "--format", "raw", "SELECT count(*) FROM lines"}, setting);
    EXPECT_EQ(query.status, 0) << query.err;
    EXPECT_EQ(query.out, rows + "\n");
    for (const char* command : {"status", "rejects"}) {
      const Outcome run = Run({command, "db/a.db"}, setting);
      EXPECT_EQ(run.status, 0) << command << run.err;
    }
    const Outcome dry = Run({"ingest", "db/a.db", "a.jsonl", "--dry-run"}, setting);
    EXPECT_EQ(dry.status, 0) << dry.err;
  }

  // A writer that was killed: its -wal has one row more, and its -shm is there.
  void KillAWriter() const {
    OtherProcess writer([this] {
      Result<Connection> db = Connection::Open(database(), {.mode = OpenOptions::Mode::kReadWrite});
      return db && db->Execute("INSERT INTO lines(a) VALUES (2)").ok() &&
             std::make_unique<Connection>(std::move(*db)).release() != nullptr;
    });
    ASSERT_TRUE(writer.ready());
    writer.Kill();
    ASSERT_THAT(Beside(), ElementsAre("a.db", "a.db-shm", "a.db-wal"));
    ASSERT_GT(std::filesystem::file_size(database() + "-wal"), 0u);
  }

  TemporaryDirectory folder_;
};

TEST_F(ReadingTest, BesideADatabaseAlone) {
  ExpectReadable("1");
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

TEST_F(ReadingTest, BesideARollbackJournalDatabase) {
  EXPECT_EQ(DatabaseView(database()).One("PRAGMA journal_mode=DELETE"), "delete");
  ExpectReadable("1");
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

// As readers of older versions, and of other programs, leave them.
TEST_F(ReadingTest, EmptyFilesOfAKilledReaderGo) {
  folder_.Write("db/a.db-wal", "");
  folder_.Write("db/a.db-shm", "");
  ExpectReadable("1");
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

TEST_F(ReadingTest, TheWalOfAKilledWriterIsReadAndStaysAsItIs) {
  KillAWriter();
  const auto size = std::filesystem::file_size(database() + "-wal");
  ExpectReadable("2");
  EXPECT_THAT(Beside(), ElementsAre("a.db", "a.db-shm", "a.db-wal"));
  EXPECT_EQ(std::filesystem::file_size(database() + "-wal"), size);
}

// Moved here with its database.
TEST_F(ReadingTest, AWalWithoutItsShmIsReadAndNoShmRemains) {
  KillAWriter();
  std::filesystem::remove(database() + "-shm");
  ExpectReadable("2");
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

TEST_F(ReadingTest, AWriterThatIsConnectedGoesOn) {
  Result<Connection> writer = Connection::Open(database(), {.mode = OpenOptions::Mode::kReadWrite});
  ASSERT_TRUE(writer->Execute("INSERT INTO lines(a) VALUES (2)").ok());
  ExpectReadable("2");
  EXPECT_THAT(Beside(), ElementsAre("a.db", "a.db-shm", "a.db-wal"));
  // Its WAL is empty, so that a reader takes itself for the only one until it closes.
  ASSERT_TRUE(writer->Execute("PRAGMA wal_checkpoint(TRUNCATE)").ok());
  ASSERT_EQ(std::filesystem::file_size(database() + "-wal"), 0u);
  ExpectReadable("2");
  EXPECT_THAT(Beside(), ElementsAre("a.db", "a.db-shm", "a.db-wal"));
  ASSERT_TRUE(writer->Execute("INSERT INTO lines(a) VALUES (3)").ok());
  ExpectReadable("3");
  ASSERT_TRUE(writer->Close().ok());
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

TEST_F(ReadingTest, OfTwoReadersTheLastLeavesNothing) {
  Result<Connection> first = OpenReadOnly(database(), {});
  Result<Connection> second = OpenReadOnly(database(), {});
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(first->Close().ok());
  EXPECT_EQ(**second->QueryInteger("SELECT count(*) FROM lines"), 1);
  ASSERT_TRUE(second->Close().ok());
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

// What the files of the fault were: an ingest into a database that was removed by hand.
TEST_F(ReadingTest, AnEmptyWalBesideAMissingDatabaseIsRemoved) {
  for (const char* suffix : {"-wal", "-journal"}) {
    std::filesystem::remove(database());
    folder_.Write(std::string("db/a.db") + suffix, "");
    const Outcome made = Run({"ingest", "db/a.db", "a.jsonl"});
    EXPECT_EQ(made.status, 0) << made.err;
    EXPECT_THAT(Beside(), ElementsAre("a.db"));
    std::filesystem::remove(database());
    folder_.Write(std::string("db/a.db") + suffix, "content");
    const Outcome refused = Run({"ingest", "db/a.db", "a.jsonl"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, HasSubstr("SQLite would replay it"));
    std::filesystem::remove(database() + suffix);
  }
}

// --- A folder that cannot be written. Root may write everywhere: these run as nobody.

class ReadingAsNobody : public ReadingTest {
 protected:
  void SetUp() override {
    ReadingTest::SetUp();
    chmod(folder_.path().c_str(), 0777);
    setting_.prepare = [] { return geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0); };
    if (Run({"version"}, setting_).status != 0) {
      GTEST_SKIP() << "nobody may not run the program here";
    }
  }
  void CloseFolder() const {
    for (const std::string& name : Beside()) chmod((folder_ / "db/" + name).c_str(), 0444);
    chmod((folder_ / "db").c_str(), 0555);
  }

  RunSetting setting_;
};

TEST_F(ReadingAsNobody, AWalDatabaseAlone) {
  CloseFolder();
  ExpectReadable("1", setting_);
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

TEST_F(ReadingAsNobody, ARollbackJournalDatabase) {
  EXPECT_EQ(DatabaseView(database()).One("PRAGMA journal_mode=DELETE"), "delete");
  CloseFolder();
  ExpectReadable("1", setting_);
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

TEST_F(ReadingAsNobody, AWalThatAnotherUserWrites) {
  Result<Connection> writer = Connection::Open(database(), {.mode = OpenOptions::Mode::kReadWrite});
  ASSERT_TRUE(writer->Execute("INSERT INTO lines(a) VALUES (2)").ok());
  CloseFolder();
  ExpectReadable("2", setting_);
  EXPECT_THAT(Beside(), ElementsAre("a.db", "a.db-shm", "a.db-wal"));
}

TEST_F(ReadingAsNobody, TheWalOfAKilledWriter) {
  KillAWriter();
  CloseFolder();
  ExpectReadable("2", setting_);
  EXPECT_THAT(Beside(), ElementsAre("a.db", "a.db-shm", "a.db-wal"));
}

// Its rows cannot be had without a -shm, and leaving them out would be a wrong answer.
TEST_F(ReadingAsNobody, AWalWithoutItsShmIsAnErrorThatSaysWhy) {
  KillAWriter();
  std::filesystem::remove(database() + "-shm");
  CloseFolder();
  const Outcome query = Run({"query", "db/a.db", "SELECT count(*) FROM lines"}, setting_);
  EXPECT_EQ(query.status, 1);
  EXPECT_THAT(query.err, AllOf(HasSubstr("WAL mode"), HasSubstr("make the directory writable")));
  EXPECT_THAT(query.out, IsEmpty());
}

// The folder could be written, the file not.
TEST_F(ReadingAsNobody, AFileThatCannotBeWrittenInAFolderThatCan) {
  chmod(database().c_str(), 0444);
  chmod((folder_ / "db").c_str(), 0777);
  ExpectReadable("1", setting_);
  EXPECT_THAT(Beside(), ElementsAre("a.db"));
}

// --- Without locks

class FrozenTest : public ReadingTest {};

TEST_F(FrozenTest, AnyPathIsAPath) {
  for (const std::string name : {"a?b.db", "a#b%20c.db", "a b&c=d.db", "\xc3\xa4'\".db"}) {
    std::filesystem::copy_file(database(), folder_ / name);
    Result<Connection> db = Connection::Open(folder_ / name, {.mode = OpenOptions::Mode::kFrozen});
    ASSERT_TRUE(db) << name << db.error().message();
    EXPECT_EQ(**db->QueryInteger("SELECT count(*) FROM lines"), 1);
    EXPECT_TRUE(db->CheckUnchanged().ok());
  }
}

TEST_F(FrozenTest, AChangeOfTheFileIsSaid) {
  Result<Connection> db = Connection::Open(database(), {.mode = OpenOptions::Mode::kFrozen});
  ASSERT_TRUE(db);
  DatabaseView(database()).Run("INSERT INTO lines(a) VALUES (2)");  // and a checkpoint as it closes
  const Status changed = db->CheckUnchanged();
  EXPECT_EQ(changed.code(), StatusCode::kUnsupported);
  EXPECT_THAT(changed.message(), HasSubstr("changed while it was read"));
}

}  // namespace
}  // namespace sluice
