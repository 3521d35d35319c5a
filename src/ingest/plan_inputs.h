// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "extract/recognise.h"
#include "follow/identity.h"
#include "ingest/plan.h"
#include "offset/offset.h"
#include "sink/target_database.h"
#include "sluice/ingest.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "source/peeked_source.h"

namespace sluice {

// Enough for some hundred lines of most logs, and for the first message of an agent's session.
inline constexpr size_t kSampleBytes = size_t{256} << 10;

// An input and what its first bytes say.
struct Candidate {
  std::string path;   // "-" is stdin
  bool named = true;  // an argument; false: found in a directory
  SourceKey key;
  uint64_t stored_size = 0;
  std::unique_ptr<PeekedSource> opened;  // what cannot be opened twice
  std::string head;                      // at most kIdentityWindow bytes
  Recognised recognised;
  // Of one that a table knows by its path: nothing else is looked at.
  std::optional<Identity> identity;
  std::string table;
};

// If a live run is to follow, an input that was renamed or removed since it was listed is left to
// it: it finds what has the name then, and by content what this was. Says so in a warning.
bool MayComeAgain(const IngestOptions& options, const std::string& path, const Status& failure,
                  RunPlan* plan);

// The first step of a plan: which inputs there are, and what their first bytes say. Those that are
// left out are told in the plan's warnings.
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
  Result<std::unique_ptr<Source>> OpenPipe() const;
  Status ReadFirstBytes(Candidate* candidate, std::string* sample);
  Status CheckShape(const Candidate& candidate, std::string_view sample) const;

  const IngestOptions& options_;
  const StopToken& stop_;
  const TargetDatabase& target_;
  const bool any_json_;
  RunPlan& plan_;
  std::vector<Candidate> candidates_;
};

}  // namespace sluice
