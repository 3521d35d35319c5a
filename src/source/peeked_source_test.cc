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
  EXPECT_EQ(*source.Peek(4, 0), "0123");
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
  EXPECT_EQ(*source.Peek(100, 0), "0123");
  EXPECT_TRUE(source.peeked_all());
}

std::string Numbered(size_t lines) {
  std::string text;
  for (size_t i = 0; i < lines; ++i) text += std::to_string(i) + "\n";
  return text;
}

TEST(PeekedSourceTest, GoesOnToTheEndOfTheLineHoweverLongItIs) {
  TemporaryDirectory folder;
  const std::string line = std::string(300'000, 'x') + "\n";
  const std::string path = folder.Write("a", "1\n" + line + Numbered(100'000));
  const auto peek = [&](size_t size, uint64_t longest) {
    Result<std::unique_ptr<Source>> file = OpenSource(path);
    PeekedSource source(std::move(*file));
    return std::string(*source.Peek(size, longest));
  };
  EXPECT_EQ(peek(2, 1'000'000), "1\n");
  const std::string whole = peek(3, 1'000'000);
  EXPECT_TRUE(whole.starts_with("1\n" + line));
  EXPECT_LT(whole.size(), line.size() + 100'000);
  const std::string cut = peek(3, 1'000);
  EXPECT_EQ(cut.find('\n', 2), std::string::npos);
  EXPECT_GE(cut.size(), 1'000u);
}

TEST(PeekedSourceTest, PassesALineThatIsTooLong) {
  TemporaryDirectory folder;
  Result<std::unique_ptr<Source>> file =
      OpenSource(folder.Write("a", std::string(300'000, 'x') + "\n" + Numbered(50'000)));
  ASSERT_TRUE(file);
  PeekedSource source(std::move(*file));
  ASSERT_TRUE(source.Peek(10, 1'000));
  ASSERT_TRUE(source.PassLine().ok());
  EXPECT_TRUE(source.Peek(10, 1'000)->starts_with("0\n1\n"));
  EXPECT_EQ(*source.Peek(size_t{1} << 20, 0), Numbered(50'000));
  EXPECT_TRUE(source.peeked_all());
  ASSERT_TRUE(source.PassLine().ok());
  EXPECT_EQ(*source.Peek(10, 10), "");
}

}  // namespace
}  // namespace sluice
