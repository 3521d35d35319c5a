// SPDX-License-Identifier: Apache-2.0
// The rules of the house that a machine can keep. CONTRIBUTING.md says why.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "source_tree.h"

namespace sluice {
namespace {

std::string At(const SourceFile& file, size_t line_index) {
  return file.path + ":" + std::to_string(line_index + 1);
}

bool IsProse(const SourceFile& file) { return file.HasExtension(".md") || file.path == "LICENSE"; }

// As a reader counts: a letter is a column, however many bytes it takes in UTF-8.
size_t ColumnsOf(std::string_view line) {
  return static_cast<size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

TEST(Tidy, SourcesSayTheirLicence) {
  for (const SourceFile& file : SourceTree()) {
    if (IsProse(file) || file.HasExtension(".json") || file.HasExtension(".in")) continue;
    if (file.HasExtension(".txt") && !file.path.ends_with("CMakeLists.txt")) continue;
    const size_t shown = std::min<size_t>(file.lines.size(), 2);  // a script's first line is its #!
    EXPECT_TRUE(std::any_of(file.lines.begin(), file.lines.begin() + static_cast<ptrdiff_t>(shown),
                            [](std::string_view line) {
                              return line.ends_with("SPDX-License-Identifier: Apache-2.0");
                            }))
        << file.path << ": no SPDX line at its top";
  }
}

TEST(Tidy, HeadersAreIncludedOnce) {
  for (const SourceFile& file : SourceTree()) {
    if (!file.HasExtension(".h") && !file.HasExtension(".hpp")) continue;
    EXPECT_TRUE(std::ranges::find(file.lines, "#pragma once") != file.lines.end())
        << file.path << ": no #pragma once";
  }
}

TEST(Tidy, LinesHaveAtMost100Columns) {
  for (const SourceFile& file : SourceTree()) {
    if (!file.IsCpp()) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      // Text that stands as it is, a schema or an expected output, may be as long as it is.
      if (file.lines[i].find("R\"") != std::string::npos) break;
      EXPECT_LE(ColumnsOf(file.lines[i]), 100u) << At(file, i) << ": `make format` may help";
    }
  }
}

TEST(Tidy, NoWhitespaceAtLineEndsAndNoTabs) {
  for (const SourceFile& file : SourceTree()) {
    if (file.path == "LICENSE") continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(file.lines[i].ends_with(' ') || file.lines[i].ends_with('\t') ||
                   file.lines[i].ends_with('\r'))
          << At(file, i) << ": blanks at the end of the line";
      if (file.IsCpp()) {
        EXPECT_EQ(file.lines[i].find('\t'), std::string::npos) << At(file, i) << ": a tab";
      }
    }
    EXPECT_TRUE(file.text.empty() || file.text.ends_with('\n'))
        << file.path << ": no newline at its end";
  }
}

TEST(Tidy, NothingIsLeftForLater) {
  // In pieces, so that this file does not find itself.
  const std::regex later(std::string("\\b(TO") + "DO|FIX" + "ME|XX" + "X|HA" + "CK)\\b");
  for (const SourceFile& file : SourceTree()) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i].begin(), file.lines[i].end(), later))
          << At(file, i) << ": do it, or say in docs/ what is not done";
    }
  }
}

TEST(Tidy, NoPathOfSomebodysMachine) {
  const std::regex machine(std::string("(^|[ \"'`(=:])/(home|Users|work|root)") + "/[a-z]");
  for (const SourceFile& file : SourceTree()) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::match_results<std::string_view::const_iterator> match;
      if (!std::regex_search(file.lines[i].begin(), file.lines[i].end(), match, machine)) continue;
      // Made-up data speaks of made-up people.
      const std::string_view from =
          file.lines[i].substr(static_cast<size_t>(match.position()) + match[1].str().size());
      const bool made_up = from.starts_with("/home/ada") || from.starts_with("/home/user") ||
                           from.starts_with("/home/me") || from.starts_with("/Users/ada") ||
                           from.starts_with("/work/app");
      EXPECT_TRUE(made_up) << At(file, i) << ": " << match.str()
                           << "… (made-up data: /home/ada, /home/user, /work/app)";
    }
  }
}

TEST(Tidy, CommentsAreNoBannersAndNoDoxygen) {
  for (const SourceFile& file : SourceTree()) {
    if (!file.IsCpp()) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string_view line = file.lines[i];
      for (std::string_view noise :
           {"@brief", "@param", "@return", "//====", "//----", "// ----", "/****"}) {
        const size_t found = line.find(noise);
        EXPECT_TRUE(found == std::string::npos || line.find('"') < found)
            << At(file, i) << ": " << noise;
      }
    }
  }
}

// The number of lines of each function that stands in a namespace: clang-format puts its head at
// column 0 and ends it with a '}' there.
struct Function {
  std::string head;
  size_t first_line;
  size_t length;
};
std::vector<Function> FunctionsOf(const SourceFile& file) {
  std::vector<Function> functions;
  size_t start = 0;
  bool in_function = false;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string_view line = file.lines[i];
    if (line.empty()) continue;
    const bool at_margin = std::isalpha(static_cast<unsigned char>(line[0])) != 0;
    if (!in_function && at_margin && line.find('(') != std::string::npos &&
        !line.starts_with("namespace") && !line.ends_with(';') && !line.ends_with('}')) {
      start = i;
      in_function = true;
    } else if (in_function && line[0] == '}') {
      functions.push_back({std::string(file.lines[start]), start, i - start + 1});
      in_function = false;
    } else if (in_function && line[0] != ' ' && line[0] != '#' && line[0] != '/' &&
               !line.ends_with(':') && line.find(')') == std::string::npos) {
      in_function = false;  // it was no function
    }
  }
  return functions;
}

// A ratchet: no new function may be longer than kLongest, and those that are may only become
// shorter. When one does, its number here goes down with it.
constexpr size_t kLongest = 70;
const std::map<std::string, size_t>& LongerFunctions() {
  static const std::map<std::string, size_t> longer = {};
  return longer;
}

TEST(Tidy, FunctionsFitOnAScreen) {
  for (const SourceFile& file : SourceTree()) {
    if (!file.IsCpp() || file.path.ends_with("_test.cc")) continue;
    for (const Function& function : FunctionsOf(file)) {
      const auto known = LongerFunctions().find(file.path + " " + function.head);
      const size_t limit = known == LongerFunctions().end() ? kLongest : known->second;
      EXPECT_LE(function.length, limit) << At(file, function.first_line) << ": " << function.head
                                        << " has " << function.length << " lines";
      if (known != LongerFunctions().end()) {
        EXPECT_EQ(function.length, limit)
            << "it became shorter: lower its number in tests/tidy_test.cc";
      }
    }
  }
}

TEST(Tidy, EverySourceIsBuilt) {
  std::map<std::string, std::string> lists;  // folder → text of its CMakeLists.txt
  for (const SourceFile& file : SourceTree()) {
    if (file.path.ends_with("CMakeLists.txt")) {
      lists[std::filesystem::path(file.path).parent_path().generic_string()] = file.text;
    }
  }
  for (const SourceFile& file : SourceTree()) {
    if (!file.HasExtension(".cc")) continue;
    const std::filesystem::path path = file.path;
    const std::string& list = lists[path.parent_path().generic_string()];
    // By name, or, in a folder of fuzzers, by its stem.
    const std::regex named("\\b" + path.stem().string() + "(\\.cc)?\\b");
    EXPECT_TRUE(std::regex_search(list, named))
        << file.path << " is in no CMakeLists.txt of its folder";
  }
}

TEST(Tidy, TestsStandBesideTheirSource) {
  for (const SourceFile& file : SourceTree()) {
    if (!file.IsUnder("src/") || !file.path.ends_with("_test.cc")) continue;
    const std::string stem = file.path.substr(0, file.path.size() - std::string("_test.cc").size());
    EXPECT_TRUE(FindSource(stem + ".cc") != nullptr || FindSource(stem + ".h") != nullptr)
        << file.path << " tests no file of its name; tests that cross rooms go to tests/";
  }
}

TEST(Tidy, LinksInDocumentsLeadSomewhere) {
  const std::regex link("\\]\\(([^)#: ]+)(#[^)]*)?\\)");
  for (const SourceFile& file : SourceTree()) {
    if (!file.HasExtension(".md")) continue;
    const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    for (std::sregex_iterator match(file.text.begin(), file.text.end(), link), end; match != end;
         ++match) {
      const std::filesystem::path target = (folder / (*match)[1].str()).lexically_normal();
      EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(SLUICE_SOURCE_DIR) / target))
          << file.path << " links to " << (*match)[1].str();
    }
  }
}

TEST(Tidy, MakeTargetsInDocumentsExist) {
  const SourceFile* makefile = FindSource("Makefile");
  ASSERT_NE(makefile, nullptr);
  std::set<std::string> targets;
  const std::regex target("(^|\n)([a-z-]+):");
  for (std::sregex_iterator match(makefile->text.begin(), makefile->text.end(), target), end;
       match != end; ++match) {
    targets.insert((*match)[2].str());
  }
  const std::regex used("`(?:[A-Z_]+=[^ `]+ )?make ([a-z-]+)[^`]*`");
  for (const SourceFile& file : SourceTree()) {
    if (!file.HasExtension(".md")) continue;
    for (std::sregex_iterator match(file.text.begin(), file.text.end(), used), end; match != end;
         ++match) {
      EXPECT_TRUE(targets.contains((*match)[1].str()))
          << file.path << " speaks of " << match->str();
    }
  }
}

TEST(Tidy, FilesInDocumentsExist) {
  // `src/base/buffer.h`, `docs/sources.md`, `scripts/setup`: in backquotes, from the root of the
  // repository.
  const std::regex named(
      "`((?:src|include|tests|docs|scripts|bench|fuzz|cmake)/[A-Za-z0-9_./-]+)`");
  for (const SourceFile& file : SourceTree()) {
    if (!file.HasExtension(".md") || file.path == "CHANGELOG.md") continue;
    for (std::sregex_iterator match(file.text.begin(), file.text.end(), named), end; match != end;
         ++match) {
      EXPECT_TRUE(
          std::filesystem::exists(std::filesystem::path(SLUICE_SOURCE_DIR) / (*match)[1].str()))
          << file.path << " speaks of " << (*match)[1].str();
    }
  }
}

// `IngestTest.RunningAgainReadsOnlyWhatIsNew`, or a whole suite: `IngestFaults.*`.
TEST(Tidy, TestsInArchitectureExist) {
  std::set<std::string> tests;
  const std::regex definition("TEST(?:_F|_P)?\\((\\w+), (\\w+)\\)");
  for (const SourceFile& file : SourceTree()) {
    if (!file.path.ends_with("_test.cc")) continue;
    for (std::sregex_iterator match(file.text.begin(), file.text.end(), definition), end;
         match != end; ++match) {
      tests.insert((*match)[1].str() + "." + (*match)[2].str());
      tests.insert((*match)[1].str() + ".*");
    }
  }
  const SourceFile* document = FindSource("ARCHITECTURE.md");
  ASSERT_NE(document, nullptr);
  const std::regex named("`([A-Z]\\w+\\.(?:[A-Z]\\w+|\\*))`");
  std::sregex_iterator match(document->text.begin(), document->text.end(), named);
  EXPECT_NE(match, std::sregex_iterator()) << "the table of invariants names no test";
  for (; match != std::sregex_iterator(); ++match) {
    const std::string name = (*match)[1].str();
    if (name.ends_with(".md")) continue;
    EXPECT_TRUE(tests.contains(name)) << "ARCHITECTURE.md speaks of the test " << name;
  }
}

}  // namespace
}  // namespace sluice
