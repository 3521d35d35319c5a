// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string_view>

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sluice {
namespace {

// A v1 group without a limit says the largest multiple of the page size: anything near it is no
// limit.
constexpr uint64_t kNoLimit = uint64_t{1} << 60;

void TakeSmallerLimit(const std::string& path, std::optional<uint64_t>* limit) {
  std::ifstream file(path);
  uint64_t bytes = 0;
  if (!(file >> bytes) || bytes >= kNoLimit) return;  // "max" is no number
  *limit = std::min(bytes, limit->value_or(bytes));
}

// The limit of a group and of all groups above it. In a container the path is that of the host and
// may not be there: its parents, up to the root of the mount, then are.
void TakeLimitsUpwards(const std::string& mount, std::string group, const char* name,
                       std::optional<uint64_t>* limit) {
  for (;;) {
    TakeSmallerLimit(mount + group + "/" + name, limit);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return;
    group.resize(slash);
  }
}

bool NamesMemory(std::string_view controllers) {
  while (!controllers.empty()) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "memory") return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
  return false;
}

// A line of /proc/self/status: "VmHWM:     5632 kB".
uint64_t StatusField(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(name)) continue;
    const char* digits = line.data() + line.find_first_of("0123456789");
    uint64_t kibibytes = 0;
    std::from_chars(digits, line.data() + line.size(), kibibytes);
    return kibibytes << 10;
  }
  return 0;
}

}  // namespace

uint64_t MachineMemory() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<uint64_t> CgroupMemoryLimit(const std::string& root) {
  std::optional<uint64_t> limit;
  std::ifstream groups(root + "/proc/self/cgroup");
  // Lines are "hierarchy:controllers:path"; version 2 has no controllers: "0::/user.slice".
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string_view controllers =
        std::string_view(line).substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/") group.clear();
    if (controllers.empty()) {
      TakeLimitsUpwards(root + "/sys/fs/cgroup", group, "memory.max", &limit);
    } else if (NamesMemory(controllers)) {
      TakeLimitsUpwards(root + "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", &limit);
    }
  }
  return limit;
}

uint64_t MemoryLimit() {
  return std::min(MachineMemory(), CgroupMemoryLimit().value_or(UINT64_MAX));
}

uint64_t ResidentMemory() { return StatusField("VmRSS:"); }
uint64_t PeakResidentMemory() { return StatusField("VmHWM:"); }

void ReleaseFreeMemory() { malloc_trim(0); }

void KeepHeapSmall() {
  // Fixed: malloc would raise the threshold with the first large block that is freed.
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

void ForgetCodePages() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0;
    uint64_t end = 0;
    char permissions[5] = {};
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s", &begin, &end, permissions) != 3) {
      continue;
    }
    // Code of files only: it is never written to, so that the file has all of it.
    const bool is_code = std::string_view(permissions) == "r-xp" && line.find('/') != line.npos;
    if (is_code) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

}  // namespace sluice
