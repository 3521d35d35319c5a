// SPDX-License-Identifier: Apache-2.0
// The program as a person or a script meets it: arguments, environment, stdout, stderr, exit
// status.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run_program.h"
#include "sanitized.h"
#include "sluice/version.hpp"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CliTest : public testing::Test {
 protected:
  Outcome Run(const std::vector<std::string>& words, const std::string& stdin_text = "",
              const std::map<std::string, std::string>& environment = {}) {
    std::vector<std::string> command = {SLUICE_PROGRAM};
    command.insert(command.end(), words.begin(), words.end());
    return RunCommand(command, stdin_text, environment);
  }
  Outcome RunCommand(const std::vector<std::string>& command, const std::string& stdin_text,
                     const std::map<std::string, std::string>& environment) {
    return RunIn(folder_, command, {.stdin_text = stdin_text, .environment = environment});
  }

  // A database with a table of three rows and a reject.
  void MakeDatabase() {
    folder_.Write("app.jsonl",
                  "{\"id\":1,\"level\":\"info\"}\n{\"id\":2,,}\n{\"id\":3,\"level\":\"warn\"}\n"
                  "{\"id\":4,\"level\":\"info\"}\n");
    const Outcome made = Run({"ingest", "app.db", "--table", "app", "app.jsonl"});
    ASSERT_EQ(made.status, 0) << made.err;
    ASSERT_THAT(made.out, IsEmpty());
  }

  TemporaryDirectory folder_;
};

TEST_F(CliTest, WithoutWordsItSaysWhatThereIs) {
  const Outcome run = Run({});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, AllOf(HasSubstr("ingest"), HasSubstr("query"), HasSubstr("Examples")));
}

// On a thread of the run, which cannot tell main() of it.
TEST_F(CliTest, MemoryThatIsOutIsSaid) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer needs the address space itself";
  std::filesystem::resize_file(folder_.Write("long.jsonl", "{"), uint64_t{2} << 30);
  const Outcome run =
      RunIn(folder_, {SLUICE_PROGRAM, "ingest", "app.db", "--max-line", "8GiB", "long.jsonl"},
            {.prepare = [] {
              const rlimit limit{.rlim_cur = 1'000'000'000, .rlim_max = 1'000'000'000};
              return setrlimit(RLIMIT_AS, &limit) == 0;
            }});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("sluice: no memory is left for this\n  try: lower --memory"));
}

// The first bytes of each say what it is: all of these together would be 100 MB.
TEST_F(CliTest, ManyInputsFitTheMemoryThatTheyWereGiven) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer keeps memory of its own";
  const std::string line = "{\"s\":\"" + std::string(1000, 'x') + "\"}\n";
  std::string lines;
  while (lines.size() < size_t{250} << 10) lines += line;
  for (int i = 0; i < 400; ++i) folder_.Write("logs/" + std::to_string(i) + ".jsonl", lines);
  const Outcome run = Run({"ingest", "app.db", "logs", "--memory", "32MiB", "--json"});
  ASSERT_EQ(run.status, 0) << run.err;
  const std::string key = "\"peak_rss_bytes\":";
  const size_t at = run.out.find(key);
  ASSERT_NE(at, std::string::npos) << run.out;
  EXPECT_LT(std::stoull(run.out.substr(at + key.size())), uint64_t{64} << 20);
}

TEST_F(CliTest, EverySubcommandHasHelpWithExamplesOnStdout) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{},
                                                  {"ingest"},
                                                  {"query"},
                                                  {"status"},
                                                  {"rejects"},
                                                  {"rejects", "retry"},
                                                  {"schema"},
                                                  {"schema", "list"},
                                                  {"schema", "show"},
                                                  {"schema", "infer"},
                                                  {"help"},
                                                  {"version"}}) {
    std::vector<std::string> words = command;
    words.push_back("--help");
    const Outcome run = Run(words);
    EXPECT_EQ(run.status, 0);
    EXPECT_THAT(run.out, AllOf(HasSubstr("Examples\n"),
                               HasSubstr("sluice " + (command.empty() ? "" : command[0]))));
    EXPECT_THAT(run.err, IsEmpty());
    std::vector<std::string> by_help = {"help"};
    by_help.insert(by_help.end(), command.begin(), command.end());
    EXPECT_EQ(Run(by_help).out, run.out);
    words.back() = "-h";
    EXPECT_EQ(Run(words).out, run.out);
  }
}

TEST_F(CliTest, VersionsAreTold) {
  EXPECT_EQ(Run({"--version"}).out, "sluice " SLUICE_VERSION "\n");
  EXPECT_EQ(Run({"-V"}).out, "sluice " SLUICE_VERSION "\n");
  EXPECT_THAT(Run({"version"}).out, StartsWith("sluice " SLUICE_VERSION " (SQLite 3."));
}

TEST_F(CliTest, ErrorsSayWhatAndWhatToDo) {
  const Outcome run = Run({"ingest", "a.db", "x.jsonl", "--tabel", "t"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_EQ(run.err,
            "sluice: ingest has no option --tabel\n  try: --table, or sluice ingest --help\n");
  // Options of what is to come are not taken in silence.
  EXPECT_EQ(Run({"ingest", "a.db", "x.jsonl", "--poll"}).status, 2);
}

TEST_F(CliTest, AnOptionThatIsLikeNoOtherLeadsToTheHelp) {
  const Outcome run = Run({"ingest", "a.db", "x.jsonl", "--xyzzy"});
  EXPECT_EQ(
      run.err,
      "sluice: ingest has no option --xyzzy\n  try: sluice ingest --help, which lists them\n");
  EXPECT_EQ(Run({"--xyzzy"}).err,
            "sluice: there is no option --xyzzy\n  try: sluice --help, which lists them\n");
  // Not the one that is for us alone.
  EXPECT_THAT(Run({"ingest", "a.db", "x.jsonl", "--handed-ovre"}).err,
              Not(HasSubstr("--handed-over")));
  EXPECT_THAT(Run({"ingest", "a.db"}).err, StartsWith("sluice: ingest: INPUT is missing\n"));
}

TEST_F(CliTest, WhatIsNoDatabaseButJsonIsToldSo) {
  folder_.Write("app.jsonl", "{\"a\":1}\n");
  EXPECT_EQ(Run({"query", "app.jsonl", "SELECT 1"}).err,
            "sluice: app.jsonl: this is no SQLite database, but looks like JSON\n"
            "  try: make a database of it first: sluice ingest app.db app.jsonl\n");
}

TEST_F(CliTest, AnInputThatIsNotThereIsNamedPlainly) {
  EXPECT_EQ(Run({"ingest", "a.db", "nofile"}).err,
            "sluice: nofile: there is no such file or folder\n  try: check the path\n");
}

TEST_F(CliTest, AFileOfTheKernelIsNotTakenForAnEmptyOne) {
  const Outcome run = Run({"ingest", "a.db", "/proc/self/status"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("cat /proc/self/status | sluice ingest DB -"));
}

TEST_F(CliTest, HelpOnWhatIsNotThereSaysWhatIs) {
  EXPECT_EQ(Run({"help", "nope"}).err,
            "sluice: there is no subcommand 'nope'\n  try: sluice --help, which lists them\n");
  EXPECT_EQ(Run({"help", "rejects", "rety"}).err,
            "sluice: there is no subcommand 'rejects rety'\n  try: sluice help rejects retry\n");
  EXPECT_EQ(Run({"help", "quary"}).err,
            "sluice: there is no subcommand 'quary'\n  try: sluice help query\n");
}

TEST_F(CliTest, WithJsonAnErrorIsAnObjectToo) {
  const Outcome run = Run({"status", "none.db", "--json"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(
      run.out,
      StartsWith(
          "{\"error\":{\"code\":\"not_found\",\"message\":\"none.db: there is no such database\""));
  EXPECT_THAT(run.err, StartsWith("sluice: none.db"));
  EXPECT_THAT(Run({"status", "--json"}).out, HasSubstr("\"exit_status\":2}"));
}

// Each ends at once, says what is wrong and what to do, and leaves no database.
TEST_F(CliTest, FollowSaysWhatItCannotFollow) {
  folder_.Write("x.jsonl", "{\"a\":1}\n");
  folder_.Write("text.db", std::string(200, 'x'));
  folder_.Write("array.json", "[\n{\"a\":1}]");
  std::filesystem::create_directory(folder_ / "folder");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"a.db", "none/x.jsonl"}, "none/x.jsonl: there is no folder none"},
      {{"a.db", "none/"}, "none/: there is no folder none"},
      {{"folder", "x.jsonl"}, "this is a directory, not a database"},
      {{"none/a.db", "x.jsonl"}, "there is no folder none"},
      {{"text.db", "x.jsonl"}, "not a database"},
      {{"a.db", "array.json"}, "one JSON array"},
      {{"--schema", "none.toml", "a.db", "x.jsonl"}, "none.toml"},
      {{"--schema", "none", "a.db", "x.jsonl"}, "there is no preset 'none'"},
      {{"--status-file", "none/s.json", "a.db", "x.jsonl"}, "write into the folder none: no such"}};
  for (const auto& [arguments, message] : cases) {
    std::vector<std::string> words = {"ingest", "--follow"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Outcome run = Run(words);
    EXPECT_TRUE(run.status == 1 || run.status == 2) << message;
    EXPECT_THAT(run.err, AllOf(HasSubstr(message), HasSubstr("\n  try: ")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.db"));
}

TEST_F(CliTest, IngestRefusesCombinationsThatSayNothing) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--ignore"}, "--ignore needs --pk"},
      {{"--replace"}, "--replace needs --pk"},
      {{"--pk", "id", "--ignore", "--replace"}, "--ignore and --replace are given both"},
      {{"--start-offset", "1", "y.jsonl"}, "--start-offset is for a single file"},
      {{"--start-offset", "1", "--start-at-end"}, "given both"},
      {{"--force"}, "--force is given without --from-scratch"},
      {{"--events", "off", "--events-db", "e.db"}, "--events-db is given with --events off"},
      {{"--page-size", "5000"}, "--page-size is no power of two"},
      {{"--page-size", "512"}, "--page-size is no power of two from 1KiB to 64KiB"},
      {{"--commit-rows", "0"}, "must be 1 or more"},
      {{"--max-line", "0"}, "--max-line must be 1 or more"},
      {{"--max-line", "much"}, "--max-line: 'much' is not a size: write a number and a unit"},
      {{"--rss-budget", "64MiB"}, "--rss-budget is given without --follow"},
      {{"--publish-after", "5s"}, "--publish-after is given without --follow"},
      {{"--follow", "--rss-budget", "1MiB"}, "less than the program itself takes"},
      {{"--follow", "--publish-after", "5s"}, "stdin is no INPUT"},
      {{"--follow", "--stop-after", "5"}, "--stop-after is given with --follow"},
      {{"--follow", "--start-offset", "5"}, "--start-offset is given with --follow"},
      {{"--follow", "--fail-on-reject"}, "--fail-on-reject is given with --follow"},
      {{"--follow", "--status-file", "/"}, "--status-file / is no file"},
      {{"--on-bad-line", "cry"}, "'cry' is none of keep, skip, fail"}};
  folder_.Write("x.jsonl", "{}\n");
  for (const auto& [options, message] : cases) {
    std::vector<std::string> words = {"ingest", "a.db", "x.jsonl"};
    words.insert(words.end(), options.begin(), options.end());
    const Outcome run = Run(words);
    EXPECT_EQ(run.status, 2) << message;
    EXPECT_THAT(run.err, AllOf(HasSubstr(message), HasSubstr("\n  try: ")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.db"));
}

TEST_F(CliTest, IngestReportsToStderrAndOnlyJsonToStdout) {
  MakeDatabase();
  folder_.Append("app.jsonl", "{\"id\":5}\n");
  const Outcome run = Run({"ingest", "app.db", "--table", "app", "app.jsonl", "--json"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(
      run.out,
      AllOf(StartsWith("{\"rows\":1,\"ignored\":0,\"replaced\":0,\"rejects\":0,\"blank_lines\":0,"),
            HasSubstr("\"path\":\"sqlite\""), HasSubstr("\"sources\":[{\"path\":")));
  const Outcome quiet = Run({"ingest", "app.db", "--table", "app", "app.jsonl", "--quiet"});
  EXPECT_EQ(quiet.status, 0);
  EXPECT_THAT(quiet.out + quiet.err, IsEmpty());
  const Outcome again = Run({"ingest", "app.db", "--table", "app", "app.jsonl"});
  EXPECT_THAT(again.err, HasSubstr("nothing new in 1 source"));
}

TEST_F(CliTest, ProgressIsForTerminalsUnlessAskedFor) {
  folder_.Write("x.jsonl", "{\"a\":1}\n");
  EXPECT_THAT(Run({"ingest", "a.db", "x.jsonl"}).err, Not(HasSubstr("rows/s  ")));
  folder_.Append("x.jsonl", "{\"a\":1}\n");
  const Outcome always = Run({"ingest", "a.db", "x.jsonl", "--progress", "always"});
  EXPECT_THAT(always.err, Not(HasSubstr("\r"))) << "in a log there is nothing to draw over";
}

// Rows are worth more than what is said of them.
TEST_F(CliTest, NobodyWhoReadsAlongIsNoReasonToFail) {
  folder_.Write("x.jsonl", "{\"a\":1}\n");
  int runs = 0;
  for (const char* redirection : {"2>/dev/full", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    const std::string database = "a" + std::to_string(++runs) + ".db";
    const std::string command =
        std::string(SLUICE_PROGRAM) + " ingest " + database + " x.jsonl " + redirection;
    EXPECT_EQ(RunCommand({"/bin/sh", "-c", command}, "", {}).status, 0) << redirection;
    EXPECT_EQ(Run({"query", database, "SELECT count(*) FROM lines", "--format", "raw"}).out, "1\n");
  }
}

TEST_F(CliTest, StdinThatIsNotOpenIsAnError) {
  const std::string command = std::string(SLUICE_PROGRAM) + " ingest a.db - <&-";
  const Outcome run = RunCommand({"/bin/sh", "-c", command}, "", {});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("cannot read stdin"));
}

TEST_F(CliTest, AStreamThatEndedWithoutARecordIsNotWaitedFor) {
  MakeDatabase();
  const Outcome run =
      RunCommand({"sh", "-c", "true | \"$S\" ingest app.db -"}, "", {{"S", SLUICE_PROGRAM}});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("nothing came: -\n"));
  EXPECT_THAT(Run({"status", "app.db"}).out, Not(HasSubstr("waiting:")));
}

TEST_F(CliTest, AFileOnStdinIsThatFile) {
  folder_.Write("app.jsonl", "{\"id\":1}\n");
  for (const char* options : {"", "--table t", "--schema raw"}) {
    const std::string command = std::string("\"$S\" ingest a.db - ") + options + " < app.jsonl";
    const Outcome run =
        RunCommand({"sh", "-c", "rm -f a.db; " + command}, "", {{"S", SLUICE_PROGRAM}});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("1 row")) << options;
  }
  // It is known by its path from here on.
  EXPECT_THAT(Run({"ingest", "a.db", "app.jsonl", "--schema", "raw"}).err,
              HasSubstr("nothing new"));
}

TEST_F(CliTest, ColumnsToTheLimitOfATable) {
  std::string schema = "table = \"wide\"\n";
  for (int i = 0; i < 1999; ++i) schema += "[[column]]\nname = \"k" + std::to_string(i) + "\"\n";
  folder_.Write("wide.toml", schema);
  folder_.Write("wide.jsonl", "{\"k1\":1,\"k1998\":2}\n");
  const Outcome run = Run({"ingest", "wide.db", "wide.jsonl", "--schema", "wide.toml"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(Run({"query", "wide.db", "SELECT k1 + k1998 FROM wide", "--format", "raw"}).out, "3\n");
}

TEST_F(CliTest, AFileAtItsLimitIsAnError) {
  folder_.Write("app.jsonl", "{\"id\":1}\n");
  const Outcome run = RunIn(
      folder_, {SLUICE_PROGRAM, "ingest", "small.db", "app.jsonl", "--pk", "id"}, {.prepare = [] {
        const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
        return setrlimit(RLIMIT_FSIZE, &limit) == 0;
      }});
  EXPECT_EQ(run.status, 1) << run.err;
  EXPECT_THAT(run.err, HasSubstr("sluice: "));
}

TEST_F(CliTest, SwappedArgumentsAreSaid) {
  MakeDatabase();
  const Outcome run = Run({"ingest", "app.jsonl", "app.db"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("app.jsonl: this is no SQLite database, but looks like JSON"));
}

TEST_F(CliTest, FailOnRejectExitsWithThree) {
  folder_.Write("x.jsonl", "{\"a\":1}\nno\n");
  const Outcome run = Run({"ingest", "a.db", "x.jsonl", "--fail-on-reject"});
  EXPECT_EQ(run.status, 3) << run.err;
  EXPECT_THAT(run.err, HasSubstr("sluice rejects a.db"));
  EXPECT_EQ(Run({"query", "a.db", "SELECT count(*) FROM lines", "--format", "raw"}).out, "1\n");
}

TEST_F(CliTest, DryRunTellsAndDoesNothing) {
  folder_.Write("x.jsonl", "{\"a\":1}\n");
  const Outcome run = Run({"ingest", "a.db", "x.jsonl", "--dry-run"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("would be made"), HasSubstr("x.jsonl"), HasSubstr("CREATE TABLE")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.db"));
  EXPECT_THAT(Run({"ingest", "a.db", "x.jsonl", "--dry-run", "--json"}).out,
              AllOf(StartsWith("{\"dry_run\":true,"), HasSubstr("\"creates_database\":true")));
}

TEST_F(CliTest, BadInputIsAClearError) {
  MakeDatabase();
  folder_.Write("not.db", std::string(4096, 'x'));
  folder_.Write("folder/x.jsonl", "{}\n");
  folder_.Write("bad.toml", "table = \"t\"\ncolunms = 1\n");
  folder_.Write("bad.jsonl.gz", "\x1f\x8b\x08 nonsense");
  folder_.Write("pretty.json", "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
  folder_.Write("s.sse", "event: ping\ndata: {}\n\nevent: ping\ndata: {}\n\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"ingest", "a.db", "missing.jsonl"}, "missing.jsonl"},
      {{"ingest", "folder", "app.jsonl"}, "directory"},
      {{"ingest", "not.db", "app.jsonl"}, "not.db"},
      {{"ingest", "app.db", "app.db"}, "app.db"},
      {{"ingest", "a.db", "app.jsonl", "--schema", "bad.toml"}, "bad.toml:2"},
      {{"ingest", "a.db", "app.jsonl", "--schema", "sse-line"}, "sse-line"},
      {{"ingest", "a.db", "bad.jsonl.gz"}, "bad.jsonl.gz"},
      {{"ingest", "a.db", "pretty.json"}, "pretty.json"},
      {{"ingest", "a.db", "s.sse"}, "s.sse"},
      {{"query", "folder", "SELECT 1"}, "directory"},
      {{"query", "not.db", "SELECT 1"}, "not.db"},
      {{"status", "none.db"}, "there is no such database"},
      {{"schema", "show", "sse-line"}, "sse-line"}};
  for (const auto& [words, message] : cases) {
    const Outcome run = Run(words);
    EXPECT_TRUE(run.status == 1 || run.status == 2)
        << testing::PrintToString(words) << run.status << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("sluice: "), HasSubstr(message), HasSubstr("\n  try: ")))
        << testing::PrintToString(words);
    EXPECT_THAT(run.out, IsEmpty());
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.db"));
}

TEST_F(CliTest, OptionsComeFromTheEnvironmentAndTheConfigFileToo) {
  MakeDatabase();
  const std::string sql = "SELECT id FROM app ORDER BY id";
  const std::string config =
      folder_.Write("c.toml", "[query]\nformat = \"ndjson\"\nmax-rows = 1\n");
  EXPECT_EQ(Run({"query", "app.db", sql, "--config", config, "--quiet"}).out, "{\"id\":1}\n");
  EXPECT_EQ(Run({"query", "app.db", sql, "--quiet"}, "",
                {{"SLUICE_CONFIG", config}, {"SLUICE_MAX_ROWS", "2"}})
                .out,
            "{\"id\":1}\n{\"id\":3}\n");
  EXPECT_EQ(Run({"query", "app.db", sql, "--format", "raw"}, "", {{"SLUICE_FORMAT", "json"}}).out,
            "1\n3\n4\n");
  const Outcome wrong = Run({"query", "app.db", sql}, "", {{"SLUICE_FORMAT", "xml"}});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("SLUICE_FORMAT: --format: 'xml' is none of table"));
}

TEST_F(CliTest, QueryPrintsCsvIntoAPipe) {
  MakeDatabase();
  const Outcome run =
      Run({"query", "app.db", "SELECT level, count(*) AS n FROM app GROUP BY 1 ORDER BY 1"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "level,n\ninfo,2\nwarn,1\n");
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_EQ(Run({"query", "app.db", "SELECT 1 AS a", "--json"}).out,
            "{\"columns\":[\"a\"],\"rows\":[\n{\"a\":1}\n]\n,\"truncated\":false}\n");
}

TEST_F(CliTest, QueryBindsParameters) {
  MakeDatabase();
  const auto out = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"query", "app.db", "--format", "raw"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome run = Run(all);
    return run.status == 0 ? run.out : run.err;
  };
  EXPECT_EQ(out({"SELECT typeof(?), ?1", "7"}), "integer\n7\n");
  EXPECT_EQ(out({"SELECT typeof(?), ?1", "-1.5"}), "real\n-1.5\n");
  EXPECT_EQ(out({"SELECT typeof(?), ?1", "02139"}), "text\n02139\n");
  EXPECT_EQ(out({"SELECT typeof(?), ?1", "1.50", "--text-params"}), "text\n1.50\n");
  EXPECT_EQ(out({"SELECT ?", "[1,2]"}), "[1,2]\n") << "a JSON array is one value";
  EXPECT_EQ(out({"SELECT ? || :x || ?", "a", ":x=b=c", "d"}), "ab=cd\n");
  EXPECT_EQ(out({"SELECT @x || $y", ":y=2", ":x=1"}), "12\n");
  EXPECT_EQ(out({"SELECT ?", "--", "--format"}), "--format\n");
  EXPECT_EQ(out({"SELECT @b || $c", "@b=2", "$c=3"}), "23\n");
  EXPECT_EQ(out({"SELECT ?", "@b=2"}), "@b=2\n") << "a value, if there is no such parameter";
  EXPECT_THAT(out({"SELECT ?, ?", "1"}), HasSubstr("the SQL has 2 parameters, 1 given"));
  EXPECT_THAT(out({"SELECT ?"}), HasSubstr("the SQL has 1 parameter, 0 given"));
  EXPECT_THAT(out({"SELECT 1", "1"}), HasSubstr("the SQL has 0 parameters, 1 given"));
  EXPECT_THAT(out({"SELECT :x", ":y=1"}), HasSubstr("no parameter :y"));
}

// What SQL itself makes of the word is the judge.
TEST_F(CliTest, AParameterThatIsWrittenAsANumberIsBoundAsOne) {
  folder_.Write("price.jsonl",
                "{\"price\":1}\n{\"price\":2.5}\n{\"price\":3}\n{\"price\":\"x\"}\n");
  ASSERT_EQ(Run({"ingest", "price.db", "price.jsonl"}).status, 0);
  for (const char* word : {"7",
                           "-7",
                           "+5",
                           "0",
                           "-0",
                           "1.5",
                           "1.50",
                           "2.00",
                           ".5",
                           "5.",
                           "-.5",
                           "1e5",
                           "15e-1",
                           "1E+2",
                           "9223372036854775807",
                           "9223372036854775808",
                           "12345678901234567890",
                           "0.1",
                           "1e999",
                           "-1e999",
                           "0e0"}) {
    const std::string judge = word;
    EXPECT_EQ(
        Run({"query", "price.db", "SELECT typeof(?1) = typeof(" + judge + ") AND ?1 IS " + judge,
             "--format", "raw", "--", word})
            .out,
        "1\n")
        << word;
  }
  for (const char* word : {"", "-", "+", ".", "e5", "1e", "1e+", "1.5.2", "02139", "-007", "0x10",
                           "1 ", " 1", "1_000", "inf", "nan", "1,5", "--1"}) {
    EXPECT_EQ(Run({"query", "price.db", "SELECT typeof(?)", "--format", "raw", "--", word}).out,
              "text\n")
        << word;
  }
  for (const char* word : {"1.5", "1.50", "15e-1", "+1.5"}) {
    EXPECT_EQ(Run({"query", "price.db",
                   "SELECT count(*) FROM lines WHERE typeof(price) <> 'text' AND price > ?", word,
                   "--format", "raw"})
                  .out,
              "2\n")
        << word;
  }
}

TEST_F(CliTest, AMissingTableOrColumnGetsTheNearestName) {
  MakeDatabase();
  EXPECT_THAT(Run({"query", "app.db", "SELECT * FROM ap"}).err,
              HasSubstr("try: did you mean app?"));
  EXPECT_THAT(Run({"query", "app.db", "SELECT levle FROM app"}).err,
              HasSubstr("try: did you mean level?"));
  // Columns of tables that the SQL does not name, and the word itself, are no help.
  EXPECT_THAT(Run({"query", "app.db", "SELECT path FROM app"}).err,
              HasSubstr("try: the columns there: _id, id, level, _source, _line, _extra\n"));
  EXPECT_THAT(Run({"query", "app.db", "SELECT * FROM unheard_of"}).err,
              HasSubstr("try: its tables and views: app\n"));
}

TEST_F(CliTest, QueryOnlyReads) {
  MakeDatabase();
  for (const char* sql :
       {"DELETE FROM app", "DROP TABLE app", "ATTACH 'x.db' AS x", "PRAGMA journal_mode=DELETE"}) {
    const Outcome run = Run({"query", "app.db", sql});
    EXPECT_NE(run.status, 0) << sql;
    EXPECT_THAT(run.err, HasSubstr("\n  try: ")) << sql;
  }
  EXPECT_EQ(Run({"query", "app.db", "SELECT count(*) FROM app", "--format", "raw"}).out, "3\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.db"));
}

TEST_F(CliTest, QueryHasLimits) {
  MakeDatabase();
  const Outcome rows =
      Run({"query", "app.db", "SELECT id FROM app", "--max-rows", "2", "--format", "raw"});
  EXPECT_EQ(rows.out, "1\n3\n");
  EXPECT_EQ(rows.err, "2 rows; there are more: --max-rows\n");
  const Outcome time =
      Run({"query", "app.db", "--time-limit", "50ms",
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"});
  EXPECT_EQ(time.status, 1);
  EXPECT_THAT(time.err, HasSubstr("--time-limit"));
}

TEST_F(CliTest, QueryMarksWhereTheSqlIsWrong) {
  MakeDatabase();
  const Outcome run = Run({"query", "app.db", "SELECT id,\n  levle\nFROM app"});
  EXPECT_NE(run.status, 0);
  EXPECT_THAT(run.err, AllOf(HasSubstr("levle"), HasSubstr("\n    levle\n    ^\n")));
  EXPECT_THAT(Run({"query", "app.db", "SELECT 1; SELECT 2"}).err,
              HasSubstr("more than one SQL statement"));
  EXPECT_EQ(Run({"query", "app.db", "-", "--format", "raw"}, "SELECT 6 * 7; -- the answer\n").out,
            "42\n");
}

TEST_F(CliTest, StatusTellsOfSourcesAndTheirLag) {
  MakeDatabase();
  folder_.Append("app.jsonl", "{\"id\":5}\n");
  const Outcome text = Run({"status", "app.db"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("app: 3 rows of 4 lines"), HasSubstr("app.jsonl"),
                              HasSubstr("1 reject"), HasSubstr("9B")));
  const Outcome json = Run({"status", "app.db", "--json"});
  EXPECT_THAT(json.out, AllOf(StartsWith("{\"database\":\"app.db\","),
                              HasSubstr("\"state\":\"grown\",\"lag_bytes\":9,"),
                              HasSubstr("\"tables\":[{\"name\":\"app\",\"lines\":4,\"rows\":3,")));
}

TEST_F(CliTest, StatusTellsOfGaps) {
  MakeDatabase();
  EXPECT_THAT(Run({"status", "app.db"}).out, Not(HasSubstr("gap")));
  EXPECT_THAT(Run({"status", "app.db", "--json"}).out,
              HasSubstr("\"gaps\":0,\"gap_bytes\":0,\"possible_gaps\":0,\"latest_gaps\":[]"));
  folder_.Write("app.jsonl", "{\"id\":5}\n");
  EXPECT_THAT(Run({"ingest", "app.db", "--table", "app", "app.jsonl"}).err,
              HasSubstr("possible gap"));
  EXPECT_THAT(Run({"status", "app.db"}).out,
              AllOf(HasSubstr("0 gaps with 0B known to be gone, 1 possible gap"),
                    HasSubstr("after byte"), HasSubstr("not known")));
  EXPECT_THAT(Run({"status", "app.db", "--json"}).out,
              AllOf(HasSubstr("\"possible_gaps\":1,\"latest_gaps\":[{\"path\":"),
                    HasSubstr("app.jsonl\",\"offset\":83,\"bytes\":null,")));
}

TEST_F(CliTest, RejectsAreShownWithTheirPlaceAndTheBadSpot) {
  MakeDatabase();
  const Outcome text = Run({"rejects", "app.db"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("app.jsonl:2  byte 24, table app\n"),
                              HasSubstr("\n  {\"id\":2,,}\n          ^\n")));
  EXPECT_EQ(Run({"rejects", "app.db", "--format", "raw"}).out, "{\"id\":2,,}\n");
  EXPECT_EQ(Run({"rejects", "app.db", "--source", "app.jsonl", "--format", "raw"}).out,
            "{\"id\":2,,}\n");
  EXPECT_THAT(Run({"rejects", "app.db", "--json"}).out,
              StartsWith("{\"total\":1,\"rejects\":[\n{\"id\":"));
  EXPECT_EQ(Run({"rejects", "app.db", "--source", "other.jsonl"}).status, 1);
  EXPECT_EQ(Run({"rejects"}).status, 2);
}

TEST_F(CliTest, RejectsCanBeTriedAgain) {
  MakeDatabase();
  const Outcome run = Run({"rejects", "retry", "app.db"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.err, "tried 1 reject: 0 became rows\n");
  EXPECT_EQ(Run({"rejects", "retry", "app.db", "--json"}).out,
            "{\"tried\":1,\"rows\":0,\"rejects\":1,\"cut_off\":0}\n");
}

TEST_F(CliTest, AFolderForTemporaryFilesThatIsNotThereIsSaid) {
  folder_.Write("x.jsonl", "{\"a\":1}\n");
  const Outcome run = Run({"schema", "infer", "x.jsonl"}, "", {{"TMPDIR", "/nowhere"}});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("temporary files"), HasSubstr("TMPDIR")));
}

TEST_F(CliTest, SchemasAreListedShownAndInferred) {
  EXPECT_THAT(Run({"schema", "list"}).out,
              AllOf(HasSubstr("sse-lines"), HasSubstr("claude-code"), HasSubstr("raw")));
  const Outcome preset = Run({"schema", "show", "sse-lines"});
  EXPECT_THAT(preset.out, HasSubstr("sse_lines"));
  folder_.Write("x.jsonl", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2}\n");
  const Outcome inferred = Run({"schema", "infer", "x.jsonl", "--table", "mine"});
  ASSERT_EQ(inferred.status, 0) << inferred.err;
  folder_.Write("x.toml", inferred.out);
  const Outcome used = Run({"ingest", "a.db", "x.jsonl", "--schema", "x.toml"});
  EXPECT_EQ(used.status, 0) << used.err << inferred.out;
  EXPECT_EQ(Run({"query", "a.db", "SELECT sum(a) FROM mine", "--format", "raw"}).out, "3\n");
}

TEST_F(CliTest, AnEditedSchemaIsShownThenApplied) {
  MakeDatabase();
  std::string schema =
      Run({"query", "app.db", "SELECT schema FROM _sluice_schemas", "--format", "raw"}).out;
  const std::string type = "type = \"INTEGER\"\nkeep_strings_out = true";
  const size_t of_id = schema.find(type);
  ASSERT_NE(of_id, std::string::npos) << schema;
  schema.replace(of_id, type.size(), "type = \"TEXT\"");
  folder_.Write("app.toml", schema);

  const Outcome preview = Run({"schema", "apply", "app.db", "app.toml", "--dry-run"});
  EXPECT_EQ(preview.status, 0) << preview.err;
  EXPECT_THAT(preview.out, StartsWith("app would change:\n  "));
  EXPECT_EQ(Run({"query", "app.db", "SELECT typeof(max(id)) FROM app", "--format", "raw"}).out,
            "integer\n");

  const Outcome applied = Run({"schema", "apply", "app.db", "app.toml"});
  EXPECT_EQ(applied.status, 0);
  EXPECT_THAT(applied.out, IsEmpty());
  EXPECT_THAT(applied.err, AllOf(StartsWith("app changed:\n"), HasSubstr("3 rows written anew")));
  EXPECT_EQ(Run({"query", "app.db", "SELECT typeof(max(id)) FROM app", "--format", "raw"}).out,
            "text\n");
  EXPECT_EQ(Run({"schema", "apply", "app.db", "app.toml"}).err, "app is what the schema says\n");
  EXPECT_THAT(Run({"schema", "apply", "app.db", "app.toml", "--json"}).out,
              AllOf(HasSubstr("\"changes\":[]"), HasSubstr("\"notes\":[]")));

  const Outcome refused = Run({"schema", "apply", "app.db", "no-such.toml"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("no-such.toml"));
}

TEST_F(CliTest, NothingIsColouredIntoAPipeAndNoColorIsKept) {
  MakeDatabase();
  for (const std::map<std::string, std::string>& environment :
       {std::map<std::string, std::string>{}, {{"NO_COLOR", "1"}}}) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"--help"}, {"status", "app.db"}, {"rejects", "app.db"}, {"status", "none.db"}}) {
      const Outcome run = Run(words, "", environment);
      EXPECT_THAT(run.out + run.err, Not(HasSubstr("\x1b")));
    }
  }
  if (std::system("script -qec true /dev/null >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "script(1) can make no terminal here: it or /dev/pts is missing";
  const std::string command = std::string(SLUICE_PROGRAM) + " --help";
  const std::vector<std::string> in_terminal = {"script", "-qec", command, "/dev/null"};
  EXPECT_THAT(RunCommand(in_terminal, "", {{"TERM", "xterm"}}).out, HasSubstr("\x1b[1m"));
  EXPECT_THAT(RunCommand(in_terminal, "", {{"TERM", "xterm"}, {"NO_COLOR", "1"}}).out,
              Not(HasSubstr("\x1b")));
}

TEST_F(CliTest, TheManualPageIsCleanRoff) {
  const Outcome page = Run({"help", "--man"});
  EXPECT_THAT(page.out, AllOf(StartsWith(".TH SLUICE 1"), HasSubstr("\\-\\-max\\-line SIZE")));
  if (std::system("command -v groff >/dev/null") != 0) GTEST_SKIP() << "no groff to check it with";
  folder_.Write("sluice.1", page.out);
  const Outcome checked = RunCommand({"groff", "-man", "-ww", "-Tutf8", "-z", "sluice.1"}, "", {});
  EXPECT_EQ(checked.status, 0);
  EXPECT_THAT(checked.err, IsEmpty());
}

TEST_F(CliTest, BashCompletesSubcommandsOptionsAndValues) {
  if (std::system("command -v bash >/dev/null") != 0) GTEST_SKIP() << "no bash";
  folder_.Write("completion", Run({"help", "--completion", "bash"}).out);
  folder_.Write("logs.jsonl", "");
  const auto completed = [&](const std::string& words) {
    const std::string script = "source ./completion; COMP_WORDS=(" + words +
                               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
                               "_sluice; printf '%s\\n' \"${COMPREPLY[@]}\"";
    const Outcome run = RunCommand({"bash", "--norc", "-euc", script}, "", {});
    EXPECT_THAT(run.err, IsEmpty());
    return run.out;
  };
  EXPECT_EQ(completed("sluice inge"), "ingest\n");
  EXPECT_THAT(completed("sluice ''"), AllOf(HasSubstr("query\n"), HasSubstr("schema\n")));
  EXPECT_EQ(completed("sluice rejects re"), "retry\n");
  EXPECT_EQ(completed("sluice ingest a.db --max"), "--max-line\n");
  EXPECT_EQ(completed("sluice ingest --schema sse"), "sse-lines\n");
  EXPECT_EQ(completed("sluice schema show cl"), "claude-code\n");
  EXPECT_EQ(completed("sluice query --format nd"), "ndjson\n");
  EXPECT_EQ(completed("sluice ingest a.db logs"), "logs.jsonl\n");
}

const char* const kCompletions[][2] = {{"sluice inge", "ingest"},
                                       {"sluice rejects re", "retry"},
                                       {"sluice ingest a.db --max", "--max-line"},
                                       {"sluice ingest --schema sse", "sse-lines"},
                                       {"sluice schema show cl", "claude-code"},
                                       {"sluice query --format nd", "ndjson"},
                                       {"sluice help --completion fi", "fish"},
                                       {"sluice ingest a.db logs", "logs.jsonl"}};

TEST_F(CliTest, FishCompletesSubcommandsOptionsAndValues) {
  if (std::system("command -v fish >/dev/null") != 0) GTEST_SKIP() << "no fish";
  folder_.Write("sluice.fish", Run({"help", "--completion", "fish"}).out);
  folder_.Write("logs.jsonl", "");
  for (const auto& [words, expected] : kCompletions) {
    const std::string script =
        "source sluice.fish; complete -C '" + std::string(words) + "' | string split -f1 \\t";
    const Outcome run =
        RunCommand({"fish", "--no-config", "-c", script}, "", {{"HOME", folder_ / "home"}});
    EXPECT_THAT(run.err, IsEmpty());
    EXPECT_EQ(run.out, std::string(expected) + "\n") << words;
  }
}

// zsh completes only at a terminal: its own functions are replaced by some that print what they are
// given.
TEST_F(CliTest, ZshCompletesSubcommandsOptionsAndValues) {
  if (std::system("command -v zsh >/dev/null") != 0) GTEST_SKIP() << "no zsh";
  folder_.Write("_sluice", Run({"help", "--completion", "zsh"}).out);
  folder_.Write("logs.jsonl", "");
  for (const auto& [words, expected] : kCompletions) {
    const std::string script =
        "compdef() {}; _describe() { print -rl -- ${${(P)@[-1]}%%:*}; }; _files() { print -l "
        "*.jsonl; };"
        " compset() {}; source ./_sluice; words=(" +
        std::string(words) + "); CURRENT=$#words; PREFIX=$words[-1]; _sluice";
    const Outcome run = RunCommand({"zsh", "-f", "-c", script}, "", {});
    EXPECT_THAT(run.err, IsEmpty());
    EXPECT_THAT("\n" + run.out, HasSubstr("\n" + std::string(expected) + "\n")) << words;
  }
}

TEST_F(CliTest, AFullDiskUnderStdoutIsAnError) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  MakeDatabase();
  const std::string command =
      std::string(SLUICE_PROGRAM) + " query app.db 'SELECT * FROM app' > /dev/full";
  const Outcome run = RunCommand({"sh", "-c", command}, "", {});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, StartsWith("sluice: stdout: No space left on device"));
}

}  // namespace
}  // namespace sluice
