// SPDX-License-Identifier: Apache-2.0
#include "sqlite/import_scope.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "sqlite/connection.h"
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

}  // namespace
}  // namespace sluice
