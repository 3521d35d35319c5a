// SPDX-License-Identifier: Apache-2.0
#include "follow/followed_files.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include <sys/resource.h>

#include "follow/directory.h"
#include "follow/identity.h"
#include "source/open.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// How often a file without a name is asked whether it grew: no hint comes for it.
constexpr milliseconds kUnnamedEvery{500};

// How long, and how often, names are looked for that a rotation has made.
constexpr std::chrono::seconds kFamilyTime{10};
constexpr milliseconds kFamilyEvery{100};

constexpr milliseconds kCloseIdleEvery{10'000};

// Descriptors that are left to all others. At rest they have 9, and at most some 24 at once: stdin,
// stdout, stderr; SQLite's database, WAL and shared memory, the second connection that syncs, a
// statement's temporary files; two locks; inotify, stdin's copy and the memfd of its hand-over; the
// status file and its new version; /proc, when the holders of a lock are looked for; a folder that
// is listed; a file whose identity is asked for, one that it is compared with, and the first line
// of either; what the loader opens for a shared library. The rest is for who embeds us.
constexpr size_t kReservedDescriptors = 32;
// However low the limit is, something has to be read.
constexpr size_t kLeastRoom = 4;

size_t RoomForFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  const size_t most = limit.rlim_cur;
  return std::max(most, kReservedDescriptors + kLeastRoom) - kReservedDescriptors;
}

// Of a first line that has no end yet.
constexpr uint64_t kLongestSample = uint64_t{256} << 10;

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool IsRegular(const Result<FileInfo>& info) { return info && info->kind == FileKind::kRegular; }

bool HasCompressedName(std::string_view path) {
  return path.ends_with(".gz") || path.ends_with(".zst");
}

Result<bool> IsCompressed(const std::string& path) {
  const Result<std::unique_ptr<Source>> source = OpenSource(path);
  if (source) return !(*source)->may_grow();
  if (SaysNothing(source.error())) return Error(source.error());
  return false;
}

// What a source is, its first line says: whole, or as much of it as is ever looked at.
bool HasALine(const std::string& path) {
  Result<File> file = File::Open(path, File::Mode::kRead);
  if (!file) return true;  // who reads it says why it cannot be read
  std::string bytes(size_t{4} << 10, '\0');
  for (uint64_t at = 0; at < kLongestSample; at += bytes.size()) {
    const Result<size_t> size = file->PRead(bytes.data(), bytes.size(), at);
    if (!size) return true;
    if (std::string_view(bytes.data(), *size).find('\n') != std::string_view::npos) return true;
    if (*size < bytes.size()) return HasCompressedName(path);
  }
  return true;
}

// Of nothing where that file is not there, cannot be read, or has no whole line yet: many files
// begin like half of one.
ContentHash HashOfHead(const SourceKey& key) {
  const Result<std::unique_ptr<Source>> source = OpenSource(key.path);
  if (!source || !(*source)->key().SameFileAs(key)) return {};
  const std::string head = HeadOf(source->get());
  const bool tells_it_apart = head.size() == kIdentityWindow || head.find('\n') != head.npos;
  return tells_it_apart ? HashOf(head) : ContentHash();
}

// What its content is known by: what was read of it, or else what was seen of it.
StoredSource AsKnown(const FollowedFile& file) {
  StoredSource known(KnownSource{.id = 1, .key = file.file.key(), .offset = file.file.offset()},
                     file.read_up_to_ns);
  if (known.offset.bytes > 0) return known;
  const ContentHash& seen = file.file.seen_head();
  known.offset.bytes = seen.length;
  known.offset.head = known.offset.tail = seen;
  return known;
}

KnownSources KnownAlone(const FollowedFile& file) {
  KnownSources known({AsKnown(file)});
  if (file.overwritten) known.Emptied(1, file.file.key());
  return known;
}

Result<bool> HasContentOf(const std::string& path, const FollowedFile& file) {
  KnownSources known = KnownAlone(file);
  Folders folders;
  const Result<Identity> identity = Identify(path, &known, &folders);
  if (identity) return identity->source_id != 0;
  if (SaysNothing(identity.error())) return Error(identity.error());
  return false;
}

}  // namespace

FollowedFiles::FollowedFiles(Options options)
    : options_(std::move(options)),
      room_(RoomForFiles()),
      watcher_(options_.watch),
      look_at_all_at_(Clock::now() + options_.look_at_all_every) {}

// --- What is watched

std::vector<std::string> FollowedFiles::Start() {
  WatchInputs();
  std::vector<std::string> names;
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->second.size == 0) {
      ++it;
      continue;
    }
    names.push_back(std::move(pending_.extract(it++).key()));
  }
  return names;
}

void FollowedFiles::WatchInputs() {
  for (const std::string& input : options_.inputs) {
    if (input == "-") continue;
    const Result<FileInfo> info = Stat(input);
    if (info && info->kind == FileKind::kDirectory) {
      WatchDirectory(input);
    } else if (!info || info->kind == FileKind::kRegular) {
      WatchNamedFile(input);
    }
  }
}

void FollowedFiles::WatchDirectory(const std::string& input) {
  const std::string directory = CanonicalPath(input).value_or(input);
  const auto known = directories_.find(directory);
  if (known == directories_.end() || !known->second.taken) Walk(directory, "");
}

// The directory of the name, for renames; and where it is a link, that of what it points to.
void FollowedFiles::WatchNamedFile(const std::string& input) {
  const std::string directory = CanonicalPath(DirectoryOf(input)).value_or(DirectoryOf(input));
  const std::string path = Join(directory, NameOf(input));
  named_files_.insert(path);
  directories_.try_emplace(directory, Directory{.below = "", .taken = false});
  watcher_.Watch(directory);
  LookAtName(path, false);
}

void FollowedFiles::WatchTargetOf(const std::string& path) {
  const Result<std::string> real = CanonicalPath(path);
  if (!real || *real == path) return;
  link_of_[*real] = path;
  const std::string directory = DirectoryOf(*real);
  directories_.try_emplace(directory, Directory{.below = "", .taken = false});
  watcher_.Watch(directory);
}

// Lists a directory, and enters those below it that are not known yet.
void FollowedFiles::Walk(const std::string& directory, const std::string& below) {
  directories_[directory] = {.below = below, .taken = true};
  // Watched first: what appears while it is listed is hinted at.
  watcher_.Watch(directory);
  const Result<std::vector<DirectoryEntry>> entries = EntriesOf(directory);
  if (!entries) {
    NoteFailure(entries.error());
    return LookLater(directory);
  }
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = Join(directory, entry.name);
    bool is_directory = entry.type == DT_DIR;
    if (entry.type == DT_LNK || entry.type == DT_UNKNOWN) {
      const Result<FileInfo> info = Stat(path);
      if (!info && !IsGone(info)) LookLater(path);
      is_directory = info && info->kind == FileKind::kDirectory;
    }
    if (!is_directory) {
      if (IsTaken(options_.filter, below + entry.name)) LookAtName(path, false);
      continue;
    }
    if (IsExcluded(options_.filter, below + entry.name)) continue;
    const std::string child = CanonicalPath(path).value_or(path);
    const auto known = directories_.find(child);
    if (known != directories_.end() && known->second.taken && watcher_.Watches(child)) continue;
    Walk(child, below + entry.name + "/");
  }
}

bool FollowedFiles::IsInput(const std::string& path) const {
  if (named_files_.contains(path)) return true;
  const auto directory = directories_.find(DirectoryOf(path));
  if (directory == directories_.end() || !directory->second.taken) return false;
  const std::string name = NameOf(path);
  return name.front() != '.' && IsTaken(options_.filter, directory->second.below + name);
}

bool FollowedFiles::IsDatabaseFile(const std::string& path) const {
  return !options_.database.empty() && path.starts_with(options_.database) &&
         (path.size() == options_.database.size() || path[options_.database.size()] == '-' ||
          path[options_.database.size()] == '.');
}

// --- A look

void FollowedFiles::Look() {
  const Clock::time_point now = Clock::now();
  bool everything = now >= look_at_all_at_;
  folders_.reset();
  heads_.reset();
  for (const Hint& hint : watcher_.Take()) {
    switch (hint.kind) {
      case Hint::Kind::kGrown:
      case Hint::Kind::kName:
        LookAtHinted(hint.path, hint.kind == Hint::Kind::kGrown);
        break;
      case Hint::Kind::kDirectory:
        LookAtDirectory(hint.path);
        break;
      case Hint::Kind::kEverything:
        everything = true;
        break;
    }
  }
  CountMade();
  if (everything) {
    look_at_all_at_ = now + options_.look_at_all_every;
    LookAtEverything();
  }
  LookAtWhatFailed();
  if (watcher_.polled() > 0) watcher_.TellCost(Clock::now() - now);
  SearchAgain();
  TellStrangers();
  TellPending();
  CheckUnnamed();
  CheckArrivals();
  CloseIdleFiles();
  for (std::string& note : watcher_.TakeNotes()) {
    findings_.push_back({.kind = Finding::Kind::kNote, .path = std::move(note)});
  }
}

std::optional<Finding> FollowedFiles::NextFinding() {
  if (findings_.empty()) return std::nullopt;
  Finding next = std::move(findings_.front());
  findings_.pop_front();
  return next;
}

FollowedFiles::Clock::time_point FollowedFiles::next_look() const {
  Clock::time_point next = std::min(look_at_all_at_, watcher_.next_poll());
  for (const auto& [path, pending] : pending_) next = std::min(next, pending.due);
  for (const auto& [path, family] : families_) next = std::min(next, family.next);
  if (!unnamed_.empty()) next = std::min(next, Clock::now() + kUnnamedEvery);
  if (!again_.empty()) next = std::min(next, again_at_);
  return next;
}

void FollowedFiles::LookAtHinted(const std::string& path, bool grew) {
  if (const auto link = link_of_.find(path); link != link_of_.end()) {
    LookAtName(link->second, grew);
  }
  if (by_path_.contains(path) || pending_.contains(path) || IsInput(path)) LookAtName(path, grew);
}

void FollowedFiles::LookAtDirectory(const std::string& path) {
  const auto known = directories_.find(path);
  if (known == directories_.end()) {
    if (named_files_.contains(path)) LookAtName(path, false);  // an input that was not there before
    const auto parent = directories_.find(DirectoryOf(path));
    if (parent == directories_.end() || !parent->second.taken) return;
    const std::string below = parent->second.below + NameOf(path);
    const Result<FileInfo> info = Stat(path);
    const bool is_there = info && info->kind == FileKind::kDirectory;
    if (is_there && !IsExcluded(options_.filter, below)) Walk(path, below + "/");
    if (!info && !IsGone(info)) LookLater(path);
    return;
  }
  if (known->second.taken) {
    Walk(path, std::string(known->second.below));
  } else {
    watcher_.Watch(path);
  }
  // Those that are there were looked at; the others are to be missed.
  std::vector<std::string> names(named_files_.begin(), named_files_.end());
  std::erase_if(names, [&](const std::string& name) { return DirectoryOf(name) != path; });
  const std::string prefix = Join(path, "");
  for (auto it = by_path_.lower_bound(prefix); it != by_path_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (it->first.find('/', prefix.size()) == std::string_view::npos) names.emplace_back(it->first);
  }
  for (const std::string& name : names) LookAtName(name, true);

  const bool is_root = known->second.below.empty();
  if (!is_root && IsGone(Stat(path))) {
    watcher_.Forget(path);
    directories_.erase(known);
  }
}

void FollowedFiles::LookAtEverything() {
  std::vector<std::string> directories;
  for (const auto& [path, directory] : directories_) directories.push_back(path);
  for (const std::string& path : directories) LookAtDirectory(path);
  for (const auto& [target, link] : std::map(link_of_)) LookAtName(link, true);
}

// Nobody knows what is there: nothing is concluded, and it is looked at again.
void FollowedFiles::LookLater(const std::string& path) {
  if (again_.empty()) again_at_ = Clock::now() + kTryAgain;
  again_.insert(path);
}

void FollowedFiles::LookAtWhatFailed() {
  if (again_.empty() || Clock::now() < again_at_) return;
  for (const std::string& path : std::exchange(again_, {})) {
    LookAtDirectory(path);
    LookAtName(path, true);
  }
}

// A failure is said once. Too many open files are one, however many names are met with it: so that
// the next try has a descriptor, a file of ours gives up its own.
void FollowedFiles::NoteFailure(const Status& why) {
  const bool is_exhausted = why.code() == StatusCode::kExhausted;
  if (is_exhausted) MakeRoom();
  if (!said_.insert(is_exhausted ? std::string() : why.message()).second) return;
  findings_.push_back({.kind = Finding::Kind::kNote,
                       .path = why.message() + ": trying again until it can be looked at"});
}

// `may_have_grown`: since the last look, for all we know; asked where the file is gone.
void FollowedFiles::LookAtName(const std::string& path, bool may_have_grown) {
  const auto found = by_path_.find(path);
  FollowedFile* const file = found == by_path_.end() ? nullptr : found->second;
  const Result<FileInfo> info = Stat(path);
  if (!info && !IsGone(info)) {
    NoteFailure(info.error());
    return LookLater(path);
  }
  const bool is_there = IsRegular(info);
  if (file == nullptr) {
    if (!is_there) pending_.erase(path);
    if (is_there && IsInput(path)) Appeared(path, *info);
    const bool is_directory = info && info->kind == FileKind::kDirectory;
    if (is_directory && named_files_.contains(path)) WatchDirectory(path);
    return;
  }
  const SourceKey& key = file->file.key();
  if (!is_there || !IsFileOf(*info, key)) {
    file->grew_unseen = may_have_grown && !file->file.is_open();
    Unname(file);
    ExpectRotatedNames(path, file->read_up_to_ns);
    if (is_there && IsInput(path)) Appeared(path, *info);
    return;
  }
  if (info->size < file->file.least_size()) {
    const Result<bool> compressed = LooksCompressed(file);
    if (!compressed) {
      NoteFailure(compressed.error());
      return LookLater(path);
    }
    if (!*compressed) return LoseContent(file);
  }
  const bool changed = info->size != file->size || info->modified_ns != file->modified_ns;
  if (changed && file->file.least_size() == 0) file->file.SawHead(HashOfHead(key));
  if (changed) file->grew_at = Clock::now();
  if (!file->is_queued) file->read_up_to_ns = file->modified_ns;
  file->size = info->size;
  file->modified_ns = info->modified_ns;
  const bool was_put_off = std::exchange(file->is_put_off, false);
  if (changed || was_put_off || file->waiting() > 0) Queue(file);
}

// --- Names that are new

void FollowedFiles::Appeared(const std::string& path, const FileInfo& info) {
  if (IsDatabaseFile(path)) return;
  WatchTargetOf(path);
  const auto [it, is_new] = pending_.try_emplace(path);
  if (is_new || it->second.size == 0) it->second = Await(path, info.size);
}

FollowedFiles::Pending FollowedFiles::Await(const std::string& path, uint64_t size) {
  Pending pending{.due = Clock::now(), .size = size};
  pending.is_quiet_awaited = HasCompressedName(path) || BeginsLikeOneBesideIt(path);
  if (size == 0) {
    pending.due = Clock::time_point::max();
  } else if (pending.is_quiet_awaited) {
    pending.due += options_.quiet_time;
  }
  return pending;
}

bool FollowedFiles::IsDue(Pending* pending, uint64_t size) const {
  const Clock::time_point now = Clock::now();
  if (pending->due > now) return false;
  if (!pending->is_quiet_awaited || size == pending->size) return true;
  pending->size = size;
  pending->due = now + options_.quiet_time;
  return false;
}

Folders& FollowedFiles::folders() {
  if (!folders_) folders_.emplace(FilesOfDatabase(options_.database));
  return *folders_;
}

std::vector<EmptiedFile> FollowedFiles::TakeEmptied() {
  std::vector<EmptiedFile> taken = std::exchange(swept_emptied_, {});
  std::erase_if(emptied_, [&taken](const FollowedFile* file) {
    if (!file->overwritten) return true;     // found meanwhile
    if (file->source_id == 0) return false;  // it has no row yet
    taken.push_back({.source_id = file->source_id, .key = file->file.key()});
    return true;
  });
  return taken;
}

void FollowedFiles::Tell(const std::string& path) {
  const Result<FileInfo> info = Stat(path);
  if (IsRegular(info)) Appeared(path, *info);
  if (!info && !IsGone(info)) Hold(path, Clock::now() + kTryAgain);
}

// Whether it has the first bytes of a followed file in its directory: it may be a copy of that one
// in the making.
bool FollowedFiles::BeginsLikeOneBesideIt(const std::string& path) {
  if (!heads_) ReadHeads();
  KnownHead wanted{.directory = std::hash<std::string>()(DirectoryOf(path))};
  std::optional<std::string> head;
  for (;;) {  // each length in turn: mostly there is one
    const auto next = std::ranges::lower_bound(*heads_, wanted);
    if (next == heads_->end() || next->directory != wanted.directory) return false;
    if (!head) head = HeadOf(path).value_or("");
    if (next->length > head->size()) return false;
    wanted.length = next->length;
    wanted.hash = HashOf(std::string_view(*head).substr(0, wanted.length)).low;
    if (std::ranges::binary_search(*heads_, wanted)) return true;
    wanted = {.directory = wanted.directory, .length = wanted.length + 1};
  }
}

// Many files may appear at once: what they are compared with is looked up once.
void FollowedFiles::ReadHeads() {
  heads_.emplace();
  for (const auto& [path, file] : by_path_) {
    const ContentHash& head = file->file.offset().head;
    if (head.length == 0) continue;
    heads_->push_back({.directory = std::hash<std::string>()(DirectoryOf(std::string(path))),
                       .length = head.length,
                       .hash = head.low});
  }
  std::ranges::sort(*heads_);
}

void FollowedFiles::TellPending() {
  const Clock::time_point now = Clock::now();
  for (auto it = pending_.begin(); it != pending_.end();) {
    Pending& pending = it->second;
    if (pending.due > now) {
      ++it;
      continue;
    }
    const Result<FileInfo> info = Stat(it->first);
    if (!info && !IsGone(info)) {
      pending.due = now + kTryAgain;
      ++it;
      continue;
    }
    const bool is_there = IsRegular(info);
    if (is_there && !IsDue(&pending, info->size)) {
      ++it;
      continue;
    }
    if (is_there && !HasALine(it->first)) {
      pending = {.due = Clock::time_point::max()};  // until it grows
      ++it;
      continue;
    }
    if (is_there) findings_.push_back({.kind = Finding::Kind::kNewName, .path = it->first});
    it = pending_.erase(it);
  }
}

void FollowedFiles::ExpectRotatedNames(const std::string& path, int64_t since_ns) {
  const auto [it, is_new] = families_.try_emplace(path);
  Family& family = it->second;
  if (is_new) family.since_ns = since_ns;
  family.since_ns = std::min(family.since_ns, since_ns);
  family.next = Clock::now();
  family.until = family.next + kFamilyTime;
}

// Many files may be rotated at once: what they have in common is looked up once.
void FollowedFiles::TellStrangers() {
  const Clock::time_point now = Clock::now();
  const auto is_due = [now](const auto& family) { return family.second.next <= now; };
  if (std::ranges::none_of(families_, is_due)) return;
  const std::set<Inode> known = NamedInodes();
  for (auto it = families_.begin(); it != families_.end();) {
    auto& [path, family] = *it;
    if (is_due(*it)) TellStrangersOf(path, known, &family);
    it = family.until <= now ? families_.erase(it) : std::next(it);
  }
}

void FollowedFiles::TellStrangersOf(const std::string& path, const std::set<Inode>& known,
                                    Family* family) {
  const Result<std::vector<std::string>> names = RotatedSince(path, family->since_ns, &folders());
  const Clock::time_point now = Clock::now();
  if (names) {
    TellStrangersAmong(*names, known, family);
    family->next = now + kFamilyEvery;
    return;
  }
  // The family goes on waiting for its files: none of them was seen to be missing.
  NoteFailure(names.error());
  family->next = now + kTryAgain;
  family->until = now + kFamilyTime;
}

std::set<FollowedFiles::Inode> FollowedFiles::NamedInodes() const {
  std::set<Inode> inodes;
  for (const FollowedFile& file : files_) {
    if (file.state != FollowedFile::State::kNamed) continue;
    inodes.emplace(file.file.key().device, file.file.key().inode);
  }
  return inodes;
}

bool FollowedFiles::IsNamed(const FileInfo& info) const {
  const auto [begin, end] = by_inode_.equal_range(info.inode);
  return std::any_of(begin, end, [&](const auto& entry) {
    const FollowedFile& file = *entry.second;
    return file.state == FollowedFile::State::kNamed && IsFileOf(info, file.file.key());
  });
}

void FollowedFiles::TellStrangersAmong(const std::vector<std::string>& names,
                                       const std::set<Inode>& known, Family* family) {
  std::map<Inode, Pending> strangers;
  for (const std::string& rotated : names) {
    const Result<FileInfo> info = Stat(rotated);
    if (!info && !IsGone(info)) return;  // it may be one of those that are awaited
    if (!IsRegular(info) || IsDatabaseFile(rotated)) continue;
    const Inode inode(info->device, info->inode);
    if (known.contains(inode) || IsInput(rotated)) continue;
    const auto before = family->strangers.find(inode);
    Pending& pending = strangers[inode];
    pending = before == family->strangers.end() ? Await(rotated, info->size) : before->second;
    if (!IsDue(&pending, info->size)) continue;
    findings_.push_back({.kind = Finding::Kind::kNewName, .path = rotated});
  }
  family->strangers = std::move(strangers);
}

// --- Names that were given more than once between two looks

void FollowedFiles::CountMade() {
  for (const auto& [path, count] : watcher_.TakeMade()) {
    if (!IsInput(path) || IsDatabaseFile(path)) continue;
    Arrivals& arrivals = arrivals_[path];
    arrivals.made += count;
    arrivals.taken += std::erase(taken_at_start_, std::hash<std::string>()(path));
  }
  has_looked_ = true;
  if (!watcher_.has_all()) return;
  taken_at_start_ = {};
  // What was taken up beyond these was not made before our eyes: it makes up for none that is
  // missing.
  for (auto& [path, arrivals] : arrivals_) {
    arrivals.taken = std::min(arrivals.taken, arrivals.made);
  }
}

// A new source may have been found under the name that a rotation had given it.
void FollowedFiles::CountTaken(const std::string& path, bool is_new) {
  if (IsInput(path) && !has_looked_) {
    taken_at_start_.push_back(std::hash<std::string>()(path));
    return;
  }
  if (IsInput(path)) {
    ++arrivals_[path].taken;
    return;
  }
  for (size_t length = path.size(); length > 0 && path[length - 1] != '/'; --length) {
    const auto family = families_.find(path.substr(0, length));
    if (family == families_.end()) continue;
    // There may be more, and their turn has to come.
    family->second.until = Clock::now() + kFamilyTime;
    if (is_new) ++arrivals_[family->first].taken;
  }
}

void FollowedFiles::CheckArrivals() {
  const Clock::time_point now = Clock::now();
  for (auto it = arrivals_.begin(); it != arrivals_.end();) {
    auto& [path, arrivals] = *it;
    if (arrivals.next_check > now) {
      ++it;
      continue;
    }
    const uint64_t accounted = arrivals.taken + arrivals.told + AwaitedOf(path);
    if (arrivals.made_before > accounted) {
      const uint64_t missing = arrivals.made_before - accounted;
      findings_.push_back({.kind = Finding::Kind::kUnseen, .path = path, .count = missing});
      arrivals.told += missing;
    }
    const bool is_over = arrivals.next_check != Clock::time_point() &&
                         arrivals.made_before == arrivals.made && AwaitedOf(path) == 0;
    arrivals.made_before = arrivals.made;
    arrivals.next_check = now + 3 * options_.quiet_time;
    it = is_over ? arrivals_.erase(it) : std::next(it);
  }
}

void FollowedFiles::LastLook() {
  for (auto& [path, arrivals] : arrivals_) {
    arrivals.made_before = arrivals.made;
    arrivals.next_check = Clock::time_point::min();
  }
  CheckArrivals();
}

// Files of this name that are there, and are taken up when they have a line or are quiet.
uint64_t FollowedFiles::AwaitedOf(const std::string& path) const {
  const auto family = families_.find(path);
  const size_t strangers = family == families_.end() ? 0 : family->second.strangers.size();
  return strangers + (pending_.contains(path) ? 1 : 0);
}

// --- Names that are lost

void FollowedFiles::Unname(FollowedFile* file) {
  if (file->state != FollowedFile::State::kNamed) return;
  by_path_.erase(file->file.key().path);
  file->state = FollowedFile::State::kUnnamed;
  file->unnamed_since = Clock::now();
  file->was_searched_again = false;
  file->search_at = {};
  unnamed_.push_back(file);
  const Result<bool> found = FindByInode(file);
  if (!found) SearchLater(file, found.error());
  if (!found.value_or(false) && file->file.is_open()) Queue(file);
}

// Asks whether the file under its name is compressed. If no descriptor is left for that, it is
// asked again before the file is read.
bool FollowedFiles::LearnForm(FollowedFile* file) {
  const Result<bool> compressed = IsCompressed(file->file.key().path);
  file->is_form_known = compressed || compressed.error().code() != StatusCode::kExhausted;
  file->compressed = compressed.value_or(false);
  if (!file->is_form_known) NoteFailure(compressed.error());
  return file->is_form_known;
}

// Asked of the file before it is taken for emptied. Names change while they are looked at, so what
// is under this one may have been taken for plain when another file had it.
Result<bool> FollowedFiles::LooksCompressed(FollowedFile* file) {
  if (file->compressed) return true;
  const Result<bool> compressed = IsCompressed(file->file.key().path);
  if (compressed) file->compressed = *compressed;
  return compressed;
}

void FollowedFiles::Overwritten(FollowedFile* file) {
  const Result<bool> compressed = LooksCompressed(file);
  if (!compressed && file->state == FollowedFile::State::kNamed) return PutOff(file);
  if (compressed.value_or(false)) {
    file->file.Close();
    Queue(file);
    return;
  }
  file->size = file->file.least_size();  // what was seen behind it was of the new content
  LoseContent(file);
}

// What is under its name now is another source; its own content may have been copied elsewhere.
void FollowedFiles::LoseContent(FollowedFile* file) {
  file->overwritten = true;
  emptied_.push_back(file);
  file->file.Close();
  if (file->state != FollowedFile::State::kNamed) return;  // emptied after it had lost its name
  const std::string path = file->file.key().path;
  by_path_.erase(path);
  file->state = FollowedFile::State::kUnnamed;
  file->unnamed_since = Clock::now();
  file->search_at = {};
  unnamed_.push_back(file);
  ExpectRotatedNames(path, file->read_up_to_ns);
  if (IsInput(path)) Tell(path);
}

// An inode is used again at once: only a file that we hold open is certainly the same.
Result<bool> FollowedFiles::IsStill(const FollowedFile& file, const std::string& path) const {
  if (file.file.is_open()) return true;
  if (file.file.least_size() > 0) return HasContentOf(path, file);
  // It was empty when it was last seen. What a rotation made of it has a name like its own, and was
  // not made under that name.
  const auto arrivals = arrivals_.find(path);
  if (arrivals != arrivals_.end() && arrivals->second.made > arrivals->second.taken) return false;
  return IsRotatedName(NameOf(path), NameOf(file.file.key().path));
}

// Under another name in its directory: a rename.
Result<bool> FollowedFiles::FindByInode(FollowedFile* file) {
  SourceKey key = file->file.key();
  Result<std::vector<std::string>> paths = folders().Of(DirectoryOf(key.path)).PathsOfInode(key);
  if (!paths) return Error(paths.error());
  for (std::string& path : *paths) {
    const Result<bool> is_still = IsStill(*file, path);
    if (!is_still) return is_still;
    if (!*is_still) continue;
    key.path = std::move(path);
    Found(file, key);
    return true;
  }
  return false;
}

// Those that were renamed after their folder was looked at.
void FollowedFiles::SearchAgain() {
  const auto is_due = [now = Clock::now()](const FollowedFile* file) {
    return file->state == FollowedFile::State::kUnnamed && !file->overwritten &&
           !file->was_searched_again && now >= file->search_at;
  };
  std::vector<FollowedFile*> missed;
  std::ranges::copy_if(unnamed_, std::back_inserter(missed), is_due);
  if (missed.empty()) return;
  folders_.reset();
  for (FollowedFile* file : missed) {
    if (!is_due(file)) continue;
    const Result<bool> found = FindByInode(file);
    file->was_searched_again = found.has_value();
    if (!found) SearchLater(file, found.error());
  }
}

void FollowedFiles::SearchLater(FollowedFile* file, const Status& why) {
  NoteFailure(why);
  file->search_at = Clock::now() + kTryAgain;
}

void FollowedFiles::Retire(FollowedFile* file) {
  file->state = FollowedFile::State::kRetired;
  has_retired_ = true;
}

void FollowedFiles::CheckUnnamed() {
  const Clock::time_point now = Clock::now();
  for (FollowedFile* file : std::vector(unnamed_)) {
    if (file->state != FollowedFile::State::kUnnamed) continue;
    if (file->file.is_open()) {
      DrainUnnamed(file);
    } else if (now - file->unnamed_since >= options_.quiet_time && now >= file->search_at) {
      SettleUnnamed(file);
    }
  }
  std::erase_if(unnamed_, [](const FollowedFile* file) {
    return file->state != FollowedFile::State::kUnnamed;
  });
}

// It is not open, and was not found under another name.
void FollowedFiles::SettleUnnamed(FollowedFile* file) {
  // Nobody knows that it is gone until its folder was looked through.
  if (!file->overwritten && !file->was_searched_again) return;
  const bool may_have_lost = file->overwritten || file->grew_unseen || file->waiting() > 0;
  if (may_have_lost) {
    const Result<bool> found = FindByContent(file);
    if (!found) return SearchLater(file, found.error());
    if (*found) return;
    TellLost(file, file->waiting());
  }
  Retire(file);
}

// Removed, or moved out of sight: who writes to it may do so for a while yet.
void FollowedFiles::DrainUnnamed(FollowedFile* file) {
  const Result<uint64_t> size = file->file.SizeNow();
  if (size && *size != file->size) {
    file->size = *size;
    file->grew_at = Clock::now();
    Queue(file);
  } else if (!file->is_queued && Clock::now() - file->grew_at >= options_.close_after) {
    file->file.Close();
    Retire(file);
  }
}

// The copy that logrotate's copytruncate made, or the compressed rest of a rotated file.
Result<bool> FollowedFiles::FindByContent(FollowedFile* file) {
  const StoredSource source = AsKnown(*file);
  if (source.offset.bytes == 0) return false;
  KnownSources known = KnownAlone(*file);
  const auto is_named = [this](const FileInfo& info) { return IsNamed(info); };
  const Result<std::optional<Identity>> found = FindMoved(source, &known, &folders(), is_named);
  if (!found) return Error(found.error());
  if (!found->has_value()) return false;
  FoundCopy(file, (*found)->key);
  return true;
}

void FollowedFiles::FoundCopy(FollowedFile* file, const SourceKey& key) {
  file->overwritten = file->grew_unseen = false;
  Found(file, key);
  LearnForm(file);
}

void FollowedFiles::TellLost(FollowedFile* file, uint64_t bytes) {
  findings_.push_back({.kind = Finding::Kind::kLost, .file = file, .count = bytes});
}

void FollowedFiles::Found(FollowedFile* file, const SourceKey& key) {
  Rename(file, key);
  findings_.push_back({.kind = Finding::Kind::kMoved, .path = key.path, .file = file});
}

void FollowedFiles::Rename(FollowedFile* file, const SourceKey& key) {
  // Who had this name has it no more, as `file` has it.
  if (const auto other = by_path_.find(key.path); other != by_path_.end()) Unname(other->second);
  SetKey(file, key);
  file->state = FollowedFile::State::kNamed;
  std::erase(unnamed_, file);
  by_path_[file->file.key().path] = file;
  pending_.erase(key.path);
  CountTaken(key.path, false);
  std::erase_if(findings_, [&](const Finding& finding) {
    return (finding.kind == Finding::Kind::kNewName && finding.path == key.path) ||
           (finding.kind == Finding::Kind::kLost && finding.file == file);
  });
  Queue(file);
}

void FollowedFiles::SetKey(FollowedFile* file, const SourceKey& key) {
  if (!file->file.key().SameFileAs(key)) {
    ForgetInode(file);
    by_inode_.emplace(key.inode, file);
  }
  file->file.set_key(key);
}

void FollowedFiles::ForgetInode(const FollowedFile* file) {
  const auto [begin, end] = by_inode_.equal_range(file->file.key().inode);
  const auto found =
      std::find_if(begin, end, [file](const auto& entry) { return entry.second == file; });
  if (found != end) by_inode_.erase(found);
}

// --- Files

FollowedFile& FollowedFiles::Add(const SourceKey& key, const Offset& offset, int64_t source_id,
                                 uint32_t table) {
  if (offset.bytes == 0) {
    // A known source of which nothing was read is known by its name alone: what has that name may
    // be followed already, as the new source that it is.
    if (FollowedFile* same = SameFile(key)) return *same;
    // The copy of one that was emptied before anything was read of it.
    if (FollowedFile* original = UnreadLike(key.path)) {
      FoundCopy(original, key);
      return *original;
    }
  }
  if (const auto known = by_id_.find(source_id); source_id != 0 && known != by_id_.end()) {
    GoOnAs(known->second, key);
    return *known->second;
  }
  if (const auto other = by_path_.find(key.path); other != by_path_.end()) Unname(other->second);
  FollowedFile& file = files_.emplace_back(GrowingFile(key, offset));
  by_inode_.emplace(key.inode, &file);
  without_id_.insert(&file);
  CountTaken(key.path, offset.bytes == 0);
  file.table = table;
  LearnForm(&file);
  file.grew_at = Clock::now();
  if (const Result<FileInfo> info = Stat(key.path)) {
    file.size = info->size;
    file.modified_ns = file.read_up_to_ns = info->modified_ns;
  }
  if (offset.bytes == 0) file.file.SawHead(HashOfHead(key));
  if (source_id != 0) SetId(&file, source_id);
  by_path_[file.file.key().path] = &file;
  pending_.erase(key.path);
  WatchTargetOf(key.path);
  // Others are not opened; but what was rotated while it was decided on shows by its inode.
  if (file.compressed || !file.is_form_known || file.waiting() > 0) Queue(&file);
  LookAtName(std::string(key.path), true);
  return file;
}

// Its row is known to lie there now.
void FollowedFiles::GoOnAs(FollowedFile* file, const SourceKey& key) {
  const bool is_named = file->state == FollowedFile::State::kNamed;
  if (is_named && file->file.key() == key) return;
  if (is_named) by_path_.erase(file->file.key().path);
  // A row without lines goes on under its name with other content: what it had is gone.
  const bool is_unread = file->file.offset().bytes == 0;
  const bool is_missed = file->state == FollowedFile::State::kUnnamed || IsToldOf(*file);
  const uint64_t lost = is_unread && is_missed && file->overwritten ? file->waiting() : 0;
  file->overwritten = file->grew_unseen = false;
  Rename(file, key);
  LearnForm(file);
  if (lost > 0) TellLost(file, lost);
  if (is_unread) file->file.SawHead(HashOfHead(key));
}

void FollowedFiles::AddDisplaced(const SourceKey& key, const Offset& offset, int64_t source_id,
                                 uint32_t table) {
  FollowedFile& file = files_.emplace_back(GrowingFile(key, offset));
  by_inode_.emplace(key.inode, &file);
  file.table = table;
  file.size = offset.bytes;
  file.overwritten = true;
  file.state = FollowedFile::State::kUnnamed;
  file.unnamed_since = Clock::now();
  unnamed_.push_back(&file);
  SetId(&file, source_id);
}

// Files without a name do not count for `most_open`: they cannot be opened again, so none of them
// makes room, and many may lose their names at once.
Status FollowedFiles::Open(FollowedFile* file) {
  std::erase_if(open_, [](const FollowedFile* one) { return !one->file.is_open(); });
  const auto named = std::ranges::count(open_, FollowedFile::State::kNamed, &FollowedFile::state);
  const bool is_full = open_.size() >= room_;
  if (is_full || static_cast<size_t>(named) >= options_.most_open) {
    if (!MakeRoom() && is_full) {
      return {StatusCode::kExhausted,
              "cannot open " + file->file.key().path + ": " + std::to_string(open_.size()) +
                  " files that were removed are still open",
              "raise the limit (ulimit -n)"};
    }
  }
  Status opened = file->file.Open();
  if (opened.code() == StatusCode::kExhausted && MakeRoom()) opened = file->file.Open();
  if (!opened.ok()) return opened;
  file->is_put_off = false;
  open_.push_back(file);
  return opened;
}

bool FollowedFiles::MakeRoom() {
  FollowedFile* least = nullptr;
  for (FollowedFile* const file : open_) {
    // One without a name cannot be opened again.
    if (!file->file.is_open() || file->state != FollowedFile::State::kNamed) continue;
    if (least == nullptr || file->turn < least->turn) least = file;
  }
  if (least == nullptr) return false;
  least->file.Close();
  std::erase(open_, least);
  return true;
}

void FollowedFiles::PutOff(FollowedFile* file) {
  file->is_put_off = true;
  LookLater(file->file.key().path);
}

bool FollowedFiles::HasUnreadSource() const {
  return std::ranges::any_of(without_id_, [](const FollowedFile* file) {
    return file->state != FollowedFile::State::kRetired && file->size > 0;
  });
}

// A new source that is followed already, though no row says so yet: it was told by two names.
FollowedFile* FollowedFiles::SameFile(const SourceKey& key) {
  std::vector<FollowedFile*> same;
  const auto [begin, end] = by_inode_.equal_range(key.inode);
  for (auto at = begin; at != end; ++at) same.push_back(at->second);
  for (FollowedFile* const one : same) {
    FollowedFile& file = *one;
    const SourceKey other = file.file.key();
    if (!other.SameFileAs(key) || file.state == FollowedFile::State::kRetired) continue;
    if (file.file.is_open()) {
      // As long as we hold it open, nobody else gets its inode.
      if (other.path != key.path) MoveTo(&file, key);
      return &file;
    }
    // It may have been renamed since we looked, or its inode given to another file.
    if (file.state == FollowedFile::State::kNamed) LookAtName(other.path, true);
    if (file.state == FollowedFile::State::kNamed && file.file.key().inode == key.inode) {
      return &file;
    }
  }
  return nullptr;
}

FollowedFile* FollowedFiles::UnreadLike(const std::string& path) {
  std::optional<std::string> head;
  const auto is_like = [&](const FollowedFile* file) {
    const ContentHash& seen = file->file.seen_head();
    const bool is_unread = file->file.offset().bytes == 0 && seen.length > 0;
    if (!is_unread || file->file.is_open()) return false;
    if (!head) head = HeadOf(path).value_or("");
    return seen.length <= head->size() && HashOf(head->substr(0, seen.length)) == seen &&
           HasContentOf(path, *file).value_or(false);
  };
  const auto found = std::ranges::find_if(unnamed_, is_like);
  return found == unnamed_.end() ? nullptr : *found;
}

void FollowedFiles::MoveTo(FollowedFile* file, const SourceKey& key) {
  if (file->state == FollowedFile::State::kNamed) by_path_.erase(file->file.key().path);
  Found(file, key);
}

void FollowedFiles::SetId(FollowedFile* file, int64_t source_id) {
  file->source_id = source_id;
  without_id_.erase(file);
  by_id_[source_id] = file;
}

void FollowedFiles::Queue(FollowedFile* file) {
  if (file->is_queued || file->state == FollowedFile::State::kRetired) return;
  file->is_queued = true;
  queue_.push_back(file);
}

FollowedFile* FollowedFiles::NextReadable() {
  while (!queue_.empty()) {
    FollowedFile* const file = queue_.front();
    queue_.pop_front();
    file->is_queued = false;
    if (file->state == FollowedFile::State::kRetired) continue;
    // Without a name, and not open: what it was is looked for, or lost.
    if (file->state == FollowedFile::State::kUnnamed && !file->file.is_open()) continue;
    if (!file->is_form_known && !file->file.is_open() && !LearnForm(file)) {
      PutOff(file);
      continue;
    }
    file->turn = ++turns_;
    return file;
  }
  return nullptr;
}

size_t FollowedFiles::open_files() const {
  return static_cast<size_t>(std::count_if(
      files_.begin(), files_.end(), [](const FollowedFile& file) { return file.file.is_open(); }));
}

// Descriptors are for files that grow.
void FollowedFiles::CloseIdleFiles() {
  const Clock::time_point now = Clock::now();
  if (now < close_idle_at_) return;
  close_idle_at_ = now + std::min<milliseconds>(options_.close_after, kCloseIdleEvery);
  for (FollowedFile* const file : open_) {
    const bool is_idle = now - file->grew_at >= options_.close_after && !file->is_queued;
    if (is_idle && file->state == FollowedFile::State::kNamed) file->file.Close();
  }
  std::erase_if(open_, [](const FollowedFile* file) { return !file->file.is_open(); });
}

bool FollowedFiles::IsToldOf(const FollowedFile& file) const {
  return std::ranges::any_of(findings_,
                             [&](const Finding& finding) { return finding.file == &file; });
}

void FollowedFiles::Sweep(const std::function<void(const FollowedFile&)>& before) {
  if (!has_retired_) return;
  has_retired_ = false;
  files_.remove_if([&](const FollowedFile& file) {
    if (file.state != FollowedFile::State::kRetired) return false;
    if (file.is_queued || IsToldOf(file)) {
      has_retired_ = true;
      return false;
    }
    ForgetInode(&file);
    without_id_.erase(&file);
    std::erase(open_, &file);
    const bool is_untold = std::erase(emptied_, &file) > 0 && file.overwritten;
    if (is_untold && file.source_id != 0) {
      swept_emptied_.push_back({.source_id = file.source_id, .key = file.file.key()});
    }
    if (const auto known = by_id_.find(file.source_id);
        known != by_id_.end() && known->second == &file) {
      by_id_.erase(known);
    }
    before(file);
    return true;
  });
}

}  // namespace sluice
