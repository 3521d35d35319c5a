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
};

// `sample`: the first bytes of a source, decoded; `whole` says that it is all of it. A last cut-off
// line is judged only where there is no other. Limits: 64 KiB are enough for all but very long
// lines; more than the first 1 MiB is not looked at.
Recognised Recognise(std::string_view sample, bool whole);

// One line for a person, with the remedy, for a shape that is no JSON Lines; ok for kJsonLines and
// kEmpty. For example: "x.json: this is one JSON document, not JSON Lines" / "make lines of it: jq
// -c . 'x.json' > 'x.jsonl'". kJsonArray is a mistake only where a line has to be an object: `raw`
// takes an array on one line.
Status NotJsonLines(Recognised::Shape shape, std::string_view path);

}  // namespace sluice
