// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"

namespace sluice {

// Something that may have changed: where to look, never what to believe. What happened is decided
// by who looks there, from the files themselves.
struct Hint {
  enum class Kind : uint8_t {
    kGrown,       // the file of this name was written to, or cut
    kName,        // this name was given or taken: made, removed, renamed from or to
    kDirectory,   // names in this directory changed in a way not told, or it is polled: list it
    kEverything,  // hints were lost: look at all that is followed
  };
  Kind kind = Kind::kEverything;
  std::string path;

  friend auto operator<=>(const Hint&, const Hint&) = default;
};

// Watches directories for changes of names in them and of the files below these names: by inotify,
// or by polling where that does not work.
//
// A directory is polled with `poll`, on a file system where changes come from other machines (NFS,
// SMB, FUSE, ...), and where a limit of inotify is reached; the latter is said once, in notes().
// Polling hints at the whole directory whenever it is due. Its interval grows with the number of
// polled directories and with what the last round cost its caller, so that idle polling stays
// cheap.
//
// Limits: one inotify watch a directory, none a file. Threads: one. Errors: none; what cannot be
// watched is polled.
class Watcher {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    bool poll = false;
    std::chrono::milliseconds poll_interval{250};
    size_t most_watches = SIZE_MAX;  // for tests: as if the system's limit were this
  };

  explicit Watcher(const Options& options);

  // From now on hints come from this directory, though not from those below it. Watching it again
  // is nothing, unless it was removed meanwhile and is there anew.
  void Watch(const std::string& directory);
  void Forget(const std::string& directory);
  bool Watches(const std::string& directory) const;

  // Readable, for poll(2), when hints are there; -1 where all is polled.
  int descriptor() const { return inotify_.descriptor(); }
  // When polled directories are due; Clock::time_point::max() where none is polled.
  Clock::time_point next_poll() const;

  // The hints since the last call, each once.
  std::set<Hint> Take();
  // How many files were made under which name, and written to, since the last call: a name may have
  // stood for several between two looks. Only inotify tells.
  std::map<std::string, uint64_t> TakeMade() { return std::exchange(made_, {}); }
  // Whether no event was left for the next Take().
  bool has_all() const { return has_all_; }
  // What the last round of polling cost: the interval becomes at least a hundred times that.
  void TellCost(Clock::duration cost) { cost_ = cost; }

  // What a person should know, each line once: limits that were reached.
  std::vector<std::string> TakeNotes() { return std::exchange(notes_, {}); }

  size_t watched() const { return directories_.size(); }
  size_t polled() const { return polled_.size(); }

 private:
  struct Polled {
    bool is_missing = false;  // not there when it was to be watched: it is, when it appears
  };
  int AddWatch(const std::string& directory);
  void ReadEvents(std::set<Hint>* hints);
  void Translate(const void* event, std::set<Hint>* hints);
  void CountMade(uint32_t mask, const std::string& path);

  const Options options_;
  File inotify_;                                      // not open where all is polled
  std::unordered_map<int, std::string> directories_;  // by watch
  std::unordered_map<std::string, int> watches_;      // by directory
  std::map<std::string, Polled> polled_;
  std::set<std::string> empty_;           // made, and not written to yet
  std::map<std::string, uint64_t> made_;  // as of TakeMade
  Clock::time_point polled_at_;
  Clock::duration cost_{};
  bool limit_said_ = false;
  bool has_all_ = true;
  std::vector<std::string> notes_;
};

}  // namespace sluice
