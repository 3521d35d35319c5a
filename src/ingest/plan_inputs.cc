// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan_inputs.h"

#include <set>
#include <utility>

#include "source/inputs.h"

namespace sluice {

bool MayComeAgain(const IngestOptions& options, const std::string& path, const Status& failure,
                  RunPlan* plan) {
  if (!options.inputs_may_come || failure.code() != StatusCode::kNotFound) return false;
  plan->warnings.push_back(path + " is gone: waiting for it");
  return true;
}

Result<std::vector<Candidate>> InputFinder::Find(const IsKnown& is_known) {
  if (Status s = FindCandidates(); !s.ok()) return Error(s);
  if (Status s = LookAtCandidates(is_known); !s.ok()) return Error(s);
  return std::move(candidates_);
}

Status InputFinder::FindCandidates() {
  std::vector<std::string> awaited;
  Result<std::vector<std::string>> paths =
      ExpandInputs(options_.inputs, {.include = options_.include, .exclude = options_.exclude},
                   target_.path(), options_.inputs_may_come ? &awaited : nullptr);
  if (!paths) return paths.error();
  for (const std::string& path : awaited) {
    plan_.warnings.push_back(path + " is not there yet: waiting for it");
  }
  const std::set<std::string_view> named(options_.inputs.begin(), options_.inputs.end());
  for (const std::string& path : *paths) {
    candidates_.push_back({.path = path, .named = named.contains(path)});
  }
  if (candidates_.empty() && awaited.empty()) {
    const bool chosen = !options_.include.empty() || !options_.exclude.empty();
    const Status none = Status::NotFound(
        chosen ? "no input: no file below the directories fits --include and --exclude"
               : "no input: the directories have no *.jsonl, *.ndjson, *.gz or *.zst of these "
                 "(names that begin with a dot are passed over)",
        chosen ? "a GLOB is for the path below the directory, as in --include 'app/*.log'"
               : "name the files, or say --include '*.log'");
    // A database that stands may have had its lines before the logs were cleared away.
    if (target_.fresh() && !options_.inputs_may_come) return none;
    plan_.warnings.push_back(none.message());
  }
  if (options_.start_offset && candidates_.size() != 1) {
    return Status::Usage(
        "--start-offset is for one file, and there are " + std::to_string(candidates_.size()),
        "name one file");
  }
  return {};
}

// The first lines of each input: what they are, and for `auto` which table they want. There may
// be ten thousand inputs, so no more is kept of these bytes than is needed.
Status InputFinder::LookAtCandidates(const IsKnown& is_known) {
  std::vector<Candidate> taken;
  Status left_out;
  for (Candidate& candidate : candidates_) {
    if (is_known(&candidate)) {
      taken.push_back(std::move(candidate));
      continue;
    }
    Status why_not = ReadFirstLines(options_, stop_, &candidate);
    if (MayComeAgain(options_, candidate.path, why_not, &plan_)) continue;
    const bool is_damaged = why_not.code() == StatusCode::kCorruption;
    if (!why_not.ok() && !is_damaged) return why_not;
    if (!is_damaged) why_not = WhyNot(candidate);
    if (why_not.ok()) {
      taken.push_back(std::move(candidate));
    } else if (candidate.named || is_damaged) {
      plan_.failures.push_back(why_not);
    } else {
      plan_.warnings.push_back("left out " + why_not.message());
      if (left_out.ok()) left_out = why_not;
    }
  }
  candidates_ = std::move(taken);
  // No database is made of nothing, and nothing is followed that will never be read.
  const bool is_nothing =
      options_.inputs_may_come ? plan_.failures.size() == options_.inputs.size() : target_.fresh();
  return candidates_.empty() && is_nothing ? NothingToRead(left_out) : Status();
}

// One document, an event stream or a binary file would become thousands of rejects: one line says
// so instead. Who asked for it in so many words (--on-bad-line) gets the rejects.
Status InputFinder::WhyNot(const Candidate& candidate) const {
  if (options_.on_bad_line.has_value()) return {};
  if (options_.inputs_may_come && MayBeBanner(candidate)) return {};
  return OtherFormOf(candidate, any_json_);
}

Status InputFinder::NothingToRead(const Status& left_out) const {
  if (plan_.failures.empty()) return left_out;
  const Status& first = plan_.failures.front();
  const size_t others = plan_.failures.size() - 1;
  if (others == 0) return first;
  return {first.code(),
          first.message() + "; nor can " + std::to_string(others) + " other" +
              (others == 1 ? " input" : " inputs") + " be read",
          first.remedy()};
}

}  // namespace sluice
