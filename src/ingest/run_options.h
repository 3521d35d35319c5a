// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sink/bookkeeping.h"
#include "sluice/ingest.hpp"

namespace sluice {

// What historical and live mode make of the options of a run in the same way.

// What is written beside the rows. `path` is _sluice_runs.path: "pages", "sqlite" or "live".
// `stop` ends a wait for who writes to --events-db, and outlives the sink.
Bookkeeping::Options BookkeepingOptions(const IngestOptions& options, std::string_view path,
                                        const std::string& started_at, const StopToken* stop);

// The inputs of a plan that wait, as the ledger keeps them.
std::vector<WaitingRow> WaitingRows(const std::vector<WaitingInput>& waiting);

// How much is read at once, 64 KiB to 1 MiB: a commit falls between two chunks, so small commits
// want small ones.
size_t ChunkBytes(uint64_t commit_rows, uint64_t commit_bytes);

}  // namespace sluice
