// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "base/cell.h"
#include "batch/row_batch.h"
#include "extract/plan.h"
#include "sluice/schema.hpp"

namespace sluice {

// Composes the cells of the @extra column: a JSON object of what no column of its row holds, so
// that nothing is lost.
//
// That is: the top-level keys of which no column holds the whole value ("/a/b" alone does not hold
// "a"), the first of duplicates, as they stand in the line; behind them the strings that a numeric
// column may not hold. NULL where there is nothing. Keys are the same where their text is, whatever
// is escaped.
class Extra {
 public:
  struct KeptOut {
    uint32_t column;
    Slice value;
  };

  // More keys than a table can have columns are of no use to --alter.
  static constexpr size_t kMaxUnknownKeys = 2000;

  Extra(const Table& table, const Plan& plan);

  // The index of the @extra column, Plan::kNone without one.
  uint32_t column() const { return column_; }

  void Begin(RowBatch* batch);
  Cell Compose(const Found& found, const std::vector<KeptOut>& kept_out);

 private:
  // Whether no column takes the key.
  bool NoteIfUnknown(const std::string& key);

  const Plan& plan_;
  uint32_t column_ = Plan::kNone;
  std::vector<std::string>
      quoted_keys_;  // per column: its top-level key as JSON; "" unless it is a top-level key's

  RowBatch* batch_ = nullptr;
  std::unordered_set<std::string> unknown_;  // what batch_->unknown_keys holds
  std::unordered_set<std::string> of_line_;
  std::vector<Member> members_;
};

}  // namespace sluice
