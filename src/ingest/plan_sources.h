// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "follow/identity.h"
#include "ingest/knowledge.h"
#include "ingest/plan.h"
#include "ingest/plan_inputs.h"
#include "sink/target_database.h"
#include "sluice/ingest.hpp"
#include "sluice/status.hpp"

namespace sluice {

// The third step of a plan: which of its sources the database knows, where each goes on, and what
// became of known sources whose path has other content now.
class SourceFinder {
 public:
  SourceFinder(const IngestOptions& options, TargetDatabase* target, Knowledge* knowledge,
               RunPlan* plan)
      : options_(options), target_(target), knowledge_(*knowledge), plan_(*plan) {}

  // Before the plan has its sources: the inputs that are files.
  void NoteNamed(const std::vector<Candidate>& candidates);
  Status Find();

 private:
  void FindRotatedNames();
  Status IdentifySources();
  std::vector<KnownSource>& KnownTo(const PlannedSource& source);
  bool StandsWhereItWas(const PlannedSource& source);
  Status IdentifySource(PlannedSource* source);
  void Adopt(const Identity& identity, PlannedSource* source);
  Status StartAtByte(PlannedSource* source, uint64_t bytes);
  Status StartAtEnd(PlannedSource* source);

  Status FindMovedSources();
  Status FindMovedSource(const KnownSource& displaced, uint32_t table);
  Status TellLost();
  bool IsFound(int64_t source_id) const;
  Status AddRotated(const std::string& path, uint32_t table);
  bool IsPlanned(const Identity& identity) const;
  bool BeginsLikeOneOfThisRun(const std::string& path);
  void AddFound(PlannedSource source);

  const IngestOptions& options_;
  TargetDatabase* target_;
  Knowledge& knowledge_;
  RunPlan& plan_;

  std::vector<std::pair<int64_t, uint32_t>>
      displaced_;                            // ids of known sources, and the index of their table
  std::vector<bool> may_have_been_rotated_;  // of plan_.sources, as they were chosen
  std::vector<std::string> heads_;    // the first bytes of sources that are new, and may be rotated
  std::set<std::string> named_;       // inputs that are files
  std::vector<std::string> except_;   // files that are decided on
  std::vector<PlannedSource> found_;  // beside the inputs
  std::vector<LostSource> missing_;   // displaced, and not found by themselves
};

}  // namespace sluice
