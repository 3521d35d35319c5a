// SPDX-License-Identifier: Apache-2.0
#include "source/raw_input.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

namespace sluice {
namespace {

// How soon a stop is noticed by who waits for a pipe.
constexpr int kStopPollMilliseconds = 50;

// The name of the file behind a descriptor, where it still has that name.
std::string PathOfDescriptor(int descriptor, const FileInfo& info) {
  std::error_code error;
  const std::string path =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
  if (error) return {};
  const Result<FileInfo> named = Stat(path);
  return named && named->SameFileAs(info) ? path : std::string();
}

// Absolute, symbolic links in its directory resolved, but the name itself kept: a link
// `current.jsonl` that is turned to another file stays one path.
std::string KeyPath(const std::string& path) {
  const Result<std::string> directory = CanonicalPath(DirectoryOf(path));
  if (!directory) return path;
  const std::string name = path.substr(path.rfind('/') + 1);
  return *directory == "/" ? "/" + name : *directory + "/" + name;
}

}  // namespace

Result<RawInput> RawInput::Open(const std::string& path, const StopToken* stop) {
  Result<File> file = File::Open(path, File::Mode::kRead);
  if (!file) return Error(file.error());
  const Result<FileInfo> info = file->Info();
  if (!info) return Error(info.error());
  if (info->kind == FileKind::kOther) {
    return Error(Status::Usage(path + " is no file and no pipe", "name a file to read"));
  }
  SourceKey key{.path = path, .device = 0, .inode = 0};
  if (info->kind == FileKind::kRegular) {
    key = {.path = KeyPath(path), .device = info->device, .inode = info->inode};
  }
  return RawInput(std::move(*file), *info, std::move(key), stop);
}

Result<RawInput> RawInput::Stdin(const StopToken* stop) {
  // A descriptor of its own, so that closing the source leaves stdin open.
  const int descriptor = dup(STDIN_FILENO);
  if (descriptor < 0) return Error(SystemError(errno, "read stdin"));
  File file = File::Adopt(descriptor, "stdin");
  Result<FileInfo> info = file.Info();
  if (!info) return Error(info.error());
  if (info->kind == FileKind::kDirectory) return Error(SystemError(EISDIR, "read stdin"));

  SourceKey key{.path = "-", .device = 0, .inode = 0};
  const bool from_its_beginning =
      info->kind == FileKind::kRegular && lseek(descriptor, 0, SEEK_CUR) == 0;
  const std::string path = from_its_beginning ? PathOfDescriptor(descriptor, *info) : "";
  if (path.empty()) {
    // Deleted meanwhile, or another program has read a part of it: nothing that could be found
    // again.
    info->kind = FileKind::kStream;
  } else {
    key = {.path = KeyPath(path), .device = info->device, .inode = info->inode};
  }
  return RawInput(std::move(file), *info, std::move(key), stop);
}

RawInput::RawInput(File file, const FileInfo& info, SourceKey key, const StopToken* stop)
    : file_(std::move(file)),
      key_(std::move(key)),
      is_regular_(info.kind == FileKind::kRegular),
      size_(is_regular_ ? info.size : 0),
      stop_(stop) {
  if (is_regular_) file_.ExpectSequentialReads();
}

Result<size_t> RawInput::Read(char* to, size_t size) {
  const Result<size_t> count = is_regular_ ? ReadAt(to, size, position_) : ReadPipe(to, size);
  if (count) position_ += *count;
  return count;
}

Result<size_t> RawInput::ReadAt(char* to, size_t size, uint64_t offset) const {
  if (offset >= size_) return size_t{0};
  return file_.PRead(to, std::min<uint64_t>(size, size_ - offset), offset);
}

Result<std::string_view> RawInput::Peek(size_t count) {
  peeked_.resize(count);
  size_t peeked = 0;
  while (peeked < count) {
    const Result<size_t> read = is_regular_
                                    ? ReadAt(peeked_.data() + peeked, count - peeked, peeked)
                                    : ReadDescriptor(peeked_.data() + peeked, count - peeked);
    if (!read) return Error(read.error());
    if (*read == 0) break;
    peeked += *read;
  }
  peeked_.resize(peeked);
  return std::string_view(peeked_);
}

Result<size_t> RawInput::ReadPipe(char* to, size_t size) {
  if (!peeked_.empty()) {
    const size_t count = std::min(size, peeked_.size());
    std::memcpy(to, peeked_.data(), count);
    peeked_.erase(0, count);
    return count;
  }
  return ReadDescriptor(to, size);
}

// A pipe hands out 64 KiB at a time at most: this goes on as long as more is there at once.
Result<size_t> RawInput::ReadDescriptor(char* to, size_t size) {
  size_t done = 0;
  do {
    if (Status status = WaitForPipe(); !status.ok()) return Error(status);
    const Result<size_t> count = file_.Read(to + done, size - done);
    if (!count) return count;
    if (*count == 0) break;
    done += *count;
  } while (done < size && PipeHasMore());
  return done;
}

Status RawInput::WaitForPipe() const {
  if (stop_ == nullptr) return {};
  for (;;) {
    if (stop_->stopped()) {
      return {StatusCode::kCancelled, "stopped while reading " + key_.path};
    }
    pollfd waiting{.fd = file_.descriptor(), .events = POLLIN, .revents = 0};
    // Errors, too, end the wait: read() then says which.
    if (poll(&waiting, 1, kStopPollMilliseconds) != 0 && waiting.revents != 0) return {};
  }
}

bool RawInput::PipeHasMore() const {
  pollfd waiting{.fd = file_.descriptor(), .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0;
}

}  // namespace sluice
