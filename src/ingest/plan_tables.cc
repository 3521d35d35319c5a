// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan_tables.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "follow/identity.h"
#include "ingest/plan_inputs.h"
#include "schema/names.h"
#include "schema/schema.h"

namespace sluice {
namespace {

// Where lines go whose table was inferred and not named. One name for all inputs, for a run with
// one input more must find the table of the run before.
constexpr std::string_view kInferredTable = "lines";

// Whether it has a column for any key: `auto` makes a table without one when it has seen no line
// yet.
bool HasKeys(const Table& table) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [](const Column& column) { return column.origin == Origin::kPointer; });
}

}  // namespace

Status TableChooser::LoadNamedSchema() {
  if (infers()) return {};
  Result<Table> table = names_file() ? LoadSchema(options_.schema) : LoadPreset(options_.schema);
  if (!table) return table.error();
  named_schema_ = std::move(*table);
  return {};
}

Status TableChooser::Choose(std::vector<Candidate> candidates, Knowledge* knowledge) {
  for (const Candidate& candidate : candidates) recognised_.insert(candidate.recognised.preset);
  for (Candidate& candidate : candidates) {
    PlannedSource source;
    source.key = candidate.key;
    source.stored_size = candidate.stored_size;
    source.identity = std::move(candidate.identity);
    Status s = infers() ? ChooseByContent(candidate, knowledge, &source) : ChooseByOption(&source);
    if (MayComeAgain(options_, candidate.path, s, &plan_)) continue;
    if (!s.ok()) return s;
    source.open = std::move(candidate.opened);
    if (source.schema.empty()) {  // nothing is known of it that another source could be
      plan_.waiting.push_back(source.AsWaiting(options_.inputs_may_come));
    } else {
      plan_.sources.push_back(std::move(source));
    }
  }
  if (Status s = InferTable(); !s.ok()) return s;
  NoteRecognised();
  return {};
}

// `auto` says what it took the inputs for, once a table.
void TableChooser::NoteRecognised() {
  if (!infers()) return;
  std::map<std::string, size_t> files;
  for (const PlannedSource& source : plan_.sources) {
    if (source.schema != "stored" && source.awaits.empty()) ++files[source.schema];
  }
  for (const auto& [schema, count] : files) {
    const std::string what = std::to_string(count) + (count == 1 ? " source" : " sources");
    plan_.notes.push_back(schema == "inferred" ? "inferred the columns of " + what
                                               : "recognised " + schema + " in " + what);
  }
}

Status TableChooser::ChooseByOption(PlannedSource* source) {
  source->schema = options_.schema;
  return UseTable(
      options_.schema, names_file() ? TableOrigin::kFile : TableOrigin::kPreset,
      [&]() -> Result<Table> { return named_schema_; }, source);
}

Status TableChooser::ChooseByContent(const Candidate& candidate, Knowledge* knowledge,
                                     PlannedSource* source) {
  if (!candidate.table.empty()) return UseStored(candidate.table, source);
  // A source stays with the table that has its first lines, whatever its later lines look like.
  if (const std::optional<std::string> table = AutoTableOf(candidate, knowledge))
    return UseStored(*table, source);
  const Recognised& recognised = candidate.recognised;
  if (!recognised.preset.empty()) return UsePreset(recognised.preset, source);
  const std::chrono::milliseconds undecided_for =
      options_.start_at_end ? std::chrono::milliseconds(0) : options_.undecided_for;
  if (const std::optional<Awaited> awaited =
          AwaitedOf(candidate, undecided_for, options_.inputs_may_come)) {
    return Await(candidate, *awaited, *knowledge, source);
  }
  if (!recognised.may_be.empty()) {
    const Result<bool> is_at_home = IsAtHome(recognised.may_be);
    if (!is_at_home) return is_at_home.error();
    if (*is_at_home) return UsePreset(recognised.may_be, source);
  }
  const std::string name = options_.table.empty() ? std::string(kInferredTable) : options_.table;
  const Result<const std::optional<Table>*> stored = Stored(name);
  if (!stored) return stored.error();
  if ((*stored)->has_value() && HasKeys(***stored)) return UseStored(name, source);
  return Infer(candidate, *knowledge, source);
}

Status TableChooser::Infer(const Candidate& candidate, const Knowledge& knowledge,
                           PlannedSource* source) {
  const Recognised& recognised = candidate.recognised;
  const Result<std::string> sample = SampleOf(candidate, options_, stop_);
  if (!sample) return sample.error();
  const uint64_t lines_before = inference_.lines();
  inference_.Add(*sample);
  // It was rotated since the first look: what has its name now, if anything, has no record.
  if (inference_.lines() == lines_before && recognised.objects > 0)
    return Await(candidate, {.what = "its first record"}, knowledge, source);
  if (!recognised.array.empty()) {
    plan_.warnings.push_back(candidate.path + " is one line, an object around the array " +
                             recognised.array +
                             ", and becomes one row; for a row of each element: " +
                             ElementsCommand(recognised, candidate.path));
  }
  source->schema = "inferred";
  inferred_sources_.push_back(plan_.sources.size());
  return {};
}

Status TableChooser::UsePreset(const std::string& preset, PlannedSource* source) {
  source->schema = preset;
  return UseTable(
      preset, TableOrigin::kPreset, [&] { return LoadPreset(preset); }, source);
}

// It gets a table only for what had its path before: the table of that one, or the one for lines
// that are not recognised, where there is such a table already.
Status TableChooser::Await(const Candidate& candidate, const Awaited& awaited,
                           const Knowledge& knowledge, PlannedSource* source) {
  source->awaits = awaited.what;
  std::string name = options_.table.empty() ? knowledge.TableOf(candidate.key.path) : "";
  if (name.empty()) {
    name = options_.table.empty() ? std::string(kInferredTable) : options_.table;
  }
  const Result<std::optional<Table>> stored = target_->StoredTable(name);
  if (!stored) return stored.error();
  const bool is_ours = stored->has_value() && HasKeys(**stored);
  return is_ours && candidate.opened == nullptr ? UseStored(name, source) : Status();
}

// Whether this run, or an earlier one, has found lines of this preset.
Result<bool> TableChooser::IsAtHome(const std::string& preset) {
  if (recognised_.contains(preset)) return true;
  const Result<Table> table = LoadPreset(preset);
  if (!table) return Error(table.error());
  const std::string name = options_.table.empty() ? table->name : options_.table;
  const Result<std::optional<Table>> stored = target_->StoredTable(name);
  if (!stored) return Error(stored.error());
  return stored->has_value() && (*stored)->preset == preset;
}

// Read from the database once for each name: there may be ten thousand inputs.
Result<const std::optional<Table>*> TableChooser::Stored(const std::string& name) {
  const auto known = stored_.find(name);
  if (known != stored_.end()) return &known->second;
  Result<std::optional<Table>> stored = target_->StoredTable(name);
  if (!stored) return Error(stored.error());
  return &stored_.emplace(name, std::move(*stored)).first->second;
}

std::vector<std::string> TableChooser::HomesOfKnown(const Knowledge& knowledge) {
  if (!infers()) return {options_.table.empty() ? named_schema_.name : options_.table};
  std::vector<std::string> homes;
  if (!options_.table.empty()) return homes;
  for (const auto& [table, sources] : knowledge.sources) {
    const Result<const std::optional<Table>*> stored = Stored(table);
    if (!stored || !(*stored)->has_value()) continue;
    const Table& home = ***stored;
    if (!home.preset.empty() && home.preset != "raw" && HasKeys(home)) homes.push_back(table);
  }
  return homes;
}

// The table that `auto` put this source into in an earlier run.
std::optional<std::string> TableChooser::AutoTableOf(const Candidate& candidate,
                                                     Knowledge* knowledge) {
  if (candidate.opened != nullptr || !options_.table.empty()) return std::nullopt;
  for (const std::string& table : HomesOfKnown(*knowledge)) {
    const Result<Identity> identity = Identify(candidate.key.path, &knowledge->Of(table), folders_);
    if (identity && identity->source_id != 0 && identity->start.offset.bytes > 0) return table;
  }
  return std::nullopt;
}

// A table of a preset is fitted to it in each run: its companions are, and their views read those
// of the others.
Status TableChooser::UseStored(const std::string& name, PlannedSource* source) {
  const Result<const std::optional<Table>*> stored = Stored(name);
  if (!stored) return stored.error();
  const Result<Table> preset = LoadPreset((*stored)->has_value() ? (**stored)->preset : "");
  if (preset && SameName(preset->name, name)) {
    Status s = UsePreset(preset->preset, source);
    source->schema = "stored";
    return s;
  }
  source->schema = "stored";
  return UseTable(
      "stored " + name, TableOrigin::kStored, [&]() -> Result<Table> { return ***stored; }, source);
}

// Loads each schema once; `key` is what it is known by during this run.
template <typename Load>
Status TableChooser::UseTable(const std::string& key, TableOrigin origin, Load load,
                              PlannedSource* source) {
  const auto found = tables_by_key_.find(key);
  if (found != tables_by_key_.end()) {
    source->table = found->second;
    return {};
  }
  Result<Table> table = load();
  if (!table) return table.error();
  if (!options_.table.empty() && !SameName(table->name, options_.table))
    RenameTable(&*table, options_.table);
  Result<uint32_t> index = AddTable(std::move(*table), origin);
  if (!index) return index.error();
  source->table = tables_by_key_[key] = *index;
  return {};
}

Result<uint32_t> TableChooser::AddTable(Table table, TableOrigin origin) {
  if (Status s = ApplyKeyOptions(&table); !s.ok()) return Error(s);
  // Its name may be one that somebody gave it by hand.
  if (Status s = options_.table.empty() ? Status() : CheckTable(table); !s.ok()) return Error(s);
  if (Status s = owned_.CheckNames(table, IsTold(table)); !s.ok()) return Error(s);
  Result<Table> fitted = FitTable(target_, std::move(table), origin, options_, &plan_.notes);
  if (!fitted) return Error(fitted.error());
  table = std::move(*fitted);
  for (uint32_t i = 0; i < plan_.tables.size(); ++i) {
    if (!SameName(plan_.tables[i].name, table.name)) continue;
    if (plan_.tables[i].preset == table.preset) return i;
    return Error(Status::Usage(
        "the inputs are of several kinds, and cannot all go to the table " + table.name,
        "leave out --table, or ingest them one kind at a time"));
  }
  plan_.tables.push_back(std::move(table));
  return static_cast<uint32_t>(plan_.tables.size() - 1);
}

Status TableChooser::ApplyKeyOptions(Table* table) const {
  if (options_.primary_key.empty()) return {};
  table->primary_key.clear();
  for (const std::string& key : options_.primary_key) {
    table->primary_key.push_back(ColumnOfKey(*table, key));
  }
  table->on_conflict = options_.on_conflict;
  table->rowid_column.clear();
  return CheckTable(*table);
}

Status TableChooser::InferTable() {
  if (inferred_sources_.empty()) return {};
  Table table =
      inference_.Finish(options_.table.empty() ? kInferredTable : std::string_view(options_.table),
                        options_.primary_key);
  Result<uint32_t> index = AddTable(std::move(table), TableOrigin::kInferred);
  if (!index) return index.error();
  for (size_t source : inferred_sources_) plan_.sources[source].table = *index;
  return {};
}

// The tables that views read, made empty if nothing goes to them in this run.
Status TableChooser::AddCompanions() {
  const size_t with_sources = plan_.tables.size();
  for (size_t i = 0; i < with_sources; ++i) {
    // Into another application's database goes the table that we were told, and nothing beside it.
    if (!owned_.is_ours() && !owned_.ForeignTables().empty()) {
      plan_.tables[i].companions.clear();
      plan_.tables[i].views.clear();
    }
    Result<std::vector<Table>> family = WithCompanions(plan_.tables[i]);
    if (!family) return family.error();
    for (size_t member = 1; member < family->size(); ++member) {
      Result<uint32_t> added = AddTable(std::move((*family)[member]), TableOrigin::kPreset);
      if (!added) return added.error();
    }
  }
  return {};
}

// A mistake in a view of a schema file is found before the first row, not by the first SELECT.
Status TableChooser::CompileViews() {
  if (!names_file()) return {};
  return target_->CompileViews(plan_.tables,
                               options_.table.empty() ? named_schema_.name : options_.table);
}

// A database without a table of ours gets one only if somebody told us its name (I12).
Status TableChooser::LookAtDatabase() {
  Result<Ownership> owned = target_->Owned();
  if (!owned) return owned.error();
  owned_ = std::move(*owned);
  if (owned_.is_ours() || !options_.table.empty()) return {};
  const std::vector<std::string> foreign = owned_.ForeignTables();
  if (foreign.empty()) return {};
  return Status::Usage(target_->path() + " is the database of another application (it has " +
                           foreign.front() + (foreign.size() > 1 ? " and others)" : ")"),
                       "say --table NAME to write into it all the same, or name a new database");
}

// Whether somebody told us to write into a table of this name, whoever made it: by --table, or by
// a schema file.
bool TableChooser::IsTold(const Table& table) const {
  if (!options_.table.empty()) return SameName(table.name, options_.table);
  return names_file() && SameName(table.name, named_schema_.name);
}

}  // namespace sluice
