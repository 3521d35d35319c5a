// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <zstd.h>

#include "source/compressed_input.h"
#include "source/source.h"

namespace sluice {

// A zstd file: one frame after another, skippable ones among them.
//
// Limits: windows of up to 128 MiB, zstd's own limit: files made with --long=28 and more say so and
// are refused.
class ZstdSource : public Source {
 public:
  explicit ZstdSource(RawInput input);

  Result<size_t> Read(char* to, size_t size) override;

  const SourceKey& key() const override { return input_.raw().key(); }
  uint64_t stored_bytes_read() const override { return input_.raw().position(); }
  uint64_t stored_size() const override { return input_.raw().size(); }
  bool rereadable() const override { return input_.raw().is_regular(); }
  bool may_grow() const override { return false; }

 private:
  Status Step(ZSTD_outBuffer* out);
  Status Refused(size_t error) const;

  CompressedInput input_;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  bool in_frame_ = false;
  bool ended_ = false;
  Status failure_;
};

}  // namespace sluice
