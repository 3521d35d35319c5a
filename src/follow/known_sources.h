// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "offset/offset.h"
#include "sluice/status.hpp"

namespace sluice {

// A known source, with what a database tells of it beside.
struct StoredSource : KnownSource {
  StoredSource(KnownSource source, int64_t last_read_ns = 0, bool was_lost = false)
      : KnownSource(std::move(source)), read_ns(last_read_ns), has_gap(was_lost) {}

  int64_t read_ns = 0;   // when it was read last, since 1970
  bool has_gap = false;  // what it had was gone from its path when that was looked at
};

// The sources that tables know, found by what a file shows of itself: its path, its inode, its
// first 1 KiB. No question costs more with the number of sources; which of them a file is,
// follow/identity.h decides.
//
// Either it keeps the sources, or only hashes of what finds them, 200 bytes a source: then `fetch`
// reads one when it is asked for (live mode, which has few megabytes). A run decides on one file
// after another. What it has decided changes what is known: Move and Stands say so, and Settle
// ends it. Threads: one.
class KnownSources {
 public:
  using Fetch = std::function<Result<StoredSource>(int64_t id)>;

  KnownSources() = default;
  explicit KnownSources(Fetch fetch) : fetch_(std::move(fetch)) {}
  explicit KnownSources(const std::vector<StoredSource>& sources);

  void Add(const StoredSource& source);
  bool empty() const { return by_path_.empty(); }

  // The source lies there from here on, and stands there.
  void Move(const StoredSource& source, const SourceKey& key);
  // The file of the source was seen where the source is known: no other file is it.
  void Stands(const StoredSource& source);
  // This file of the source was seen to be emptied: what it holds now is not the source, whatever
  // that is. A source that lies in another file by now is not concerned.
  void Emptied(int64_t id, const SourceKey& file) { emptied_.insert_or_assign(id, file); }
  bool IsEmptied(const StoredSource& source) const {
    const auto emptied = emptied_.find(source.id);
    return emptied != emptied_.end() && emptied->second.SameFileAs(source.key);
  }
  // The decisions are in the database by now, or never will be. For sources that are fetched.
  void Settle();
  // The source was read further: for sources that are fetched.
  void Advance(int64_t id, const Offset& before, const Offset& after);

  Result<StoredSource> Get(int64_t id) const;
  // Of all sources that are kept, until one moves.
  void AppendPaths(std::vector<std::string_view>* paths) const;
  // Each in the order of their ids.
  Result<std::vector<StoredSource>> AtPath(std::string_view path) const;
  Result<std::vector<StoredSource>> OfInode(const SourceKey& key) const;

  // Of sources that begin with this whole window: the largest offset below `limit`.
  std::optional<uint64_t> OffsetBelow(const ContentHash& head, uint64_t limit) const;
  struct Alike {
    StoredSource source;
    bool stands = false;
  };
  // One that has this offset, head and tail, and is none of `except`: one that is not known to
  // stand, if there is any.
  Result<std::optional<Alike>> WithContent(const Offset& offset,
                                           const std::vector<int64_t>& except) const;

 private:
  using Index = std::unordered_multimap<uint64_t, int64_t>;  // hash → id
  // Sources of at least one window, so that those of one content lie side by side.
  struct Content {
    uint64_t head = 0;
    uint64_t bytes = 0;
    uint64_t tail = 0;
    bool stands = false;
    int64_t id = 0;
    auto operator<=>(const Content&) const = default;
  };

  static Content ContentOf(int64_t id, const Offset& offset, bool stands);
  template <typename Is>
  Result<std::vector<StoredSource>> Select(const Index& index, uint64_t hash, Is is) const;

  Fetch fetch_;  // none: they are kept
  std::unordered_map<int64_t, StoredSource> kept_;
  Index by_path_;
  Index by_inode_;
  std::set<Content> by_content_;
  std::unordered_map<int64_t, SourceKey> emptied_;
  // Since the last Settle, if sources are fetched.
  std::unordered_map<int64_t, SourceKey> moved_;
  std::vector<std::pair<int64_t, Offset>> standing_;
};

}  // namespace sluice
