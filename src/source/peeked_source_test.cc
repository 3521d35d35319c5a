// SPDX-License-Identifier: Apache-2.0
#include "source/peeked_source.h"

#include <gtest/gtest.h>

#include "source/open.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

TEST(PeekedSourceTest, GivesThePeekedBytesAgainAndThenTheRest) {
  TemporaryDirectory folder;
  Result<std::unique_ptr<Source>> file = OpenSource(folder.Write("a", "0123456789"));
  ASSERT_TRUE(file);
  PeekedSource source(std::move(*file));
  EXPECT_EQ(*source.Peek(4), "0123");
  EXPECT_FALSE(source.peeked_all());
  std::string all;
  char buffer[3];
  for (;;) {
    Result<size_t> read = source.Read(buffer, sizeof buffer);
    ASSERT_TRUE(read);
    if (*read == 0) break;
    all.append(buffer, *read);
  }
  EXPECT_EQ(all, "0123456789");
}

TEST(PeekedSourceTest, KnowsWhenItSawTheEnd) {
  TemporaryDirectory folder;
  Result<std::unique_ptr<Source>> file = OpenSource(folder.Write("a", "0123"));
  ASSERT_TRUE(file);
  PeekedSource source(std::move(*file));
  EXPECT_EQ(*source.Peek(100), "0123");
  EXPECT_TRUE(source.peeked_all());
}

}  // namespace
}  // namespace sluice
