// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/table_builder.h"

#include <cstring>
#include <utility>

namespace sluice {
namespace {

// The rows of small batches are written when so much has come together.
constexpr size_t kOpenBlockBytes = size_t{1} << 20;

}  // namespace

TableBuilder::TableBuilder(PageFile* file, BlockPool* pool)
    : pool_(pool),
      tree_(file, PageType::kTableInterior),
      most_pages_(kOpenBlockBytes / file->format().page_size),
      open_block_(file->format()),
      open_leaves_(&open_block_) {}

Status TableBuilder::Write(EncodedBatch* batch) {
  if (batch->block == nullptr) return AppendRecords(*batch);
  // Rowids ascend over the leaves: what came before is closed first.
  if (Status s = WriteOpenBlock(); !s.ok()) return s;
  if (batch->block->entries > 0) {
    has_leaves_ = true;
    if (Status s = tree_.Write(batch->block.get()); !s.ok()) return s;
  }
  pool_->Return(std::move(batch->block));
  return {};
}

Status TableBuilder::AppendRecords(const EncodedBatch& batch) {
  const char* bytes = batch.bytes.data();
  for (const EncodedBatch::Record& record : batch.records) {
    open_leaves_.Append(record.rowid, record.size,
                        [&](char* to) { std::memcpy(to, bytes, record.size); });
    bytes += record.size;
    if (open_block_.pages() < most_pages_) continue;
    if (Status s = WriteOpenBlock(); !s.ok()) return s;
  }
  return {};
}

Status TableBuilder::WriteOpenBlock() {
  open_leaves_.Close();
  if (open_block_.entries == 0) return {};
  has_leaves_ = true;
  return tree_.Write(&open_block_);
}

Status TableBuilder::Finish() {
  if (Status s = WriteOpenBlock(); !s.ok()) return s;
  if (!has_leaves_) {
    open_leaves_.AddEmptyLeaf();
    if (Status s = tree_.Write(&open_block_); !s.ok()) return s;
  }
  return tree_.Finish();
}

}  // namespace sluice
