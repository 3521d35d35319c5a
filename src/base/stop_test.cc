// SPDX-License-Identifier: Apache-2.0
#include "sluice/stop.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace sluice {
namespace {

TEST(StopTokenTest, SaysWhoAsked) {
  StopToken token;
  EXPECT_FALSE(token.stopped());
  token.RequestStop();
  EXPECT_TRUE(token.stopped());
  EXPECT_EQ(token.signal(), 0);
  token.RequestStop(SIGTERM);
  EXPECT_EQ(token.signal(), SIGTERM);
}

// Each in a process of its own, because they change what signals do.

TEST(StopOnSignalsDeathTest, TheFirstSignalSetsTheToken) {
  EXPECT_EXIT(
      {
        static StopToken token;
        StopOnSignals(&token);
        raise(SIGINT);
        _exit(token.stopped() && token.signal() == SIGINT ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}

TEST(StopOnSignalsDeathTest, TheSecondEndsTheProcessWhicheverItIs) {
  EXPECT_EXIT(
      {
        static StopToken token;
        StopOnSignals(&token);
        raise(SIGINT);
        raise(SIGTERM);
        _exit(1);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(StopOnSignalsDeathTest, ABrokenPipeIsAnErrorOfTheWriteOnly) {
  EXPECT_EXIT(
      {
        static StopToken token;
        StopOnSignals(&token);
        raise(SIGPIPE);
        _exit(token.stopped() ? 1 : 7);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace sluice
