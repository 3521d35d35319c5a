// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "schema/table.h"

namespace sluice {

// What the first bytes of a source look like.
struct Recognised {
  enum class Shape : uint8_t {
    kEmpty,
    kJsonLines,
    kJsonDocument,  // one pretty-printed JSON document over several lines: not JSON Lines
    kJsonArray,     // one JSON array over lines ("[", "{...},", "]")
    kSse,           // a raw text/event-stream: "event:", "data:" lines
    kText,          // no line of the sample is JSON
    kBinary,        // NUL bytes or worse
  };
  Shape shape = Shape::kEmpty;
  std::string preset;  // "claude-code", "codex", "sse-lines", or "" where it is none of them; only for kJsonLines
};

// `sample`: the first bytes of a source, decoded; `whole` says that it is all of it. A last cut-off line is not judged.
Recognised Recognise(std::string_view sample, bool whole);

// One line for a person, with the remedy, for shapes that are no JSON Lines; an empty Status message never.
// For example: "x.json: this is one JSON document, not JSON Lines" / "make lines of it with: jq -c '.[]' x.json > x.jsonl".
Status NotJsonLines(Recognised::Shape shape, std::string_view path);

// Infers the table of `auto` from samples of all inputs (whole lines).
//
// Columns are named as the top-level keys, in order of first appearance, 200 at most (kMaxInferredColumns); then _source, _line, _extra.
class Inference {
 public:
  static constexpr size_t kMaxInferredColumns = 200;

  void Add(std::string_view sample);
  // `name` is the table's. `primary_key` columns are kept whatever the cap.
  Table Finish(std::string_view name) const;

  struct Key {
    std::string name;
    uint64_t integers = 0, reals = 0, booleans = 0, nulls = 0, strings = 0, numeric_strings = 0, containers = 0;
  };

 private:
  std::vector<Key> keys_;
};

// The column that --alter adds for a key that the table does not have yet (its name after the rule for collisions).
Column ColumnForKey(const Table& table, std::string_view key);

}  // namespace sluice
