// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/existing_database.h"
#include "cli/follow.h"
#include "cli/follow_line.h"
#include "cli/ingest_report.h"
#include "cli/progress.h"
#include "sluice/ingest.hpp"
#include "sluice/stop.hpp"

namespace sluice {
namespace {

constexpr const char* kExamples =
    R"(# every session of every coding agent in one database; run it again to add what is new
sluice ingest agents.db ~/.claude/projects ~/.codex/sessions
# one file, into a table of your own name
sluice ingest app.db --table events app.jsonl
# a pipe
kubectl logs deploy/api | sluice ingest api.db -
# rows that come again are replaced
sluice ingest users.db --pk id --replace users.jsonl.gz
# what would it do?
sluice ingest app.db --dry-run logs/)";

struct IngestRequest {
  std::shared_ptr<CommonOptions> common = std::make_shared<CommonOptions>();
  IngestOptions options;
  bool ignore = false;
  bool replace = false;
  bool fail_on_reject = false;
  bool dry_run = false;
  FollowRequest follow;
  ProgressWhen progress = ProgressWhen::kAuto;
};

void AddInputOptions(Options* options, IngestOptions* to) {
  options->Positional("DB", "The SQLite database; it is made where there is none", &to->database);
  options->Positionals(
      "INPUT",
      "A file, a directory (walked for *.jsonl, *.ndjson and their .gz and .zst), or - for stdin. "
      "What was read before is not read again",
      &to->inputs);
  options->Group("What is read");
  options->Texts("--include", "GLOB",
                 "Take only files below a directory whose path there matches; may be given again",
                 &to->include);
  options->Texts("--exclude", "GLOB",
                 "Leave out files below a directory whose path there matches; may be given again",
                 &to->exclude);
  options->Flag("--start-at-end", "Begin new sources at their present end", &to->start_at_end);
  options->Count("--start-offset", "Begin a new source N decoded bytes in; for a single file",
                 &to->start_offset);
  options->Size("--max-line", "A longer line is a reject, of which the first 1MiB is kept",
                &to->max_line_bytes);
  options->Count("--stop-after", "Stop after N rows of this run", &to->stop_after_rows);
}

void AddTableOptions(Options* options, IngestRequest* request) {
  IngestOptions* to = &request->options;
  options->Group("Which table");
  options->Text(
      "--schema", "PRESET|auto|FILE.toml",
      "Columns, indexes and views: a preset of `sluice schema list`, a schema file, or auto, which "
      "recognises a preset's data, says so, and else infers",
      &to->schema);
  options->Text("--table", "NAME", "Name of the table, instead of the schema's own", &to->table);
  options->Texts("--pk", "COL[,COL]",
                 "Primary key. A row whose key is there already is a reject, unless --ignore or "
                 "--replace says otherwise",
                 &to->primary_key, ',');
  options->Flag("--ignore", "With --pk: pass over rows whose key is there already",
                &request->ignore);
  options->Flag("--replace", "With --pk: replace rows whose key is there already",
                &request->replace);
  options->Flag(
      "--alter",
      "With auto: a new key adds a column. Without it such values go to the column _extra",
      &to->alter);
  options->Flag("--sync-indexes",
                "Drop indexes under the schema's prefix that the schema does not list (any more)",
                &to->sync_indexes);
}

void AddBadLineOptions(Options* options, IngestRequest* request) {
  options->Group("Bad lines");
  options->Choice(
      "--on-bad-line",
      "Keep them in the table of rejects, skip and count them, or fail at the first",
      {{"keep", OnBadLine::kKeep}, {"skip", OnBadLine::kSkip}, {"fail", OnBadLine::kFail}},
      &request->options.on_bad_line);
  options->Flag("--fail-on-reject",
                "Exit with status 3 when lines were rejected; the others are kept",
                &request->fail_on_reject);
}

void AddDatabaseOptions(Options* options, IngestOptions* to) {
  using Verify = IngestOptions::Verify;
  options->Group("The database");
  options->Flag("--from-scratch",
                "Make the database anew; the old one stands until the new one is whole",
                &to->from_scratch);
  options->Flag("--force", "With --from-scratch: also over what sluice did not make", &to->force);
  options->Choice("--verify",
                  "Check of a new database before it is published: light looks a few rows up in "
                  "every index, quick and full are SQLite's quick_check and integrity_check",
                  {{"light", Verify::kLight}, {"quick", Verify::kQuick}, {"full", Verify::kFull}},
                  &to->verify);
  options->Size("--page-size", "Of a new database, a power of two from 1KiB to 64KiB",
                &to->page_size);
  options->Flag("--keep-journal", "Do not turn an existing database to WAL", &to->keep_journal);
  options->Flag("--durable",
                "Sync at each commit, not only at checkpoints: a power cut then costs nothing",
                &to->durable);
  options->Duration("--wait", "How long to wait for another writer, before saying who it is",
                    &to->wait);
  options->Choice(
      "--events", "What the run journal keeps: a row a run, also each batch, or nothing",
      {{"run", EventDetail::kRun}, {"batch", EventDetail::kBatch}, {"off", EventDetail::kOff}},
      &to->events);
  options->Text("--events-db", "FILE", "Keep the run journal in this database instead",
                &to->events_db);
}

void AddResourceOptions(Options* options, IngestOptions* to, FollowRequest* follow) {
  options->Group("Memory, threads, commits");
  options->Size("--memory",
                "Memory to use (default the smaller of 512MiB and a quarter of the machine's or "
                "the cgroup's)",
                &to->memory_bytes);
  options->Size("--cache", "Part of it for SQLite's page cache (default half of --memory)",
                &to->cache_bytes);
  options->Size("--wal-cap", "Checkpoint when the WAL is larger", &to->wal_cap_bytes);
  options->Count(
      "--threads",
      "Threads that parse (default as many as there are processors for a database that is "
      "written as pages, else one less, 1 at least)",
      &to->threads);
  options->Count("--commit-rows", "Commit after N rows, or ... (default 50000, live 5000)",
                 &follow->commit_rows);
  options->Size("--commit-bytes",
                "... after so many decoded bytes, or ... (default 64MiB, live 4MiB)",
                &follow->commit_bytes);
  options->Duration("--commit-interval",
                    "... after so much time, whichever comes first (default 1s, live 50ms)",
                    &follow->commit_interval);
}

Status CheckInputs(const IngestOptions& options) {
  if (options.database.empty() || options.database == "-") {
    return Status::Usage("DB must be the path of a database",
                         "sluice ingest app.db INPUT...: the database comes first");
  }
  if (Status s = IsNoJson(options.database); !s.ok()) return s;
  if (std::count(options.inputs.begin(), options.inputs.end(), "-") > 1) {
    return Status::Usage("stdin (-) is given twice", "it can be read only once");
  }
  if (std::count(options.inputs.begin(), options.inputs.end(), "") > 0) {
    return Status::Usage("an INPUT is an empty text", "is a variable of your script unset?");
  }
  if (!options.start_offset) return {};
  if (options.inputs.size() != 1 || options.inputs.front() == "-") {
    return Status::Usage("--start-offset is for a single file",
                         "give one INPUT, or --start-at-end, which is for any number");
  }
  if (options.start_at_end) {
    return Status::Usage("--start-offset and --start-at-end are given both", "leave one out");
  }
  return {};
}

Status CheckConflicts(const IngestRequest& request) {
  const IngestOptions& options = request.options;
  if (request.ignore && request.replace) {
    return Status::Usage("--ignore and --replace are given both",
                         "--ignore keeps the old row, --replace the new one");
  }
  if ((request.ignore || request.replace) && options.primary_key.empty()) {
    return Status::Usage(fmt::format("{} needs --pk", request.ignore ? "--ignore" : "--replace"),
                         "name the columns by which a row is known, as in --pk id");
  }
  if (options.force && !options.from_scratch) {
    return Status::Usage("--force is given without --from-scratch",
                         "it is for making a database anew, over tables of others");
  }
  if (request.fail_on_reject && request.follow.follow) {
    return Status::Usage(
        "--fail-on-reject is given with --follow, which ends by a signal",
        "--on-bad-line fail ends it at the first bad line; sluice rejects has them");
  }
  if (!options.events_db.empty() && options.events == EventDetail::kOff) {
    return Status::Usage("--events-db is given with --events off", "leave one out");
  }
  return {};
}

Status CheckNumbers(const IngestOptions& options) {
  if (!std::has_single_bit(options.page_size) || options.page_size < 1024 ||
      options.page_size > 65536) {
    return Status::Usage("--page-size is no power of two from 1KiB to 64KiB",
                         "4KiB is SQLite's own default");
  }
  if (options.commit_rows == 0 || options.commit_bytes == 0) {
    return Status::Usage("--commit-rows and --commit-bytes must be 1 or more",
                         "a large number means: hardly ever");
  }
  if (options.max_line_bytes == 0) {
    return Status::Usage("--max-line must be 1 or more", "64MiB is the default");
  }
  return {};
}

Status Check(const IngestRequest& request) {
  if (Status s = CheckInputs(request.options); !s.ok()) return s;
  if (Status s = CheckConflicts(request); !s.ok()) return s;
  return CheckNumbers(request.options);
}

Result<ExitStatus> DryRun(const IngestRequest& request) {
  const auto plan = PlanIngest(request.options);
  if (!plan) return Error(plan.error());
  const std::string text = request.common->json ? PlanJson(*plan) : PlanText(*plan);
  if (Status s = WriteOut(text); !s.ok()) return Error(s);
  for (const Status& failure : plan->failures) ReportError(failure, /*json=*/false);
  return plan->failures.empty() ? ExitStatus::kDone : ExitStatus::kFailed;
}

// Notes that came as they happened are not said a second time at the end.
void PrintSummary(const IngestRequest& request, const IngestSummary& summary,
                  const std::set<std::string>& said) {
  const Terminal terminal = Terminal::Of(stderr);
  for (const std::string& warning : summary.warnings) {
    Tell(stderr, fmt::format("{} {}\n", terminal.Red("sluice: warning:"), warning));
  }
  if (request.common->quiet || request.common->json) return;
  for (const std::string& note : summary.notes) {
    if (said.count(note) == 0) Tell(stderr, fmt::format("{}\n", note));
  }
  Tell(stderr, SummaryText(request.options, summary, terminal));
}

// The live part. Its lines are for a log that may run for weeks: none is remembered.
Result<ExitStatus> Follow(const IngestRequest& request, const StopToken& stop) {
  const bool quiet = request.common->quiet;
  FollowLine line(request.progress, quiet, stderr);
  FollowLog log;
  log.note = [&line, quiet](const std::string& note) {
    if (!quiet) line.Say("sluice: " + Printable(note));
  };
  log.warning = [&line](const std::string& warning) {
    line.Say(Terminal::Of(stderr).Red("sluice: warning:") + " " + Printable(warning));
  };
  if (line.is_shown()) log.status = [&line](const LiveStatus& status) { line.Draw(status); };
  log.wipe = [&line] { line.Clear(); };
  log.summary = [&request, quiet](const IngestSummary& summary) {
    if (quiet || request.common->json) return;
    Tell(stderr, FollowSummaryText(request.options, summary, Terminal::Of(stderr)));
  };
  return FollowInputs(request.follow, request.options, *request.common, stop, log);
}

// What is there: to its end, or to a stop.
struct Historical {
  ExitStatus status = ExitStatus::kDone;
  bool stopped = false;
};

Result<Historical> IngestWhatIsThere(const IngestRequest& request, const StopToken& stop) {
  ProgressLine line(request.progress, request.common->quiet, stderr);
  std::set<std::string> said;
  IngestHooks hooks;
  hooks.progress = [&](const IngestProgress& progress) { line.Draw(progress); };
  hooks.note = [&](const std::string& note) {
    if (request.common->quiet || !said.insert(note).second) return;
    line.Say(note);
  };
  const auto summary = RunIngest(request.options, stop, hooks);
  line.Clear();

  const bool by_signal = stop.signal() != 0;
  const auto signalled = static_cast<ExitStatus>(128 + stop.signal());
  if (!summary) {
    if (by_signal && summary.error().code() == StatusCode::kCancelled) {
      return Historical{.status = signalled, .stopped = true};
    }
    return Error(summary.error());
  }
  PrintSummary(request, *summary, said);
  if (request.common->json) {
    if (Status s = WriteOut(SummaryJson(request.options.database, *summary)); !s.ok())
      return Error(s);
  }
  // Inputs that could not be read, or not to their end. All others are in, and the run has failed.
  for (const Status& failure : summary->failures) ReportError(failure, /*json=*/false);
  Historical done{.stopped = summary->stopped};
  if (by_signal && summary->stopped) {
    done.status = signalled;
  } else if (!summary->failures.empty()) {
    done.status = ExitStatus::kFailed;
  } else if (request.fail_on_reject && summary->counts.rejects > 0) {
    done.status = ExitStatus::kRejected;
  }
  return done;
}

Result<ExitStatus> Ingest(const IngestRequest& request) {
  // It must outlive the process: the signal handler keeps pointing at it.
  static StopToken stop;
  StopOnSignals(&stop);
  if (request.follow.follow) RescanOnHangup();
  if (!request.follow.handed_over.empty()) return Follow(request, stop);

  const Result<Historical> done = IngestWhatIsThere(request, stop);
  if (!done) return Error(done.error());
  if (!request.follow.follow || done->stopped) return done->status;
  return Follow(request, stop);
}

}  // namespace

Command AddIngest(CLI::App* program) {
  CLI::App* app = program->add_subcommand(
      "ingest", "Read JSON Lines into tables of a SQLite database, exactly once");
  app->footer(kExamples);
  auto request = std::make_shared<IngestRequest>();

  Options options(app);
  AddInputOptions(&options, &request->options);
  AddTableOptions(&options, request.get());
  AddBadLineOptions(&options, request.get());
  AddDatabaseOptions(&options, &request->options);
  AddResourceOptions(&options, &request->options, &request->follow);
  AddFollowOptions(&options, &request->follow);
  AddCommonOptions(&options, request->common.get());
  options.Flag("--dry-run", "Say what would be done, and do nothing", &request->dry_run);
  options.Choice(
      "--progress",
      "Show progress on stderr, and with --follow how it is; auto: when it is a terminal",
      {{"auto", ProgressWhen::kAuto},
       {"always", ProgressWhen::kAlways},
       {"never", ProgressWhen::kNever}},
      &request->progress);

  return {app, request->common, [request]() -> Result<ExitStatus> {
            if (Status s = ApplyFollowOptions(&request->follow, &request->options); !s.ok())
              return Error(s);
            if (Status s = Check(*request); !s.ok()) return Error(s);
            if (request->ignore) request->options.on_conflict = OnConflict::kIgnore;
            if (request->replace) request->options.on_conflict = OnConflict::kReplace;
            return request->dry_run ? DryRun(*request) : Ingest(*request);
          }};
}

}  // namespace sluice
