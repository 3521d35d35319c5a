// SPDX-License-Identifier: Apache-2.0
#include "sluice/live.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "follow/followed_files.h"
#include "follow/identity.h"
#include "ingest/candidate.h"
#include "ingest/live_database.h"
#include "ingest/live_health.h"
#include "ingest/plan.h"
#include "source/open.h"
#include "source/pipe_reader.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A stop, a rescan and the health are looked after at least this often. A signal wakes us up at
// once, unless it came just before we lay down.
constexpr milliseconds kTick{500};
// Who waited for less had no need to wait: the hints were there.
constexpr std::chrono::microseconds kShortSleep{100};
// Between two tries where a full disk or another writer keeps us.
constexpr milliseconds kRetry{500};
// How many sources that are nowhere any more are searched for by content when a run begins.
constexpr size_t kMostSearched = 100;

bool CanBeWaitedFor(const Status& status) {
  return status.code() == StatusCode::kFull || status.code() == StatusCode::kBusy;
}

// The live loop.
//
//   Wait ──▶ Look: names, rotations ──▶ Read: what is new, to the sink ──▶ Commit when due ─┐
//    ▲                                                                                      │
//    └──────────────────────────────────────────────────────────────────────────────────────┘
//
// Until the commit a file's offset is only in memory: where a transaction fails, all files that it
// had lines of go back to where they were, and are read again.
class Live {
 public:
  Live(const LiveOptions& options, const StopToken& stop, const LiveHooks& hooks)
      : options_(options),
        stop_(stop),
        memory_(LiveMemory::Share(options)),
        pool_(2, memory_.buffer_bytes),
        files_(FollowOptions(options)),
        health_(options, hooks) {
    parcel_.may_grow = true;
    parcel_.max_line_bytes = options_.strict_rss
                                 ? std::min(options_.ingest.max_line_bytes, memory_.line_bytes)
                                 : options_.ingest.max_line_bytes;
  }

  Result<LiveSummary> Run() {
    if (Status s = Begin(); !s.ok()) {
      const bool is_stopped = s.code() == StatusCode::kBusy && stop_.stopped();
      if (!is_stopped) return Error(s);
      return LiveSummary{.ingest = health_.Summary(), .end = end_, .pipe = std::nullopt};
    }
    while (!stop_.stopped() && !is_ended_) {
      Wait();
      Status s = Look();
      if (s.ok()) s = ReadAndCommit();
      if (s.ok() && health_.IsDue()) s = LookAfterHealth();
      if (s.ok()) continue;
      if (!CanBeWaitedFor(s)) return Fail(s);
      GoBack(s);
    }
    return End();
  }

 private:
  // What the open transaction has of one file.
  struct Touched {
    Offset committed;
    LineCounts added;
    bool is_found = false;  // under another name
  };

  // A name that is left out.
  struct Refused {
    FileInfo file;
    Status why;
  };

  static FollowedFiles::Options FollowOptions(const LiveOptions& options) {
    FollowedFiles::Options follow;
    follow.inputs = options.ingest.inputs;
    follow.filter = {.include = options.ingest.include, .exclude = options.ingest.exclude};
    follow.database = CanonicalPath(options.ingest.database).value_or(options.ingest.database);
    follow.watch.poll = options.poll;
    return follow;
  }

  Status Begin();
  Status OpenDatabase(std::vector<Table> extra_tables, milliseconds wait);
  Status FollowWhatIsThere();
  Status FollowDisplaced(const KnownSource& source, std::string_view table);
  Result<int64_t> FollowKnown(const std::string& path, Folders* folders);
  Status FindWhatWasRotated(const std::vector<int64_t>& found);
  Result<std::vector<SourceRow>> LatestWithout(const std::vector<int64_t>& found);
  Result<LiveSummary> End();
  Result<LiveSummary> Fail(const Status& why);

  void Wait();
  Status Look();
  Status Handle(const Finding& finding);
  Status TakeUpNewName(const std::string& path);
  void Follow(const PlannedSource& source, uint32_t table);
  void Moved(FollowedFile* file);
  void Lose(FollowedFile* file, uint64_t bytes);
  void LoseUnseen(const Finding& finding);
  Result<bool> Awaits(const std::string& path);
  Status Await(const std::string& path, const std::string& what, int64_t until_ns);
  void Refuse(const std::string& path, const Status& why);
  void TryLater(const std::string& path, const Status& why);
  void SayLeftOut(const std::string& path, const Status& why);
  void WarnOfExhaustion(const Status& why);
  bool IsStillRefused(const std::string& path);

  Status BeginPipe();
  Status ReadPipe();
  bool EndsWithPipe() const;

  Status ReadAndCommit();
  Status ReadSome(FollowedFile* file);
  Status ReadLines(FollowedFile* file);
  Status ReadCompressed(FollowedFile* file);
  bool Open(FollowedFile* file);
  void CannotOpen(FollowedFile* file, const Status& why);
  Status WriteChunk(FollowedFile* file);
  Status WriteLines(FollowedFile* file, const ChunkPart& part);
  Status WriteLineByLine(FollowedFile* file);
  Status WritePipeLineByLine();
  Status WriteAndCommit(FollowedFile* file, const ChunkPart& line);
  Touched& Touch(FollowedFile* file);
  bool MayWrite();
  bool CommitDue() const;
  Status Commit();
  std::optional<uint64_t> GapOf(FollowedFile* file) const;
  void GoBack(const Status& why);
  Status LookAfterHealth();

  const LiveOptions& options_;
  const StopToken& stop_;
  const std::string started_at_ = UtcNow();
  const LiveMemory memory_;
  BufferPool pool_;
  FollowedFiles files_;
  LiveHealth health_;
  std::unique_ptr<LiveDatabase> database_;  // none between two tries
  std::vector<std::string> tables_;         // as files name them, by index
  Parcel parcel_;
  std::map<std::string, Refused> refused_;  // by name
  std::set<std::string> awaited_;           // names that are told of already
  bool has_warned_of_exhaustion_ = false;
  bool is_ended_ = false;
  LiveEnd end_ = LiveEnd::kStopped;

  // Stdin, where it is followed: as if it were a file of the name "-".
  std::optional<PipeReader> pipe_;
  std::optional<FollowedFile> pipe_source_;
  bool pipe_is_readable_ = false;

  Clock::time_point looked_at_ = Clock::now();  // last
  // What the look at hand finds new was not there before. Lines that came during a long commit have
  // waited for it, and their own need not wait for the interval too.
  Clock::time_point written_after_ = Clock::now();

  // Since the last commit.
  std::unordered_map<FollowedFile*, Touched> touched_;
  Clock::time_point touched_at_;
  std::unordered_map<FollowedFile*, uint64_t> lost_;  // files → bytes that were known to be there
  std::map<int64_t, SourceKey> emptied_;  // files that were seen to be emptied, by id, not found
  std::vector<std::string> unseen_;       // names of files that were gone before they were seen
  uint64_t uncommitted_rows_ = 0;
  uint64_t uncommitted_bytes_ = 0;
  Clock::time_point blocked_until_;  // nothing is read before
};

// --- Beginning and end

Status Live::Begin() {
  if (Status s = OpenDatabase({}, options_.ingest.wait); !s.ok()) return s;
  health_.Note("following with a budget of " + FormatSize(options_.rss_budget_bytes) + ": " +
               FormatSize(database_->cache_bytes()) + " of cache, lines up to " +
               FormatSize(memory_.line_bytes) + " within it");
  if (Status s = FollowWhatIsThere(); !s.ok()) return s;
  if (Status s = BeginPipe(); !s.ok()) return s;
  health_.Ready();
  return {};
}

Status Live::OpenDatabase(std::vector<Table> extra_tables, milliseconds wait) {
  database_.reset();  // its lock first
  Result<std::unique_ptr<LiveDatabase>> database =
      LiveDatabase::Open(options_, memory_, {.longest = wait, .stop = &stop_}, started_at_, tables_,
                         std::move(extra_tables));
  if (!database) return database.error();
  database_ = std::move(*database);
  tables_ = database_->TableNames();
  for (const auto& [id, key] : emptied_) database_->NoteEmptied(id, key);
  return {};
}

// Files that the database knows by path and content are followed from their offset; all others are
// names that are new. These are told when all that are known are followed: one of them may be a
// copy in the making.
Status Live::FollowWhatIsThere() {
  Folders& folders = files_.folders();
  std::vector<int64_t> found;
  std::vector<std::string> unknown;
  std::vector<std::string> paths = files_.Start();
  for (std::string& name : paths) {
    std::string path = std::move(name);  // gone when the next file takes its memory
    const Result<int64_t> id = FollowKnown(path, &folders);
    if (!id) return id.error();
    if (*id != 0) {
      found.push_back(*id);
    } else {
      unknown.push_back(std::move(path));
    }
  }
  for (const std::string& path : unknown) files_.Tell(path);
  std::sort(found.begin(), found.end());
  return FindWhatWasRotated(found);
}

// The source_id that it goes on with; 0 where it is decided on as any new name.
Result<int64_t> Live::FollowKnown(const std::string& path, Folders* folders) {
  const Result<LiveDatabase::AtPath> there = database_->LookAtPath(path, folders);
  if (!there) return Error(there.error());
  if (there->identity) {
    files_.Add(there->identity->key, there->identity->start.offset, there->identity->source_id,
               *database_->TableNamed(there->table));
    return there->identity->source_id;
  }
  if (!there->table.empty()) {
    if (Status s = FollowDisplaced(there->latest, there->table); !s.ok()) return Error(s);
  }
  return int64_t{0};
}

// Its name got other content since the historical part planned: between its look and ours.
Status Live::FollowDisplaced(const KnownSource& source, std::string_view table) {
  const Result<bool> is_lost = database_->IsKnownAsLost(source.id);
  if (!is_lost) return is_lost.error();
  if (*is_lost) return {};
  files_.AddDisplaced(source.key, source.offset, source.id, *database_->TableNamed(table));
  return {};
}

// Sources that are no inputs, or not where they were: rotated files that may still get lines, and
// what was rotated, once or several times, while nobody followed.
Status Live::FindWhatWasRotated(const std::vector<int64_t>& found) {
  Result<std::vector<SourceRow>> latest = LatestWithout(found);
  if (!latest) return latest.error();
  for (const SourceRow& row : *latest) {
    const std::string& path = row.source.key.path;
    KnownSources known({StoredSource(row.source, ParseUtc(row.updated_at))});
    const Result<std::optional<Identity>> there = IdentifyByPath(path, &known, &files_.folders());
    if (!there && SaysNothing(there.error()) && !files_.IsInput(path)) {
      files_.Hold(path, Clock::now() + FollowedFiles::kTryAgain);
    }
    if (there && there->has_value()) {
      const Identity& identity = **there;
      files_.Add(identity.key, identity.start.offset, identity.source_id,
                 *database_->TableNamed(row.table));
    } else {
      files_.ExpectRotatedNames(path, ParseUtc(row.updated_at));
    }
  }
  // Between the historical part's look at them and now, too.
  for (const std::string& path : files_.named_files()) {
    files_.ExpectRotatedNames(path, database_->search_begins_ns());
  }
  return {};
}

// Those that are not among `found`, and lie where hints come from: kMostSearched, the latest first.
Result<std::vector<SourceRow>> Live::LatestWithout(const std::vector<int64_t>& found) {
  std::vector<SourceRow> latest;
  const auto drop_oldest = [&latest] {
    std::sort(latest.begin(), latest.end(),
              [](const SourceRow& a, const SourceRow& b) { return a.updated_at > b.updated_at; });
    latest.resize(std::min(latest.size(), kMostSearched));
  };
  const Status read = database_->EachSource([&](SourceRow row) {
    const std::string& path = row.source.key.path;
    const bool is_found = std::binary_search(found.begin(), found.end(), row.source.id);
    if (is_found || path == "-" || !files_.Watches(path)) return Status();
    latest.push_back(std::move(row));
    if (latest.size() >= 2 * kMostSearched) drop_oldest();
    return Status();
  });
  if (!read.ok()) return Error(read);
  drop_oldest();
  return latest;
}

Result<LiveSummary> Live::End() {
  if (database_ == nullptr) return Fail({StatusCode::kCancelled, "stopped"});
  files_.LastLook();
  while (const std::optional<Finding> finding = files_.NextFinding()) {
    if (finding->kind == Finding::Kind::kNewName) continue;  // the next run takes it up
    if (Status s = Handle(*finding); !s.ok()) return Fail(s);
  }
  if (Status s = Commit(); !s.ok()) return Fail(s);
  LiveSummary summary{.ingest = health_.Summary(), .end = end_, .pipe = std::nullopt};
  if (pipe_) summary.pipe = pipe_->HandOver();
  RunTotals totals{.counts = summary.ingest.counts,
                   .bytes_read = summary.ingest.bytes_read,
                   .bytes_decoded = summary.ingest.bytes_decoded,
                   .bytes_written = summary.ingest.bytes_written,
                   .outcome = "stopped"};
  const Status finished = database_->sink().Finish(totals, [](const std::string&) {});
  if (!finished.ok()) return Fail(finished);
  for (const std::string& warning : database_->sink().warnings()) {
    summary.ingest.warnings.push_back(warning);
  }
  health_.Report(files_, database_.get());
  if (Result<FileInfo> info = Stat(options_.ingest.database))
    summary.ingest.database_bytes = info->size;
  return summary;
}

Result<LiveSummary> Live::Fail(const Status& why) {
  if (database_ != nullptr) database_->sink().Abandon(why);
  health_.Failed(why);
  health_.Report(files_, nullptr);
  return Error(why);
}

// --- Names

void Live::Wait() {
  const Clock::time_point now = Clock::now();
  // Without a database nothing is looked at.
  Clock::time_point until =
      std::min(now + kTick, database_ == nullptr ? blocked_until_ : files_.next_look());
  if (!touched_.empty()) until = std::min(until, touched_at_ + options_.commit_interval);
  if (files_.HasReadable()) until = std::min(until, std::max(now, blocked_until_));
  const auto left = std::chrono::nanoseconds(std::max(until - now, Clock::duration::zero()));
  const timespec timeout = {.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000),
                            .tv_nsec = static_cast<long>(left.count() % 1'000'000'000)};
  // poll(2) passes over negative descriptors.
  const bool wants_pipe = pipe_ && pipe_->WantsMore() && now >= blocked_until_;
  pollfd waited[] = {{.fd = files_.descriptor(), .events = POLLIN, .revents = 0},
                     {.fd = wants_pipe ? pipe_->descriptor() : -1, .events = POLLIN, .revents = 0}};
  const bool has_backlog = files_.HasReadable();
  ppoll(waited, std::size(waited), &timeout, nullptr);
  pipe_is_readable_ = waited[1].revents != 0;

  const Clock::time_point woken_at = Clock::now();
  const bool has_slept = woken_at - now >= kShortSleep;
  written_after_ = has_slept || has_backlog ? woken_at : looked_at_;
  looked_at_ = woken_at;
}

Status Live::Look() {
  if (health_.RescanAsked()) files_.LookAtAll();
  if (database_ == nullptr) {
    if (Clock::now() < blocked_until_) return {};
    if (Status s = OpenDatabase({}, LiveDatabase::kBusyWait); !s.ok()) return s;
  }
  files_.Look();
  // One at a time: a new name is committed for, and a commit sweeps away files that are retired.
  while (const std::optional<Finding> finding = files_.NextFinding()) {
    if (Status s = Handle(*finding); !s.ok()) return s;
  }
  return {};
}

Status Live::Handle(const Finding& finding) {
  switch (finding.kind) {
    case Finding::Kind::kNewName: {
      Status taken_up = TakeUpNewName(finding.path);
      if (!taken_up.ok()) files_.Tell(finding.path);  // again, when the database can be written
      return taken_up;
    }
    case Finding::Kind::kMoved:
      health_.Note("a rotated file is " + finding.path + " now");
      Moved(finding.file);
      break;
    case Finding::Kind::kLost:
      Lose(finding.file, finding.count);
      break;
    case Finding::Kind::kUnseen:
      LoseUnseen(finding);
      break;
    case Finding::Kind::kNote:
      health_.Note(finding.path);
      break;
  }
  return {};
}

// What it is, content decides, as in any run: a new source, or a known one that lies here now.
Status Live::TakeUpNewName(const std::string& path) {
  if (IsStillRefused(path)) return {};
  // What a rotation made may be the copy of a source that was taken up just now: its lines first.
  if (!files_.IsInput(path) && files_.HasUnreadSource()) {
    if (Status s = ReadAndCommit(); !s.ok()) return s;
  }
  const Result<bool> awaits = Awaits(path);
  if (!awaits) return awaits.error();
  if (*awaits) return {};
  if (Status s = Commit(); !s.ok()) return s;  // the plan goes by what the database knows
  if (!files_.IsInput(path) && files_.HasUnreadSource()) return {};  // it is told again
  for (const EmptiedFile& file : files_.TakeEmptied()) {
    emptied_.insert_or_assign(file.source_id, file.key);
    database_->NoteEmptied(file.source_id, file.key);
  }
  Result<RunPlan> plan = database_->Plan(path, stop_, &files_.folders());
  if (!plan) {
    if (CanBeWaitedFor(plan.error())) return plan.error();
    // Renamed again meanwhile: its new name is told.
    if (plan.error().code() == StatusCode::kNotFound) return {};
    if (SaysNothing(plan.error())) return TryLater(path, plan.error()), Status();
    Refuse(path, plan.error());
    return {};
  }
  if (!plan->failures.empty()) return Refuse(path, plan->failures.front()), Status();
  refused_.erase(path);
  for (const WaitingInput& waiting : plan->waiting) {
    if (Status s = Await(waiting.path, waiting.awaits, 0); !s.ok()) return s;
  }
  std::vector<Table> missing;
  for (const Table& table : plan->tables) {
    if (!database_->Fits(table)) missing.push_back(table);
  }
  if (!missing.empty()) {
    if (Status s = OpenDatabase(std::move(missing), LiveDatabase::kBusyWait); !s.ok()) return s;
  }
  for (const PlannedSource& source : plan->sources) {
    // What a rotation copies is a source of its own only where the original is gone.
    if (source.is_copy && !files_.IsInput(source.key.path)) continue;
    Follow(source, *database_->TableNamed(plan->tables[source.table].name));
  }
  return {};
}

// Whether it is left unread for now. Its first lines tell, at the price of one read for each time
// that it grows: a plan is made only when it can be read.
Result<bool> Live::Awaits(const std::string& path) {
  if (options_.ingest.schema != "auto" || !files_.IsInput(path)) return false;
  Candidate candidate{.path = path};
  if (!ReadFirstLines(options_.ingest, stop_, &candidate).ok()) return false;
  const std::optional<Awaited> awaited =
      AwaitedOf(candidate, options_.ingest.undecided_for, /*follows=*/true);
  if (!awaited) return false;
  if (Status s = Await(path, awaited->what, awaited->until_ns); !s.ok()) return Error(s);
  return true;
}

Status Live::Await(const std::string& path, const std::string& what, int64_t until_ns) {
  const auto left = std::chrono::nanoseconds(until_ns - NowNs());
  files_.Hold(path, until_ns == 0 ? Clock::time_point::max() : Clock::now() + left);
  if (!awaited_.insert(path).second) return {};
  health_.Note(path + " waits for " + what);
  // The rows of the open transaction go first, with their offsets. Alone they would be durable, and
  // a kill would have their lines read again (I1).
  if (Status s = Commit(); !s.ok()) return s;
  if (Status s = database_->sink().AddWaiting({.path = path, .awaits = what}); !s.ok()) return s;
  return database_->sink().Commit({});
}

void Live::Follow(const PlannedSource& source, uint32_t table) {
  awaited_.erase(source.key.path);
  FollowedFile& file = files_.Add(source.key, source.from, source.known_id, table);
  health_.Note("following " + source.key.path + " (" + source.decision + ")");
  if (source.new_place) Moved(&file);
}

void Live::Moved(FollowedFile* file) {
  database_->Moved(*file);
  emptied_.erase(file->source_id);
  lost_.erase(file);
  // The row of a new source comes with its first lines: one with none is known by its path alone,
  // which may be that of another file by then.
  if (file->source_id == 0 && file->file.offset().bytes == 0) return;
  Touch(file).is_found = true;
}

void Live::Refuse(const std::string& path, const Status& why) {
  files_.NoteRefused(path);
  SayLeftOut(path, why);
}

// It could not be read, or what it is compared with could not: that says nothing about what it is.
void Live::TryLater(const std::string& path, const Status& why) {
  files_.Hold(path, Clock::now() + FollowedFiles::kTryAgain);
  if (why.code() != StatusCode::kExhausted) return SayLeftOut(path, why);
  files_.MakeRoom();
  WarnOfExhaustion(why);
}

void Live::WarnOfExhaustion(const Status& why) {
  if (std::exchange(has_warned_of_exhaustion_, true)) return;
  health_.Warn(why.message() + ": what cannot be opened now is tried again each second" +
               (why.remedy().empty() ? "" : " (" + why.remedy() + ")"));
}

void Live::SayLeftOut(const std::string& path, const Status& why) {
  const auto before = refused_.find(path);
  const bool is_said = before != refused_.end() && before->second.why.message() == why.message();
  if (const Result<FileInfo> info = Stat(path)) refused_[path] = {.file = *info, .why = why};
  if (!is_said) health_.Warn("left out " + why.message());
}

// What is no JSON Lines will not become any, but its first bytes may only look like another form:
// it is looked at again as it grows, as long as a file is undecided. What could not be read is
// tried again when it has changed, or can be opened.
bool Live::IsStillRefused(const std::string& path) {
  const auto refused = refused_.find(path);
  const Result<FileInfo> now = Stat(path);
  if (refused == refused_.end() || !now) return false;
  const auto& [before, why] = refused->second;
  if (!now->SameFileAs(before)) {
    refused_.erase(refused);
    return false;
  }
  if (why.code() == StatusCode::kUsage) return true;
  if (why.code() == StatusCode::kUnsupported && before.size >= kUndecidedBytes) return true;
  if (now->size != before.size || now->modified_ns != before.modified_ns) return false;
  if (why.code() != StatusCode::kIo) return true;
  if (File::Open(path, File::Mode::kRead)) return false;
  files_.Hold(path, Clock::now() + FollowedFiles::kTryAgain);
  return true;
}

// Lines that are gone, or may be: never in silence. The database learns of it with the next commit.
void Live::Lose(FollowedFile* file, uint64_t bytes) {
  lost_[file] = bytes;
  Touch(file);
  const std::string after =
      file->file.key().path + " after byte " + std::to_string(file->file.offset().bytes);
  if (bytes > 0) {
    health_.CountGap(bytes);
    health_.Warn("gap: " + FormatCount(bytes) + " bytes of " + after +
                 " are gone, and perhaps more: it was removed or emptied before they were read");
  } else {
    health_.CountPossibleGap();
    health_.Warn("possible gap: " + after +
                 " nothing was left unread when it was last looked at; what came between that and "
                 "its end, if anything, is gone");
  }
}

void Live::LoseUnseen(const Finding& finding) {
  if (touched_.empty() && unseen_.empty()) touched_at_ = Clock::now();
  unseen_.insert(unseen_.end(), finding.count, finding.path);
  for (uint64_t i = 0; i < finding.count; ++i) health_.CountPossibleGap();
  const bool is_one = finding.count == 1;
  health_.Warn("possible gap: " + (is_one ? "a file" : FormatCount(finding.count) + " files") +
               " that had the name " + finding.path + " for a moment " + (is_one ? "is" : "are") +
               " gone, with what was written to " + (is_one ? "it" : "them"));
}

// --- Stdin

Status Live::BeginPipe() {
  if (!options_.pipe) return {};
  std::optional<SourceRow> newest;
  const Status read = database_->EachSource([&](SourceRow row) {
    if (row.source.key.path == "-") newest = std::move(row);
    return Status();
  });
  if (!read.ok()) return read;
  if (!newest) return Status::Internal("no source is known for stdin");
  const int descriptor = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) return SystemError(errno, "read stdin");
  pipe_.emplace(descriptor, options_.pipe->window, options_.pipe->tail, memory_.buffer_bytes,
                parcel_.max_line_bytes);
  pipe_source_.emplace(GrowingFile(newest->source.key, newest->source.offset));
  pipe_source_->source_id = newest->source.id;
  pipe_source_->table = *database_->TableNamed(newest->table);
  return {};
}

// What is there, and the lines of it; at the end of the pipe also a last one without its newline.
Status Live::ReadPipe() {
  if (pipe_is_readable_ && pipe_->WantsMore()) {
    if (Status s = pipe_->Fill(); !s.ok()) return s;
  }
  pipe_is_readable_ = false;
  if (!MayWrite()) return {};
  parcel_.may_grow = false;
  parcel_.begins_after_tail = pipe_source_->file.offset().tail_taken;
  Status status;
  if (pipe_->Next(pipe_source_->file.offset(), &parcel_.chunk)) {
    status = WriteChunk(&*pipe_source_);
  }
  parcel_.may_grow = true;
  return status;
}

bool Live::EndsWithPipe() const {
  return pipe_ && pipe_->done() && touched_.empty() && options_.ingest.inputs.size() == 1;
}

// --- Lines

Status Live::ReadAndCommit() {
  if (database_ == nullptr || Clock::now() < blocked_until_) return {};
  if (pipe_) {
    if (Status s = ReadPipe(); !s.ok()) return s;
  }
  while (!CommitDue()) {
    FollowedFile* const file = files_.NextReadable();
    if (file == nullptr) break;
    if (!touched_.contains(file) && !MayWrite()) {
      files_.KeepReadable(file);
      break;
    }
    if (Status s = ReadSome(file); !s.ok()) {
      files_.KeepReadable(file);
      return s;
    }
  }
  if (CommitDue()) {
    if (Status s = Commit(); !s.ok()) return s;
  }
  if (EndsWithPipe()) {
    is_ended_ = true;
    end_ = LiveEnd::kPipeEnded;
  }
  return {};
}

Status Live::ReadSome(FollowedFile* file) {
  parcel_.begins_after_tail = file->file.offset().tail_taken;
  return file->reads_compressed() ? ReadCompressed(file) : ReadLines(file);
}

Status Live::ReadLines(FollowedFile* file) {
  if (!Open(file)) return {};
  const Result<GrowingFile::Growth> growth =
      file->file.Next(&pool_, parcel_.max_line_bytes, &parcel_.chunk);
  if (!growth) {
    health_.Warn(growth.error().message());
    file->file.Close();
    return {};
  }
  switch (*growth) {
    case GrowingFile::Growth::kNothing:
      file->caught_up_at = Clock::now();
      return {};
    case GrowingFile::Growth::kOtherContent:
      files_.Overwritten(file);
      return {};
    case GrowingFile::Growth::kLines:
      break;
  }
  if (Status s = WriteChunk(file); !s.ok()) return s;
  files_.KeepReadable(file);
  return {};
}

// The rest of a file that was compressed since, or a new compressed one: to its end at once.
Status Live::ReadCompressed(FollowedFile* file) {
  Result<std::unique_ptr<Source>> source = OpenSource(file->file.key().path);
  const bool is_exhausted = !source && source.error().code() == StatusCode::kExhausted;
  if (is_exhausted && files_.MakeRoom()) source = OpenSource(file->file.key().path);
  if (!source) return CannotOpen(file, source.error()), Status();
  if ((*source)->key() != file->file.key()) {
    files_.LookAgain(file->file.key().path);  // rotated again
    return {};
  }
  Result<ChunkReader::Start> start = ResumeAt(**source, file->file.offset());
  if (!start) return Refuse(file->file.key().path, start.error()), Status();
  ChunkReader reader(**source, pool_, parcel_.max_line_bytes, std::move(*start));
  parcel_.may_grow = false;
  Status status;
  for (bool more = true; more && status.ok();) {
    Result<Chunk> chunk = reader.Next();
    if (!chunk) {
      Refuse(file->file.key().path, chunk.error());
      break;
    }
    more = !chunk->ends_source;
    parcel_.chunk = std::move(*chunk);
    status = WriteChunk(file);
    parcel_.begins_after_tail = false;
    if (status.ok() && CommitDue()) status = Commit();
  }
  parcel_.may_grow = true;
  parcel_.chunk = Chunk();
  return status;
}

// A descriptor, where the file has none at the moment.
bool Live::Open(FollowedFile* file) {
  if (file->file.is_open()) return true;
  const std::string& path = file->file.key().path;
  const Status opened = files_.Open(file);
  if (!opened.ok()) return CannotOpen(file, opened), false;
  if (std::exchange(file->is_unreadable, false)) health_.Note(path + " can be read again");
  return true;
}

// Rotated meanwhile, or it is tried again.
void Live::CannotOpen(FollowedFile* file, const Status& why) {
  if (!SaysNothing(why)) return files_.LookAgain(file->file.key().path);
  files_.PutOff(file);
  if (why.code() == StatusCode::kExhausted) {
    WarnOfExhaustion(why);
  } else if (!std::exchange(file->is_unreadable, true)) {
    health_.Warn(why.message() + ": waiting until it can be read");
  }
}

Status Live::WriteChunk(FollowedFile* file) {
  if (parcel_.chunk.data.size() > memory_.line_bytes && parcel_.chunk.newlines <= 1) {
    health_.Warn("a line of " + FormatSize(parcel_.chunk.data.size()) + " in " +
                 file->file.key().path + " does not fit --rss-budget: it is taken all the same");
    health_.ExpectOverrun();
  }
  if (Status s = database_->Begin(); !s.ok()) return s;
  const Result<bool> commits_each_line = database_->CommitsEachLine(*file);
  if (!commits_each_line) return commits_each_line.error();
  // A line that is too long is a reject, which rolls nothing back.
  const bool is_row_by_row = *commits_each_line && parcel_.chunk.oversize_length == 0;
  const Status written =
      is_row_by_row ? WriteLineByLine(file) : WriteLines(file, WholeOf(parcel_.chunk));
  parcel_.chunk = Chunk();  // its buffer goes back to the pool
  return written;
}

Status Live::WriteLines(FollowedFile* file, const ChunkPart& part) {
  Touched& touched = Touch(file);
  Status bad_line;
  if (Status s = database_->Write(&parcel_, part, *file, &bad_line); !s.ok()) return s;
  const RowBatch& batch = parcel_.batch;
  touched.added += batch.counts;
  health_.CountExtraKeys(batch);
  uncommitted_rows_ += batch.counts.rows;
  uncommitted_bytes_ += batch.decoded_bytes;
  file->file.Advance(batch.end);
  if (bad_line.ok()) return {};
  if (Status s = Commit(); !s.ok()) return s;
  return bad_line;
}

// Each line in a transaction of its own. Slow, and only for tables that may roll it back.
Status Live::WriteLineByLine(FollowedFile* file) {
  if (pipe_ && file == &*pipe_source_) return WritePipeLineByLine();
  if (Status s = Commit(); !s.ok()) return s;
  const ChunkPart whole = WholeOf(parcel_.chunk);
  for (ChunkPart rest = whole; rest.begin < whole.end;) {
    const ChunkPart line = FirstLineOf(parcel_.chunk, rest);
    if (Status s = WriteAndCommit(file, line); !s.ok()) return s;
    rest = {.begin = line.end, .end = whole.end, .first_line = file->file.offset().lines + 1};
  }
  return {};
}

// A commit takes all that the pipe gave out for done, and moves what it holds: so it gives out one
// line at a time.
Status Live::WritePipeLineByLine() {
  pipe_->GiveBack(parcel_.chunk.data.size());
  if (Status s = Commit(); !s.ok()) return s;
  FollowedFile* const file = &*pipe_source_;
  while (pipe_->Next(file->file.offset(), &parcel_.chunk)) {
    const ChunkPart line = FirstLineOf(parcel_.chunk, WholeOf(parcel_.chunk));
    pipe_->GiveBack(parcel_.chunk.data.size() - line.end);
    parcel_.begins_after_tail = file->file.offset().tail_taken;
    if (Status s = WriteAndCommit(file, line); !s.ok()) return s;
  }
  return {};
}

Status Live::WriteAndCommit(FollowedFile* file, const ChunkPart& line) {
  if (Status s = database_->Begin(); !s.ok()) return s;
  if (Status s = WriteLines(file, line); !s.ok()) return s;
  return Commit();
}

// The next commit has it, at the latest an interval after the first one that it has.
Live::Touched& Live::Touch(FollowedFile* file) {
  if (touched_.empty()) touched_at_ = written_after_;
  return touched_.try_emplace(file, Touched{.committed = file->file.offset(), .added = {}})
      .first->second;
}

// Whether the WAL takes another transaction: where a reader pins it at its cap, lines wait in their
// files.
bool Live::MayWrite() {
  const Result<bool> room = database_->sink().WalHasRoom();
  if (room && *room) {
    health_.WaitsFor("");
    return true;
  }
  std::string who;
  for (const std::string& reader : database_->sink().WalPinnedBy()) {
    who += (who.empty() ? "" : ", ") + reader;
  }
  health_.WaitsFor("the WAL is at its cap of " + FormatSize(options_.ingest.wal_cap_bytes) +
                   (who.empty() ? ", and a reader pins it" : ", pinned by " + who));
  blocked_until_ = Clock::now() + kRetry;
  return false;
}

bool Live::CommitDue() const {
  if (touched_.empty() && unseen_.empty()) return false;
  if (pipe_ && (pipe_->IsFull() || pipe_->ended())) return true;  // it waits for the commit
  return uncommitted_rows_ >= options_.commit_rows || uncommitted_bytes_ >= options_.commit_bytes ||
         Clock::now() >= touched_at_ + options_.commit_interval;
}

// Rows, rejects and offsets in one transaction (I1).
Status Live::Commit() {
  if (database_ == nullptr || (touched_.empty() && unseen_.empty())) return {};
  for (const std::string& path : unseen_) {
    if (Status s = database_->sink().AddUnseenGap(path); !s.ok()) return s;
  }
  std::vector<SourceProgress> progress;
  for (const auto& [file, touched] : touched_) {
    progress.push_back({.source = database_->SlotOf(*file),
                        .offset = file->file.offset(),
                        .added = touched.added,
                        .gap_bytes = GapOf(file),
                        .is_found = touched.is_found});
  }
  if (Status s = database_->sink().Commit(progress); !s.ok()) return s;
  for (const auto& [file, touched] : touched_) {
    health_.Count(touched.added);
    const bool is_new = file->source_id == 0;
    if (is_new) files_.SetId(file, database_->sink().SourceId(database_->SlotOf(*file)));
    database_->NoteCommitted(*file, touched.committed, is_new);
  }
  if (pipe_ && touched_.contains(&*pipe_source_)) pipe_->Committed();
  health_.CountCommit(uncommitted_bytes_);
  touched_.clear();
  lost_.clear();
  unseen_.clear();
  uncommitted_rows_ = uncommitted_bytes_ = 0;
  health_.WaitsFor("");
  files_.Sweep([this](const FollowedFile& file) { database_->Forget(file); });
  return database_->sink().AfterCommit();
}

std::optional<uint64_t> Live::GapOf(FollowedFile* file) const {
  const auto lost = lost_.find(file);
  return lost == lost_.end() ? std::nullopt : std::optional(lost->second);
}

// The transaction is gone: its lines are read again when the database is open again.
void Live::GoBack(const Status& why) {
  for (const auto& [file, touched] : touched_) {
    file->file.Advance(touched.committed);
    if (pipe_ && file == &*pipe_source_) {
      pipe_->GoBack();
    } else {
      files_.KeepReadable(file);
    }
  }
  touched_.clear();
  health_.CountRollback();
  for (const auto& [file, bytes] : lost_) Touch(file);  // what is gone cannot be found out again
  uncommitted_rows_ = uncommitted_bytes_ = 0;
  parcel_.chunk = Chunk();
  // Only a lock that could not be had leaves the connection as it was.
  if (why.code() != StatusCode::kBusy && database_ != nullptr) {
    database_->sink().Abandon(why);
    database_.reset();
  }
  health_.WaitsFor(why.message());
  blocked_until_ = Clock::now() + kRetry;
}

Status Live::LookAfterHealth() {
  health_.Report(files_, database_.get());
  if (database_ == nullptr) return {};
  if (Status s = database_->CheckIsStillThere(); !s.ok()) return s;
  if (pipe_ && !pipe_->CanHandOver()) return {};
  if (health_.IsOverBudget()) {
    health_.Warn("resident memory is " + FormatSize(ResidentMemory()) + ", over --rss-budget " +
                 FormatSize(options_.rss_budget_bytes));
    is_ended_ = true;
    end_ = LiveEnd::kOverBudget;
  }
  return {};
}

}  // namespace

Result<LiveSummary> RunLive(const LiveOptions& options, const StopToken& stop,
                            const LiveHooks& hooks) {
  if (options.rss_budget_bytes < kLeastRssBudget) {
    return Error(Status::Usage("--rss-budget " + FormatSize(options.rss_budget_bytes) +
                                   " is less than the program itself takes",
                               "give " + FormatSize(kLeastRssBudget) + " or more"));
  }
  return Live(options, stop, hooks).Run();
}

}  // namespace sluice
