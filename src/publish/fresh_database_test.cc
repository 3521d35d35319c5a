// SPDX-License-Identifier: Apache-2.0
#include "publish/fresh_database.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.h"
#include "ledger/ledger.h"
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
    ASSERT_TRUE(db->Execute("PRAGMA journal_mode=OFF; CREATE TABLE t(a); CREATE INDEX i ON t(a);"
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

}  // namespace
}  // namespace sluice
