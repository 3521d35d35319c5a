// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ingest/candidate.h"
#include "ingest/plan.h"
#include "sink/target_database.h"
#include "sluice/ingest.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

// If a live run is to follow, an input that was renamed or removed since it was listed is left to
// it: it finds what has the name then, and by content what this was. Says so in a warning.
bool MayComeAgain(const IngestOptions& options, const std::string& path, const Status& failure,
                  RunPlan* plan);

// The first step of a plan: which inputs there are, and what their first bytes say. Those that are
// left out are told in the plan's warnings, or in its failures if they were named.
class InputFinder {
 public:
  // `any_json`: a line need not be an object.
  InputFinder(const IngestOptions& options, const StopToken& stop, const TargetDatabase& target,
              bool any_json, RunPlan* plan)
      : options_(options), stop_(stop), target_(target), any_json_(any_json), plan_(*plan) {}

  // `is_known` says whether an input is a source that stands where a table knows it. Of such a one
  // no first bytes are read: there may be ten thousand, and few of them new.
  using IsKnown = std::function<bool(Candidate*)>;
  Result<std::vector<Candidate>> Find(const IsKnown& is_known);

 private:
  Status FindCandidates();
  Status LookAtCandidates(const IsKnown& is_known);
  Status WhyNot(const Candidate& candidate) const;
  Status NothingToRead(const Status& left_out) const;

  const IngestOptions& options_;
  const StopToken& stop_;
  const TargetDatabase& target_;
  const bool any_json_;
  RunPlan& plan_;
  std::vector<Candidate> candidates_;
};

}  // namespace sluice
