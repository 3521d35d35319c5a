// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/index_builder.h"

#include <utility>

#include "pagebuild/key.h"

namespace sluice {

IndexBuilder::IndexBuilder(std::vector<KeyRun> runs, RunSpace* space, KeyMerge::Options options)
    : merge_(std::move(runs), space, options),
      columns_(options.columns),
      leaves_(nullptr),
      distinct_(options.columns, 0) {}

Status IndexBuilder::Fill(PageBlock* block, size_t most_pages) {
  leaves_.SetBlock(block);
  while (!rowids_.empty() || NextEntries()) {
    const size_t taken = leaves_.Append(rowids_, most_pages);
    entries_ += taken;
    rowids_ = rowids_.subspan(taken);
    if (!rowids_.empty()) return {};  // the block is full
  }
  leaves_.Close();
  done_ = true;
  return merge_.status();
}

bool IndexBuilder::NextEntries() {
  rowids_ = merge_.NextRowids();
  while (rowids_.empty()) {
    if (!merge_.NextKey()) return false;
    CountKey();
    leaves_.SetKey(merge_.key(), ShapeOfKey(merge_.key().data(), columns_).header);
    rowids_ = merge_.NextRowids();
  }
  return true;
}

void IndexBuilder::CountKey() {
  const std::string_view key = merge_.key();
  // Its bytes are new. What comes behind it is no number, and need not be compared with one.
  if (OnlyEqualsItself(key.data(), columns_)) {
    ++distinct_[0];
    return;
  }
  size_t equal = 0;
  if (entries_ > 0) equal = CompareKeys(key_.data(), key.data(), columns_).equal_columns;
  for (size_t column = equal; column < columns_; ++column) ++distinct_[column];
  key_.assign(key);
}

// By the rule of SQLite's analyze.c: the average number of rows a key, rounded up, but 1 where it
// is at most 1.1.
std::string IndexBuilder::Statistics() const {
  std::string text = std::to_string(entries_);
  if (entries_ == 0) return text;
  for (const uint64_t distinct : distinct_) {
    uint64_t rows = (entries_ + distinct - 1) / distinct;
    if (rows == 2 && entries_ * 10 <= distinct * 11) rows = 1;
    text += ' ';
    text += std::to_string(rows);
  }
  return text;
}

}  // namespace sluice
