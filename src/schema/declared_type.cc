// SPDX-License-Identifier: Apache-2.0
#include "schema/declared_type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "schema/nearest.h"
#include "schema/schema.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 33> kTypeWords = {
    "BIG",       "BIGINT",   "BLOB",      "BOOLEAN", "CHAR",      "CHARACTER", "CLOB",
    "DATE",      "DATETIME", "DECIMAL",   "DOUBLE",  "FLOAT",     "INT",       "INT2",
    "INT8",      "INTEGER",  "JSON",      "JSONB",   "MEDIUMINT", "NATIVE",    "NCHAR",
    "NUMERIC",   "NVARCHAR", "PRECISION", "REAL",    "SMALLINT",  "TEXT",      "TIME",
    "TIMESTAMP", "TINYINT",  "UNSIGNED",  "VARCHAR", "VARYING"};

// Where these begin, the type has ended.
constexpr std::array<std::string_view, 11> kConstraintWords = {
    "AS",  "CHECK", "COLLATE", "CONSTRAINT", "DEFAULT", "GENERATED",
    "NOT", "NULL",  "PRIMARY", "REFERENCES", "UNIQUE"};

constexpr std::array<std::string_view, 3> kCollations = {"BINARY", "NOCASE", "RTRIM"};

constexpr std::string_view kWhatMayStand =
    "a type is for example TEXT, INTEGER or REAL, then any of NOT NULL, DEFAULT with a literal, "
    "and "
    "COLLATE NOCASE";

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

bool IsOneOf(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool IsWordByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

struct Token {
  enum class Kind { kWord, kNumber, kString, kSign, kOther };
  Kind kind;
  std::string text;  // a word in capitals, anything else as it stands
};

// A number as SQLite reads one: digits, a point, an exponent. `at` stands on its first byte.
size_t NumberEnd(std::string_view text, size_t at) {
  while (at < text.size()) {
    const char c = text[at];
    const bool sign_of_exponent =
        (c == '+' || c == '-') && (text[at - 1] == 'e' || text[at - 1] == 'E');
    if (!IsWordByte(c) && c != '.' && !sign_of_exponent) break;
    ++at;
  }
  return at;
}

bool IsNumber(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) ++at;
    return at - begin;
  };
  size_t count = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    count += digits();
  }
  if (count == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// 'it''s'; npos where it is not closed. `at` stands on the first quote.
size_t StringEnd(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] != '\'') continue;
    if (at + 1 < text.size() && text[at + 1] == '\'') {
      ++at;
      continue;
    }
    return at + 1;
  }
  return std::string_view::npos;
}

std::vector<Token> Tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    size_t end = at + 1;
    Token::Kind kind = Token::Kind::kOther;
    if (IsSpace(c)) {
      ++at;
      continue;
    }
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') {
      end = NumberEnd(text, end);
      if (IsNumber(text.substr(at, end - at))) kind = Token::Kind::kNumber;
    } else if (IsWordByte(c)) {
      while (end < text.size() && IsWordByte(text[end])) ++end;
      kind = Token::Kind::kWord;
    } else if (c == '\'') {
      end = StringEnd(text, at);
      if (end == std::string_view::npos) {
        end = text.size();
      } else {
        kind = Token::Kind::kString;
      }
    } else if (c == '"' || c == '`' || c == '[') {
      // A name in quotes: whatever stands in it is part of it.
      const size_t close = text.find(c == '[' ? ']' : c, at + 1);
      end = close == std::string_view::npos ? text.size() : close + 1;
    } else if (c == '+' || c == '-') {
      kind = Token::Kind::kSign;
    }
    const std::string_view piece = text.substr(at, end - at);
    tokens.push_back({kind, kind == Token::Kind::kWord ? Upper(piece) : std::string(piece)});
    at = end;
  }
  return tokens;
}

// Reads the tokens from left to right; each Take says whether what it is named for stood there.
class TypeReader {
 public:
  explicit TypeReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Status Read() {
    if (Status s = ReadTypeName(); !s.ok()) return s;
    while (at_ < tokens_.size()) {
      if (TakeWord("NOT")) {
        if (!TakeWord("NULL")) return Unexpected();
        rules_.not_null = true;
      } else if (TakeWord("DEFAULT")) {
        if (!TakeLiteral()) return Unexpected();
      } else if (TakeWord("COLLATE")) {
        if (!Is(Token::Kind::kWord) || !IsOneOf(tokens_[at_].text, kCollations))
          return Unexpected();
        rules_.collation = tokens_[at_++].text;
      } else if (!TakeWord("NULL")) {
        return Unexpected();
      }
    }
    return {};
  }

  const TypeRules& rules() const { return rules_; }

 private:
  Status ReadTypeName() {
    const size_t begin = at_;
    while (Is(Token::Kind::kWord) && !IsOneOf(tokens_[at_].text, kConstraintWords)) {
      if (!IsOneOf(tokens_[at_].text, kTypeWords)) {
        return Status::Usage("unknown type '" + tokens_[at_].text + "'",
                             NearestOf(tokens_[at_].text, kTypeWords));
      }
      ++at_;
    }
    if (at_ == begin || !TakeOther("(")) return {};
    if (!TakeSize()) return Unexpected();
    if (TakeOther(",") && !TakeSize()) return Unexpected();
    return TakeOther(")") ? Status() : Unexpected();
  }

  bool TakeLiteral() {
    if (TakeWord("NULL") || TakeWord("TRUE") || TakeWord("FALSE")) return true;
    if (Is(Token::Kind::kString)) return ++at_, true;
    if (Is(Token::Kind::kSign)) ++at_;
    return TakeSize();
  }

  bool TakeSize() { return Is(Token::Kind::kNumber) && (++at_, true); }
  bool TakeWord(std::string_view word) { return Take(Token::Kind::kWord, word); }
  bool TakeOther(std::string_view text) { return Take(Token::Kind::kOther, text); }
  bool Take(Token::Kind kind, std::string_view text) {
    return Is(kind) && tokens_[at_].text == text && (++at_, true);
  }
  bool Is(Token::Kind kind) const { return at_ < tokens_.size() && tokens_[at_].kind == kind; }

  Status Unexpected() const {
    const std::string where = at_ < tokens_.size()
                                  ? "'" + tokens_[at_].text + "' cannot stand there"
                                  : "something is missing";
    return Status::Usage("not a type: " + where, std::string(kWhatMayStand));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  TypeRules rules_;
};

// Takes a column's definition apart. Whatever it does not know is one of the `others`: SQLite has
// read the text before us, so it is sound.
class DefinitionReader {
 public:
  explicit DefinitionReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Definition Read() {
    while (!AtEnd() && !IsConstraintWord()) Take(&definition_.type);
    while (!AtEnd()) ReadConstraint();
    return std::move(definition_);
  }

 private:
  void ReadConstraint() {
    if (IsWord("CONSTRAINT")) {
      at_ += 2;  // its name means nothing to a comparison
    } else if (IsWord("NOT") && IsWord("NULL", 1)) {
      at_ += 2;
      definition_.not_null = true;
      if (IsWord("ON")) TakeOther();
    } else if (IsWord("NULL")) {
      ++at_;
    } else if (IsWord("DEFAULT")) {
      ++at_;
      definition_.default_value.clear();
      if (!AtEnd() && tokens_[at_].kind == Token::Kind::kSign) Take(&definition_.default_value);
      if (!AtEnd()) Take(&definition_.default_value);
    } else if (IsWord("COLLATE") && at_ + 1 < tokens_.size()) {
      definition_.collation = Upper(tokens_[at_ + 1].text);
      at_ += 2;
    } else {
      TakeOther();
    }
  }

  // Up to the next constraint. Words of one are part of another in SET NULL, SET DEFAULT, NOT
  // DEFERRABLE and GENERATED ALWAYS AS.
  void TakeOther() {
    std::string before;
    do {
      before = tokens_[at_].text;
      Take(&definition_.others);
    } while (!AtEnd() && (!IsConstraintWord() || before == "SET" || before == "ALWAYS" ||
                          (IsWord("NOT") && !IsWord("NULL", 1))));
  }

  // One token, or all up to the parenthesis that closes this one.
  void Take(std::string* to) {
    int depth = 0;
    do {
      const std::string& text = tokens_[at_++].text;
      if (text == "(") ++depth;
      if (text == ")") --depth;
      *to += (to->empty() ? "" : " ") + text;
    } while (depth > 0 && !AtEnd());
  }

  bool AtEnd() const { return at_ >= tokens_.size(); }
  bool IsConstraintWord() const {
    return tokens_[at_].kind == Token::Kind::kWord && IsOneOf(tokens_[at_].text, kConstraintWords);
  }
  bool IsWord(std::string_view word, size_t after = 0) const {
    return at_ + after < tokens_.size() && tokens_[at_ + after].kind == Token::Kind::kWord &&
           tokens_[at_ + after].text == word;
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  Definition definition_;
};

// A type that a schema may declare, for each affinity.
std::string TypeOfAffinity(Affinity affinity) {
  switch (affinity) {
    case Affinity::kText:
      return "TEXT";
    case Affinity::kInteger:
      return "INTEGER";
    case Affinity::kReal:
      return "REAL";
    case Affinity::kNumeric:
      return "NUMERIC";
    case Affinity::kBlob:
      break;
  }
  return "";
}

}  // namespace

Status CheckDeclaredType(std::string_view type) {
  if (type.find('\0') != std::string_view::npos) {
    return Status::Usage("not a type: a NUL byte in it", std::string(kWhatMayStand));
  }
  return TypeReader(Tokens(type)).Read();
}

TypeRules RulesOf(std::string_view declared_type) {
  TypeReader reader(Tokens(declared_type));
  return reader.Read().ok() ? reader.rules() : TypeRules();
}

Definition DefinitionOf(std::string_view text) { return DefinitionReader(Tokens(text)).Read(); }

std::string DeclaredTypeOf(const Definition& definition) {
  std::string type = definition.type;
  if (!CheckDeclaredType(type).ok()) type = TypeOfAffinity(AffinityOf(type));
  const auto add = [&](const std::string& constraint) {
    const std::string longer = type + (type.empty() ? "" : " ") + constraint;
    if (CheckDeclaredType(longer).ok()) type = longer;
  };
  if (definition.not_null) add("NOT NULL");
  if (!definition.default_value.empty()) add("DEFAULT " + definition.default_value);
  if (definition.collation != "BINARY") add("COLLATE " + definition.collation);
  return type;
}

Affinity AffinityOf(std::string_view declared_type) {
  std::string name;  // of the type, without the constraints after it
  for (const Token& token : Tokens(declared_type)) {
    if (token.kind == Token::Kind::kWord && IsOneOf(token.text, kConstraintWords)) break;
    name += token.text;
    name += ' ';
  }
  const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  if (has("INT")) return Affinity::kInteger;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::kText;
  if (has("BLOB") || name.empty()) return Affinity::kBlob;
  if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::kReal;
  return Affinity::kNumeric;
}

}  // namespace sluice
