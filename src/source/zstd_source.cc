// SPDX-License-Identifier: Apache-2.0
#include "source/zstd_source.h"

#include <zstd_errors.h>

namespace sluice {

ZstdSource::ZstdSource(RawInput input)
    : input_(std::move(input)), context_(ZSTD_createDCtx(), &ZSTD_freeDCtx) {
  if (!context_) {
    failure_ = Status(StatusCode::kFull, "no memory to decode " + key().path, "lower --memory");
  }
}

Result<size_t> ZstdSource::Read(char* to, size_t size) {
  ZSTD_outBuffer out{.dst = to, .size = size, .pos = 0};
  while (out.pos < out.size && !ended_ && failure_.ok()) failure_ = Step(&out);

  if (out.pos == 0 && !failure_.ok()) return Error(failure_);
  return out.pos;
}

Status ZstdSource::Step(ZSTD_outBuffer* out) {
  if (input_.unread().empty() && !input_.at_end()) return input_.Refill();
  if (input_.at_end() && !in_frame_) {
    ended_ = true;
    return {};
  }
  const std::string_view stored = input_.unread();
  ZSTD_inBuffer in{.src = stored.data(), .size = stored.size(), .pos = 0};
  const size_t before = out->pos;
  const size_t outcome = ZSTD_decompressStream(context_.get(), out, &in);
  input_.Take(in.pos);

  if (ZSTD_isError(outcome)) return Refused(outcome);
  in_frame_ = outcome != 0;
  // At the end of the file the decoder may still hold decoded bytes back, but not for ever.
  if (in_frame_ && input_.at_end() && out->pos == before) return input_.CutShort("zstd");
  return {};
}

Status ZstdSource::Refused(size_t error) const {
  if (ZSTD_getErrorCode(error) == ZSTD_error_frameParameter_windowTooLarge) {
    return Status::Unsupported(
        key().path + " was compressed with a window of more than 128 MiB (zstd --long or --ultra)",
        "decode it with `zstd -d --long=31` and give sluice the result");
  }
  return input_.Damaged("zstd", ZSTD_getErrorName(error));
}

}  // namespace sluice
