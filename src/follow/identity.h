// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "follow/directory.h"
#include "follow/known_sources.h"
#include "offset/offset.h"
#include "sluice/status.hpp"
#include "source/chunk_reader.h"

namespace sluice {

// Which source a file is: the decision matrix of docs/sources.md, cell by cell.
struct Identity {
  enum class Kind : uint8_t {
    kNew,        // content that no known source has: from 0
    kUnchanged,  // a known source with nothing after its offset
    kGrown,      // a known source with more after its offset
    kMoved,  // a known source, found under another path (or compressed since); unchanged or grown
    kReplaced,   // its path was known with other content: a new source, from 0; the old one may be
                 // found elsewhere
    kTruncated,  // its path and inode were known with other or less content: as kReplaced; lines
                 // may be gone
    kCopy,  // the content of a known source whose original still stands: a second source, from 0
  };
  Kind kind = Kind::kNew;
  SourceKey key;  // where the file is found now: what the ledger shall know it by from here on
  int64_t source_id = 0;     // of the known source to go on with; 0 where it is a new one
  ChunkReader::Start start;  // where to go on: offset 0 for a new one
  bool has_more = false;     // something stands after `start`
  uint64_t stored_size = 0;  // of the file, compressed or not
  std::string was;           // kMoved: the path it had. kCopy: the path of the original
  // Known sources that had this path and whose content is not here any more: FindMoved looks for
  // each of them.
  std::vector<int64_t> displaced;
};

// Words for a person: "grown", "moved from /logs/app.jsonl", ...
std::string Describe(const Identity& identity);

// Decides for the file `path` among the sources that its table knows. A source whose offset is 0
// has no content to be known by: it is known by its path alone. A pipe is always new, and is not
// opened.
//
// It asks first for the source of this path, then for that of this inode, then for those that begin
// like it, and at last for those whose name a rotation may have changed to this one. What it reads
// does not grow with the number of sources: at most kIdentityWindow bytes at the head and before
// each offset that may fit, of a plain file; of a compressed one all up to the last of these
// offsets. Of sources that begin alike it tries at most 256 offsets, the largest first.
//
// kCorruption where a file begins like a known source and cannot be decoded up to its offset. The
// caller tells `known` what came of it before it asks for the next file (KnownSources::Move,
// Stands): a second file with the same content is then a copy.
Result<Identity> Identify(const std::string& path, KnownSources* known, Folders* folders);

// Whether the file at its own path is still a source, and which: the first step of Identify, for
// files that need no other. Nothing where that does not tell.
Result<std::optional<Identity>> IdentifyByPath(const std::string& path, KnownSources* known,
                                               Folders* folders);

// Where the content of a displaced source lies now: a regular file in the same directory,
// compressed or not, whether it has more to read or not. Strong evidence is enough under any name;
// weak evidence needs its inode, or a name that a rotation may have made of its own (app.jsonl.1,
// app.jsonl.1.gz). Its identity is then kMoved. Nothing where there is none, and where names
// changed at each of five looks: who follows finds it later by what a rotation made of its name
// (RotatedSince).
//
// An error where its directory could not be looked through: then nobody knows whether it is gone.
//
// `is_decided` tells of files that are decided on already: the inputs of the run.
using IsDecided = std::function<bool(const FileInfo&)>;
Result<std::optional<Identity>> FindMoved(const StoredSource& source, KnownSources* known,
                                          Folders* folders, const IsDecided& is_decided);

// Files that a rotation may have made of `path`: in its directory, of such a name, and modified at
// `since_ns` or later. The one modified first comes first.
// Of several rotations between two looks, the files of the middle ones are known by this alone.
Result<std::vector<std::string>> RotatedSince(const std::string& path, int64_t since_ns,
                                              Folders* folders);

}  // namespace sluice
