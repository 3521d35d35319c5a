// SPDX-License-Identifier: Apache-2.0
#include "cli/query_parameters.h"

#include <cctype>
#include <charconv>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace sluice {
namespace {

// The length of the name in ":name=value"; 0 where the word is not of that form.
size_t NameLength(std::string_view word) {
  if (word.empty() || word.front() != ':') return 0;
  size_t end = 1;
  while (end < word.size() &&
         (std::isalnum(static_cast<unsigned char>(word[end])) != 0 || word[end] == '_'))
    ++end;
  return end > 1 && end < word.size() && word[end] == '=' ? end - 1 : 0;
}

template <typename Number>
bool ReadNumber(std::string_view word, Number* number) {
  const char* end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, *number);
  return error == std::errc() && stopped == end;
}

// A real as SQLite writes the short ones: digits on both sides of the point.
bool IsPlainDecimal(std::string_view word) {
  if (!word.empty() && word.front() == '-') word.remove_prefix(1);
  const size_t point = word.find('.');
  if (point == 0 || point == std::string_view::npos || point + 1 == word.size()) return false;
  if (word.find_first_not_of("0123456789.") != std::string_view::npos || word.rfind('.') != point)
    return false;
  const bool leading_zero = word.front() == '0' && point > 1;
  const bool trailing_zero = word.back() == '0' && word.size() > point + 2;
  return !leading_zero && !trailing_zero && word.size() <= 16;
}

void Bind(Statement* statement, int parameter, std::string_view word) {
  int64_t integer = 0;
  double real = 0;
  if (ReadNumber(word, &integer) && std::to_string(integer) == word) {
    statement->BindInteger(parameter, integer);
  } else if (IsPlainDecimal(word) && ReadNumber(word, &real)) {
    statement->BindReal(parameter, real);
  } else {
    statement->BindText(parameter, word);
  }
}

}  // namespace

Status BindParameters(const std::vector<std::string>& words, Statement* statement) {
  std::set<int> bound;
  std::vector<std::string_view> in_order;
  for (const std::string& word : words) {
    const size_t length = NameLength(word);
    if (length == 0) {
      in_order.push_back(word);
      continue;
    }
    const std::string name = word.substr(1, length);
    const int parameter = statement->ParameterNamed(name);
    if (parameter == 0) {
      return Status::Usage(fmt::format("the SQL has no parameter :{}", name),
                           "a value that begins so can be given by name: ':value=:a=b' for :value");
    }
    bound.insert(parameter);
    Bind(statement, parameter, std::string_view(word).substr(length + 2));
  }

  size_t next = 0;
  const int parameters = statement->parameters();
  for (int parameter = 1; parameter <= parameters; ++parameter) {
    if (bound.count(parameter) > 0) continue;
    if (next == in_order.size()) {
      return Status::Usage(
          fmt::format("the SQL has {} parameters, {} given", parameters, words.size()),
          "give each a PARAM after the SQL: a value, or :name=value");
    }
    Bind(statement, parameter, in_order[next++]);
  }
  if (next < in_order.size()) {
    return Status::Usage(
        fmt::format("the SQL has {} parameters, {} given", parameters, words.size()),
        "quote the SQL, so that the shell gives it as one argument");
  }
  return {};
}

}  // namespace sluice
