// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
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
// Limits: a table is laid out by its first kTableSample rows, or fewer if they hold more than
// kTableSampleBytes; longer text in later rows is cut to the widths found there. Errors: those of
// `write`, as they come; nothing more is written after one.
class RowPrinter {
 public:
  static constexpr size_t kTableSample = 1000;
  static constexpr size_t kTableSampleBytes = size_t{1} << 20;
  // Where text gives way in a table that is wider than its terminal.
  enum class Cut : uint8_t { kEnd, kStart, kNowhere };
  using Write = std::function<Status(std::string_view)>;

  RowPrinter(RowFormat format, std::vector<std::string> columns, Terminal terminal, Write write);

  // Before the first row. `cuts` is by column; those that it does not reach are cut at their end.
  void CutColumns(std::vector<Cut> cuts) { cuts_ = std::move(cuts); }
  // Before the first row: a table that cannot be made to fit its terminal is written in the form
  // kLine instead.
  void PreferLinesToAWideTable() { lines_if_wide_ = true; }

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
  std::vector<Cell> CellsOf(const std::vector<Value>& values) const;
  // False: it is wider than the terminal whatever is cut.
  bool FitWidths();
  Cut CutOf(size_t column) const { return column < cuts_.size() ? cuts_[column] : Cut::kEnd; }
  void TableRule(std::string_view left, std::string_view between, std::string_view right);
  void TableCells(const std::vector<Cell>& cells, bool header);
  Status Flush(bool all);

  // A row that waits until the table is laid out.
  struct KeptRow {
    explicit KeptRow(const std::vector<Value>& row);

    std::vector<Value> values;
    std::deque<std::string> bytes;  // what `values` looks at
  };

  RowFormat format_;
  const std::vector<std::string> columns_;
  const Terminal terminal_;
  const Write write_;
  uint64_t rows_ = 0;
  std::string out_;

  // Only kTable.
  std::vector<Cut> cuts_;
  bool lines_if_wide_ = false;
  std::deque<KeptRow> sample_;
  size_t sample_bytes_ = 0;
  std::vector<size_t> widths_;  // empty until the table is laid out
};

}  // namespace sluice
