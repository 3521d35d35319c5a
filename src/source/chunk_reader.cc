// SPDX-License-Identifier: Apache-2.0
#include "source/chunk_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sluice {
namespace {

constexpr size_t kSmallestRead = size_t{64} << 10;

// Behind the last newline of `bytes`; 0 where there is none.
size_t EndOfLines(std::string_view bytes) {
  const size_t newline = bytes.rfind('\n');
  return newline == std::string_view::npos ? 0 : newline + 1;
}

// The last bytes of `before` followed by `bytes`, at most a window of them.
std::string WindowOf(std::string_view before, std::string_view bytes) {
  std::string window(before);
  AppendToWindow(&window, bytes);
  return window;
}

}  // namespace

uint64_t CountNewlines(std::string_view bytes) {
  // 16 bytes as gcc and clang have them for any processor.
  using Bytes = uint8_t __attribute__((vector_size(16)));
  const auto newlines = [](const char* from) {
    Bytes chars;
    std::memcpy(&chars, from, sizeof chars);
    return Bytes(chars == '\n');  // -1 for each
  };
  constexpr size_t kStep = 2 * sizeof(Bytes);
  uint64_t total = 0;
  const char* at = bytes.data();
  size_t left = bytes.size();
  while (left >= kStep) {
    // A count for each place, emptied before one can overflow.
    Bytes even{};
    Bytes odd{};
    const size_t rounds = std::min<size_t>(left / kStep, UINT8_MAX);
    for (size_t round = 0; round < rounds; ++round, at += kStep) {
      even -= newlines(at);
      odd -= newlines(at + sizeof(Bytes));
    }
    for (size_t i = 0; i < sizeof(Bytes); ++i) total += even[i] + odd[i];
    left -= rounds * kStep;
  }
  return total + static_cast<uint64_t>(std::count(at, at + left, '\n'));
}

ChunkReader::ChunkReader(Source& source, BufferPool& pool, uint64_t max_line, Start start)
    : source_(source),
      pool_(pool),
      longest_kept_(std::max<uint64_t>(max_line, kOversizeKept)),
      offset_(start.offset.bytes),
      next_line_(start.offset.lines + (start.offset.tail_taken ? 0 : 1)),
      head_(std::move(start.head)),
      head_hash_(HashOf(head_)),
      window_(std::move(start.before)) {}

Result<Chunk> ChunkReader::Next() {
  if (!failure_.ok()) return Error(failure_);
  Result<Filling> filling = BeginFilling();
  if (!filling) return Error(filling.error());

  Fill(&*filling);
  if (IsOversize(*filling)) return TakeOversize(std::move(*filling));
  const bool has_lines = filling->lines_end > filling->begin;
  if (!failure_.ok() && !has_lines) return Error(failure_);
  return TakeLines(std::move(*filling));
}

Result<ChunkReader::Filling> ChunkReader::BeginFilling() {
  Filling filling{.buffer = pool_.Acquire()};
  if (!filling.buffer) return Error(Stopped());
  filling.begin = window_.size();
  filling.filled = filling.begin + carried_.size();
  filling.lines_end = filling.begin + EndOfLines(carried_);
  if (!filling.buffer.Grow(filling.filled + 1, 0)) return Error(Stopped());
  std::memcpy(filling.buffer->data(), window_.data(), window_.size());
  std::memcpy(filling.buffer->data() + filling.begin, carried_.data(), carried_.size());
  carried_.clear();
  return filling;
}

// Until the buffer is full and has whole lines, the source ends or fails, or a line is longer than
// may be kept.
void ChunkReader::Fill(Filling* filling) {
  Buffer& buffer = *filling->buffer;
  while (!IsOversize(*filling)) {
    const bool has_lines = filling->lines_end > filling->begin;
    if (filling->filled == buffer.capacity()) {
      if (has_lines) return;
      const uint64_t needed = filling->begin + longest_kept_ + 1;
      const uint64_t larger = std::min<uint64_t>(needed, buffer.capacity() * 2);
      if (!filling->buffer.Grow(larger, filling->filled)) {
        failure_ = Stopped();
        return;
      }
    }
    const size_t room = std::min(buffer.capacity() - filling->filled, pool_.buffer_size());
    const size_t count = ReadInto(buffer.data() + filling->filled, room);
    if (count == 0) return;

    const size_t lines = EndOfLines({buffer.data() + filling->filled, count});
    if (lines > 0) filling->lines_end = filling->filled + lines;
    filling->filled += count;
    // A pipe that has no more at the moment: its lines are not kept waiting.
    if (count < room && !source_.rereadable() && filling->lines_end > filling->begin) return;
  }
}

Status ChunkReader::Stopped() const {
  return {StatusCode::kCancelled, "stopped while reading " + source_.key().path};
}

size_t ChunkReader::ReadInto(char* to, size_t size) {
  const Result<size_t> count = source_.Read(to, size);
  if (!count) {
    failure_ = count.error();
    return 0;
  }
  if (*count == 0) ended_ = true;
  return *count;
}

bool ChunkReader::IsOversize(const Filling& filling) const {
  return filling.lines_end == filling.begin && filling.filled - filling.begin > longest_kept_;
}

Chunk ChunkReader::TakeLines(Filling filling) {
  const char* bytes = filling.buffer->data();
  const size_t end = ended_ ? filling.filled : filling.lines_end;
  Chunk chunk;
  chunk.before = {bytes, filling.begin};
  chunk.data = {bytes + filling.begin, end - filling.begin};
  chunk.newlines = CountNewlines(chunk.data);
  chunk.ends_source = ended_;
  if (failure_.ok()) carried_.assign(bytes + end, filling.filled - end);
  chunk.buffer = std::move(filling.buffer);
  Advance(&chunk, chunk.data);
  return chunk;
}

Result<Chunk> ChunkReader::TakeOversize(Filling filling) {
  Chunk chunk;
  chunk.oversize_length = filling.filled - filling.begin;
  std::string window =
      WindowOf(window_, {filling.buffer->data() + filling.begin, chunk.oversize_length});

  // The rest is read over what was read of it already, behind what is kept.
  const size_t kept_end = filling.begin + kOversizeKept;
  const size_t room = std::max(pool_.buffer_size(), kSmallestRead);
  if (!filling.buffer.Grow(kept_end + room, kept_end)) return Error(Stopped());
  char* const scratch = filling.buffer->data() + kept_end;
  while (!chunk.oversize_newline) {
    const std::string_view read(scratch, ReadInto(scratch, room));
    if (!failure_.ok()) return Error(failure_);
    if (read.empty()) break;
    const size_t newline = read.find('\n');
    chunk.oversize_newline = newline != std::string_view::npos;
    const std::string_view of_line = read.substr(0, chunk.oversize_newline ? newline + 1 : newline);
    chunk.oversize_length += of_line.size() - (chunk.oversize_newline ? 1 : 0);
    AppendToWindow(&window, of_line);
    carried_.assign(read.substr(of_line.size()));
  }

  chunk.before = {filling.buffer->data(), filling.begin};
  chunk.data = {filling.buffer->data() + filling.begin, kOversizeKept};
  chunk.newlines = chunk.oversize_newline ? 1 : 0;
  chunk.ends_source = ended_;
  chunk.oversize_tail = HashOf(window);
  chunk.buffer = std::move(filling.buffer);
  Advance(&chunk, chunk.data);
  window_ = std::move(window);
  return chunk;
}

void ChunkReader::Advance(Chunk* chunk, std::string_view bytes) {
  chunk->offset = offset_;
  chunk->first_line = next_line_;
  if (head_.size() < kIdentityWindow && !bytes.empty()) {
    head_.append(bytes.substr(0, kIdentityWindow - head_.size()));
    head_hash_ = HashOf(head_);
  }
  chunk->head = head_hash_;
  AppendToWindow(&window_, bytes);
  offset_ = chunk->end();
  next_line_ += chunk->newlines;
}

Result<ChunkReader::Start> ResumeAt(Source& source, const Offset& offset) {
  if (offset.bytes == 0) return ChunkReader::Start{};  // nothing before it could have changed
  Result<Place> place = source.SkipTo(offset.bytes);
  if (!place) return Error(place.error());
  const std::string_view head(place->head);
  if (!place->reached || HashOf(head) != offset.head || HashOf(place->before) != offset.tail) {
    return Error(Status::Corruption(fmt::format("{} changed before byte {} while it was being read",
                                                source.key().path, offset.bytes),
                                    "run again: what it holds now is then looked at afresh"));
  }
  return ChunkReader::Start{
      .offset = offset, .before = std::move(place->before), .head = std::move(place->head)};
}

namespace {

// Reads a source from its start, and knows the offset at each place that it passes.
class OffsetScan {
 public:
  explicit OffsetScan(Source& source) : source_(source), step_(256 << 10) {}

  // Up to `limit`, or the end.
  Status ReadUpTo(uint64_t limit) {
    while (bytes_ < limit) {
      const size_t wanted = std::min<uint64_t>(step_.size(), limit - bytes_);
      const Result<size_t> count = source_.Read(step_.data(), wanted);
      if (!count) return count.error();
      if (*count == 0) break;
      Pass({step_.data(), *count});
    }
    return {};
  }

  uint64_t bytes() const { return bytes_; }
  Offset Here() const { return OffsetAt(bytes_, before_); }
  Offset AfterLastLine() const { return OffsetAt(lines_end_, before_lines_end_); }

 private:
  void Pass(std::string_view read) {
    if (const size_t end = EndOfLines(read); end > 0) {
      before_lines_end_ = WindowOf(before_, read.substr(0, end));
      lines_end_ = bytes_ + end;
    }
    head_.append(read.substr(0, kIdentityWindow - head_.size()));
    AppendToWindow(&before_, read);
    lines_ += CountNewlines(read);
    bytes_ += read.size();
  }

  Offset OffsetAt(uint64_t bytes, std::string_view before) const {
    return {.bytes = bytes,
            .lines = lines_,
            .tail_taken = false,
            .head = HashOf(std::string_view(head_).substr(0, bytes)),
            .tail = HashOf(before)};
  }

  Source& source_;
  std::vector<char> step_;
  uint64_t bytes_ = 0;
  uint64_t lines_ = 0;
  uint64_t lines_end_ = 0;  // behind the last newline
  std::string head_;
  std::string before_;            // bytes_
  std::string before_lines_end_;  // lines_end_
};

}  // namespace

Result<Offset> OffsetAtByte(Source& source, uint64_t bytes) {
  OffsetScan scan(source);
  if (Status status = scan.ReadUpTo(bytes); !status.ok()) return Error(status);
  if (scan.bytes() < bytes) {
    return Error(Status::Usage(fmt::format("{} has {} bytes: it cannot be read from byte {}",
                                           source.key().path, scan.bytes(), bytes),
                               "give a --start-offset within the file"));
  }
  return scan.Here();
}

Result<Offset> OffsetAtEnd(Source& source) {
  OffsetScan scan(source);
  if (Status status = scan.ReadUpTo(UINT64_MAX); !status.ok()) return Error(status);
  return scan.AfterLastLine();
}

Offset OffsetIn(const Chunk& chunk, size_t position, uint64_t lines, bool tail_taken) {
  Offset offset;
  offset.bytes = chunk.offset + position;
  offset.lines = lines;
  offset.tail_taken = tail_taken;
  if (chunk.oversize_length != 0 && position == chunk.data.size()) {
    offset.bytes = chunk.end();
    offset.head = chunk.head;
    offset.tail = chunk.oversize_tail;
    return offset;
  }
  const std::string_view passed = chunk.data.substr(0, position);
  const std::string window = WindowOf(chunk.before, passed);
  offset.tail = HashOf(window);
  // A place within the first window of a source has all that is before it in its own window.
  offset.head = offset.bytes < kIdentityWindow ? offset.tail : chunk.head;
  return offset;
}

}  // namespace sluice
