// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/key_collector.h"

#include <algorithm>
#include <utility>

namespace sluice {

KeyCollector::KeyCollector(RunSpace* space, IndexRuns* runs, Options options)
    : space_(space),
      runs_(runs),
      options_(options),
      slots_(DictionarySegment::SlotsFor(options.memory_bytes)),
      dictionary_(options.columns),
      plain_(options.columns) {}

void KeyCollector::Add(std::string_view key, int64_t rowid) {
  if (block_ == nullptr && status_.ok()) StartSegment(key.size());
  if (!status_.ok()) return;
  if (!AddToSegment(key, rowid)) SealAndAdd(key, rowid);
}

bool KeyCollector::AddToSegment(std::string_view key, int64_t rowid) {
  if (!repeats_) return plain_.Add(key, rowid);
  if (!dictionary_.Add(key, rowid)) return false;
  JudgeDictionary();
  return true;
}

bool KeyCollector::AddAgain(int64_t rowid) {
  if (block_ == nullptr || !repeats_ || !dictionary_.AddAgain(rowid)) return false;
  JudgeDictionary();
  return true;
}

bool KeyCollector::AddKnownText(std::string_view text, int64_t rowid) {
  if (block_ == nullptr || !repeats_ || !dictionary_.AddKnownText(text, rowid)) return false;
  JudgeDictionary();
  return true;
}

void KeyCollector::JudgeDictionary() {
  if (dictionary_.rows() != judged_row_) return;
  if (Repeats(dictionary_.distinct(), dictionary_.rows())) return;
  status_ = Seal();
  StartSegment(0);
}

void KeyCollector::SealAndAdd(std::string_view key, int64_t rowid) {
  status_ = Seal();
  if (!status_.ok()) return;
  StartSegment(key.size());
  if (!AddToSegment(key, rowid)) {
    status_ = Status::Internal("an empty segment has no room for a key");
  }
}

// For a key of that size at least: a key that is longer than a segment makes one of its own.
void KeyCollector::StartSegment(size_t key_size) {
  const size_t slots_bytes = repeats_ ? slots_ * sizeof(uint32_t) : 0;
  const size_t least = slots_bytes + (repeats_ ? DictionarySegment::BytesFor(key_size)
                                               : PlainSegment::BytesFor(key_size));
  const size_t size = std::max(options_.memory_bytes, least);
  if (size != block_size_) {
    block_.reset();
    block_.reset(new char[size]);
    block_size_ = size;
  }
  if (repeats_) {
    dictionary_.Start({block_.get(), size}, slots_);
  } else {
    plain_.Start({block_.get(), size});
  }
}

// Makes a run of the segment, and decides what the next one is.
Status KeyCollector::Seal() {
  const uint64_t rows = repeats_ ? dictionary_.rows() : plain_.rows();
  if (rows == 0) return {};
  const int64_t lowest = repeats_ ? dictionary_.lowest_rowid() : plain_.lowest_rowid();
  KeyRunWriter writer(space_, options_.columns, lowest);
  Status status = repeats_ ? dictionary_.Seal(&writer) : plain_.Seal(&writer);
  if (!status.ok()) return status;
  Result<KeyRun> run = writer.Finish();
  if (!run) return run.error();
  runs_->Add(*std::move(run));

  if (!repeats_) judged_row_ = std::max(rows, kFirstJudgedRow);
  repeats_ = Repeats(writer.distinct(), rows);
  return {};
}

Status KeyCollector::Finish() {
  if (status_.ok()) status_ = Seal();
  block_.reset();
  block_size_ = 0;
  return status_;
}

}  // namespace sluice
