// SPDX-License-Identifier: Apache-2.0
#include "follow/directory.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <ctype.h>
#include <errno.h>

#include "source/open.h"

namespace sluice {
namespace {

constexpr std::string_view kDigits = "0123456789";
// One of these stands before the number or date of a rotated file.
constexpr std::string_view kBeforeNumber = "-._";
constexpr std::string_view kPacked[] = {".gz", ".zst"};

std::string_view WithoutPacked(std::string_view name) {
  for (const std::string_view packed : kPacked) {
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  }
  return name;
}

// A name with a number or date before its extension, and the name without it.
struct Numbered {
  std::string original;
  size_t digits = 0;
};

std::optional<Numbered> NumberedName(std::string_view name) {
  name = WithoutPacked(name);
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  const size_t end = name.substr(0, dot).find_last_not_of("0123456789-._T:");
  if (end == std::string_view::npos || end + 1 == dot) return std::nullopt;
  const std::string_view number = name.substr(end + 1, dot - end - 1);
  if (kBeforeNumber.find(number.front()) == std::string_view::npos) return std::nullopt;
  const auto digits = std::ranges::count_if(
      number, [](char c) { return kDigits.find(c) != std::string_view::npos; });
  if (digits == 0) return std::nullopt;
  return Numbered{.original = std::string(name.substr(0, end + 1)).append(name.substr(dot)),
                  .digits = static_cast<size_t>(digits)};
}

enum class Shift : uint8_t { kUp, kDown };

// The name with other numbers, nearest first, for the last number in it that is no date: a rotation
// gives each file that it keeps the next one. Compressed or not, as it may have become meanwhile.
std::vector<std::string> Shifted(std::string_view name, Shift shift) {
  constexpr size_t kMostDigits = 3;
  constexpr int kMostShifts = 16;  // rotations between two looks at a file
  std::vector<std::string> names;
  const std::string_view plain = WithoutPacked(name);
  const size_t last = plain.find_last_of(kDigits);
  if (last == std::string_view::npos) return names;
  const size_t before = plain.find_last_not_of(kDigits, last);
  if (before == std::string_view::npos ||
      kBeforeNumber.find(plain[before]) == std::string_view::npos)
    return names;
  const std::string_view digits = plain.substr(before + 1, last - before);
  if (digits.size() > kMostDigits) return names;
  const int number = std::stoi(std::string(digits));
  for (int i = 1; i <= kMostShifts; ++i) {
    const int other = shift == Shift::kUp ? number + i : number - i;
    if (other < 0) break;
    std::string text = std::to_string(other);
    if (digits.front() == '0' && text.size() < digits.size())
      text.insert(0, digits.size() - text.size(), '0');
    const std::string shifted =
        std::string(plain.substr(0, before + 1)).append(text).append(plain.substr(last + 1));
    for (const std::string_view packed : {"", ".gz", ".zst"})
      names.push_back(shifted + std::string(packed));
  }
  return names;
}

}  // namespace

Result<std::vector<DirectoryEntry>> EntriesOf(const std::string& directory) {
  std::vector<DirectoryEntry> entries;
  const auto failure = [&directory](int error_number) {
    return SystemError(error_number, "read folder " + directory);
  };
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (stream == nullptr) {
    Status why = failure(errno);
    if (why.code() == StatusCode::kNotFound) return entries;
    return Error(std::move(why));
  }
  for (;;) {
    errno = 0;  // readdir() leaves it alone at the end
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr && errno != 0) return Error(failure(errno));
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    entries.push_back({.name = entry->d_name, .inode = entry->d_ino, .type = entry->d_type});
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

bool IsFileOf(const FileInfo& info, const SourceKey& key) {
  return info.device == key.device && info.inode == key.inode;
}

Result<std::vector<std::string>> PathsOfInode(const SourceKey& key) {
  std::vector<std::string> paths;
  const std::string directory = DirectoryOf(key.path);
  const Result<std::vector<DirectoryEntry>> entries = EntriesOf(directory);
  if (!entries) return Error(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    if (entry.inode != key.inode) continue;
    std::string path = Join(directory, entry.name);
    const Result<FileInfo> info = Stat(path);
    if (!info && !IsGone(info)) return Error(info.error());
    if (info && info->kind == FileKind::kRegular && IsFileOf(*info, key))
      paths.push_back(std::move(path));
  }
  return paths;
}

Folder::Folder(std::string path, const std::vector<FileInfo>& untouched)
    : path_(std::move(path)), untouched_(untouched) {
  Result<std::vector<DirectoryEntry>> entries = EntriesOf(path_);
  if (entries) {
    entries_ = std::move(*entries);
  } else {
    listed_ = entries.error();
  }
  by_inode_.reserve(entries_.size());
  for (uint32_t i = 0; i < entries_.size(); ++i) by_inode_.emplace(entries_[i].inode, i);
}

bool Folder::IsUntouched(const FileInfo& info) const {
  return std::ranges::any_of(untouched_,
                             [&](const FileInfo& other) { return info.SameFileAs(other); });
}

Result<std::vector<std::string>> Folder::PathsOfInode(const SourceKey& key) const {
  if (!listed_.ok()) return Error(listed_);
  std::vector<std::string> paths;
  const auto [begin, end] = by_inode_.equal_range(key.inode);
  for (auto at = begin; at != end; ++at) {
    std::string path = Join(path_, entries_[at->second].name);
    const Result<FileInfo> info = Stat(path);
    if (!info && !IsGone(info)) return Error(info.error());
    const bool is_it = info && info->kind == FileKind::kRegular && IsFileOf(*info, key);
    if (is_it && !IsUntouched(*info)) paths.push_back(std::move(path));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<std::vector<std::string>> Folder::PathsWithHead(const ContentHash& head) {
  if (!has_heads_) {
    if (Status s = ReadHeads(); !s.ok()) return Error(s);
  }
  std::vector<std::string> paths;
  const auto [begin, end] = by_head_.equal_range(head.low);
  for (auto at = begin; at != end; ++at) paths.push_back(Join(path_, entries_[at->second].name));
  std::sort(paths.begin(), paths.end());
  return paths;
}

Status Folder::ReadHeads() {
  if (!listed_.ok()) return listed_;
  by_head_.clear();
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    const std::string path = Join(path_, entries_[i].name);
    const Result<FileInfo> info = Stat(path);
    if (!info || info->kind != FileKind::kRegular || info->size == 0 || IsUntouched(*info))
      continue;
    const Result<std::string> head = HeadOf(path);
    if (!head && head.error().code() == StatusCode::kExhausted) return head.error();
    if (head && head->size() == kIdentityWindow) by_head_.emplace(HashOf(*head).low, i);
  }
  has_heads_ = true;
  return {};
}

Result<std::vector<std::string>> Folder::RotatedNames(std::string_view original) const {
  if (!listed_.ok()) return Error(listed_);
  const auto before = [](std::string_view a, const DirectoryEntry& b) { return a < b.name; };
  std::vector<std::string> names;
  for (auto entry = std::upper_bound(entries_.begin(), entries_.end(), original, before);
       entry != entries_.end() && entry->name.starts_with(original); ++entry) {
    if (IsRotatedName(entry->name, original)) names.push_back(entry->name);
  }
  return names;
}

bool Folder::Has(std::string_view name) const {
  const auto before = [](const DirectoryEntry& a, std::string_view b) { return a.name < b; };
  const auto entry = std::lower_bound(entries_.begin(), entries_.end(), name, before);
  return entry != entries_.end() && entry->name == name;
}

// Names that got a number of so many digits before their extension.
void Folder::AppendNumbered(std::string_view original, size_t least_digits,
                            std::vector<std::string>* names) const {
  const auto before = [](const DirectoryEntry& a, const std::string& b) { return a.name < b; };
  for (const char separator : kBeforeNumber) {
    const std::string stem(original.substr(0, original.rfind('.')));
    const std::string begin = stem + separator;
    for (auto entry = std::lower_bound(entries_.begin(), entries_.end(), begin, before);
         entry != entries_.end() && entry->name.starts_with(begin); ++entry) {
      if (IsRotatedName(entry->name, original)) continue;
      const std::optional<Numbered> numbered = NumberedName(entry->name);
      if (numbered && numbered->digits >= least_digits && numbered->original == original)
        names->push_back(entry->name);
    }
  }
}

Result<std::vector<std::string>> Folder::DatedNames(std::string_view original) const {
  constexpr size_t kDateDigits = 6;  // 260131
  Result<std::vector<std::string>> names = RotatedNames(original);
  if (names) AppendNumbered(original, kDateDigits, &*names);
  return names;
}

Result<std::vector<std::string>> Folder::PlausibleNames(std::string_view original) const {
  Result<std::vector<std::string>> names = RotatedNames(original);
  if (!names) return names;
  AppendNumbered(original, 1, &*names);
  for (std::string& name : Shifted(original, Shift::kUp)) {
    if (Has(name)) names->push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> FilesOfDatabase(const std::string& database) {
  return {database, database + "-wal", database + "-shm", database + "-journal"};
}

Folders::Folders(const std::vector<std::string>& untouched) {
  for (const std::string& path : untouched) {
    if (const Result<FileInfo> info = Stat(path)) untouched_.push_back(*info);
  }
}

Folder& Folders::Of(const std::string& directory) {
  return folders_.try_emplace(directory, directory, untouched_).first->second;
}

bool IsRotatedName(std::string_view name, std::string_view original) {
  return name.size() > original.size() && name.starts_with(original) &&
         isalnum(static_cast<unsigned char>(name[original.size()])) == 0;
}

std::vector<std::string> NamesBeforeRotation(std::string_view name) {
  std::vector<std::string> originals;
  for (size_t length = name.size(); length-- > 1;) {
    if (IsRotatedName(name, name.substr(0, length))) originals.emplace_back(name.substr(0, length));
  }
  if (std::optional<Numbered> numbered = NumberedName(name))
    originals.push_back(std::move(numbered->original));
  return originals;
}

std::vector<std::string> NamesBeforeShift(std::string_view name) {
  return Shifted(name, Shift::kDown);
}

Result<std::string> HeadOf(const std::string& path) {
  const Result<std::unique_ptr<Source>> source = OpenSource(path);
  if (!source) return Error(source.error());
  return HeadOf(source->get());
}

std::string HeadOf(Source* source) {
  std::string head(kIdentityWindow, '\0');
  size_t size = 0;
  while (size < head.size()) {
    const size_t read = source->Read(head.data() + size, head.size() - size).value_or(0);
    if (read == 0) break;
    size += read;
  }
  head.resize(size);
  return head;
}

}  // namespace sluice
