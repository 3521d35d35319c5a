// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "sluice/ingest.hpp"

namespace sluice {

// Says how far a run is, at most ten times a second, and at each change of phase or step.
class Meter {
 public:
  explicit Meter(const ProgressFunction& report) : report_(report) {}

  IngestProgress& progress() { return progress_; }
  void Enter(IngestProgress::Phase phase, std::string doing = {});
  void Tick();
  double seconds() const { return watch_.seconds(); }

 private:
  static constexpr std::chrono::milliseconds kInterval{100};

  void Report();

  const ProgressFunction& report_;
  Stopwatch watch_;
  Stopwatch since_report_;
  IngestProgress progress_;
};

}  // namespace sluice
