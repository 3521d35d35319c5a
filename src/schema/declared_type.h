// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sluice/status.hpp"

namespace sluice {

// Whether `type` is one that a schema may declare:
//
//   [ TYPE-WORD... [ (N) | (N,N) ] ]  { NOT NULL | NULL | DEFAULT literal | COLLATE collation }...
//
// Type words are a fixed list, so that a slip ("INTGER", which SQLite would take as NUMERIC) is
// found and nothing but a type can stand there: no CHECK, REFERENCES, GENERATED, PRIMARY KEY or
// comment. Literals: NULL, TRUE, FALSE, a number, a 'string'. Collations: BINARY, NOCASE, RTRIM.
// Errors: kUsage, without the place.
Status CheckDeclaredType(std::string_view type);

// What a type that passed CheckDeclaredType demands of values.
struct TypeRules {
  bool not_null = false;
  std::string collation = "BINARY";
};
TypeRules RulesOf(std::string_view declared_type);

// What stands after a column's name in a CREATE TABLE that any program may have written, taken
// apart so that two of them can be compared: words in capitals, one blank between tokens.
struct Definition {
  std::string type;  // "VARCHAR ( 20 )"
  bool not_null = false;
  std::string default_value;  // "" for none
  std::string collation = "BINARY";
  // What no schema declares, as text: "CHECK ( a > 0 )", "REFERENCES o ( x )", "PRIMARY KEY".
  std::string others;
};
Definition DefinitionOf(std::string_view text);

// As `type` of a schema, without `others`. A type that CheckDeclaredType refuses is replaced by one
// of the same affinity, and a default that it refuses is left out.
std::string DeclaredTypeOf(const Definition& definition);

}  // namespace sluice
