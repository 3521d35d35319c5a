// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sink/target_database.h"
#include "sluice/ingest.hpp"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"

namespace sluice {

// Where a table of the plan comes from, which decides what a difference to the table that is there
// means.
enum class TableOrigin : uint8_t {
  kFile,      // a schema file: what it asks for is done, or is an error
  kPreset,    // named, recognised, or a companion: what it has more is added, the rest stays
  kStored,    // what an earlier run stored
  kInferred,  // from the lines of this run
};

// The table that a run is to fill, over what the database has of that name: `wanted`, fitted to it.
// What comes back is what the table will be when the run has made its additions, and what
// _sluice_schemas is to say of it. What a person should know of these goes to `notes`.
//
// Errors: kUsage with the difference, and the command that makes it.
Result<Table> FitTable(TargetDatabase* target, Table wanted, TableOrigin origin,
                       const IngestOptions& options, std::vector<std::string>* notes);

}  // namespace sluice
