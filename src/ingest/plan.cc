// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan.h"

#include <utility>

#include "ingest/knowledge.h"
#include "ingest/plan_inputs.h"
#include "ingest/plan_sources.h"
#include "ingest/plan_tables.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// Whoever knows a part of it has decided on it.
void SetWaitingAside(RunPlan* plan, bool inputs_may_come) {
  const auto waits = [](const PlannedSource& source) {
    return !source.awaits.empty() && source.from.bytes == 0;
  };
  for (const PlannedSource& source : plan->sources) {
    if (!waits(source)) continue;
    WaitingInput input = source.AsWaiting(inputs_may_come);
    if (source.decision != "new") input.awaits += " (" + source.decision + ")";
    plan->waiting.push_back(std::move(input));
  }
  std::erase_if(plan->sources, waits);
}

}  // namespace

Result<RunPlan> MakePlan(const IngestOptions& options, const StopToken& stop,
                         TargetDatabase* target) {
  Result<Knowledge> knowledge = ReadKnowledge(target);
  if (!knowledge) return Error(knowledge.error());
  Folders folders(FilesOfDatabase(target->path()));
  return MakePlan(options, stop, target, &*knowledge, &folders);
}

Result<RunPlan> MakePlan(const IngestOptions& options, const StopToken& stop,
                         TargetDatabase* target, Knowledge* knowledge, Folders* folders) {
  RunPlan plan;
  TableChooser tables(options, stop, target, folders, &plan);
  if (Status s = tables.LoadNamedSchema(); !s.ok()) return Error(s);
  if (Status s = tables.LookAtDatabase(); !s.ok()) return Error(s);

  SourceFinder sources(options, target, knowledge, folders, &plan);
  const std::vector<std::string> homes = tables.HomesOfKnown(*knowledge);
  const auto is_known = [&](Candidate* candidate) { return sources.IsKnown(homes, candidate); };
  Result<std::vector<Candidate>> candidates =
      InputFinder(options, stop, *target, tables.any_json(), &plan).Find(is_known);
  if (!candidates) return Error(candidates.error());

  sources.NoteNamed(*candidates);
  if (Status s = tables.Choose(std::move(*candidates), knowledge); !s.ok()) return Error(s);
  if (Status s = sources.Find(); !s.ok()) return Error(s);
  SetWaitingAside(&plan, options.inputs_may_come);

  if (Status s = tables.AddCompanions(); !s.ok()) return Error(s);
  if (Status s = tables.CompileViews(); !s.ok()) return Error(s);
  for (const Table& table : plan.tables) {
    for (std::string& warning : SchemaWarnings(table)) plan.warnings.push_back(std::move(warning));
  }
  return plan;
}

}  // namespace sluice
