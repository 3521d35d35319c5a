// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "publish/ownership.h"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sqlite/connection.h"

namespace sluice {

// Makes good what was done by hand to objects of ours since the last run, for the tables that a run
// is about to write to. Within its transaction, before its first row. `notes` tells a person.
//
//   a table was dropped          its sources, with their offsets, rejects and gaps, are forgotten:
//                                their rows went with it, and are read again. Its full-text tables,
//                                which SQLite leaves standing, go too, and are made again.
//   a full-text table was        its triggers, which SQLite leaves on our table, would make every
//   dropped                      INSERT fail: they go, and are made again with it if the schema
//                                still lists it. What others gave its name to is left alone.
Status MakeGood(Connection& connection, Ledger* ledger, const Ownership& owned,
                const std::vector<const Table*>& tables, std::vector<std::string>* notes);

}  // namespace sluice
