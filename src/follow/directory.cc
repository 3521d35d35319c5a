// SPDX-License-Identifier: Apache-2.0
#include "follow/directory.h"

#include <algorithm>
#include <memory>

#include <ctype.h>

#include "source/open.h"

namespace sluice {

std::vector<DirectoryEntry> EntriesOf(const std::string& directory) {
  std::vector<DirectoryEntry> entries;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (stream == nullptr) return entries;
  while (const dirent* entry = readdir(stream.get())) {
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

std::vector<std::string> PathsOfInode(const SourceKey& key) {
  std::vector<std::string> paths;
  const std::string directory = DirectoryOf(key.path);
  for (const DirectoryEntry& entry : EntriesOf(directory)) {
    if (entry.inode != key.inode) continue;
    std::string path = Join(directory, entry.name);
    const Result<FileInfo> info = Stat(path);
    if (info && info->kind == FileKind::kRegular && IsFileOf(*info, key))
      paths.push_back(std::move(path));
  }
  return paths;
}

Folder::Folder(std::string path, const std::vector<FileInfo>& untouched)
    : path_(std::move(path)), untouched_(untouched), entries_(EntriesOf(path_)) {
  by_inode_.reserve(entries_.size());
  for (uint32_t i = 0; i < entries_.size(); ++i) by_inode_.emplace(entries_[i].inode, i);
}

bool Folder::IsUntouched(const FileInfo& info) const {
  return std::ranges::any_of(untouched_,
                             [&](const FileInfo& other) { return info.SameFileAs(other); });
}

std::vector<std::string> Folder::PathsOfInode(const SourceKey& key) const {
  std::vector<std::string> paths;
  const auto [begin, end] = by_inode_.equal_range(key.inode);
  for (auto at = begin; at != end; ++at) {
    std::string path = Join(path_, entries_[at->second].name);
    const Result<FileInfo> info = Stat(path);
    const bool is_it = info && info->kind == FileKind::kRegular && IsFileOf(*info, key);
    if (is_it && !IsUntouched(*info)) paths.push_back(std::move(path));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> Folder::PathsWithHead(const ContentHash& head) {
  if (!has_heads_) ReadHeads();
  std::vector<std::string> paths;
  const auto [begin, end] = by_head_.equal_range(head.low);
  for (auto at = begin; at != end; ++at) paths.push_back(Join(path_, entries_[at->second].name));
  std::sort(paths.begin(), paths.end());
  return paths;
}

void Folder::ReadHeads() {
  has_heads_ = true;
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    const std::string path = Join(path_, entries_[i].name);
    const Result<FileInfo> info = Stat(path);
    if (!info || info->kind != FileKind::kRegular || info->size == 0 || IsUntouched(*info))
      continue;
    const std::string head = HeadOf(path);
    if (head.size() == kIdentityWindow) by_head_.emplace(HashOf(head).low, i);
  }
}

std::vector<std::string> Folder::RotatedNames(std::string_view original) const {
  const auto before = [](std::string_view a, const DirectoryEntry& b) { return a < b.name; };
  std::vector<std::string> names;
  for (auto entry = std::upper_bound(entries_.begin(), entries_.end(), original, before);
       entry != entries_.end() && entry->name.starts_with(original); ++entry) {
    if (IsRotatedName(entry->name, original)) names.push_back(entry->name);
  }
  return names;
}

std::vector<std::string> Folder::PlausibleNames(std::string_view original) const {
  std::vector<std::string> names = RotatedNames(original);
  const auto before = [](const DirectoryEntry& a, const std::string& b) { return a.name < b; };
  for (const char separator : std::string_view("-._")) {
    const std::string stem(original.substr(0, original.rfind('.')));
    const std::string begin = stem + separator;
    for (auto entry = std::lower_bound(entries_.begin(), entries_.end(), begin, before);
         entry != entries_.end() && entry->name.starts_with(begin); ++entry) {
      if (IsRotatedName(entry->name, original)) continue;
      const std::vector<std::string> originals = NamesBeforeRotation(entry->name);
      if (std::ranges::find(originals, original) != originals.end()) names.push_back(entry->name);
    }
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
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  }
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return originals;
  const std::string_view extension = name.substr(dot);
  const size_t end = name.substr(0, dot).find_last_not_of("0123456789-._T:");
  if (end == std::string_view::npos || end + 1 == dot) return originals;
  const std::string_view number = name.substr(end + 1, dot - end - 1);
  const bool is_number = std::string_view("-._").find(number.front()) != std::string_view::npos &&
                         number.find_first_of("0123456789") != std::string_view::npos;
  if (is_number) originals.push_back(std::string(name.substr(0, end + 1)).append(extension));
  return originals;
}

std::string HeadOf(const std::string& path) {
  const Result<std::unique_ptr<Source>> source = OpenSource(path);
  return source ? HeadOf(source->get()) : std::string();
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
