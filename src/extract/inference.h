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

// The table with a column for each of these keys: its name by the rule for collisions, no declared
// type, so that every value is stored as it comes. A key that is longer than 128 bytes or holds a
// NUL gets none, nor any key when SQLite's 2,000 columns are used up: such keys stay in @extra.
// Nothing if no key gets a column. `others`: names of columns that the table has in the database,
// which may be more than those of `table`.
std::optional<Table> WithColumnsFor(const Table& table, const std::vector<std::string>& keys,
                                    const std::vector<std::string>& others = {});

// The name of the column that holds the values of a key: its own, or the one that it got because
// its own was taken. The key itself if there is none.
std::string ColumnOfKey(const Table& table, const std::string& key);

}  // namespace sluice
