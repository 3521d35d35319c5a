// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "follow/directory.h"
#include "follow/growing_file.h"
#include "follow/watcher.h"
#include "source/inputs.h"

namespace sluice {

// A source that is followed. It costs a descriptor only while it grows.
struct FollowedFile {
  explicit FollowedFile(GrowingFile growing) : file(std::move(growing)) {}

  GrowingFile file;
  int64_t source_id = 0;  // its row in _sluice_sources
  uint32_t table = 0;     // of who reads it
  bool compressed =
      false;  // what is under its name; an open descriptor may be of what that was before
  // Of the file, as last seen: what stands between the offset and this is known to be there.
  uint64_t size = 0;
  int64_t modified_ns = 0;
  // When it was modified last before what is not read yet was written: what a rotation made of it
  // is not older.
  int64_t read_up_to_ns = 0;

  // named ──name gone, or other content──▶ unnamed ──found elsewhere──▶ named
  //                                           │ read to its end, or not found
  //                                           ▼
  //                                        retired
  enum class State : uint8_t { kNamed, kUnnamed, kRetired };
  State state = State::kNamed;
  bool overwritten = false;  // unnamed: its content is gone from the file that we may have open
  bool grew_unseen = false;  // unnamed: it was written to between our last look and its end
  std::chrono::steady_clock::time_point unnamed_since;
  std::chrono::steady_clock::time_point grew_at;
  std::chrono::steady_clock::time_point caught_up_at;
  uint64_t turn = 0;  // the higher, the later it was read last
  bool is_queued = false;
  bool is_unreadable = false;       // when it was last tried
  bool is_put_off = false;          // queued when its name is looked at again
  bool is_form_known = true;        // whether `compressed` was seen
  bool was_searched_again = false;  // unnamed: in its folder as the next look saw it
  std::chrono::steady_clock::time_point search_at;  // unnamed: not before, as the last one failed

  // One that is open is read to its end as it is, whatever is under its name by now.
  bool reads_compressed() const { return compressed && !file.is_open(); }
  // Bytes that are known to be there and not read: of a plain file.
  uint64_t waiting() const {
    return compressed || size < file.offset().bytes ? 0 : size - file.offset().bytes;
  }
};

// What came of a look at the files.
struct Finding {
  enum class Kind : uint8_t {
    kNewName,  // `path` stands for content that is not followed yet: decide by content what it is
    kMoved,    // `file` lies under another name now, which its row should learn of
    kLost,     // `file` is gone, and what it may have held behind its offset with it: `count` bytes
               // were known to be there
    kUnseen,   // `count` files that had the name `path` for a moment are gone, with all they held
    kNote,     // `path` is a line for a person
  };
  Kind kind = Kind::kNote;
  std::string path = {};
  FollowedFile* file = nullptr;
  uint64_t count = 0;
};

// A file of a known source that was seen to be emptied, or overwritten.
struct EmptiedFile {
  int64_t source_id = 0;
  SourceKey key;  // of that file: the source itself may lie in another one by now
};

// The files of a live run: which there are, which of them have more to read, and what became of
// those that were renamed, emptied, replaced or removed.
//
// It goes by names and inodes as long as these explain what is seen; where they do not, it says
// kNewName, and content decides (follow/identity.h), as in any other run. The rules:
//
//   name gone, or of another inode  The file is looked for in its directory by its inode. An open
//                                   one is read to its end in any case.
//   shorter than the offset, or     The content before is looked for in the directory (logrotate's
//   other bytes before it           copytruncate). What has the name now is a new source. Where
//                                   nothing was read yet, the bytes that were seen first stand for
//                                   those before the offset.
//   names that a rotation makes     Where a file was rotated, names that begin with its own
//                                   (app.jsonl.1) and are newer than what was read of it are told
//                                   too, until each is followed: that is how the middle one of
//                                   several rotations between two looks is found, though its name
//                                   may change again meanwhile.
//   not found for a second       kLost.
//   cannot be looked at, listed     Nothing is concluded: it is tried again after kTryAgain. What
//   or opened                       could not be seen may be there, so it is not lost.
//   made, written to, and gone   Each file that was made under the name of an input is to be taken
//   between two looks            up; inotify tells how many there were. Those that are missing when
//                                all was looked for are kUnseen.
//
// A new name is told when its file has a first whole line; where it begins like a file that is
// followed beside it, or is compressed, when it has been quiet for a second: a copy in the
// making is no source of its own yet.
//
// Limits: at most `most_open` descriptors for files that have a name, and for all together what the
// process may open less a reserve; ten thousand idle files take some 4 MB. Threads: one.
class FollowedFiles {
 public:
  using Clock = std::chrono::steady_clock;
  // How soon what could not be looked at, listed or opened is tried again, where no hint comes
  // before.
  static constexpr std::chrono::milliseconds kTryAgain{1'000};

  struct Options {
    std::vector<std::string> inputs;  // files and directories
    InputFilter filter;
    std::string database;  // its files are never looked at (I10)
    Watcher::Options watch;
    size_t most_open = 256;
    std::chrono::milliseconds close_after{60'000};  // without growth
    std::chrono::milliseconds quiet_time{1'000};
    std::chrono::milliseconds look_at_all_every{300'000};
  };

  explicit FollowedFiles(Options options);

  // Begins to watch, and names every file of the inputs: those that the caller knows by content it
  // adds, the others it decides on as of any kNewName.
  std::vector<std::string> Start();

  // A name that the caller does not know: it is told as a kNewName when it is time.
  void Tell(const std::string& path);
  // Those that were seen to be emptied, or overwritten, since it was asked last: what these files
  // hold now is not what they held, whatever it is.
  std::vector<EmptiedFile> TakeEmptied();
  // Whether hints come from the directory of this file.
  bool Watches(const std::string& path) const { return directories_.contains(DirectoryOf(path)); }
  // A name that was told, and of which nothing can be read yet: it is told again when its file has
  // grown, or at `due`.
  void Hold(const std::string& path, Clock::time_point due) { pending_[path] = {.due = due}; }
  // The file of this name was, or may have been, rotated. Names that a rotation may have made of it
  // since then, and that are not followed, are told: one may be its content, another what had its
  // name for a moment.
  void ExpectRotatedNames(const std::string& path, int64_t since_ns);
  bool IsInput(const std::string& path) const;

  // Follows a file from `offset` on. One with that source_id that is followed already has this name
  // from now on, and is not lost.
  FollowedFile& Add(const SourceKey& key, const Offset& offset, int64_t source_id, uint32_t table);

  // A known source whose name had other content when the run began: what became of its own is
  // looked for, as if it had gone before our eyes.
  void AddDisplaced(const SourceKey& key, const Offset& offset, int64_t source_id, uint32_t table);

  // The caller has seen what has this name, and does not follow it.
  void NoteRefused(const std::string& path) { ++arrivals_[path].taken; }

  // Whether a new source was taken up of which nothing is committed yet: what looks like a stranger
  // may be its copy, which only its content can tell.
  bool HasUnreadSource() const;
  // A new source has its row now.
  void SetId(FollowedFile* file, int64_t source_id);

  // Looks where the watcher hints, and at what is due.
  void Look();
  // When no look follows: files that are missing by now will not be taken up any more.
  void LastLook();
  // What came of it, in the order in which it is to be handled; nothing where all is told. What is
  // not asked for stays until it is, and its file with it, unless the handling of one before it
  // has settled it.
  std::optional<Finding> NextFinding();
  // Everything is looked at again (SIGHUP, --poll's rescan).
  void LookAtAll() { look_at_all_at_ = Clock::time_point::min(); }

  // The next file that may have more, open; each in turn. nullptr where none has.
  FollowedFile* NextReadable();
  // It was not read to its end: its turn comes again.
  void KeepReadable(FollowedFile* file) { Queue(file); }
  // Next() said kOtherContent: the file under its name is another source now.
  void Overwritten(FollowedFile* file);
  bool HasReadable() const { return !queue_.empty(); }
  // A descriptor for a file that has none. Where the limit is reached, or the system has none left,
  // the one that was read least recently loses its own. As GrowingFile::Open; kExhausted where none
  // can be had at the moment.
  Status Open(FollowedFile* file);
  // Closes the file that was read least recently, of those that can be opened again. Whether there
  // was one.
  bool MakeRoom();
  // It could not be opened, which says nothing about it: its turn comes after kTryAgain, or a hint.
  void PutOff(FollowedFile* file);
  // It could not be opened: what became of its name?
  void LookAgain(const std::string& path) { LookAtName(std::string(path), true); }
  // Frees those that are retired and that no finding tells of, after a last word on each.
  void Sweep(const std::function<void(const FollowedFile&)>& before);

  // Folders as this look sees them.
  Folders& folders();

  int descriptor() const { return watcher_.descriptor(); }
  Clock::time_point next_look() const;
  const std::list<FollowedFile>& files() const { return files_; }
  const Watcher& watcher() const { return watcher_; }
  const std::set<std::string>& named_files() const { return named_files_; }
  size_t open_files() const;
  // Names of which nothing is read yet.
  size_t pending() const { return pending_.size(); }

 private:
  struct Directory {
    std::string below;  // path below its INPUT, with a '/' at the end unless it is "" itself
    bool taken = true;  // false: watched only for files that were named themselves
  };
  struct Pending {  // a name that is to be told
    Clock::time_point due;
    uint64_t size = 0;
    bool is_quiet_awaited = false;
  };

  // Names that a rotation may have made of one, while they are looked for. By inode, for the names
  // change with the next rotation.
  using Inode = std::pair<uint64_t, uint64_t>;  // with its device
  struct Family {
    int64_t since_ns = 0;  // older ones were there before we were
    Clock::time_point until;
    Clock::time_point next;
    std::map<Inode, Pending> strangers;
  };

  // Files that were made under the name of an input, and those of them that were taken up.
  struct Arrivals {
    uint64_t made = 0;
    uint64_t made_before = 0;  // when that was last checked: time enough to take these up
    uint64_t taken = 0;
    uint64_t told = 0;  // as kUnseen
    Clock::time_point next_check;
  };

  void WatchInputs();
  void WatchDirectory(const std::string& input);
  void WatchNamedFile(const std::string& input);
  void WatchTargetOf(const std::string& path);
  void Walk(const std::string& directory, const std::string& below);
  void LookAtHinted(const std::string& path, bool grew);
  void LookAtDirectory(const std::string& path);
  void LookAtName(const std::string& path, bool may_have_grown);
  void LookAtEverything();
  void LookLater(const std::string& path);
  void LookAtWhatFailed();
  void NoteFailure(const Status& why);

  void Appeared(const std::string& path, const FileInfo& info);
  bool BeginsLikeOneBesideIt(const std::string& path);
  void ReadHeads();
  Pending Await(const std::string& path, uint64_t size);
  // Whether its time has come; one that changes still is awaited anew.
  bool IsDue(Pending* pending, uint64_t size) const;
  void TellPending();
  void TellStrangers();
  void TellStrangersOf(const std::string& path, const std::set<Inode>& known, Family* family);
  std::set<Inode> NamedInodes() const;
  bool IsNamed(const FileInfo& info) const;
  void TellStrangersAmong(const std::vector<std::string>& names, const std::set<Inode>& known,
                          Family* family);
  bool LearnForm(FollowedFile* file);
  Result<bool> LooksCompressed(FollowedFile* file);
  void LoseContent(FollowedFile* file);
  void Unname(FollowedFile* file);
  Result<bool> IsStill(const FollowedFile& file, const std::string& path) const;
  Result<bool> FindByInode(FollowedFile* file);
  void SearchAgain();
  void SearchLater(FollowedFile* file, const Status& why);
  void CheckUnnamed();
  void SettleUnnamed(FollowedFile* file);
  void Retire(FollowedFile* file);
  void DrainUnnamed(FollowedFile* file);
  Result<bool> FindByContent(FollowedFile* file);
  void FoundCopy(FollowedFile* file, const SourceKey& key);
  void TellLost(FollowedFile* file, uint64_t bytes);
  FollowedFile* SameFile(const SourceKey& key);
  FollowedFile* UnreadLike(const std::string& path);
  void GoOnAs(FollowedFile* file, const SourceKey& key);
  void MoveTo(FollowedFile* file, const SourceKey& key);
  void Found(FollowedFile* file, const SourceKey& key);
  void Rename(FollowedFile* file, const SourceKey& key);
  void SetKey(FollowedFile* file, const SourceKey& key);
  void ForgetInode(const FollowedFile* file);
  bool IsToldOf(const FollowedFile& file) const;
  void Queue(FollowedFile* file);
  void CountMade();
  void CountTaken(const std::string& path, bool is_new);
  void CheckArrivals();
  uint64_t AwaitedOf(const std::string& path) const;
  void CloseIdleFiles();
  bool IsDatabaseFile(const std::string& path) const;

  const Options options_;
  const size_t room_;  // for descriptors of files
  Watcher watcher_;
  std::map<std::string, Directory> directories_;  // watched, by canonical path
  std::set<std::string> named_files_;             // INPUTs that are no directories, by key path
  std::map<std::string, std::string> link_of_;    // what such a link points to → the link

  std::list<FollowedFile> files_;                      // addresses are stable
  std::map<std::string_view, FollowedFile*> by_path_;  // those that are named
  std::unordered_map<int64_t, FollowedFile*> by_id_;   // by source_id
  std::unordered_multimap<uint64_t, FollowedFile*> by_inode_;
  std::unordered_set<const FollowedFile*> without_id_;
  bool has_retired_ = false;
  std::vector<FollowedFile*> unnamed_;
  std::vector<FollowedFile*> emptied_;      // not told yet
  std::vector<EmptiedFile> swept_emptied_;  // that are gone from here
  std::map<std::string, Pending> pending_;
  std::map<std::string, Family> families_;  // by the name that was rotated
  std::map<std::string, Arrivals> arrivals_;
  // Until the first look, which tells what was made meanwhile: hashes of names that were taken up,
  // for most of ten thousand were there before.
  bool has_looked_ = false;
  std::vector<size_t> taken_at_start_;
  // Of this look.
  std::optional<Folders> folders_;
  struct KnownHead {
    size_t directory = 0;  // hash of its path
    uint32_t length = 0;
    uint64_t hash = 0;
    auto operator<=>(const KnownHead&) const = default;
  };
  std::optional<std::vector<KnownHead>> heads_;  // of files that are followed, sorted
  std::set<std::string> again_;  // names and directories that could not be looked at
  Clock::time_point again_at_;
  std::set<std::string> said_;       // failures, by their words
  std::vector<FollowedFile*> open_;  // and such as were closed since
  uint64_t turns_ = 0;
  std::deque<FollowedFile*> queue_;
  std::deque<Finding> findings_;  // not told yet
  Clock::time_point look_at_all_at_;
  Clock::time_point close_idle_at_;
};

}  // namespace sluice
