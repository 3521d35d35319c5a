// SPDX-License-Identifier: Apache-2.0
#include "source/open.h"

#include <string_view>
#include <utility>

#include "source/gzip_source.h"
#include "source/plain_source.h"
#include "source/raw_input.h"
#include "source/resting_pipe.h"
#include "source/zstd_source.h"

namespace sluice {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kGzipMagic =
    "\x1f\x8b\x08"sv;  // the third byte: deflate, the only method there is
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd"sv;
constexpr std::string_view kZstdSkippableMagic =
    "\x2a\x4d\x18"sv;  // after a byte from 0x50 to 0x5f
constexpr size_t kMagicSize = 4;

bool Begins(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic;
}

// A file that is cut short within its magic is gzip too, and the decoder says that it is cut short.
bool IsGzip(std::string_view first_bytes) {
  return first_bytes.size() < kGzipMagic.size()
             ? !first_bytes.empty() && kGzipMagic.starts_with(first_bytes)
             : Begins(first_bytes, kGzipMagic);
}

// The same, from the second byte on: '(' alone may be a text.
bool IsZstd(std::string_view first_bytes) {
  if (first_bytes.size() < kMagicSize) {
    return first_bytes.size() > 1 && kZstdMagic.starts_with(first_bytes);
  }
  const bool skippable = (static_cast<unsigned char>(first_bytes[0]) & 0xf0) == 0x50 &&
                         Begins(first_bytes.substr(1), kZstdSkippableMagic);
  return skippable || Begins(first_bytes, kZstdMagic);
}

Result<std::unique_ptr<Source>> Recognise(Result<RawInput> input) {
  if (!input) return Error(input.error());
  const Result<std::string_view> first_bytes = input->Peek(kMagicSize);
  if (!first_bytes) return Error(first_bytes.error());
  if (IsGzip(*first_bytes)) return std::make_unique<GzipSource>(std::move(*input));
  if (IsZstd(*first_bytes)) return std::make_unique<ZstdSource>(std::move(*input));
  return std::make_unique<PlainSource>(std::move(*input));
}

}  // namespace

Result<std::unique_ptr<Source>> OpenSource(const std::string& path, const StopToken* stop) {
  return Recognise(RawInput::Open(path, stop));
}

Result<std::unique_ptr<Source>> OpenStdin(const StopToken* stop) {
  return Recognise(RawInput::Stdin(stop));
}

Result<std::unique_ptr<Source>> OpenStdinUntilItRests(const StopToken* stop,
                                                      PipeHandOver* hand_over) {
  Result<std::unique_ptr<Source>> source = OpenStdin(stop);
  if (!source || (*source)->rereadable()) return source;
  if (dynamic_cast<PlainSource*>(source->get()) == nullptr) return source;
  return std::make_unique<RestingPipe>(std::move(*source), stop, hand_over);
}

}  // namespace sluice
