// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/cell.h"
#include "base/line.h"
#include "offset/offset.h"
#include "sluice/schema.hpp"

namespace sluice {

// Why a line could not become a row. An enum, because it is set per line; words for people are in
// Describe().
enum class RejectReason : uint8_t {
  kInvalidJson,
  kInvalidUtf8,
  kNotAnObject,
  kTooDeep,     // nesting beyond 1,000, SQLite's own limit
  kTooLong,     // longer than --max-line: its first 1 MiB is kept
  kAfterTail,   // bytes that followed a line that was taken at the end of the file before its
                // newline came
  kConstraint,  // the table refused the row: a duplicate key, NOT NULL, a CHECK
};
std::string_view Describe(RejectReason reason);

struct Reject {
  Line line;            // its text is at most 1 MiB long where the reason is kTooLong
  uint64_t length = 0;  // of the whole line, in bytes
  RejectReason reason = RejectReason::kInvalidJson;
  uint32_t position = 0;  // byte of the line where it was noticed
  std::string
      detail;  // more words, "" mostly: "expected ',' or '}'", "UNIQUE constraint failed: t.id"
};

// Bytes that are no slice of the chunk: unescaped strings, minified JSON. Grows by blocks, which
// are kept for the next batch by Clear(); addresses are stable until then.
class Arena {
 public:
  // `size` bytes, and behind them Buffer::kPadding bytes that may be read.
  char* Allocate(size_t size);
  // Gives back the last `size` bytes of the last allocation: for who does not know beforehand how
  // much it will be.
  void GiveBack(size_t size);
  std::string_view Copy(std::string_view text);
  // Blocks of one huge line are freed, the others kept.
  void Clear();
  size_t bytes_used() const { return used_total_; }
  size_t bytes_held() const;

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::vector<Block> blocks_;
  size_t block_ = 0;  // the block that is being filled
  size_t used_ = 0;   // bytes used in it
  size_t used_total_ = 0;
};

// What a sink made of the rows of a batch, ahead of its turn to be written.
class EncodedRows {
 public:
  virtual ~EncodedRows() = default;
};

// The rows of one chunk, with the offset that they reach. All of a batch is of one source and one
// table.
//
// Used as: Clear → take a chunk → framing fills `lines` → extract fills `cells`, `row_lines` and
// `rejects` → a sink takes it → the chunk goes back to its pool. Lifetime: cells and lines are
// views into `chunk` and `arena`. Threads: owned by one thread at a time; it travels.
struct RowBatch {
  const Table* table = nullptr;  // outlives the run
  uint32_t source = 0;           // index of the source in this run
  uint64_t sequence = 0;         // 0, 1, 2... in the order of the input (I2)

  BufferPool::Lease chunk;
  std::vector<Line> lines;  // every line that is not blank, in order

  std::vector<Cell> cells;          // rows x columns, row-major
  std::vector<uint32_t> row_lines;  // for each row the index of its line in `lines`
  std::vector<Reject> rejects;      // in order
  Arena arena;

  int64_t first_rowid = 1;               // the rows have it and those that follow, without a gap
  std::unique_ptr<EncodedRows> encoded;  // by Sink::Encode; null where that makes nothing

  // Set by extract if the table has an @extra column: top-level keys that no column takes, each
  // once, in order of appearance (2,000 at most), and how many lines have such a key.
  std::vector<std::string> unknown_keys;
  uint64_t lines_with_unknown_keys = 0;
  uint64_t strings_kept_out =
      0;  // strings that went to @extra because a numeric affinity would have changed them

  LineCounts counts;  // lines, rows, rejects, blank, unfinished; a sink adds ignored and replaced
  Offset end;         // after the last of these lines
  uint64_t decoded_bytes = 0;  // bytes of the chunk

  size_t rows() const { return row_lines.size(); }
  std::span<const Cell> row(size_t index) const {
    const size_t width = table->columns.size();
    return {cells.data() + index * width, width};
  }
  std::span<Cell> row(size_t index) {
    const size_t width = table->columns.size();
    return {cells.data() + index * width, width};
  }
  const Line& line_of_row(size_t index) const { return lines[row_lines[index]]; }

  // The table does not take this row: its line becomes a reject instead, with the table's words,
  // and the counts follow. The cells stay.
  void RefuseRow(size_t index, std::string detail);

  // Empties it, gives the chunk back, keeps the memory of the vectors and of the arena.
  void Clear();
};

}  // namespace sluice
