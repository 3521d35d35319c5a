// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/schema.hpp"

namespace sluice {

// Infers the table of `auto` from samples of all inputs. The rules are for people to read in
// docs/schemas.md, "auto".
//
// Columns are named as the top-level keys, in the order in which they first appear; of more than
// kMaxColumns keys those that most lines have. Then come _source, _line and _extra; the rowid
// column is _id.
//
// A declared type must store every value that was seen unchanged: INTEGER for integers and
// booleans, REAL for reals, TEXT for strings, objects and arrays, none where they are mixed (TEXT
// would make '5' of 5, REAL 5.0).
class Inference {
 public:
  static constexpr size_t kMaxColumns = 200;

  // Whole lines; a last one that is cut off is left out unless it is complete. Lines that are no
  // JSON object count for nothing.
  void Add(std::string_view sample);

  // `name` is the table's. Keys in `keep` (--pk) get their column whatever the cap, if they were
  // seen at all.
  Table Finish(std::string_view name, std::span<const std::string> keep = {}) const;

  uint64_t lines() const { return lines_; }  // that were objects

 private:
  // What values of a key were seen.
  struct Seen {
    bool integers = false;  // and booleans
    bool reals = false;     // and integers beyond 64 bits, which json_extract gives as reals
    bool texts = false;     // strings, objects, arrays
  };
  struct Key {
    std::string name;
    Seen seen;
    uint64_t lines = 0;      // that have it
    uint64_t last_line = 0;  // of these
  };

  void AddLine(std::string_view line);
  void AddKey(const std::string& name, const Seen& seen);
  std::vector<const Key*> KeysWithColumn(std::span<const std::string> keep) const;
  static Column ColumnOf(const Key& key);

  std::vector<Key> keys_;  // in order of first appearance
  std::unordered_map<std::string, size_t> index_;
  uint64_t lines_ = 0;
};

// The column that --alter adds for a key that the table does not have yet: its name after the rule
// for collisions, no declared type, so that every value is stored as it comes. Nothing where the
// key must stay in @extra (it is longer than 128 bytes, or holds a NUL), or the table is full.
std::optional<Column> ColumnForKey(const Table& table, std::string_view key);
// The table with the columns that these keys make; nothing where they make none.
std::optional<Table> WithColumnsFor(const Table& table, const std::vector<std::string>& keys);

}  // namespace sluice
