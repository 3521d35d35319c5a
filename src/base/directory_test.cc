// SPDX-License-Identifier: Apache-2.0
#include "base/directory.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

TEST(NamesInTest, AreThoseThatCanBeRead) {
  const TemporaryDirectory folder;
  folder.Write("b", "");
  folder.Write(".hidden", "");
  folder.Write("deep/a", "");
  std::vector<std::string> names = NamesIn(folder.path());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, std::vector<std::string>({".hidden", "b", "deep"}));
  EXPECT_TRUE(NamesIn(folder / "nowhere").empty());
  EXPECT_TRUE(NamesIn(folder / "b").empty()) << "a file";
}

}  // namespace
}  // namespace sluice
