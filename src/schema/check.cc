// SPDX-License-Identifier: Apache-2.0
#include "schema/check.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "schema/declared_type.h"
#include "schema/names.h"
#include "schema/nearest.h"
#include "schema/schema.h"

namespace sluice {
namespace {

using Part = TableProblem::Part;

// SQLite takes longer ones; nobody can read them, and error messages repeat them.
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxPointerBytes = 64 * 1024;

Status CheckName(std::string_view what, std::string_view name) {
  const std::string subject(what);
  if (name.empty()) return Status::Usage(subject + " has an empty name", "give it a name");
  if (name.size() > kMaxNameBytes) {
    return Status::Usage(subject + " has a name of " + std::to_string(name.size()) + " bytes",
                         "at most " + std::to_string(kMaxNameBytes) + " are allowed");
  }
  if (name.find('\0') != std::string_view::npos || !IsValidUtf8(name)) {
    return Status::Usage(subject + " has a name that is not text", "use UTF-8 without NUL");
  }
  return {};
}

// Names of tables, indexes, views: SQLite keeps sqlite_ for itself, and we keep _sluice_.
Status CheckObjectName(std::string_view what, std::string_view name) {
  if (Status s = CheckName(what, name); !s.ok()) return s;
  for (std::string_view prefix : {"sqlite_", "_sluice_"}) {
    if (name.size() >= prefix.size() && SameName(name.substr(0, prefix.size()), prefix)) {
      return Status::Usage(std::string(what) + " '" + std::string(name) + "' has a reserved name",
                           "names that begin with sqlite_ or _sluice_ are taken");
    }
  }
  return {};
}

// RFC 6901: "" is the whole text, else each part begins with '/', and '~' stands only in ~0 and ~1.
Status CheckPointer(std::string_view pointer) {
  const std::string quoted = "bad pointer '" + std::string(pointer) + "'";
  if (pointer.size() > kMaxPointerBytes) {
    return Status::Usage("a pointer of " + std::to_string(pointer.size()) + " bytes",
                         "at most " + std::to_string(kMaxPointerBytes) + " are allowed");
  }
  if (!IsValidUtf8(pointer)) return Status::Usage("a pointer that is not UTF-8");
  if (!pointer.empty() && pointer[0] != '/') {
    // Whoever knows jq or JSONPath writes user.name.
    std::string meant = "/" + std::string(pointer);
    if (pointer.find('/') == std::string_view::npos) std::ranges::replace(meant, '.', '/');
    return Status::Usage(quoted + ": it must begin with '/'", "write '" + meant + "' (RFC 6901)");
  }
  for (size_t at = pointer.find('~'); at != std::string_view::npos;
       at = pointer.find('~', at + 1)) {
    if (at + 1 >= pointer.size() || (pointer[at + 1] != '0' && pointer[at + 1] != '1')) {
      return Status::Usage(quoted + ": a '~' must be followed by 0 or 1",
                           "write '~' in a key as ~0, and '/' as ~1 (RFC 6901)");
    }
  }
  return {};
}

Status CheckColumn(const Column& column) {
  if (Status s = CheckName("a column", column.name); !s.ok()) return s;
  const std::string subject = "column '" + column.name + "'";
  if (Status s = CheckDeclaredType(column.declared_type); !s.ok()) return s.In(subject);
  if (!IsValidUtf8(column.declared_type)) {
    return Status::Usage(subject + ": its type is not UTF-8", "use UTF-8");
  }
  if ((column.origin == Origin::kPointer) == column.pointers.empty()) {
    return Status::Usage(subject + " comes from nowhere", "give it from = \"/key\" or an @ name");
  }
  for (const std::string& pointer : column.pointers) {
    if (Status s = CheckPointer(pointer); !s.ok()) return s.In(subject);
  }
  const bool numeric = column.affinity == Affinity::kInteger ||
                       column.affinity == Affinity::kReal || column.affinity == Affinity::kNumeric;
  if (column.keep_strings_out && (!numeric || column.origin != Origin::kPointer)) {
    return Status::Usage(subject + ": keep_strings_out is for columns of a numeric type",
                         "take it off, or declare INTEGER, REAL or NUMERIC");
  }
  return {};
}

// Whether the SELECT of a view is one statement, so that nothing else can hide behind it: no ';'
// outside strings, names and comments, all of which are closed.
Status CheckSelect(std::string_view sql) {
  constexpr std::string_view kRemedy = "a view's sql is one SELECT, without a ';'";
  size_t at = 0;
  const auto skip_to = [&](std::string_view end) {
    const size_t found = sql.find(end, at + 1);
    at = found == std::string_view::npos ? std::string_view::npos : found + end.size();
    return found != std::string_view::npos;
  };
  std::string first_word;
  bool in_first_word = true;
  while (at < sql.size()) {
    const char c = sql[at];
    const std::string_view two = sql.substr(at, 2);
    if (c == '\'' || c == '"' || c == '`') {
      if (!skip_to(std::string_view(&c, 1)))
        return Status::Usage("a quote is not closed", std::string(kRemedy));
    } else if (c == '[') {
      if (!skip_to("]")) return Status::Usage("a '[' is not closed", std::string(kRemedy));
    } else if (two == "/*") {
      ++at;
      if (!skip_to("*/")) return Status::Usage("a comment is not closed", std::string(kRemedy));
      continue;
    } else if (two == "--") {
      if (!skip_to("\n")) break;
      continue;
    } else if (c == ';' || c == '\0') {
      return Status::Usage("there is a ';' or a NUL in it", std::string(kRemedy));
    } else {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (letter && in_first_word) first_word += c;
      if (!letter && !first_word.empty()) in_first_word = false;
      ++at;
    }
  }
  for (std::string_view word : {"SELECT", "WITH", "VALUES"}) {
    if (SameName(first_word, word)) return {};
  }
  return Status::Usage("it does not begin with SELECT", std::string(kRemedy));
}

Status CheckPresetName(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Preset& preset : Presets()) {
    if (preset.name == name) return {};
    names.push_back(preset.name);
  }
  return Status::Usage("there is no preset '" + std::string(name) + "'", NearestOf(name, names));
}

class Checker {
 public:
  explicit Checker(const Table& table) : table_(table) {}

  std::optional<TableProblem> Run() {
    const bool sound = CheckTableItself() && CheckColumns() && CheckKeys() && CheckIndexes() &&
                       CheckViews() && CheckFullTexts();
    if (sound) return std::nullopt;
    return problem_;
  }

 private:
  bool Fail(Part part, size_t index, Status status) {
    problem_ = {part, index, std::move(status)};
    return false;
  }
  bool Pass(Part part, size_t index, Status status) {
    return status.ok() || Fail(part, index, std::move(status));
  }

  bool CheckTableItself() {
    if (!Pass(Part::kTable, 0, CheckObjectName("the table", table_.name))) return false;
    objects_.insert(FoldName(table_.name));
    if (!table_.index_prefix.empty() &&
        !Pass(Part::kTable, 0, CheckObjectName("index_prefix", table_.index_prefix))) {
      return false;
    }
    if (table_.columns.empty()) {
      return Fail(Part::kTable, 0,
                  Status::Usage("table '" + table_.name + "' has no column", "add a [[column]]"));
    }
    if (table_.columns.size() > kMaxColumns) {
      return Fail(Part::kTable, 0,
                  Status::Usage("too many columns: " + std::to_string(table_.columns.size()),
                                "SQLite takes " + std::to_string(kMaxColumns) + " and the rowid"));
    }
    for (const std::string& companion : table_.companions) {
      if (Status s = CheckPresetName(companion); !s.ok())
        return Fail(Part::kTable, 0, s.In("companions"));
    }
    if (table_.preset.empty() || table_.preset == "auto") return true;
    return Pass(Part::kTable, 0, CheckPresetName(table_.preset));
  }

  bool CheckColumns() {
    if (!table_.rowid_column.empty()) {
      if (!Pass(Part::kTable, 0, CheckName("rowid", table_.rowid_column))) return false;
      columns_.insert(FoldName(table_.rowid_column));
    }
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      const Column& column = table_.columns[i];
      if (!Pass(Part::kColumn, i, CheckColumn(column))) return false;
      if (SameName(column.name, table_.rowid_column)) {
        return Fail(Part::kColumn, i,
                    Status::Usage("column '" + column.name + "' has the name of the rowid column",
                                  "set rowid = \"\" or another name at the top of the schema"));
      }
      if (!columns_.insert(FoldName(column.name)).second) {
        return Fail(Part::kColumn, i,
                    Status::Usage("a second column '" + column.name + "'",
                                  "SQLite takes names that differ only in case as the same"));
      }
    }
    return true;
  }

  bool CheckKeys() {
    if (!table_.primary_key.empty() && !table_.rowid_column.empty()) {
      return Fail(Part::kTable, 0,
                  Status::Usage("both primary_key and rowid '" + table_.rowid_column + "'",
                                "a table has one primary key: set rowid = \"\""));
    }
    if (!CheckColumnList(Part::kTable, 0, "primary_key", table_.primary_key)) return false;
    const auto unique = [](const Index& index) { return index.unique; };
    if (table_.on_conflict != OnConflict::kReject && table_.primary_key.empty() &&
        std::none_of(table_.indexes.begin(), table_.indexes.end(), unique)) {
      return Fail(Part::kTable, 0,
                  Status::Usage("on_conflict without anything that could conflict",
                                "name a primary_key (--pk), or make an index unique"));
    }
    return true;
  }

  std::vector<std::string_view> Columns() const {
    std::vector<std::string_view> names;
    for (const Column& column : table_.columns) names.push_back(column.name);
    return names;
  }

  bool CheckColumnList(Part part, size_t index, const std::string& subject,
                       const std::vector<std::string>& names) {
    std::unordered_set<std::string> seen;
    for (const std::string& name : names) {
      if (!columns_.contains(FoldName(name))) {
        return Fail(part, index,
                    Status::Usage(subject + ": there is no column '" + name + "'",
                                  NearestOf(name, Columns())));
      }
      if (!seen.insert(FoldName(name)).second) {
        return Fail(part, index, Status::Usage(subject + " names column '" + name + "' twice"));
      }
    }
    return true;
  }

  bool CheckNewObject(Part part, size_t index, const std::string& kind, const std::string& name) {
    if (!Pass(part, index, CheckObjectName(kind, name))) return false;
    if (objects_.insert(FoldName(name)).second) return true;
    return Fail(
        part, index,
        Status::Usage(kind + " '" + name + "': the name is taken",
                      "tables, indexes, views and full-text tables share one set of names"));
  }

  bool CheckIndexes() {
    for (size_t i = 0; i < table_.indexes.size(); ++i) {
      const Index& index = table_.indexes[i];
      if (!CheckNewObject(Part::kIndex, i, "index", index.name)) return false;
      const std::string subject = "index '" + index.name + "'";
      if (index.columns.empty()) {
        return Fail(Part::kIndex, i,
                    Status::Usage(subject + " is on no column", "give it columns = [\"…\"]"));
      }
      if (!CheckColumnList(Part::kIndex, i, subject, index.columns)) return false;
      if (!SameName(index.name.substr(0, table_.index_prefix.size()), table_.index_prefix)) {
        return Fail(Part::kIndex, i,
                    Status::Usage(subject + " does not begin with '" + table_.index_prefix + "'",
                                  "its index_prefix is how --sync-indexes knows our indexes"));
      }
    }
    return true;
  }

  bool CheckViews() {
    for (size_t i = 0; i < table_.views.size(); ++i) {
      const View& view = table_.views[i];
      if (!CheckNewObject(Part::kView, i, "view", view.name)) return false;
      Status status =
          IsValidUtf8(view.sql) ? CheckSelect(view.sql) : Status::Usage("it is not UTF-8");
      if (!Pass(Part::kView, i, status.ok() ? Status() : status.In("view '" + view.name + "'"))) {
        return false;
      }
    }
    return true;
  }

  bool CheckFullTexts() {
    for (size_t i = 0; i < table_.full_texts.size(); ++i) {
      if (!CheckFullText(i, table_.full_texts[i])) return false;
    }
    return true;
  }

  bool CheckFullText(size_t i, const FullText& full_text) {
    if (!CheckNewObject(Part::kFullText, i, "fulltext", full_text.name)) return false;
    // FTS5 makes these tables of its own beside it.
    for (const char* shadow : {"_data", "_idx", "_docsize", "_config", "_content"}) {
      if (!CheckNewObject(Part::kFullText, i, "fulltext's own table", full_text.name + shadow))
        return false;
    }
    const std::string subject = "fulltext '" + full_text.name + "'";
    if (full_text.columns.empty()) {
      return Fail(Part::kFullText, i,
                  Status::Usage(subject + " is on no column", "give it columns = [\"…\"]"));
    }
    if (!CheckColumnList(Part::kFullText, i, subject, full_text.columns)) return false;
    for (const std::string& column : full_text.columns) {
      if (SameName(column, "rank") || SameName(column, "rowid") ||
          SameName(column, full_text.name)) {
        return Fail(Part::kFullText, i,
                    Status::Usage(subject + ": FTS5 cannot take a column named '" + column + "'",
                                  "give the column or the full-text table another name"));
      }
    }
    if (table_.rowid_column.empty()) {
      return Fail(
          Part::kFullText, i,
          Status::Usage(subject + " needs a rowid column: VACUUM may renumber rows without one",
                        "take primary_key off, and set rowid to a name"));
    }
    if (!IsValidUtf8(full_text.tokenize) || full_text.tokenize.find('\0') != std::string::npos) {
      return Fail(Part::kFullText, i,
                  Status::Usage(subject + ": tokenize is not text", "use UTF-8"));
    }
    return true;
  }

  const Table& table_;
  TableProblem problem_;
  std::unordered_set<std::string> columns_;
  std::unordered_set<std::string> objects_;
};

}  // namespace

std::optional<TableProblem> FindProblem(const Table& table) { return Checker(table).Run(); }

Status CheckTable(const Table& table) {
  const std::optional<TableProblem> problem = FindProblem(table);
  return problem ? problem->status.In("table '" + table.name + "'") : Status();
}

}  // namespace sluice
