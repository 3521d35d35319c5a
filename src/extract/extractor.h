// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "batch/row_batch.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"

namespace sluice {

// What the `@` columns of one source hold.
struct ExtractContext {
  std::string_view source_path;  // outlives the batches
  std::string_view ingested_at;  // outlives the batches
};

// JSON → cells, by the columns of one table. The only room that knows JSON.
//
// A line becomes a row when it is one RFC 8259 text in valid UTF-8 (and an object, unless the table
// takes any JSON), at most 1,000 levels deep. All of the line is validated, not only what the
// columns ask for. The value of a cell is what the linked SQLite's json_extract(line, path) gives;
// docs/extraction.md states the one difference (unpaired surrogates).
//
// Threads: one extractor per thread; the table may be shared.
class Extractor {
 public:
  // Lifetime: the table outlives the extractor and its batches.
  explicit Extractor(const Table& table);
  ~Extractor();
  Extractor(Extractor&&) noexcept;
  Extractor& operator=(Extractor&&) noexcept;

  // Makes a row or a reject of each of batch->lines, in order, and counts both in batch->counts.
  // The lines must be views into one buffer, in ascending order, with Buffer::kPadding readable
  // bytes behind the last.
  void Extract(const ExtractContext& context, RowBatch* batch);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether `text` is a complete JSON object or array (or, with any_json, any JSON text): what
// decides if a last line without a newline may be taken as a row.
bool IsCompleteJson(std::string_view text, bool any_json);

}  // namespace sluice
