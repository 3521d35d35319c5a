// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "schema/check.h"
#include "schema/names.h"
#include "schema/nearest.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// A schema of 1,999 columns is 200 KB. toml++ takes memory and stack by what it reads.
constexpr size_t kMaxFileBytes = size_t{4} << 20;

// toml++ 3.3 makes a table in a table of each part of a dotted key, and takes them apart by
// recursion: half a million parts overflow the stack. No key of a schema has a dot.
constexpr size_t kMaxDots = 64;

// Whether a word such as a.b.c goes on for more than kMaxDots parts.
bool HasEndlessKey(std::string_view toml) {
  size_t dots = 0;
  for (char c : toml) {
    const bool in_key = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                        std::string_view("_-\"' \t").find(c) != std::string_view::npos;
    if (c == '.') {
      if (++dots > kMaxDots) return true;
    } else if (!in_key) {
      dots = 0;
    }
  }
  return false;
}

constexpr std::array<std::pair<std::string_view, Origin>, 6> kOrigins = {{
    {"@line", Origin::kLine},
    {"@source", Origin::kSource},
    {"@line_number", Origin::kLineNumber},
    {"@byte_offset", Origin::kByteOffset},
    {"@ingested_at", Origin::kIngestedAt},
    {"@extra", Origin::kExtra},
}};

constexpr std::array<std::pair<std::string_view, OnConflict>, 3> kOnConflicts = {{
    {"reject", OnConflict::kReject},
    {"ignore", OnConflict::kIgnore},
    {"replace", OnConflict::kReplace},
}};

template <typename Value, size_t kSize>
std::optional<Value> ValueOf(const std::array<std::pair<std::string_view, Value>, kSize>& names,
                             std::string_view name) {
  for (const auto& [known, value] : names) {
    if (known == name) return value;
  }
  return std::nullopt;
}

template <typename Value, size_t kSize>
std::string_view NameOf(const std::array<std::pair<std::string_view, Value>, kSize>& names,
                        Value value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return {};
}

template <typename Value, size_t kSize>
std::string NearestNameOf(const std::array<std::pair<std::string_view, Value>, kSize>& names,
                          std::string_view word) {
  std::array<std::string_view, kSize> known;
  for (size_t i = 0; i < kSize; ++i) known[i] = names[i].first;
  return NearestOf(word, known);
}

using Line = toml::source_index;

// Reads a parsed TOML document into a Table. The first thing that is wrong is kept, with its line.
class SchemaReader {
 public:
  explicit SchemaReader(std::string_view name) : name_(name) {}

  Result<Table> Read(const toml::table& root) {
    ReadTop(root);
    for (const toml::table* column : Tables(root, "column")) ReadColumn(*column);
    for (const toml::table* index : Tables(root, "index")) ReadIndex(*index);
    for (const toml::table* view : Tables(root, "view")) ReadView(*view);
    for (const toml::table* full_text : Tables(root, "fulltext")) ReadFullText(*full_text);
    if (!error_.ok()) return Error(error_);
    if (std::optional<TableProblem> problem = FindProblem(table_)) {
      return Error(problem->status.In(Place(LineOf(*problem))));
    }
    return std::move(table_);
  }

 private:
  void ReadTop(const toml::table& root) {
    CheckKeys(
        root, "",
        std::to_array<std::string_view>({"table", "preset", "edited", "foreign", "index_prefix",
                                         "rowid", "any_json", "primary_key", "on_conflict",
                                         "companions", "column", "index", "view", "fulltext"}));
    if (const toml::node* node = root.get("table")) table_line_ = node->source().begin.line;
    table_.name = Required(root, "table", "the schema");
    table_.preset = String(root, "preset").value_or("");
    table_.edited = Bool(root, "edited");
    table_.foreign = Bool(root, "foreign");
    table_.index_prefix = String(root, "index_prefix").value_or("");
    table_.any_json = Bool(root, "any_json");
    table_.primary_key = Strings(root, "primary_key");
    table_.companions = Strings(root, "companions");
    table_.rowid_column = String(root, "rowid").value_or(table_.primary_key.empty() ? "id" : "");
    if (const std::optional<std::string> word = String(root, "on_conflict")) {
      const std::optional<OnConflict> known = ValueOf(kOnConflicts, *word);
      if (!known)
        Fail(*root.get("on_conflict"), "unknown on_conflict '" + *word + "'",
             NearestNameOf(kOnConflicts, *word));
      table_.on_conflict = known.value_or(OnConflict::kReject);
    }
  }

  void ReadColumn(const toml::table& entry) {
    CheckKeys(entry, "[[column]]",
              std::to_array<std::string_view>({"name", "from", "type", "keep_strings_out"}));
    Column column;
    column.name = Required(entry, "name", "a [[column]]");
    column.declared_type = String(entry, "type").value_or("");
    column.affinity = AffinityOf(column.declared_type);
    column.keep_strings_out = Bool(entry, "keep_strings_out");
    ReadFrom(entry, &column);
    table_.columns.push_back(std::move(column));
    column_lines_.push_back(entry.source().begin.line);
  }

  // An @ name, a pointer, or several pointers; without it the key of the column's own name.
  void ReadFrom(const toml::table& entry, Column* column) {
    const toml::node* from = entry.get("from");
    if (from == nullptr) {
      column->pointers = {PointerTo(column->name)};
    } else if (const auto* text = from->as_string();
               text != nullptr && text->get().starts_with('@')) {
      const std::optional<Origin> origin = ValueOf(kOrigins, text->get());
      if (!origin)
        Fail(*from, "unknown name '" + text->get() + "'", NearestNameOf(kOrigins, text->get()));
      column->origin = origin.value_or(Origin::kLine);
    } else if (text != nullptr) {
      column->pointers = {text->get()};
    } else {
      column->pointers = Strings(entry, "from");
    }
  }

  void ReadIndex(const toml::table& entry) {
    CheckKeys(entry, "[[index]]", std::to_array<std::string_view>({"name", "columns", "unique"}));
    table_.indexes.push_back({Required(entry, "name", "an [[index]]"), Strings(entry, "columns"),
                              Bool(entry, "unique")});
    index_lines_.push_back(entry.source().begin.line);
  }

  void ReadView(const toml::table& entry) {
    CheckKeys(entry, "[[view]]", std::to_array<std::string_view>({"name", "sql"}));
    table_.views.push_back({Required(entry, "name", "a [[view]]"),
                            Required(entry, "sql", "a [[view]]"),
                            Place(entry.source().begin.line)});
    view_lines_.push_back(entry.source().begin.line);
  }

  void ReadFullText(const toml::table& entry) {
    CheckKeys(entry, "[[fulltext]]",
              std::to_array<std::string_view>({"name", "columns", "tokenize"}));
    table_.full_texts.push_back({Required(entry, "name", "a [[fulltext]]"),
                                 Strings(entry, "columns"),
                                 String(entry, "tokenize").value_or("")});
    full_text_lines_.push_back(entry.source().begin.line);
  }

  void CheckKeys(const toml::table& entry, const std::string& where,
                 std::span<const std::string_view> known) {
    for (const auto& [key, node] : entry) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      Fail(node,
           "unknown key '" + std::string(key.str()) + "'" + (where.empty() ? "" : " in " + where),
           NearestOf(key.str(), known));
    }
  }

  std::optional<std::string> String(const toml::table& entry, std::string_view key) {
    const toml::node* node = entry.get(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* text = node->as_string()) return text->get();
    Fail(*node, "'" + std::string(key) + "' must be a string", "write it in quotes");
    return std::nullopt;
  }

  std::string Required(const toml::table& entry, std::string_view key, const std::string& where) {
    if (entry.get(key) == nullptr) {
      Fail(entry, where + " has no '" + std::string(key) + "'",
           "add " + std::string(key) + " = \"…\"");
    }
    return String(entry, key).value_or("");
  }

  bool Bool(const toml::table& entry, std::string_view key) {
    const toml::node* node = entry.get(key);
    if (node == nullptr) return false;
    if (const auto* value = node->as_boolean()) return value->get();
    Fail(*node, "'" + std::string(key) + "' must be true or false", "write it without quotes");
    return false;
  }

  std::vector<std::string> Strings(const toml::table& entry, std::string_view key) {
    const toml::node* node = entry.get(key);
    if (node == nullptr) return {};
    std::vector<std::string> strings;
    if (const toml::array* array = node->as_array()) {
      for (const toml::node& element : *array) {
        if (const auto* text = element.as_string()) strings.push_back(text->get());
      }
      if (strings.size() == array->size()) return strings;
    }
    Fail(*node, "'" + std::string(key) + "' must be a list of strings",
         "write " + std::string(key) + " = [\"…\", \"…\"]");
    return {};
  }

  std::vector<const toml::table*> Tables(const toml::table& root, std::string_view key) {
    const toml::node* node = root.get(key);
    if (node == nullptr) return {};
    std::vector<const toml::table*> tables;
    if (const toml::array* array = node->as_array()) {
      for (const toml::node& element : *array) {
        if (const toml::table* entry = element.as_table()) tables.push_back(entry);
      }
      if (tables.size() == array->size()) return tables;
    }
    Fail(*node, "'" + std::string(key) + "' must be a list of tables",
         "begin each with [[" + std::string(key) + "]]");
    return {};
  }

  void Fail(const toml::node& node, const std::string& what, std::string remedy) {
    if (error_.ok())
      error_ = Status::Usage(Place(node.source().begin.line) + ": " + what, std::move(remedy));
  }

  std::string Place(Line line) const {
    return std::string(name_) + ":" + std::to_string(std::max<Line>(line, 1));
  }

  Line LineOf(const TableProblem& problem) const {
    switch (problem.part) {
      case TableProblem::Part::kTable:
        return table_line_;
      case TableProblem::Part::kColumn:
        return column_lines_[problem.index];
      case TableProblem::Part::kIndex:
        return index_lines_[problem.index];
      case TableProblem::Part::kView:
        return view_lines_[problem.index];
      case TableProblem::Part::kFullText:
        return full_text_lines_[problem.index];
    }
    return table_line_;
  }

  std::string_view name_;
  Table table_;
  Status error_;
  Line table_line_ = 1;
  std::vector<Line> column_lines_, index_lines_, view_lines_, full_text_lines_;
};

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// A TOML string: as '''…''' where it has lines and may stand so, else "…" with escapes.
std::string TomlString(const std::string& text) {
  const bool lines = text.find('\n') != std::string::npos;
  const bool plain = std::none_of(text.begin(), text.end(),
                                  [](char c) { return IsControl(c) && c != '\n' && c != '\t'; });
  if (lines && plain && text.find("''") == std::string::npos && text.back() != '\'') {
    return "'''\n" + text + "'''";
  }
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (IsControl(c)) {
      constexpr char kHex[] = "0123456789ABCDEF";
      quoted += {'\\', 'u', '0', '0', kHex[(c >> 4) & 15], kHex[c & 15]};
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string TomlStrings(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) {
    if (list.size() > 1) list += ", ";
    list += TomlString(text);
  }
  return list + "]";
}

// Lines "key = value", keys with their default left out.
class TomlWriter {
 public:
  void Begin(const char* entry) { toml_ += std::string("\n[[") + entry + "]]\n"; }
  void Put(const char* key, const std::string& value) {
    toml_ += std::string(key) + " = " + value + "\n";
  }
  void PutString(const char* key, const std::string& text) { Put(key, TomlString(text)); }
  void PutUnlessEmpty(const char* key, const std::string& text) {
    if (!text.empty()) PutString(key, text);
  }
  void PutUnlessEmpty(const char* key, const std::vector<std::string>& texts) {
    if (!texts.empty()) Put(key, TomlStrings(texts));
  }
  void PutIf(const char* key, bool value) {
    if (value) Put(key, "true");
  }
  std::string Take() { return std::move(toml_); }

 private:
  std::string toml_;
};

void WriteTop(const Table& table, TomlWriter* to) {
  to->PutString("table", table.name);
  to->PutUnlessEmpty("preset", table.preset);
  to->PutIf("edited", table.edited);
  to->PutIf("foreign", table.foreign);
  to->PutUnlessEmpty("index_prefix", table.index_prefix);
  const std::string default_rowid = table.primary_key.empty() ? "id" : "";
  if (table.rowid_column != default_rowid) to->PutString("rowid", table.rowid_column);
  to->PutIf("any_json", table.any_json);
  to->PutUnlessEmpty("primary_key", table.primary_key);
  if (table.on_conflict != OnConflict::kReject) {
    to->PutString("on_conflict", std::string(NameOf(kOnConflicts, table.on_conflict)));
  }
  to->PutUnlessEmpty("companions", table.companions);
}

void WriteColumn(const Column& column, TomlWriter* to) {
  to->Begin("column");
  to->PutString("name", column.name);
  if (column.origin != Origin::kPointer) {
    to->PutString("from", std::string(NameOf(kOrigins, column.origin)));
  } else if (column.pointers.size() == 1) {
    to->PutString("from", column.pointers[0]);
  } else {
    to->Put("from", TomlStrings(column.pointers));
  }
  to->PutUnlessEmpty("type", column.declared_type);
  to->PutIf("keep_strings_out", column.keep_strings_out);
}

}  // namespace

Result<Table> ParseSchema(std::string_view toml, std::string_view name) {
  if (toml.size() > kMaxFileBytes) {
    return Error(
        Status::Usage(std::string(name) + ": a schema of " + std::to_string(toml.size()) + " bytes",
                      "at most 4 MiB are read: is this the right file?"));
  }
  if (HasEndlessKey(toml)) {
    return Error(Status::Usage(std::string(name) + ": a key of more than 64 parts",
                               "keys of a schema have no dots: is this the right file?"));
  }
  try {
    return SchemaReader(name).Read(toml::parse(toml, name));
  } catch (const toml::parse_error& error) {
    return Error(
        Status::Usage(std::string(name) + ":" + std::to_string(error.source().begin.line) + ": " +
                          std::string(error.description()),
                      "a schema is a TOML file (toml.io): docs/schemas.md has an example"));
  }
}

Result<Table> LoadSchema(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    const int error = errno;
    std::string names;
    for (const Preset& preset : Presets())
      names += (names.empty() ? "" : ", ") + std::string(preset.name);
    return Error(Status::NotFound(path + ": cannot read the schema: " + std::strerror(error),
                                  "name a TOML file, or a preset: " + names));
  }
  Result<Table> table = ParseSchema(text.str(), path);
  if (!table) return table;
  table->edited = table->foreign = false;
  if (table->preset.empty() || table->preset == "auto") return table;
  const Result<Table> preset = LoadPreset(table->preset);
  if (!preset) return preset;
  table->edited = ToToml(*table) != ToToml(*preset);
  return table;
}

std::string FromOf(const Column& column) {
  if (column.origin != Origin::kPointer) return std::string(NameOf(kOrigins, column.origin));
  std::string from;
  for (const std::string& pointer : column.pointers) {
    from += (from.empty() ? "" : ", ") + (pointer.empty() ? "\"\"" : pointer);
  }
  return from;
}

std::string ToToml(const Table& table) {
  TomlWriter writer;
  WriteTop(table, &writer);
  for (const Column& column : table.columns) WriteColumn(column, &writer);
  for (const Index& index : table.indexes) {
    writer.Begin("index");
    writer.PutString("name", index.name);
    writer.Put("columns", TomlStrings(index.columns));
    writer.PutIf("unique", index.unique);
  }
  for (const View& view : table.views) {
    writer.Begin("view");
    writer.PutString("name", view.name);
    writer.PutString("sql", view.sql);
  }
  for (const FullText& full_text : table.full_texts) {
    writer.Begin("fulltext");
    writer.PutString("name", full_text.name);
    writer.Put("columns", TomlStrings(full_text.columns));
    writer.PutUnlessEmpty("tokenize", full_text.tokenize);
  }
  return writer.Take();
}

}  // namespace sluice
