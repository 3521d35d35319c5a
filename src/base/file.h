// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/status.hpp"

namespace sluice {

enum class FileKind : uint8_t {
  kRegular,
  kDirectory,
  kStream,
  kOther
};  // kStream: pipe, socket, terminal

struct FileInfo {
  uint64_t size = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t modified_ns = 0;  // since 1970
  FileKind kind = FileKind::kOther;

  bool SameFileAs(const FileInfo& other) const {
    return device == other.device && inode == other.inode;
  }
};

// An open file descriptor that knows its path.
//
// Lifetime: closes the descriptor when it goes. Movable; empty after being moved from.
// Threads: one thread at a time; PRead from any thread.
// Errors: each says path, what failed in the system's words, and what to do; kNotFound where it is
// not there, and only there; kFull where no space is left; kExhausted where there are too many open
// files. Calls that a signal interrupted, or that did a part, go on. Durability: nothing is
// durable before Sync(), and a new name not before SyncDirectory() of its directory.
class File {
 public:
  enum class Mode : uint8_t {
    kRead,       // must exist, and not be a directory
    kReadWrite,  // made where it does not exist
    kTruncate,   // made, or emptied
    kCreateNew,  // kBusy where it exists
  };

  static Result<File> Open(const std::string& path, Mode mode);
  // Takes over a descriptor that is open already; `path` is for messages.
  static File Adopt(int descriptor, std::string path);

  File() = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  // Reads at the file's position. Fewer bytes than `size` where no more are there at the moment; 0
  // at the end.
  Result<size_t> Read(char* to, size_t size);
  // Reads at `offset`: fewer bytes than `size` only where the file ends.
  Result<size_t> PRead(char* to, size_t size, uint64_t offset) const;
  // All of it, or an error.
  Status Write(std::string_view bytes);
  Status PWrite(std::string_view bytes, uint64_t offset);
  Status Sync();
  Status Truncate(uint64_t size);
  // Moves the position of Read and Write.
  Status Seek(uint64_t offset);
  Result<FileInfo> Info() const;
  // Says what the destructor would keep to itself.
  Status Close();

  // Writes pass the page cache (O_DIRECT) from here on, where the file system can do that; it takes
  // memory, sizes and offsets that are multiples of 4,096. At the first write that it refuses, this
  // one and all that follow go through the cache again.
  void PreferDirectWrites(bool direct);

  // Has the file system set blocks aside for `size` bytes at `offset`, so that it need not look for
  // them write by write. The file does not become longer by it; Truncate gives back what is behind
  // its end. Only a hint: where it fails, writes say what is wrong.
  void Reserve(uint64_t offset, uint64_t size);

  // It will be read from front to back: the system reads further ahead.
  void ExpectSequentialReads() const;

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  const std::string& path() const { return path_; }

 private:
  File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  template <typename WriteSome>
  Status WriteAll(std::string_view bytes, uint64_t offset, WriteSome write_some);

  int descriptor_ = -1;
  bool direct_ = false;    // O_DIRECT is set
  uint64_t position_ = 0;  // of Read and Write; only told to the hook
  std::string path_;
};

// kNotFound where nothing is there; after any other error nobody knows. Symbolic links are
// followed.
Result<FileInfo> Stat(const std::string& path);
// Whether the system failed at it, be it for now or for want of a permission: that says nothing
// about what is there, and nobody may take it for gone.
inline bool SaysNothing(const Status& failure) {
  return failure.code() == StatusCode::kIo || failure.code() == StatusCode::kExhausted;
}
// Whether it is known that nothing is there.
inline bool IsGone(const Result<FileInfo>& info) {
  return !info && info.error().code() == StatusCode::kNotFound;
}
bool Exists(const std::string& path);
// Absolute, without symbolic links, "." and "..". The file must exist.
Result<std::string> CanonicalPath(const std::string& path);
// "dir/name" → "dir", "name" → ".", "/name" → "/".
std::string DirectoryOf(const std::string& path);

// The path of what has that name in the directory, or of what lies further below it.
std::string Join(const std::string& directory, std::string_view name);

// kNotFound where it is not there; kUnsupported where it is longer than `limit`.
Result<std::string> ReadFile(const std::string& path, uint64_t limit);

// Replaces what has the new name.
Status Rename(const std::string& from, const std::string& to);
// kBusy where something has the new name (renameat2 with RENAME_NOREPLACE, I6).
Status RenameNoReplace(const std::string& from, const std::string& to);
// Not an error where it is not there.
Status Remove(const std::string& path);
Status SyncDirectory(const std::string& path);

// A Status in the system's words: "cannot open /x: permission denied", with the remedy that fits.
// `doing` stands after "cannot": "open /x".
Status SystemError(int error_number, const std::string& doing);

// Bytes that this process has written, wherever they left it: File counts here, and so does the VFS
// under SQLite.
uint64_t BytesWritten();
void AddBytesWritten(uint64_t bytes);

// --- The one fault hook: tests see every call below before it is made, can make it fail, and can
// log it to replay a power loss. One load of a pointer a call when it is not set.

enum class FileCall : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kRename,
  kRemove,
  kSyncDirectory,
};

struct FileEvent {
  FileCall call;
  std::string_view path;
  std::string_view to = {};     // kRename: the new name
  uint64_t offset = 0;          // kRead, kWrite; kTruncate: the new size
  std::string_view bytes = {};  // kWrite
  bool creates = false;         // kOpen: the file may be made; kTruncate comes apart
};

// 0 lets the call go on; an errno fails it.
// Threads: called from every thread that touches a file.
using FileHook = std::function<int(const FileEvent&)>;

// Sets the hook of the process for its own lifetime.
// Threads: no file is touched by another thread while it is set or taken away.
class ScopedFileHook {
 public:
  explicit ScopedFileHook(FileHook hook);
  ~ScopedFileHook();
  ScopedFileHook(const ScopedFileHook&) = delete;
  ScopedFileHook& operator=(const ScopedFileHook&) = delete;

 private:
  FileHook hook_;
};

}  // namespace sluice
