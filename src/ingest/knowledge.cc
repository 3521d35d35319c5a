// SPDX-License-Identifier: Apache-2.0
#include "ingest/knowledge.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sluice {

namespace {

// What a file is compared with, of a row of the ledger.
StoredSource AsStored(SourceRow row, bool has_gap) {
  return {std::move(row.source), ParseUtc(row.updated_at), has_gap};
}

Status ReadSearchBegin(TargetDatabase* target, Knowledge* known) {
  // If no journal tells when runs began, the last of what was read must do.
  const Result<int64_t> began = RotatedSearchBegins(target->ledger());
  if (!began) return began.error();
  if (*began != 0) known->searched_since_ns = std::min(known->searched_since_ns, *began);
  return {};
}

Result<Knowledge> Read(TargetDatabase* target, KnownSources::Fetch fetch) {
  Knowledge known;
  known.fetch = std::move(fetch);
  if (target->fresh() || target->ledger() == nullptr) return known;
  const Result<std::vector<int64_t>> gaps = target->ledger()->SourcesWithGaps();
  if (!gaps) return Error(gaps.error());
  const Status read = target->EachSource([&](SourceRow row) {
    KnownSources& sources = known.Of(row.table);
    const bool has_gap = std::ranges::binary_search(*gaps, row.source.id);
    const StoredSource source = AsStored(std::move(row), has_gap);
    known.searched_since_ns = std::max(known.searched_since_ns, source.read_ns);
    sources.Add(source);
    return Status();
  });
  if (!read.ok()) return Error(read);
  if (Status s = ReadSearchBegin(target, &known); !s.ok()) return Error(s);
  const Result<std::vector<WaitingRow>> waiting = target->ledger()->Waiting();
  if (!waiting) return Error(waiting.error());
  for (const WaitingRow& row : *waiting) known.waiting.insert(row.path);
  return known;
}

}  // namespace

std::string Knowledge::TableOf(std::string_view path) const {
  for (const auto& [table, known] : sources) {
    const Result<std::vector<StoredSource>> here = known.AtPath(path);
    if (!here) continue;
    const bool has_read = std::ranges::any_of(
        *here, [](const StoredSource& source) { return source.offset.bytes > 0; });
    if (has_read) return table;
  }
  return {};
}

Result<Knowledge> ReadKnowledge(TargetDatabase* target) { return Read(target, nullptr); }

Result<Knowledge> IndexKnowledge(TargetDatabase* target) {
  return Read(target, [target](int64_t id) -> Result<StoredSource> {
    Result<SourceRow> row = target->ledger()->SourceOf(id);
    if (!row) return Error(row.error());
    const Result<bool> has_gap = target->ledger()->HasGap(id);
    if (!has_gap) return Error(has_gap.error());
    return AsStored(std::move(*row), *has_gap);
  });
}

Result<int64_t> RotatedSearchBegins(Ledger* ledger) {
  constexpr uint64_t kRuns = 5;
  const Result<std::string> began = ledger->BeginOfRunsDone(kRuns);
  if (!began) return Error(began.error());
  return began->empty() ? int64_t{0} : ParseUtc(*began);
}

}  // namespace sluice
