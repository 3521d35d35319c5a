// SPDX-License-Identifier: Apache-2.0
#include "ingest_oracle.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "bind_cell.h"
#include "extract/plan.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "sqlite/connection.h"

namespace sluice {
namespace {

bool IsAllBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[c & 15];
  }
  return hex;
}

// The key whose value the column holds whole, or nothing.
const std::string* KeyOf(const Column& column, std::string* key) {
  if (column.origin != Origin::kPointer || column.pointers.size() != 1) return nullptr;
  const std::vector<std::string> parts = PointerParts(column.pointers[0]);
  if (parts.size() != 1) return nullptr;
  *key = parts[0];
  return key;
}

// "" where they are the same.
std::string Difference(const std::string& what, const std::vector<std::string>& found,
                       const std::vector<std::string>& expected) {
  if (found == expected) return {};
  return what + ": found " + testing::PrintToString(found) + ", expected " +
         testing::PrintToString(expected) + "\n";
}

}  // namespace

IngestOracle::IngestOracle(const Table& table) : table_(table) {
  EXPECT_EQ(sqlite3_open(":memory:", &db_), SQLITE_OK);
  Table expected = table;
  expected.name = "expected";
  Run(CreateTableSql(expected));
  std::string parameters = "?";
  for (size_t i = 1; i < table.columns.size(); ++i) parameters += ", ?";
  insert_ = Prepare(InsertSql(expected, "VALUES (" + parameters + ")"));
  members_ = Prepare("SELECT key, type || ' ' || quote(value) FROM json_each(?)");
  for (const Column& column : table_.columns) {
    if (column.origin == Origin::kExtra) extra_ = &column;
  }
  Run("BEGIN");
}

IngestOracle::~IngestOracle() {
  sqlite3_finalize(insert_);
  sqlite3_finalize(members_);
  sqlite3_close(db_);
}

LineCounts IngestOracle::Add(const std::string& path, std::string_view text, bool may_grow) {
  LineCounts counts;
  uint64_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t newline = text.find('\n', begin);
    const bool ended = newline != std::string_view::npos;
    const size_t end = ended ? newline : text.size();
    Text line{text.substr(begin, end - begin), ++number, begin};
    if (begin == 0 && line.text.starts_with("\xEF\xBB\xBF")) line.text.remove_prefix(3);
    if (line.text.ends_with('\r')) line.text.remove_suffix(1);

    ++counts.lines;
    const bool complete = !line.text.empty() &&
                          (line.text.find_first_of("{[") == line.text.find_first_not_of(" \t")) &&
                          json_.IsValid(line.text);
    if (!ended && may_grow && !complete) {
      counts.unfinished = 1;
    } else if (IsAllBlank(line.text)) {
      ++counts.blank;
    } else {
      Judge(line, path, &counts);
    }
    begin = end + 1;
  }
  return counts;
}

void IngestOracle::Judge(const Text& line, const std::string& path, LineCounts* counts) {
  const bool valid = IsValidUtf8(line.text) && line.text.find('\0') == std::string_view::npos &&
                     json_.IsValid(line.text);
  const bool is_object = line.text[line.text.find_first_not_of(" \t")] == '{';
  if (valid && (is_object || table_.any_json)) {
    ++counts->rows;
    AddRow(line, path);
    return;
  }
  ++counts->rejects;
  rejects_.push_back(path + "|" + std::to_string(line.number) + "|" +
                     std::to_string(line.byte_offset) + "|" + std::to_string(line.text.size()) +
                     "|" + Hex(line.text) + (valid ? "|not an object" : "|bad"));
}

void IngestOracle::AddRow(const Text& line, const std::string& path) {
  std::vector<const Column*> kept_out;
  int parameter = 0;
  for (const Column& column : table_.columns) {
    Cell cell = CellOf(column, line, path);
    if (column.keep_strings_out && WouldChange(column, cell)) {
      kept_out.push_back(&column);
      cell = Cell::Null();
    }
    BindCell(insert_, ++parameter, cell);
  }
  EXPECT_EQ(sqlite3_step(insert_), SQLITE_DONE) << sqlite3_errmsg(db_);
  sqlite3_reset(insert_);
  if (extra_ != nullptr) extras_.push_back(ExtraOf(line.text, kept_out));
}

Cell IngestOracle::CellOf(const Column& column, const Text& line, const std::string& path) {
  switch (column.origin) {
    case Origin::kPointer:
      return json_.Extract(line.text, column.pointers);
    case Origin::kLine:
      return Cell::Text(line.text);
    case Origin::kSource:
      return Cell::Text(path);
    case Origin::kLineNumber:
      return Cell::Integer(static_cast<int64_t>(line.number));
    case Origin::kByteOffset:
      return Cell::Integer(static_cast<int64_t>(line.byte_offset));
    case Origin::kIngestedAt:
    case Origin::kExtra:
      break;  // the one is not known here, the other is compared member by member
  }
  return Cell::Null();
}

// Whether SQLite makes a number of the text, given the column's type.
bool IngestOracle::WouldChange(const Column& column, const Cell& cell) {
  if (cell.type != CellType::kText) return false;
  Run("CREATE TABLE probe(v " + column.declared_type + ")");
  sqlite3_stmt* probe = Prepare("INSERT INTO probe VALUES(?) RETURNING typeof(v) <> 'text'");
  BindCell(probe, 1, cell);
  EXPECT_EQ(sqlite3_step(probe), SQLITE_ROW);
  const bool changes = sqlite3_column_int(probe, 0) != 0;
  sqlite3_finalize(probe);
  Run("DROP TABLE probe");
  return changes;
}

// Members as "key=type value": those of the line that no column holds, then strings that no column
// may hold.
std::vector<std::string> IngestOracle::ExtraOf(std::string_view line,
                                               const std::vector<const Column*>& kept_out) {
  std::set<std::string> held;
  std::string key;
  for (const Column& column : table_.columns) {
    if (KeyOf(column, &key) != nullptr) held.insert(key);
  }
  for (const Column* column : kept_out) {
    if (KeyOf(*column, &key) != nullptr) held.erase(key);
  }
  std::set<std::string> seen;
  std::vector<std::string> members;
  for (const std::string& member : Members(line)) {
    const std::string name = member.substr(0, member.find('\x1f'));
    if (!held.contains(name) && seen.insert(name).second) members.push_back(member);
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::vector<std::string> IngestOracle::Members(std::string_view object) {
  std::vector<std::string> members;
  sqlite3_bind_text64(members_, 1, object.data(), object.size(), SQLITE_STATIC, SQLITE_UTF8);
  while (sqlite3_step(members_) == SQLITE_ROW) {
    const auto text = [this](int column) {
      return std::string(reinterpret_cast<const char*>(sqlite3_column_text(members_, column)));
    };
    members.push_back(text(0) + '\x1f' + text(1));
  }
  sqlite3_reset(members_);
  return members;
}

std::string IngestOracle::DifferenceFrom(const std::string& database) {
  Run("COMMIT");
  Run("ATTACH '" + database + "' AS got");
  std::string difference = DifferenceOfRows();
  if (extra_ != nullptr) difference += DifferenceOfExtra();
  difference += DifferenceOfRejects();
  Run("DETACH got");
  Run("BEGIN");
  return difference;
}

std::string IngestOracle::DifferenceOfRows() {
  // Rows are numbered in the order of their lines (I2): so all is compared in order, too.
  std::string cells = "rowid";
  for (const Column& column : table_.columns) {
    if (&column == extra_ || column.origin == Origin::kIngestedAt) continue;
    const std::string name = QuoteName(column.name);
    cells += ", typeof(" + name + "), CASE typeof(" + name + ") WHEN 'real' THEN quote(" + name +
             ") ELSE " + name + " END";
  }
  const std::string ours = "SELECT " + cells + " FROM expected";
  const std::string theirs = "SELECT " + cells + " FROM got." + QuoteName(table_.name);
  return Difference("rows", Rows("SELECT * FROM (" + theirs + " EXCEPT " + ours + ") LIMIT 2"),
                    Rows("SELECT * FROM (" + ours + " EXCEPT " + theirs + ") LIMIT 2"));
}

std::string IngestOracle::DifferenceOfExtra() {
  const std::vector<std::string> got =
      Rows("SELECT coalesce(" + QuoteName(extra_->name) + ", '-') FROM got." +
           QuoteName(table_.name) + " ORDER BY rowid");
  for (size_t row = 0; row < std::min(got.size(), extras_.size()); ++row) {
    std::vector<std::string> members;
    if (got[row] != "-") members = Members(got[row]);
    std::sort(members.begin(), members.end());
    if (members == extras_[row] && (got[row] == "-") == extras_[row].empty()) continue;
    return "row " + std::to_string(row + 1) + ": @extra is " + got[row] + ", expected " +
           testing::PrintToString(extras_[row]) + "\n";
  }
  return {};  // that there are as many rows was looked at before
}

std::string IngestOracle::DifferenceOfRejects() {
  return Difference(
      "rejects",
      Rows("SELECT path || '|' || r.line_number || '|' || r.byte_offset || '|' || length || '|' || "
           "hex(line) || CASE WHEN reason LIKE 'not an object%' THEN '|not an object' WHEN reason "
           "LIKE 'invalid JSON%' OR reason LIKE 'invalid UTF-8%' OR reason LIKE 'nested too deep%' "
           "THEN '|bad' ELSE '|' || reason END "
           "FROM got._sluice_rejects AS r JOIN got._sluice_sources AS s ON s.id = source_id "
           "WHERE table_name = '" +
           table_.name + "' ORDER BY r.id"),
      rejects_);
}

std::vector<std::string> IngestOracle::Rows(const std::string& sql) {
  std::vector<std::string> rows;
  sqlite3_stmt* statement = Prepare(sql);
  int step = SQLITE_DONE;
  while (statement != nullptr && (step = sqlite3_step(statement)) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const void* bytes = sqlite3_column_blob(statement, i);
      if (i > 0) row += '|';
      if (bytes != nullptr) {
        row.append(static_cast<const char*>(bytes),
                   static_cast<size_t>(sqlite3_column_bytes(statement, i)));
      }
    }
    rows.push_back(std::move(row));
  }
  EXPECT_EQ(step, SQLITE_DONE) << sqlite3_errmsg(db_) << "\nin " << sql;
  sqlite3_finalize(statement);
  return rows;
}

void IngestOracle::Run(const std::string& sql) {
  EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db_) << "\nin " << sql;
}

sqlite3_stmt* IngestOracle::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db_) << "\nin " << sql;
  return statement;
}

}  // namespace sluice
