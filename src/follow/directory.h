// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <dirent.h>

#include "base/file.h"
#include "offset/offset.h"
#include "source/source.h"

namespace sluice {

struct DirectoryEntry {
  std::string name;
  uint64_t inode = 0;
  unsigned char type = DT_UNKNOWN;
};

// By name, without those that begin with a dot. Empty where the directory is gone. An error where
// it cannot be read: what is in it then nobody knows, and nobody may take it for empty.
Result<std::vector<DirectoryEntry>> EntriesOf(const std::string& directory);

// Whether that is the file by its inode, whatever its name.
bool IsFileOf(const FileInfo& info, const SourceKey& key);

// Where a file lies that was renamed: regular files in the directory of its path that have its
// inode, whatever their names. An inode that was freed is used again at once, so who cannot know
// that its file stands looks at the content.
Result<std::vector<std::string>> PathsOfInode(const SourceKey& key);

// A directory as it was at one look: for decisions about many of its files, each of which costs no
// more if there are more of them. It opens no file until it is asked how they begin, and never one
// of `untouched` (I10).
//
// Errors: where the directory could not be read, each question has that for an answer.
class Folder {
 public:
  // Lifetime: `untouched` outlives it.
  Folder(std::string path, const std::vector<FileInfo>& untouched);

  // Regular files that have the inode of `key` now, whatever their names.
  Result<std::vector<std::string>> PathsOfInode(const SourceKey& key) const;
  // Files that begin with this whole window, decoded. They are opened for the first such question.
  // Files that cannot be read are left out; kExhausted if none can be opened at the moment.
  Result<std::vector<std::string>> PathsWithHead(const ContentHash& head);
  bool IsUntouched(const FileInfo& info) const;
  // Names that a rotation may have made of the one, in byte order: see IsRotatedName.
  Result<std::vector<std::string>> RotatedNames(std::string_view original) const;
  // The same, and names that got a date before their extension (app-20260131.jsonl): whoever named
  // the one means these, too. A short number there may as well be another log (app-2.jsonl).
  Result<std::vector<std::string>> DatedNames(std::string_view original) const;
  // The same, and names that got any number before their extension, or a larger one than theirs:
  // see NamesBeforeRotation and NamesBeforeShift. For who looks at the content, too.
  Result<std::vector<std::string>> PlausibleNames(std::string_view original) const;

 private:
  Status ReadHeads();
  bool Has(std::string_view name) const;
  void AppendNumbered(std::string_view original, size_t least_digits,
                      std::vector<std::string>* names) const;

  std::string path_;
  const std::vector<FileInfo>& untouched_;
  Status listed_;                        // why `entries_` is not what is there
  std::vector<DirectoryEntry> entries_;  // by name
  std::unordered_multimap<uint64_t, uint32_t> by_inode_;
  bool has_heads_ = false;
  std::unordered_multimap<uint64_t, uint32_t> by_head_;
};

// A database and what SQLite keeps beside it.
std::vector<std::string> FilesOfDatabase(const std::string& database);

// Folders that were looked at while one plan is made. What was renamed since is not seen:
// who misses a file lets go of its folder, and looks again.
class Folders {
 public:
  // Files that are never opened: every database that this process has open, with its -wal, -shm and
  // -journal.
  explicit Folders(const std::vector<std::string>& untouched = {});
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;

  Folder& Of(const std::string& directory);
  void Forget(const std::string& directory) { folders_.erase(directory); }

 private:
  std::vector<FileInfo> untouched_;
  std::map<std::string, Folder> folders_;
};

// Whether a rotation may have made the one name of the other: it begins with it, and goes on with a
// character that is no letter and no digit (app.jsonl.1, app.jsonl-20260131.gz).
bool IsRotatedName(std::string_view name, std::string_view original);

// The names that a rotation may have changed to this one: besides those of IsRotatedName, the one
// without a number or date before its extension (app.jsonl of app-20260131.jsonl and
// app.1.jsonl.gz).
std::vector<std::string> NamesBeforeRotation(std::string_view name);

// The names that a rotation may have had for what this one is now: those with a smaller number,
// compressed or not (app.jsonl.1 of app.jsonl.2.gz, app.1.jsonl of app.2.jsonl). Of a rotation that
// keeps a thousand files or more, or puts the date there, none.
std::vector<std::string> NamesBeforeShift(std::string_view name);

// The first bytes of a file, decoded, as many as it is known by.
Result<std::string> HeadOf(const std::string& path);
// The same, of a source of which nothing was read.
std::string HeadOf(Source* source);

}  // namespace sluice
