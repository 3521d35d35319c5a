// SPDX-License-Identifier: Apache-2.0
// `sluice ingest --follow` as it is run: the fresh image, its memory, its signals, its stdin.
#include "live_program.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "database_view.h"
#include "other_process.h"
#include "publish/target_lock.h"
#include "sanitized.h"
#include "sqlite/connection.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

std::string Numbered(int from, int to, size_t padding = 0) {
  std::string lines;
  for (int i = from; i <= to; ++i) {
    lines += "{\"n\":" + std::to_string(i) + ",\"s\":\"" + std::string(padding, 'x') + "\"}\n";
  }
  return lines;
}

class LiveProgramTest : public testing::Test {
 protected:
  std::string Lines() const {
    DatabaseView view(database_);
    if (view.Count("SELECT count(*) FROM sqlite_schema WHERE name = 'lines'") == 0) return "none";
    return view.One(
        "SELECT count(*) || ' of ' || count(DISTINCT n) || ' to ' || max(n) FROM lines");
  }
  bool UntilAll(int last) const {
    const std::string n = std::to_string(last);
    const bool all = Eventually([&] { return Lines() == n + " of " + n + " to " + n; });
    EXPECT_TRUE(all) << Lines();
    return all;
  }
  std::string Said() const { return ReadFile(log_, 1 << 20).value_or(""); }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
  const std::string log_ = folder_ / "said.txt";
};

TEST_F(LiveProgramTest, FollowsInAFreshImageAndEndsWhenItIsTold) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 1000));
  LiveProgram program({"ingest", "--follow", database_, log}, log_);
  ASSERT_TRUE(Eventually([&] { return program.Follows(); })) << Said();
  ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }));
  if (!kSanitized) {
    EXPECT_LE(program.ResidentBytes(), uint64_t{8} << 20) << "at idle, default budget";
  }
  folder_.Append("app.jsonl", Numbered(1001, 1500));
  UntilAll(1500);
  folder_.Append("app.jsonl", "{\"n\":");
  const Stopwatch watch;
  EXPECT_EQ(program.Stop(), 143);
  EXPECT_LT(watch.seconds(), 1.5);
  EXPECT_FALSE(std::filesystem::exists(database_ + "-wal"));
}

// At any moment: also between the historical part and the fresh image, which has no token yet.
TEST_F(LiveProgramTest, NoStopIsLostOnTheWayToTheFreshImage) {
  // Its runtime puts a signal off until the next call that it watches, which may be a wait for
  // good.
  if (kThreadSanitized) GTEST_SKIP() << "ThreadSanitizer delays signals";
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 10));
  for (int delay = 0; delay < 40; ++delay) {
    LiveProgram program({"ingest", "--follow", database_, log}, log_);
    // Its handlers stand when it has the lock of the database.
    ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(database_ + ".sluice-lock"); }));
    std::this_thread::sleep_for(milliseconds(delay));
    EXPECT_EQ(program.Stop(20), 143) << "after " << delay << " ms";
  }
}

// The folder that the link leads to stands behind another link, where nothing tells of a change.
TEST_F(LiveProgramTest, HangupLooksWhereNothingTells) {
  folder_.Write("day1/app.jsonl", Numbered(1, 10));
  folder_.Write("day2/app.jsonl", Numbered(11, 20));
  const auto point_to = [this](const char* day) {
    std::filesystem::create_symlink(folder_ / day, folder_ / "all/next");
    std::filesystem::rename(folder_ / "all/next", folder_ / "all/today");
  };
  std::filesystem::create_directories(folder_ / "all");
  std::filesystem::create_directories(folder_ / "logs");
  point_to("day1");
  std::filesystem::create_symlink(folder_ / "all/today/app.jsonl", folder_ / "logs/app.jsonl");
  // Written for the first time when everything was looked at.
  const std::string status = folder_ / "status.json";
  LiveProgram program({"ingest", "--follow", database_, folder_ / "logs", "--status-file", status},
                      log_);
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(status); }));
  point_to("day2");
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_EQ(Lines(), "10 of 10 to 10");
  kill(program.pid(), SIGHUP);
  UntilAll(20);
  EXPECT_EQ(program.Stop(), 143);
}

// In a user namespace, whose limits are its own.
TEST_F(LiveProgramTest, WithoutWatchesItPolls) {
  const auto follow_with = [&](const std::string& limit, const std::string& said) {
    const std::string log = folder_.Write("logs/deep/app.jsonl", Numbered(1, 10));
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database_ + suffix);
    std::filesystem::remove(log_);
    LiveProgram program({"ingest", "--follow", database_, folder_ / "logs"}, log_, -1,
                        {"/usr/bin/unshare", "-Ur", "sh", "-c", limit + R"( && exec "$0" "$@")"});
    ASSERT_TRUE(Eventually([&] { return Said().find(said) != std::string::npos; })) << Said();
    folder_.Append("logs/deep/app.jsonl", Numbered(11, 20));
    UntilAll(20);
  };
  if (std::system("unshare -Ur sh -c 'echo 1 > /proc/sys/user/max_inotify_watches' 2>/dev/null")) {
    GTEST_SKIP() << "no user namespaces here";
  }
  follow_with("echo 1 > /proc/sys/user/max_inotify_watches", "inotify's limit is reached at 1");
  follow_with("echo 0 > /proc/sys/user/max_inotify_instances", "no inotify");
}

// A limit that is only hoped for does not do.
TEST_F(LiveProgramTest, KeepsToItsBudgetInABurst) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 1000, 300));
  LiveProgram program({"ingest", "--follow", database_, log}, log_);
  ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }));
  uint64_t most = 0;
  int written = 1000;
  for (int burst = 0; burst < 40; ++burst) {
    folder_.Append("app.jsonl", Numbered(written + 1, written + 2500, 300));
    written += 2500;
    most = std::max(most, program.ResidentBytes());
    std::this_thread::sleep_for(milliseconds(5));
  }
  const std::string all = std::to_string(written);
  EXPECT_TRUE(Eventually([&] {
    most = std::max(most, program.ResidentBytes());
    return Lines() == all + " of " + all + " to " + all;
  }));
  if (!kSanitized) {
    EXPECT_LE(most, uint64_t{16} << 20);
  }
}

// While their offsets are read at the start, and when a new one is compared with all of them.
TEST_F(LiveProgramTest, TenThousandFilesFitItsBudget) {
  const int files = kSanitized ? 500 : 10'000;
  const auto name = [](int i) {
    return "logs/" + std::to_string(i % 100) + "/application-" + std::to_string(i) + ".jsonl";
  };
  for (int i = 1; i <= 100; ++i) {
    std::filesystem::create_directories(folder_ / ("logs/" + std::to_string(i % 100)));
  }
  for (int i = 1; i <= files; ++i) folder_.Write(name(i), Numbered(i, i));
  LiveProgram program({"ingest", "--follow", database_, folder_ / "logs"}, log_);
  ASSERT_TRUE(Eventually([&] { return program.Follows(); })) << Said();
  uint64_t most = 0;
  const auto until_all = [&](int last) {
    const std::string n = std::to_string(last);
    EXPECT_TRUE(Eventually([&] {
      most = std::max(most, program.ResidentBytes());
      return Lines() == n + " of " + n + " to " + n;
    })) << Lines();
  };
  folder_.Append(name(files), Numbered(files + 1, files + 1));
  until_all(files + 1);
  folder_.Write("logs/0/new.jsonl", Numbered(files + 2, files + 2));
  until_all(files + 2);
  if (!kSanitized) {
    EXPECT_LE(most, uint64_t{16} << 20);
  }
}

// Many more than may be open at once: each is opened again when its turn comes, and none is missed
// when all of them get other names.
TEST_F(LiveProgramTest, MoreFilesThanItMayOpenAreAllRead) {
  const std::vector<std::string> limit = {"/usr/bin/prlimit", "--nofile=64:64"};
  const int files = 200;
  const auto name = [](int i) { return "logs/s" + std::to_string(i) + ".jsonl"; };
  const auto later_name = [](int i) { return "logs/s" + std::to_string(i) + "r.jsonl"; };
  for (int i = 1; i <= files; ++i) folder_.Write(name(i), Numbered(i, i));
  {
    LiveProgram program({"ingest", "--follow", database_, folder_ / "logs"}, log_, -1, limit);
    ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }))
        << Said();
    for (int i = 1; i <= files; ++i) folder_.Append(name(i), Numbered(files + i, files + i));
    ASSERT_TRUE(UntilAll(2 * files)) << Said();
    for (int i = 1; i <= files; ++i) {
      folder_.Append(name(i), Numbered(2 * files + i, 2 * files + i));
      std::filesystem::rename(folder_ / name(i), folder_ / later_name(i));
    }
    ASSERT_TRUE(UntilAll(3 * files)) << Said();
    std::this_thread::sleep_for(milliseconds(1500));  // so long a missing one is looked for
    EXPECT_EQ(program.Stop(), 143);
  }
  EXPECT_EQ(Said().find("gap:"), std::string::npos) << Said();
  EXPECT_EQ(DatabaseView(database_).Count("SELECT count(*) FROM sqlite_schema WHERE name = "
                                          "'_sluice_gaps'"),
            0)
      << "no gap";

  LiveProgram again({"ingest", database_, folder_ / "logs"}, log_, -1, limit);
  EXPECT_EQ(again.Wait(20), 0) << Said();
  EXPECT_NE(Said().find("nothing new in 200 sources"), std::string::npos) << Said();
  UntilAll(3 * files);
}

TEST_F(LiveProgramTest, StdinGoesOnBehindTheHandOver) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  LiveProgram program({"ingest", "--follow", "--publish-after", "300ms", database_, "-"}, log_,
                      ends[0]);
  close(ends[0]);
  const auto write_all = [&](const std::string& text) {
    ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  write_all(Numbered(1, 100) + "{\"n\":101,");
  ASSERT_TRUE(Eventually([&] { return program.Follows(); })) << Said();
  write_all("\"s\":\"\"}\n" + Numbered(102, 300));
  UntilAll(300);
  write_all("{\"n\":301}");  // without its newline, at the end of the pipe
  close(ends[1]);
  EXPECT_EQ(program.Wait(5), 0) << Said();
  UntilAll(301);
}

// Lines that are committed one by one: the pipe holds those that are not.
TEST_F(LiveProgramTest, ALineOfStdinThatRollsBackTakesNoOtherWithIt) {
  {
    Connection connection = *Connection::Open(database_, {.mode = OpenOptions::Mode::kCreate});
    ASSERT_TRUE(connection
                    .Execute("CREATE TABLE lines(n, s); CREATE TRIGGER r AFTER INSERT ON lines"
                             " WHEN new.n % 2 BEGIN SELECT RAISE(ROLLBACK, 'odd'); END")
                    .ok());
  }
  const std::string schema = folder_.Write(
      "s.toml", "table = 'lines'\nrowid = ''\n[[column]]\nname = 'n'\n[[column]]\nname = 's'\n");
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  LiveProgram program({"ingest", "--follow", database_, "-", "--schema", schema, "--table", "lines",
                       "--publish-after", "300ms"},
                      log_, ends[0]);
  close(ends[0]);
  const auto write_all = [&](const std::string& text) {
    ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  write_all(Numbered(1, 4) + "{\"n\":5,");
  ASSERT_TRUE(Eventually([&] { return program.Follows(); })) << Said();
  write_all("\"s\":\"\"}\n" + Numbered(6, 300));
  write_all("{\"n\":302}");
  close(ends[1]);
  EXPECT_EQ(program.Wait(30), 0) << Said();
  DatabaseView view(database_);
  EXPECT_EQ(view.One("SELECT count(*) || ' to ' || max(n) FROM lines WHERE n % 2 = 0"),
            "151 to 302");
  EXPECT_EQ(view.One("SELECT rows || ' ' || rejects || ' ' || lines FROM _sluice_sources"),
            "151 150 301");
  EXPECT_EQ(view.One("SELECT count(DISTINCT line_number) FROM _sluice_rejects"), "150");
}

// A service may be there before the first log of what it follows.
TEST_F(LiveProgramTest, AnEmptyFolderIsFollowed) {
  std::filesystem::create_directory(folder_ / "logs");
  LiveProgram program({"ingest", "--follow", database_, folder_ / "logs"}, log_);
  ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }))
      << Said();
  folder_.Write("logs/app.jsonl", Numbered(1, 10));
  UntilAll(10);
  EXPECT_EQ(program.Stop(), 143);
}

TEST_F(LiveProgramTest, AFileThatIsNotThereYetIsAwaited) {
  const std::string log = folder_ / "app.jsonl";
  {
    LiveProgram program({"ingest", "--follow", database_, log}, log_);
    ASSERT_TRUE(program.Reaches([&] { return program.Follows(); })) << Said();
    EXPECT_NE(Said().find("warning: " + log + " is not there yet: waiting for it\n"),
              std::string::npos)
        << Said();
    folder_.Write("app.jsonl", Numbered(1, 10));
    UntilAll(10);
    EXPECT_EQ(program.Stop(), 143);
  }
  // Into a database that is there already, and beside an input that is there as well.
  std::filesystem::rename(log, folder_ / "old.jsonl");
  LiveProgram program({"ingest", "--follow", database_, log, folder_ / "old.jsonl"}, log_);
  ASSERT_TRUE(program.Reaches([&] { return program.Follows(); })) << Said();
  folder_.Write("app.jsonl", Numbered(11, 20));
  UntilAll(20);
  folder_.Append("old.jsonl", Numbered(21, 30));
  UntilAll(30);
  EXPECT_EQ(program.Stop(), 143);
}

TEST_F(LiveProgramTest, AnInputThatIsNotThereYetMayBecomeAFolder) {
  LiveProgram program({"ingest", "--follow", database_, folder_ / "logs"}, log_);
  ASSERT_TRUE(program.Reaches([&] { return program.Follows(); })) << Said();
  folder_.Write("logs/a/app.jsonl", Numbered(1, 10));
  UntilAll(10);
  folder_.Write("logs/app.jsonl", Numbered(11, 20));
  UntilAll(20);
  EXPECT_EQ(program.Stop(), 143);
}

TEST_F(LiveProgramTest, ASecondFollowerOfADatabaseIsRefused) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 10));
  LiveProgram program({"ingest", "--follow", database_, log}, log_);
  ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }));
  LiveProgram second({"ingest", "--follow", "--wait", "0s", database_, log},
                     folder_ / "second.txt");
  EXPECT_EQ(second.Wait(5), 1);
  const std::string said = ReadFile(folder_ / "second.txt", 1 << 20).value_or("");
  EXPECT_NE(said.find("another sluice writes to it: pid " + std::to_string(program.pid())),
            std::string::npos)
      << said;
}

// Whether it is the lock of another sluice or of any other writer.
TEST_F(LiveProgramTest, AStopIsNoticedWhileTheStartWaitsForAnotherWriter) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 10));
  ASSERT_EQ(LiveProgram({"ingest", database_, log}, log_).Wait(5), 0) << Said();
  folder_.Append("app.jsonl", Numbered(11, 20));
  const auto begin_transaction = [this] {
    static DatabaseView view(database_);
    view.Run("BEGIN IMMEDIATE");
    return true;
  };
  const auto take_ingest_lock = [this] {
    static const Result<TargetLock> lock = TargetLock::Acquire(database_, {});
    return lock && lock->held();
  };
  for (const std::function<bool()>& lock :
       {std::function<bool()>(begin_transaction), std::function<bool()>(take_ingest_lock)}) {
    OtherProcess writer(lock);
    ASSERT_TRUE(writer.ready());
    for (const bool follow : {false, true}) {
      std::vector<std::string> arguments = {"ingest", "--wait", "60s", database_, log};
      if (follow) arguments.emplace_back("--follow");
      LiveProgram program(arguments, log_);
      std::this_thread::sleep_for(milliseconds(300));
      EXPECT_FALSE(program.Ended()) << Said();
      const Stopwatch watch;
      EXPECT_EQ(program.Stop(), 143) << Said();
      EXPECT_LT(watch.seconds(), 2);
      EXPECT_EQ(Lines(), "10 of 10 to 10");
    }
  }
}

TEST_F(LiveProgramTest, WithoutExecTheProcessStaysAndSaysWhatItGaveBack) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 1000));
  LiveProgram program({"ingest", "--follow", "--no-exec", database_, log}, log_);
  ASSERT_TRUE(Eventually([&] { return Said().find("gave back") != std::string::npos; })) << Said();
  EXPECT_FALSE(program.Follows());
  folder_.Append("app.jsonl", Numbered(1001, 1100));
  UntilAll(1100);
  EXPECT_EQ(program.Stop(), 143);
}

TEST_F(LiveProgramTest, TheStatusFileSaysHowFarItIs) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 10));
  LiveProgram program(
      {"ingest", "--follow", "--status-file", folder_ / "status.json", database_, log}, log_);
  ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }));
  folder_.Append("app.jsonl", Numbered(11, 20));
  const uint64_t size = std::filesystem::file_size(log);
  EXPECT_TRUE(Eventually([&] {
    const std::string status = ReadFile(folder_ / "status.json", 1 << 20).value_or("");
    return status.find("\"offset\":" + std::to_string(size) + ",\"lag_bytes\":0") !=
           std::string::npos;
  }));
}

// The program that reads its log may end, or be started anew.
TEST_F(LiveProgramTest, GoesOnWhenNobodyReadsItsLog) {
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 10));
  LiveProgram program({"ingest", "--follow", database_, log}, "/dev/full");
  ASSERT_TRUE(Eventually([&] { return program.Follows(); }));
  folder_.Append("app.jsonl", Numbered(11, 20));
  UntilAll(20);
  EXPECT_EQ(program.Stop(), 143);
}

// A line may be longer than what the process may have.
TEST_F(LiveProgramTest, SaysThatItHasNoMemory) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer needs the address space itself";
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 10));
  LiveProgram program({"ingest", "--follow", "--max-line", "8GiB", database_, log}, log_, -1,
                      {"/usr/bin/prlimit", "--as=1000000000"});
  ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }))
      << Said();
  std::filesystem::resize_file(log, uint64_t{1} << 30);
  folder_.Append("app.jsonl", "\n");
  EXPECT_EQ(program.Wait(60), 1);
  EXPECT_NE(Said().find("sluice: no memory is left for this\n  try: "), std::string::npos)
      << Said();
}

TEST_F(LiveProgramTest, TheServiceManagerIsTold) {
  const std::string path = folder_ / "notify";
  const int listening = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const std::string log = folder_.Write("app.jsonl", Numbered(1, 10));
  std::string told;
  {
    LiveProgram program({"ingest", "--follow", database_, log}, log_);
    unsetenv("NOTIFY_SOCKET");
    ASSERT_TRUE(Eventually([&] { return Said().find("following with") != std::string::npos; }));
    std::this_thread::sleep_for(milliseconds(1200));
    program.Stop();
  }
  char text[256];
  for (ssize_t size; (size = recv(listening, text, sizeof(text), MSG_DONTWAIT)) > 0;) {
    told += std::string(text, static_cast<size_t>(size)) + "|";
  }
  close(listening);
  EXPECT_TRUE(told.starts_with("READY=1")) << told;
  EXPECT_NE(told.find("WATCHDOG=1|"), std::string::npos) << told;
  EXPECT_TRUE(told.ends_with("STOPPING=1|")) << told;
}

}  // namespace
}  // namespace sluice
