// SPDX-License-Identifier: Apache-2.0
#include "source/pipe_reader.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

// Room for the rest of a line that is too long, which is read and thrown away.
constexpr size_t kSkipped = size_t{64} << 10;

}  // namespace

PipeReader::PipeReader(int descriptor, std::string_view window, std::string_view tail,
                       size_t buffer_bytes, uint64_t longest_line)
    : file_(File::Adopt(descriptor, "stdin")),
      longest_line_(std::max<uint64_t>(longest_line, ChunkReader::kOversizeKept)),
      buffer_(std::max(buffer_bytes, window.size() + tail.size() + 1)),
      window_(window.size()),
      given_(window.size()),
      filled_(window.size() + tail.size()) {
  std::memcpy(buffer_.data(), window.data(), window.size());
  std::memcpy(buffer_.data() + window_, tail.data(), tail.size());
}

bool PipeReader::IsFull() const { return filled_ == buffer_.capacity() && given_ > window_; }

Status PipeReader::Fill() {
  if (filled_ == buffer_.capacity()) {
    // One line fills it: it is kept whole as long as that may be, and then its beginning.
    const uint64_t line = filled_ - given_;
    if (line > longest_line_) return SkipOversize();
    buffer_.Grow(std::min<uint64_t>(given_ + longest_line_ + kSkipped, buffer_.capacity() * 2),
                 filled_);
  }
  const Result<size_t> read = file_.Read(buffer_.data() + filled_, buffer_.capacity() - filled_);
  if (!read) return read.error();
  filled_ += *read;
  if (*read == 0) ended_ = true;
  return {};
}

// Reads on within a line that is too long, over what was read of it already.
Status PipeReader::SkipOversize() {
  if (oversize_ == 0) {
    oversize_ = filled_ - given_;
    oversize_window_.assign(buffer_.data() + filled_ - kIdentityWindow, kIdentityWindow);
  }
  char* const scratch = buffer_.data() + given_ + ChunkReader::kOversizeKept;
  const size_t room = buffer_.capacity() - given_ - ChunkReader::kOversizeKept;
  const Result<size_t> read = file_.Read(scratch, room);
  if (!read) return read.error();
  if (*read == 0) ended_ = true;
  const std::string_view bytes(scratch, *read);
  const size_t newline = bytes.find('\n');
  oversize_has_newline_ = newline != std::string_view::npos;
  const size_t of_line = oversize_has_newline_ ? newline + 1 : *read;
  oversize_ += of_line - (oversize_has_newline_ ? 1 : 0);
  AppendToWindow(&oversize_window_, bytes.substr(0, of_line));
  behind_oversize_.assign(bytes.substr(of_line));
  oversize_is_whole_ = oversize_has_newline_ || ended_;
  return {};
}

bool PipeReader::Next(const Offset& offset, Chunk* chunk) {
  if (oversize_ > 0) return NextOversize(offset, chunk);
  const std::string_view fresh(buffer_.data() + given_, filled_ - given_);
  const size_t newline = fresh.rfind('\n');
  const size_t lines = ended_ ? fresh.size() : newline == std::string_view::npos ? 0 : newline + 1;
  if (lines == 0) return false;
  Describe(offset, lines, chunk);
  chunk->ends_source = ended_;
  given_ += lines;
  return true;
}

void PipeReader::Describe(const Offset& offset, size_t size, Chunk* chunk) const {
  const size_t window = std::min(given_, kIdentityWindow);
  chunk->before = {buffer_.data() + given_ - window, window};
  chunk->data = {buffer_.data() + given_, size};
  chunk->offset = offset.bytes;
  chunk->first_line = offset.lines + (offset.tail_taken ? 0 : 1);
  chunk->newlines = CountNewlines(chunk->data);
  chunk->head = offset.head;
  if (offset.bytes < kIdentityWindow) {
    // All of the source up to the end of the lines is in the buffer.
    const char* begin = chunk->data.data() - offset.bytes;
    chunk->head = HashOf({begin, std::min<size_t>(offset.bytes + size, kIdentityWindow)});
  }
}

bool PipeReader::NextOversize(const Offset& offset, Chunk* chunk) {
  if (!oversize_is_whole_) return false;
  Describe(offset, ChunkReader::kOversizeKept, chunk);
  chunk->newlines = oversize_has_newline_ ? 1 : 0;
  chunk->oversize_length = oversize_;
  chunk->oversize_newline = oversize_has_newline_;
  chunk->oversize_tail = HashOf(oversize_window_);
  chunk->ends_source = ended_;
  given_ = filled_;  // until Committed puts what came behind it in its place
  oversize_given_ = true;
  return true;
}

void PipeReader::GoBack() {
  given_ = window_;
  oversize_given_ = false;
}

PipeHandOver PipeReader::HandOver() const {
  PipeHandOver hand_over;
  hand_over.rests = true;
  hand_over.window.assign(buffer_.data(), window_);
  hand_over.tail.assign(buffer_.data() + window_, filled_ - window_);
  return hand_over;
}

void PipeReader::Committed() {
  if (oversize_given_) {
    const size_t size = std::min(oversize_window_.size(), kIdentityWindow);
    std::memcpy(buffer_.data(), oversize_window_.data() + oversize_window_.size() - size, size);
    std::memcpy(buffer_.data() + size, behind_oversize_.data(), behind_oversize_.size());
    window_ = given_ = size;
    filled_ = size + behind_oversize_.size();
    oversize_ = 0;
    oversize_given_ = oversize_is_whole_ = oversize_has_newline_ = false;
    behind_oversize_ = std::string();
    return;
  }
  const size_t window = std::min(given_, kIdentityWindow);
  const size_t from = given_ - window;
  std::memmove(buffer_.data(), buffer_.data() + from, filled_ - from);
  window_ = given_ = window;
  filled_ -= from;
}

}  // namespace sluice
