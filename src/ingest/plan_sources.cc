// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan_sources.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "base/file.h"
#include "source/open.h"

namespace sluice {
namespace {

// The clock of files ticks every few milliseconds.
constexpr int64_t kClockSlackNs = 100'000'000;

}  // namespace

bool SourceFinder::IsKnown(const std::vector<std::string>& tables, Candidate* candidate) {
  if (candidate->path == "-" || options_.start_offset) return false;
  for (const std::string& table : tables) {
    const auto known = knowledge_.sources.find(table);
    if (known == knowledge_.sources.end()) continue;
    // What goes wrong here goes wrong again where it is looked at, and is told there.
    Result<std::optional<Identity>> identity =
        IdentifyByPath(candidate->path, &known->second, folders_);
    if (!identity || !identity->has_value()) continue;
    // Of which nothing was read: its first lines decide anew.
    if ((*identity)->start.offset.bytes == 0) continue;
    candidate->key = (*identity)->key;
    candidate->stored_size = (*identity)->stored_size;
    candidate->head = (*identity)->start.head;
    candidate->table = table;
    candidate->identity = std::move(*identity);
    return true;
  }
  return false;
}

void SourceFinder::NoteNamed(const std::vector<Candidate>& candidates) {
  for (const Candidate& candidate : candidates) {
    if (!candidate.named) continue;
    named_.insert_or_assign(candidate.key.path, candidate.head);
  }
}

Status SourceFinder::Find() {
  FindRotatedNames();
  if (Status s = IdentifySources(); !s.ok()) return s;
  return FindMovedSources();
}

// Names that were rotated, or may have been: those that were named, for one, and those of which
// a rotated file is known. Before any known source gets another path.
void SourceFinder::FindRotatedNames() {
  std::vector<std::string_view> paths;
  for (const auto& [table, sources] : knowledge_.sources) sources.AppendPaths(&paths);
  std::sort(paths.begin(), paths.end());
  for (const PlannedSource& source : plan_.sources) {
    const std::string& path = source.key.path;
    const auto relative = std::upper_bound(paths.begin(), paths.end(), path);
    const bool has_relative = relative != paths.end() && relative->starts_with(path);
    may_have_been_rotated_.push_back(source.open == nullptr &&
                                     (named_.contains(path) || has_relative));
  }
}

Status SourceFinder::IdentifySources() {
  // The file that still stands where it stood comes first: what has its content under another
  // name is then a copy.
  std::vector<size_t> order(plan_.sources.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_partition(order.begin(), order.end(),
                        [&](size_t i) { return IsPathKnown(plan_.sources[i]); });
  std::vector<bool> is_gone(order.size());
  for (const size_t i : order) {
    Status s = IdentifySource(&plan_.sources[i]);
    if (MayComeAgain(options_, plan_.sources[i].key.path, s, &plan_)) {
      is_gone[i] = true;
    } else if (!s.ok()) {
      return s;
    }
  }
  std::vector<PlannedSource> there;
  std::vector<bool> may_have_been_rotated;
  for (size_t i = 0; i < order.size(); ++i) {
    if (is_gone[i]) continue;
    there.push_back(std::move(plan_.sources[i]));
    may_have_been_rotated.push_back(may_have_been_rotated_[i]);
  }
  plan_.sources = std::move(there);
  may_have_been_rotated_ = std::move(may_have_been_rotated);
  return {};
}

KnownSources& SourceFinder::KnownTo(const PlannedSource& source) {
  return knowledge_.Of(plan_.tables[source.table].name);
}

bool SourceFinder::IsPathKnown(const PlannedSource& source) {
  const Result<std::vector<StoredSource>> here = KnownTo(source).AtPath(source.key.path);
  return here && !here->empty();
}

Status SourceFinder::IdentifySource(PlannedSource* source) {
  source->decision = "new";
  if (source->open != nullptr) return {};  // a pipe is a new source each time
  if (options_.start_offset) return StartAtByte(source, *options_.start_offset);

  Result<Identity> identity = source->identity
                                  ? Result<Identity>(std::move(*source->identity))
                                  : Identify(source->key.path, &KnownTo(*source), folders_);
  if (!identity) return identity.error();
  if (Status s = Adopt(*identity, source); !s.ok()) return s;
  for (int64_t id : identity->displaced) displaced_.push_back({id, source->table});
  // A file that waited was there before, and all that it has now came later.
  const bool is_new = identity->source_id == 0 && source->awaits.empty() &&
                      !knowledge_.waiting.contains(source->key.path);
  if (is_new && options_.start_at_end) return StartAtEnd(source);
  return {};
}

// Goes on where the identity says. From here on its source is known by its new place: what has
// the same content is a copy.
Status SourceFinder::Adopt(const Identity& identity, PlannedSource* source) {
  source->decision = Describe(identity);
  source->is_copy = identity.kind == Identity::Kind::kCopy;
  source->is_done = identity.start.offset.bytes > 0 && !identity.has_more;
  source->key = identity.key;
  source->known_id = identity.source_id;
  source->from = identity.start.offset;
  if (identity.source_id == 0) return {};
  KnownSources& known = KnownTo(*source);
  const Result<StoredSource> was = known.Get(identity.source_id);
  if (!was) return was.error();
  source->new_place = was->key != identity.key;
  known.Move(*was, identity.key);
  return {};
}

Status SourceFinder::StartAtByte(PlannedSource* source, uint64_t bytes) {
  Result<std::unique_ptr<Source>> file = OpenSource(source->key.path);
  if (!file) return file.error();
  Result<Place> place = (*file)->SkipTo(bytes);
  if (!place) return place.error();
  if (bytes > 0 && place->reached && !place->before.ends_with('\n')) {
    return Status::Usage(
        source->key.path + ": byte " + std::to_string(bytes) + " is in the middle of a line",
        "--start-offset wants the byte behind a newline");
  }
  if (file = OpenSource(source->key.path); !file) return file.error();
  Result<Offset> offset = OffsetAtByte(**file, bytes);
  if (!offset) return offset.error();
  source->from = *offset;
  source->new_place = true;
  source->decision = "new, from byte " + std::to_string(bytes);
  return {};
}

Status SourceFinder::StartAtEnd(PlannedSource* source) {
  Result<std::unique_ptr<Source>> file = OpenSource(source->key.path);
  if (!file) return file.error();
  Result<Offset> offset = OffsetAtEnd(**file);
  if (!offset) return offset.error();
  source->from = *offset;
  source->new_place = true;
  source->decision = "new, from its end";
  return {};
}

// Of a source whose path has other content now the rest may stand under another name:
// app.jsonl.1, app.jsonl.1.gz. And what had its name for a moment, between two rotations, was
// never read at all.
Status SourceFinder::FindMovedSources() {
  for (const PlannedSource& source : plan_.sources) NoteDecided(source);
  if (knowledge_.searched_since_ns != 0) {
    if (Status s = AddRotatedOfInputs(); !s.ok()) return s;
  }
  // It grows: what took the name of a rotated file displaces another one.
  for (size_t i = 0; i < displaced_.size(); ++i) {
    const auto [id, table] = displaced_[i];
    const Result<StoredSource> displaced = knowledge_.Of(plan_.tables[table].name).Get(id);
    if (!displaced) return displaced.error();
    if (Status s = FindMovedSource(*displaced, table); !s.ok()) return s;
    if (Status s = AddRotated(displaced->key.path, table); !s.ok()) return s;
  }
  if (Status s = TellLost(); !s.ok()) return s;
  // Its lines are older than those of the file that took its place.
  plan_.sources.insert(plan_.sources.begin(), std::make_move_iterator(found_.begin()),
                       std::make_move_iterator(found_.end()));
  return {};
}

// A rotated file that nobody has read may be a copy of an input that is new in this run: then it is
// left to the next run, which knows that one. Of an input that is known already it is no copy, or
// Identify would have said so, even if every log of the program begins with the same kilobyte.
Status SourceFinder::NoteNewHeads() {
  for (size_t i = 0; i < plan_.sources.size(); ++i) {
    const PlannedSource& source = plan_.sources[i];
    if (source.known_id != 0) continue;
    const auto named = named_.find(source.key.path);
    if (named != named_.end()) {
      NoteHead(named->second);
    } else if (may_have_been_rotated_[i]) {
      Result<std::string> head = HeadOf(source.key.path);
      if (!head && head.error().code() != StatusCode::kNotFound) return head.error();
      if (head) NoteHead(std::move(*head));
    }
  }
  return {};
}

Status SourceFinder::AddRotatedOfInputs() {
  if (Status s = NoteNewHeads(); !s.ok()) return s;
  for (size_t i = 0; i < plan_.sources.size(); ++i) {
    const PlannedSource& source = plan_.sources[i];
    if (!may_have_been_rotated_[i]) continue;
    if (Status s = AddRotated(source.key.path, source.table); !s.ok()) return s;
  }
  return {};
}

Status SourceFinder::FindMovedSource(const StoredSource& displaced, uint32_t table) {
  const bool is_first = searched_ids_.insert(displaced.id).second;
  if (!is_first || decided_ids_.contains(displaced.id)) return {};
  PlannedSource source;
  source.table = table;
  source.schema = "stored";
  const Result<std::optional<Identity>> identity =
      FindMoved(displaced, &KnownTo(source), folders_, [&](const FileInfo& info) {
        return decided_files_.contains({info.device, info.inode});
      });
  if (!identity) {
    return CannotLookFor("what followed byte " + std::to_string(displaced.offset.bytes) + " of " +
                             displaced.key.path + ", which has other content now,",
                         identity.error());
  }
  if (!identity->has_value()) {
    missing_.push_back({.key = displaced.key,
                        .table = table,
                        .known_id = displaced.id,
                        .offset = displaced.offset});
    return {};
  }
  for (int64_t id : (*identity)->displaced) displaced_.push_back({id, table});
  if (Status s = Adopt(**identity, &source); !s.ok()) return s;
  AddFound(std::move(source));
  return {};
}

// When all that a rotation may have made of it is decided on. Once: in later runs the source that
// took its place is the last of that path; and where that has no line yet, the gap is known.
Status SourceFinder::TellLost() {
  // A path may have had thousands of sources, all of them lost: it is asked about once.
  std::map<std::pair<uint32_t, std::string_view>, int64_t> last_ids;
  for (const LostSource& lost : missing_) {
    const auto [last, is_first] = last_ids.try_emplace({lost.table, lost.key.path}, 0);
    if (is_first) {
      const Result<std::vector<StoredSource>> here =
          knowledge_.Of(plan_.tables[lost.table].name).AtPath(lost.key.path);
      if (!here) return here.error();
      if (!here->empty()) last->second = here->back().id;
    }
    const bool is_last = last->second <= lost.known_id;
    if (!is_last || decided_ids_.contains(lost.known_id)) continue;
    const Result<bool> is_told = target_->ledger()->HasGap(lost.known_id);
    if (!is_told) return is_told.error();
    if (*is_told) continue;
    plan_.lost.push_back(lost);
    plan_.warnings.push_back("possible gap: " + lost.key.path +
                             " was truncated or replaced, and what it held is nowhere in its "
                             "folder: lines after byte " +
                             std::to_string(lost.offset.bytes) + ", if there were any, are gone");
  }
  return {};
}

// What a rotation made of the file `path` since some runs ago: the rest of known sources,
// and files that nobody has read. A known source may have been moved to its new name by that run
// already, so what is known of it does not tell whether its name was rotated again since.
Status SourceFinder::AddRotated(const std::string& path, uint32_t table) {
  const int64_t since_ns = knowledge_.searched_since_ns - kClockSlackNs;
  const Result<std::vector<std::string>> names = RotatedSince(path, since_ns, folders_);
  if (!names) return CannotLookFor("what a rotation made of " + path, names.error());
  for (const std::string& rotated : *names) {
    const Result<FileInfo> info = Stat(rotated);
    if (!info && !IsGone(info)) return info.error();
    if (!info || decided_files_.contains({info->device, info->inode})) continue;
    if (folders_->Of(DirectoryOf(path)).IsUntouched(*info)) continue;
    PlannedSource source;
    source.table = table;
    source.schema = "stored";
    const Result<Identity> identity = Identify(rotated, &KnownTo(source), folders_);
    if (!identity && identity.error().code() == StatusCode::kExhausted) return identity.error();
    // A file that cannot be read is no input that anybody named; a copy is no source of its own.
    if (!identity || identity->kind == Identity::Kind::kCopy) continue;
    if (identity->kind == Identity::Kind::kUnchanged || IsDecided(*identity)) continue;
    if (identity->source_id == 0) {
      const Result<bool> is_copy = BeginsLikeOneOfThisRun(rotated);
      if (!is_copy) return is_copy.error();
      if (*is_copy) continue;
    }
    for (int64_t id : identity->displaced) displaced_.push_back({id, table});
    if (Status s = Adopt(*identity, &source); !s.ok()) return s;
    if (identity->source_id == 0) source.decision = "new, rotated from " + path;
    AddFound(std::move(source));
  }
  return {};
}

// A folder that cannot be listed may still have files that can be read, so the run goes on, and
// concludes nothing of what it could not see: later runs look again. Where it could be seen a
// moment later, the run is to be made then.
Status SourceFinder::CannotLookFor(const std::string& what, const Status& why) {
  if (why.code() != StatusCode::kIo) return why;
  plan_.warnings.push_back(what + " is not looked for: " + why.message());
  return {};
}

// Names may change while they are looked at: a file that was decided on by its name of before.
bool SourceFinder::IsDecided(const Identity& identity) const {
  return decided_files_.contains({identity.key.device, identity.key.inode}) ||
         decided_ids_.contains(identity.source_id);
}

// A copy in the making, of a file that no run has read yet: content cannot tell of it before.
// Live mode, and the next run, look again.
Result<bool> SourceFinder::BeginsLikeOneOfThisRun(const std::string& path) {
  Result<std::string> head = HeadOf(path);
  if (!head && SaysNothing(head.error())) return Error(head.error());
  if (!head || head->empty()) return false;
  const auto next = heads_.lower_bound(*head);
  if (next != heads_.end() && next->starts_with(*head)) return true;
  if (next != heads_.begin() && head->starts_with(*std::prev(next))) return true;
  NoteHead(std::move(*head));
  return false;
}

// The shorter of two that begin alike stands for both.
void SourceFinder::NoteHead(std::string head) {
  if (head.empty()) return;
  const auto next = heads_.lower_bound(head);
  if (next != heads_.begin() && head.starts_with(*std::prev(next))) return;
  auto behind = next;
  while (behind != heads_.end() && behind->starts_with(head)) ++behind;
  heads_.erase(next, behind);
  heads_.insert(std::move(head));
}

void SourceFinder::NoteDecided(const PlannedSource& source) {
  if (source.key.inode != 0) decided_files_.insert({source.key.device, source.key.inode});
  if (source.known_id != 0) decided_ids_.insert(source.known_id);
}

void SourceFinder::AddFound(PlannedSource source) {
  if (Result<FileInfo> info = Stat(source.key.path)) source.stored_size = info->size;
  NoteDecided(source);
  found_.push_back(std::move(source));
}

}  // namespace sluice
