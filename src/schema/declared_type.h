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

}  // namespace sluice
