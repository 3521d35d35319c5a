// SPDX-License-Identifier: Apache-2.0
#include "extract/inference.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include <simdjson.h>

#include "extract/extractor.h"
#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kMaxKeyBytes = 128;

bool CanBeColumn(std::string_view key) {
  return key.size() <= kMaxKeyBytes && key.find('\0') == std::string_view::npos;
}

// SQLite has these for the rowid, and ALTER TABLE refuses columns of that name.
constexpr std::string_view kRowidAliases[] = {"rowid", "oid", "_rowid_"};

std::unordered_set<std::string> TakenNames(std::string_view rowid_column) {
  std::unordered_set<std::string> taken = {FoldName(rowid_column)};
  for (const std::string_view alias : kRowidAliases) taken.emplace(alias);
  return taken;
}

// The rule for collisions: an empty key is "_"; a name that is taken gets _2, _3, ...
std::string FreeName(std::string_view key, const std::unordered_set<std::string>& taken) {
  const std::string name = key.empty() ? "_" : std::string(key);
  if (!taken.contains(FoldName(name))) return name;
  for (size_t number = 2;; ++number) {
    std::string numbered = name + "_" + std::to_string(number);
    if (!taken.contains(FoldName(numbered))) return numbered;
  }
}

Column Special(const char* name, Origin origin, const char* type) {
  Column column;
  column.name = name;
  column.declared_type = type;
  column.affinity = AffinityOf(type);
  column.origin = origin;
  return column;
}

// What stands in every table of `auto` besides its keys.
const std::vector<Column>& SpecialColumns() {
  static const std::vector<Column> columns = {
      Special("_source", Origin::kSource, "TEXT"),
      Special("_line", Origin::kLineNumber, "INTEGER"),
      Special("_extra", Origin::kExtra, "TEXT"),
  };
  return columns;
}
constexpr char kRowidColumn[] = "_id";

bool IsReal(std::string_view number) {
  if (number.find_first_of(".eE") != std::string_view::npos) return true;
  int64_t value = 0;
  // json_extract gives an integer beyond 64 bits as a real.
  return std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc();
}

}  // namespace

void Inference::Add(std::string_view sample) {
  if (sample.starts_with("\xEF\xBB\xBF")) sample.remove_prefix(3);
  while (!sample.empty()) {
    const size_t newline = sample.find('\n');
    const std::string_view line = sample.substr(0, newline);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) AddLine(line);
    sample.remove_prefix(newline == std::string_view::npos ? sample.size() : newline + 1);
  }
}

// The value's part in the type of its column. False where it is no JSON.
template <typename Seen>
bool Classify(ondemand::value value, Seen* seen) {
  ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  switch (type) {
    case ondemand::json_type::number:
      (IsReal(value.raw_json_token()) ? seen->reals : seen->integers) = true;
      return true;
    case ondemand::json_type::boolean:
      seen->integers = true;
      return true;
    case ondemand::json_type::string:
    case ondemand::json_type::object:
    case ondemand::json_type::array:
      seen->texts = true;
      return true;
    case ondemand::json_type::null:
      return true;
  }
  return false;
}

void Inference::AddLine(std::string_view line) {
  // Nothing of a bad line counts. simdjson's on-demand parser does not look at what it is not asked
  // for, such as a second text behind the object.
  if (!IsCompleteJson(line, /*any_json=*/false)) return;

  thread_local ondemand::parser parser;
  const simdjson::padded_string padded(line);
  ondemand::document document;
  ondemand::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return;
  if (document.get_object().get(object) != simdjson::SUCCESS) return;

  std::vector<std::pair<std::string, Seen>> keys;
  for (auto field : object) {
    std::string_view name;
    ondemand::value value;
    Seen seen;
    if (field.error() != simdjson::SUCCESS) return;
    const bool is_text = field.unescaped_key().get(name) == simdjson::SUCCESS;
    if (is_text && CanBeColumn(name)) keys.emplace_back(name, Seen());
    if (field.value().get(value) != simdjson::SUCCESS || !Classify(value, &seen)) return;
    if (is_text && CanBeColumn(name)) keys.back().second = seen;
  }
  ++lines_;
  for (const auto& [name, seen] : keys) AddKey(name, seen);
}

void Inference::AddKey(const std::string& name, const Seen& seen) {
  const auto [entry, is_new] = index_.try_emplace(name, keys_.size());
  if (is_new) keys_.push_back({name, {}, 0, 0});
  Key& key = keys_[entry->second];
  if (key.last_line == lines_) return;  // a second key of the name in one line: the first one wins
  key.last_line = lines_;
  ++key.lines;
  key.seen.integers |= seen.integers;
  key.seen.reals |= seen.reals;
  key.seen.texts |= seen.texts;
}

std::vector<const Inference::Key*> Inference::KeysWithColumn(
    std::span<const std::string> keep) const {
  std::vector<const Key*> keys;
  for (const Key& key : keys_) keys.push_back(&key);
  if (keys.size() <= kMaxColumns) return keys;

  const auto kept = [&](const Key* key) {
    return std::find(keep.begin(), keep.end(), key->name) != keep.end();
  };
  std::stable_sort(keys.begin(), keys.end(), [&](const Key* a, const Key* b) {
    return kept(a) != kept(b) ? kept(a) : a->lines > b->lines;
  });
  keys.resize(kMaxColumns);
  std::sort(keys.begin(), keys.end());  // by first appearance again: they are elements of keys_
  return keys;
}

Column Inference::ColumnOf(const Key& key) {
  Column column;
  column.pointers = {PointerTo(key.name)};
  const Seen& seen = key.seen;
  if (seen.integers != seen.reals && !seen.texts) {
    column.declared_type = seen.integers ? "INTEGER" : "REAL";
    column.keep_strings_out = true;
  } else if (seen.texts && !seen.integers && !seen.reals) {
    column.declared_type = "TEXT";
  }
  column.affinity = AffinityOf(column.declared_type);
  return column;
}

Table Inference::Finish(std::string_view name, std::span<const std::string> keep) const {
  Table table;
  table.name = name;
  table.preset = "auto";
  table.index_prefix = "idx_" + table.name + "_";
  table.rowid_column = kRowidColumn;

  std::unordered_set<std::string> taken = TakenNames(kRowidColumn);
  for (const Column& column : SpecialColumns()) taken.insert(FoldName(column.name));
  for (const Key* key : KeysWithColumn(keep)) {
    Column column = ColumnOf(*key);
    column.name = FreeName(key->name, taken);
    taken.insert(FoldName(column.name));
    table.columns.push_back(std::move(column));
  }
  table.columns.insert(table.columns.end(), SpecialColumns().begin(), SpecialColumns().end());
  return table;
}

std::optional<Table> WithColumnsFor(const Table& table, const std::vector<std::string>& keys,
                                    const std::vector<std::string>& others) {
  std::unordered_set<std::string> taken = TakenNames(table.rowid_column);
  for (const std::string& name : others) taken.insert(FoldName(name));
  for (const Column& column : table.columns) taken.insert(FoldName(column.name));
  // The rowid column is one of SQLite's 2,000, or there is none.
  const size_t there =
      std::max(table.columns.size(), others.size() - std::min<size_t>(others.size(), 1));
  const size_t room = kMaxColumns - std::min(there, kMaxColumns);

  Table wider = table;
  for (const std::string& key : keys) {
    if (wider.columns.size() - table.columns.size() >= room) break;
    if (!CanBeColumn(key)) continue;
    Column column;
    column.name = FreeName(key, taken);
    column.pointers = {PointerTo(key)};
    taken.insert(FoldName(column.name));
    wider.columns.push_back(std::move(column));
  }
  if (wider.columns.size() == table.columns.size()) return std::nullopt;
  return wider;
}

std::string ColumnOfKey(const Table& table, const std::string& key) {
  const auto has_name = [&](const Column& column) { return SameName(column.name, key); };
  if (std::ranges::any_of(table.columns, has_name)) return key;
  const std::vector<std::string> pointers = {PointerTo(key)};
  for (const Column& column : table.columns) {
    if (column.pointers == pointers) return column.name;
  }
  return key;
}

}  // namespace sluice
