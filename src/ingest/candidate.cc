// SPDX-License-Identifier: Apache-2.0
#include "ingest/candidate.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "extract/extractor.h"
#include "source/open.h"

namespace sluice {
namespace {

using Shape = Recognised::Shape;

Result<std::unique_ptr<Source>> OpenInput(const std::string& path, const IngestOptions& options,
                                          const StopToken& stop) {
  if (path != "-") return OpenSource(path, &stop);
  return options.pipe_hand_over == nullptr ? OpenStdin(&stop)
                                           : OpenStdinUntilItRests(&stop, options.pipe_hand_over);
}

// Its first bytes with at least one line that can become a row.
Result<std::string_view> PeekAtLines(const IngestOptions& options, PeekedSource* source) {
  for (;;) {
    Result<std::string_view> sample = source->Peek(kSampleBytes, options.max_line_bytes);
    if (!sample || source->peeked_all() || !source->rereadable()) return sample;
    const bool is_too_long =
        sample->size() >= options.max_line_bytes && sample->find('\n') == std::string_view::npos;
    if (!is_too_long) return sample;
    if (Status s = source->PassLine(); !s.ok()) return Error(s);
  }
}

SampleEnd EndOf(const PeekedSource& source) {
  if (!source.peeked_all()) return SampleEnd::kMore;
  return source.may_grow() ? SampleEnd::kMayGrow : SampleEnd::kNothingMore;
}

bool IsUndecided(const Recognised& recognised) {
  if (recognised.shape == Shape::kEmpty) return true;
  const bool may_get_a_record = recognised.shape == Shape::kJsonLines ||
                                recognised.shape == Shape::kText || recognised.shape == Shape::kCsv;
  return may_get_a_record && recognised.preset.empty() &&
         (recognised.objects == 0 || !recognised.may_be.empty());
}

// A pipe hands out its first line alone. If that decides nothing, more is waited for: what it gives
// cannot be left for another run.
Result<std::string_view> PeekAtPipe(const IngestOptions& options, PeekedSource* pipe) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point undecided_until = Clock::now() + options.undecided_for;
  Result<std::string_view> sample = pipe->Peek(kSampleBytes, options.max_line_bytes);
  while (sample && !pipe->peeked_all() && sample->size() < kUndecidedBytes) {
    const Recognised recognised = Recognise(*sample, SampleEnd::kMore);
    if (!IsUndecided(recognised)) break;
    if (options.pipe_hand_over != nullptr) {
      options.pipe_hand_over->rests_from =
          recognised.objects == 0 ? Clock::time_point::max() : undecided_until;
    }
    sample = pipe->PeekMore();
  }
  if (options.pipe_hand_over != nullptr) options.pipe_hand_over->rests_from = {};
  return sample;
}

}  // namespace

Status ReadFirstLines(const IngestOptions& options, const StopToken& stop, Candidate* candidate) {
  Result<std::unique_ptr<Source>> source = OpenInput(candidate->path, options, stop);
  if (!source) return source.error();
  auto peeked = std::make_unique<PeekedSource>(std::move(*source));
  candidate->key = peeked->key();
  candidate->stored_size = peeked->stored_size();
  candidate->may_grow = peeked->may_grow();

  if (peeked->rereadable()) {
    const Result<std::string_view> head = peeked->Peek(kIdentityWindow, 0);
    if (head) candidate->head = head->substr(0, kIdentityWindow);
  }
  const Result<std::string_view> sample =
      peeked->rereadable() ? PeekAtLines(options, peeked.get()) : PeekAtPipe(options, peeked.get());
  if (!sample) return sample.error();
  if (candidate->head.empty()) candidate->head = sample->substr(0, kIdentityWindow);
  candidate->recognised = Recognise(*sample, EndOf(*peeked));
  candidate->begins_with_json =
      IsCompleteJson(sample->substr(0, sample->find('\n')), /*any_json=*/true);
  if (!peeked->rereadable()) candidate->opened = std::move(peeked);
  return {};
}

Result<std::string> SampleOf(const Candidate& candidate, const IngestOptions& options,
                             const StopToken& stop) {
  if (candidate.opened != nullptr) {
    return std::string(candidate.opened->Peek(0, 0).value_or(std::string_view()));
  }
  // By its key: `- < file` is a file that can be opened again.
  Result<std::unique_ptr<Source>> source = OpenSource(candidate.key.path, &stop);
  if (!source) return Error(source.error());
  PeekedSource peeked(std::move(*source));
  return std::string(PeekAtLines(options, &peeked).value_or(std::string_view()));
}

Status OtherFormOf(const Candidate& candidate, bool any_json) {
  const Recognised& recognised = candidate.recognised;
  if (any_json && recognised.shape == Shape::kJsonArray && candidate.begins_with_json) return {};
  if (!any_json && recognised.shape == Shape::kJsonLines && recognised.objects == 0 &&
      recognised.values > 0) {
    return Status::Unsupported(
        candidate.path + ": its first lines are JSON, but none of them is an object",
        "the schema raw takes any JSON text as a line");
  }
  return NotJsonLines(recognised, candidate.path);
}

bool MayBeBanner(const Candidate& candidate) {
  const Recognised& recognised = candidate.recognised;
  const bool is_text = recognised.shape == Shape::kJsonLines || recognised.shape == Shape::kText ||
                       recognised.shape == Shape::kCsv || recognised.shape == Shape::kSingleQuotes;
  return is_text && candidate.may_grow && recognised.objects == 0 &&
         recognised.whole_bytes < kUndecidedBytes;
}

std::optional<Awaited> AwaitedOf(const Candidate& candidate,
                                 std::chrono::milliseconds undecided_for, bool follows) {
  const Recognised& recognised = candidate.recognised;
  if (recognised.shape == Shape::kEmpty) return Awaited{.what = "its first record"};
  if (!candidate.may_grow) return std::nullopt;
  if (recognised.objects == 0) {
    const bool is_half_a_line = recognised.shape == Shape::kJsonLines && recognised.values == 0;
    if (!is_half_a_line && !(follows && MayBeBanner(candidate))) return std::nullopt;
    return Awaited{.what = "its first whole record"};
  }
  if (!recognised.preset.empty() || recognised.may_be.empty()) return std::nullopt;
  if (recognised.whole_bytes >= kUndecidedBytes) return std::nullopt;
  const Result<FileInfo> info = Stat(candidate.key.path);
  if (!info) return std::nullopt;
  const int64_t longest = std::chrono::nanoseconds(undecided_for).count();
  // A clock that is set back must not keep it waiting.
  if (std::abs(NowNs() - info->modified_ns) >= longest) return std::nullopt;
  return Awaited{.what = "a record that says which program wrote it",
                 .until_ns = info->modified_ns + longest};
}

}  // namespace sluice
