// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "offset/offset.h"
#include "sink/target_database.h"
#include "sluice/status.hpp"

namespace sluice {

// What the database knows of its sources when a plan is made: read from it once.
struct Knowledge {
  std::map<std::string, std::vector<KnownSource>> sources;  // by table
  // Start of the search for rotated files; 0 if the database knows no source.
  int64_t searched_since_ns = 0;
};

Result<Knowledge> ReadKnowledge(TargetDatabase* target);

// Start of the search for rotated files: when the fifth-last successful run began, in nanoseconds
// since 1970; 0 if no journal tells. Files that were modified before it were there before us, or
// were decided on. Five, because a killed or failed run may have left some unread, and because
// names may change while they are looked through.
Result<int64_t> RotatedSearchBegins(Ledger* ledger);

}  // namespace sluice
