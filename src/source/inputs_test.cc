// SPDX-License-Identifier: Apache-2.0
#include "source/inputs.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(GlobTest, ANameMatchesAtAnyDepth) {
  EXPECT_TRUE(GlobMatches("*.log", "a.log"));
  EXPECT_TRUE(GlobMatches("*.log", "x/y/a.log"));
  EXPECT_TRUE(GlobMatches("a?[0-9].log", "x/ab7.log"));
  EXPECT_FALSE(GlobMatches("*.log", "a.log.gz"));
  EXPECT_FALSE(GlobMatches("*.log", "a.log/b"));
}

TEST(GlobTest, APathIsMatchedFromTheStart) {
  EXPECT_TRUE(GlobMatches("x/*.log", "x/a.log"));
  EXPECT_FALSE(GlobMatches("x/*.log", "y/x/a.log"));
  EXPECT_FALSE(GlobMatches("x/*", "x/y/a.log")) << "a star stays within a name";
}

TEST(GlobTest, TwoStarsAreAnyNumberOfDirectories) {
  EXPECT_TRUE(GlobMatches("**", "a"));
  EXPECT_TRUE(GlobMatches("**", "x/y/a"));
  EXPECT_TRUE(GlobMatches("x/**", "x/y/a"));
  EXPECT_TRUE(GlobMatches("**/a", "a"));
  EXPECT_TRUE(GlobMatches("x/**/a", "x/a"));
  EXPECT_TRUE(GlobMatches("x/**/y/**/a", "x/1/2/y/a"));
  EXPECT_FALSE(GlobMatches("x/**/a", "y/a"));
  EXPECT_FALSE(GlobMatches("x/**", "y/x/a"));
}

class InputsTest : public testing::Test {
 protected:
  // The paths below the folder, or the error.
  std::vector<std::string> Expand(const std::vector<std::string>& arguments,
                                  const InputFilter& filter = {}) {
    const Result<std::vector<std::string>> paths =
        ExpandInputs(arguments, filter, folder_ / "agents.db");
    if (!paths) {
      status_ = paths.error();
      return {"error"};
    }
    std::vector<std::string> below;
    for (const std::string& path : *paths) {
      const bool is_below = path.starts_with(folder_.path() + "/");
      below.push_back(is_below ? path.substr(folder_.path().size() + 1) : path);
    }
    return below;
  }
  void Link(const std::string& target, const std::string& name) {
    ASSERT_EQ(symlink(target.c_str(), (folder_ / name).c_str()), 0);
  }

  TemporaryDirectory folder_;
  Status status_;
};

TEST_F(InputsTest, ADirectoryIsWalkedInByteOrderOfThePath) {
  for (const char* name : {"b.jsonl", "a/z.jsonl", "a.jsonl", "a/B.ndjson", "a/b/c.jsonl.gz",
                           "a/b.ndjson.zst", "a/notes.txt", "a/x.json", "a/jsonl", "Z.jsonl"}) {
    folder_.Write(name, "{}\n");
  }
  EXPECT_THAT(Expand({folder_.path()}),
              ElementsAre("Z.jsonl", "a.jsonl", "a/B.ndjson", "a/b.ndjson.zst", "a/b/c.jsonl.gz",
                          "a/z.jsonl", "b.jsonl"));
  EXPECT_THAT(Expand({folder_.path() + "/"}).size(), 7u);
}

TEST_F(InputsTest, ArgumentsKeepTheirOrder) {
  folder_.Write("b.txt", "");
  folder_.Write("a/1.jsonl", "");
  EXPECT_THAT(Expand({folder_ / "b.txt", "-", folder_ / "a"}),
              ElementsAre("b.txt", "-", "a/1.jsonl"));
}

TEST_F(InputsTest, AFileThatIsNamedMayHaveAnyName) {
  folder_.Write(".hidden", "");
  EXPECT_THAT(Expand({folder_ / ".hidden"}, {.include = {"*.x"}, .exclude = {"*"}}),
              ElementsAre(".hidden"));
}

TEST_F(InputsTest, HiddenNamesArePassedOver) {
  folder_.Write(".a.jsonl", "");
  folder_.Write(".git/b.jsonl", "");
  folder_.Write("c.jsonl", "");
  EXPECT_THAT(Expand({folder_.path()}), ElementsAre("c.jsonl"));
  EXPECT_THAT(Expand({folder_ / ".git"}), ElementsAre(".git/b.jsonl"));
}

TEST_F(InputsTest, IncludeNarrows) {
  folder_.Write("p/a.jsonl", "");
  folder_.Write("p/README.md", "");
  folder_.Write("q/b.jsonl", "");
  EXPECT_THAT(Expand({folder_.path()}, {.include = {"p/**"}, .exclude = {}}),
              ElementsAre("p/a.jsonl"));
}

TEST_F(InputsTest, IncludeWithAnExtensionOfItsOwnWidens) {
  folder_.Write("p/a.jsonl", "");
  folder_.Write("p/a.log", "");
  folder_.Write("b.log", "");
  EXPECT_THAT(Expand({folder_.path()}, {.include = {"*.log"}, .exclude = {}}),
              ElementsAre("b.log", "p/a.log"));
}

TEST_F(InputsTest, ExcludeWins) {
  folder_.Write("p/a.jsonl", "");
  folder_.Write("p/b.jsonl", "");
  folder_.Write("q/c.jsonl", "");
  EXPECT_THAT(Expand({folder_.path()}, {.include = {"p/**"}, .exclude = {"b.*"}}),
              ElementsAre("p/a.jsonl"));
  EXPECT_THAT(Expand({folder_.path()}, {.include = {}, .exclude = {"p"}}),
              ElementsAre("q/c.jsonl"));
}

// Root reads every folder: it is somebody else for a moment.
class NobodyElse {
 public:
  NobodyElse() : was_root_(geteuid() == 0) {
    if (was_root_ && seteuid(65534) != 0) ADD_FAILURE() << "cannot become nobody";
  }
  ~NobodyElse() {
    if (was_root_ && seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
  }

 private:
  bool was_root_;
};

TEST_F(InputsTest, AFolderThatCannotBeReadIsAnErrorUnlessItIsExcluded) {
  folder_.Write("private/a.jsonl", "");
  folder_.Write("b.jsonl", "");
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod((folder_ / "private").c_str(), 0), 0);
  {
    NobodyElse nobody;
    Expand({folder_.path()});
    EXPECT_EQ(status_.code(), StatusCode::kIo);
    EXPECT_THAT(status_.message(), HasSubstr("private: permission denied"));
    EXPECT_FALSE(status_.remedy().empty());
    EXPECT_THAT(Expand({folder_.path()}, {.include = {}, .exclude = {"private/**"}}),
                ElementsAre("b.jsonl"));
  }
  chmod((folder_ / "private").c_str(), 0700);
}

TEST_F(InputsTest, OneFileUnderManyNamesIsTakenOnce) {
  folder_.Write("a.jsonl", "");
  Link("a.jsonl", "b.jsonl");
  ASSERT_EQ(link((folder_ / "a.jsonl").c_str(), (folder_ / "c.jsonl").c_str()), 0);
  EXPECT_THAT(Expand({folder_.path()}), ElementsAre("a.jsonl"));
  EXPECT_THAT(Expand({folder_ / "b.jsonl", folder_ / "a.jsonl", folder_.path(), folder_.path()}),
              ElementsAre("b.jsonl"));
}

TEST_F(InputsTest, LinksAreFollowedAndLoopsEnd) {
  folder_.Write("real/a.jsonl", "");
  folder_.Write("walked/b.jsonl", "");
  Link("../real", "walked/link");
  Link("..", "walked/loop");
  Link(".", "walked/self");
  EXPECT_THAT(Expand({folder_ / "walked"}), ElementsAre("walked/b.jsonl", "walked/link/a.jsonl"));
}

TEST_F(InputsTest, OtherThanRegularFilesArePassedOver) {
  folder_.Write("a.jsonl", "");
  ASSERT_EQ(mkfifo((folder_ / "b.jsonl").c_str(), 0600), 0);
  EXPECT_THAT(Expand({folder_.path()}), ElementsAre("a.jsonl"));
  EXPECT_THAT(Expand({folder_ / "b.jsonl"}), ElementsAre("b.jsonl")) << "but it may be named";
}

TEST_F(InputsTest, WhatIsMissingIsAnError) {
  Expand({folder_ / "none.jsonl"});
  EXPECT_EQ(status_.code(), StatusCode::kNotFound);
  EXPECT_THAT(status_.message(), HasSubstr("none.jsonl"));
}

TEST_F(InputsTest, ALinkToNothingIsAnError) {
  Link("none", "a.jsonl");
  Expand({folder_.path()});
  EXPECT_EQ(status_.code(), StatusCode::kNotFound);
  EXPECT_THAT(status_.message(), HasSubstr("a.jsonl"));
  EXPECT_THAT(Expand({folder_.path()}, {.include = {}, .exclude = {"a.*"}}), IsEmpty());
}

// Files that are to be followed may come later; below a directory they may be renamed as it is
// listed, which a link to nothing stands for here.
TEST_F(InputsTest, WhatIsMissingMayBeAwaited) {
  folder_.Write("logs/b.jsonl", "{}\n");
  Link("nothing", "logs/a.jsonl");
  std::vector<std::string> awaited;
  const std::vector<std::string> arguments = {folder_ / "app.jsonl", folder_ / "logs"};
  const auto paths = ExpandInputs(arguments, {}, "", &awaited);
  ASSERT_TRUE(paths) << paths.error().message();
  EXPECT_THAT(*paths, ElementsAre(folder_ / "logs/b.jsonl"));
  EXPECT_THAT(awaited, ElementsAre(folder_ / "app.jsonl", folder_ / "logs/a.jsonl"));

  for (const char* typo : {"lgos/app.jsonl", "logs/b.jsonl/app.jsonl", "lgos/"}) {
    const auto none = ExpandInputs({folder_ / typo}, {}, "", &awaited);
    ASSERT_FALSE(none) << typo;
    EXPECT_EQ(none.error().code(), StatusCode::kNotFound);
    EXPECT_THAT(none.error().message(), HasSubstr("there is no folder " + folder_.path()));
  }
}

TEST_F(InputsTest, TheDatabaseIsNoInputByWhateverName) {
  folder_.Write("agents.db", "");
  folder_.Write("agents.db-wal", "");
  Link("agents.db", "walked.jsonl");
  for (const char* name : {"agents.db", "agents.db-wal", "./agents.db", "walked.jsonl", ""}) {
    status_ = {};
    Expand({folder_ / name});
    EXPECT_EQ(status_.code(), StatusCode::kUsage) << name;
    EXPECT_THAT(status_.message(), HasSubstr("is the database")) << name;
  }
}

TEST_F(InputsTest, StdinOnce) {
  Expand({"-", "-"});
  EXPECT_EQ(status_.code(), StatusCode::kUsage);
}

TEST_F(InputsTest, GlobsAreRelative) {
  Expand({folder_.path()}, {.include = {"/abs/*.jsonl"}, .exclude = {}});
  EXPECT_EQ(status_.code(), StatusCode::kUsage);
}

}  // namespace
}  // namespace sluice
