// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// Keys that hold long text or whole documents wherever they are met.
constexpr std::array<std::string_view, 14> kLargeKeys = {
    "arguments", "body",   "content", "data",   "html",    "input",    "message",
    "msg",       "output", "payload", "prompt", "request", "response", "text"};

std::string_view LastPart(std::string_view pointer) {
  const size_t slash = pointer.rfind('/');
  return slash == std::string_view::npos ? pointer : pointer.substr(slash + 1);
}

// Whether another column reaches into what this one holds: then it is an object or an array.
bool IsContainer(const Table& table, const Column& column) {
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const Column& other) {
    if (other.origin != Origin::kPointer || other.pointers.size() < column.pointers.size())
      return false;
    const size_t last = column.pointers.size() - 1;
    if (!std::equal(column.pointers.begin(), column.pointers.end() - 1, other.pointers.begin()))
      return false;
    return other.pointers[last].starts_with(column.pointers[last] + "/") ||
           (other.pointers[last] == column.pointers[last] && other.pointers.size() > last + 1);
  });
}

// Why the column may hold large text, or "".
std::string WhyLarge(const Table& table, const Column& column) {
  if (column.origin == Origin::kLine) return "holds whole lines";
  if (column.origin == Origin::kExtra) return "holds JSON objects of all other keys";
  if (column.origin != Origin::kPointer) return "";
  if (column.affinity != Affinity::kText && column.affinity != Affinity::kBlob) return "";
  if (column.pointers.back().empty()) return "holds whole JSON texts";
  if (IsContainer(table, column)) return "holds JSON objects or arrays";
  const std::string key = FoldName(LastPart(column.pointers.back()));
  const bool large = std::find(kLargeKeys.begin(), kLargeKeys.end(), key) != kLargeKeys.end();
  return large ? "may hold long text" : "";
}

// Whether `index` only repeats the first columns of another one.
const Index* FindLonger(const Table& table, const Index& index) {
  for (const Index& other : table.indexes) {
    if (&other == &index || index.unique || other.columns.size() <= index.columns.size()) continue;
    if (std::equal(index.columns.begin(), index.columns.end(), other.columns.begin(), SameName))
      return &other;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> SchemaWarnings(const Table& table) {
  std::vector<std::string> warnings;
  for (const Index& index : table.indexes) {
    for (const std::string& name : index.columns) {
      const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                       [&](const Column& c) { return SameName(c.name, name); });
      if (column == table.columns.end()) continue;  // the rowid column
      const std::string why = WhyLarge(table, *column);
      if (why.empty()) continue;
      warnings.push_back("index '" + index.name + "' is on column '" + name + "', which " + why +
                         ": it stores that text a second time; use a [[fulltext]] table, or index "
                         "a smaller column");
    }
    if (const Index* longer = FindLonger(table, index)) {
      warnings.push_back("index '" + index.name + "' repeats the first columns of '" +
                         longer->name + "', which serves the same queries: leave it out");
    }
  }
  return warnings;
}

}  // namespace sluice
