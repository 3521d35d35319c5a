// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "schema/schema.h"

namespace sluice {
namespace {

using Argument = CommandPage::Argument;

// What may stand for a metavar, as words; what is no plain word is a path or free text.
std::vector<std::string> WordsOf(const std::string& metavar) {
  std::vector<std::string> words;
  std::istringstream parts(metavar);
  for (std::string part; std::getline(parts, part, '|');) {
    if (part == "PRESET") {
      for (const Preset& preset : Presets()) words.emplace_back(preset.name);
    } else if (!part.empty() && std::islower(static_cast<unsigned char>(part.front()))) {
      words.push_back(part);
    }
  }
  return words;
}

bool TakesPath(const std::string& metavar) {
  for (const char* path : {"FILE", "DB", "INPUT"}) {
    if (metavar.find(path) != std::string::npos) return true;
  }
  return false;
}

// The last word of "sluice rejects retry".
std::string LastWord(const CommandPage& page) { return page.name.substr(page.name.rfind(' ') + 1); }

// One line of a menu: the first sentence.
std::string FirstSentence(const std::string& text) {
  const size_t end = std::min(text.find(". "), text.find("; "));
  return text.substr(0, end);
}

// One arm of the completion's `case`: what follows `sluice ingest`, and what follows its options.
void CompletionArms(const CommandPage& page, std::string* words, std::string* values) {
  std::vector<std::string> offered;
  std::vector<std::string> options;
  bool paths = false;
  for (const CommandPage& sub : page.subcommands) {
    offered.push_back(LastWord(sub));
  }
  for (const Argument& argument : page.arguments) {
    if (argument.positional) {
      const std::vector<std::string> positional = WordsOf(argument.name);
      offered.insert(offered.end(), positional.begin(), positional.end());
      paths = paths || TakesPath(argument.name);
      continue;
    }
    options.push_back(argument.name);
    if (argument.metavar.empty()) continue;
    *values += fmt::format("    '{} {}') words='{}' paths={} ;;\n", page.name, argument.name,
                           fmt::join(WordsOf(argument.metavar), " "),
                           TakesPath(argument.metavar) ? "yes" : "");
  }
  *words += fmt::format("      '{}') words='{}' options='{}' paths={} ;;\n", page.name,
                        fmt::join(offered, " "), fmt::join(options, " "), paths ? "yes" : "");
  for (const CommandPage& sub : page.subcommands) CompletionArms(sub, words, values);
}

void AllNames(const CommandPage& page, std::vector<std::string>* names) {
  for (const CommandPage& sub : page.subcommands) {
    names->push_back("'" + sub.name + "'");
    AllNames(sub, names);
  }
}

// In single quotes, as a POSIX shell and zsh read them.
std::string ShellQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

// In single quotes, as fish reads them.
std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

// "'name:what it is'", for zsh's _describe.
std::string ZshDescribed(const std::string& name, const std::string& text) {
  return ShellQuoted(name + ":" + FirstSentence(text));
}

// As CompletionArms, for zsh.
void ZshArms(const CommandPage& page, std::string* commands, std::string* values) {
  std::string offered;
  std::string options;
  bool paths = false;
  for (const CommandPage& sub : page.subcommands)
    offered += ZshDescribed(LastWord(sub), sub.summary) + " ";
  for (const Argument& argument : page.arguments) {
    if (argument.positional) {
      for (const std::string& word : WordsOf(argument.name)) offered += ShellQuoted(word) + " ";
      paths = paths || TakesPath(argument.name);
      continue;
    }
    options += ZshDescribed(argument.name, argument.text) + " ";
    if (argument.metavar.empty()) continue;
    *values += fmt::format("    ('{} {}') offered=({}) paths={} ;;\n", page.name, argument.name,
                           fmt::join(WordsOf(argument.metavar), " "),
                           TakesPath(argument.metavar) ? "yes" : "");
  }
  *commands += fmt::format("      ('{}') offered=({}) options=({}) paths={} ;;\n", page.name,
                           offered, options, paths ? "yes" : "");
  for (const CommandPage& sub : page.subcommands) ZshArms(sub, commands, values);
}

void FishLines(const CommandPage& page, std::string* out) {
  const std::string here = fmt::format("complete -c sluice -n '__sluice_is \"{}\"' ", page.name);
  for (const CommandPage& sub : page.subcommands)
    *out +=
        here + fmt::format("-a {} -d {}\n", LastWord(sub), FishQuoted(FirstSentence(sub.summary)));
  for (const Argument& argument : page.arguments) {
    if (argument.positional) {
      const std::vector<std::string> words = WordsOf(argument.name);
      if (!words.empty())
        *out += here + fmt::format("-a {}\n", FishQuoted(fmt::format("{}", fmt::join(words, " "))));
      if (TakesPath(argument.name)) *out += here + "-F\n";
      continue;
    }
    *out += here + fmt::format("-l {} -d {}", argument.name.substr(2),
                               FishQuoted(FirstSentence(argument.text)));
    if (!argument.metavar.empty()) {
      const std::vector<std::string> words = WordsOf(argument.metavar);
      *out += TakesPath(argument.metavar) ? " -r -F" : " -x";
      if (!words.empty()) *out += " -a " + FishQuoted(fmt::format("{}", fmt::join(words, " ")));
    }
    *out += '\n';
  }
  for (const CommandPage& sub : page.subcommands) FishLines(sub, out);
}

}  // namespace

std::string BashCompletion(const CommandPage& page) {
  std::string words;
  std::string values;
  std::vector<std::string> names;
  CompletionArms(page, &words, &values);
  AllNames(page, &names);
  return fmt::format(R"(# bash completion for sluice, made by `sluice help --completion bash`.
_sluice() {{
  local command=sluice word words= options= paths= i
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  # bash takes "=" for a word of its own: --format=<TAB>
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  # The subcommand so far: "sluice rejects retry".
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case "$command $word" in
    {0}) command="$command $word" ;;
    esac
  done
  case "$command $previous" in
{1}    *)
      case "$command" in
{2}      esac ;;
  esac
  COMPREPLY=()
  [[ $current != -* || -z $options ]] || words=$options
  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ -n $paths && $current != -* ]]; then
    local -a files
    mapfile -t files < <(compgen -f -- "$current")
    COMPREPLY+=("${{files[@]}}")
    compopt -o filenames 2>/dev/null || true
  fi
}}
complete -F _sluice sluice
)",
                     fmt::join(names, " | "), values, words);
}

std::string ZshCompletion(const CommandPage& page) {
  std::string commands;
  std::string values;
  std::vector<std::string> names;
  ZshArms(page, &commands, &values);
  AllNames(page, &names);
  return fmt::format(R"(#compdef sluice
# zsh completion for sluice, made by `sluice help --completion zsh`.
_sluice() {{
  local command=sluice previous=${{words[CURRENT-1]}} paths= i
  local -a offered options
  # --format=<TAB>
  if [[ $PREFIX == --*=* ]]; then
    previous=${{PREFIX%%=*}}
    compset -P '*='
  fi
  # The subcommand so far: "sluice rejects retry".
  for ((i = 2; i < CURRENT; i++)); do
    case "$command ${{words[i]}}" in
    ({0}) command="$command ${{words[i]}}" ;;
    esac
  done
  case "$command $previous" in
{1}    (*)
      case "$command" in
{2}      esac ;;
  esac
  if [[ $PREFIX == -* ]]; then
    (( $#options )) && _describe -o 'option' options
  else
    (( $#offered )) && _describe 'word' offered
    [[ -n $paths ]] && _files
  fi
}}
# Sourced, it has to be told what it is for; as a file on $fpath it is called.
if [[ $funcstack[1] == _sluice ]]; then
  _sluice "$@"
else
  compdef _sluice sluice
fi
)",
                     fmt::join(names, "|"), values, commands);
}

std::string FishCompletion(const CommandPage& page) {
  std::vector<std::string> names;
  AllNames(page, &names);
  std::string out =
      fmt::format(R"(# fish completion for sluice, made by `sluice help --completion fish`.
# Whether the subcommand so far is this one: "sluice rejects retry".
function __sluice_is
  set -l command sluice
  for word in (commandline -opc)[2..-1]
    switch "$command $word"
      case {0}
        set command "$command $word"
    end
  end
  test "$command" = "$argv[1]"
end
complete -c sluice -f
)",
                  fmt::join(names, " "));
  FishLines(page, &out);
  return out;
}

}  // namespace sluice
