// SPDX-License-Identifier: Apache-2.0
#include "sqlite/keyword.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Keyword, IsFoundInAnyCase) {
  EXPECT_TRUE(HasKeyword("CREATE TABLE t(a CHECK(a > 0))", "CHECK"));
  EXPECT_TRUE(HasKeyword("create table t(a, check(a))", "CHECK"));
  EXPECT_TRUE(HasKeyword("SELECT RAISE(Rollback, 'x')", "ROLLBACK"));
  EXPECT_TRUE(HasKeyword("ROLLBACK", "ROLLBACK"));
  EXPECT_TRUE(HasKeyword("'it''s' /* ' */ -- \"\n rollback", "ROLLBACK"));
}

TEST(Keyword, IsNoPartOfAWord) {
  EXPECT_FALSE(
      HasKeyword("CREATE TABLE t(checked, recheck, check_, \xC3\xA4"
                 "check)",
                 "CHECK"));
}

TEST(Keyword, IsNotLookedForInStringsNamesAndComments) {
  for (const char* sql : {"'a CHECK b'", "\"CHECK\"", "`CHECK`", "[CHECK]", "/* CHECK */",
                          "-- CHECK\nx", "'it''s a CHECK'", "'CHECK", "/* CHECK", "-- CHECK", ""}) {
    EXPECT_FALSE(HasKeyword(sql, "CHECK")) << sql;
  }
}

}  // namespace
}  // namespace sluice
