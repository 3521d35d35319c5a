// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "sluice/stop.hpp"

namespace sluice {

// How long to wait for a lock that another process holds: until the time is over, or a stop comes.
struct LockWait {
  std::chrono::milliseconds longest{0};
  const StopToken* stop = nullptr;  // outlives who waits; nullptr: only the time ends it

  bool IsOver(std::chrono::steady_clock::duration waited) const {
    return waited >= longest || (stop != nullptr && stop->stopped());
  }
};

}  // namespace sluice
