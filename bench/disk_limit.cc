// SPDX-License-Identifier: Apache-2.0
// disk_limit: how long the disk takes for so many bytes, if nothing else is to be done.
//
//   disk_limit FILE BYTES
//
// One thread writes a new file past the page cache (O_DIRECT), 2 MiB at a time, its blocks set
// aside beforehand, then fsync. The bytes are drawn, so that no layer below finds zeros to leave
// out. Prints one JSON object; `direct` is false where the file system refused O_DIRECT.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kWriteBytes = size_t{2} << 20;
constexpr size_t kSectorBytes =
    4096;  // what O_DIRECT wants lengths and addresses to be multiples of

[[noreturn]] void Fail(const char* what, const char* path) {
  std::fprintf(stderr, "disk_limit: %s %s: %s\n", what, path, std::strerror(errno));
  std::exit(1);
}

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};
using SectorBuffer = std::unique_ptr<unsigned char, FreeDeleter>;

SectorBuffer DrawnBytes() {
  SectorBuffer buffer(static_cast<unsigned char*>(std::aligned_alloc(kSectorBytes, kWriteBytes)));
  uint64_t x = 88172645463325252u;
  for (size_t i = 0; i < kWriteBytes; i += sizeof x) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    std::memcpy(buffer.get() + i, &x, sizeof x);
  }
  return buffer;
}

int Create(const char* path, bool* direct) {
  static constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  int file = open(path, kFlags | O_DIRECT, 0644);
  *direct = file >= 0;
  if (file < 0) file = open(path, kFlags, 0644);
  if (file < 0) Fail("cannot create", path);
  return file;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: disk_limit FILE BYTES\n", stderr);
    return 2;
  }
  const char* path = argv[1];
  const uint64_t bytes =
      (std::strtoull(argv[2], nullptr, 10) + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
  const SectorBuffer buffer = DrawnBytes();

  const Clock::time_point begin = Clock::now();
  bool direct = false;
  const int file = Create(path, &direct);
  // A file system that cannot do it says so, and nothing is lost but time.
  static_cast<void>(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)));
  for (uint64_t written = 0; written < bytes;) {
    const size_t wanted =
        bytes - written < kWriteBytes ? static_cast<size_t>(bytes - written) : kWriteBytes;
    const ssize_t some = write(file, buffer.get(), wanted);
    if (some <= 0) Fail("cannot write", path);
    written += static_cast<uint64_t>(some);
  }
  if (fsync(file) != 0) Fail("cannot sync", path);
  close(file);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("{\"seconds\":%.6f,\"bytes\":%llu,\"direct\":%s}\n", seconds,
              static_cast<unsigned long long>(bytes), direct ? "true" : "false");
}
