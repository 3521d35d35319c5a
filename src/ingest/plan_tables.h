// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "extract/inference.h"
#include "ingest/candidate.h"
#include "ingest/knowledge.h"
#include "ingest/plan.h"
#include "ingest/table_fit.h"
#include "sink/target_database.h"
#include "sluice/ingest.hpp"
#include "sluice/schema.hpp"
#include "sluice/status.hpp"
#include "sluice/stop.hpp"

namespace sluice {

// The second step of a plan: which table the lines of each input go to. It fills the plan's tables,
// and makes its sources, of which only the place is known yet.
class TableChooser {
 public:
  TableChooser(const IngestOptions& options, const StopToken& stop, TargetDatabase* target,
               Folders* folders, RunPlan* plan)
      : options_(options), stop_(stop), target_(target), folders_(folders), plan_(*plan) {}

  Status LoadNamedSchema();
  // kUsage for another application's database, unless we were told a table's name.
  Status LookAtDatabase();
  bool any_json() const { return named_schema_.any_json; }
  // Takes the candidates.
  Status Choose(std::vector<Candidate> candidates, Knowledge* knowledge);
  // Tables in which a source that they know stays, whatever its content looks like by now.
  std::vector<std::string> HomesOfKnown(const Knowledge& knowledge);
  Status AddCompanions();
  // Of a schema file: a mistake in a view is found before the first row, not by the first SELECT.
  Status CompileViews();

 private:
  bool infers() const { return options_.schema == "auto"; }
  bool names_file() const { return options_.schema.ends_with(".toml"); }
  bool IsTold(const Table& table) const;
  void NoteRecognised();
  Status ChooseByOption(PlannedSource* source);
  Status ChooseByContent(const Candidate& candidate, Knowledge* knowledge, PlannedSource* source);
  Status Infer(const Candidate& candidate, const Knowledge& knowledge, PlannedSource* source);
  Status UsePreset(const std::string& preset, PlannedSource* source);
  Status Await(const Candidate& candidate, const Awaited& awaited, const Knowledge& knowledge,
               PlannedSource* source);
  Result<bool> IsAtHome(const std::string& preset);
  std::optional<std::string> AutoTableOf(const Candidate& candidate, Knowledge* knowledge);
  Result<const std::optional<Table>*> Stored(const std::string& name);
  Status UseStored(const std::string& name, PlannedSource* source);
  template <typename Load>
  Status UseTable(const std::string& key, TableOrigin origin, Load load, PlannedSource* source);
  Result<uint32_t> AddTable(Table table, TableOrigin origin);
  Status ApplyKeyOptions(Table* table) const;
  Status InferTable();

  const IngestOptions& options_;
  const StopToken& stop_;
  TargetDatabase* target_;
  Folders* folders_;
  RunPlan& plan_;

  Table named_schema_;                                  // --schema, unless it is auto
  Ownership owned_;                                     // of the target
  std::map<std::string, std::optional<Table>> stored_;  // that were asked for
  std::map<std::string, uint32_t> tables_by_key_;
  std::set<std::string> recognised_;  // presets
  Inference inference_;               // from the inputs whose table is inferred
  std::vector<size_t> inferred_sources_;
};

}  // namespace sluice
