// SPDX-License-Identifier: Apache-2.0
#include "sqlite/profile.h"

#include <algorithm>
#include <optional>

namespace sluice {
namespace {

std::string CacheSize(uint64_t bytes) {
  constexpr uint64_t kMostKib = INT32_MAX;
  return "-" + std::to_string(std::clamp<uint64_t>(bytes / 1024, 1, kMostKib));
}

// What a database may lose whole when the power goes: only one that nobody has yet.
bool IsForNewFilesOnly(const ProfileSetting& setting) {
  return (setting.pragma == "journal_mode" && setting.value == "off") ||
         (setting.pragma == "synchronous" && setting.value == "0");
}

Status ForbidOnExisting(Connection& connection, const Profile& profile) {
  if (std::ranges::none_of(profile.settings, IsForNewFilesOnly)) return {};
  const Result<std::optional<int64_t>> pages = connection.QueryInteger("PRAGMA page_count");
  if (!pages) return pages.error();
  if (pages->value_or(0) == 0) return {};
  return Status::Internal(connection.path() + ": profile '" + profile.name +
                          "' is for new files only (I7)");
}

}  // namespace

Profile BuildProfile(uint64_t cache_bytes, uint32_t page_size, unsigned threads) {
  return {
      "build",
      "a new database, published only once it is whole",
      {
          {"page_size", std::to_string(page_size), "only a database without pages takes it"},
          {"journal_mode", "off", "nothing to roll back to: a failed build is removed"},
          {"synchronous", "0", "the file is synced once, before it is published"},
          {"locking_mode", "exclusive", "nobody else knows the file; saves a lock a transaction"},
          {"cache_size", CacheSize(cache_bytes), "inner pages of all indexes stay in memory"},
          {"temp_store", "1", "a sort may spill: in memory it would grow without bound"},
          {"threads", std::to_string(threads), "CREATE INDEX sorts on these too"},
      }};
}

Profile AppendProfile(ToWal to_wal) {
  Profile profile{"append", "rows added to a database that is there", {}};
  if (to_wal == ToWal::kYes) {
    profile.settings.push_back(
        {"journal_mode", "wal", "readers go on reading, and a commit is one write"});
  }
  profile.settings.push_back(
      {"temp_store", "1", "a sort may spill: in memory it would grow without bound"});
  profile.settings.push_back(
      {"cell_size_check", "1", "a damaged page is noticed before it is written to"});
  return profile;
}

Profile ReadOnlyProfile(uint64_t cache_bytes) {
  return {
      "read-only",
      "questions",
      {
          {"query_only", "1", "nothing is written, whatever the SQL says"},
          {"trusted_schema", "0", "views and columns of a stranger's file call harmless code only"},
          {"cell_size_check", "1", "a damaged page is an error, not a wrong answer"},
          {"cache_size", CacheSize(cache_bytes), "pages that are read twice are there"},
      }};
}

Status Apply(Connection& connection, const Profile& profile) {
  if (Status status = ForbidOnExisting(connection, profile); !status.ok()) return status;
  for (const ProfileSetting& setting : profile.settings) {
    const Result<std::string> set = connection.Pragma(setting.pragma + "=" + setting.value);
    if (!set) return set.error();
    const Result<std::string> now = connection.Pragma(setting.pragma);
    if (!now) return now.error();
    if (*now == setting.value) continue;
    return Status::Unsupported(connection.path() + ": PRAGMA " + setting.pragma + " is " + *now +
                                   " after it was set to " + setting.value + " (profile '" +
                                   profile.name + "')",
                               "see whether this SQLite or this file system can do it");
  }
  return {};
}

}  // namespace sluice
