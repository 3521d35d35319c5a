// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

std::string FormatMilliseconds(int64_t since_epoch) {
  return FormatUtc(system_clock::time_point(milliseconds(since_epoch)));
}

TEST(ClockTest, WritesUtcWithMilliseconds) {
  EXPECT_EQ(FormatMilliseconds(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatMilliseconds(1709209845007), "2024-02-29T12:30:45.007Z");
}

TEST(ClockTest, CutsMillisecondsOffAndDoesNotRound) {
  const system_clock::time_point almost(std::chrono::microseconds(1'999'999));
  EXPECT_EQ(FormatUtc(almost), "1970-01-01T00:00:01.999Z");
}

TEST(ClockTest, BeforeTheEpoch) { EXPECT_EQ(FormatMilliseconds(-1), "1969-12-31T23:59:59.999Z"); }

TEST(ClockTest, NowHasTheSameForm) {
  const std::string now = UtcNow();
  EXPECT_EQ(now.size(), 24u);
  EXPECT_EQ(now.back(), 'Z');
  EXPECT_GE(now, "2024");
}

TEST(ClockTest, StopwatchGoesForwardAndRestarts) {
  Stopwatch watch;
  EXPECT_GE(watch.elapsed().count(), 0);
  EXPECT_LT(watch.seconds(), 60);
}

TEST(Clock, UtcIsReadBack) {
  EXPECT_EQ(ParseUtc("1970-01-02T00:00:01.005Z"), 86'401'005'000'000);
  EXPECT_EQ(ParseUtc("yesterday"), 0);
}

}  // namespace
}  // namespace sluice
