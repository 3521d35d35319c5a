// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/terminal.h"
#include "sluice/ingest.hpp"

namespace sluice {

// What a run did: a few lines for a person, or the object of `sluice ingest --json`.
std::string SummaryText(const IngestOptions& options, const IngestSummary& summary,
                        const Terminal& terminal);
// The same of a live run.
std::string FollowSummaryText(const IngestOptions& options, const IngestSummary& summary,
                              const Terminal& terminal);
std::string SummaryJson(const std::string& database, const IngestSummary& summary);

// What --dry-run found.
std::string PlanText(const IngestPlan& plan);
std::string PlanJson(const IngestPlan& plan);

// A word as it can be typed in a shell.
std::string ShellWord(const std::string& word);

}  // namespace sluice
