// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "offset/offset.h"
#include "source/chunk_reader.h"

namespace sluice {

// Which source a file is: the decision matrix of docs/sources.md, cell by cell.
struct Identity {
  enum class Kind : uint8_t {
    kNew,        // content that no known source has: from 0
    kUnchanged,  // a known source with nothing after its offset
    kGrown,      // a known source with more after its offset
    kMoved,      // a known source, found under another path (or compressed since); unchanged or grown
    kReplaced,   // its path was known with other content: a new source, from 0; the old one may be found elsewhere
    kTruncated,  // its path and inode were known with other or less content: as kReplaced; lines may be gone
    kCopy,       // the content of a known source whose original still stands: a second source, from 0
  };
  Kind kind = Kind::kNew;
  int64_t source_id = 0;       // of the known source to go on with; 0 where it is a new one
  ChunkReader::Start start;    // where to go on: offset 0 for a new one
  std::string was;             // kMoved: the path it had
};

// Words for a person: "grown", "moved from app.jsonl", ...
std::string Describe(const Identity& identity);

// Decides for the file `path` among the sources that its table knows.
// Reads at most kIdentityWindow bytes at two places of a plain file; of a compressed one all up to the offset.
Result<Identity> Identify(const std::string& path, const std::vector<KnownSource>& known);

// Files in the directory of a known source whose content continues it under any other name (app.jsonl.1, app.jsonl.1.gz): for sources
// that Identify found replaced, so that their rest is read too. Empty when the rest is nowhere or was read to the end.
Result<std::string> FindMoved(const KnownSource& source, const std::vector<std::string>& already_inputs);

}  // namespace sluice
