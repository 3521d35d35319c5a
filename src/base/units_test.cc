// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

TEST(UnitsTest, ReadsSizes) {
  EXPECT_EQ(ParseSize("0").value(), 0u);
  EXPECT_EQ(ParseSize("4096").value(), 4096u);
  EXPECT_EQ(ParseSize("7B").value(), 7u);
  EXPECT_EQ(ParseSize("64MiB").value(), 64u << 20);
  EXPECT_EQ(ParseSize("64 mib").value(), 64u << 20);
  EXPECT_EQ(ParseSize("64M").value(), 64u << 20);
  EXPECT_EQ(ParseSize("512KiB").value(), 512u << 10);
  EXPECT_EQ(ParseSize("1GB").value(), 1'000'000'000u);
  EXPECT_EQ(ParseSize("1.5GiB").value(), 3ull << 29);
  EXPECT_EQ(ParseSize("18446744073709551615").value(), UINT64_MAX);
}

TEST(UnitsTest, RefusesWhatIsNoSize) {
  for (const char* text : {"", "MiB", "-1", "+1", "64MiBs", "64 M iB", "1.", ".5K", "1.2.3K", "1e3",
                           "18446744073709551616", "17179869184GiB", "0x10", " 1", "64MiB "}) {
    const Result<uint64_t> size = ParseSize(text);
    ASSERT_FALSE(size) << text << " is " << *size;
    EXPECT_EQ(size.error().code(), StatusCode::kUsage);
    EXPECT_NE(size.error().message().find(std::string("'") + text + "'"), std::string::npos);
    EXPECT_FALSE(size.error().remedy().empty());
  }
}

TEST(UnitsTest, WritesSizes) {
  EXPECT_EQ(FormatSize(0), "0B");
  EXPECT_EQ(FormatSize(1023), "1023B");
  EXPECT_EQ(FormatSize(1024), "1KiB");
  EXPECT_EQ(FormatSize(1536), "1.50KiB");
  EXPECT_EQ(FormatSize(64u << 20), "64MiB");
  EXPECT_EQ(FormatSize(1'330'000'000), "1.24GiB");
  EXPECT_EQ(FormatSize(123'456'789), "118MiB");
  EXPECT_EQ(FormatSize((1u << 20) - 1), "1.00MiB");
}

TEST(UnitsTest, ReadsBackTheWholeSizesThatItWrites) {
  for (uint64_t size : {uint64_t{1}, uint64_t{4096}, uint64_t{3} << 20, uint64_t{5} << 40}) {
    EXPECT_EQ(ParseSize(FormatSize(size)).value(), size);
  }
}

TEST(UnitsTest, ReadsDurations) {
  EXPECT_EQ(ParseDuration("0").value(), milliseconds(0));
  EXPECT_EQ(ParseDuration("50ms").value(), milliseconds(50));
  EXPECT_EQ(ParseDuration("1s").value(), milliseconds(1000));
  EXPECT_EQ(ParseDuration("1.5s").value(), milliseconds(1500));
  EXPECT_EQ(ParseDuration("2m").value(), milliseconds(120'000));
  EXPECT_EQ(ParseDuration("1h30m").value(), milliseconds(5'400'000));
  EXPECT_EQ(ParseDuration("1d2h3m4s5ms").value(), milliseconds(93'784'005));
}

TEST(UnitsTest, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "5", "s", "1x", "1s2h", "1s1s", "-1s", "1h30", "1 s", "1..5s",
                           "99999999999999999999s", "9223372036854775808ms"}) {
    const Result<milliseconds> duration = ParseDuration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().code(), StatusCode::kUsage);
  }
}

TEST(UnitsTest, WritesDurations) {
  EXPECT_EQ(FormatDuration(milliseconds(0)), "0ms");
  EXPECT_EQ(FormatDuration(milliseconds(850)), "850ms");
  EXPECT_EQ(FormatDuration(milliseconds(1250)), "1.25s");
  EXPECT_EQ(FormatDuration(milliseconds(9'999)), "10.0s");
  EXPECT_EQ(FormatDuration(milliseconds(59'999)), "1m00s");
  EXPECT_EQ(FormatDuration(milliseconds(125'000)), "2m05s");
  EXPECT_EQ(FormatDuration(milliseconds(3'599'999)), "1h00m");
  EXPECT_EQ(FormatDuration(milliseconds(5'400'000)), "1h30m");
  EXPECT_EQ(FormatDuration(milliseconds(273'600'000)), "3d04h");
  EXPECT_EQ(FormatDuration(milliseconds(-50)), "-50ms");
}

TEST(UnitsTest, WritesCountsWithSeparators) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1'000), "1,000");
  EXPECT_EQ(FormatCount(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace sluice
