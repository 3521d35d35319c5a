// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sink/table_rebuild.h"
#include "sink/target_database.h"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

struct ChangeOptions {
  bool rebuild = false;                // rows have to be written anew
  std::optional<uint64_t> free_bytes;  // instead of what the file system says
  uint64_t cache_bytes = uint64_t{64} << 20;
};

// Makes the table what `change` says, with its indexes, views and full text, and stores its schema:
// all in one transaction, SQLite's procedure for altering tables. Triggers, indexes and views of
// others are kept; one that does not compile any more is an error that names it.
//
// `step` hears what is done; rows and their total are 0 if they mean nothing there. Returns the
// rows that were written anew. Errors: all is as it was. Durability: committed when it returns.
using ChangeStep = std::function<void(const std::string& step, uint64_t rows, uint64_t rows_total)>;
Result<uint64_t> ChangeTable(TargetDatabase* target, const TableChange& change,
                             const ChangeOptions& options, const StopToken& stop,
                             const ChangeStep& step);

// kFull if fewer than `needed` bytes are `free`.
Status CheckRoom(uint64_t needed, uint64_t free);

}  // namespace sluice
