// SPDX-License-Identifier: Apache-2.0
// A log that is rotated by every method at random moments, while the program that follows it is
// killed and started again at random moments.
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "compress.h"
#include "database_view.h"
#include "live_program.h"
#include "temporary_directory.h"
#include "torture.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;
namespace fs = std::filesystem;

// A writer of numbered lines that is rotated as logrotate and others do it.
class RotatedLog {
 public:
  RotatedLog(const TemporaryDirectory& folder, std::mt19937* random)
      : folder_(folder), random_(*random) {
    Reopen();
  }

  void Append() {
    const int lines = 1 + static_cast<int>(random_() % 20);
    for (int i = 0; i < lines; ++i) {
      out_ << "{\"n\":" << ++last_ << ",\"s\":\"" << std::string(random_() % 200, 'x') << "\"}\n";
    }
    out_.flush();
  }

  // By a method that keeps the lines.
  void Rotate() {
    switch (random_() % 4) {
      case 0:  // rename and create
        Shift();
        fs::rename(path(), Rotated(1));
        Reopen();
        break;
      case 1:  // copytruncate
        Shift();
        fs::copy_file(path(), Rotated(1));
        fs::resize_file(path(), 0);
        break;
      case 2:  // rename, and some more lines before the writer opens the new file
        Shift();
        fs::rename(path(), Rotated(1));
        Append();
        Reopen();
        break;
      case 3:  // rename, create, and compress at once
        Shift();
        fs::rename(path(), Rotated(1));
        Reopen();
        Compress(Rotated(1));
        break;
    }
    ++rotations_;
    ends_.push_back(last_);
  }

  // The last line of the file that the next Rotate() removes; 0 where there is none.
  int last_of_oldest() const { return ends_.size() < kKept ? 0 : ends_[ends_.size() - kKept]; }

  // By a method that loses what was not read: true where that can have been something.
  void Destroy() {
    if (random_() % 2 == 0) {
      fs::resize_file(path(), 0);
    } else {
      fs::remove(path());
      Reopen();
    }
    ++rotations_;
  }

  std::string path() const { return folder_ / "app.jsonl"; }
  int last() const { return last_; }
  int rotations() const { return rotations_; }

 private:
  static constexpr size_t kKept = 100;

  std::string Rotated(size_t number) const { return path() + "." + std::to_string(number); }

  void Reopen() { out_ = std::ofstream(path(), std::ios::app | std::ios::binary); }

  void Shift() {
    for (const char* suffix : {"", ".gz"}) fs::remove(Rotated(kKept) + suffix);
    for (size_t i = kKept - 1; i >= 1; --i) {
      for (const char* suffix : {"", ".gz"}) {
        if (fs::exists(Rotated(i) + suffix)) {
          fs::rename(Rotated(i) + suffix, Rotated(i + 1) + suffix);
        }
      }
    }
  }

  void Compress(const std::string& path) const {
    const std::string text = *ReadFile(path, 1 << 26);
    std::ofstream(path + ".tmp", std::ios::binary) << Gzip(text);
    fs::last_write_time(path + ".tmp", fs::last_write_time(path));
    fs::rename(path + ".tmp", path + ".gz");
    fs::remove(path);
  }

  const TemporaryDirectory& folder_;
  std::mt19937& random_;
  std::ofstream out_;
  int last_ = 0;
  int rotations_ = 0;
  std::vector<int> ends_;  // the last line of the file that each Rotate() made
};

class RotationTest : public testing::Test {
 protected:
  RotationTest() {
    seed_ = std::random_device()();
    if (const char* given = std::getenv("SLUICE_SEED")) {
      seed_ = static_cast<unsigned>(std::strtoul(given, nullptr, 10));
    }
    random_.seed(seed_);
  }

  // What a failure left, for a look at it: SLUICE_KEEP=<folder>.
  ~RotationTest() override {
    const char* keep = std::getenv("SLUICE_KEEP");
    if (keep != nullptr && HasFailure()) {
      fs::copy(folder_.path(), keep, fs::copy_options::recursive);
    }
  }

  void Start(const RotatedLog& log) {
    program_.emplace(
        std::vector<std::string>{"ingest", "--follow", "--commit-interval", "10ms", "--status-file",
                                 folder_ / "status.json", database_, log.path()},
        folder_ / "said.txt");
  }
  void Pause(int longest) {
    std::this_thread::sleep_for(milliseconds(random_() % static_cast<unsigned>(longest)));
  }
  int Count(const std::string& sql) const {
    return static_cast<int>(DatabaseView(database_).Count(sql));
  }
  // Recorded ones, of both kinds.
  int Gaps() const {
    const bool exist = Count("SELECT count(*) FROM sqlite_schema WHERE name = '_sluice_gaps'") > 0;
    return exist ? Count("SELECT count(*) FROM _sluice_gaps") : 0;
  }
  std::string Said() const { return ReadFile(folder_ / "said.txt", 1 << 26).value_or(""); }

  // What is removed unread is lost, whoever reads: a rotation that keeps the lines keeps each file
  // until it was read.
  void AwaitOldest(const RotatedLog& log) {
    const int last = log.last_of_oldest();
    if (last == 0) return;
    const std::string read = "SELECT count(*) FROM lines WHERE n <= " + std::to_string(last);
    ASSERT_TRUE(program_->Reaches([&] { return Count(read) >= last; }))
        << "seed " << seed_ << ", line " << last << "\n"
        << Said();
  }

  // Kills and rotates until there were so many rotations, each number exactly once at the end.
  void KeepEveryLine(int rotations) {
    RotatedLog log(folder_, &random_);
    log.Append();
    Start(log);
    ASSERT_TRUE(program_->Reaches([&] { return program_->Follows(); })) << Said();
    while (log.rotations() < rotations) {
      ASSERT_FALSE(program_->Ended()) << "seed " << seed_ << "\n" << Said();
      log.Append();
      if (random_() % 4 == 0) {
        ASSERT_NO_FATAL_FAILURE(AwaitOldest(log));
        log.Rotate();
      }
      Pause(20);
      if (random_() % 40 == 0) {
        program_->Kill();
        Pause(60);
        Start(log);
      }
    }
    const bool all =
        program_->Reaches([&] { return Count("SELECT count(*) FROM lines") >= log.last(); });
    program_->Stop();
    EXPECT_TRUE(all) << "seed " << seed_ << "\n" << Said();
    EXPECT_EQ(Count("SELECT count(*) FROM lines"), log.last()) << "seed " << seed_;
    EXPECT_EQ(Count("SELECT count(DISTINCT n) FROM lines"), log.last()) << "seed " << seed_;
    EXPECT_EQ(DatabaseView(database_).Integrity(), "ok");
  }

  TemporaryDirectory folder_;
  const std::string database_ = folder_ / "app.db";
  unsigned seed_;
  std::mt19937 random_;
  std::optional<LiveProgram> program_;
};

TEST_F(RotationTest, EveryLineOnceWhateverTheRotation) { KeepEveryLine(60); }

TEST_F(RotationTest, TortureByKillsAndRotationsThatKeepTheLines) {
  KeepEveryLine(ShortTorture() ? 300 : 3000);
}

// A destructive rotation that waits until all was read loses nothing.
TEST_F(RotationTest, TortureByDestructiveRotationsThatWait) {
  RotatedLog log(folder_, &random_);
  log.Append();
  Start(log);
  ASSERT_TRUE(program_->Reaches([&] { return program_->Follows(); })) << Said();
  const int rotations = ShortTorture() ? 50 : 1000;
  while (log.rotations() < rotations) {
    log.Append();
    ASSERT_TRUE(program_->Reaches([&] {
      return Count("SELECT count(*) FROM lines") == log.last();
    })) << "seed "
        << seed_ << ", " << log.last() << " lines, " << log.rotations() << " rotations\n"
        << Said();
    log.Destroy();
  }
  program_->Stop();
  EXPECT_EQ(Count("SELECT count(DISTINCT n) FROM lines"), log.last());
}

// One that does not wait may lose lines: no line comes twice, and whoever lost some hears of it.
TEST_F(RotationTest, TortureByDestructiveRotationsThatDoNotWait) {
  RotatedLog log(folder_, &random_);
  log.Append();
  Start(log);
  ASSERT_TRUE(program_->Reaches([&] { return program_->Follows(); }));
  const int rotations = ShortTorture() ? 50 : 1000;
  while (log.rotations() < rotations) {
    log.Append();
    Pause(8);
    if (random_() % 4 == 0) log.Destroy();
  }
  log.Append();
  ASSERT_TRUE(program_->Reaches([&] { return Count("SELECT max(n) FROM lines") == log.last(); }))
      << "seed " << seed_ << "\n"
      << Said();
  std::this_thread::sleep_for(milliseconds(3000));
  program_->Stop();
  const int rows = Count("SELECT count(*) FROM lines");
  EXPECT_EQ(Count("SELECT count(DISTINCT n) FROM lines"), rows) << "seed " << seed_;
  if (rows < log.last()) {
    EXPECT_NE(Said().find("gap: "), std::string::npos) << "seed " << seed_;
  }
  // Each stretch of numbers that is missing was told of.
  const int stretches = Count(
      "SELECT count(*) FROM (SELECT n - lag(n) OVER (ORDER BY n) AS step FROM lines) "
      "WHERE step > 1");
  int told = 0;
  const std::string said = Said();
  for (size_t at = said.find("gap: "); at != std::string::npos; at = said.find("gap: ", at + 1)) {
    ++told;
  }
  EXPECT_GE(told, stretches) << "seed " << seed_;
  EXPECT_GE(Gaps(), stretches) << "seed " << seed_;
}

}  // namespace
}  // namespace sluice
