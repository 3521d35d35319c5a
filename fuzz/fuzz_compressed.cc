// SPDX-License-Identifier: Apache-2.0
// Two fuzzers in one, by the first byte of the input: bytes that claim to be gzip or zstd are
// decoded to an end or an error, but never to a crash; and what was compressed comes back as it
// was, in parts of any size.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "source/open.h"

namespace sluice {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// A file in memory, opened by its name under /proc.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes)
      : file_(File::Adopt(memfd_create("fuzz", MFD_CLOEXEC), "memory")) {
    Require(file_.Write(bytes).ok());
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_.descriptor()); }

 private:
  File file_;
};

// Decodes all of it. False where it ends in an error.
bool Decode(std::string_view stored, size_t step, std::string* text) {
  // What becomes a thousand times larger teaches nothing and takes long.
  constexpr size_t kEnough = 4 << 20;
  const MemoryFile file(stored);
  const Result<std::unique_ptr<Source>> source = OpenSource(file.path());
  Require(source.has_value());
  std::string part(step, '\0');
  while (text->size() < kEnough) {
    const Result<size_t> count = (*source)->Read(part.data(), part.size());
    if (!count) {
      Require(!count.error().message().empty());
      return false;
    }
    if (*count == 0) return true;
    Require(*count <= part.size());
    text->append(part, 0, *count);
  }
  return true;
}

std::string Gzip(std::string_view text) {
  z_stream stream = {};
  Require(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string stored(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(stored.data());
  stream.avail_out = static_cast<uInt>(stored.size());
  Require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  stored.resize(stream.total_out);
  deflateEnd(&stream);
  return stored;
}

std::string Zstd(std::string_view text) {
  std::string stored(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress(stored.data(), stored.size(), text.data(), text.size(), 1);
  Require(!ZSTD_isError(size));
  stored.resize(size);
  return stored;
}

void CheckAnything(std::string_view bytes, size_t step) {
  std::string text;
  Decode(bytes, step, &text);
}

// Cut in two members or frames anywhere, it comes back whole; without its last byte it is an error.
void CheckRoundTrip(std::string_view text, size_t cut, size_t step,
                    std::string (*compress)(std::string_view)) {
  cut = text.empty() ? 0 : cut % (text.size() + 1);
  std::string stored = compress(text.substr(0, cut)) + compress(text.substr(cut));
  std::string decoded;
  Require(Decode(stored, step, &decoded));
  Require(decoded == text);
  stored.pop_back();
  std::string shorter;
  Require(!Decode(stored, step, &shorter));
  Require(text.starts_with(shorter));
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  const size_t step = 1 + data[1] * 37u;
  switch (data[0] % 4) {
    case 0:
      sluice::CheckRoundTrip(bytes, data[2], step, sluice::Gzip);
      break;
    case 1:
      sluice::CheckRoundTrip(bytes, data[2], step, sluice::Zstd);
      break;
    case 2:
      sluice::CheckAnything(bytes, step);
      break;
    default:
      // A true beginning, then anything.
      sluice::CheckAnything(
          (data[2] & 1 ? sluice::Gzip("{}\n") : sluice::Zstd("{}\n")) + std::string(bytes), step);
  }
  return 0;
}
