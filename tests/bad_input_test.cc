// SPDX-License-Identifier: Apache-2.0
// What goes wrong before and during an ingest, as a person meets it: the exit status, one line that
// says what and where, the remedy; and nothing half there.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compress.h"
#include "database_view.h"
#include "run_program.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

std::string Lines(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i)
    text +=
        "{\"n\":" + std::to_string(i) + ",\"noise\":" + std::to_string(i * 7919 % 10007) + "}\n";
  return text;
}

class BadInputTest : public testing::Test {
 protected:
  void SetUp() override { folder_.Write("good.jsonl", Lines(3)); }

  Outcome Run(std::vector<std::string> words, const RunSetting& setting = {}) {
    words.insert(words.begin(), SLUICE_PROGRAM);
    return RunIn(folder_, words, setting);
  }

  // Every file with what is in it, but the test's own stdin.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      const std::string name = std::filesystem::relative(entry.path(), folder_.path());
      if (name == ".stdin") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      files[name] =
          entry.is_directory() ? "a folder" : std::string(std::istreambuf_iterator<char>(file), {});
    }
    return files;
  }

  // Fails with this status and these words, and leaves every file as it was.
  void ExpectRefused(const std::vector<std::string>& words, int status,
                     const std::vector<std::string>& said, const RunSetting& setting = {}) {
    SCOPED_TRACE(testing::PrintToString(words));
    const std::map<std::string, std::string> before = Files();
    const Outcome run = Run(words, setting);
    EXPECT_EQ(run.status, status) << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("sluice: "), HasSubstr("\n  try: ")));
    for (const std::string& text : said) EXPECT_THAT(run.err, HasSubstr(text));
    EXPECT_LE(std::count(run.err.begin(), run.err.end(), '\n'), 3) << run.err;
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_EQ(Files(), before);
  }

  TemporaryDirectory folder_;
};

TEST_F(BadInputTest, MissingFiles) {
  ExpectRefused({"ingest", "a.db", "none.jsonl"}, kFailed, {"none.jsonl"});
  ExpectRefused({"ingest", "a.db", "good.jsonl", "none.jsonl"}, kFailed, {"none.jsonl"});
  ExpectRefused({"ingest", "no/such/folder/a.db", "good.jsonl"}, kFailed, {"no/such/folder"});
  ExpectRefused({"ingest", "a.db", "good.jsonl", "--schema", "none.toml"}, kFailed, {"none.toml"});
  std::filesystem::create_symlink("nothing", folder_ / "link.jsonl");
  const Outcome run = Run({"ingest", "a.db", "link.jsonl"});
  EXPECT_EQ(run.status, kFailed);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.db"));
}

TEST_F(BadInputTest, NothingToRead) {
  std::filesystem::create_directory(folder_ / "empty");
  folder_.Write("texts/readme.txt", "hello\n");
  ExpectRefused({"ingest", "a.db", "empty"}, kFailed, {"no input", "--include"});
  ExpectRefused({"ingest", "a.db", "texts"}, kFailed, {"no input", "--include"});
}

TEST_F(BadInputTest, ADatabaseThatIsNone) {
  std::filesystem::create_directory(folder_ / "folder");
  folder_.Write("text.db", std::string(5000, 'x'));
  folder_.Write("short.db", "x");
  ExpectRefused({"ingest", "folder", "good.jsonl"}, kUsage, {"folder", "directory"});
  ExpectRefused({"ingest", "text.db", "good.jsonl"}, kFailed, {"text.db"});
  ExpectRefused({"ingest", "short.db", "good.jsonl"}, kFailed, {"short.db"});
  ExpectRefused({"ingest", "good.jsonl", "short.db"}, kUsage,
                {"good.jsonl", "looks like JSON"});  // the wrong way round
  ExpectRefused({"ingest", "short.db", "good.jsonl", "--from-scratch"}, kFailed, {"short.db"});
  // A file that is no database is not replaced either.
  ExpectRefused({"ingest", "text.db", "good.jsonl", "--from-scratch"}, kFailed, {"text.db"});
}

TEST_F(BadInputTest, AnotherApplicationsDatabaseIsNotTouched) {
  folder_.Write("app.db", "");
  DatabaseView(folder_ / "app.db").Run("CREATE TABLE customers(name)");
  DatabaseView(folder_ / "app.db").Run("INSERT INTO customers VALUES('Ada')");
  ExpectRefused({"ingest", "app.db", "good.jsonl"}, kUsage, {"customers", "--table"});
  ExpectRefused({"ingest", "app.db", "good.jsonl", "--from-scratch"}, kFailed, {"customers"});
  ExpectRefused({"ingest", "app.db", "good.jsonl", "--table", "customers"}, kUsage, {"customers"});
  ExpectRefused({"ingest", "app.db", "good.jsonl", "--dry-run"}, kUsage, {"customers"});

  EXPECT_EQ(Run({"ingest", "app.db", "good.jsonl", "--table", "events"}).status, 0);
  DatabaseView view(folder_ / "app.db");
  EXPECT_THAT(view.Rows("SELECT * FROM customers"), ElementsAre("Ada"));
  EXPECT_EQ(view.Count("SELECT count(*) FROM events"), 3);
}

TEST_F(BadInputTest, TheDatabaseAsInput) {
  ASSERT_EQ(Run({"ingest", "a.db", "good.jsonl"}).status, 0);
  std::filesystem::create_symlink("a.db", folder_ / "link.jsonl");
  std::filesystem::create_hard_link(folder_ / "a.db", folder_ / "hard.jsonl");
  for (const char* input : {"a.db", "./a.db", "link.jsonl", "hard.jsonl"}) {
    const Outcome run = Run({"ingest", "a.db", input});
    EXPECT_EQ(run.status, kUsage) << input << run.err;
    EXPECT_THAT(run.err, AllOf(HasSubstr("is the database"), HasSubstr("\n  try: ")));
  }
  EXPECT_EQ(DatabaseView(folder_ / "a.db").Count("SELECT count(*) FROM lines"), 3);
}

TEST_F(BadInputTest, SchemaFilesWithMistakes) {
  const auto schema = [this](const std::string& name, const std::string& text) {
    folder_.Write(name, text);
    return std::vector<std::string>{"ingest", "a.db", "good.jsonl", "--schema", name};
  };
  ExpectRefused(schema("key.toml", "table = \"t\"\n[[column]]\nname = \"a\"\nform = \"/a\"\n"),
                kUsage, {"key.toml:4", "form", "from"});
  ExpectRefused(schema("pointer.toml", "table = \"t\"\n[[column]]\nname = \"a\"\nfrom = \"a/b\"\n"),
                kUsage, {"pointer.toml:2", "a/b"});
  ExpectRefused(schema("type.toml", "table = \"t\"\n[[column]]\nname = \"a\"\ntype = \"INTGER\"\n"),
                kUsage, {"type.toml:2", "INTGER"});
  ExpectRefused(schema("index.toml",
                       "table = \"t\"\n[[column]]\nname = \"a\"\n\n[[index]]\nname = "
                       "\"i\"\ncolumns = [\"b\"]\n"),
                kUsage, {"index.toml:5", "'b'"});
  ExpectRefused(schema("toml.toml", "table = \"t\n"), kUsage, {"toml.toml:1"});
  ExpectRefused(schema("view.toml",
                       "table = \"t\"\n[[column]]\nname = \"a\"\n\n[[view]]\nname = "
                       "\"v\"\nsql = \"SELECT nothing FROM t\"\n"),
                kUsage, {"view v", "nothing"});
  ExpectRefused({"ingest", "a.db", "good.jsonl", "--schema", "claude"}, kUsage, {"claude-code"});
}

TEST_F(BadInputTest, DamagedCompressedFiles) {
  folder_.Write("bad.jsonl.gz", "\x1f\x8b\x08 nonsense");
  folder_.Write("bad.jsonl.zst", "\x28\xb5\x2f\xfd nonsense");
  ExpectRefused({"ingest", "a.db", "bad.jsonl.gz"}, kFailed, {"bad.jsonl.gz", "gzip"});
  ExpectRefused({"ingest", "a.db", "bad.jsonl.zst"}, kFailed, {"bad.jsonl.zst", "zst"});
}

// Cut short: the rows before the cut are in, the run has failed, and says so; the whole file brings
// the rest, once.
TEST_F(BadInputTest, CompressedFilesCutShort) {
  const std::string text = Lines(60'000);
  const std::map<std::string, std::string> files = {{"cut.jsonl.gz", Gzip(text)},
                                                    {"cut.jsonl.zst", Zstd(text)}};
  for (const auto& [name, stored] : files) {
    for (const bool into_existing : {false, true}) {
      SCOPED_TRACE(name);
      std::filesystem::remove(folder_ / "a.db");
      if (into_existing) {
        ASSERT_EQ(Run({"ingest", "a.db", "good.jsonl"}).status, 0);
      }
      const long long already = into_existing ? 3 : 0;
      folder_.Write(name, stored.substr(0, stored.size() * 2 / 3));
      const Outcome cut = Run({"ingest", "a.db", name, "good.jsonl"});
      EXPECT_EQ(cut.status, kFailed) << cut.err;
      EXPECT_THAT(cut.err, AllOf(HasSubstr("sluice: "), HasSubstr(name + ": "),
                                 HasSubstr("cut short"), HasSubstr("\n  try: ")));
      {
        DatabaseView view(folder_ / "a.db");
        EXPECT_GT(view.Count("SELECT count(*) FROM lines"), 10'000 + already);
        EXPECT_EQ(view.Count("SELECT count(*) FROM lines WHERE _source LIKE '%good.jsonl'"), 3)
            << "the other inputs are in whole";
        EXPECT_EQ(view.Integrity(), "ok");
        EXPECT_THAT(view.One("SELECT outcome FROM _sluice_runs ORDER BY id DESC"),
                    StartsWith("failed: "));
      }
      folder_.Write(name, stored);
      const Outcome whole = Run({"ingest", "a.db", name});
      EXPECT_EQ(whole.status, 0) << whole.err;
      DatabaseView view(folder_ / "a.db");
      EXPECT_EQ(view.One("SELECT count(*) || ' ' || count(DISTINCT n) || ' ' || sum(n) FROM lines "
                         "WHERE _source LIKE '%" +
                         name + "'"),
                "60000 60000 1800030000");
    }
  }
}

TEST_F(BadInputTest, AFailureStandsInTheJsonToo) {
  const std::string stored = Zstd(Lines(60'000));
  folder_.Write("cut.jsonl.zst", stored.substr(0, stored.size() / 2));
  const Outcome run = Run({"ingest", "a.db", "cut.jsonl.zst", "--json"});
  EXPECT_EQ(run.status, kFailed);
  EXPECT_THAT(run.out, AllOf(StartsWith("{\"rows\":"), HasSubstr("\"failures\":[{\"message\":")));
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1) << "one object";
}

TEST_F(BadInputTest, WhatIsNotJsonLines) {
  folder_.Write("pretty.json", "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}\n");
  folder_.Write("raw.sse", "event: ping\ndata: {\"a\":1}\n\nevent: ping\ndata: {\"a\":2}\n\n");
  folder_.Write("array.json", "[\n  {\"a\":1},\n  {\"a\":2}\n]\n");
  folder_.Write("one.json", "[{\"a\":1},{\"a\":2}]\n");
  folder_.Write("binary.jsonl", std::string("\x7f"
                                            "ELF\0\0\0\1\n\0\0",
                                            12));
  folder_.Write("table.csv", "a,b\n1,2\n3,4\n");
  folder_.Write("words.log", "Jan 01 kernel: up\nJan 02 kernel: down\n");
  folder_.Write("python.jsonl", "{'a': 1, 'b': None}\n{'a': 2, 'b': \"it's\"}\n");
  for (const char* input : {"pretty.json", "raw.sse", "array.json", "one.json", "binary.jsonl",
                            "table.csv", "words.log", "python.jsonl"}) {
    ExpectRefused({"ingest", "a.db", input}, kFailed, {input});
    ExpectRefused({"ingest", "a.db", input, "--schema", "sse-lines"}, kFailed, {input});
  }
  ExpectRefused({"ingest", "a.db", "pretty.json", "--schema", "raw"}, kFailed, {"jq -c ."});
  ExpectRefused({"ingest", "a.db", "array.json", "--schema", "raw"}, kFailed, {"jq -c '.[]'"});
  // Asked for in so many words, they are taken.
  EXPECT_EQ(Run({"ingest", "a.db", "pretty.json", "--on-bad-line", "keep"}).status, 0);
  // In a folder, they are left out with a warning.
  folder_.Write("folder/doc.jsonl", "{\n  \"a\": 1\n}\n");
  ExpectRefused({"ingest", "b.db", "folder"}, kFailed, {"folder/doc.jsonl"});
  folder_.Write("folder/good.jsonl", Lines(3));
  const Outcome run = Run({"ingest", "b.db", "folder"});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, HasSubstr("warning: left out folder/doc.jsonl: "));
}

// `raw` takes any JSON text on a line.
TEST_F(BadInputTest, AnArrayOnOneLineIsALineUnderRaw) {
  folder_.Write("one.json", "[{\"a\":1},{\"a\":2}]\n");
  const Outcome run = Run({"ingest", "a.db", "one.json", "--schema", "raw"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(DatabaseView(folder_ / "a.db").Rows("SELECT line FROM raw_lines"),
              ElementsAre("[{\"a\":1},{\"a\":2}]"));
}

// The others are in, the status is that of a failure, and a second run says it again.
TEST_F(BadInputTest, AFileOfAnotherFormAmongOthers) {
  folder_.Write("table.csv", "a,b\n1,2\n3,4\n");
  folder_.Write("bad.jsonl", "{\"n\":4}\nnonsense\n");
  for (int run_number = 0; run_number < 2; ++run_number) {
    const Outcome run =
        Run({"ingest", "a.db", "good.jsonl", "table.csv", "bad.jsonl", "--fail-on-reject"});
    EXPECT_EQ(run.status, kFailed) << "wins over the status for rejects";
    EXPECT_THAT(run.err, HasSubstr("sluice: table.csv: this is no JSON: it looks like CSV"));
    EXPECT_THAT(run.err, HasSubstr("\n  try: make JSON of each line"));
    EXPECT_EQ(DatabaseView(folder_ / "a.db").Count("SELECT count(*) FROM lines"), 4);
  }
  const Outcome json = Run({"ingest", "b.db", "good.jsonl", "table.csv", "--json"});
  EXPECT_EQ(json.status, kFailed);
  EXPECT_THAT(json.out, HasSubstr("\"failures\":[{\"message\":\"table.csv: "));
  EXPECT_THAT(Run({"status", "b.db"}).out, HasSubstr("failed: table.csv"));
  const Outcome dry = Run({"ingest", "c.db", "good.jsonl", "table.csv", "--dry-run"});
  EXPECT_EQ(dry.status, kFailed);
  EXPECT_THAT(dry.out, HasSubstr("cannot be read: table.csv"));
}

// The command of a remedy does what it says.
TEST_F(BadInputTest, TheRemediesWork) {
  const std::map<std::string, std::string> files = {
      {"table.csv", "a,b\n1,\"x, y\"\n2,z\n"},
      {"tabs.txt", "a\tb\n1\tx, y\n2\tz\n"},
      {"it's.py", "{'a': '1', 'b': \"x, y\"}\n{'a': '2', 'b': 'z'}\n"}};
  for (const auto& [name, text] : files) {
    folder_.Write(name, text);
    const Outcome run = Run({"ingest", "a.db", name});
    const size_t begin = run.err.find("python3 ");
    ASSERT_NE(begin, std::string::npos) << run.err;
    const std::string command = run.err.substr(begin, run.err.find('\n', begin) - begin);
    const Outcome made = RunIn(folder_, {"sh", "-c", command}, {});
    if (made.status == 127) GTEST_SKIP() << "no python3 here";
    ASSERT_EQ(made.status, 0) << made.err;
    EXPECT_EQ(Run({"ingest", name + ".db", name + ".jsonl"}).status, 0);
    EXPECT_THAT(DatabaseView(folder_ / (name + ".db")).Rows("SELECT a, b FROM lines"),
                ElementsAre("1|x, y", "2|z"));
  }
}

// Root may write everywhere: these run as nobody.
class AsNobody : public BadInputTest {
 protected:
  void SetUp() override {
    BadInputTest::SetUp();
    chmod(folder_.path().c_str(), 0777);
    setting_.prepare = [] { return geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0); };
    if (Run({"version"}, setting_).status != 0)
      GTEST_SKIP() << "nobody may not run the program here";
  }
  void TearDown() override {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      chmod(entry.path().c_str(), 0755);
  }

  RunSetting setting_;
};

TEST_F(AsNobody, AFolderThatCannotBeRead) {
  folder_.Write("logs/a.jsonl", Lines(1));
  folder_.Write("logs/closed/b.jsonl", Lines(1));
  chmod((folder_ / "logs/closed").c_str(), 0);
  folder_.Write("closed.jsonl", Lines(1));
  chmod((folder_ / "closed.jsonl").c_str(), 0);
  const Outcome folder = Run({"ingest", "a.db", "logs"}, setting_);
  EXPECT_EQ(folder.status, kFailed);
  EXPECT_THAT(folder.err, AllOf(HasSubstr("logs/closed"), HasSubstr("\n  try: ")));
  const Outcome file = Run({"ingest", "a.db", "closed.jsonl"}, setting_);
  EXPECT_EQ(file.status, kFailed);
  EXPECT_THAT(file.err, AllOf(HasSubstr("closed.jsonl"), HasSubstr("\n  try: ")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.db"));
  chmod((folder_ / "logs/closed").c_str(), 0755);
}

TEST_F(AsNobody, AFolderThatCannotBeWritten) {
  std::filesystem::create_directory(folder_ / "closed");
  chmod((folder_ / "closed").c_str(), 0555);
  ExpectRefused({"ingest", "closed/a.db", "good.jsonl"}, kFailed, {"closed"}, setting_);
}

TEST_F(AsNobody, ADatabaseThatCannotBeWritten) {
  std::filesystem::create_directory(folder_ / "closed");
  ASSERT_EQ(Run({"ingest", "closed/a.db", "good.jsonl"}).status, 0);
  folder_.Append("good.jsonl", Lines(1));
  chmod((folder_ / "closed/a.db").c_str(), 0444);
  chmod((folder_ / "closed").c_str(), 0555);
  ExpectRefused({"ingest", "closed/a.db", "good.jsonl"}, kFailed, {"closed/a.db"}, setting_);
  chmod((folder_ / "closed").c_str(), 0755);
}

}  // namespace
}  // namespace sluice
