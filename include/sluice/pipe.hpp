// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace sluice {

// Hands a pipe on stdin from RunIngest to RunLive. A stream may never end, so RunIngest reads it
// only until it rests; RunLive then continues within the same line if need be.
struct PipeHandOver {
  // The pipe rests when nothing came for `idle`, or when `longest` has passed. Both are counted
  // from the first line on.
  std::chrono::milliseconds idle{3'000};
  std::chrono::milliseconds longest{60'000};
  // Not before then: as long as its first lines do not say where they belong.
  std::chrono::steady_clock::time_point rests_from{};

  // Set by the run that ends; pass them on as they are.
  bool rests = false;  // false: stdin is no pipe or has ended, so there is nothing to continue
  std::string window;  // the last bytes that were ingested, at most kIdentityWindow
  std::string tail;    // what was read after them: the beginning of a line
};

}  // namespace sluice
