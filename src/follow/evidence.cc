// SPDX-License-Identifier: Apache-2.0
#include "follow/evidence.h"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "source/open.h"

namespace sluice {
namespace {

constexpr size_t kLongestFirstLine = size_t{64} << 10;

// A line, or as much of it as lies in the bytes that are compared.
struct Fragment {
  std::string_view bytes;
  bool has_begin = true;
  bool has_end = true;
};

// The lines of a stretch of bytes. Its last line ends where it ends, if `ends_line`.
std::vector<Fragment> FragmentsOf(std::string_view bytes, bool begins_line, bool ends_line) {
  std::vector<Fragment> fragments;
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const bool is_whole = newline != std::string_view::npos;
    fragments.push_back({.bytes = bytes.substr(0, newline),
                         .has_begin = begins_line,
                         .has_end = is_whole || ends_line});
    bytes.remove_prefix(is_whole ? newline + 1 : bytes.size());
    begins_line = true;
  }
  return fragments;
}

// Whether the lines of two fragments differ, of which the first has its begin. Nothing if they are
// different parts of their lines.
std::optional<bool> Differ(const Fragment& line, const Fragment& other) {
  if (!other.has_begin) {
    if (line.has_end && other.has_end) return !line.bytes.ends_with(other.bytes);
    return std::nullopt;
  }
  if (line.has_end && other.has_end) return line.bytes != other.bytes;
  if (line.has_end) return !line.bytes.starts_with(other.bytes);
  if (other.has_end) return !other.bytes.starts_with(line.bytes);
  return !line.bytes.starts_with(other.bytes) && !other.bytes.starts_with(line.bytes);
}

// The first line of a file, or its first bytes if it is longer than that.
Result<Fragment> FirstLine(const std::string& path, std::string* bytes) {
  const Result<std::unique_ptr<Source>> source = OpenSource(path);
  if (!source) return Error(source.error());
  bytes->resize(kLongestFirstLine);
  size_t size = 0;
  while (size < bytes->size()) {
    const Result<size_t> read = (*source)->Read(bytes->data() + size, bytes->size() - size);
    if (!read) return Error(read.error());
    if (*read == 0) break;
    size += *read;
  }
  bytes->resize(size);
  const size_t newline = bytes->find('\n');
  return Fragment{.bytes = std::string_view(*bytes).substr(0, newline),
                  .has_end = newline != std::string::npos};
}

Result<bool> HasDifferingLines(const Offset& offset, const Place& place, const std::string& path) {
  const bool is_all = offset.bytes <= kIdentityWindow;
  std::vector<Fragment> fragments = FragmentsOf(place.head, true, is_all);
  if (!is_all) {
    const std::vector<Fragment> last = FragmentsOf(place.before, false, true);
    fragments.insert(fragments.end(), last.begin(), last.end());
  }
  if (fragments.empty()) return false;
  bool is_open = false;
  for (const Fragment& other : fragments) {
    const std::optional<bool> differ = Differ(fragments.front(), other);
    if (differ.value_or(false)) return true;
    is_open |= !differ;
  }
  if (!is_open || offset.lines < 2) return false;

  std::string bytes;
  const Result<Fragment> first = FirstLine(path, &bytes);
  if (!first) return Error(first.error());
  return !first->has_end || Differ(*first, fragments.back()).value_or(true);
}

}  // namespace

Result<Evidence> EvidenceOf(const Offset& offset, const Place& place, const std::string& path) {
  if (offset.bytes < kIdentityWindow) return Evidence::kWeak;
  const Result<bool> differ = HasDifferingLines(offset, place, path);
  if (!differ) return Error(differ.error());
  return *differ ? Evidence::kStrong : Evidence::kWeak;
}

}  // namespace sluice
