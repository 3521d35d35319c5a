// SPDX-License-Identifier: Apache-2.0
#include "follow/evidence.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "compress.h"
#include "source/chunk_reader.h"
#include "source/open.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

class EvidenceTest : public testing::Test {
 protected:
  // Of a file that was read up to its last newline, and is looked at as it is.
  Evidence Of(const std::string& text, const std::string& stored = "") {
    folder_.Write("a", stored.empty() ? text : stored);
    const Offset offset = OffsetAtEnd(*OpenSource(folder_ / "a").value()).value();
    const Place place = OpenSource(folder_ / "a").value()->SkipTo(offset.bytes).value();
    return EvidenceOf(offset, place, folder_ / "a").value();
  }

  static std::string Line(char letter, size_t length) {
    return "\"" + std::string(length - 3, letter) + "\"\n";
  }
  static std::string Times(const std::string& line, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += line;
    return text;
  }

  TemporaryDirectory folder_;
};

TEST_F(EvidenceTest, IsWeakBelowAKilobyte) {
  EXPECT_EQ(Of(Line('a', 500) + Line('b', 523)), Evidence::kWeak);
  EXPECT_EQ(Of(Line('a', 500) + Line('b', 524)), Evidence::kStrong) << "a kilobyte, counted once";
}

TEST_F(EvidenceTest, IsWeakOfLinesThatAreAllAlike) {
  for (const size_t length : {40u, 100u, 1'000u, 1'023u, 1'024u, 1'025u, 3'000u}) {
    SCOPED_TRACE(length);
    EXPECT_EQ(Of(Times(Line('a', length), 100)), Evidence::kWeak);
    EXPECT_EQ(Of(Times(Line('a', length), 100) + Line('b', length)), Evidence::kStrong);
    EXPECT_EQ(Of(Line('b', length) + Times(Line('a', length), 100)), Evidence::kStrong);
  }
}

TEST_F(EvidenceTest, IsWeakOfOneLine) {
  for (const size_t length : {1'024u, 1'500u, 2'048u, 100'000u}) {
    EXPECT_EQ(Of(Line('a', length)), Evidence::kWeak) << length;
  }
}

TEST_F(EvidenceTest, ComparesLongLinesByTheirEnds) {
  const std::string one = Line('a', 5'000);
  std::string other = one;
  other[other.size() - 3] = 'b';
  EXPECT_EQ(Of(one + one), Evidence::kWeak);
  EXPECT_EQ(Of(one + other), Evidence::kStrong);
  EXPECT_EQ(Of(Line('a', 100'000) + Line('a', 100'000)), Evidence::kStrong)
      << "a first line that is too long to be looked through counts as another";
}

TEST_F(EvidenceTest, IsOfDecodedBytes) {
  EXPECT_EQ(Of("", Gzip(Times(Line('a', 100), 100))), Evidence::kWeak);
  EXPECT_EQ(Of("", Gzip(Times(Line('a', 100), 100) + Line('b', 100))), Evidence::kStrong);
  EXPECT_EQ(Of("", Gzip(Line('a', 5'000) + Line('b', 5'000))), Evidence::kStrong);
}

}  // namespace
}  // namespace sluice
