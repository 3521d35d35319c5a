// SPDX-License-Identifier: Apache-2.0
#include "cli/formats.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "cli/json_writer.h"

namespace sluice {
namespace {

constexpr size_t kFlushBytes = size_t{64} << 10;
// A column keeps this much when a table must be made to fit; below it nothing can be read any more.
constexpr size_t kLeastWidth = 6;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string Hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::string RealText(double value) {
  if (std::isinf(value)) return value > 0 ? "Inf" : "-Inf";
  std::string text = fmt::format("{}", value);
  // As in SQLite, a real shows that it is one.
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

// Names twice in a row would make one JSON member: the second one is called "name_2".
std::vector<std::string> UniqueNames(const std::vector<std::string>& columns) {
  std::set<std::string> taken;
  std::vector<std::string> unique;
  for (const std::string& column : columns) {
    std::string name = column;
    for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}_{}", column, n);
    unique.push_back(std::move(name));
  }
  return unique;
}

std::string CsvField(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string Spaces(size_t count) { return std::string(count, ' '); }

}  // namespace

const std::vector<std::pair<std::string, RowFormat>>& RowFormats() {
  static const std::vector<std::pair<std::string, RowFormat>> formats = {
      {"table", RowFormat::kTable}, {"json", RowFormat::kJson}, {"ndjson", RowFormat::kNdjson},
      {"csv", RowFormat::kCsv},     {"line", RowFormat::kLine}, {"raw", RowFormat::kRaw}};
  return formats;
}

RowPrinter::RowPrinter(RowFormat format, std::vector<std::string> columns, Terminal terminal,
                       Write write)
    : format_(format),
      columns_(format == RowFormat::kJson || format == RowFormat::kNdjson ? UniqueNames(columns)
                                                                          : std::move(columns)),
      terminal_(terminal),
      write_(std::move(write)) {
  if (format_ == RowFormat::kJson) out_ += '[';
  if (format_ == RowFormat::kCsv) {
    for (const std::string& column : columns_) {
      if (&column != &columns_.front()) out_ += ',';
      out_ += CsvField(column);
    }
    out_ += '\n';
  }
}

Status RowPrinter::Row(const std::vector<Value>& values) {
  switch (format_) {
    case RowFormat::kTable:
      TableRow(values);
      break;
    case RowFormat::kJson:
    case RowFormat::kNdjson:
      JsonRow(values);
      break;
    case RowFormat::kCsv:
      CsvRow(values);
      break;
    case RowFormat::kLine:
      LineRow(values);
      break;
    case RowFormat::kRaw:
      RawRow(values);
      break;
  }
  ++rows_;
  return Flush(false);
}

Status RowPrinter::Finish() {
  if (format_ == RowFormat::kJson) out_ += rows_ == 0 ? "]\n" : "\n]\n";
  if (format_ == RowFormat::kTable) {
    if (widths_.empty()) LayOutTable();
    if (format_ == RowFormat::kTable) TableRule("└", "┴", "┘");
  }
  return Flush(true);
}

Status RowPrinter::Flush(bool all) {
  if (out_.empty() || (!all && out_.size() < kFlushBytes)) return {};
  Status status = write_(out_);
  out_.clear();
  return status;
}

void RowPrinter::JsonRow(const std::vector<Value>& values) {
  JsonWriter json;
  json.BeginObject();
  for (size_t i = 0; i < values.size(); ++i) {
    json.Key(columns_[i]);
    std::visit(Overloaded{[&](std::monostate) { json.Null(); },
                          [&](int64_t integer) { json.Integer(integer); },
                          [&](double real) { json.Real(real); },
                          [&](std::string_view text) { json.String(text); },
                          [&](Blob blob) { json.String(Hex(blob.bytes)); }},
               values[i]);
  }
  json.EndObject();
  if (format_ == RowFormat::kJson) {
    out_ += rows_ == 0 ? "\n" : ",\n";
    out_ += json.text();
  } else {
    out_ += json.text();
    out_ += '\n';
  }
}

void RowPrinter::CsvRow(const std::vector<Value>& values) {
  // A line of its own with nothing on it is no row to most readers: a lone NULL is written as "".
  const bool lone_null = values.size() == 1 && std::holds_alternative<std::monostate>(values[0]);
  if (lone_null) out_ += "\"\"";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out_ += ',';
    std::visit(
        Overloaded{[](std::monostate) {}, [&](int64_t integer) { out_ += std::to_string(integer); },
                   [&](double real) { out_ += RealText(real); },
                   [&](std::string_view text) { out_ += CsvField(text); },
                   [&](Blob blob) { out_ += CsvField(Hex(blob.bytes)); }},
        values[i]);
  }
  out_ += '\n';
}

void RowPrinter::LineRow(const std::vector<Value>& values) {
  size_t widest = 0;
  for (const std::string& column : columns_) widest = std::max(widest, DisplayWidth(column));
  if (rows_ > 0) out_ += '\n';
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string column = Printable(columns_[i]);
    out_ += Spaces(widest - std::min(widest, DisplayWidth(column))) + column + " = ";
    std::visit(Overloaded{[&](std::monostate) { out_ += terminal_.Dim("NULL"); },
                          [&](int64_t integer) { out_ += std::to_string(integer); },
                          [&](double real) { out_ += RealText(real); },
                          [&](std::string_view text) { out_ += PrintableLines(text); },
                          [&](Blob blob) { out_ += "x'" + Hex(blob.bytes) + "'"; }},
               values[i]);
    out_ += '\n';
  }
}

void RowPrinter::RawRow(const std::vector<Value>& values) {
  for (const Value& value : values) {
    std::visit(
        Overloaded{[](std::monostate) {}, [&](int64_t integer) { out_ += std::to_string(integer); },
                   [&](double real) { out_ += RealText(real); },
                   [&](std::string_view text) { out_ += text; },
                   [&](Blob blob) { out_ += blob.bytes; }},
        value);
    out_ += '\n';
  }
}

RowPrinter::KeptRow::KeptRow(const std::vector<Value>& row) : values(row) {
  for (Value& value : values) {
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      value = std::string_view(bytes.emplace_back(*text));
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      value = Blob{bytes.emplace_back(blob->bytes)};
    }
  }
}

void RowPrinter::TableRow(const std::vector<Value>& values) {
  if (!widths_.empty()) return TableCells(CellsOf(values), false);
  sample_.emplace_back(values);
  for (const std::string& bytes : sample_.back().bytes) sample_bytes_ += bytes.size();
  if (sample_.size() == kTableSample || sample_bytes_ > kTableSampleBytes) LayOutTable();
}

std::vector<RowPrinter::Cell> RowPrinter::CellsOf(const std::vector<Value>& values) const {
  // On a terminal no cell is wider than the terminal: what lies beyond need not be looked at.
  const size_t most = terminal_.columns > 0 ? terminal_.columns * 4 : std::string::npos;
  std::vector<Cell> cells;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto shown_part = [&](std::string_view bytes) {
      const size_t from = CutOf(i) == Cut::kStart ? bytes.size() - std::min(bytes.size(), most) : 0;
      return bytes.substr(from, most);
    };
    cells.push_back(std::visit(
        Overloaded{[](std::monostate) {
                     return Cell{Cell::Kind::kNull, "NULL"};
                   },
                   [](int64_t integer) {
                     return Cell{Cell::Kind::kNumber, std::to_string(integer)};
                   },
                   [](double real) {
                     return Cell{Cell::Kind::kNumber, RealText(real)};
                   },
                   [&](std::string_view text) {
                     return Cell{Cell::Kind::kText, Printable(shown_part(text))};
                   },
                   [&](Blob blob) {
                     return Cell{Cell::Kind::kText, "x'" + Hex(shown_part(blob.bytes)) + "'"};
                   }},
        values[i]));
  }
  return cells;
}

void RowPrinter::LayOutTable() {
  for (const std::string& column : columns_) widths_.push_back(DisplayWidth(Printable(column)));
  std::vector<std::vector<Cell>> rows;
  for (const KeptRow& row : sample_) {
    rows.push_back(CellsOf(row.values));
    for (size_t i = 0; i < columns_.size(); ++i) {
      widths_[i] = std::max(widths_[i], DisplayWidth(rows.back()[i].text));
    }
  }
  if (!FitWidths() && lines_if_wide_ && !sample_.empty()) {
    format_ = RowFormat::kLine;
    const uint64_t rows_with_last = rows_;
    rows_ = 0;
    for (const KeptRow& row : sample_) {
      LineRow(row.values);
      ++rows_;
    }
    rows_ = rows_with_last;
    sample_.clear();
    return;
  }

  std::vector<Cell> header;
  for (const std::string& column : columns_)
    header.push_back({Cell::Kind::kText, Printable(column)});
  TableRule("┌", "┬", "┐");
  TableCells(header, true);
  TableRule("├", "┼", "┤");
  for (const auto& cells : rows) TableCells(cells, false);
  sample_.clear();
}

// Where the table is wider than the terminal, the widest columns give way first.
bool RowPrinter::FitWidths() {
  if (terminal_.columns == 0 || widths_.empty()) return true;
  const size_t borders = 3 * widths_.size() + 1;
  const size_t room = std::max(terminal_.columns, borders + 1) - borders;
  size_t total = std::accumulate(widths_.begin(), widths_.end(), size_t{0});
  while (total > room) {
    size_t* widest = nullptr;
    for (size_t i = 0; i < widths_.size(); ++i) {
      if (CutOf(i) == Cut::kNowhere || widths_[i] <= kLeastWidth) continue;
      if (widest == nullptr || widths_[i] > *widest) widest = &widths_[i];
    }
    if (widest == nullptr) return false;
    --*widest;
    --total;
  }
  return borders + total <= terminal_.columns;
}

void RowPrinter::TableRule(std::string_view left, std::string_view between,
                           std::string_view right) {
  out_ += left;
  for (size_t i = 0; i < widths_.size(); ++i) {
    if (i > 0) out_ += between;
    for (size_t dash = 0; dash < widths_[i] + 2; ++dash) out_ += "─";
  }
  out_ += right;
  out_ += '\n';
}

void RowPrinter::TableCells(const std::vector<Cell>& cells, bool header) {
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string text = CutOf(i) == Cut::kStart && !header
                                 ? CutStartToWidth(cells[i].text, widths_[i])
                                 : CutToWidth(cells[i].text, widths_[i]);
    const std::string padding = Spaces(widths_[i] - std::min(widths_[i], DisplayWidth(text)));
    const bool number = cells[i].kind == Cell::Kind::kNumber;
    const bool null = cells[i].kind == Cell::Kind::kNull;
    out_ += "│ ";
    if (number) out_ += padding;
    out_ += header ? terminal_.Bold(text) : null ? terminal_.Dim(text) : text;
    if (!number) out_ += padding;
    out_ += ' ';
  }
  out_ += "│\n";
}

}  // namespace sluice
