// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dirent.h>

#include "base/file.h"
#include "offset/offset.h"

namespace sluice {

struct DirectoryEntry {
  std::string name;
  uint64_t inode = 0;
  unsigned char type = DT_UNKNOWN;
};

// By name, without those that begin with a dot. Empty where the directory is gone, or cannot be
// read.
std::vector<DirectoryEntry> EntriesOf(const std::string& directory);

// Whether that is the file by its inode, whatever its name.
bool IsFileOf(const FileInfo& info, const SourceKey& key);

// Where a file lies that was renamed: regular files in the directory of its path that have its
// inode, whatever their names. An inode that was freed is used again at once, so who cannot know
// that its file stands looks at the content.
std::vector<std::string> PathsOfInode(const SourceKey& key);

}  // namespace sluice
