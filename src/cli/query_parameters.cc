// SPDX-License-Identifier: Apache-2.0
#include "cli/query_parameters.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "cli/terminal.h"

namespace sluice {
namespace {

// As SQLite reads names: what is not ASCII may be in one.
bool IsNameByte(unsigned char c) {
  return c >= 0x80 || c == '_' || c == '$' || std::isalnum(c) != 0;
}

// The length of the name in ":name=value", "@name=value" and "$name=value"; 0 where the word is not
// of that form.
size_t NameLength(std::string_view word) {
  if (word.empty() || std::string_view(":@$").find(word.front()) == std::string_view::npos)
    return 0;
  size_t end = 1;
  while (end < word.size() && IsNameByte(static_cast<unsigned char>(word[end]))) ++end;
  return end > 1 && end < word.size() && word[end] == '=' ? end - 1 : 0;
}

std::string_view TakeDigits(std::string_view* text) {
  size_t end = 0;
  while (end < text->size() && std::isdigit(static_cast<unsigned char>((*text)[end])) != 0) ++end;
  const std::string_view digits = text->substr(0, end);
  text->remove_prefix(end);
  return digits;
}

// What SQL reads as a number: [+-] digits [. digits] [e [+-] digits], with digits on one side of
// the point. Not with a leading zero: 02139 is a postal code, and 2139 is not the same.
bool IsNumber(std::string_view word) {
  if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
  const std::string_view whole = TakeDigits(&word);
  if (whole.size() > 1 && whole.front() == '0') return false;
  std::string_view fraction;
  if (word.starts_with('.')) {
    word.remove_prefix(1);
    fraction = TakeDigits(&word);
  }
  if (whole.empty() && fraction.empty()) return false;
  if (word.starts_with('e') || word.starts_with('E')) {
    word.remove_prefix(1);
    if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
    if (TakeDigits(&word).empty()) return false;
  }
  return word.empty();
}

void Bind(Statement* statement, int parameter, std::string_view word, ParameterTypes types) {
  if (types == ParameterTypes::kText || !IsNumber(word)) {
    statement->BindText(parameter, word);
    return;
  }
  const std::string_view number = word.substr(word.starts_with('+') ? 1 : 0);
  const char* const end = number.data() + number.size();
  int64_t integer = 0;
  const auto [stopped, error] = std::from_chars(number.data(), end, integer);
  if (error == std::errc() && stopped == end) {
    statement->BindInteger(parameter, integer);
  } else {
    // As in SQL, an integer beyond 64 bits is a real, and 1e999 is infinite.
    statement->BindReal(parameter, std::strtod(std::string(number).c_str(), nullptr));
  }
}

Status WrongCount(int parameters, size_t given, std::string remedy) {
  return Status::Usage(
      fmt::format("the SQL has {}, {} given",
                  Counted(static_cast<uint64_t>(parameters), "parameter", "parameters"), given),
      std::move(remedy));
}

}  // namespace

Status BindParameters(const std::vector<std::string>& words, ParameterTypes types,
                      Statement* statement) {
  std::set<int> bound;
  std::vector<std::string_view> in_order;
  for (const std::string& word : words) {
    const size_t length = NameLength(word);
    const std::string name = word.substr(length == 0 ? 0 : 1, length);
    const int parameter = length == 0 ? 0 : statement->ParameterNamed(name);
    // "@ada=1" may be a value; ":ada=1" is most likely a name that is misspelt.
    const bool is_value = length == 0 || (parameter == 0 && word.front() != ':');
    if (is_value) {
      in_order.push_back(word);
      continue;
    }
    if (parameter == 0) {
      return Status::Usage(fmt::format("the SQL has no parameter :{}", name),
                           "a value that begins so can be given by name: ':value=:a=b' for :value");
    }
    bound.insert(parameter);
    Bind(statement, parameter, std::string_view(word).substr(length + 2), types);
  }

  size_t next = 0;
  const int parameters = statement->parameters();
  for (int parameter = 1; parameter <= parameters; ++parameter) {
    if (bound.count(parameter) > 0) continue;
    if (next == in_order.size()) {
      return WrongCount(parameters, words.size(),
                        "give each a PARAM after the SQL: a value, or :name=value");
    }
    Bind(statement, parameter, in_order[next++], types);
  }
  if (next < in_order.size()) {
    return WrongCount(parameters, words.size(),
                      "quote the SQL, so that the shell gives it as one argument");
  }
  return {};
}

}  // namespace sluice
