// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan_inputs.h"

#include <set>
#include <utility>

#include "extract/extractor.h"
#include "source/inputs.h"
#include "source/open.h"

namespace sluice {
namespace {

// An array on one line is a line like any other where a line need not be an object.
bool BeginsWithAJsonLine(std::string_view sample) {
  const size_t newline = sample.find('\n');
  if (newline == std::string_view::npos) return true;  // longer than the sample, or all of it
  return IsCompleteJson(sample.substr(0, newline), /*any_json=*/true);
}

}  // namespace

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
    const Status none = Status::NotFound(
        "no input: the directories have no *.jsonl, *.ndjson, *.gz or *.zst of these",
        "name the files, or say --include '*.log'");
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

// The first bytes of each input: what they are, and for `auto` which table they want. There may
// be ten thousand inputs, so no more is kept of these bytes than is needed.
Status InputFinder::LookAtCandidates(const IsKnown& is_known) {
  std::vector<Candidate> taken;
  Status left_out;
  for (Candidate& candidate : candidates_) {
    if (is_known(&candidate)) {
      taken.push_back(std::move(candidate));
      continue;
    }
    std::string sample;
    Status read = ReadFirstBytes(&candidate, &sample);
    if (MayComeAgain(options_, candidate.path, read, &plan_)) continue;
    if (!read.ok()) return read;
    Status shape = CheckShape(candidate, sample);
    if (shape.ok()) {
      taken.push_back(std::move(candidate));
    } else if (candidate.named) {
      return shape;
    } else {
      plan_.warnings.push_back("left out " + shape.message());
      if (left_out.ok()) left_out = shape;
    }
  }
  candidates_ = std::move(taken);
  // No database is made of nothing.
  const bool is_nothing = candidates_.empty() && target_.fresh() && !options_.inputs_may_come;
  return is_nothing ? left_out : Status();
}

Result<std::unique_ptr<Source>> InputFinder::OpenPipe() const {
  return options_.pipe_hand_over == nullptr
             ? OpenStdin(&stop_)
             : OpenStdinUntilItRests(&stop_, options_.pipe_hand_over);
}

Status InputFinder::ReadFirstBytes(Candidate* candidate, std::string* sample) {
  Result<std::unique_ptr<Source>> source =
      candidate->path == "-" ? OpenPipe() : OpenSource(candidate->path, &stop_);
  if (!source) return source.error();
  auto peeked = std::make_unique<PeekedSource>(std::move(*source));
  Result<std::string_view> first = peeked->Peek(kSampleBytes);
  // What is damaged further on is read up to there, and the run says so when it gets there.
  if (!first && (candidate->named || first.error().code() != StatusCode::kCorruption)) {
    return first.error();
  }
  *sample = first ? std::string(*first) : std::string();
  // A last line that is still being written is no sign of anything.
  const bool is_whole = peeked->peeked_all() && (!peeked->may_grow() || sample->ends_with('\n'));
  candidate->recognised = Recognise(*sample, is_whole);
  candidate->head = sample->substr(0, kIdentityWindow);
  candidate->key = peeked->key();
  candidate->stored_size = peeked->stored_size();
  if (!peeked->rereadable()) candidate->opened = std::move(peeked);
  return {};
}

// One document, an event stream or a binary file would become thousands of rejects: one line says
// so instead. Who asked for it in so many words (--on-bad-line) gets the rejects.
Status InputFinder::CheckShape(const Candidate& candidate, std::string_view sample) const {
  switch (candidate.recognised.shape) {
    case Recognised::Shape::kEmpty:
    case Recognised::Shape::kJsonLines:
    case Recognised::Shape::kText:
      return {};
    case Recognised::Shape::kJsonArray:
      if (any_json_ && BeginsWithAJsonLine(sample)) return {};
      [[fallthrough]];
    default:
      if (options_.on_bad_line.has_value()) return {};
      return NotJsonLines(candidate.recognised.shape, candidate.path);
  }
}

}  // namespace sluice
