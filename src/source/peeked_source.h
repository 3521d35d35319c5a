// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/source.h"

namespace sluice {

// A source whose first bytes were looked at before it is read: for a pipe, which cannot be opened
// twice.
//
// Limits: the bytes that were peeked at are held in memory until they have been read.
class PeekedSource final : public Source {
 public:
  explicit PeekedSource(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  // The first bytes of the source: `size`, and on to the end of the line in which these end, of
  // which at most `longest_line` bytes are read. Fewer if it ends or fails, or if a pipe has no
  // more at the moment and at least one whole line is there. They will be read again. Before the
  // first Read only. A view until the next call. An error if it failed before the first byte.
  Result<std::string_view> Peek(size_t size, uint64_t longest_line);
  // Goes on by one read: for a pipe whose first lines do not say what it is.
  Result<std::string_view> PeekMore();
  // Drops all that was peeked at, and goes on behind the end of the line in which it ends: for a
  // source that will be opened anew to be read.
  Status PassLine();
  // Whether Peek saw the end.
  bool peeked_all() const { return peeked_all_; }

  Result<size_t> Read(char* to, size_t size) override;
  const SourceKey& key() const override { return source_->key(); }
  uint64_t stored_bytes_read() const override { return source_->stored_bytes_read(); }
  uint64_t stored_size() const override { return source_->stored_size(); }
  bool rereadable() const override { return source_->rereadable(); }
  bool may_grow() const override { return source_->may_grow(); }

 private:
  // Up to `size` bytes more. False at the end, or after a failure.
  bool Fill(size_t size);
  void Drop(size_t size);
  bool ends_with_newline() const { return !peeked_.empty() && peeked_.back() == '\n'; }
  Result<std::string_view> Peeked() const;

  std::unique_ptr<Source> source_;
  std::string peeked_;
  uint64_t passed_ = 0;  // bytes before peeked_
  size_t read_ = 0;      // of peeked_
  bool peeked_all_ = false;
  Status failure_;  // of a Read for Peek, after the bytes that came before it
};

}  // namespace sluice
