// SPDX-License-Identifier: Apache-2.0
#include "extract_check.h"

#include <cstring>
#include <string_view>

#include <simdjson.h>

#include "base/buffer.h"
#include "extract/extractor.h"
#include "extract/plan.h"
#include "extract/simd.h"
#include "extract/strict.h"
#include "extract/structure.h"
#include "extract/walker.h"

namespace sluice {
namespace {

// The lines of one chunk, in a buffer that ends where it says.
class Chunk {
 public:
  explicit Chunk(const std::vector<std::string>& lines) : buffer_(SizeOf(lines)) {
    char* at = buffer_.data();
    for (const std::string& line : lines) {
      std::memcpy(at, line.data(), line.size());
      at[line.size()] = '\n';
      texts_.push_back({at, line.size()});
      at += line.size() + 1;
    }
    // Bytes behind the last line mean nothing: such as would go on with it are the worst.
    std::memset(buffer_.data() + buffer_.capacity(), '1', Buffer::kPadding);
  }
  const std::vector<std::string_view>& texts() const { return texts_; }
  std::string_view window() const { return {buffer_.data(), buffer_.capacity()}; }

 private:
  static size_t SizeOf(const std::vector<std::string>& lines) {
    size_t size = 0;
    for (const std::string& line : lines) size += line.size() + 1;
    return size;
  }
  Buffer buffer_;
  std::vector<std::string_view> texts_;
};

std::string ToString(const Slice& slice) {
  if (!slice) return "nothing";
  return std::string(slice.text()) + (slice.plain != 0 ? " (plain)" : " (not plain)");
}

std::string DifferenceOf(const Found& fast, const Found& strict) {
  for (size_t i = 0; i < strict.slots.size(); ++i) {
    if (ToString(fast.slots[i]) != ToString(strict.slots[i])) {
      return "slot " + std::to_string(i) + ": fast " + ToString(fast.slots[i]) + ", strict " +
             ToString(strict.slots[i]);
    }
  }
  if (fast.others.size() != strict.others.size()) return "other members";
  for (size_t i = 0; i < strict.others.size(); ++i) {
    if (ToString(fast.others[i].key) != ToString(strict.others[i].key) ||
        ToString(fast.others[i].value) != ToString(strict.others[i].value)) {
      return "other member " + ToString(strict.others[i].key) + ": fast " +
             ToString(fast.others[i].key) + " " + ToString(fast.others[i].value) + ", strict " +
             ToString(strict.others[i].value);
    }
  }
  return "";
}

// Whether a text has to be accepted: SQLite looks at neither UTF-8 nor what follows a NUL.
bool IsValid(std::string_view text, JsonOracle* oracle) {
  return oracle->IsValid(text) && text.find('\0') == text.npos &&
         simdjson::validate_utf8(text.data(), text.size());
}

// What the strict path says of each text, once SQLite has confirmed it.
struct Judged {
  bool valid;
  Found found;
};
std::string JudgeStrictly(const Plan& plan, const Chunk& chunk, JsonOracle* oracle,
                          std::vector<Judged>* judged) {
  for (std::string_view text : chunk.texts()) {
    Judged& here = judged->emplace_back();
    const Verdict verdict = ReadStrictly(text, plan, &here.found);
    here.valid = verdict.valid;
    if (verdict.valid != IsValid(text, oracle)) {
      return std::string("strict: ") + (verdict.valid ? "valid" : verdict.detail) +
             ", but not so for SQLite: " + std::string(text);
    }
  }
  return "";
}

// The fast path against that. Each text is read in the window of all and by itself, and so often
// that its shape is known in the end.
std::string CompareFast(const Plan& plan, const Chunk& chunk, const std::vector<Judged>& judged,
                        Simd simd) {
  Structure structure(simd);
  Walker walker(plan);
  Found fast;
  for (const bool by_itself : {false, true, false, true}) {
    const bool whole = !by_itself && structure.Find(chunk.window());
    if (whole) walker.Enter(structure);
    for (size_t i = 0; i < judged.size() && (whole || by_itself); ++i) {
      const std::string_view text = chunk.texts()[i];
      const bool found = whole || structure.Find(text);
      if (!whole && found) walker.Enter(structure);
      const bool walked = found && walker.Walk(text, &fast);
      if (walked != judged[i].valid) {
        return std::string("the fast path ") + (walked ? "takes: " : "does not take: ") +
               std::string(text);
      }
      if (!walked) continue;
      const std::string difference = DifferenceOf(fast, judged[i].found);
      if (!difference.empty()) return difference + " in " + std::string(text);
    }
  }
  return "";
}

std::string CompareCells(const Table& table, const Chunk& chunk, JsonOracle* oracle) {
  Extractor extractor(table);
  RowBatch batch;
  batch.table = &table;
  for (std::string_view text : chunk.texts()) batch.lines.push_back({text, 0, 0});
  extractor.Extract({}, &batch);
  if (batch.rows() + batch.rejects.size() != batch.lines.size()) return "lines were lost";

  for (size_t row = 0; row < batch.rows(); ++row) {
    const std::string_view line = batch.line_of_row(row).text;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const std::string cell = ToString(batch.row(row)[i]);
      const std::string expected = ToString(oracle->Extract(line, table.columns[i].pointers));
      if (cell != expected) {
        return table.columns[i].name + " is " + cell + ", but " + expected + " for SQLite, in " +
               std::string(line);
      }
    }
  }
  for (const Reject& reject : batch.rejects) {
    if (IsValid(reject.line.text, oracle) && reject.reason != RejectReason::kNotAnObject) {
      return "a reject: " + std::string(reject.line.text);
    }
  }
  return "";
}

}  // namespace

std::string FindDisagreement(const Table& table, const std::vector<std::string>& lines,
                             JsonOracle* oracle) {
  const Chunk chunk(lines);
  Table with_extra = table;
  with_extra.columns.emplace_back().origin = Origin::kExtra;
  for (const Table& variant : {table, with_extra}) {
    const Plan plan = Plan::Compile(variant);
    std::vector<Judged> judged;
    std::string difference = JudgeStrictly(plan, chunk, oracle, &judged);
    for (const Simd simd : AvailableSimd()) {
      if (difference.empty()) difference = CompareFast(plan, chunk, judged, simd);
    }
    if (!difference.empty()) return difference;
  }
  return CompareCells(table, chunk, oracle);
}

Table TableOfPointers(const std::vector<std::vector<std::string>>& pointers) {
  Table table;
  table.name = "t";
  for (const std::vector<std::string>& chain : pointers) {
    Column column;
    for (const std::string& pointer : chain) column.name += pointer + ">";
    column.pointers = chain;
    table.columns.push_back(std::move(column));
  }
  return table;
}

}  // namespace sluice
