// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

#include <algorithm>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options.h"

namespace sluice {
namespace {

using Argument = CommandPage::Argument;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// "DB INPUT...", "[PARAM...]".
std::string PositionalUsage(const Argument& argument) {
  const std::string name = argument.name + (argument.repeated ? "..." : "");
  return argument.required ? name : "[" + name + "]";
}

std::vector<std::string> Usage(const CommandPage& page) {
  std::vector<std::string> usages;
  std::string line = page.name;
  bool options = false;
  bool required = false;
  for (const Argument& argument : page.arguments) {
    if (argument.positional) {
      line += " " + PositionalUsage(argument);
      required = true;
    }
    options = options || !argument.positional;
  }
  if (options) line += " [OPTION...]";
  if (required || page.subcommands.empty()) usages.push_back(line);
  if (!page.subcommands.empty()) usages.push_back(page.name + " SUBCOMMAND ...");
  return usages;
}

// Groups in the order in which they first appear.
std::vector<std::string> Groups(const CommandPage& page) {
  std::vector<std::string> groups;
  for (const Argument& argument : page.arguments) {
    if (std::find(groups.begin(), groups.end(), argument.group) == groups.end()) {
      groups.push_back(argument.group);
    }
  }
  return groups;
}

// `text` in lines of at most `width` columns.
std::vector<std::string> Wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines(1);
  for (const std::string& word : Split(text, ' ')) {
    if (!lines.back().empty() && DisplayWidth(lines.back()) + 1 + DisplayWidth(word) > width) {
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

// Two columns: `term` to the left, its text wrapped to the right of it, or below where the term is
// long.
void TermAndText(const std::string& term, const std::string& shown_term, const std::string& text,
                 size_t columns, std::string* out) {
  constexpr size_t kIndent = 30;
  *out += "  " + shown_term;
  size_t at = 2 + DisplayWidth(term);
  for (const std::string& line : Wrapped(text, columns - kIndent)) {
    if (at + 2 > kIndent) {
      *out += '\n';
      at = 0;
    }
    *out += std::string(kIndent - at, ' ') + line;
    at = kIndent;
  }
  *out += '\n';
}

// Text as roff reads it: backslashes and leading dots say nothing, a dash is a dash that can be
// copied.
std::string Roff(const std::string& text) {
  std::string roff;
  for (const char c : text) {
    if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else if (c == '\'') {
      roff += "\\(aq";
    } else if (c == '`') {
      roff += "\\(ga";
    } else if (c == '~') {
      roff += "\\(ti";
    } else if (c == '^') {
      roff += "\\(ha";
    } else {
      roff += c;
    }
  }
  if (!roff.empty() && roff.front() == '.') roff.insert(0, "\\&");
  return roff;
}

void RoffArguments(const CommandPage& page, std::string* out) {
  for (const std::string& group : Groups(page)) {
    *out += fmt::format(".PP\n.I {}\n", Roff(group));
    for (const Argument& argument : page.arguments) {
      if (argument.group != group) continue;
      *out += ".TP\n";
      *out += fmt::format(
          ".B {}\n",
          Roff(argument.metavar.empty() ? argument.name : argument.name + " " + argument.metavar));
      *out += Roff(argument.text) + ".\n";
    }
  }
}

void RoffCommand(const CommandPage& page, std::string* out) {
  *out += fmt::format(".SS {}\n", Roff(page.name));
  *out += Roff(page.summary) + ".\n";
  *out += ".PP\n.nf\n";
  for (const std::string& usage : Usage(page)) *out += Roff(usage) + "\n";
  *out += ".fi\n";
  RoffArguments(page, out);
  if (!page.examples.empty()) {
    *out += ".PP\nExamples:\n.PP\n.nf\n.RS 4\n";
    for (const std::string& line : Lines(page.examples)) *out += Roff(line) + "\n";
    *out += ".RE\n.fi\n";
  }
  for (const CommandPage& sub : page.subcommands) RoffCommand(sub, out);
}

}  // namespace

CommandPage Describe(const CLI::App& command) {
  CommandPage page;
  page.name = FullName(command);
  page.summary = command.get_description();
  page.examples = command.get_footer();
  // Positionals first, as on the command line; --help last, who reads it knows it.
  std::vector<const CLI::Option*> options = command.get_options();
  std::stable_partition(options.begin(), options.end(), [&](const CLI::Option* option) {
    return option != command.get_help_ptr();
  });
  for (const bool positional : {true, false}) {
    for (const CLI::Option* option : options) {
      if (option->get_positional() != positional || option->get_group().empty()) continue;
      Argument argument;
      argument.positional = positional;
      argument.name = positional ? option->get_name() : "--" + option->get_lnames().front();
      argument.metavar =
          positional || option->get_expected_max() == 0 ? "" : option->get_type_name();
      argument.group = option->get_group();
      argument.text = option->get_description();
      argument.repeated = option->get_expected_max() > 1;
      argument.required = option->get_required();
      page.arguments.push_back(std::move(argument));
    }
  }
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) page.subcommands.push_back(Describe(*sub));
  }
  return page;
}

std::string HelpText(const CommandPage& page, const Terminal& terminal) {
  const size_t columns =
      std::clamp<size_t>(terminal.columns == 0 ? 100 : terminal.columns, 60, 100);
  std::string out;
  for (const std::string& line : Wrapped(page.summary + ".", columns)) out += line + "\n";
  out += '\n';
  for (const std::string& usage : Usage(page)) out += "  " + usage + "\n";

  if (!page.subcommands.empty()) {
    out += "\n" + terminal.Bold("Subcommands") + "\n";
    for (const CommandPage& sub : page.subcommands) {
      const std::string word = sub.name.substr(page.name.size() + 1);
      TermAndText(word, word, sub.summary, columns, &out);
    }
  }
  for (const std::string& group : Groups(page)) {
    out += "\n" + terminal.Bold(group) + "\n";
    for (const Argument& argument : page.arguments) {
      if (argument.group != group) continue;
      const std::string term =
          argument.metavar.empty() ? argument.name : argument.name + " " + argument.metavar;
      const std::string shown = argument.metavar.empty()
                                    ? terminal.Bold(argument.name)
                                    : terminal.Bold(argument.name) + " " + argument.metavar;
      TermAndText(term, shown, argument.text, columns, &out);
    }
  }
  if (!page.examples.empty()) {
    out += "\n" + terminal.Bold("Examples") + "\n";
    for (const std::string& line : Lines(page.examples)) {
      out += "  " + (line.rfind('#', 0) == 0 ? terminal.Dim(line) : line) + "\n";
    }
  }
  return out;
}

std::string ManPage(const CommandPage& page, const std::string& version) {
  std::string out = fmt::format(".TH SLUICE 1 \"\" \"sluice {}\" \"User Commands\"\n", version);
  out += fmt::format(".SH NAME\nsluice \\- {}\n", Roff(page.summary));
  out += ".SH SYNOPSIS\n.nf\n";
  for (const CommandPage& sub : page.subcommands) {
    for (const std::string& usage : Usage(sub)) out += Roff(usage) + "\n";
  }
  out += ".fi\n.SH COMMANDS\n";
  for (const CommandPage& sub : page.subcommands) RoffCommand(sub, &out);

  out += ".SH EXIT STATUS\n";
  const std::pair<const char*, const char*> statuses[] = {
      {"0", "Done."},
      {"1", "Failed. What was committed stays; nothing is half there."},
      {"2", "Wrong usage."},
      {"3", "Done, but lines were rejected and --fail-on-reject was given."},
      {"130, 143", "Stopped by SIGINT or SIGTERM; all that was whole is durable."}};
  for (const auto& [status, text] : statuses) {
    out += fmt::format(".TP\n.B {}\n{}\n", status, Roff(text));
  }
  out += ".SH ENVIRONMENT\n.TP\n.B SLUICE_OPTION\n";
  out +=
      Roff(
          "Every option can be given here: SLUICE_MAX_LINE=8MiB is --max-line 8MiB, "
          "SLUICE_JSON=true is "
          "--json. The command line goes first, then the environment, then the file of --config.") +
      "\n";
  out += ".TP\n.B NO_COLOR\nNothing is coloured when this is set.\n";
  return out;
}

}  // namespace sluice
