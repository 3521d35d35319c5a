// SPDX-License-Identifier: Apache-2.0
#include "follow/directory.h"

#include <algorithm>
#include <memory>

namespace sluice {

std::vector<DirectoryEntry> EntriesOf(const std::string& directory) {
  std::vector<DirectoryEntry> entries;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (stream == nullptr) return entries;
  while (const dirent* entry = readdir(stream.get())) {
    if (entry->d_name[0] == '.') continue;
    entries.push_back({.name = entry->d_name, .inode = entry->d_ino, .type = entry->d_type});
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

bool IsFileOf(const FileInfo& info, const SourceKey& key) {
  return info.device == key.device && info.inode == key.inode;
}

std::vector<std::string> PathsOfInode(const SourceKey& key) {
  std::vector<std::string> paths;
  const std::string directory = DirectoryOf(key.path);
  for (const DirectoryEntry& entry : EntriesOf(directory)) {
    if (entry.inode != key.inode) continue;
    std::string path = Join(directory, entry.name);
    const Result<FileInfo> info = Stat(path);
    if (info && info->kind == FileKind::kRegular && IsFileOf(*info, key))
      paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace sluice
