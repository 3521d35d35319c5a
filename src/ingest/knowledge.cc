// SPDX-License-Identifier: Apache-2.0
#include "ingest/knowledge.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace sluice {

Result<Knowledge> ReadKnowledge(TargetDatabase* target) {
  Knowledge known;
  const Status read = target->EachSource([&](SourceRow row) {
    known.searched_since_ns = std::max(known.searched_since_ns, ParseUtc(row.updated_at));
    known.sources[row.table].push_back(std::move(row.source));
    return Status();
  });
  if (!read.ok()) return Error(read);
  if (target->fresh() || target->ledger() == nullptr) return known;
  // If no journal tells when runs began, the last of what was read must do.
  const Result<int64_t> began = RotatedSearchBegins(target->ledger());
  if (!began) return Error(began.error());
  if (*began != 0) known.searched_since_ns = std::min(known.searched_since_ns, *began);
  return known;
}

Result<int64_t> RotatedSearchBegins(Ledger* ledger) {
  constexpr uint64_t kRuns = 5;
  const Result<std::string> began = ledger->BeginOfRunsDone(kRuns);
  if (!began) return Error(began.error());
  return began->empty() ? int64_t{0} : ParseUtc(*began);
}

}  // namespace sluice
