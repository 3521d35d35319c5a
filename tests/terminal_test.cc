// SPDX-License-Identifier: Apache-2.0
// The program at a terminal, as a person sees it: what is drawn, and what is left on the screen.
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr unsigned short kColumns = 80;

// What a terminal of 80 columns shows after these bytes: it knows "\r", "\n", "\x1b[K" and colours,
// and wraps a line that is too long. Each character is one column wide.
std::string Screen(std::string_view bytes) {
  std::vector<std::vector<std::string>> lines(1);
  size_t row = 0;
  size_t column = 0;
  for (size_t at = 0; at < bytes.size();) {
    const char c = bytes[at];
    if (c == '\x1b') {
      const size_t end = bytes.find_first_of("mKhlJ", at);
      if (end == std::string_view::npos) break;
      if (bytes[end] == 'K') lines[row].resize(std::min(column, lines[row].size()));
      at = end + 1;
      continue;
    }
    size_t size = 1;
    while (at + size < bytes.size() && (bytes[at + size] & 0xC0) == 0x80) ++size;
    const std::string character(bytes.substr(at, size));
    at += size;
    if (character == "\r") {
      column = 0;
    } else if (character == "\n" || column == kColumns) {
      ++row;
      lines.resize(std::max(lines.size(), row + 1));
      if (character == "\n") continue;  // a terminal moves down; "\r" comes beside it
      column = 0;
    }
    if (character == "\r") continue;
    lines[row].resize(std::max(lines[row].size(), column + 1), " ");
    lines[row][column++] = character;
  }
  std::string screen;
  for (const auto& line : lines) {
    for (const std::string& character : line) screen += character;
    screen += '\n';
  }
  return screen;
}

// The program with a terminal of its own. Killed when this goes.
class AtTerminal {
 public:
  explicit AtTerminal(const std::vector<std::string>& arguments) {
    const winsize size = {.ws_row = 24, .ws_col = kColumns, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ != 0) return;
    std::vector<std::string> words = {SLUICE_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    setenv("TERM", "xterm", 1);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~AtTerminal() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    if (terminal_ >= 0) close(terminal_);
  }

  bool is_there() const { return pid_ > 0; }
  bool was_there() const { return terminal_ >= 0; }
  // Within ten seconds.
  bool UntilWritten(const std::string& text) {
    return Until([&] { return bytes_.find(text) != std::string::npos; });
  }
  void Type(const std::string& keys) const {
    EXPECT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // Its exit status.
  int End() {
    int status = 0;
    const bool ended = Until([&] {
      if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
      pid_ = -1;
      return true;
    });
    EXPECT_TRUE(ended) << bytes_;
    while (ReadSome()) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  bool Until(const std::function<bool()>& holds) {
    const Stopwatch watch;
    while (!holds()) {
      if (watch.seconds() > 10) return false;
      if (!ReadSome()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  // Waits up to ten milliseconds.
  bool ReadSome() {
    pollfd wanted = {.fd = terminal_, .events = POLLIN, .revents = 0};
    if (poll(&wanted, 1, 10) != 1) return false;
    char buffer[4096];
    const ssize_t got = read(terminal_, buffer, sizeof buffer);
    if (got > 0) bytes_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  int terminal_ = -1;
  pid_t pid_ = -1;
  std::string bytes_;
};

class TerminalTest : public testing::Test {
 protected:
  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
};

TEST_F(TerminalTest, FollowingShowsHowItIsAndLeavesASummary) {
  const std::string log = folder_.Write("app.jsonl", "{\"n\":1}\n");
  AtTerminal program({"ingest", "--follow", database_, log});
  if (!program.is_there()) GTEST_SKIP() << "no terminal can be made here: /dev/pts is missing";
  ASSERT_TRUE(program.UntilWritten("following 1 file  0 rows  ")) << program.bytes();
  folder_.Append("app.jsonl", "{\"n\":2}\n{\"n\":3,\"late\":1}\n{\"n\":\n");
  ASSERT_TRUE(program.UntilWritten("following 1 file  2 rows  ")) << program.bytes();
  ASSERT_TRUE(program.UntilWritten("  no lag  1 reject  ")) << program.bytes();
  program.Type("\x03");
  EXPECT_EQ(program.End(), 130);
  EXPECT_THAT(program.bytes(), HasSubstr("^C")) << "echoed after the line, which must not wrap";
  const std::string screen = Screen(program.bytes());
  EXPECT_THAT(screen,
              AllOf(HasSubstr("app.db: 2 rows, 1 reject from 31B while following for "),
                    HasSubstr("lines: 1 key in 1 line has no column (late): it is in _extra"),
                    HasSubstr("rejects: sluice rejects ")));
  EXPECT_THAT(screen, Not(HasSubstr("rows/s")));
}

TEST_F(TerminalTest, QuietFollowingShowsNothing) {
  const std::string log = folder_.Write("app.jsonl", "{\"n\":1}\n");
  const std::string status = folder_ / "status.json";
  AtTerminal program({"ingest", "--follow", "--quiet", "--status-file", status, database_, log});
  if (!program.is_there()) GTEST_SKIP() << "no terminal can be made here: /dev/pts is missing";
  for (int i = 0; i < 1000 && access(status.c_str(), R_OK) != 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.Type("\x03");
  EXPECT_EQ(program.End(), 130);
  EXPECT_EQ(Screen(program.bytes()), "^C\n");
}

TEST_F(TerminalTest, AStopLeavesNoProgressOnTheScreen) {
  const std::string pipe =
      folder_ / "a-name-that-is-longer-than-the-terminal-has-columns-left.jsonl";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int pipe_end = open(pipe.c_str(), O_RDWR | O_NONBLOCK);
  std::atomic<bool> is_enough{false};
  std::thread writer([&] {
    const std::string line = "{\"n\":1}\n";
    while (!is_enough) {
      if (write(pipe_end, line.data(), line.size()) < 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  AtTerminal program({"ingest", database_, pipe});
  const bool is_shown = program.is_there() && program.UntilWritten("rows/s");
  if (program.is_there()) {
    program.Type("\x03");
    EXPECT_EQ(program.End(), 130);
  }
  is_enough = true;
  writer.join();
  close(pipe_end);
  if (!program.was_there()) GTEST_SKIP() << "no terminal can be made here: /dev/pts is missing";
  EXPECT_TRUE(is_shown) << program.bytes();
  EXPECT_THAT(Screen(program.bytes()),
              AllOf(Not(HasSubstr("left.jsonl")), Not(HasSubstr("B/s  "))));
}

TEST_F(TerminalTest, StatusShortensPathsAtTheirStartAndNoDates) {
  std::string deep = "logs";
  for (int i = 0; i < 6; ++i) deep += "/a-folder-of-a-project";
  folder_.Write(deep + "/one.jsonl", "{\"n\":1}\n");
  folder_.Write(deep + "/two.jsonl", "{\"n\":1}\n");
  AtTerminal ingest({"ingest", "--quiet", database_, folder_ / "logs"});
  if (!ingest.is_there()) GTEST_SKIP() << "no terminal can be made here: /dev/pts is missing";
  ASSERT_EQ(ingest.End(), 0);
  AtTerminal status({"status", database_});
  ASSERT_EQ(status.End(), 0);
  EXPECT_THAT(status.bytes(),
              AllOf(HasSubstr("-project/one.jsonl │"), HasSubstr("/two.jsonl │"),
                    HasSubstr("s ago "), testing::ContainsRegex("│ 20[0-9T:-]*Z │")));
  for (size_t at = 0, end = 0; (end = status.bytes().find("\r\n", at)) != std::string::npos;
       at = end + 2) {
    const std::string line = status.bytes().substr(at, end - at);
    const size_t width = Screen(line).find('\n');
    EXPECT_EQ(Screen(line).find('\n', width + 1), std::string::npos) << "it wraps: " << line;
  }
}

}  // namespace
}  // namespace sluice
