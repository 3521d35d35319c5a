// SPDX-License-Identifier: Apache-2.0
#include "json_oracle.h"

#include <cstdio>
#include <cstdlib>

#include "extract/plan.h"

namespace sluice {
namespace {

sqlite3_stmt* Prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) std::abort();
  return statement;
}

void Bind(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text(statement, index, text.data() ? text.data() : "", static_cast<int>(text.size()),
                    SQLITE_STATIC);
}

std::string ReplaceSurrogates(std::string text) {
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '\xED' && static_cast<unsigned char>(text[i + 1]) >= 0xA0)
      text.replace(i, 3, "\xEF\xBF\xBD");
  }
  return text;
}

bool IsIndex(std::string_view part) {
  return !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == part.npos &&
         (part.size() == 1 || part[0] != '0');
}

// "-" and "01" are no indexes, but in an array no keys either.
bool IsLikeIndex(std::string_view part) {
  return part.find_first_not_of("-0123456789") == part.npos;
}

}  // namespace

JsonOracle::JsonOracle() {
  if (sqlite3_open(":memory:", &db_) != SQLITE_OK) std::abort();
  valid_ = Prepare(db_, "SELECT json_valid(?1, 1)");
  type_ = Prepare(db_, "SELECT json_type(?1, ?2)");
  extract_ = Prepare(db_, "SELECT json_extract(?1, ?2)");
}

JsonOracle::~JsonOracle() {
  for (sqlite3_stmt* statement : {valid_, type_, extract_}) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

bool JsonOracle::IsValid(std::string_view text) {
  Bind(valid_, 1, text);
  const bool valid = sqlite3_step(valid_) == SQLITE_ROW && sqlite3_column_int(valid_, 0) == 1;
  sqlite3_reset(valid_);
  return valid;
}

bool JsonOracle::IsArray(std::string_view text, const std::string& path) {
  Bind(type_, 1, text);
  Bind(type_, 2, path);
  const bool is_array =
      sqlite3_step(type_) == SQLITE_ROW && sqlite3_column_text(type_, 0) &&
      std::string_view(reinterpret_cast<const char*>(sqlite3_column_text(type_, 0))) == "array";
  sqlite3_reset(type_);
  return is_array;
}

std::string JsonOracle::PathOf(std::string_view text, std::string_view pointer) {
  std::string path = "$";
  for (const std::string& part : PointerParts(pointer)) {
    Bind(type_, 1, text);
    Bind(type_, 2, path);
    const bool array =
        IsLikeIndex(part) && sqlite3_step(type_) == SQLITE_ROW && sqlite3_column_text(type_, 0) &&
        std::string_view(reinterpret_cast<const char*>(sqlite3_column_text(type_, 0))) == "array";
    sqlite3_reset(type_);
    if (array) {
      path += "[" + (IsIndex(part) ? part : std::string("999999999")) + "]";
      continue;
    }
    path += ".\"";
    for (char c : part) {
      if (c == '"' || c == '\\') path += '\\';
      path += c;
    }
    path += '"';
  }
  return path;
}

Cell JsonOracle::Column(sqlite3_stmt* statement) {
  switch (sqlite3_column_type(statement, 0)) {
    case SQLITE_INTEGER:
      return Cell::Integer(sqlite3_column_int64(statement, 0));
    case SQLITE_FLOAT:
      return Cell::Real(sqlite3_column_double(statement, 0));
    case SQLITE_TEXT:
      text_.assign(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)),
                   static_cast<size_t>(sqlite3_column_bytes(statement, 0)));
      text_ = ReplaceSurrogates(text_);
      return Cell::Text(text_);
    default:
      return Cell::Null();
  }
}

Cell JsonOracle::Extract(std::string_view line, const std::vector<std::string>& pointers) {
  std::string text(line);
  Cell cell;
  for (size_t i = 0; i < pointers.size(); ++i) {
    if (i > 0) {
      if (cell.type != CellType::kText) return Cell::Null();
      text = cell.text();
      if (!IsValid(text) || text.find('\0') != text.npos) return Cell::Null();
    }
    const std::string path = PathOf(text, pointers[i]);
    Bind(extract_, 1, text);
    Bind(extract_, 2, path);
    if (sqlite3_step(extract_) == SQLITE_ROW) {
      cell = Column(extract_);
    } else {
      text_ = std::string("json_extract failed: ") + sqlite3_errmsg(db_) + " for " + path;
      cell = Cell::Text(text_);
    }
    sqlite3_reset(extract_);
  }
  return cell;
}

Cell JsonOracle::Number(std::string_view number) {
  Bind(extract_, 1, number);
  Bind(extract_, 2, "$");
  sqlite3_step(extract_);
  const Cell cell = Column(extract_);
  sqlite3_reset(extract_);
  return cell;
}

std::string ToString(const Cell& cell) {
  char number[64];
  switch (cell.type) {
    case CellType::kNull:
      return "null";
    case CellType::kInteger:
      return "integer " + std::to_string(cell.integer);
    case CellType::kReal:
      std::snprintf(number, sizeof number, "real %a", cell.real);
      return number;
    case CellType::kText:
      return "text " + std::string(cell.text());
    case CellType::kBlob:
      return "blob " + std::string(cell.text());
  }
  return "";
}

}  // namespace sluice
