// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <atomic>
#include <memory>
#include <system_error>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice {
namespace {

std::atomic<uint64_t> bytes_written{0};
std::atomic<FileHook*> file_hook{nullptr};

// 0, or the errno that the hook wants.
int AskHook(const FileEvent& event) {
  FileHook* hook = file_hook.load(std::memory_order_acquire);
  return hook == nullptr ? 0 : (*hook)(event);
}

// Makes a call that answers -1 and errno, again and again while signals interrupt it; or fails as
// the hook wants.
template <typename Call>
auto CallSystem(const FileEvent& event, Call call) -> decltype(call()) {
  if (const int error_number = AskHook(event); error_number != 0) {
    errno = error_number;
    return -1;
  }
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

int OpenFlags(File::Mode mode) {
  switch (mode) {
    case File::Mode::kRead:
      return O_RDONLY;
    case File::Mode::kReadWrite:
    case File::Mode::kTruncate:
      return O_RDWR | O_CREAT;
    case File::Mode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

// What a file system without RENAME_NOREPLACE offers: link() never replaces either.
Status LinkInstead(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) != 0) {
    return SystemError(errno, fmt::format("rename {} to {}", from, to));
  }
  return Remove(from);
}

FileKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  if (S_ISFIFO(mode) || S_ISCHR(mode) || S_ISSOCK(mode)) return FileKind::kStream;
  return FileKind::kOther;
}

FileInfo InfoOf(const struct stat& status) {
  return {.size = static_cast<uint64_t>(status.st_size),
          .device = static_cast<uint64_t>(status.st_dev),
          .inode = static_cast<uint64_t>(status.st_ino),
          .modified_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
          .kind = KindOf(status.st_mode)};
}

std::string RemedyFor(int error_number) {
  switch (error_number) {
    case ENOSPC:
      return "make room on that disk, then run again: what was committed stays";
    case EDQUOT:
      return "make room in your quota, then run again: what was committed stays";
    case EFBIG:
      return "the file system or the shell's ulimit -f allows no larger file";
    case EROFS:
      return "the file system is mounted read-only: choose another folder, or mount it for writing";
    case EACCES:
    case EPERM:
      return "check the owner and the permissions of the file and of the folders above it (ls -ld)";
    case EISDIR:
      return "this is a folder: name a file in it";
    case ENOTDIR:
      return "a part of this path is a file and no folder: check the path";
    case ENOENT:
      return "check the path";
    case ELOOP:
      return "symbolic links on this path lead to each other: check them with ls -l";
    case EMFILE:
    case ENFILE:
      return "too many files are open: raise the limit (ulimit -n)";
    case EIO:
      return "the disk or the network below the file system failed: look at dmesg before you go on";
    default:
      return {};
  }
}

StatusCode CodeFor(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return StatusCode::kFull;
    case ENOENT:
    case ENOTDIR:
      return StatusCode::kNotFound;
    case EEXIST:
      return StatusCode::kBusy;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return StatusCode::kExhausted;
    default:
      return StatusCode::kIo;
  }
}

}  // namespace

Status SystemError(int error_number, const std::string& doing) {
  std::string words = std::generic_category().message(error_number);
  if (!words.empty() && words[0] >= 'A' && words[0] <= 'Z') words[0] += 'a' - 'A';
  return {CodeFor(error_number), fmt::format("cannot {}: {}", doing, words),
          RemedyFor(error_number)};
}

uint64_t BytesWritten() { return bytes_written.load(std::memory_order_relaxed); }
void AddBytesWritten(uint64_t bytes) { bytes_written.fetch_add(bytes, std::memory_order_relaxed); }

ScopedFileHook::ScopedFileHook(FileHook hook) : hook_(std::move(hook)) {
  file_hook.store(&hook_, std::memory_order_release);
}
ScopedFileHook::~ScopedFileHook() { file_hook.store(nullptr, std::memory_order_release); }

Result<File> File::Open(const std::string& path, Mode mode) {
  const int flags = OpenFlags(mode);
  const FileEvent event{.call = FileCall::kOpen, .path = path, .creates = (flags & O_CREAT) != 0};
  const int descriptor =
      CallSystem(event, [&] { return open(path.c_str(), flags | O_CLOEXEC, 0666); });
  if (descriptor < 0) return Error(SystemError(errno, "open " + path));

  File file(descriptor, path);
  if (mode == Mode::kRead) {
    // open() lets a directory through, and only read() would say so.
    const Result<FileInfo> info = file.Info();
    if (!info) return Error(info.error());
    if (info->kind == FileKind::kDirectory) return Error(SystemError(EISDIR, "read " + path));
  }
  if (mode == Mode::kTruncate) {
    if (Status status = file.Truncate(0); !status.ok()) return Error(status);
  }
  return file;
}

File File::Adopt(int descriptor, std::string path) { return {descriptor, std::move(path)}; }

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      direct_(other.direct_),
      position_(other.position_),
      path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    direct_ = other.direct_;
    position_ = other.position_;
    path_ = std::move(other.path_);
  }
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<size_t> File::Read(char* to, size_t size) {
  const ssize_t count = CallSystem({.call = FileCall::kRead, .path = path_, .offset = position_},
                                   [&] { return read(descriptor_, to, size); });
  if (count < 0) {
    return Error(SystemError(errno, fmt::format("read {} at byte {}", path_, position_)));
  }
  position_ += static_cast<uint64_t>(count);
  return static_cast<size_t>(count);
}

Result<size_t> File::PRead(char* to, size_t size, uint64_t offset) const {
  size_t done = 0;
  while (done < size) {
    const uint64_t at = offset + done;
    const ssize_t count = CallSystem({.call = FileCall::kRead, .path = path_, .offset = at}, [&] {
      return pread(descriptor_, to + done, size - done, static_cast<off_t>(at));
    });
    if (count < 0) {
      return Error(SystemError(errno, fmt::format("read {} at byte {}", path_, at)));
    }
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Status File::Write(std::string_view bytes) {
  Status status = WriteAll(bytes, position_, [this](std::string_view rest, uint64_t) {
    return write(descriptor_, rest.data(), rest.size());
  });
  if (status.ok()) position_ += bytes.size();
  return status;
}

Status File::PWrite(std::string_view bytes, uint64_t offset) {
  return WriteAll(bytes, offset, [this](std::string_view rest, uint64_t at) {
    return pwrite(descriptor_, rest.data(), rest.size(), static_cast<off_t>(at));
  });
}

template <typename WriteSome>
Status File::WriteAll(std::string_view bytes, uint64_t offset, WriteSome write_some) {
  while (!bytes.empty()) {
    const FileEvent event{
        .call = FileCall::kWrite, .path = path_, .offset = offset, .bytes = bytes};
    const ssize_t count = CallSystem(event, [&] { return write_some(bytes, offset); });
    if (count < 0 && errno == EINVAL && direct_) {
      PreferDirectWrites(false);
      continue;
    }
    if (count < 0) return SystemError(errno, fmt::format("write {} at byte {}", path_, offset));
    AddBytesWritten(static_cast<uint64_t>(count));
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return {};
}

Status File::Sync() {
  // The data and the size: all that is needed to read the file again.
  const int result =
      CallSystem({.call = FileCall::kSync, .path = path_}, [&] { return fdatasync(descriptor_); });
  return result == 0 ? Status() : SystemError(errno, "sync " + path_);
}

Status File::Truncate(uint64_t size) {
  const int result = CallSystem({.call = FileCall::kTruncate, .path = path_, .offset = size},
                                [&] { return ftruncate(descriptor_, static_cast<off_t>(size)); });
  return result == 0 ? Status()
                     : SystemError(errno, fmt::format("cut {} to {} bytes", path_, size));
}

Status File::Seek(uint64_t offset) {
  if (lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0) {
    return SystemError(errno, fmt::format("go to byte {} of {}", offset, path_));
  }
  position_ = offset;
  return {};
}

Result<FileInfo> File::Info() const {
  struct stat status;
  if (fstat(descriptor_, &status) != 0) return Error(SystemError(errno, "look at " + path_));
  return InfoOf(status);
}

Status File::Close() {
  const int descriptor = std::exchange(descriptor_, -1);
  // Not again after EINTR: on Linux the descriptor is gone, and may be another thread's file by
  // now.
  if (descriptor >= 0 && close(descriptor) != 0 && errno != EINTR) {
    return SystemError(errno, "close " + path_);
  }
  return {};
}

void File::PreferDirectWrites(bool direct) {
  const int flags = fcntl(descriptor_, F_GETFL);
  const int wanted = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
  direct_ = flags >= 0 && fcntl(descriptor_, F_SETFL, wanted) == 0 && direct;
}

void File::Reserve(uint64_t offset, uint64_t size) {
  static_cast<void>(fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                              static_cast<off_t>(size)));
}

void File::ExpectSequentialReads() const {
  posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

Result<FileInfo> Stat(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return Error(Status::NotFound(path + ": there is no such file or folder", "check the path"));
    return Error(SystemError(errno, "look at " + path));
  }
  return InfoOf(status);
}

bool Exists(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

Result<std::string> CanonicalPath(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), &free);
  if (!resolved) return Error(SystemError(errno, "find " + path));
  return std::string(resolved.get());
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string Join(const std::string& directory, std::string_view name) {
  return directory + (directory.ends_with('/') ? "" : "/") + std::string(name);
}

Result<std::string> ReadFile(const std::string& path, uint64_t limit) {
  Result<File> file = File::Open(path, File::Mode::kRead);
  if (!file) return Error(file.error());
  constexpr size_t kStep = 64 << 10;
  std::string text;
  for (;;) {
    const size_t before = text.size();
    text.resize(before + kStep);
    const Result<size_t> count = file->Read(text.data() + before, kStep);
    if (!count) return Error(count.error());
    text.resize(before + *count);
    if (text.size() > limit) {
      return Error(Status::Unsupported(fmt::format("{} is longer than {} bytes", path, limit),
                                       "check that this is the file you mean"));
    }
    if (*count == 0) return text;
  }
}

Status Rename(const std::string& from, const std::string& to) {
  const int result = CallSystem({.call = FileCall::kRename, .path = from, .to = to},
                                [&] { return rename(from.c_str(), to.c_str()); });
  return result == 0 ? Status() : SystemError(errno, fmt::format("rename {} to {}", from, to));
}

Status RenameNoReplace(const std::string& from, const std::string& to) {
  const int result = CallSystem({.call = FileCall::kRename, .path = from, .to = to}, [&] {
    return renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  });
  if (result == 0) return {};
  const int error_number = errno;
  if (error_number == EINVAL || error_number == ENOSYS) return LinkInstead(from, to);
  return SystemError(error_number, fmt::format("rename {} to {}", from, to));
}

Status Remove(const std::string& path) {
  const int result =
      CallSystem({.call = FileCall::kRemove, .path = path}, [&] { return unlink(path.c_str()); });
  return result == 0 || errno == ENOENT ? Status() : SystemError(errno, "remove " + path);
}

Status SyncDirectory(const std::string& path) {
  const FileEvent event{.call = FileCall::kSyncDirectory, .path = path};
  const int descriptor =
      CallSystem(event, [&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return SystemError(errno, "sync folder " + path);
  const File directory = File::Adopt(descriptor, path);
  // Some file systems sync no directories and say EINVAL: their names are as durable as they will
  // ever be.
  if (fsync(descriptor) != 0 && errno != EINVAL) return SystemError(errno, "sync folder " + path);
  return {};
}

}  // namespace sluice
