// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace sluice {

// Stdin, a pipe, on its way from a run that reads it until it rests to the live run that goes on: a
// stream that never ends must come to an end for the first all the same.
struct PipeHandOver {
  // It rests when nothing came for `idle`, or when `longest` has passed, both counted from the
  // first line on.
  std::chrono::milliseconds idle{3'000};
  std::chrono::milliseconds longest{60'000};

  // Set by the run that ends.
  bool rests = false;  // false: it was no pipe, or is at its end: there is nothing to go on with
  std::string window;  // the last bytes that were ingested, at most kIdentityWindow
  std::string tail;    // read behind them already: the beginning of a line
};

}  // namespace sluice
