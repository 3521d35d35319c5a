// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/status.hpp"

namespace sluice {

// What the first bytes of a source look like.
struct Recognised {
  enum class Shape : uint8_t {
    kEmpty,         // nothing, or blank lines
    kJsonLines,     // at least one line is a JSON text; others may be bad
    kJsonDocument,  // JSON, but not one text a line: pretty-printed, or several texts on one line
    kJsonArray,     // one JSON array around everything, on one line or over many
    kSse,           // a raw text/event-stream: "event:", "data:" lines
    kSingleQuotes,  // {'a': 1}, as Python prints it
    kCsv,           // fields between `delimiter`
    kText,          // no line of the sample is JSON
    kBinary,        // no line is JSON, and there are NUL bytes
  };
  Shape shape = Shape::kEmpty;
  // "claude-code", "codex", "sse-lines", or "" where it is none of them; only for kJsonLines.
  //
  // Judged by keys that only these programs write together (sessionId with uuid and parentUuid;
  // payload.type under a known type; flow_id with sid and t), on at least half of the objects:
  // `type` and `message` alone say nothing.
  std::string preset;
  // The preset whose program may have written all of these objects, though none of them decides it:
  // what comes later will. Records of that kind do not count against a preset.
  std::string may_be;
  uint64_t objects = 0;      // lines that are whole JSON objects: what a table can be inferred from
  uint64_t values = 0;       // lines that are other whole JSON texts
  uint64_t whole_bytes = 0;  // up to the end of the last line that is whole
  // The jq path of the only array of objects in a document, or in a single line that has nothing
  // else: its elements are what somebody wants as rows.
  std::string array;
  char delimiter = 0;  // of kCsv: ',', ';' or a tab
};

// The bytes after the sample in its source.
enum class SampleEnd : uint8_t {
  kMore,         // more, that is already there: a last line without a newline is cut off
  kMayGrow,      // nothing yet: a last line is whole if it is a complete JSON object or array
  kNothingMore,  // nothing: a last line is whole
};

// `sample`: the first bytes of a source, decoded. Its cost is linear in the sample. Only whole
// lines count, so a sample should end with one, however long that is.
Recognised Recognise(std::string_view sample, SampleEnd end);

// The command that makes a line of each element of `recognised.array`.
std::string ElementsCommand(const Recognised& recognised, std::string_view path);

// One line for a person, with the remedy, for a shape that is no JSON Lines (kUnsupported); ok for
// kJsonLines and kEmpty. For example: "x.json: this is one JSON document, not JSON Lines" / "make
// lines of it: jq -c . < 'x.json' > 'x.jsonl'". kJsonArray is a mistake only where a line has to be
// an object: `raw` takes an array on one line.
Status NotJsonLines(const Recognised& recognised, std::string_view path);

}  // namespace sluice
