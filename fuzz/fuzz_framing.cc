// SPDX-License-Identifier: Apache-2.0
// A text is read in chunks of a size that the input chooses, and cut into lines: they must be the
// lines that a plain walk over the whole text gives, with the same numbers and places, and every
// offset must be the true one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "framing/line_cutter.h"
#include "source/chunk_reader.h"

namespace sluice {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

class TextSource : public Source {
 public:
  TextSource(std::string_view text, size_t step, bool is_pipe)
      : text_(text), step_(step), is_pipe_(is_pipe) {}

  Result<size_t> Read(char* to, size_t size) override {
    const size_t count = std::min({size, step_, text_.size() - at_});
    std::memcpy(to, text_.data() + at_, count);
    at_ += count;
    return count;
  }
  const SourceKey& key() const override { return key_; }
  uint64_t stored_bytes_read() const override { return at_; }
  uint64_t stored_size() const override { return text_.size(); }
  bool rereadable() const override { return !is_pipe_; }
  bool may_grow() const override { return false; }

 private:
  std::string_view text_;
  size_t step_;
  bool is_pipe_;
  size_t at_ = 0;
  SourceKey key_;
};

struct PlainLine {
  std::string text;
  uint64_t number;
  uint64_t byte_offset;
};

// What CutLines promises, in the plainest words.
std::vector<PlainLine> PlainLines(std::string_view text) {
  std::vector<PlainLine> lines;
  uint64_t number = 1;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t newline = text.find('\n', begin);
    const bool ends = newline == std::string_view::npos;
    std::string_view line = text.substr(begin, ends ? newline : newline - begin);
    if (!ends && line.ends_with('\r')) line.remove_suffix(1);
    if (begin == 0 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    const bool blank = line.find_first_not_of(" \t\r") == std::string_view::npos;
    if (!blank) lines.push_back({std::string(line), number, begin});
    if (ends) break;
    begin = newline + 1;
    ++number;
  }
  return lines;
}

void RequireTrueOffset(const Chunk& chunk, size_t position, std::string_view text) {
  const size_t bytes = chunk.offset + position;
  const size_t window = std::min(bytes, kIdentityWindow);
  const Offset offset = OffsetIn(chunk, position, 0, false);
  Require(offset.bytes == bytes);
  Require(offset.head == HashOf(text.substr(0, window)));
  Require(offset.tail == HashOf(text.substr(bytes - window, window)));
}

void CheckText(std::string_view text, size_t buffer_size, size_t step, bool is_pipe) {
  TextSource source(text, step, is_pipe);
  BufferPool pool(1, buffer_size);
  ChunkReader reader(source, pool, uint64_t{64} << 20, {});
  std::vector<PlainLine> lines;
  const auto take = [&lines](const Line& line) {
    lines.push_back({std::string(line.text), line.number, line.byte_offset});
  };
  uint64_t next = 0;
  for (bool ended = false; !ended;) {
    const Result<Chunk> chunk = reader.Next();
    Require(chunk.has_value());
    Require(chunk->offset == next);
    std::vector<Line> cut;
    const CutResult result = CutLines(
        {.data = chunk->data, .offset = chunk->offset, .first_line = chunk->first_line}, &cut);
    for (const Line& line : cut) take(line);
    Require(result.lines == chunk->newlines);
    Require(result.lines == cut.size() + result.blank);
    Require(chunk->ends_source || result.unterminated.text.empty());
    if (!IsBlank(result.unterminated.text)) take(result.unterminated);
    RequireTrueOffset(*chunk, 0, text);
    RequireTrueOffset(*chunk, chunk->data.size() / 2, text);
    RequireTrueOffset(*chunk, chunk->data.size(), text);
    next = chunk->end();
    ended = chunk->ends_source;
  }
  Require(next == text.size());

  const std::vector<PlainLine> expected = PlainLines(text);
  Require(lines.size() == expected.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    Require(lines[i].text == expected[i].text);
    Require(lines[i].number == expected[i].number);
    Require(lines[i].byte_offset == expected[i].byte_offset);
  }
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const size_t buffer_size = 1 + data[0] * 9u;  // up to more than the identity window
  const size_t step = 1 + data[1] * 5u;
  const bool is_pipe = (data[2] & 1) != 0;
  // Said several times over, so that a short input fills more than a chunk.
  const std::string_view once(reinterpret_cast<const char*>(data) + 3, size - 3);
  std::string text;
  for (int times = 0; times <= data[2] >> 4; ++times) text.append(once);
  sluice::CheckText(text, buffer_size, step, is_pipe);
  return 0;
}
