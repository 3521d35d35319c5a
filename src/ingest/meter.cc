// SPDX-License-Identifier: Apache-2.0
#include "ingest/meter.h"

#include <utility>

namespace sluice {

void Meter::Enter(IngestProgress::Phase phase, std::string doing) {
  progress_.phase = phase;
  progress_.doing = std::move(doing);
  Report();
}

void Meter::Tick() {
  if (since_report_.elapsed() >= kInterval) Report();
}

void Meter::Report() {
  since_report_.Restart();
  progress_.seconds = watch_.seconds();
  if (report_) report_(progress_);
}

}  // namespace sluice
