// SPDX-License-Identifier: Apache-2.0
#include "follow/identity.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include <ctype.h>

#include "base/directory.h"
#include "base/file.h"
#include "follow/directory.h"
#include "source/open.h"

namespace sluice {
namespace {

// A file, asked whether it has the content of known sources. Offsets are asked for in ascending
// order, so that a compressed file is decoded once, and only as far as is needed.
class Content {
 public:
  static Result<Content> Open(const std::string& path) {
    Result<std::unique_ptr<Source>> source = OpenSource(path);
    if (!source) return Error(source.error());
    return Content(std::move(*source));
  }

  const SourceKey& key() const { return source_->key(); }

  // Whether head and tail agree with those of the offset.
  Result<bool> Has(const Offset& offset) {
    const Result<bool> same_head = HasHead(offset.head);
    if (!same_head || !*same_head) return same_head;
    if (Status status = GoTo(offset.bytes); !status.ok()) return Error(status);
    return place_.reached && HashOf(place_.before) == offset.tail;
  }

  // The place that Has() was asked about last.
  const Place& place() const { return place_; }

  // Whether anything stands behind that place. What cannot be decoded counts: who reads it hears
  // why.
  bool HasMore() {
    if (!next_reached_) {
      const Result<Place> next = source_->SkipTo(place_bytes_ + 1);
      next_reached_ = !next || next->reached;
    }
    return *next_reached_;
  }

 private:
  explicit Content(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  Result<bool> HasHead(const ContentHash& hash) {
    // The head grows with the place until it is a whole window.
    if (place_.head.size() < hash.length) {
      if (Status status = GoTo(hash.length); !status.ok()) return Error(status);
    }
    if (place_.head.size() < hash.length) return false;
    return HashOf(std::string_view(place_.head).substr(0, hash.length)) == hash;
  }

  Status GoTo(uint64_t bytes) {
    if (bytes == place_bytes_) return {};
    Result<Place> place = source_->SkipTo(bytes);
    if (!place) return place.error();
    place_ = std::move(*place);
    place_bytes_ = bytes;
    next_reached_.reset();
    return {};
  }

  std::unique_ptr<Source> source_;
  Place place_;
  uint64_t place_bytes_ = 0;
  std::optional<bool> next_reached_;
};

struct Match {
  const KnownSource* known;
  Place place;
  bool has_more;
};

// The known sources whose content the file has, those with the largest offset first.
Result<std::vector<Match>> MatchesOf(Content& content, const std::vector<KnownSource>& known) {
  std::vector<const KnownSource*> by_offset;
  for (const KnownSource& source : known) {
    if (source.offset.bytes > 0) by_offset.push_back(&source);
  }
  std::stable_sort(by_offset.begin(), by_offset.end(), [](const auto* one, const auto* other) {
    return one->offset.bytes < other->offset.bytes;
  });

  std::vector<Match> matches;
  for (const KnownSource* source : by_offset) {
    const Result<bool> has = content.Has(source->offset);
    if (!has) return Error(has.error());
    if (*has) matches.push_back({source, content.place(), content.HasMore()});
  }
  std::reverse(matches.begin(), matches.end());
  return matches;
}

// Whether the file at the path of a known source still has its content. The file `asked_for` itself
// does not count: under two names it is one file.
Result<bool> OriginalStands(const KnownSource& source, const SourceKey& asked_for) {
  const Result<FileInfo> info = Stat(source.key.path);
  if (!info) {
    if (info.error().code() == StatusCode::kNotFound) return false;
    return Error(info.error());
  }
  if (info->kind != FileKind::kRegular) return false;
  if (IsFileOf(*info, asked_for)) return false;

  Result<Content> content = Content::Open(source.key.path);
  if (!content) return Error(content.error());
  const Result<bool> has = content->Has(source.offset);
  if (!has && has.error().code() == StatusCode::kCorruption) return false;
  return has;
}

// The first match under another path whose original is gone: the file under its old inode before
// all others.
Result<const Match*> MovedHere(const std::vector<Match>& matches, const SourceKey& key) {
  std::vector<const Match*> in_order;
  for (const Match& match : matches) in_order.push_back(&match);
  std::stable_partition(in_order.begin(), in_order.end(),
                        [&key](const Match* match) { return match->known->key.SameFileAs(key); });
  for (const Match* match : in_order) {
    const Result<bool> stands = OriginalStands(*match->known, key);
    if (!stands) return Error(stands.error());
    if (!*stands) return match;
  }
  return nullptr;
}

void GoOnFrom(const Match& match, Identity* identity) {
  identity->source_id = match.known->id;
  identity->start = {
      .offset = match.known->offset, .before = match.place.before, .head = match.place.head};
  identity->has_more = match.has_more;
}

const Match* FindPath(const std::vector<Match>& matches, const std::string& path) {
  for (const Match& match : matches) {
    if (match.known->key.path == path) return &match;
  }
  return nullptr;
}

bool IsAmong(const std::vector<Match>& matches, const KnownSource& source) {
  return std::any_of(matches.begin(), matches.end(),
                     [&source](const Match& match) { return match.known == &source; });
}

Result<Identity> Decide(const std::vector<Match>& matches, const std::vector<KnownSource>& known,
                        const FileInfo& info, Identity identity) {
  const KnownSource* empty = nullptr;  // this path, nothing read of it yet
  bool inode_displaced = false;
  for (const KnownSource& source : known) {
    if (source.key.path != identity.key.path || IsAmong(matches, source)) continue;
    if (source.offset.bytes == 0) {
      empty = &source;
    } else {
      identity.displaced.push_back(source.id);
      inode_displaced |= source.key.SameFileAs(identity.key);
    }
  }

  // The same path and the same content: the same source.
  if (const Match* same = FindPath(matches, identity.key.path)) {
    GoOnFrom(*same, &identity);
    identity.kind = same->has_more ? Identity::Kind::kGrown : Identity::Kind::kUnchanged;
    return identity;
  }
  const Result<const Match*> moved = MovedHere(matches, identity.key);
  if (!moved) return Error(moved.error());
  if (*moved != nullptr) {
    GoOnFrom(**moved, &identity);
    identity.kind = Identity::Kind::kMoved;
    identity.was = (*moved)->known->key.path;
    return identity;
  }

  identity.has_more = info.size > 0;
  if (empty != nullptr) identity.source_id = empty->id;
  if (!matches.empty()) {
    identity.kind = Identity::Kind::kCopy;
    identity.was = matches.front().known->key.path;
  } else if (empty != nullptr) {
    identity.kind = identity.has_more ? Identity::Kind::kGrown : Identity::Kind::kUnchanged;
  } else if (inode_displaced) {
    identity.kind = Identity::Kind::kTruncated;
  } else if (!identity.displaced.empty()) {
    identity.kind = Identity::Kind::kReplaced;
  }
  return identity;
}

// The regular files in a directory, in byte order of their names, without those of `except`.
Result<std::vector<std::string>> FilesIn(const std::string& directory,
                                         const std::vector<std::string>& except) {
  std::vector<FileInfo> excepted;
  for (const std::string& path : except) {
    if (const Result<FileInfo> info = Stat(path)) excepted.push_back(*info);
  }
  std::vector<std::string> files;
  std::error_code error;
  std::filesystem::directory_iterator at(directory, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::string path = at->path().string();
    const Result<FileInfo> info = Stat(path);
    // Gone meanwhile, or a link to nothing: it has no content.
    if (!info || info->kind != FileKind::kRegular) continue;
    const bool is_excepted =
        std::any_of(excepted.begin(), excepted.end(),
                    [&info](const FileInfo& other) { return info->SameFileAs(other); });
    if (!is_excepted) files.push_back(path);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error(SystemError(error.value(), "read folder " + directory));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// False also for what cannot be opened or decoded: it is only a candidate. kNotFound where it has
// another name by now.
Result<bool> FileHas(const std::string& path, const Offset& offset) {
  Result<Content> content = Content::Open(path);
  if (!content && content.error().code() == StatusCode::kNotFound) return Error(content.error());
  return content && content->Has(offset).value_or(false);
}

// One look through the names that the directory has now. `renamed`: one of them led nowhere by the
// time it was looked at, so that what it had led to was perhaps not seen.
Result<std::optional<Identity>> LookForMoved(const KnownSource& source,
                                             const std::vector<KnownSource>& known,
                                             const std::vector<std::string>& except,
                                             bool* renamed) {
  *renamed = false;
  const Result<std::vector<std::string>> files = FilesIn(DirectoryOf(source.key.path), except);
  if (!files) return Error(files.error());
  for (const std::string& path : *files) {
    const Result<bool> has = FileHas(path, source.offset);
    *renamed |= !has;
    if (!has.value_or(false)) continue;
    // It may still be another source: a copy that is known itself.
    Result<Identity> identity = Identify(path, known);
    if (!identity && identity.error().code() == StatusCode::kNotFound) {
      *renamed = true;
      break;
    }
    if (!identity) return Error(identity.error());
    if (identity->kind == Identity::Kind::kMoved && identity->source_id == source.id) {
      return std::move(*identity);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string Describe(const Identity& identity) {
  switch (identity.kind) {
    case Identity::Kind::kNew:
      return "new";
    case Identity::Kind::kUnchanged:
      return "unchanged";
    case Identity::Kind::kGrown:
      return "grown";
    case Identity::Kind::kMoved:
      return "moved from " + identity.was + (identity.has_more ? ", grown" : ", unchanged");
    case Identity::Kind::kReplaced:
      return "replaced by other content";
    case Identity::Kind::kTruncated:
      return "truncated, or overwritten";
    case Identity::Kind::kCopy:
      return "copy of " + identity.was;
  }
  return {};
}

Result<Identity> Identify(const std::string& path, const std::vector<KnownSource>& known) {
  const Result<FileInfo> info = Stat(path);
  if (!info) return Error(info.error());
  Identity identity;
  if (info->kind == FileKind::kStream) {
    identity.key = {.path = path, .device = 0, .inode = 0};
    identity.has_more = true;
    return identity;
  }
  Result<Content> content = Content::Open(path);
  if (!content) return Error(content.error());
  const Result<std::vector<Match>> matches = MatchesOf(*content, known);
  if (!matches) return Error(matches.error());
  identity.key = content->key();
  return Decide(*matches, known, *info, std::move(identity));
}

Result<std::optional<Identity>> FindMoved(const KnownSource& source,
                                          const std::vector<KnownSource>& known,
                                          const std::vector<std::string>& except) {
  constexpr int kLooks = 5;
  if (source.offset.bytes == 0) return std::nullopt;
  bool renamed = true;
  for (int look = 0; look < kLooks && renamed; ++look) {
    Result<std::optional<Identity>> found = LookForMoved(source, known, except, &renamed);
    if (!found || found->has_value()) return found;
  }
  return std::nullopt;
}

bool IsRotatedName(std::string_view name, std::string_view original) {
  return name.size() > original.size() && name.starts_with(original) &&
         isalnum(static_cast<unsigned char>(name[original.size()])) == 0;
}

std::vector<std::string> RotatedSince(const std::string& path, int64_t since_ns) {
  std::vector<std::string> names = NamesIn(DirectoryOf(path));
  std::sort(names.begin(), names.end());
  return RotatedSince(path, since_ns, names);
}

std::vector<std::string> RotatedSince(const std::string& path, int64_t since_ns,
                                      const std::vector<std::string>& names) {
  const std::string stem = path.substr(path.rfind('/') + 1);
  std::vector<std::pair<int64_t, std::string>> found;
  for (auto name = std::upper_bound(names.begin(), names.end(), stem);
       name != names.end() && name->starts_with(stem); ++name) {
    if (!IsRotatedName(*name, stem)) continue;
    std::string rotated = Join(DirectoryOf(path), *name);
    const Result<FileInfo> info = Stat(rotated);
    if (!info || info->kind != FileKind::kRegular || info->size == 0) continue;
    if (info->modified_ns >= since_ns) found.emplace_back(info->modified_ns, std::move(rotated));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> paths;
  for (auto& [modified, rotated] : found) paths.push_back(std::move(rotated));
  return paths;
}

}  // namespace sluice
