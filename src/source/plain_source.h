// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "source/raw_input.h"
#include "source/source.h"

namespace sluice {

// Bytes that are read as they are stored.
class PlainSource : public Source {
 public:
  explicit PlainSource(RawInput input) : input_(std::move(input)) {}

  Result<size_t> Read(char* to, size_t size) override { return input_.Read(to, size); }
  Result<Place> SkipTo(uint64_t offset) override;

  const SourceKey& key() const override { return input_.key(); }
  uint64_t stored_bytes_read() const override { return input_.position(); }
  uint64_t stored_size() const override { return input_.size(); }
  bool rereadable() const override { return input_.is_regular(); }
  bool may_grow() const override { return input_.is_regular(); }

 private:
  Result<std::string> StoredBytes(uint64_t offset, size_t size) const;

  RawInput input_;
};

}  // namespace sluice
