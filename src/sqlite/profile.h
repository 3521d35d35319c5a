// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

struct ProfileSetting {
  std::string pragma;  // "journal_mode"
  std::string value;   // as SQLite reads it back: "wal", "1", "-65536"
  std::string reason;  // one line, for a person
};

// A named set of PRAGMAs.
struct Profile {
  std::string name;
  std::string summary;  // one line
  std::vector<ProfileSetting> settings;
};

// For a file that we create ourselves, and throw away when anything goes wrong (I6): no journal, no
// syncs. Applying it to a database that has pages already is an error (I7).
Profile BuildProfile(uint64_t cache_bytes, uint32_t page_size, unsigned threads);

// For rows that are added to a database that is there. Cache, syncs and checkpoints are the import
// scope's.
enum class ToWal : uint8_t { kNo, kYes };
Profile AppendProfile(ToWal to_wal);

// For questions: nothing can be written, and the schema's own text is not trusted.
Profile ReadOnlyProfile(uint64_t cache_bytes);

// Sets each PRAGMA and reads it back: SQLite keeps silent about one that it does not carry out.
// kUnsupported names the first that did not take.
Status Apply(Connection& connection, const Profile& profile);

}  // namespace sluice
