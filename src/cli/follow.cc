// SPDX-License-Identifier: Apache-2.0
#include "cli/follow.h"

#include <algorithm>
#include <atomic>
#include <filesystem>

#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/units.h"
#include "cli/hand_over.h"
#include "cli/ingest_report.h"
#include "cli/sd_notify.h"
#include "cli/status_file.h"

namespace sluice {
namespace {

std::atomic<bool> hangup{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// `- < file` is the file.
std::string FileOnStdin() {
  struct stat file {};
  if (fstat(STDIN_FILENO, &file) != 0 || !S_ISREG(file.st_mode)) return {};
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/fd/0", error).string();
}

Status RefuseWithoutFollow(const FollowRequest& request) {
  const std::pair<bool, const char*> given[] = {
      {request.live.poll, "--poll"},
      {request.live.strict_rss, "--strict-rss"},
      {request.rss_budget_bytes.has_value(), "--rss-budget"},
      {request.publish_after.has_value(), "--publish-after"},
      {!request.status_file.empty(), "--status-file"},
      {request.no_exec, "--no-exec"}};
  for (const auto& [is_given, option] : given) {
    if (!is_given) continue;
    return Status::Usage(fmt::format("{} is given without --follow", option),
                         "it is for live mode: add --follow, or leave it out");
  }
  return {};
}

// What would be found out in an hour, when the historical part is done, is said at once.
Status CheckStatusFile(const std::string& path) {
  const std::string directory = DirectoryOf(path);
  const Result<FileInfo> file = Stat(path);
  if (file && file->kind != FileKind::kRegular) {
    return Status::Usage("--status-file " + path + " is no file that could be replaced",
                         "name a file in a folder of its own, such as /run/sluice/status.json");
  }
  if (access(directory.c_str(), W_OK | X_OK) == 0) return {};
  const Status failure = SystemError(errno, "write into the folder " + directory);
  return {failure.code(), "--status-file " + path + ": " + failure.message(), failure.remedy()};
}

Status RefuseWithFollow(const FollowRequest& request, const IngestOptions& options) {
  const bool has_stdin = std::ranges::count(options.inputs, "-") > 0;
  if (options.start_offset) {
    return Status::Usage("--start-offset is given with --follow", "leave one out");
  }
  if (options.stop_after_rows) {
    return Status::Usage(
        "--stop-after is given with --follow, which goes on until it is told to end",
        "leave one out");
  }
  if (request.publish_after && !has_stdin) {
    return Status::Usage("--publish-after is given, and stdin is no INPUT",
                         "it is for pipes: give - as an INPUT, or leave it out");
  }
  const bool begins = request.handed_over.empty();  // later on rows are worth more
  return begins && !request.status_file.empty() ? CheckStatusFile(request.status_file) : Status();
}

LiveHooks HooksOf(const FollowRequest& request, const IngestOptions& options,
                  const FollowLog& log) {
  LiveHooks hooks;
  hooks.note = log.note;
  hooks.warning = log.warning;
  hooks.ready = [] {
    ReleaseFreeMemory();
    ForgetCodePages();
    SdNotify("READY=1\nSTATUS=following");
  };
  hooks.take_rescan = [] { return hangup.exchange(false); };
  hooks.alive = [] { SdNotify("WATCHDOG=1"); };
  hooks.describe_sources = !request.status_file.empty();
  if (!hooks.describe_sources) {
    hooks.status = log.status;
    return hooks;
  }
  hooks.status = [&request, &options, &log, failed = false](const LiveStatus& status) mutable {
    if (log.status) log.status(status);
    const Status written =
        ReplaceStatusFile(request.status_file, LiveStatusJson(options.database, status));
    // Rows are worth more than their count: following goes on.
    if (!written.ok() && !failed) log.warning("--status-file: " + written.message());
    failed = !written.ok();
  };
  return hooks;
}

// --no-exec: what the historical part has left in the heap goes back to the system, as far as that
// can be.
void GiveBackMemory(const FollowLog& log) {
  const uint64_t before = ResidentMemory();
  ReleaseFreeMemory();
  const uint64_t now = ResidentMemory();
  log.note(
      fmt::format("gave back {} of memory, and keeps {} (without --no-exec a fresh process begins)",
                  FormatSize(before - std::min(before, now)), FormatSize(now)));
}

}  // namespace

void AddFollowOptions(Options* options, FollowRequest* request) {
  LiveOptions* live = &request->live;
  options->Group("Live mode");
  options->Flag("--follow", "Go on after the end of the inputs: keep the database current",
                &request->follow);
  options->Flag("--poll", "Look at files every so often, where inotify does not tell of changes",
                &live->poll);
  options->Size("--rss-budget",
                "Resident memory of the process while it follows (default " +
                    FormatSize(live->rss_budget_bytes) + ")",
                &request->rss_budget_bytes);
  options->Flag("--strict-rss",
                "A line that does not fit the budget is a reject, instead of an overrun",
                &live->strict_rss);
  options->Text("--status-file", "FILE", "Write JSON about health and lag here, each second",
                &request->status_file);
  options->Duration("--publish-after",
                    "Stdin: publish the database after so long, if the stream does not rest before "
                    "(default 60s)",
                    &request->publish_after);
  options->Flag("--no-exec", "Follow in this process, instead of in a fresh image of it",
                &request->no_exec);
  options->Group("");  // for us alone
  options->Text(kHandedOver, "WHAT", "", &request->handed_over);
}

Status ApplyFollowOptions(FollowRequest* request, IngestOptions* options) {
  LiveOptions& live = request->live;
  live.commit_rows = request->commit_rows.value_or(live.commit_rows);
  live.commit_bytes = request->commit_bytes.value_or(live.commit_bytes);
  live.commit_interval = request->commit_interval.value_or(live.commit_interval);
  options->commit_rows = request->commit_rows.value_or(options->commit_rows);
  options->commit_bytes = request->commit_bytes.value_or(options->commit_bytes);
  options->commit_interval = request->commit_interval.value_or(options->commit_interval);
  if (!request->follow) return RefuseWithoutFollow(*request);
  if (Status s = RefuseWithFollow(*request, *options); !s.ok()) return s;
  live.rss_budget_bytes = request->rss_budget_bytes.value_or(live.rss_budget_bytes);
  request->pipe.longest = request->publish_after.value_or(request->pipe.longest);
  options->inputs_may_come = true;
  if (std::count(options->inputs.begin(), options->inputs.end(), "-") > 0) {
    options->pipe_hand_over = &request->pipe;
  }
  if (live.rss_budget_bytes < kLeastRssBudget) {
    return Status::Usage("--rss-budget is less than the program itself takes",
                         "give " + FormatSize(kLeastRssBudget) + " or more");
  }
  return {};
}

void RescanOnHangup() {
  struct sigaction action = {};
  action.sa_handler = [](int) { hangup.store(true); };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

Result<ExitStatus> FollowInputs(const FollowRequest& request, const IngestOptions& options,
                                const CommonOptions& common, const StopToken& stop,
                                const FollowLog& log) {
  LiveOptions live = request.live;
  live.ingest = options;
  live.ingest.pipe_hand_over = nullptr;
  if (request.pipe.rests) live.pipe = request.pipe;
  if (request.handed_over.empty()) {
    const bool has_pipe = std::erase(live.ingest.inputs, "-") > 0;
    if (has_pipe && !request.pipe.rests && live.ingest.inputs.empty() && FileOnStdin().empty()) {
      return ExitStatus::kDone;  // the stream has ended, and nothing else is to be followed
    }
    if (!request.no_exec) return Error(ExecFreshImage(live.pipe, stop));
    GiveBackMemory(log);
  } else {
    Result<std::optional<PipeHandOver>> pipe = ReadHandOver(request.handed_over);
    if (!pipe) return Error(pipe.error());
    live.pipe = std::move(*pipe);
    prctl(PR_SET_NAME, "sluice");  // the kernel calls an image of /proc/self/exe "exe"
  }
  live.ingest.inputs = options.inputs;
  if (const std::string file = FileOnStdin(); !file.empty()) {
    std::replace(live.ingest.inputs.begin(), live.ingest.inputs.end(), std::string("-"), file);
  }
  KeepHeapSmall();
  ForgetCodePages();  // of the options, before the offsets of all sources are read
  const Result<LiveSummary> summary = RunLive(live, stop, HooksOf(request, options, log));
  log.wipe();
  if (!summary) return Error(summary.error());
  if (summary->end == LiveEnd::kOverBudget && !request.no_exec) {
    return Error(ExecFreshImage(summary->pipe, stop));
  }
  SdNotify("STOPPING=1");
  for (const std::string& warning : summary->ingest.warnings) log.warning(warning);
  log.summary(summary->ingest);
  if (common.json) {
    if (Status s = WriteOut(SummaryJson(options.database, summary->ingest)); !s.ok())
      return Error(s);
  }
  if (summary->end == LiveEnd::kPipeEnded) return ExitStatus::kDone;
  return static_cast<ExitStatus>(128 + stop.signal());
}

}  // namespace sluice
