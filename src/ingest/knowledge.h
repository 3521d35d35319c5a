// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "follow/known_sources.h"
#include "ledger/ledger.h"
#include "sink/target_database.h"
#include "sluice/status.hpp"

namespace sluice {

// The sources that the database knows when a plan is made.
struct Knowledge {
  std::map<std::string, KnownSources> sources;  // by table
  KnownSources::Fetch fetch;                    // none: they are kept
  // Paths of inputs that waited when the last runs ended: they were seen, and nothing of them read.
  std::set<std::string, std::less<>> waiting;
  // Start of the search for rotated files; 0 if the database knows no source.
  int64_t searched_since_ns = 0;

  KnownSources& Of(const std::string& table) {
    return sources.try_emplace(table, fetch).first->second;
  }
  // The table that something of a source with this path was ingested into; "" if there is none.
  std::string TableOf(std::string_view path) const;
};

// All of it, read once: for a run, which asks for many files.
Result<Knowledge> ReadKnowledge(TargetDatabase* target);
// Only what finds a source, which is then read: for live mode, which has little memory, and makes a
// plan for each new file. Lifetime: the target outlives it.
Result<Knowledge> IndexKnowledge(TargetDatabase* target);

// Start of the search for rotated files: when the fifth-last successful run began, in nanoseconds
// since 1970; 0 if no journal tells. Files that were modified before it were there before us, or
// were decided on. Five, because a killed or failed run may have left some unread, and because
// names may change while they are looked through.
Result<int64_t> RotatedSearchBegins(Ledger* ledger);

}  // namespace sluice
