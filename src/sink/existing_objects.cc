// SPDX-License-Identifier: Apache-2.0
#include "sink/existing_objects.h"

namespace sluice {
namespace {

std::string Counted(uint64_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

Status ForgetDropped(Connection& connection, Ledger* ledger, const Ownership& owned,
                     const Table& dropped, std::vector<std::string>* notes) {
  for (const FullText& full_text : dropped.full_texts) {
    if (!owned.HasFullText(dropped, full_text)) continue;
    if (Status s = connection.Execute("DROP TABLE " + QuoteName(full_text.name)); !s.ok()) return s;
  }
  const Result<ForgottenTable> forgotten = ledger->ForgetTable(dropped.name);
  if (!forgotten) return forgotten.error();
  notes->push_back("the table " + dropped.name +
                   " was gone (dropped, or renamed): it is made anew, " +
                   Counted(forgotten->sources, "source") + " of it and " +
                   Counted(forgotten->rejects, "reject") +
                   " are forgotten, and the inputs of this run are read from their beginning");
  return {};
}

}  // namespace

Status MakeGood(Connection& connection, Ledger* ledger, const Ownership& owned,
                const std::vector<const Table*>& tables, std::vector<std::string>* notes) {
  for (const Table* table : tables) {
    if (const Table* dropped = owned.GoneTable(table->name)) {
      Status s = ForgetDropped(connection, ledger, owned, *dropped, notes);
      if (!s.ok()) return s;
      continue;
    }
    for (const std::string& trigger : owned.LostFullTextTriggers(table->name)) {
      if (Status s = connection.Execute("DROP TRIGGER " + QuoteName(trigger)); !s.ok()) return s;
    }
  }
  return {};
}

}  // namespace sluice
