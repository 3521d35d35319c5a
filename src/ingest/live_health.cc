// SPDX-License-Identifier: Apache-2.0
#include "ingest/live_health.h"

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "base/memory.h"

namespace sluice {
namespace {

// The status file is written each second: it must not cost what idle files save.
constexpr size_t kMostSources = 1'000;

constexpr double kOverBudgetEvery = 60;  // seconds

double LagOf(const FollowedFile& file, FollowedFiles::Clock::time_point now) {
  return std::chrono::duration<double>(now - file.caught_up_at).count();
}

const char* StateOf(const FollowedFile& file) {
  if (file.is_unreadable || file.is_put_off) return "unreadable";
  return file.state == FollowedFile::State::kNamed ? "following" : "unnamed";
}

}  // namespace

LiveHealth::LiveHealth(const LiveOptions& options, const LiveHooks& hooks)
    : options_(options), hooks_(hooks), written_before_(BytesWritten()) {
  status_.rss_budget_bytes = options.rss_budget_bytes;
}

void LiveHealth::Note(const std::string& line) const {
  if (hooks_.note) hooks_.note(line);
}

void LiveHealth::Warn(const std::string& line) const {
  if (hooks_.warning) hooks_.warning(line);
}

void LiveHealth::Ready() const {
  if (hooks_.ready) hooks_.ready();
}

bool LiveHealth::RescanAsked() const { return hooks_.take_rescan && hooks_.take_rescan(); }

void LiveHealth::CountCommit(uint64_t decoded_bytes) {
  ++status_.commits;
  decoded_bytes_ += decoded_bytes;
  // Once a table, when it happens: a service may run for months before it has a summary.
  for (const ExtraKeys* first : extra_keys_.Commit()) {
    Note(first->table + ": keys that have no column go to " + first->column + ", such as " +
         first->first_keys.front());
  }
  status_.extra_keys = extra_keys_.keys();
  status_.lines_with_extra_keys = extra_keys_.lines();
}

void LiveHealth::CountGap(uint64_t bytes) {
  ++status_.gaps;
  status_.gap_bytes += bytes;
}

void LiveHealth::WaitsFor(const std::string& why) {
  if (why == waits_for_) return;
  waits_for_ = why;
  status_.waits_for = why;
  Warn(why.empty() ? "going on" : "waiting: " + why);
}

void LiveHealth::Failed(const Status& why) { status_.waits_for = "failed: " + why.message(); }

bool LiveHealth::IsOverBudget() {
  if (!overrun_expected_ && watch_.seconds() < kOverBudgetEvery) return false;
  overrun_expected_ = false;
  return ResidentMemory() > options_.rss_budget_bytes;
}

void LiveHealth::Report(const FollowedFiles& files, LiveDatabase* database) {
  const double seconds = std::chrono::duration<double>(since_report_.elapsed()).count();
  since_report_.Restart();
  if (hooks_.alive) hooks_.alive();
  if (!hooks_.status) return;
  status_.rows_per_second =
      static_cast<double>(status_.counts.rows - rows_reported_) / std::max(seconds, 1e-3);
  rows_reported_ = status_.counts.rows;
  status_.seconds = watch_.seconds();
  status_.rss_bytes = ResidentMemory();
  if (database != nullptr) {
    const Result<FileInfo> wal = Stat(database->path() + "-wal");
    status_.wal_bytes = wal ? wal->size : 0;
  }
  status_.files = files.files().size();
  status_.waiting_files = files.pending();
  status_.open_files = files.open_files();
  status_.watched_directories = files.watcher().watched();
  status_.polled_directories = files.watcher().polled();
  SumUpLag(files);
  if (hooks_.describe_sources) DescribeSources(files, database);
  hooks_.status(status_);
}

void LiveHealth::SumUpLag(const FollowedFiles& files) {
  const auto now = FollowedFiles::Clock::now();
  status_.lag_bytes = 0;
  status_.lag_seconds = 0;
  for (const FollowedFile& file : files.files()) {
    if (file.waiting() == 0) continue;
    status_.lag_bytes += file.waiting();
    status_.lag_seconds = std::max(status_.lag_seconds, LagOf(file, now));
  }
}

void LiveHealth::DescribeSources(const FollowedFiles& files, LiveDatabase* database) {
  std::vector<const FollowedFile*> latest;
  for (const FollowedFile& file : files.files()) latest.push_back(&file);
  const size_t shown = std::min(latest.size(), kMostSources);
  std::partial_sort(latest.begin(), latest.begin() + static_cast<ptrdiff_t>(shown), latest.end(),
                    [](const auto* a, const auto* b) { return a->grew_at > b->grew_at; });
  latest.resize(shown);

  const auto now = FollowedFiles::Clock::now();
  status_.sources.clear();
  for (const FollowedFile* file : latest) {
    LiveSource source;
    source.path = file->file.key().path;
    if (database != nullptr) source.table = database->table(file->table).name;
    source.offset = file->file.offset().bytes;
    source.lag_bytes = file->waiting();
    if (source.lag_bytes > 0) source.lag_seconds = LagOf(*file, now);
    source.state = StateOf(*file);
    status_.sources.push_back(std::move(source));
  }
}

IngestSummary LiveHealth::Summary() const {
  IngestSummary summary;
  summary.counts = status_.counts;
  summary.bytes_read = summary.bytes_decoded = decoded_bytes_;
  summary.bytes_written = BytesWritten() - written_before_;
  summary.seconds = watch_.seconds();
  summary.extra_keys = extra_keys_.Summary();
  summary.peak_rss_bytes = PeakResidentMemory();
  summary.path = "live";
  summary.stopped = true;
  return summary;
}

}  // namespace sluice
