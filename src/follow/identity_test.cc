// SPDX-License-Identifier: Apache-2.0
// The decision matrix of docs/sources.md: one test a cell, named after it.
#include "follow/identity.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "compress.h"
#include "source/open.h"
#include "temporary_directory.h"

namespace sluice {

void PrintTo(const Identity::Kind& kind, std::ostream* out) {
  *out << Describe({.kind = kind, .key = {}, .start = {}, .was = "?", .displaced = {}});
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Identity::Kind;

// A log whose lines say its name, so that no two have the same content.
std::string Log(const std::string& name, size_t lines) {
  std::string text;
  for (size_t i = 0; i < lines; ++i) {
    text += "{\"log\":\"" + name + "\",\"line\":" + std::to_string(i) + "}\n";
  }
  return text;
}

class IdentityTest : public testing::Test {
 protected:
  // Takes the file as read up to `bytes`, or to its end.
  void Know(const std::string& name, uint64_t bytes = UINT64_MAX) {
    const std::string path = folder_ / name;
    const std::unique_ptr<Source> whole = OpenSource(path).value();
    const std::unique_ptr<Source> source = OpenSource(path).value();
    const Offset end = OffsetAtEnd(*whole).value();
    known_.push_back(
        KnownSource{.id = static_cast<int64_t>(known_.size()) + 1,
                    .key = source->key(),
                    .offset = OffsetAtByte(*source, std::min(bytes, end.bytes)).value()});
  }

  // By what is known now, in a folder as it is now.
  Result<Identity> Decide(const std::string& name) {
    KnownSources known(known_);
    Folders folders;
    return Identify(folder_ / name, &known, &folders);
  }

  Identity Ask(const std::string& name) {
    Result<Identity> identity = Decide(name);
    if (!identity) {
      ADD_FAILURE() << identity.error().message();
      return {};
    }
    ExpectConsistent(*identity, folder_ / name);
    return std::move(*identity);
  }

  // A new inode with what an old one held: what editors, rsync and restores do.
  void Rewrite(const std::string& name, const std::string& content) {
    folder_.Write(name + ".new", content);
    std::filesystem::rename(folder_ / (name + ".new"), folder_ / name);
  }
  void Move(const std::string& from, const std::string& to) {
    std::filesystem::rename(folder_ / from, folder_ / to);
  }

  std::optional<Identity> Find(int64_t id, const std::vector<std::string>& except = {}) {
    const StoredSource& source = known_[static_cast<size_t>(id - 1)];
    KnownSources known(known_);
    Folders folders(except);
    Result<std::optional<Identity>> found =
        FindMoved(source, &known, &folders, [](const FileInfo&) { return false; });
    if (!found) {
      ADD_FAILURE() << found.error().message();
      return std::nullopt;
    }
    return std::move(*found);
  }

  TemporaryDirectory folder_;
  std::vector<StoredSource> known_;

 private:
  // The start of a source that goes on is its stored offset, and the file can be read from there.
  void ExpectConsistent(const Identity& identity, const std::string& path) {
    const SourceKey& key = identity.key;
    EXPECT_EQ(key.path, path);
    const FileInfo info = Stat(path).value();
    EXPECT_TRUE(key.device == info.device && key.inode == info.inode);
    EXPECT_TRUE(identity.source_id != 0 || identity.start.offset == Offset());
    const auto known = std::find_if(known_.begin(), known_.end(), [&](const StoredSource& source) {
      return source.id == identity.source_id;
    });
    if (known == known_.end()) return;
    EXPECT_EQ(identity.start.offset, known->offset);
    const std::unique_ptr<Source> source = OpenSource(path).value();
    const Result<ChunkReader::Start> start = ResumeAt(*source, known->offset);
    ASSERT_TRUE(start) << start.error().message();
    EXPECT_EQ(start->before, identity.start.before);
    EXPECT_EQ(start->head, identity.start.head);
    char next;
    EXPECT_EQ(source->Read(&next, 1).value() > 0, identity.has_more);
  }
};

TEST_F(IdentityTest, New) {
  folder_.Write("a", Log("a", 100));
  folder_.Write("b", Log("b", 100));
  Know("a");
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.kind, Kind::kNew);
  EXPECT_EQ(identity.source_id, 0);
  EXPECT_TRUE(identity.has_more);
}

TEST_F(IdentityTest, Unchanged) {
  for (size_t lines : std::vector<size_t>{1, 3, 30, 300}) {
    const std::string name = std::to_string(lines);
    folder_.Write(name, Log(name, lines));
    Know(name);
    const Identity identity = Ask(name);
    EXPECT_EQ(identity.kind, Kind::kUnchanged);
    EXPECT_EQ(identity.source_id, known_.back().id);
  }
}

TEST_F(IdentityTest, Grown) {
  for (size_t lines : std::vector<size_t>{1, 3, 30, 300}) {
    const std::string name = std::to_string(lines);
    folder_.Write(name, Log(name, lines));
    Know(name);
    folder_.Append(name, "{\"more\":1}\n");
    const Identity identity = Ask(name);
    EXPECT_EQ(identity.kind, Kind::kGrown);
    EXPECT_EQ(identity.source_id, known_.back().id);
  }
}

TEST_F(IdentityTest, GrownByAnUnfinishedLineOnly) {
  folder_.Write("a", Log("a", 100) + "{\"unfin");
  Know("a");
  EXPECT_EQ(Ask("a").kind, Kind::kGrown);
}

TEST_F(IdentityTest, GrownByTheNewlineOfATakenTail) {
  folder_.Write("a", "{}\n{\"tail\":1}");
  Know("a", 13);
  known_[0].offset.bytes = 13;
  const std::unique_ptr<Source> source = OpenSource(folder_ / "a").value();
  known_[0].offset = OffsetAtByte(*source, 13).value();
  known_[0].offset.lines = 2;
  known_[0].offset.tail_taken = true;
  EXPECT_EQ(Ask("a").kind, Kind::kUnchanged);
  folder_.Append("a", "\n");
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kGrown);
  EXPECT_TRUE(identity.start.offset.tail_taken);
}

TEST_F(IdentityTest, ReplacedByARename) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  Rewrite("a", Log("other", 200));
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kReplaced);
  EXPECT_EQ(identity.source_id, 0);
  EXPECT_THAT(identity.displaced, ElementsAre(1));
  EXPECT_FALSE(Find(1)) << "it is nowhere any more";
}

TEST_F(IdentityTest, ReplacedWithTheSameBeginning) {
  const std::string start = Log("start", 100);
  folder_.Write("a", start + Log("a", 100));
  Know("a");
  Rewrite("a", start + Log("b", 100));
  EXPECT_EQ(Ask("a").kind, Kind::kReplaced) << "the heads agree, the tails do not";
}

TEST_F(IdentityTest, ReplacedWithTheSameEnd) {
  const std::string end = Log("end", 100);
  folder_.Write("a", Log("a", 100) + end);
  Know("a");
  Rewrite("a", Log("b", 100) + end);
  EXPECT_EQ(Ask("a").kind, Kind::kReplaced) << "the tails agree, the heads do not";
}

TEST_F(IdentityTest, ReplacedByAnEmptyFile) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  Rewrite("a", "");
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kReplaced);
  EXPECT_FALSE(identity.has_more);
}

TEST_F(IdentityTest, Truncated) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  ASSERT_EQ(truncate((folder_ / "a").c_str(), 0), 0);
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kTruncated);
  EXPECT_EQ(identity.source_id, 0);
  EXPECT_THAT(identity.displaced, ElementsAre(1));
}

TEST_F(IdentityTest, ShorterThanTheOffset) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  ASSERT_EQ(truncate((folder_ / "a").c_str(), static_cast<off_t>(Log("a", 99).size())), 0);
  EXPECT_EQ(Ask("a").kind, Kind::kTruncated);
}

TEST_F(IdentityTest, TruncatedAndRegrown) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  folder_.Write("a", Log("after", 200));  // the same inode
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kTruncated);
  EXPECT_TRUE(identity.has_more);
}

TEST_F(IdentityTest, Moved) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  Move("a", "b");
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.kind, Kind::kMoved);
  EXPECT_EQ(identity.source_id, 1);
  EXPECT_EQ(identity.was, folder_ / "a");
  EXPECT_FALSE(identity.has_more);
}

TEST_F(IdentityTest, MovedAndGrown) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  Move("a", "b");
  folder_.Append("b", "{}\n");
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.kind, Kind::kMoved);
  EXPECT_TRUE(identity.has_more);
  EXPECT_EQ(Describe(identity), "moved from " + (folder_ / "a") + ", grown");
}

TEST_F(IdentityTest, MovedOntoTheNameOfAnother) {
  folder_.Write("a", Log("a", 100));
  folder_.Write("b", Log("b", 100));
  Know("a");
  Know("b");
  Move("a", "b");
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.kind, Kind::kMoved);
  EXPECT_EQ(identity.source_id, 1);
  EXPECT_THAT(identity.displaced, ElementsAre(2));
}

TEST_F(IdentityTest, TwoNamesOfOneFile) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  ASSERT_EQ(link((folder_ / "a").c_str(), (folder_ / "b").c_str()), 0);
  EXPECT_EQ(Ask("b").source_id, 1) << "a hard link is no copy";
}

TEST_F(IdentityTest, Copied) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  folder_.Write("b", Log("a", 100));
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.kind, Kind::kCopy);
  EXPECT_EQ(identity.source_id, 0);
  EXPECT_EQ(identity.was, folder_ / "a");
  EXPECT_EQ(Ask("a").kind, Kind::kUnchanged);
}

TEST_F(IdentityTest, CopiedAndTheOriginalHasGrown) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  folder_.Write("b", Log("a", 100));
  folder_.Append("a", "{}\n");
  EXPECT_EQ(Ask("b").kind, Kind::kCopy);
}

TEST_F(IdentityTest, ACopyThatIsKnownGoesItsOwnWay) {
  folder_.Write("a", Log("a", 100));
  folder_.Write("b", Log("a", 100));
  Know("a");
  Know("b");
  folder_.Append("b", "{}\n");
  EXPECT_EQ(Ask("a").source_id, 1);
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.source_id, 2);
  EXPECT_EQ(identity.kind, Kind::kGrown);
}

TEST_F(IdentityTest, ACopyWhoseOriginalIsGone) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  folder_.Write("b", Log("a", 100) + "{}\n");
  std::filesystem::remove(folder_ / "a");
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.kind, Kind::kMoved);
  EXPECT_EQ(identity.source_id, 1);
}

TEST_F(IdentityTest, ACopyWhoseOriginalWasReplaced) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  folder_.Write("b", Log("a", 100));
  folder_.Write("a", Log("other", 10));
  EXPECT_EQ(Ask("b").kind, Kind::kMoved) << "copytruncate of logrotate";
  EXPECT_EQ(Ask("a").kind, Kind::kTruncated);
}

TEST_F(IdentityTest, TwoCopiesWhoseOriginalIsGone) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  folder_.Write("b", Log("a", 100));
  folder_.Write("c", Log("a", 100));
  std::filesystem::remove(folder_ / "a");
  const Identity first = Ask("b");
  EXPECT_EQ(first.kind, Kind::kMoved);
  known_[0].key = first.key;
  EXPECT_EQ(Ask("c").kind, Kind::kCopy) << "the first one is the original now";
}

TEST_F(IdentityTest, CompressedSince) {
  const std::string text = Log("a", 2'000);
  for (const std::string& stored : {Gzip(text), Zstd(text)}) {
    known_.clear();
    folder_.Write("a", text);
    Know("a");
    std::filesystem::remove(folder_ / "a");
    folder_.Write("a.packed", stored);
    const Identity identity = Ask("a.packed");
    EXPECT_EQ(identity.kind, Kind::kMoved);
    EXPECT_EQ(identity.source_id, 1);
    EXPECT_FALSE(identity.has_more);
  }
}

TEST_F(IdentityTest, CompressedSinceAndGrownBefore) {
  folder_.Write("a", Log("a", 2'000));
  Know("a");
  std::filesystem::remove(folder_ / "a");
  folder_.Write("a.gz", Gzip(Log("a", 2'001)));
  const Identity identity = Ask("a.gz");
  EXPECT_EQ(identity.kind, Kind::kMoved);
  EXPECT_TRUE(identity.has_more);
}

TEST_F(IdentityTest, CompressedInPlace) {
  folder_.Write("a", Log("a", 2'000));
  Know("a");
  Rewrite("a", Zstd(Log("a", 2'000)));
  EXPECT_EQ(Ask("a").kind, Kind::kUnchanged);
}

TEST_F(IdentityTest, CompressedBesideTheOriginal) {
  folder_.Write("a", Log("a", 2'000));
  Know("a");
  folder_.Write("a.gz", Gzip(Log("a", 2'000)));  // gzip --keep
  EXPECT_EQ(Ask("a.gz").kind, Kind::kCopy);
}

TEST_F(IdentityTest, Decompressed) {
  folder_.Write("a.gz", Gzip(Log("a", 2'000)));
  Know("a.gz");
  std::filesystem::remove(folder_ / "a.gz");
  folder_.Write("a", Log("a", 2'000) + "{}\n");
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kMoved);
  EXPECT_TRUE(identity.has_more);
}

TEST_F(IdentityTest, ManyOffsetsInOneCompressedFile) {
  const std::string text = Log("a", 3'000);
  folder_.Write("a", text);
  for (uint64_t bytes : std::vector<uint64_t>{10, 1'000, 1'024, 1'025, 60'000, 60'000, 61'000})
    Know("a", bytes);
  for (StoredSource& source : known_) source.key.path = folder_ / std::to_string(source.id);
  std::filesystem::remove(folder_ / "a");
  folder_.Write("a.gz", Gzip(text));
  EXPECT_EQ(Ask("a.gz").source_id, 7) << "the one that is read furthest";
}

TEST_F(IdentityTest, CompressedAndCutShortBeforeTheOffset) {
  folder_.Write("a.gz", Gzip(Log("a", 20'000)));
  Know("a.gz");
  const std::string stored = Gzip(Log("a", 20'000));
  folder_.Write("a.gz", stored.substr(0, stored.size() / 2));
  const Result<Identity> identity = Decide("a.gz");
  ASSERT_FALSE(identity) << "not a new source: its rows would come twice";
  EXPECT_EQ(identity.error().code(), StatusCode::kCorruption);
}

TEST_F(IdentityTest, CompressedAndDamagedBehindTheOffset) {
  const std::string first = Log("a", 100);
  folder_.Write("a.gz", Gzip(first) + "garbage");
  const std::unique_ptr<Source> source = OpenSource(folder_ / "a.gz").value();
  known_.push_back(KnownSource{
      .id = 1, .key = source->key(), .offset = OffsetAtByte(*source, first.size()).value()});
  const Identity identity = Decide("a.gz").value();
  EXPECT_EQ(identity.kind, Kind::kGrown) << "who reads on hears of the damage";
}

TEST_F(IdentityTest, InodeReusedByOtherContent) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  std::filesystem::remove(folder_ / "a");
  folder_.Write("b", Log("b", 100));
  // The file system may or may not have taken the same inode: here it has.
  known_[0].key.inode = Stat(folder_ / "b")->inode;
  EXPECT_EQ(Ask("b").kind, Kind::kNew);
}

TEST_F(IdentityTest, RestoredWithNewTimesAndInode) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  Rewrite("a", Log("a", 100));
  EXPECT_NE(Stat(folder_ / "a")->inode, known_[0].key.inode);
  EXPECT_EQ(Ask("a").kind, Kind::kUnchanged);
  Rewrite("a", Log("a", 101));
  EXPECT_EQ(Ask("a").kind, Kind::kGrown);
}

TEST_F(IdentityTest, RotatedTo1) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  folder_.Append("app.jsonl", "{\"last\":1}\n");
  Move("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", Log("b", 10));
  const Identity identity = Ask("app.jsonl");
  EXPECT_EQ(identity.kind, Kind::kReplaced);
  EXPECT_THAT(identity.displaced, ElementsAre(1));
  const std::optional<Identity> found = Find(1, {folder_ / "app.jsonl"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key.path, folder_ / "app.jsonl.1");
  EXPECT_EQ(found->source_id, 1);
  EXPECT_TRUE(found->has_more);
}

TEST_F(IdentityTest, RotatedTo1Gz) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  folder_.Write("app.jsonl.1.gz", Gzip(Log("a", 101)));
  Rewrite("app.jsonl", Log("b", 10));
  const std::optional<Identity> found = Find(1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key.path, folder_ / "app.jsonl.1.gz");
  EXPECT_TRUE(found->has_more);
}

TEST_F(IdentityTest, RotatedTo1WithNothingMore) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  Move("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", Log("b", 10));
  const std::optional<Identity> found = Find(1);
  ASSERT_TRUE(found) << "its new path is wanted all the same: it is not searched for again";
  EXPECT_FALSE(found->has_more);
}

TEST_F(IdentityTest, RotatedTwice) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  folder_.Write("app.jsonl.1", Log("b", 100));
  Know("app.jsonl.1");
  Move("app.jsonl.1", "app.jsonl.2");
  Move("app.jsonl", "app.jsonl.1");
  folder_.Write("app.jsonl", Log("c", 100));
  EXPECT_EQ(Ask("app.jsonl").kind, Kind::kReplaced);
  EXPECT_EQ(Find(1)->key.path, folder_ / "app.jsonl.1");
  EXPECT_EQ(Find(2)->key.path, folder_ / "app.jsonl.2");
}

TEST_F(IdentityTest, RotatedAndACopyThatIsKnownStandsBeside) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  folder_.Write("backup.jsonl", Log("a", 100));
  Know("backup.jsonl");
  Rewrite("app.jsonl", Log("b", 10));
  EXPECT_FALSE(Find(1)) << "the copy is a source of its own";
}

TEST_F(IdentityTest, TwoKnownSourcesWithTheSameBeginning) {
  const std::string start = Log("start", 100);
  folder_.Write("a", start + Log("a", 100));
  folder_.Write("b", start + Log("b", 100));
  Know("a", start.size());
  Know("b");
  Move("b", "c");
  EXPECT_EQ(Ask("a").source_id, 1);
  EXPECT_EQ(Ask("c").source_id, 2) << "a fits too, but it still stands";
  Move("a", "d");
  EXPECT_EQ(Ask("d").source_id, 1);
}

TEST_F(IdentityTest, EmptyOffset) {
  folder_.Write("empty", "");
  Know("empty");
  folder_.Write("a", Log("a", 100));
  std::filesystem::remove(folder_ / "empty");
  EXPECT_EQ(Ask("a").kind, Kind::kNew) << "no bytes fit everything: not adopted";
  EXPECT_FALSE(Find(1));

  folder_.Write("empty", Log("b", 100));
  const Identity identity = Ask("empty");
  EXPECT_EQ(identity.kind, Kind::kGrown) << "by its path it is the same";
  EXPECT_EQ(identity.source_id, 1);
  EXPECT_THAT(identity.displaced, IsEmpty());
}

TEST_F(IdentityTest, EmptyOffsetOfAnEmptyFile) {
  folder_.Write("empty", "");
  EXPECT_EQ(Ask("empty").kind, Kind::kNew);
  Know("empty");
  EXPECT_EQ(Ask("empty").kind, Kind::kUnchanged);
}

TEST_F(IdentityTest, StartedAtTheEnd) {
  // As --start-at-end stores it: nothing was read, but the offset knows the first bytes and the
  // last before it.
  folder_.Write("a", Log("a", 1'000));
  Know("a");
  EXPECT_EQ(known_[0].offset.head, HashOf(Log("a", 1'000).substr(0, kIdentityWindow)));
  folder_.Append("a", "{}\n");
  EXPECT_EQ(Ask("a").kind, Kind::kGrown);
  Move("a", "b");
  EXPECT_EQ(Ask("b").kind, Kind::kMoved);
}

TEST_F(IdentityTest, FromAPipeFirstAndFromTheFileThen) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  known_[0].key = {.path = "-", .device = 0, .inode = 0};
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kMoved);
  EXPECT_EQ(identity.source_id, 1);
}

TEST_F(IdentityTest, ANamedPipeIsNewAndNotOpened) {
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  const Identity identity = Decide("fifo").value();  // would wait for a writer
  EXPECT_EQ(identity.kind, Kind::kNew);
  EXPECT_EQ(identity.key.inode, 0u);
}

TEST_F(IdentityTest, AMissingFileIsAnError) {
  EXPECT_EQ(Decide("none").error().code(), StatusCode::kNotFound);
}

// By another rotation, between the look at the names and that at its content, or between that and
// the decision.
TEST_F(IdentityTest, MovedAgainWhileItIsLookedFor) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  folder_.Write("app.jsonl.1", Log("a", 100));
  folder_.Write("app.jsonl", Log("b", 10));
  for (const int moment : {1, 2}) {
    SCOPED_TRACE(moment);
    int opened = 0;
    ScopedFileHook hook([&](const FileEvent& event) {
      const bool is_it = event.call == FileCall::kOpen && event.path == folder_ / "app.jsonl.1";
      if (is_it && ++opened == moment) Move("app.jsonl.1", "app.jsonl.2");
      return 0;
    });
    const std::optional<Identity> found = Find(1);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Kind::kMoved);
    EXPECT_EQ(found->key.path, folder_ / "app.jsonl.2");
    Move("app.jsonl.2", "app.jsonl.1");
  }
}

TEST_F(IdentityTest, WhatIsRenamedAllTheTimeIsNotLookedForWithoutEnd) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  int name = 1;
  Move("app.jsonl", "app.jsonl.1");
  {
    ScopedFileHook hook([&](const FileEvent& event) {
      const std::string before = "app.jsonl." + std::to_string(name);
      if (event.call != FileCall::kOpen || event.path != folder_ / before) return 0;
      Move(before, "app.jsonl." + std::to_string(++name));
      return 0;
    });
    EXPECT_FALSE(Find(1));
    EXPECT_EQ(name, 6);
  }
  EXPECT_TRUE(Find(1));
}

TEST_F(IdentityTest, FilesThatAreExceptedAreNeverOpened) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  Move("app.jsonl", "agents.db");  // stands for a database: its content must not even be looked at
  folder_.Write("app.jsonl", Log("b", 10));
  ASSERT_EQ(link((folder_ / "agents.db").c_str(), (folder_ / "link").c_str()), 0);
  std::vector<std::string> opened;
  ScopedFileHook hook([&](const FileEvent& event) {
    if (event.call == FileCall::kOpen) opened.emplace_back(event.path);
    return 0;
  });
  EXPECT_FALSE(Find(1, {folder_ / "agents.db"}));
  EXPECT_THAT(opened, ElementsAre(folder_ / "app.jsonl"));
}

// --- Weak evidence: less than a kilobyte, or lines that are all alike

// The kind of a file that begins like any other of its program.
class WeakIdentityTest : public IdentityTest, public testing::WithParamInterface<std::string> {
 protected:
  static constexpr int64_t kSecond = 1'000'000'000;
  std::string start() const { return GetParam(); }

  void ReadAt(int64_t id, int64_t ns) { known_[static_cast<size_t>(id - 1)].read_ns = ns; }
  void SetModified(const std::string& name, int64_t seconds) {
    const timespec times[] = {{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, (folder_ / name).c_str(), times, 0), 0);
  }
};

std::string Heartbeats(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += "{\"state\":\"alive\"}\n";
  return text;
}

INSTANTIATE_TEST_SUITE_P(Starts, WeakIdentityTest,
                         testing::Values("{\"msg\":\"start\"}\n", "{\"a\":1}\n{\"b\":2}\n",
                                         Heartbeats(200)));

TEST_P(WeakIdentityTest, SamePathAndInode) {
  folder_.Write("a", start());
  Know("a");
  EXPECT_EQ(Ask("a").kind, Kind::kUnchanged);
  folder_.Append("a", "{\"more\":1}\n");
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kGrown);
  EXPECT_EQ(identity.source_id, 1);
}

TEST_P(WeakIdentityTest, SamePathAndInodeButShorter) {
  folder_.Write("a", start());
  Know("a");
  ASSERT_EQ(truncate((folder_ / "a").c_str(), static_cast<off_t>(start().size() - 1)), 0);
  EXPECT_EQ(Ask("a").kind, Kind::kTruncated);
}

TEST_P(WeakIdentityTest, SamePathOtherInode) {
  folder_.Write("a", start());
  Know("a");
  Rewrite("a", start() + "{\"more\":1}\n");
  const Identity identity = Ask("a");
  EXPECT_EQ(identity.kind, Kind::kGrown) << "an editor, a restore";
  EXPECT_EQ(identity.source_id, 1);
}

TEST_P(WeakIdentityTest, SamePathOtherInodeAndTheOldOneLiesBeside) {
  for (const std::string name : {"app.jsonl.1", "old.txt"}) {
    known_.clear();
    folder_.Write("app.jsonl", start());
    Know("app.jsonl");
    folder_.Append("app.jsonl", "{\"rest\":1}\n");
    Move("app.jsonl", name);
    folder_.Write("app.jsonl", start() + "{\"new\":1}\n");
    const Identity identity = Ask("app.jsonl");
    EXPECT_EQ(identity.kind, Kind::kReplaced);
    EXPECT_EQ(identity.source_id, 0);
    EXPECT_THAT(identity.displaced, ElementsAre(1));
    const std::optional<Identity> found = Find(1);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->key.path, folder_ / name);
    EXPECT_TRUE(found->has_more);
    std::filesystem::remove(folder_ / name);
    std::filesystem::remove(folder_ / "app.jsonl");
  }
}

TEST_P(WeakIdentityTest, SamePathAndItsInodeWasGivenToOtherContent) {
  folder_.Write("a", start());
  Know("a");
  Rewrite("a", start());
  folder_.Write("b", "{\"other\":1}\n");
  known_[0].key.inode = Stat(folder_ / "b")->inode;
  EXPECT_EQ(Ask("a").source_id, 1);
}

TEST_P(WeakIdentityTest, OtherPathSameInode) {
  folder_.Write("a", start());
  Know("a");
  folder_.Append("a", "{\"more\":1}\n");
  Move("a", "b");
  folder_.Write("a", start());
  const Identity identity = Ask("b");
  EXPECT_EQ(identity.kind, Kind::kMoved) << "whatever begins alike at its old path";
  EXPECT_EQ(identity.source_id, 1);
}

TEST_P(WeakIdentityTest, OtherPathAndInode) {
  folder_.Write("a.jsonl", start());
  Know("a.jsonl");
  folder_.Write("b.jsonl", start() + "{\"more\":1}\n");
  EXPECT_EQ(Ask("b.jsonl").kind, Kind::kNew) << "each log of a program begins so";
  std::filesystem::remove(folder_ / "a.jsonl");
  EXPECT_EQ(Ask("b.jsonl").kind, Kind::kNew) << "also where the other one is gone";
}

TEST_P(WeakIdentityTest, ANeighbourThatNobodyNamedIsNotRead) {
  folder_.Write("a.jsonl", start());
  folder_.Write("b.txt", start() + "{\"more\":1}\n");
  folder_.Write("a.jsonlines", start() + "{\"more\":1}\n");  // no rotated name
  Know("a.jsonl");
  folder_.Write("a.jsonl", "{\"other\":1}\n");
  EXPECT_FALSE(Find(1));
}

TEST_P(WeakIdentityTest, ARotatedNameThatWasWrittenSince) {
  folder_.Write("app.jsonl", start());
  Know("app.jsonl");
  ReadAt(1, 1'000 * kSecond);
  for (const std::string name : {"app.jsonl.1", "app.jsonl.1.gz", "app.jsonl-20261128",
                                 "app-20261128.jsonl", "app.1.jsonl"}) {
    const std::string text = start() + "{\"more\":1}\n";
    folder_.Write(name, name.ends_with(".gz") ? Gzip(text) : text);
    SetModified(name, 1'000);
    EXPECT_EQ(Ask(name).kind, Kind::kCopy) << "its original stands still";
    folder_.Write("app.jsonl", "{\"other\":1}\n");
    const std::optional<Identity> found = Find(1);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->key.path, folder_ / name);
    std::filesystem::remove(folder_ / name);
    folder_.Write("app.jsonl", start());
  }
}

TEST_P(WeakIdentityTest, ARotatedNameThatIsOlder) {
  folder_.Write("app.jsonl", start());
  Know("app.jsonl");
  ReadAt(1, 1'000 * kSecond);
  folder_.Write("app.jsonl.1", start() + "{\"more\":1}\n");
  SetModified("app.jsonl.1", 900);
  folder_.Write("app.jsonl", "{\"other\":1}\n");
  EXPECT_FALSE(Find(1)) << "an older rotation, that begins like every log";
}

TEST_P(WeakIdentityTest, ARotatedNameThatIsOlderAndHasNothingMore) {
  folder_.Write("app.jsonl", start());
  Know("app.jsonl");
  ReadAt(1, 1'000 * kSecond);
  std::filesystem::remove(folder_ / "app.jsonl");
  folder_.Write("app.jsonl.gz", Gzip(start()));
  SetModified("app.jsonl.gz", 900);
  const Identity identity = Ask("app.jsonl.gz");
  EXPECT_EQ(identity.kind, Kind::kMoved) << "gzip keeps the time of the file";
  EXPECT_FALSE(identity.has_more);
}

TEST_P(WeakIdentityTest, ARotatedNameThatWasShifted) {
  for (const std::string name : {"app.jsonl.2.gz", "app.jsonl.3.zst"}) {
    known_.clear();
    folder_.Write("app.jsonl.1", start());
    Know("app.jsonl.1");
    const bool is_gzip = name.ends_with(".gz");
    std::filesystem::remove(folder_ / "app.jsonl.1");
    folder_.Write(name, is_gzip ? Gzip(start()) : Zstd(start()));
    EXPECT_EQ(Ask(name).kind, Kind::kMoved) << "nothing is there";
    folder_.Write("app.jsonl.1", "{\"other\":1}\n");
    EXPECT_EQ(Ask(name).kind, Kind::kMoved);
    const std::optional<Identity> found = Find(1);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->key.path, folder_ / name);
    std::filesystem::remove(folder_ / name);
  }
}

TEST_P(WeakIdentityTest, TwoNamesOfOneFile) {
  folder_.Write("a", start());
  Know("a");
  ASSERT_EQ(link((folder_ / "a").c_str(), (folder_ / "b").c_str()), 0);
  EXPECT_EQ(Ask("b").source_id, 1);
}

TEST_P(WeakIdentityTest, NotAfterAGapWasFound) {
  folder_.Write("a", start());
  Know("a");
  known_[0].has_gap = true;
  EXPECT_EQ(Ask("a").source_id, 0);
}

TEST_P(WeakIdentityTest, NotAfterItWasSeenToBeEmptied) {
  folder_.Write("a", start());
  Know("a");
  folder_.Append("a", start());
  KnownSources known(known_);
  known.Emptied(1, known_[0].key);
  Folders folders;
  EXPECT_EQ(Identify(folder_ / "a", &known, &folders)->kind, Kind::kTruncated);
  Move("a", "b");
  EXPECT_EQ(Identify(folder_ / "b", &known, &folders)->kind, Kind::kNew);
  // Its copy is it.
  folder_.Write("a.1", start());
  EXPECT_EQ(Identify(folder_ / "a.1", &known, &folders)->kind, Kind::kMoved);
}

TEST_F(IdentityTest, SeenToBeEmptiedBeatsStrongEvidence) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  KnownSources known(known_);
  known.Emptied(1, known_[0].key);
  Folders folders;
  EXPECT_EQ(Identify(folder_ / "a", &known, &folders)->kind, Kind::kTruncated);
  folder_.Write("elsewhere", Log("a", 100));
  EXPECT_EQ(Identify(folder_ / "elsewhere", &known, &folders)->kind, Kind::kMoved);
}

// As of a log that was compressed at once: its old file is told to be gone only after its new one
// was found.
TEST_F(IdentityTest, AnEmptyingSaysNothingOfAnotherFileOfTheSource) {
  folder_.Write("app.jsonl", Log("a", 100));
  Know("app.jsonl");
  const SourceKey emptied = known_[0].key;
  folder_.Write("app.jsonl.1", Log("a", 100));
  folder_.Write("app.jsonl", "");
  known_.clear();
  Know("app.jsonl.1");
  KnownSources known(known_);
  known.Emptied(1, emptied);
  Folders folders;
  EXPECT_EQ(Identify(folder_ / "app.jsonl.1", &known, &folders)->kind, Kind::kUnchanged);
}

TEST_F(IdentityTest, StrongEvidenceIsEnoughAfterAGap) {
  folder_.Write("a", Log("a", 100));
  Know("a");
  known_[0].has_gap = true;
  EXPECT_EQ(Ask("a").source_id, 1) << "it was restored";
}

// --- What a decision costs

// How many files are opened to decide on all of `names`, when there are as many known sources.
class IdentityCostTest : public IdentityTest {
 protected:
  size_t OpenedFor(const std::vector<std::string>& names) {
    size_t opened = 0;
    ScopedFileHook hook([&](const FileEvent& event) {
      opened += event.call == FileCall::kOpen ? 1 : 0;
      return 0;
    });
    KnownSources known(known_);
    Folders folders;
    for (const std::string& name : names) {
      const Result<Identity> identity = Identify(folder_ / name, &known, &folders);
      if (!identity || identity->source_id == 0) {
        ADD_FAILURE() << name;
        continue;
      }
      known.Move(*known.Get(identity->source_id), identity->key);
    }
    return opened;
  }

  // Files a0, a1, ...: known, and then each changed by `change`.
  template <typename Change>
  size_t Cost(size_t count, const std::string& start, Change change) {
    known_.clear();
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) {
      const std::string name = "a" + std::to_string(i);
      folder_.Write(name, start + Log(name, 50));
      Know(name);
    }
    for (size_t i = 0; i < count; ++i) names.push_back(change("a" + std::to_string(i)));
    const size_t opened = OpenedFor(names);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      std::filesystem::remove_all(entry.path());
    }
    return opened;
  }
};

TEST_F(IdentityCostTest, DoesNotGrowWithTheNumberOfKnownSources) {
  const auto stay = [](const std::string& name) { return name; };
  const auto rename = [&](const std::string& name) {
    Move(name, name + ".old");
    return name + ".old";
  };
  const auto copy = [&](const std::string& name) {
    std::filesystem::copy_file(folder_ / name, folder_ / (name + ".copy"));
    std::filesystem::remove(folder_ / name);
    return name + ".copy";
  };
  // Each begins with other bytes, or all with the same kilobyte.
  for (const std::string& start : {std::string(), Log("start", 100)}) {
    SCOPED_TRACE(start.size());
    for (const auto& change :
         std::vector<std::function<std::string(const std::string&)>>{stay, rename, copy}) {
      EXPECT_LE(Cost(40, start, change), 40u * 4);
      EXPECT_LE(Cost(80, start, change), 80u * 4);
    }
  }
}

}  // namespace
}  // namespace sluice
