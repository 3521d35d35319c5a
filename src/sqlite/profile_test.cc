// SPDX-License-Identifier: Apache-2.0
#include "sqlite/profile.h"

#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

TEST(Profile, ABuildTakesEverySetting) {
  TemporaryDirectory folder;
  Result<Connection> db = Connection::Open(folder / "a.db", {.mode = OpenOptions::Mode::kCreate});
  ASSERT_TRUE(db);
  const Status status = Apply(*db, BuildProfile(8 << 20, 16384, 2));
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(*db->Pragma("journal_mode"), "off");
  ASSERT_TRUE(db->Execute("CREATE TABLE t(a)").ok());
  EXPECT_EQ(*db->Pragma("page_size"), "16384");
}

TEST(Profile, ABuildIsNotForADatabaseThatIsThere) {
  TemporaryDirectory folder;
  Result<Connection> db = Connection::Open(folder / "a.db", {.mode = OpenOptions::Mode::kCreate});
  ASSERT_TRUE(db->Execute("CREATE TABLE t(a)").ok());
  EXPECT_EQ(Apply(*db, BuildProfile(8 << 20, 4096, 0)).code(), StatusCode::kInternal) << "I7";
  EXPECT_EQ(*db->Pragma("journal_mode"), "delete");
}

TEST(Profile, WhatSqliteDoesNotCarryOutIsAnError) {
  TemporaryDirectory folder;
  Result<Connection> db = Connection::Open(folder / "a.db", {.mode = OpenOptions::Mode::kCreate});
  ASSERT_TRUE(db->Execute("CREATE TABLE t(a)").ok());
  // A database with pages keeps their size, and SQLite says nothing.
  const Status status = Apply(*db, {"test", "", {{"page_size", "8192", ""}}});
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("page_size is 4096"), std::string::npos) << status.message();
}

TEST(Profile, AppendTurnsToWalOnlyWhenAsked) {
  TemporaryDirectory folder;
  Result<Connection> db = Connection::Open(folder / "a.db", {.mode = OpenOptions::Mode::kCreate});
  ASSERT_TRUE(db->Execute("CREATE TABLE t(a)").ok());
  ASSERT_TRUE(Apply(*db, AppendProfile(ToWal::kNo)).ok());
  EXPECT_EQ(*db->Pragma("journal_mode"), "delete");
  ASSERT_TRUE(Apply(*db, AppendProfile(ToWal::kYes)).ok());
  EXPECT_EQ(*db->Pragma("journal_mode"), "wal");
}

}  // namespace
}  // namespace sluice
