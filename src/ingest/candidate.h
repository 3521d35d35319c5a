// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "extract/recognise.h"
#include "follow/identity.h"
#include "offset/offset.h"
#include "sluice/ingest.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"
#include "source/peeked_source.h"

namespace sluice {

// Enough for some hundred lines of most logs, and for the first message of an agent's session.
inline constexpr size_t kSampleBytes = size_t{256} << 10;
// Of records that decide nothing, or of text that is no JSON at all: after so much of it nothing
// else is waited for.
inline constexpr uint64_t kUndecidedBytes = uint64_t{64} << 10;

// An input and what its first lines say.
struct Candidate {
  std::string path;   // "-" is stdin
  bool named = true;  // an argument; false: found in a directory
  SourceKey key;
  uint64_t stored_size = 0;
  bool may_grow = false;
  std::unique_ptr<PeekedSource> opened;  // what cannot be opened twice
  std::string head;                      // at most kIdentityWindow bytes
  Recognised recognised;
  // Of one that a table knows by its path: nothing else is looked at.
  std::optional<Identity> identity;
  std::string table;
  bool begins_with_json = false;  // its first line is a JSON text of any kind
};

// What a candidate has to get, or to be, before its table can be chosen.
struct Awaited {
  std::string what;      // "its first whole record"
  int64_t until_ns = 0;  // since 1970: then it is read all the same; 0: only when it has grown
};

// Reads the sample of `candidate->path`: kSampleBytes, and on to the end of the line in which they
// end. A line of more than --max-line, which cannot become a row, is passed over. A pipe is looked
// at until it says what it is, and does not rest before.
Status ReadFirstLines(const IngestOptions& options, const StopToken& stop, Candidate* candidate);
// The sample once more: no more is kept of ten thousand inputs than is needed. Of a damaged file,
// as much as can be read.
Result<std::string> SampleOf(const Candidate& candidate, const IngestOptions& options,
                             const StopToken& stop);

// Why a candidate cannot be read as JSON Lines: it has another form. With its remedy; ok if it can.
// `any_json`: a line need not be an object.
Status OtherFormOf(const Candidate& candidate, bool any_json);

// Whether it holds no record yet, but may get some: a banner before the first one, for example.
bool MayBeBanner(const Candidate& candidate);

// What `auto` waits for before it can say where the lines of this candidate go: no table is made
// from nothing, and a session's first records may decide nothing. `follows`: lines that are no JSON
// are waited for too, as a banner may stand before the first record.
std::optional<Awaited> AwaitedOf(const Candidate& candidate,
                                 std::chrono::milliseconds undecided_for, bool follows);

}  // namespace sluice
