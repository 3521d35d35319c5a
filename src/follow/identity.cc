// SPDX-License-Identifier: Apache-2.0
#include "follow/identity.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/file.h"
#include "follow/directory.h"
#include "follow/evidence.h"
#include "source/open.h"

namespace sluice {
namespace {

// The clock of files ticks every few milliseconds, and a transaction begins as long before or after
// what is read for it.
constexpr int64_t kReadSlackNs = 1'000'000'000;
// At most so many offsets are tried, of sources that begin alike.
constexpr size_t kMostOffsets = 256;
// At most so many names that a rotation may have made are looked at for one file.
constexpr size_t kMostNames = 256;

// A file, asked whether it has the content of known sources. Of a compressed one offsets should be
// asked for in ascending order: then it is decoded once, and only as far as is needed.
class Content {
 public:
  static Result<Content> Open(const std::string& path) {
    Result<std::unique_ptr<Source>> source = OpenSource(path);
    if (!source) return Error(source.error());
    return Content(path, std::move(*source));
  }

  const SourceKey& key() const { return source_->key(); }
  bool is_plain() const { return source_->may_grow(); }
  uint64_t stored_size() const { return source_->stored_size(); }

  // Whether head and tail agree with those of the offset.
  Result<bool> Has(const Offset& offset) {
    if (!is_plain()) {
      const Result<bool> same_head = HasHead(offset.head);
      if (!same_head || !*same_head) return same_head;
    }
    if (Status status = GoTo(offset.bytes); !status.ok()) return Error(status);
    if (!place_.reached) return false;
    const std::string_view head = place_.head;
    return HashOf(head.substr(0, offset.head.length)) == offset.head &&
           HashOf(place_.before) == offset.tail;
  }

  // The offset there, with what it would be known by. Nothing if the file ends before it.
  Result<std::optional<Offset>> OffsetAt(uint64_t bytes) {
    if (Status status = GoTo(bytes); !status.ok()) return Error(status);
    if (!place_.reached) return std::optional<Offset>();
    Offset offset;
    offset.bytes = bytes;
    offset.head = HashOf(place_.head);
    offset.tail = HashOf(place_.before);
    return std::optional(offset);
  }

  // The place that was asked about last.
  const Place& place() const { return place_; }
  Result<bool> IsStrong(const Offset& offset) const {
    const Result<Evidence> evidence = EvidenceOf(offset, place_, path_);
    if (!evidence) return Error(evidence.error());
    return *evidence == Evidence::kStrong;
  }

  // Whether anything stands behind that place. What cannot be decoded counts: who reads it hears
  // why.
  bool HasMore() {
    if (is_plain()) return stored_size() > place_bytes_;
    if (!next_reached_) {
      const Result<Place> next = source_->SkipTo(place_bytes_ + 1);
      next_reached_ = !next || next->reached;
      is_past_place_ = true;
    }
    return *next_reached_;
  }

 private:
  Content(std::string path, std::unique_ptr<Source> source)
      : path_(std::move(path)), source_(std::move(source)) {}

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
    const bool is_back = bytes < place_bytes_ || (is_past_place_ && bytes == place_bytes_);
    if (is_back && !is_plain()) {
      Result<std::unique_ptr<Source>> again = OpenSource(path_);
      if (!again) return again.error();
      source_ = std::move(*again);
    }
    Result<Place> place = source_->SkipTo(bytes);
    if (!place) return place.error();
    place_ = std::move(*place);
    place_bytes_ = bytes;
    next_reached_.reset();
    is_past_place_ = false;
    return {};
  }

  std::string path_;
  std::unique_ptr<Source> source_;
  Place place_;
  uint64_t place_bytes_ = 0;
  bool is_past_place_ = false;
  std::optional<bool> next_reached_;
};

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// False also for what is gone, or cannot be decoded: it is only a candidate.
Result<bool> FileHas(const std::string& path, const Offset& offset) {
  Result<Content> content = Content::Open(path);
  const Result<bool> has = content ? content->Has(offset) : Result<bool>(Error(content.error()));
  if (!has && !SaysNothing(has.error())) return false;
  return has;
}

// Those that were read furthest first, and of these the latest.
void SortByOffset(std::vector<StoredSource>* sources) {
  std::reverse(sources->begin(), sources->end());
  std::ranges::stable_sort(*sources, [](const StoredSource& one, const StoredSource& other) {
    return one.offset.bytes > other.offset.bytes;
  });
}

// Which source one file is: each step either decides, or leaves it to the next.
class Decision {
 public:
  Decision(Content* content, const FileInfo& info, KnownSources* known, Folders* folders)
      : content_(*content), info_(info), known_(*known), folders_(*folders) {
    identity_.key = content_.key();
    identity_.stored_size = content_.stored_size();
  }

  Result<bool> ByPath();
  Result<bool> ByInode();
  Result<bool> ByContent();
  Result<bool> ByRotatedName();
  void AsNew();

  Identity Take() {
    std::ranges::sort(identity_.displaced);
    return std::move(identity_);
  }

 private:
  struct Match {
    Offset offset;
    Place place;
    bool has_more = false;
    bool is_strong = false;
  };

  const SourceKey& key() const { return identity_.key; }
  Result<bool> StandsIn(Content* content, const StoredSource& source);
  Result<bool> OriginalStands(const StoredSource& source);
  Result<bool> LiesElsewhere(const StoredSource& source);
  Result<bool> IsMovedHere(const Match& match);
  void GoOnFrom(const StoredSource& source, const Place& place, bool has_more);
  void MovedFrom(const StoredSource& source, const Place& place, bool has_more);

  Content& content_;
  const FileInfo& info_;
  KnownSources& known_;
  Folders& folders_;
  Identity identity_;
  std::optional<int64_t> empty_;  // of this path, nothing read of it yet
  bool inode_displaced_ = false;
  std::string copy_of_;
};

// Whether a file at the path of a source is still that source, by the strength of the evidence.
Result<bool> Decision::StandsIn(Content* content, const StoredSource& source) {
  if (known_.IsEmptied(source)) return false;
  const Result<bool> has = content->Has(source.offset);
  if (!has || !*has) return has;
  if (source.key.SameFileAs(content->key()) && !source.has_gap) return true;
  const Result<bool> is_strong = content->IsStrong(source.offset);
  if (!is_strong || *is_strong) return is_strong;
  if (source.has_gap) return false;
  const Result<bool> lies_elsewhere = LiesElsewhere(source);
  if (!lies_elsewhere) return lies_elsewhere;
  return !*lies_elsewhere;
}

// Whether the file of a source was renamed within its folder.
Result<bool> Decision::LiesElsewhere(const StoredSource& source) {
  const Result<std::vector<std::string>> paths =
      folders_.Of(DirectoryOf(source.key.path)).PathsOfInode(source.key);
  if (!paths) return Error(paths.error());
  for (const std::string& path : *paths) {
    if (path == source.key.path) continue;
    const Result<bool> has = FileHas(path, source.offset);
    if (!has || *has) return has;
  }
  return false;
}

// Whether the file at the path of a known source is still that source. The file that was asked for
// does not count: under two names it is one file.
Result<bool> Decision::OriginalStands(const StoredSource& source) {
  const Result<FileInfo> info = Stat(source.key.path);
  if (!info) {
    if (info.error().code() == StatusCode::kNotFound) return false;
    return Error(info.error());
  }
  if (info->kind != FileKind::kRegular || IsFileOf(*info, key())) return false;
  Result<Content> content = Content::Open(source.key.path);
  if (!content) return Error(content.error());
  const Result<bool> stands = StandsIn(&*content, source);
  if (!stands && stands.error().code() == StatusCode::kCorruption) return false;
  return stands;
}

void Decision::GoOnFrom(const StoredSource& source, const Place& place, bool has_more) {
  identity_.kind = has_more ? Identity::Kind::kGrown : Identity::Kind::kUnchanged;
  identity_.source_id = source.id;
  identity_.start = {.offset = source.offset, .before = place.before, .head = place.head};
  identity_.has_more = has_more;
}

void Decision::MovedFrom(const StoredSource& source, const Place& place, bool has_more) {
  GoOnFrom(source, place, has_more);
  identity_.kind = Identity::Kind::kMoved;
  identity_.was = source.key.path;
}

Result<bool> Decision::ByPath() {
  Result<std::vector<StoredSource>> here = known_.AtPath(key().path);
  if (!here) return Error(here.error());
  SortByOffset(&*here);
  bool is_decided = false;
  for (const StoredSource& source : *here) {
    if (source.offset.bytes == 0) {
      if (!empty_) empty_ = source.id;
      continue;
    }
    // A source that is known to be gone is not looked for as long as its successor stands.
    if (is_decided && source.has_gap) continue;
    const Result<bool> stands = StandsIn(&content_, source);
    if (!stands) return stands;
    if (!*stands) {
      identity_.displaced.push_back(source.id);
      inode_displaced_ |= source.key.SameFileAs(key());
    } else if (!is_decided) {
      GoOnFrom(source, content_.place(), content_.HasMore());
      is_decided = true;
    }
  }
  return is_decided;
}

// A file that was renamed.
Result<bool> Decision::ByInode() {
  Result<std::vector<StoredSource>> sources = known_.OfInode(key());
  if (!sources) return Error(sources.error());
  SortByOffset(&*sources);
  for (const StoredSource& source : *sources) {
    if (source.key.path == key().path || source.offset.bytes == 0) continue;
    if (known_.IsEmptied(source)) continue;
    const Result<bool> has = content_.Has(source.offset);
    if (!has) return has;
    if (!*has) continue;
    const Result<bool> is_strong = content_.IsStrong(source.offset);
    if (!is_strong) return is_strong;
    if (!*is_strong && source.has_gap) continue;
    // Another file that has come to its old path, and begins like it, is no reason to doubt.
    const Result<bool> stands = *is_strong ? OriginalStands(source) : Result<bool>(false);
    if (!stands) return stands;
    if (!*stands) {
      MovedFrom(source, content_.place(), content_.HasMore());
      return true;
    }
    copy_of_ = source.key.path;
  }
  return false;
}

// A file that was copied, restored or compressed, and its original removed.
Result<bool> Decision::ByContent() {
  const Result<std::optional<Offset>> window = content_.OffsetAt(kIdentityWindow);
  // What cannot be decoded so far has the content of no other.
  if (!window && window.error().code() != StatusCode::kCorruption) return Error(window.error());
  if (!window || !window->has_value()) return false;
  std::vector<uint64_t> offsets;
  uint64_t limit = content_.is_plain() ? content_.stored_size() + 1 : UINT64_MAX;
  while (offsets.size() < kMostOffsets) {
    const std::optional<uint64_t> next = known_.OffsetBelow((*window)->head, limit);
    if (!next) break;
    offsets.push_back(limit = *next);
  }
  if (!content_.is_plain()) std::ranges::reverse(offsets);

  std::vector<Match> matches;
  for (const uint64_t bytes : offsets) {
    Result<std::optional<Offset>> offset = content_.OffsetAt(bytes);
    if (!offset) return Error(offset.error());
    if (!offset->has_value()) continue;
    const auto alike = known_.WithContent(**offset, identity_.displaced);
    if (!alike) return Error(alike.error());
    if (!alike->has_value()) continue;
    matches.push_back({.offset = (*alike)->source.offset, .place = content_.place()});
    const Result<bool> is_strong = content_.IsStrong(matches.back().offset);
    if (!is_strong) return is_strong;
    matches.back().is_strong = *is_strong;
    matches.back().has_more = content_.HasMore();
    if (!content_.is_plain()) continue;
    const Result<bool> is_moved = IsMovedHere(matches.back());
    if (!is_moved || *is_moved) return is_moved;
  }
  if (content_.is_plain()) return false;
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
    const Result<bool> is_moved = IsMovedHere(*match);
    if (!is_moved || *is_moved) return is_moved;
  }
  return false;
}

// Each source whose original is found to stand is not looked at again, so that many copies of one
// file cost no more than as many others.
Result<bool> Decision::IsMovedHere(const Match& match) {
  if (!match.is_strong) return false;
  for (;;) {
    const auto alike = known_.WithContent(match.offset, identity_.displaced);
    if (!alike) return Error(alike.error());
    if (!alike->has_value()) return false;
    const StoredSource& source = (*alike)->source;
    if (copy_of_.empty()) copy_of_ = source.key.path;
    if ((*alike)->stands) return false;
    const Result<bool> stands = OriginalStands(source);
    if (!stands) return stands;
    if (!*stands) {
      MovedFrom(source, match.place, match.has_more);
      return true;
    }
    known_.Stands(source);
  }
}

// A short file, or one whose lines are all alike, that was rotated by copying or compressing it.
Result<bool> Decision::ByRotatedName() {
  const std::string name = NameOf(key().path);
  std::vector<std::string> originals = NamesBeforeRotation(name);
  for (std::string& shifted : NamesBeforeShift(name)) originals.push_back(std::move(shifted));
  for (const std::string& original : originals) {
    Result<std::vector<StoredSource>> sources =
        known_.AtPath(Join(DirectoryOf(key().path), original));
    if (!sources) return Error(sources.error());
    SortByOffset(&*sources);
    for (const StoredSource& source : *sources) {
      if (source.offset.bytes == 0) continue;
      const Result<bool> has = content_.Has(source.offset);
      if (!has) return has;
      if (!*has) continue;
      const Result<bool> stands = OriginalStands(source);
      if (!stands) return stands;
      if (*stands) {
        copy_of_ = source.key.path;
        continue;
      }
      // One that is older than what was read of the other, and goes on, is an older rotation.
      // Without more it may be what gzip made, which keeps the time of the file.
      const bool has_more = content_.HasMore();
      if (has_more && info_.modified_ns < source.read_ns - kReadSlackNs) continue;
      MovedFrom(source, content_.place(), has_more);
      return true;
    }
  }
  return false;
}

void Decision::AsNew() {
  identity_.has_more = info_.size > 0;
  if (empty_) identity_.source_id = *empty_;
  if (!copy_of_.empty()) {
    identity_.kind = Identity::Kind::kCopy;
    identity_.was = copy_of_;
  } else if (empty_) {
    identity_.kind = identity_.has_more ? Identity::Kind::kGrown : Identity::Kind::kUnchanged;
  } else if (inode_displaced_) {
    identity_.kind = Identity::Kind::kTruncated;
  } else if (!identity_.displaced.empty()) {
    identity_.kind = Identity::Kind::kReplaced;
  }
}

// Files that may be a displaced source, those that most likely are it first.
Result<std::vector<std::string>> CandidatesFor(const StoredSource& source, Folder* folder) {
  Result<std::vector<std::string>> paths = folder->PathsOfInode(source.key);
  if (!paths) return paths;
  if (source.offset.bytes >= kIdentityWindow) {
    Result<std::vector<std::string>> alike = folder->PathsWithHead(source.offset.head);
    if (!alike) return alike;
    for (std::string& path : *alike) {
      if (paths->size() >= kMostNames) break;
      paths->push_back(std::move(path));
    }
  }
  // What is longer may still be weak evidence, if all its lines are alike.
  const Result<std::vector<std::string>> names = folder->PlausibleNames(NameOf(source.key.path));
  if (!names) return names;
  for (const std::string& name : *names) {
    if (paths->size() >= 2 * kMostNames) break;
    paths->push_back(Join(DirectoryOf(source.key.path), name));
  }
  return paths;
}

// Whether nobody can know that a candidate is not the source: its file cannot be read, or none can
// be at the moment. Any other file that cannot be read was only a candidate.
bool MayBeIt(const Status& failure, const FileInfo& info, const StoredSource& source) {
  return failure.code() == StatusCode::kExhausted ||
         (failure.code() == StatusCode::kIo && IsFileOf(info, source.key));
}

// One look through the names that the directory has now. `renamed`: one of them led nowhere by the
// time it was looked at, so that what it had led to was perhaps not seen.
Result<std::optional<Identity>> LookForMoved(const StoredSource& source, KnownSources* known,
                                             Folders* folders, const IsDecided& is_decided,
                                             bool* renamed) {
  *renamed = false;
  Folder& folder = folders->Of(DirectoryOf(source.key.path));
  const Result<std::vector<std::string>> candidates = CandidatesFor(source, &folder);
  if (!candidates) return Error(candidates.error());
  for (const std::string& path : *candidates) {
    const Result<FileInfo> info = Stat(path);
    if (!info && !IsGone(info)) return Error(info.error());
    *renamed |= !info;
    if (!info || info->kind != FileKind::kRegular || folder.IsUntouched(*info)) continue;
    if (is_decided(*info)) continue;
    const Result<Identity> identity = Identify(path, known, folders);
    *renamed |= !identity && identity.error().code() == StatusCode::kNotFound;
    if (!identity && MayBeIt(identity.error(), *info, source)) return Error(identity.error());
    if (!identity) continue;
    // It may also be another source: a known copy.
    if (identity->kind == Identity::Kind::kMoved && identity->source_id == source.id) {
      return std::optional(*identity);
    }
  }
  return std::optional<Identity>();
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

Result<Identity> Identify(const std::string& path, KnownSources* known, Folders* folders) {
  const Result<FileInfo> info = Stat(path);
  if (!info) return Error(info.error());
  if (info->kind == FileKind::kStream) {
    Identity identity;
    identity.key = {.path = path, .device = 0, .inode = 0};
    identity.has_more = true;
    return identity;
  }
  Result<Content> content = Content::Open(path);
  if (!content) return Error(content.error());
  Decision decision(&*content, *info, known, folders);
  using Step = Result<bool> (Decision::*)();
  for (const Step step :
       {&Decision::ByPath, &Decision::ByInode, &Decision::ByContent, &Decision::ByRotatedName}) {
    const Result<bool> is_decided = (decision.*step)();
    if (!is_decided) return Error(is_decided.error());
    if (*is_decided) return decision.Take();
  }
  decision.AsNew();
  return decision.Take();
}

Result<std::optional<Identity>> IdentifyByPath(const std::string& path, KnownSources* known,
                                               Folders* folders) {
  const Result<std::vector<StoredSource>> here = known->AtPath(path);
  if (!here) return Error(here.error());
  if (here->empty()) return std::optional<Identity>();
  const Result<FileInfo> info = Stat(path);
  if (!info) return Error(info.error());
  if (info->kind == FileKind::kStream) return std::optional<Identity>();
  Result<Content> content = Content::Open(path);
  if (!content) return Error(content.error());
  Decision decision(&*content, *info, known, folders);
  const Result<bool> is_decided = decision.ByPath();
  if (!is_decided) return Error(is_decided.error());
  return *is_decided ? std::optional(decision.Take()) : std::nullopt;
}

Result<std::optional<Identity>> FindMoved(const StoredSource& source, KnownSources* known,
                                          Folders* folders, const IsDecided& is_decided) {
  constexpr int kLooks = 5;
  if (source.offset.bytes == 0) return std::optional<Identity>();
  bool renamed = true;
  for (int look = 0; look < kLooks && renamed; ++look) {
    if (look > 0) folders->Forget(DirectoryOf(source.key.path));
    Result<std::optional<Identity>> found =
        LookForMoved(source, known, folders, is_decided, &renamed);
    if (!found || found->has_value()) return found;
  }
  return std::optional<Identity>();
}

Result<std::vector<std::string>> RotatedSince(const std::string& path, int64_t since_ns,
                                              Folders* folders) {
  const Result<std::vector<std::string>> names =
      folders->Of(DirectoryOf(path)).DatedNames(NameOf(path));
  if (!names) return names;
  std::vector<std::pair<int64_t, std::string>> found;
  for (const std::string& name : *names) {
    std::string rotated = Join(DirectoryOf(path), name);
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
