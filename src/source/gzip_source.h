// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zlib.h>

#include "source/compressed_input.h"
#include "source/source.h"

namespace sluice {

// A gzip file: one member after another, then perhaps the zero bytes that tapes and some archivers
// leave at the end.
class GzipSource : public Source {
 public:
  explicit GzipSource(RawInput input);
  ~GzipSource() override;
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  Result<size_t> Read(char* to, size_t size) override;

  const SourceKey& key() const override { return input_.raw().key(); }
  uint64_t stored_bytes_read() const override { return input_.raw().position(); }
  uint64_t stored_size() const override { return input_.raw().size(); }
  bool rereadable() const override { return input_.raw().is_regular(); }
  bool may_grow() const override { return false; }

 private:
  Status Step();
  Status BeginMember();
  Status TakePadding();
  Status Inflate();

  CompressedInput input_;
  z_stream stream_ = {};
  bool in_member_ = false;
  bool ended_ = false;
  Status failure_;
};

}  // namespace sluice
