// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "cli/manual.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

enum class Colour { kRed, kGreen };

// A program with two subcommands, parsed anew for each line, as a process would.
struct Parsed {
  explicit Parsed(const std::vector<std::string>& words) : program("a program", "sluice") {
    program.require_subcommand(1);
    program.set_help_flag("--help", "Explain");
    CLI::App* pour = program.add_subcommand("pour", "Pour");
    Options options(pour);
    options.Positional("DB", "The database", &database);
    options.Positionals("INPUT", "The inputs", &inputs);
    options.Size("--max-line", "A size", &size);
    options.Count("--commit-rows", "A count", &count);
    options.Duration("--wait", "A time", &wait);
    options.Flag("--alter", "A flag", &alter);
    options.Texts("--pk", "COL", "Columns", &keys, ',');
    options.Choice("--colour", "A colour", {{"red", Colour::kRed}, {"green", Colour::kGreen}},
                   &colour);
    AddCommonOptions(&options, &common);
    CLI::App* drain = program.add_subcommand("drain", "Drain");
    Options(drain).Text("--only-drain", "X", "A text", &only_drain);

    std::vector<const char*> argv = {"sluice"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    line = ParseCommandLine(&program, static_cast<int>(argv.size()), argv.data());
  }

  CLI::App program;
  std::string database;
  std::vector<std::string> inputs;
  uint64_t size = 100;
  uint64_t count = 7;
  std::chrono::milliseconds wait{10'000};
  bool alter = false;
  std::vector<std::string> keys;
  Colour colour = Colour::kRed;
  CommonOptions common;
  std::string only_drain;
  CommandLine line;
};

class OptionsTest : public testing::Test {
 protected:
  ~OptionsTest() override {
    for (const std::string& name : set_) unsetenv(name.c_str());
  }
  void SetEnvironment(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }
  std::vector<std::string> set_;
};

TEST_F(OptionsTest, ReadsAllKindsOfValues) {
  const Parsed p({"pour", "a.db", "x", "y", "--max-line", "8KiB", "--commit-rows=9", "--wait",
                  "50ms", "--alter", "--pk", "a,b", "--pk", "c", "--colour", "green"});
  ASSERT_TRUE(p.line.status.ok()) << p.line.status.message();
  EXPECT_EQ(p.database, "a.db");
  EXPECT_EQ(p.inputs, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(p.size, 8192u);
  EXPECT_EQ(p.count, 9u);
  EXPECT_EQ(p.wait.count(), 50);
  EXPECT_TRUE(p.alter);
  EXPECT_EQ(p.keys, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(p.colour, Colour::kGreen);
}

TEST_F(OptionsTest, TheCommandLineGoesBeforeTheEnvironmentAndThatBeforeTheFile) {
  const TemporaryDirectory folder;
  const std::string config =
      folder.Write("c.toml",
                   "max-line = \"1KiB\"\ncommit-rows = 1\nalter = true\npk = ['k', 'l']\n"
                   "[pour]\nmax-line = \"2KiB\"\n[drain]\nonly-drain = \"d\"\n");
  {
    const Parsed p({"pour", "a.db", "x", "--config", config});
    ASSERT_TRUE(p.line.status.ok()) << p.line.status.message();
    EXPECT_EQ(p.size, 2048u) << "the subcommand's own table goes before the top";
    EXPECT_EQ(p.count, 1u);
    EXPECT_TRUE(p.alter);
    EXPECT_EQ(p.keys, (std::vector<std::string>{"k", "l"}));
    EXPECT_EQ(p.wait.count(), 10'000) << "what nobody says stays";
  }
  SetEnvironment("SLUICE_CONFIG", config);
  SetEnvironment("SLUICE_MAX_LINE", "3KiB");
  SetEnvironment("SLUICE_ALTER", "false");
  {
    const Parsed p({"pour", "a.db", "x"});
    ASSERT_TRUE(p.line.status.ok()) << p.line.status.message();
    EXPECT_EQ(p.size, 3072u);
    EXPECT_EQ(p.count, 1u);
    EXPECT_FALSE(p.alter);
  }
  {
    const Parsed p({"pour", "a.db", "x", "--max-line", "4KiB", "--commit-rows", "4", "--alter"});
    ASSERT_TRUE(p.line.status.ok()) << p.line.status.message();
    EXPECT_EQ(p.size, 4096u);
    EXPECT_EQ(p.count, 4u);
    EXPECT_TRUE(p.alter);
  }
}

TEST_F(OptionsTest, MistakesInTheFileAreToldWithTheirLine) {
  const TemporaryDirectory folder;
  const auto message = [&](const std::string& toml) {
    const std::string path = folder.Write("c.toml", toml);
    const Parsed p({"pour", "a.db", "x", "--config", path});
    EXPECT_EQ(p.line.status.code(), StatusCode::kUsage) << toml;
    return p.line.status.message() + " / " + p.line.status.remedy();
  };
  EXPECT_THAT(
      message("\nmax-lime = \"1KiB\"\n"),
      testing::AllOf(testing::HasSubstr("c.toml:2: 'max-lime'"), testing::HasSubstr("'max-line'")));
  EXPECT_THAT(message("[porr]\nx = 1\n"),
              testing::HasSubstr("c.toml:2: there is no subcommand 'porr'"));
  EXPECT_THAT(message("[drain]\nmax-line = 1\n"),
              testing::HasSubstr("c.toml:2: 'max-line' is not an option of drain"));
  EXPECT_THAT(message("max-line = \"much\"\n"), testing::HasSubstr("c.toml:1: --max-line: "));
  EXPECT_THAT(message("wait = 1979-05-27\n"),
              testing::HasSubstr("c.toml:1: 'wait' has a value that no option takes"));
  EXPECT_THAT(message("a = \n"), testing::HasSubstr("c.toml:1: "));
  const Parsed missing({"pour", "a.db", "x", "--config", folder / "none.toml"});
  EXPECT_THAT(missing.line.status.message(),
              testing::HasSubstr("none.toml: there is no such config file"));
}

TEST_F(OptionsTest, AWrongValueInTheEnvironmentNamesItsVariable) {
  SetEnvironment("SLUICE_WAIT", "soon");
  const Parsed p({"pour", "a.db", "x"});
  EXPECT_EQ(p.line.status.code(), StatusCode::kUsage);
  EXPECT_THAT(p.line.status.message(), testing::HasSubstr("SLUICE_WAIT: --wait: "));
}

TEST_F(OptionsTest, TyposGetTheNearestName) {
  const auto status = [](const std::vector<std::string>& words) {
    return Parsed(words).line.status;
  };
  EXPECT_EQ(status({"pour", "a.db", "x", "--max-lien", "1"}).message(),
            "pour has no option --max-lien");
  EXPECT_THAT(status({"pour", "a.db", "x", "--max-lien", "1"}).remedy(),
              testing::StartsWith("--max-line,"));
  EXPECT_THAT(status({"pour", "--alte"}).remedy(), testing::StartsWith("--alter,"))
      << "the typo is told, not that INPUT is missing because of it";
  EXPECT_EQ(status({"poru"}).message(), "there is no subcommand 'poru'");
  EXPECT_EQ(status({"poru"}).remedy(), "sluice pour");
  EXPECT_EQ(status({"xyzzy"}).remedy(), "one of: pour, drain");
  EXPECT_EQ(status({"pour"}).message(), "pour: DB is missing");
  EXPECT_EQ(status({"pour", "a.db"}).message(), "pour: INPUT is missing");
  EXPECT_EQ(status({"pour", "a.db", "x", "--wait"}).message(), "--wait: no value is given");
  EXPECT_EQ(status({"drain", "y"}).message(), "drain: 'y' is one argument too many");
  EXPECT_EQ(status({}).message(), "a subcommand is missing: pour, drain");
  EXPECT_THAT(status({"pour", "a.db", "x", "--colour", "blue"}).message(),
              testing::HasSubstr("'blue' is none of red, green"));
  EXPECT_THAT(status({"pour", "a.db", "x", "--commit-rows", "-1"}).message(),
              testing::HasSubstr("'-1' is not a whole"));
}

TEST_F(OptionsTest, ArgumentsAreTakenAsTheyAre) {
  const Parsed p({"pour", "a.db", "-", "[1,2]", "drain", "--", "--alter", "-x", "[a]"});
  ASSERT_TRUE(p.line.status.ok()) << p.line.status.message();
  EXPECT_EQ(p.inputs, (std::vector<std::string>{"-", "[1,2]", "drain", "--alter", "-x", "[a]"}));
  EXPECT_FALSE(p.alter);
}

TEST_F(OptionsTest, HelpStatesDefaultsAndIsNotJudged) {
  const Parsed p({"pour", "--help"});
  EXPECT_TRUE(p.line.help);
  const std::string help = HelpText(Describe(*p.line.command), Terminal());
  EXPECT_THAT(help, testing::HasSubstr("sluice pour DB INPUT... [OPTION...]"));
  EXPECT_THAT(help, testing::HasSubstr("--max-line SIZE             A size (default 100B)"));
  EXPECT_THAT(help, testing::HasSubstr("--colour red|green"));
}

TEST(NearestWord, KnowsSlipsAndBeginnings) {
  const std::vector<std::string> words = {"--from-scratch", "--force", "--format"};
  EXPECT_EQ(NearestWord("--from", words), "--from-scratch");
  EXPECT_EQ(NearestWord("--frmat", words), "--format");
  EXPECT_EQ(NearestWord("--zzzzzzzz", words), "");
  EXPECT_EQ(NearestWord("agent_msgs", {"agent_usage", "agent_messages"}), "agent_messages");
  EXPECT_EQ(NearestWord("agts", {"agent_messages"}), "") << "less than half of it";
}

}  // namespace
}  // namespace sluice
