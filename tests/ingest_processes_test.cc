// SPDX-License-Identifier: Apache-2.0
// Runs beside other processes, and runs that are asked to stop.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "database_view.h"
#include "other_process.h"
#include "small_ingest.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

// A run in a process of its own, which halts when it reads `halt_at`, until it may go on.
class HaltedRun {
 public:
  HaltedRun(const IngestOptions& options, const std::string& halt_at) {
    int halted[2];
    int go_on[2];
    if (pipe(halted) != 0 || pipe(go_on) != 0) {
      ADD_FAILURE() << "no pipe";
      return;
    }
    pid_ = fork();
    if (pid_ == 0) {
      close(halted[0]);
      close(go_on[1]);
      int reads = 0;
      // The first read is that of the sample, before anything is written.
      ScopedFileHook hook([&](const FileEvent& event) {
        char byte = 0;
        if (event.call == FileCall::kRead && event.path == halt_at && ++reads == 2) {
          if (write(halted[1], &byte, 1) != 1 || read(go_on[0], &byte, 1) < 0) _exit(3);
        }
        return 0;
      });
      _exit(SmallIngest::Run(options).ok() ? 0 : 1);
    }
    close(halted[1]);
    close(go_on[0]);
    go_on_ = go_on[1];
    char byte = 0;
    EXPECT_EQ(read(halted[0], &byte, 1), 1) << "it never came to " << halt_at;
    close(halted[0]);
  }
  ~HaltedRun() { EXPECT_TRUE(pid_ <= 0 || EndsWell()); }
  HaltedRun(const HaltedRun&) = delete;
  HaltedRun& operator=(const HaltedRun&) = delete;

  pid_t pid() const { return pid_; }
  void GoOn() {
    if (go_on_ >= 0) close(go_on_);
    go_on_ = -1;
  }
  bool EndsWell() {
    GoOn();
    int status = -1;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return status == 0;
  }

 private:
  pid_t pid_ = -1;
  int go_on_ = -1;
};

class IngestProcesses : public testing::Test {
 protected:
  // The database before the runs: with the beginning of the log, or missing.
  void Begin(bool exists) {
    fs::remove(database_);
    if (exists) {
      ingest_.WriteBeginning();
      ExpectRuns(ingest_.Options(database_));
    }
    ingest_.WriteWhole();
  }

  static void ExpectRuns(const IngestOptions& options) {
    const Status status = SmallIngest::Run(options);
    EXPECT_TRUE(status.ok()) << status.message();
  }

  // What one run after the other leaves.
  std::vector<std::string> Expected(bool exists) {
    Begin(exists);
    ExpectRuns(ingest_.Options(database_));
    std::vector<std::string> everything = SmallIngest::Everything(database_);
    Begin(exists);
    return everything;
  }

  const SmallIngest ingest_;
  const TemporaryDirectory folder_;
  const std::string database_ = folder_ / "a.db";
  // While another run has come to this file, it has committed those before it.
  const std::string third_log_ = ingest_.log_path(2);
};

TEST_F(IngestProcesses, ASecondRunSaysWhoHoldsTheDatabase) {
  for (const bool exists : {false, true}) {
    SCOPED_TRACE(exists ? "existing" : "missing");
    Begin(exists);
    HaltedRun first(ingest_.Options(database_), third_log_);
    IngestOptions options = ingest_.Options(database_);
    options.wait = milliseconds(30);
    const Status status = SmallIngest::Run(options);
    EXPECT_EQ(status.code(), StatusCode::kBusy);
    EXPECT_THAT(status.message(), HasSubstr("pid " + std::to_string(first.pid())));
    EXPECT_THAT(status.remedy(), HasSubstr("--wait"));
    EXPECT_TRUE(first.EndsWell());
  }
}

TEST_F(IngestProcesses, ASecondRunWaitsForTheFirstAndGoesOn) {
  for (const bool exists : {false, true}) {
    SCOPED_TRACE(exists ? "existing" : "missing");
    const std::vector<std::string> expected = Expected(exists);
    HaltedRun first(ingest_.Options(database_), third_log_);
    std::thread later([&first] {
      std::this_thread::sleep_for(milliseconds(100));
      first.GoOn();
    });
    IngestOptions options = ingest_.Options(database_);
    options.wait = seconds(30);
    ExpectRuns(options);
    later.join();
    EXPECT_TRUE(first.EndsWell());
    EXPECT_EQ(SmallIngest::Everything(database_), expected);
  }
}

TEST_F(IngestProcesses, RunsThatBeginTogetherDoTheWorkOnce) {
  for (const bool exists : {false, true}) {
    for (int round = 0; round < 5; ++round) {
      const std::vector<std::string> expected = Expected(exists);
      IngestOptions options = ingest_.Options(database_);
      options.wait = seconds(30);
      std::vector<pid_t> children;
      for (int i = 0; i < 4; ++i) {
        const pid_t child = fork();
        if (child == 0) {
          const Status status = SmallIngest::Run(options);
          if (!status.ok()) fprintf(stderr, "%s\n", status.message().c_str());
          _exit(status.ok() ? 0 : 1);
        }
        children.push_back(child);
      }
      for (const pid_t child : children) {
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
      }
      EXPECT_EQ(SmallIngest::Everything(database_), expected);
      EXPECT_EQ(FilesIn(folder_.path()), std::vector<std::string>{"a.db"});
    }
  }
}

TEST_F(IngestProcesses, AnApplicationThatWritesIsNamed) {
  for (const bool keep_journal : {false, true}) {
    SCOPED_TRACE(keep_journal ? "rollback journal" : "WAL");
    const std::vector<std::string> expected = Expected(true);
    if (keep_journal) DatabaseView(database_).Run("PRAGMA journal_mode=DELETE");
    IngestOptions options = ingest_.Options(database_);
    options.keep_journal = keep_journal;
    options.wait = milliseconds(30);
    {
      OtherProcess application([this] {
        static DatabaseView view(database_);
        view.Run("BEGIN IMMEDIATE");
        return true;
      });
      ASSERT_TRUE(application.ready());
      const Status status = SmallIngest::Run(options);
      EXPECT_EQ(status.code(), StatusCode::kBusy);
      EXPECT_THAT(status.message(), HasSubstr("pid " + std::to_string(application.pid())));
    }
    ExpectRuns(options);
    EXPECT_EQ(SmallIngest::Everything(database_), expected);
  }
}

TEST_F(IngestProcesses, AnApplicationThatEndsItsTransactionIsWaitedFor) {
  const std::vector<std::string> expected = Expected(true);
  OtherProcess application([this] {
    static DatabaseView view(database_);
    view.Run("BEGIN IMMEDIATE");
    return true;
  });
  ASSERT_TRUE(application.ready());
  std::thread later([&application] {
    std::this_thread::sleep_for(milliseconds(100));
    application.Kill();
  });
  IngestOptions options = ingest_.Options(database_);
  options.wait = seconds(30);
  ExpectRuns(options);
  later.join();
  EXPECT_EQ(SmallIngest::Everything(database_), expected);
}

TEST_F(IngestProcesses, AReaderThatPinsTheWalIsNamedAndInNobodysWay) {
  const std::vector<std::string> expected = Expected(true);
  {
    OtherProcess reader([this] {
      static DatabaseView view(database_);
      return view.Rows("BEGIN").empty() && view.Count("SELECT count(*) FROM events") > 0;
    });
    ASSERT_TRUE(reader.ready());
    const StopToken never;
    const Result<IngestSummary> summary = RunIngest(ingest_.Options(database_), never, {});
    ASSERT_TRUE(summary) << summary.error().message();
    EXPECT_THAT(summary->warnings, Contains(HasSubstr("pid " + std::to_string(reader.pid()))));
    EXPECT_EQ(SmallIngest::Everything(database_), expected);
  }
  ExpectRuns(ingest_.Options(database_));
  EXPECT_EQ(FilesIn(folder_.path()), std::vector<std::string>{"a.db"});
}

// I10: closing a descriptor of our own would drop SQLite's locks on the file.
TEST_F(IngestProcesses, OnlySqliteOpensTheDatabase) {
  for (const bool exists : {false, true}) {
    Begin(exists);
    int opened_inputs = 0;
    ScopedFileHook hook([&](const FileEvent& event) {
      if (event.call != FileCall::kOpen) return 0;
      for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        EXPECT_NE(event.path, database_ + suffix);
      }
      opened_inputs += event.path == third_log_ ? 1 : 0;
      return 0;
    });
    IngestOptions options = ingest_.Options(database_);
    options.inputs.push_back(folder_.path());  // where the database lies
    ExpectRuns(options);
    EXPECT_GT(opened_inputs, 0);
  }
}

std::string Numbered(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "{\"n\":" + std::to_string(i) + ",\"text\":\"t\"}\n";
  return text;
}

class IngestStops : public IngestProcesses {
 protected:
  // Rows that are there, without a gap, with their indexes, and whole.
  int64_t RowsFromTheFirstOn() {
    DatabaseView view(database_);
    EXPECT_EQ(view.Integrity(), "ok");
    EXPECT_EQ(view.Count("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'idx_events%'"), 2);
    const int64_t rows = view.Count("SELECT count(*) FROM events");
    EXPECT_EQ(view.Count("SELECT count(DISTINCT n) FROM events"), rows);
    EXPECT_EQ(view.Count("SELECT max(n) + 1 FROM events"), rows);
    return rows;
  }
};

TEST_F(IngestStops, InTheMiddleOfAFile) {
  constexpr int kLines = 100'000;  // some 30 chunks
  IngestOptions options = ingest_.Options(database_);
  options.inputs = {folder_.Write("big.jsonl", Numbered(0, kLines))};
  int64_t before = 0;
  for (const int stop_at : {3, 9, 2}) {  // reads of the file
    StopToken stop;
    int reads = 0;
    Result<IngestSummary> summary = [&] {
      ScopedFileHook hook([&](const FileEvent& event) {
        const bool reads_log = event.call == FileCall::kRead && event.path == options.inputs[0];
        if (reads_log && event.offset > 0 && ++reads == stop_at) stop.RequestStop(SIGINT);
        return 0;
      });
      return RunIngest(options, stop, {});
    }();
    ASSERT_TRUE(summary) << summary.error().message();
    EXPECT_TRUE(summary->stopped);
    const int64_t rows = RowsFromTheFirstOn();
    EXPECT_EQ(rows, before + static_cast<int64_t>(summary->counts.rows));
    EXPECT_LT(rows, kLines);
    EXPECT_TRUE(before == 0 ? rows > 0 : rows >= before);
    before = rows;
    EXPECT_EQ(DatabaseView(database_).One("SELECT outcome FROM _sluice_runs ORDER BY id DESC"),
              "stopped");
  }
  ExpectRuns(options);
  EXPECT_EQ(RowsFromTheFirstOn(), kLines);
}

// What came through a pipe cannot be read again: what was read whole is kept.
TEST_F(IngestStops, WhileAPipeIsSilent) {
  for (const int lines : {100, 30'000}) {  // less than the sample, and more than a chunk
    SCOPED_TRACE(lines);
    fs::remove(database_);
    const std::string pipe = folder_ / "pipe";
    fs::remove(pipe);
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    std::thread writer;
    int descriptor = -1;
    StopToken stop;
    writer = std::thread([&] {
      descriptor = open(pipe.c_str(), O_WRONLY);
      const std::string text = Numbered(0, lines) + "{\"n\":";
      for (size_t done = 0; done < text.size();) {
        const ssize_t count = write(descriptor, text.data() + done, text.size() - done);
        if (count <= 0) return;
        done += static_cast<size_t>(count);
      }
      // It stays open, and says no more.
      std::this_thread::sleep_for(milliseconds(400));
      stop.RequestStop(SIGTERM);
    });
    IngestOptions options = ingest_.Options(database_);
    options.inputs = {pipe};
    const Result<IngestSummary> summary = RunIngest(options, stop, {});
    writer.join();
    close(descriptor);
    ASSERT_TRUE(summary) << summary.error().message();
    EXPECT_TRUE(summary->stopped);
    EXPECT_EQ(RowsFromTheFirstOn(), lines);
  }
}

TEST_F(IngestStops, ARealSignalEndsARunInItsMiddle) {
  IngestOptions options = ingest_.Options(database_);
  options.inputs = {folder_.Write("big.jsonl", Numbered(0, 50'000))};
  const pid_t child = fork();
  if (child == 0) {
    static StopToken stop;
    StopOnSignals(&stop);
    std::atomic<bool> is_raised = false;
    ScopedFileHook hook([&](const FileEvent& event) {
      // No plan looks so far into a file.
      const bool is_in_the_middle = event.call == FileCall::kRead &&
                                    event.path == options.inputs[0] && event.offset >= 400'000;
      if (is_in_the_middle && !is_raised.exchange(true)) raise(SIGINT);
      return 0;
    });
    const Result<IngestSummary> summary = RunIngest(options, stop, {});
    _exit(summary && summary->stopped && stop.signal() == SIGINT ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const int64_t rows = RowsFromTheFirstOn();
  EXPECT_GT(rows, 0);
  EXPECT_LT(rows, 50'000);
  ExpectRuns(options);
  EXPECT_EQ(RowsFromTheFirstOn(), 50'000);
}

}  // namespace
}  // namespace sluice
