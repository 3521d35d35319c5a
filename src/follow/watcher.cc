// SPDX-License-Identifier: Apache-2.0
#include "follow/watcher.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <errno.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

namespace sluice {
namespace {

constexpr uint32_t kNameEvents = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE;
constexpr uint32_t kEvents = kNameEvents | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                             IN_ONLYDIR | IN_EXCL_UNLINK;

// File systems on which another machine, or another process behind FUSE, may write without the
// kernel here knowing of it (statfs(2) has the numbers).
constexpr uint64_t kRemoteFileSystems[] = {
    0x6969,      // NFS
    0x517b,      // SMB
    0xff534d42,  // CIFS
    0xfe534d42,  // SMB2
    0x65735546,  // FUSE
    0x01021997,  // 9P
    0x00c36400,  // Ceph
    0x5346414f,  // AFS
};

bool IsRemote(const std::string& directory) {
  struct statfs system {};
  if (statfs(directory.c_str(), &system) != 0) return false;
  const auto type = static_cast<uint64_t>(system.f_type) & UINT32_MAX;
  return std::ranges::find(kRemoteFileSystems, type) != std::end(kRemoteFileSystems);
}

}  // namespace

Watcher::Watcher(const Options& options) : options_(options), polled_at_(Clock::now()) {
  if (options_.poll) return;
  const int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor >= 0) {
    inotify_ = File::Adopt(descriptor, "inotify");
    return;
  }
  notes_.push_back("no inotify (" + std::string(std::strerror(errno)) +
                   "): what is followed is polled; fs.inotify.max_user_instances may be too low");
}

bool Watcher::Watches(const std::string& directory) const {
  return watches_.contains(directory) || polled_.contains(directory);
}

void Watcher::Watch(const std::string& directory) {
  const auto polled = polled_.find(directory);
  if (polled != polled_.end() && !polled->second.is_missing) return;
  const bool can_watch = !options_.poll && inotify_.is_open() && !IsRemote(directory);
  const int failure = can_watch ? AddWatch(directory) : ENOSYS;
  if (failure == 0) {
    polled_.erase(directory);
  } else {
    polled_[directory] = {.is_missing = failure == ENOENT || failure == ENOTDIR};
  }
}

// 0, or the error number.
int Watcher::AddWatch(const std::string& directory) {
  const bool known = watches_.contains(directory);
  // The same directory gives the same watch, one that was made anew another.
  const bool within_limit = known || watches_.size() < options_.most_watches;
  const int watch =
      within_limit ? inotify_add_watch(inotify_.descriptor(), directory.c_str(), kEvents) : -1;
  if (watch < 0) {
    const int failure = within_limit ? errno : ENOSPC;
    // What is not there is looked for by polling; only a limit is worth a word.
    if ((failure == ENOSPC || failure == ENOMEM) && !std::exchange(limit_said_, true)) {
      notes_.push_back("inotify's limit is reached at " + std::to_string(watches_.size()) +
                       " directories (fs.inotify.max_user_watches): the others are polled");
    }
    if (known) Forget(directory);
    return failure;
  }
  if (known && watches_[directory] != watch) directories_.erase(watches_[directory]);
  // Two names of one directory have one watch: its hints bear the name that came first.
  if (const auto other = directories_.find(watch);
      other != directories_.end() && other->second != directory) {
    return EEXIST;
  }
  watches_[directory] = watch;
  directories_[watch] = directory;
  return 0;
}

void Watcher::Forget(const std::string& directory) {
  polled_.erase(directory);
  const auto found = watches_.find(directory);
  if (found == watches_.end()) return;
  inotify_rm_watch(inotify_.descriptor(), found->second);
  directories_.erase(found->second);
  watches_.erase(found);
}

Watcher::Clock::time_point Watcher::next_poll() const {
  if (polled_.empty()) return Clock::time_point::max();
  return polled_at_ + std::max<Clock::duration>(options_.poll_interval, cost_ * 100);
}

std::set<Hint> Watcher::Take() {
  std::set<Hint> hints;
  if (inotify_.is_open()) ReadEvents(&hints);
  if (Clock::now() >= next_poll()) {
    polled_at_ = Clock::now();
    for (const auto& [directory, polled] : polled_) {
      hints.insert({Hint::Kind::kDirectory, directory});
    }
  }
  return hints;
}

void Watcher::ReadEvents(std::set<Hint>* hints) {
  // Room for many events: a burst writes thousands a second. No more than a few rounds, so that who
  // reads what the hints are about gets a turn; the rest stays in the kernel's queue.
  constexpr int kRounds = 4;
  alignas(inotify_event) char events[16 << 10];
  for (int round = 0; round < kRounds; ++round) {
    const Result<size_t> read = inotify_.Read(events, sizeof(events));
    has_all_ = !read || *read == 0;  // EAGAIN: no more at the moment
    if (has_all_) return;
    for (size_t at = 0; at < *read;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events + at);
      Translate(event, hints);
      at += sizeof(inotify_event) + event->len;
    }
  }
}

void Watcher::CountMade(uint32_t mask, const std::string& path) {
  if ((mask & IN_CREATE) != 0) {
    empty_.insert(path);
  } else if ((mask & (IN_MOVED_FROM | IN_DELETE)) != 0) {
    empty_.erase(path);
  } else if ((mask & IN_MODIFY) != 0 && empty_.erase(path) > 0) {
    ++made_[path];
  }
}

void Watcher::Translate(const void* raw, std::set<Hint>* hints) {
  const auto* event = static_cast<const inotify_event*>(raw);
  if ((event->mask & IN_Q_OVERFLOW) != 0) {
    hints->insert({Hint::Kind::kEverything, ""});
    return;
  }
  const auto found = directories_.find(event->wd);
  if (found == directories_.end()) return;  // forgotten meanwhile
  const std::string directory = found->second;
  if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
    // The name may stand for another directory by now: who looks there watches it anew.
    Forget(directory);
    hints->insert({Hint::Kind::kDirectory, directory});
    return;
  }
  if (event->len == 0) return;
  const bool is_directory = (event->mask & IN_ISDIR) != 0;
  if (is_directory && (event->mask & kNameEvents) == 0) return;
  if (!is_directory) CountMade(event->mask, Join(directory, event->name));
  const Hint::Kind of_file =
      (event->mask & kNameEvents) != 0 ? Hint::Kind::kName : Hint::Kind::kGrown;
  hints->insert({is_directory ? Hint::Kind::kDirectory : of_file, Join(directory, event->name)});
}

}  // namespace sluice
