// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan.h"

#include <utility>

#include "ingest/knowledge.h"
#include "ingest/plan_inputs.h"
#include "ingest/plan_sources.h"
#include "ingest/plan_tables.h"
#include "schema/schema.h"

namespace sluice {

Result<RunPlan> MakePlan(const IngestOptions& options, const StopToken& stop,
                         TargetDatabase* target) {
  RunPlan plan;
  TableChooser tables(options, stop, target, &plan);
  if (Status s = tables.LoadNamedSchema(); !s.ok()) return Error(s);
  if (Status s = tables.LookAtDatabase(); !s.ok()) return Error(s);

  Result<Knowledge> knowledge = ReadKnowledge(target);
  if (!knowledge) return Error(knowledge.error());
  Result<std::vector<Candidate>> candidates =
      InputFinder(options, stop, *target, tables.any_json(), &plan).Find();
  if (!candidates) return Error(candidates.error());

  SourceFinder sources(options, target, &*knowledge, &plan);
  sources.NoteNamed(*candidates);
  if (Status s = tables.Choose(std::move(*candidates), *knowledge); !s.ok()) return Error(s);
  if (Status s = sources.Find(); !s.ok()) return Error(s);

  if (Status s = tables.AddCompanions(); !s.ok()) return Error(s);
  for (const Table& table : plan.tables) {
    for (std::string& warning : SchemaWarnings(table)) plan.warnings.push_back(std::move(warning));
  }
  return plan;
}

}  // namespace sluice
