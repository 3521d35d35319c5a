// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sqlite3.h>

#include "base/cell.h"

namespace sluice {

// What the linked SQLite makes of JSON: json_valid, and json_extract along JSON Pointers. The judge
// of every cell.
class JsonOracle {
 public:
  JsonOracle();
  ~JsonOracle();
  JsonOracle(const JsonOracle&) = delete;
  JsonOracle& operator=(const JsonOracle&) = delete;

  // json_valid(text, 1): RFC 8259. It looks at neither UTF-8 nor what follows a NUL.
  bool IsValid(std::string_view text);

  // The cell of `pointers` in a valid line; each pointer but the first is applied to the text that
  // the one before it found, where that is valid. The three bytes that json_extract leaves of an
  // unpaired surrogate are U+FFFD here: the one stated difference. A text is valid until the next
  // call.
  Cell Extract(std::string_view line, const std::vector<std::string>& pointers);

  // The value of `number`, a JSON number, by itself.
  Cell Number(std::string_view number);

 private:
  bool IsArray(std::string_view text, const std::string& path);
  std::string PathOf(std::string_view text, std::string_view pointer);
  Cell Column(sqlite3_stmt* statement);

  sqlite3* db_ = nullptr;
  sqlite3_stmt* valid_ = nullptr;
  sqlite3_stmt* type_ = nullptr;
  sqlite3_stmt* extract_ = nullptr;
  std::string text_;
};

// "null", "integer 5", "real 0x1.8p+0", "text abc": equal where the cells are, bit for bit.
std::string ToString(const Cell& cell);

}  // namespace sluice
