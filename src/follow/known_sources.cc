// SPDX-License-Identifier: Apache-2.0
#include "follow/known_sources.h"

#include <algorithm>
#include <string>

namespace sluice {
namespace {

uint64_t HashOfPath(std::string_view path) { return std::hash<std::string_view>()(path); }
// Devices are few and small, so that no two inodes of one run share a hash.
uint64_t HashOfInode(const SourceKey& key) { return key.inode ^ (key.device << 40); }

}  // namespace

KnownSources::KnownSources(const std::vector<StoredSource>& sources) {
  for (const StoredSource& source : sources) Add(source);
}

KnownSources::Content KnownSources::ContentOf(int64_t id, const Offset& offset, bool stands) {
  return {.head = offset.head.low,
          .bytes = offset.bytes,
          .tail = offset.tail.low,
          .stands = stands,
          .id = id};
}

void KnownSources::Add(const StoredSource& source) {
  by_path_.emplace(HashOfPath(source.key.path), source.id);
  by_inode_.emplace(HashOfInode(source.key), source.id);
  if (source.offset.bytes >= kIdentityWindow) {
    by_content_.insert(ContentOf(source.id, source.offset, false));
  }
  if (!fetch_) kept_.insert_or_assign(source.id, source);
}

// Under its old place it is still looked for, and Select sees that it is not there.
void KnownSources::Move(const StoredSource& source, const SourceKey& key) {
  if (source.key.path != key.path) by_path_.emplace(HashOfPath(key.path), source.id);
  if (!source.key.SameFileAs(key)) by_inode_.emplace(HashOfInode(key), source.id);
  if (fetch_) {
    moved_.insert_or_assign(source.id, key);
  } else {
    kept_.at(source.id).key = key;
  }
  emptied_.erase(source.id);
  Stands(source);
}

void KnownSources::Stands(const StoredSource& source) {
  if (by_content_.erase(ContentOf(source.id, source.offset, false)) == 0) return;
  by_content_.insert(ContentOf(source.id, source.offset, true));
  if (fetch_) standing_.emplace_back(source.id, source.offset);
}

void KnownSources::Settle() {
  for (const auto& [id, offset] : standing_) {
    by_content_.erase(ContentOf(id, offset, true));
    by_content_.insert(ContentOf(id, offset, false));
  }
  standing_.clear();
  moved_.clear();
}

void KnownSources::Advance(int64_t id, const Offset& before, const Offset& after) {
  by_content_.erase(ContentOf(id, before, false));
  if (after.bytes >= kIdentityWindow) by_content_.insert(ContentOf(id, after, false));
}

Result<StoredSource> KnownSources::Get(int64_t id) const {
  if (!fetch_) return kept_.at(id);
  Result<StoredSource> source = fetch_(id);
  const auto moved = moved_.find(id);
  if (source && moved != moved_.end()) source->key = moved->second;
  return source;
}

void KnownSources::AppendPaths(std::vector<std::string_view>* paths) const {
  for (const auto& [id, source] : kept_) paths->push_back(source.key.path);
}

template <typename Is>
Result<std::vector<StoredSource>> KnownSources::Select(const Index& index, uint64_t hash,
                                                       Is is) const {
  std::set<int64_t> ids;
  const auto [begin, end] = index.equal_range(hash);
  for (auto at = begin; at != end; ++at) ids.insert(at->second);
  std::vector<StoredSource> found;
  for (const int64_t id : ids) {
    Result<StoredSource> source = Get(id);
    if (!source) return Error(source.error());
    if (is(*source)) found.push_back(std::move(*source));
  }
  return found;
}

Result<std::vector<StoredSource>> KnownSources::AtPath(std::string_view path) const {
  return Select(by_path_, HashOfPath(path),
                [&](const StoredSource& source) { return source.key.path == path; });
}

Result<std::vector<StoredSource>> KnownSources::OfInode(const SourceKey& key) const {
  return Select(by_inode_, HashOfInode(key),
                [&](const StoredSource& source) { return source.key.SameFileAs(key); });
}

std::optional<uint64_t> KnownSources::OffsetBelow(const ContentHash& head, uint64_t limit) const {
  const auto behind = by_content_.lower_bound({.head = head.low, .bytes = limit});
  if (behind == by_content_.begin()) return std::nullopt;
  const Content& found = *std::prev(behind);
  return found.head == head.low ? std::optional(found.bytes) : std::nullopt;
}

Result<std::optional<KnownSources::Alike>> KnownSources::WithContent(
    const Offset& offset, const std::vector<int64_t>& except) const {
  const Content wanted = ContentOf(INT64_MIN, offset, false);
  for (auto at = by_content_.lower_bound(wanted); at != by_content_.end(); ++at) {
    if (at->head != wanted.head || at->bytes != wanted.bytes || at->tail != wanted.tail) break;
    if (std::ranges::find(except, at->id) != except.end()) continue;
    Result<StoredSource> source = Get(at->id);
    if (!source) return Error(source.error());
    const bool has_it = source->offset.head == offset.head && source->offset.tail == offset.tail;
    if (has_it) return std::optional(Alike{.source = std::move(*source), .stands = at->stands});
  }
  return std::optional<Alike>();
}

}  // namespace sluice
