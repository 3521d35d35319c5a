// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/offset.hpp"

namespace sluice {

// The hash of a stretch of decoded bytes. Of nothing it is ContentHash(), so that Offset() is the
// offset at the start of any source.
ContentHash HashOf(std::string_view bytes);

// Where bytes were found. It only finds candidates for identity, content decides: inodes are used
// again at once, and editors, rsync and restores change them.
struct SourceKey {
  std::string path;     // absolute, symlinks in its directory resolved; "-" is stdin
  uint64_t device = 0;  // 0 for stdin
  uint64_t inode = 0;

  friend bool operator==(const SourceKey&, const SourceKey&) = default;
  bool SameFileAs(const SourceKey& other) const {
    return device == other.device && inode == other.inode;
  }
};

// A source that some table already has rows of.
struct KnownSource {
  int64_t id = 0;  // _sluice_sources.id
  SourceKey key;
  Offset offset;
};

}  // namespace sluice
