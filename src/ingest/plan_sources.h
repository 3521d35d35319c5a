// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "follow/directory.h"
#include "follow/identity.h"
#include "follow/known_sources.h"
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
               Folders* folders, RunPlan* plan)
      : options_(options),
        target_(target),
        knowledge_(*knowledge),
        plan_(*plan),
        folders_(folders) {}

  // Whether the candidate is a source that one of these tables knows by its path: then it gets its
  // identity and table.
  bool IsKnown(const std::vector<std::string>& tables, Candidate* candidate);
  // Before the plan has its sources: the inputs that are files.
  void NoteNamed(const std::vector<Candidate>& candidates);
  Status Find();

 private:
  using Inode = std::pair<uint64_t, uint64_t>;  // with its device

  void FindRotatedNames();
  Status IdentifySources();
  KnownSources& KnownTo(const PlannedSource& source);
  bool IsPathKnown(const PlannedSource& source);
  Status IdentifySource(PlannedSource* source);
  Status Adopt(const Identity& identity, PlannedSource* source);
  Status StartAtByte(PlannedSource* source, uint64_t bytes);
  Status StartAtEnd(PlannedSource* source);

  Status FindMovedSources();
  Status NoteNewHeads();
  Status AddRotatedOfInputs();
  Status FindMovedSource(const StoredSource& displaced, uint32_t table);
  Status TellLost();
  Status AddRotated(const std::string& path, uint32_t table);
  bool IsDecided(const Identity& identity) const;
  Status CannotLookFor(const std::string& what, const Status& why);
  Result<bool> BeginsLikeOneOfThisRun(const std::string& path);
  void NoteHead(std::string head);
  void NoteDecided(const PlannedSource& source);
  void AddFound(PlannedSource source);

  const IngestOptions& options_;
  TargetDatabase* target_;
  Knowledge& knowledge_;
  RunPlan& plan_;
  Folders* folders_;

  // Ids of known sources, and the index of their table.
  std::vector<std::pair<int64_t, uint32_t>> displaced_;
  std::vector<bool> may_have_been_rotated_;  // of plan_.sources, as they were chosen
  // The first bytes of sources that are new, and may be rotated: none begins with another.
  std::set<std::string> heads_;
  std::map<std::string, std::string> named_;  // inputs that are files, and their first bytes
  // Files and known sources that are decided on.
  std::set<Inode> decided_files_;
  std::set<int64_t> decided_ids_;
  std::set<int64_t> searched_ids_;    // of known sources that were displaced
  std::vector<PlannedSource> found_;  // beside the inputs
  std::vector<LostSource> missing_;   // displaced, and not found by themselves
};

}  // namespace sluice
