// SPDX-License-Identifier: Apache-2.0
#include "follow/growing_file.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "follow/directory.h"

namespace sluice {

Status GrowingFile::Open() {
  Result<File> file = File::Open(key_.path, File::Mode::kRead);
  if (!file) return file.error();
  const Result<FileInfo> info = file->Info();
  if (!info) return info.error();
  if (!IsFileOf(*info, key_)) {
    return Status::Corruption(key_.path + " is another file by now");
  }
  file_ = std::move(*file);
  return {};
}

Result<uint64_t> GrowingFile::SizeNow() const {
  const Result<FileInfo> info = file_.Info();
  if (!info) return Error(info.error());
  return info->size;
}

void GrowingFile::Advance(const Offset& offset) {
  offset_ = offset;
  searched_ = 0;
}

Result<GrowingFile::Growth> GrowingFile::Next(BufferPool* pool, uint64_t longest_line,
                                              Chunk* chunk) {
  const Result<FileInfo> info = file_.Info();
  if (!info) return Error(info.error());
  if (info->size < offset_.bytes) return Growth::kOtherContent;

  BufferPool::Lease buffer = pool->Acquire();
  const size_t window = std::min<uint64_t>(offset_.bytes, kIdentityWindow);
  const size_t room = buffer->capacity();
  const Result<size_t> read = file_.PRead(buffer->data(), room, offset_.bytes - window);
  if (!read) return Error(read.error());
  if (*read < window) return Growth::kOtherContent;
  const Result<bool> stands = StandsAsRead({buffer->data(), *read}, window);
  if (!stands) return Error(stands.error());
  if (!*stands) return Growth::kOtherContent;

  const std::string_view fresh(buffer->data() + window, *read - window);
  const size_t newline = fresh.rfind('\n');
  if (newline != std::string_view::npos) {
    Describe(std::move(buffer), window, newline + 1, chunk);
    return Growth::kLines;
  }
  if (*read < room) return Growth::kNothing;
  return TakeLongLine(std::move(buffer), window, info->size, longest_line, chunk);
}

// `bytes` are those of the window before the offset, and what follows it.
Result<bool> GrowingFile::StandsAsRead(std::string_view bytes, size_t window) const {
  if (offset_.bytes == 0) return HashOf(bytes.substr(0, seen_head_.length)) == seen_head_;
  if (HashOf(bytes.substr(0, window)) != offset_.tail) return false;
  if (offset_.bytes <= kIdentityWindow) return true;  // the window is the head as well
  char head[kIdentityWindow];
  const Result<size_t> read = file_.PRead(head, offset_.head.length, 0);
  if (!read) return Error(read.error());
  return HashOf({head, *read}) == offset_.head;
}

void GrowingFile::Describe(BufferPool::Lease buffer, size_t window, size_t lines_end,
                           Chunk* chunk) const {
  const char* bytes = buffer->data();
  chunk->before = {bytes, window};
  chunk->data = {bytes + window, lines_end};
  chunk->offset = offset_.bytes;
  chunk->first_line = offset_.lines + (offset_.tail_taken ? 0 : 1);
  chunk->newlines = CountNewlines(chunk->data);
  chunk->head = offset_.head;
  if (offset_.bytes < kIdentityWindow) {
    // All of the source up to the end of the lines is in the buffer.
    chunk->head = HashOf({bytes, std::min(window + lines_end, kIdentityWindow)});
  }
  chunk->ends_source = false;
  chunk->oversize_length = 0;
  chunk->buffer = std::move(buffer);
}

// A line that a buffer does not hold: its end is looked for first, each byte once, however slowly
// it is written.
Result<GrowingFile::Growth> GrowingFile::TakeLongLine(BufferPool::Lease buffer, size_t window,
                                                      uint64_t size, uint64_t longest_line,
                                                      Chunk* chunk) {
  const Result<uint64_t> newline = FindNewline(buffer->data(), buffer->capacity(), size);
  if (!newline) return Error(newline.error());
  if (*newline == size) return Growth::kNothing;

  const uint64_t length = *newline - offset_.bytes;
  const bool is_oversize = length > std::max<uint64_t>(longest_line, ChunkReader::kOversizeKept);
  const size_t kept = is_oversize ? ChunkReader::kOversizeKept : static_cast<size_t>(length + 1);
  buffer->Grow(window + kept, 0);
  const Result<size_t> read = file_.PRead(buffer->data(), window + kept, offset_.bytes - window);
  if (!read) return Error(read.error());
  if (*read < window + kept) return Growth::kOtherContent;  // cut meanwhile
  const Result<bool> stands = StandsAsRead({buffer->data(), *read}, window);
  if (!stands) return Error(stands.error());
  if (!*stands) return Growth::kOtherContent;  // written anew meanwhile
  if (!is_oversize) {
    Describe(std::move(buffer), window, kept, chunk);
    return Growth::kLines;
  }
  if (Status s = TakeOversizeLine(std::move(buffer), window, *newline, chunk); !s.ok()) {
    return Error(s);
  }
  return Growth::kLines;
}

// Where the first newline behind the offset stands; `size` where there is none before it.
Result<uint64_t> GrowingFile::FindNewline(char* scratch, size_t scratch_size, uint64_t size) {
  if (size < searched_) searched_ = 0;  // cut, and what comes there now is other bytes
  searched_ = std::max(searched_, offset_.bytes);
  while (searched_ < size) {
    const size_t wanted = std::min<uint64_t>(scratch_size, size - searched_);
    const Result<size_t> read = file_.PRead(scratch, wanted, searched_);
    if (!read) return Error(read.error());
    if (*read == 0) break;  // cut meanwhile
    if (const void* newline = std::memchr(scratch, '\n', *read)) {
      return searched_ + static_cast<uint64_t>(static_cast<const char*>(newline) - scratch);
    }
    searched_ += *read;
  }
  return size;
}

Status GrowingFile::TakeOversizeLine(BufferPool::Lease buffer, size_t window, uint64_t newline,
                                     Chunk* chunk) {
  char tail[kIdentityWindow];
  const Result<size_t> read = file_.PRead(tail, sizeof(tail), newline + 1 - sizeof(tail));
  if (!read) return read.error();
  Describe(std::move(buffer), window, ChunkReader::kOversizeKept, chunk);
  chunk->newlines = 1;
  chunk->oversize_length = newline - offset_.bytes;
  chunk->oversize_newline = true;
  chunk->oversize_tail = HashOf({tail, *read});
  return {};
}

}  // namespace sluice
