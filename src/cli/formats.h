// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cli/terminal.h"
#include "sluice/status.hpp"

namespace sluice {

// How rows are written:
//   table   boxes for people: numbers to the right, long text cut to the width of the terminal
//   json    one array of objects
//   ndjson  one object a line
//   csv     RFC 4180 with a header line; lines end with LF; NULL is empty, an empty text is ""
//   line    one `column = value` a line, an empty line between rows
//   raw     the values as they are, bytes included, each followed by a newline: for one cell, into
//   a file or a pipe
// A blob is written as hexadecimal digits (x'..' in table and line), and as it is in raw.
enum class RowFormat : uint8_t { kTable, kJson, kNdjson, kCsv, kLine, kRaw };
const std::vector<std::pair<std::string, RowFormat>>& RowFormats();

struct Blob {
  std::string_view bytes;
};
// A value of SQLite's. Views are used only during the call they are given to.
using Value = std::variant<std::monostate, int64_t, double, std::string_view, Blob>;

// Writes rows in a format to a stream of bytes.
//
// Limits: a table is laid out by its first kTableSample rows; longer text in later rows is cut to
// the widths found there. Errors: those of `write`, as they come; nothing more is written after
// one.
class RowPrinter {
 public:
  static constexpr size_t kTableSample = 1000;
  using Write = std::function<Status(std::string_view)>;

  RowPrinter(RowFormat format, std::vector<std::string> columns, Terminal terminal, Write write);

  Status Row(const std::vector<Value>& values);
  // Writes what is left: the bottom of the table, the end of the array.
  Status Finish();

  uint64_t rows() const { return rows_; }

 private:
  struct Cell {
    enum class Kind : uint8_t { kNull, kNumber, kText } kind = Kind::kText;
    std::string text;
  };

  void JsonRow(const std::vector<Value>& values);
  void CsvRow(const std::vector<Value>& values);
  void LineRow(const std::vector<Value>& values);
  void RawRow(const std::vector<Value>& values);
  void TableRow(const std::vector<Value>& values);

  void LayOutTable();
  void FitWidths();
  void TableRule(std::string_view left, std::string_view between, std::string_view right);
  void TableCells(const std::vector<Cell>& cells, bool header);
  Status Flush(bool all);

  const RowFormat format_;
  const std::vector<std::string> columns_;
  const Terminal terminal_;
  const Write write_;
  uint64_t rows_ = 0;
  std::string out_;

  // Only kTable.
  std::vector<std::vector<Cell>> sample_;
  std::vector<size_t> widths_;  // empty until the table is laid out
};

}  // namespace sluice
