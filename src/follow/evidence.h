// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "offset/offset.h"
#include "sluice/status.hpp"
#include "source/source.h"

namespace sluice {

// How much it says that a file has the bytes of a known source before its offset. A heartbeat or a
// banner begins every log of its program; a kilobyte of differing lines begins one.
enum class Evidence : uint8_t {
  kWeak,    // inode and name decide which source it is
  kStrong,  // it is that source, or a copy of it
};

// The evidence of a file whose head and tail agree with those of `offset`. Strong: they are at
// least 1 KiB, bytes that are both head and tail counted once, and come from at least two lines
// that differ. `place` is that of the offset in the file.
//
// If the bytes of `place` do not tell whether two lines differ, because the first and the last are
// both longer than 1 KiB, `path` is read up to the end of its first line: 64 KiB at most, and a
// longer line counts as one that differs. An error where it cannot be.
Result<Evidence> EvidenceOf(const Offset& offset, const Place& place, const std::string& path);

}  // namespace sluice
