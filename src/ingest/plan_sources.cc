// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan_sources.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/file.h"
#include "source/open.h"

namespace sluice {
namespace {

// The clock of files ticks every few milliseconds.
constexpr int64_t kClockSlackNs = 100'000'000;

std::string HeadOf(const std::string& path) {
  Result<std::unique_ptr<Source>> source = OpenSource(path);
  std::string head(kIdentityWindow, '\0');
  head.resize(source ? (*source)->Read(head.data(), head.size()).value_or(0) : 0);
  return head;
}

}  // namespace

void SourceFinder::NoteNamed(const std::vector<Candidate>& candidates) {
  for (const Candidate& candidate : candidates) {
    if (!candidate.named) continue;
    named_.insert(candidate.key.path);
    heads_.push_back(candidate.head);
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
  for (const auto& [table, sources] : knowledge_.sources) {
    for (const KnownSource& source : sources) paths.push_back(source.key.path);
  }
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
                        [&](size_t i) { return StandsWhereItWas(plan_.sources[i]); });
  std::set<size_t, std::greater<>> gone;
  for (size_t i : order) {
    Status s = IdentifySource(&plan_.sources[i]);
    if (MayComeAgain(options_, plan_.sources[i].key.path, s, &plan_)) {
      gone.insert(i);
    } else if (!s.ok()) {
      return s;
    }
  }
  for (const size_t i : gone) {
    plan_.sources.erase(plan_.sources.begin() + static_cast<ptrdiff_t>(i));
    may_have_been_rotated_.erase(may_have_been_rotated_.begin() + static_cast<ptrdiff_t>(i));
  }
  return {};
}

std::vector<KnownSource>& SourceFinder::KnownTo(const PlannedSource& source) {
  return knowledge_.sources[plan_.tables[source.table].name];
}

bool SourceFinder::StandsWhereItWas(const PlannedSource& source) {
  const std::vector<KnownSource>& known = KnownTo(source);
  return std::any_of(known.begin(), known.end(),
                     [&](const KnownSource& k) { return k.key.path == source.key.path; });
}

Status SourceFinder::IdentifySource(PlannedSource* source) {
  source->decision = "new";
  if (source->open != nullptr) return {};  // a pipe is a new source each time
  if (options_.start_offset) return StartAtByte(source, *options_.start_offset);

  std::vector<KnownSource>& known = KnownTo(*source);
  Result<Identity> identity = Identify(source->key.path, known);
  if (!identity) return identity.error();
  Adopt(*identity, source);
  for (int64_t id : identity->displaced) displaced_.push_back({id, source->table});
  if (identity->source_id == 0 && options_.start_at_end) return StartAtEnd(source);
  return {};
}

// Goes on where the identity says. From here on its source is known by its new place: what has
// the same content is a copy.
void SourceFinder::Adopt(const Identity& identity, PlannedSource* source) {
  source->decision = Describe(identity);
  source->is_copy = identity.kind == Identity::Kind::kCopy;
  source->key = identity.key;
  source->known_id = identity.source_id;
  source->from = identity.start.offset;
  for (KnownSource& known : KnownTo(*source)) {
    if (known.id != identity.source_id) continue;
    source->new_place = known.key != identity.key;
    known.key = identity.key;
  }
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
  for (const PlannedSource& source : plan_.sources) except_.push_back(source.key.path);
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    except_.push_back(target_->path() + suffix);

  if (knowledge_.searched_since_ns != 0) {
    for (size_t i = 0; i < plan_.sources.size(); ++i) {
      const PlannedSource& source = plan_.sources[i];
      if (!may_have_been_rotated_[i]) continue;
      if (source.known_id == 0) heads_.push_back(HeadOf(source.key.path));
      if (Status s = AddRotated(source.key.path, source.table); !s.ok()) return s;
    }
  }
  // It grows: what took the name of a rotated file displaces another one.
  for (size_t i = 0; i < displaced_.size(); ++i) {
    const auto [id, table] = displaced_[i];
    const std::vector<KnownSource>& known = knowledge_.sources[plan_.tables[table].name];
    const auto displaced = std::find_if(
        known.begin(), known.end(), [wanted = id](const KnownSource& k) { return k.id == wanted; });
    if (displaced == known.end()) continue;
    const KnownSource was = *displaced;  // Adopt changes its key
    if (Status s = FindMovedSource(was, table); !s.ok()) return s;
    if (Status s = AddRotated(was.key.path, table); !s.ok()) return s;
  }
  if (Status s = TellLost(); !s.ok()) return s;
  // Its lines are older than those of the file that took its place.
  plan_.sources.insert(plan_.sources.begin(), std::make_move_iterator(found_.begin()),
                       std::make_move_iterator(found_.end()));
  return {};
}

Status SourceFinder::FindMovedSource(const KnownSource& displaced, uint32_t table) {
  PlannedSource source;
  source.table = table;
  source.schema = "stored";
  Result<std::optional<Identity>> identity = FindMoved(displaced, KnownTo(source), except_);
  if (!identity) return identity.error();
  if (!identity->has_value()) {
    missing_.push_back({.key = displaced.key,
                        .table = table,
                        .known_id = displaced.id,
                        .offset = displaced.offset});
    return {};
  }
  if (IsPlanned(**identity)) return {};
  Adopt(**identity, &source);
  AddFound(std::move(source));
  return {};
}

// When all that a rotation may have made of it is decided on. Once: in later runs the source that
// took its place is the last of that path; and where that has no line yet, the gap is known.
Status SourceFinder::TellLost() {
  for (const LostSource& lost : missing_) {
    const std::vector<KnownSource>& known = knowledge_.sources[plan_.tables[lost.table].name];
    const bool is_last = std::ranges::none_of(known, [&](const KnownSource& other) {
      return other.key.path == lost.key.path && other.id > lost.known_id;
    });
    if (!is_last || IsFound(lost.known_id)) continue;
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

bool SourceFinder::IsFound(int64_t source_id) const {
  const auto is_it = [&](const PlannedSource& source) { return source.known_id == source_id; };
  return std::ranges::any_of(plan_.sources, is_it) || std::ranges::any_of(found_, is_it);
}

// What a rotation made of the file `path` since some runs ago: the rest of known sources,
// and files that nobody has read. A known source may have been moved to its new name by that run
// already, so what is known of it does not tell whether its name was rotated again since.
Status SourceFinder::AddRotated(const std::string& path, uint32_t table) {
  for (const std::string& rotated :
       RotatedSince(path, knowledge_.searched_since_ns - kClockSlackNs)) {
    if (std::find(except_.begin(), except_.end(), rotated) != except_.end()) continue;
    PlannedSource source;
    source.table = table;
    source.schema = "stored";
    const Result<Identity> identity = Identify(rotated, KnownTo(source));
    // What cannot be read is no input that anybody named; a copy is none of its own.
    if (!identity || identity->kind == Identity::Kind::kCopy) continue;
    if (identity->kind == Identity::Kind::kUnchanged || IsPlanned(*identity)) continue;
    if (identity->source_id == 0 && BeginsLikeOneOfThisRun(rotated)) continue;
    for (int64_t id : identity->displaced) displaced_.push_back({id, table});
    Adopt(*identity, &source);
    if (identity->source_id == 0) source.decision = "new, rotated from " + path;
    AddFound(std::move(source));
  }
  return {};
}

// Names may change while they are looked at: a file that was decided on by its name of before.
bool SourceFinder::IsPlanned(const Identity& identity) const {
  const auto is_it = [&](const PlannedSource& source) {
    return source.key.SameFileAs(identity.key) ||
           (identity.source_id != 0 && source.known_id == identity.source_id);
  };
  return std::ranges::any_of(plan_.sources, is_it) || std::ranges::any_of(found_, is_it);
}

// A copy in the making, of a file that no run has read yet: content cannot tell of it before.
// Live mode, and the next run, look again.
bool SourceFinder::BeginsLikeOneOfThisRun(const std::string& path) {
  std::string head = HeadOf(path);
  const bool is_alike = std::ranges::any_of(heads_, [&](const std::string& other) {
    return !other.empty() && (other.starts_with(head) || head.starts_with(other));
  });
  if (!is_alike) heads_.push_back(std::move(head));
  return is_alike;
}

void SourceFinder::AddFound(PlannedSource source) {
  if (Result<FileInfo> info = Stat(source.key.path)) source.stored_size = info->size;
  except_.push_back(source.key.path);
  found_.push_back(std::move(source));
}

}  // namespace sluice
