// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.h"
#include "cli/config_file.h"

namespace sluice {
namespace {

// CLI11 2.1 takes a "[a,b]" given to a positional for a list, and forgets a "--" once a subcommand
// has begun. So words that must be taken as they are get this byte before them on the way in, and
// lose it on the way out.
constexpr char kLiteral = '\x01';

std::string WithDefault(std::string_view help, const std::string& value) {
  return value.empty() ? std::string(help) : fmt::format("{} (default {})", help, value);
}

// As one would type it: "10s".
std::string DurationText(std::chrono::milliseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  if (seconds == duration && seconds < std::chrono::minutes(1))
    return fmt::format("{}s", seconds.count());
  return FormatDuration(duration);
}

std::string Unshielded(const std::string& word) {
  return !word.empty() && word.front() == kLiteral ? word.substr(1) : word;
}

// Reversed, as CLI11 wants it.
std::vector<std::string> ShieldedWords(int argc, const char* const* argv) {
  std::vector<std::string> words;
  bool literal = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!literal && word == "--") {
      literal = true;
      continue;
    }
    const bool list_like = word.size() > 1 && word.front() == '[' && word.back() == ']';
    words.push_back(literal || list_like ? kLiteral + word : word);
  }
  std::reverse(words.begin(), words.end());
  return words;
}

Result<uint64_t> ParseCount(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    return Error(Status::Usage(fmt::format("'{}' is too large", text)));
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error(Status::Usage(fmt::format("'{}' is not a whole number of 0 or more", text)));
  }
  return value;
}

// Writes what `parsed` holds to `*to`, unless it does not fit there.
template <typename To, typename From>
Status Assign(const Result<From>& parsed, To* to) {
  if (!parsed) return parsed.error();
  if constexpr (std::is_unsigned_v<To> && sizeof(To) < sizeof(From)) {
    if (*parsed > std::numeric_limits<To>::max()) {
      return Status::Usage(fmt::format("{} is more than the {} that is possible here", *parsed,
                                       std::numeric_limits<To>::max()));
    }
  }
  *to = static_cast<To>(*parsed);
  return {};
}

bool IsOption(const CLI::Option& option) {
  return !option.get_lnames().empty() && option.get_lnames().front() != "help" &&
         option.get_lnames().front() != "version";
}

std::vector<std::string> LongNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // for us alone
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> SubcommandNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) names.push_back(sub->get_name());
  }
  return names;
}

CLI::App* Innermost(CLI::App* program) {
  CLI::App* command = program;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return command;
}

std::string HelpOf(const CLI::App& command) { return fmt::format("{} --help", FullName(command)); }

std::vector<std::string> CommandPath(const CLI::App& command) {
  std::vector<std::string> path;
  for (const CLI::App* app = &command; app->get_parent() != nullptr; app = app->get_parent()) {
    path.insert(path.begin(), app->get_name());
  }
  return path;
}

bool IsProgram(const CLI::App& command) { return command.get_parent() == nullptr; }

// As messages name it: they begin with the name of the program already.
std::string NameInMessages(const CLI::App& command) {
  return fmt::format("{}", fmt::join(CommandPath(command), " "));
}

Status UnknownSubcommand(const CLI::App& command, const std::string& word) {
  const std::vector<std::string> names = SubcommandNames(command);
  const std::string nearest = NearestWord(word, names);
  return Status::Usage(
      IsProgram(command) ? fmt::format("there is no subcommand '{}'", word)
                         : fmt::format("{} has no subcommand '{}'", NameInMessages(command), word),
      nearest.empty() ? fmt::format("one of: {}", fmt::join(names, ", "))
                      : fmt::format("{} {}", FullName(command), nearest));
}

Status UnknownOption(const CLI::App& command, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  const std::vector<std::string> names = LongNames(command);
  const std::string nearest = NearestWord(name, names);
  return Status::Usage(IsProgram(command)
                           ? fmt::format("there is no option {}", name)
                           : fmt::format("{} has no option {}", NameInMessages(command), name),
                       nearest.empty() ? HelpOf(command) + ", which lists them"
                                       : fmt::format("{}, or {}", nearest, HelpOf(command)));
}

// What CLI11 could not place comes first: it is the typo, and what CLI11 misses is missing because
// of it.
Status UsageError(CLI::App* program, const CLI::ParseError& error) {
  for (CLI::App* command = program;; command = command->get_subcommands().front()) {
    const std::vector<std::string> remaining = command->remaining();
    for (const std::string& word : remaining) {
      if (word.size() > 1 && word.front() == '-') return UnknownOption(*command, word);
    }
    const bool last = command->get_subcommands().empty();
    if (!remaining.empty()) {
      if (last && !SubcommandNames(*command).empty()) {
        return UnknownSubcommand(*command, remaining.front());
      }
      return Status::Usage(fmt::format("{}: '{}' is one argument too many",
                                       NameInMessages(*command), Unshielded(remaining.front())),
                           HelpOf(*command));
    }
    if (last) break;
  }

  const CLI::App& command = *Innermost(program);
  const std::vector<std::string> names = SubcommandNames(command);
  if (!names.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return Status::Usage(IsProgram(command)
                             ? fmt::format("a subcommand is missing: {}", fmt::join(names, ", "))
                             : fmt::format("{} needs a subcommand: {}", NameInMessages(command),
                                           fmt::join(names, ", ")),
                         HelpOf(command));
  }
  const std::string what = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    const std::string missing = what.substr(0, what.find(' '));
    return Status::Usage(fmt::format("{}: {} is missing", NameInMessages(command), missing),
                         HelpOf(command));
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return Status::Usage(fmt::format("{}: no value is given", what.substr(0, what.find(':'))),
                         HelpOf(command));
  }
  return Status::Usage(what, HelpOf(command));
}

// `values` as if they had been given for `option` on the command line.
Status Give(CLI::Option* option, const std::vector<std::string>& values, const std::string& where) {
  try {
    for (const std::string& value : values) option->add_result(value);
    option->run_callback();
  } catch (const CLI::ParseError& e) {
    return Status::Usage(
        fmt::format("{}: {}", where, e.what()),
        "correct it there, or give the option on the command line, which goes first");
  }
  return {};
}

Status FillFromEnvironment(const CLI::App& command) {
  for (CLI::Option* option : const_cast<CLI::App&>(command).get_options()) {
    if (!IsOption(*option) || option->count() > 0) continue;
    const std::string variable = EnvironmentName(option->get_lnames().front());
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    if (Status s = Give(option, {value}, variable); !s.ok()) return s;
  }
  return {};
}

CLI::Option* FindOption(const CLI::App& command, const std::string& name) {
  for (CLI::Option* option : const_cast<CLI::App&>(command).get_options()) {
    if (IsOption(*option) && option->get_lnames().front() == name) return option;
  }
  return nullptr;
}

// Visits `command` and all below it.
void ForEachCommand(const CLI::App& command, const std::function<void(const CLI::App&)>& visit) {
  visit(command);
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    ForEachCommand(*sub, visit);
  }
}

// An entry is known when the subcommand of its table has such an option; at the top of the file,
// when any has it.
Status CheckEntry(const CLI::App& program, const ConfigEntry& entry) {
  bool command_exists = entry.command.empty();
  bool option_exists = false;
  std::vector<std::string> names;
  ForEachCommand(program, [&](const CLI::App& command) {
    if (!entry.command.empty() && CommandPath(command) != entry.command) return;
    command_exists = true;
    option_exists = option_exists || FindOption(command, entry.option) != nullptr;
    for (const std::string& name : LongNames(command)) names.push_back(name.substr(2));
  });
  if (!command_exists) {
    return Status::Usage(
        fmt::format("{}: there is no subcommand '{}'", entry.where, fmt::join(entry.command, " ")),
        fmt::format("tables are named after subcommands: {}",
                    fmt::join(SubcommandNames(program), ", ")));
  }
  if (!option_exists) {
    const std::string nearest = NearestWord(entry.option, names);
    const std::string of =
        entry.command.empty() ? "any subcommand" : fmt::format("{}", fmt::join(entry.command, " "));
    return Status::Usage(
        fmt::format("{}: '{}' is not an option of {}", entry.where, entry.option, of),
        nearest.empty() ? "keys are the options of the help, without their dashes"
                        : fmt::format("did you mean '{}'?", nearest));
  }
  return {};
}

Status FillFromConfig(const CLI::App& program, const CLI::App& command, const std::string& path) {
  const auto entries = ReadConfigFile(path);
  if (!entries) return entries.error();
  for (const ConfigEntry& entry : *entries) {
    if (Status s = CheckEntry(program, entry); !s.ok()) return s;
  }
  // The subcommand's own table before the top of the file.
  for (const std::vector<std::string>& table : {CommandPath(command), std::vector<std::string>()}) {
    for (const ConfigEntry& entry : *entries) {
      if (entry.command != table) continue;
      CLI::Option* option = FindOption(command, entry.option);
      if (option == nullptr || option->count() > 0) continue;
      if (Status s = Give(option, entry.values, entry.where); !s.ok()) return s;
    }
  }
  return {};
}

Status FillWhatIsOpen(const CLI::App& program, const CLI::App& command) {
  if (Status s = FillFromEnvironment(command); !s.ok()) return s;
  const CLI::Option* config = FindOption(command, "config");
  if (config == nullptr || config->count() == 0) return {};
  return FillFromConfig(program, command, config->results().back());
}

// How many single-letter changes lead from one word to the other; two neighbours that changed
// places are one.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

// Whether `word` is `candidate` with letters left out, not more than half of them: "agent_msgs".
bool IsAbbreviation(std::string_view word, std::string_view candidate) {
  if (word.size() < 4 || word.size() * 2 < candidate.size() || word.front() != candidate.front())
    return false;
  size_t at = 0;
  for (const char c : candidate) {
    if (at < word.size() && word[at] == c) ++at;
  }
  return at == word.size();
}

}  // namespace

void Options::AddParsed(const std::string& name, const std::string& metavar, std::string help,
                        Parser parse) {
  auto callback = [name, parse = std::move(parse)](const std::string& text) {
    if (const Status s = parse(Unshielded(text)); !s.ok()) {
      const std::string remedy = s.remedy().empty() ? "" : ": " + s.remedy();
      throw CLI::ValidationError(name, s.message() + remedy);
    }
  };
  command_->add_option_function<std::string>(name, std::move(callback), std::move(help))
      ->type_name(metavar)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(group_);
}

void Options::HelpFlagHere() { command_->get_help_ptr()->group(group_); }

void Options::Flag(const std::string& name, std::string_view help, bool* value) {
  auto callback = [name, value](const CLI::results_t& results) {
    const std::string& text = results.back();
    if (text != "true" && text != "false" && text != "1" && text != "0") {
      throw CLI::ValidationError(name, fmt::format("'{}' is neither true nor false", text));
    }
    *value = text == "true" || text == "1";
    return true;
  };
  command_->add_option(name, CLI::callback_t(callback), std::string(help))
      ->expected(0)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->group(group_);
}

void Options::Text(const std::string& name, const std::string& metavar, std::string_view help,
                   std::string* value) {
  AddParsed(name, metavar, WithDefault(help, *value), [value](const std::string& text) {
    *value = text;
    return Status();
  });
}

void Options::Texts(const std::string& name, const std::string& metavar, std::string_view help,
                    std::vector<std::string>* values, char delimiter) {
  CLI::Option* option = command_
                            ->add_option_function<std::vector<std::string>>(
                                name,
                                [values](const std::vector<std::string>& words) {
                                  values->clear();
                                  for (const std::string& word : words)
                                    values->push_back(Unshielded(word));
                                },
                                std::string(help))
                            ->type_name(metavar)
                            ->allow_extra_args(false)
                            ->group(group_);
  if (delimiter != '\0') option->delimiter(delimiter);
}

void Options::Size(const std::string& name, std::string_view help, uint64_t* value) {
  AddParsed(name, "SIZE", WithDefault(help, FormatSize(*value)),
            [value](const std::string& text) { return Assign(ParseSize(text), value); });
}

void Options::Size(const std::string& name, std::string_view help, uint32_t* value) {
  AddParsed(name, "SIZE", WithDefault(help, FormatSize(*value)),
            [value](const std::string& text) { return Assign(ParseSize(text), value); });
}

void Options::Size(const std::string& name, std::string_view help, std::optional<uint64_t>* value) {
  AddParsed(name, "SIZE", std::string(help),
            [value](const std::string& text) { return Assign(ParseSize(text), value); });
}

void Options::Count(const std::string& name, std::string_view help, uint64_t* value) {
  AddParsed(name, "N", WithDefault(help, std::to_string(*value)),
            [value](const std::string& text) { return Assign(ParseCount(text), value); });
}

void Options::Count(const std::string& name, std::string_view help, unsigned* value) {
  AddParsed(name, "N", std::string(help),
            [value](const std::string& text) { return Assign(ParseCount(text), value); });
}

void Options::Count(const std::string& name, std::string_view help,
                    std::optional<uint64_t>* value) {
  AddParsed(name, "N", std::string(help),
            [value](const std::string& text) { return Assign(ParseCount(text), value); });
}

void Options::Duration(const std::string& name, std::string_view help,
                       std::chrono::milliseconds* value) {
  AddParsed(name, "DURATION", WithDefault(help, DurationText(*value)),
            [value](const std::string& text) { return Assign(ParseDuration(text), value); });
}

void Options::Duration(const std::string& name, std::string_view help,
                       std::optional<std::chrono::milliseconds>* value) {
  AddParsed(name, "DURATION", std::string(help),
            [value](const std::string& text) { return Assign(ParseDuration(text), value); });
}

void Options::AddChoice(const std::string& name, std::string_view help,
                        const std::vector<std::string>& words, const std::string& by_default,
                        std::function<void(size_t)> choose) {
  AddParsed(
      name, fmt::format("{}", fmt::join(words, "|")), WithDefault(help, by_default),
      [words, choose = std::move(choose)](const std::string& text) {
        const auto found = std::find(words.begin(), words.end(), text);
        if (found == words.end()) {
          return Status::Usage(fmt::format("'{}' is none of {}", text, fmt::join(words, ", ")));
        }
        choose(static_cast<size_t>(found - words.begin()));
        return Status();
      });
}

void Options::Positional(const std::string& metavar, std::string_view help, std::string* value,
                         bool required) {
  command_
      ->add_option_function<std::string>(
          metavar, [value](const std::string& word) { *value = Unshielded(word); },
          std::string(help))
      ->required(required)
      ->group("Arguments");
}

void Options::Positionals(const std::string& metavar, std::string_view help,
                          std::vector<std::string>* values, bool required) {
  command_
      ->add_option_function<std::vector<std::string>>(
          metavar,
          [values](const std::vector<std::string>& words) {
            for (const std::string& word : words) values->push_back(Unshielded(word));
          },
          std::string(help))
      ->required(required)
      ->group("Arguments");
}

void AddCommonOptions(Options* options, CommonOptions* common) {
  options->Group("Output and configuration");
  options->HelpFlagHere();
  options->Flag("--json", "Print one JSON object on stdout instead of text for people",
                &common->json);
  options->Flag("--quiet", "Print nothing but results and errors", &common->quiet);
  options->Text(
      "--config", "FILE.toml",
      "Take options from this TOML file: `max-line = \"8MiB\"`, or within [ingest] and the "
      "like for one subcommand. The command line goes before SLUICE_<OPTION> in the "
      "environment, and that before the file",
      &common->config);
}

CommandLine ParseCommandLine(CLI::App* program, int argc, const char* const* argv) {
  CommandLine line;
  try {
    program->parse(ShieldedWords(argc, argv));
  } catch (const CLI::CallForHelp&) {
    line.help = true;
  } catch (const CLI::ParseError& e) {
    line.status = UsageError(program, e);
  }
  line.command = Innermost(program);
  if (line.status.ok() && !line.help) line.status = FillWhatIsOpen(*program, *line.command);
  return line;
}

std::string EnvironmentName(std::string_view option) {
  std::string name = "SLUICE_";
  for (const char c : option) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string FullName(const CLI::App& command) {
  if (command.get_parent() == nullptr) return command.get_name();
  return FullName(*command.get_parent()) + " " + command.get_name();
}

std::string NearestWord(std::string_view word, const std::vector<std::string>& candidates) {
  std::string nearest;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    // A beginning of two letters or more says enough: "--from" is "--from-scratch".
    const bool begins = word.size() > 3 && candidate.substr(0, word.size()) == word;
    const size_t most = begins                            ? 1
                        : IsAbbreviation(word, candidate) ? 2
                                                          : word.size() + candidate.size();
    const size_t distance = std::min(most, EditDistance(word, candidate));
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace sluice
