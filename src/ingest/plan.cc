// SPDX-License-Identifier: Apache-2.0
#include "ingest/plan.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "extract/extractor.h"
#include "extract/inference.h"
#include "extract/recognise.h"
#include "follow/identity.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "source/inputs.h"
#include "source/open.h"
#include "source/peeked_source.h"

namespace sluice {
namespace {

// Enough for some hundred lines of most logs, and for the first message of an agent's session.
constexpr size_t kSampleBytes = size_t{256} << 10;

// The clock of files ticks every few milliseconds.
constexpr int64_t kClockSlackNs = 100'000'000;

// Where lines go whose table was inferred and not named. One name for all inputs, for a run with
// one input more must find the table of the run before.
constexpr std::string_view kInferredTable = "lines";

// Whether it has a column for any key: `auto` makes a table without one when it has seen no line
// yet.
bool HasKeys(const Table& table) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [](const Column& column) { return column.origin == Origin::kPointer; });
}

// An input and what its first bytes say.
struct Candidate {
  std::string path;   // "-" is stdin
  bool named = true;  // an argument; false: found in a directory
  SourceKey key;
  uint64_t stored_size = 0;
  std::unique_ptr<PeekedSource> opened;  // what cannot be opened twice
  std::string head;                      // at most kIdentityWindow bytes
  Recognised recognised;
};

class Planner {
 public:
  Planner(const IngestOptions& options, const StopToken& stop, TargetDatabase* target)
      : options_(options), stop_(stop), target_(target) {}

  Result<RunPlan> Make() {
    if (Status s = LoadNamedSchema(); !s.ok()) return Error(s);
    if (Status s = FindCandidates(); !s.ok()) return Error(s);
    if (Status s = ReadKnownSources(); !s.ok()) return Error(s);
    if (Status s = LookAtCandidates(); !s.ok()) return Error(s);
    if (Status s = ChooseTables(); !s.ok()) return Error(s);
    NoteRecognised();
    FindRotatedNames();
    if (Status s = IdentifySources(); !s.ok()) return Error(s);
    if (Status s = FindMovedSources(); !s.ok()) return Error(s);
    if (Status s = AddCompanions(); !s.ok()) return Error(s);
    if (Status s = RefuseForeignDatabase(); !s.ok()) return Error(s);
    for (const Table& table : plan_.tables) {
      for (std::string& warning : SchemaWarnings(table))
        plan_.warnings.push_back(std::move(warning));
    }
    return std::move(plan_);
  }

 private:
  bool infers() const { return options_.schema == "auto"; }

  Status LoadNamedSchema() {
    if (infers()) return {};
    const bool is_file = options_.schema.ends_with(".toml");
    Result<Table> table = is_file ? LoadSchema(options_.schema) : LoadPreset(options_.schema);
    if (!table) return table.error();
    named_schema_ = std::move(*table);
    return {};
  }

  Status FindCandidates() {
    std::vector<std::string> awaited;
    Result<std::vector<std::string>> paths =
        ExpandInputs(options_.inputs, {.include = options_.include, .exclude = options_.exclude},
                     target_->path(), options_.inputs_may_come ? &awaited : nullptr);
    if (!paths) return paths.error();
    for (const std::string& path : awaited) {
      plan_.warnings.push_back(path + " is not there yet: waiting for it");
    }
    for (const std::string& path : *paths) {
      const bool named =
          std::find(options_.inputs.begin(), options_.inputs.end(), path) != options_.inputs.end();
      candidates_.push_back({.path = path, .named = named});
    }
    if (candidates_.empty() && awaited.empty()) {
      const Status none = Status::NotFound(
          "no input: the directories have no *.jsonl, *.ndjson, *.gz or *.zst of these",
          "name the files, or say --include '*.log'");
      // A database that stands may have had its lines before the logs were cleared away.
      if (target_->fresh() && !options_.inputs_may_come) return none;
      plan_.warnings.push_back(none.message());
    }
    if (options_.start_offset && candidates_.size() != 1) {
      return Status::Usage(
          "--start-offset is for one file, and there are " + std::to_string(candidates_.size()),
          "name one file");
    }
    return {};
  }

  // Where a live run is to follow: an input that was renamed or removed since it was listed is left
  // to it. It finds what has the name then, and by content what this was.
  bool MayComeAgain(const std::string& path, const Status& failure) {
    if (!options_.inputs_may_come || failure.code() != StatusCode::kNotFound) return false;
    plan_.warnings.push_back(path + " is gone: waiting for it");
    return true;
  }

  // The first bytes of each input: what they are, and for `auto` which table they want. There may
  // be ten thousand inputs, so no more is kept of these bytes than is needed.
  Status LookAtCandidates() {
    std::vector<Candidate> taken;
    Status left_out;
    for (Candidate& candidate : candidates_) {
      std::string sample;
      Status read = ReadFirstBytes(&candidate, &sample);
      if (MayComeAgain(candidate.path, read)) continue;
      if (!read.ok()) return read;
      Status shape = CheckShape(candidate, sample);
      if (shape.ok()) {
        taken.push_back(std::move(candidate));
      } else if (candidate.named) {
        return shape;
      } else {
        plan_.warnings.push_back("left out " + shape.message());
        if (left_out.ok()) left_out = shape;
      }
    }
    candidates_ = std::move(taken);
    // No database is made of nothing.
    const bool is_nothing = candidates_.empty() && target_->fresh() && !options_.inputs_may_come;
    return is_nothing ? left_out : Status();
  }

  Result<std::unique_ptr<Source>> OpenPipe() const {
    return options_.pipe_hand_over == nullptr
               ? OpenStdin(&stop_)
               : OpenStdinUntilItRests(&stop_, options_.pipe_hand_over);
  }

  Status ReadFirstBytes(Candidate* candidate, std::string* sample) {
    Result<std::unique_ptr<Source>> source =
        candidate->path == "-" ? OpenPipe() : OpenSource(candidate->path, &stop_);
    if (!source) return source.error();
    auto peeked = std::make_unique<PeekedSource>(std::move(*source));
    Result<std::string_view> first = peeked->Peek(kSampleBytes);
    // What is damaged further on is read up to there, and the run says so when it gets there.
    if (!first && (candidate->named || first.error().code() != StatusCode::kCorruption)) {
      return first.error();
    }
    *sample = first ? std::string(*first) : std::string();
    // A last line that is still being written is no sign of anything.
    const bool is_whole = peeked->peeked_all() && (!peeked->may_grow() || sample->ends_with('\n'));
    candidate->recognised = Recognise(*sample, is_whole);
    candidate->head = sample->substr(0, kIdentityWindow);
    candidate->key = peeked->key();
    candidate->stored_size = peeked->stored_size();
    if (!peeked->rereadable()) candidate->opened = std::move(peeked);
    return {};
  }

  // One document, an event stream or a binary file would become thousands of rejects: one line says
  // so instead. Who asked for it in so many words (--on-bad-line) gets the rejects.
  Status CheckShape(const Candidate& candidate, std::string_view sample) const {
    switch (candidate.recognised.shape) {
      case Recognised::Shape::kEmpty:
      case Recognised::Shape::kJsonLines:
      case Recognised::Shape::kText:
        return {};
      case Recognised::Shape::kJsonArray:
        if (named_schema_.any_json && BeginsWithAJsonLine(sample)) return {};
        [[fallthrough]];
      default:
        if (options_.on_bad_line.has_value()) return {};
        return NotJsonLines(candidate.recognised.shape, candidate.path);
    }
  }

  // An array on one line is a line like any other where a line need not be an object.
  static bool BeginsWithAJsonLine(std::string_view sample) {
    const size_t newline = sample.find('\n');
    if (newline == std::string_view::npos) return true;  // longer than the sample, or all of it
    return IsCompleteJson(sample.substr(0, newline), /*any_json=*/true);
  }

  Status ReadKnownSources() {
    const Status read = target_->EachSource([&](SourceRow row) {
      searched_since_ns_ = std::max(searched_since_ns_, ParseUtc(row.updated_at));
      known_[row.table].push_back(std::move(row.source));
      return Status();
    });
    return read.ok() ? ReadRunsBefore() : read;
  }

  // Where no journal tells when runs began, the last of what was read must do.
  Status ReadRunsBefore() {
    if (target_->fresh() || target_->ledger() == nullptr) return {};
    const Result<int64_t> began = RotatedSearchBegins(target_->ledger());
    if (!began) return began.error();
    if (*began != 0) searched_since_ns_ = std::min(searched_since_ns_, *began);
    return {};
  }

  Status ChooseTables() {
    for (Candidate& candidate : candidates_) {
      PlannedSource source;
      source.key = candidate.key;
      if (candidate.named) {
        named_.insert(candidate.key.path);
        heads_.push_back(std::move(candidate.head));
      }
      source.stored_size = candidate.stored_size;
      Status s = infers() ? ChooseByContent(candidate, &source) : ChooseByOption(&source);
      if (MayComeAgain(candidate.path, s)) continue;
      if (!s.ok()) return s;
      source.open = std::move(candidate.opened);
      plan_.sources.push_back(std::move(source));
    }
    return InferTable();
  }

  // `auto` says what it took the inputs for, once a table.
  void NoteRecognised() {
    if (!infers()) return;
    std::map<std::string, size_t> files;
    for (const PlannedSource& source : plan_.sources) {
      if (source.schema != "stored") ++files[source.schema];
    }
    for (const auto& [schema, count] : files) {
      const std::string what = std::to_string(count) + (count == 1 ? " source" : " sources");
      plan_.notes.push_back(schema == "inferred" ? "inferred the columns of " + what
                                                 : "recognised " + schema + " in " + what);
    }
  }

  Status ChooseByOption(PlannedSource* source) {
    source->schema = options_.schema;
    return UseTable(
        options_.schema, [&]() -> Result<Table> { return named_schema_; }, source);
  }

  Status ChooseByContent(const Candidate& candidate, PlannedSource* source) {
    // A source stays with the table that has its first lines, whatever its later lines look like.
    if (const std::optional<std::string> table = AutoTableOf(candidate))
      return UseStored(*table, source);
    if (!candidate.recognised.preset.empty()) {
      source->schema = candidate.recognised.preset;
      return UseTable(
          source->schema, [&] { return LoadPreset(source->schema); }, source);
    }
    const std::string name = options_.table.empty() ? std::string(kInferredTable) : options_.table;
    Result<std::optional<Table>> stored = target_->StoredTable(name);
    if (!stored) return stored.error();
    if (stored->has_value() && HasKeys(**stored)) return UseStored(name, source);
    source->schema = "inferred";
    if (Status s = InferFrom(candidate); !s.ok()) return s;
    inferred_sources_.push_back(plan_.sources.size());
    return {};
  }

  // Its first bytes once more: they were not kept. What is damaged tells as much as can be read.
  Status InferFrom(const Candidate& candidate) {
    std::unique_ptr<PeekedSource> again;
    if (candidate.opened == nullptr) {
      Result<std::unique_ptr<Source>> source = OpenSource(candidate.path, &stop_);
      if (!source) return source.error();
      again = std::make_unique<PeekedSource>(std::move(*source));
    }
    PeekedSource& source = again ? *again : *candidate.opened;
    inference_.Add(source.Peek(kSampleBytes).value_or(std::string_view()));
    return {};
  }

  // The table that `auto` put this source into in an earlier run.
  std::optional<std::string> AutoTableOf(const Candidate& candidate) {
    if (candidate.opened != nullptr || !options_.table.empty()) return std::nullopt;
    for (const auto& [table, sources] : known_) {
      Result<std::optional<Table>> stored = target_->StoredTable(table);
      if (!stored || !stored->has_value() || (*stored)->preset.empty() ||
          (*stored)->preset == "raw")
        continue;
      if (!HasKeys(**stored)) continue;
      Result<Identity> identity = Identify(candidate.key.path, sources);
      if (identity && identity->source_id != 0) return table;
    }
    return std::nullopt;
  }

  Status UseStored(const std::string& name, PlannedSource* source) {
    source->schema = "stored";
    return UseTable(
        "stored " + name,
        [&]() -> Result<Table> {
          Result<std::optional<Table>> stored = target_->StoredTable(name);
          if (!stored) return Error(stored.error());
          return std::move(**stored);
        },
        source);
  }

  // Loads each schema once; `key` is what it is known by during this run.
  template <typename Load>
  Status UseTable(const std::string& key, Load load, PlannedSource* source) {
    const auto found = tables_by_key_.find(key);
    if (found != tables_by_key_.end()) {
      source->table = found->second;
      return {};
    }
    Result<Table> table = load();
    if (!table) return table.error();
    if (!options_.table.empty() && !SameName(table->name, options_.table))
      RenameTable(&*table, options_.table);
    Result<uint32_t> index = AddTable(std::move(*table));
    if (!index) return index.error();
    source->table = tables_by_key_[key] = *index;
    return {};
  }

  Result<uint32_t> AddTable(Table table) {
    if (Status s = ApplyKeyOptions(&table); !s.ok()) return Error(s);
    if (Status s = FitStoredTable(&table); !s.ok()) return Error(s);
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

  Status ApplyKeyOptions(Table* table) const {
    if (options_.primary_key.empty()) return {};
    table->primary_key = options_.primary_key;
    table->on_conflict = options_.on_conflict;
    table->rowid_column.clear();
    return CheckTable(*table);
  }

  // A table of an earlier run keeps the columns that it has: only its indexes, views and the rule
  // for duplicates may be new.
  Status FitStoredTable(Table* table) {
    Result<std::optional<Table>> stored = target_->StoredTable(table->name);
    if (!stored) return stored.error();
    if (!stored->has_value()) return target_->CheckColumns(*table);
    const Table& old = **stored;
    if (old.preset == "auto" && !HasKeys(old)) return {};
    if (!options_.primary_key.empty() && old.primary_key != table->primary_key) {
      return Status::Usage(target_->path() + ": the table " + table->name + " was made with " +
                               (old.primary_key.empty() ? "no primary key" : "another primary key"),
                           "leave out --pk, or use --table for a new table");
    }
    for (const Column& column : table->columns) {
      const bool there = std::any_of(old.columns.begin(), old.columns.end(), [&](const Column& c) {
        return SameName(c.name, column.name);
      });
      if (there) continue;
      return Status::Usage(target_->path() + ": the table " + table->name +
                               " was made by another schema: it has no column " + column.name,
                           "use --table for a new table, or --from-scratch for a new database");
    }
    if (options_.primary_key.empty()) {
      table->primary_key = old.primary_key;
      table->on_conflict = old.on_conflict;
      table->rowid_column = old.rowid_column;
    }
    return {};
  }

  Status InferTable() {
    if (inferred_sources_.empty()) return {};
    Table table = inference_.Finish(
        options_.table.empty() ? kInferredTable : std::string_view(options_.table),
        options_.primary_key);
    Result<uint32_t> index = AddTable(std::move(table));
    if (!index) return index.error();
    for (size_t source : inferred_sources_) plan_.sources[source].table = *index;
    return {};
  }

  // The tables that views read, made empty where nothing goes to them in this run.
  Status AddCompanions() {
    const size_t with_sources = plan_.tables.size();
    for (size_t i = 0; i < with_sources; ++i) {
      Result<std::vector<Table>> family = WithCompanions(plan_.tables[i]);
      if (!family) return family.error();
      for (size_t member = 1; member < family->size(); ++member) {
        Result<uint32_t> added = AddTable(std::move((*family)[member]));
        if (!added) return added.error();
      }
    }
    return {};
  }

  // A database that another application made gets a table of ours only where we were told its name.
  Status RefuseForeignDatabase() {
    if (!options_.table.empty()) return {};
    Result<std::vector<std::string>> foreign = target_->ForeignTables();
    if (!foreign) return foreign.error();
    if (foreign->empty()) return {};
    return Status::Usage(target_->path() +
                             " is the database of another application (it has the table " +
                             foreign->front() + (foreign->size() > 1 ? " and others)" : ")"),
                         "say --table NAME to write into it all the same, or name a new database");
  }

  // Names that were rotated, or may have been: those that were named, for one, and those of which
  // a rotated file is known. Before any known source gets another path.
  void FindRotatedNames() {
    std::vector<std::string_view> paths;
    for (const auto& [table, sources] : known_) {
      for (const KnownSource& source : sources) paths.push_back(source.key.path);
    }
    std::sort(paths.begin(), paths.end());
    for (const PlannedSource& source : plan_.sources) {
      const std::string& path = source.key.path;
      const auto relative = std::upper_bound(paths.begin(), paths.end(), path);
      const bool has_relative = relative != paths.end() && relative->starts_with(path);
      may_have_been_rotated_.push_back(source.open == nullptr &&
                                       (named_.contains(path) || has_relative));
    }
  }

  Status IdentifySources() {
    // The file that still stands where it stood comes first: what has its content under another
    // name is then a copy.
    std::vector<size_t> order(plan_.sources.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_partition(order.begin(), order.end(),
                          [&](size_t i) { return StandsWhereItWas(plan_.sources[i]); });
    std::set<size_t, std::greater<>> gone;
    for (size_t i : order) {
      Status s = IdentifySource(&plan_.sources[i]);
      if (MayComeAgain(plan_.sources[i].key.path, s)) {
        gone.insert(i);
      } else if (!s.ok()) {
        return s;
      }
    }
    for (const size_t i : gone) {
      plan_.sources.erase(plan_.sources.begin() + static_cast<ptrdiff_t>(i));
      may_have_been_rotated_.erase(may_have_been_rotated_.begin() + static_cast<ptrdiff_t>(i));
    }
    return {};
  }

  std::vector<KnownSource>& KnownTo(const PlannedSource& source) {
    return known_[plan_.tables[source.table].name];
  }

  bool StandsWhereItWas(const PlannedSource& source) {
    const std::vector<KnownSource>& known = KnownTo(source);
    return std::any_of(known.begin(), known.end(),
                       [&](const KnownSource& k) { return k.key.path == source.key.path; });
  }

  Status IdentifySource(PlannedSource* source) {
    source->decision = "new";
    if (source->open != nullptr) return {};  // a pipe is a new source each time
    if (options_.start_offset) return StartAtByte(source, *options_.start_offset);

    std::vector<KnownSource>& known = KnownTo(*source);
    Result<Identity> identity = Identify(source->key.path, known);
    if (!identity) return identity.error();
    Adopt(*identity, source);
    for (int64_t id : identity->displaced) displaced_.push_back({id, source->table});
    if (identity->source_id == 0 && options_.start_at_end) return StartAtEnd(source);
    return {};
  }

  // Goes on where the identity says. From here on its source is known by its new place: what has
  // the same content is a copy.
  void Adopt(const Identity& identity, PlannedSource* source) {
    source->decision = Describe(identity);
    source->is_copy = identity.kind == Identity::Kind::kCopy;
    source->key = identity.key;
    source->known_id = identity.source_id;
    source->from = identity.start.offset;
    for (KnownSource& known : KnownTo(*source)) {
      if (known.id != identity.source_id) continue;
      source->new_place = known.key != identity.key;
      known.key = identity.key;
    }
  }

  Status StartAtByte(PlannedSource* source, uint64_t bytes) {
    Result<std::unique_ptr<Source>> file = OpenSource(source->key.path);
    if (!file) return file.error();
    Result<Place> place = (*file)->SkipTo(bytes);
    if (!place) return place.error();
    if (bytes > 0 && place->reached && !place->before.ends_with('\n')) {
      return Status::Usage(
          source->key.path + ": byte " + std::to_string(bytes) + " is in the middle of a line",
          "--start-offset wants the byte behind a newline");
    }
    if (file = OpenSource(source->key.path); !file) return file.error();
    Result<Offset> offset = OffsetAtByte(**file, bytes);
    if (!offset) return offset.error();
    source->from = *offset;
    source->new_place = true;
    source->decision = "new, from byte " + std::to_string(bytes);
    return {};
  }

  Status StartAtEnd(PlannedSource* source) {
    Result<std::unique_ptr<Source>> file = OpenSource(source->key.path);
    if (!file) return file.error();
    Result<Offset> offset = OffsetAtEnd(**file);
    if (!offset) return offset.error();
    source->from = *offset;
    source->new_place = true;
    source->decision = "new, from its end";
    return {};
  }

  // Of a source whose path has other content now the rest may stand under another name:
  // app.jsonl.1, app.jsonl.1.gz. And what had its name for a moment, between two rotations, was
  // never read at all.
  Status FindMovedSources() {
    for (const PlannedSource& source : plan_.sources) except_.push_back(source.key.path);
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
      except_.push_back(target_->path() + suffix);

    if (searched_since_ns_ != 0) {
      for (size_t i = 0; i < plan_.sources.size(); ++i) {
        const PlannedSource& source = plan_.sources[i];
        if (!may_have_been_rotated_[i]) continue;
        if (source.known_id == 0) heads_.push_back(HeadOf(source.key.path));
        if (Status s = AddRotated(source.key.path, source.table); !s.ok()) return s;
      }
    }
    // It grows: what took the name of a rotated file displaces another one.
    for (size_t i = 0; i < displaced_.size(); ++i) {
      const auto [id, table] = displaced_[i];
      const std::vector<KnownSource>& known = known_[plan_.tables[table].name];
      const auto displaced =
          std::find_if(known.begin(), known.end(),
                       [wanted = id](const KnownSource& k) { return k.id == wanted; });
      if (displaced == known.end()) continue;
      const KnownSource was = *displaced;  // Adopt changes its key
      if (Status s = FindMovedSource(was, table); !s.ok()) return s;
      if (Status s = AddRotated(was.key.path, table); !s.ok()) return s;
    }
    if (Status s = TellLost(); !s.ok()) return s;
    // Its lines are older than those of the file that took its place.
    plan_.sources.insert(plan_.sources.begin(), std::make_move_iterator(found_.begin()),
                         std::make_move_iterator(found_.end()));
    return {};
  }

  Status FindMovedSource(const KnownSource& displaced, uint32_t table) {
    PlannedSource source;
    source.table = table;
    source.schema = "stored";
    Result<std::optional<Identity>> identity = FindMoved(displaced, KnownTo(source), except_);
    if (!identity) return identity.error();
    if (!identity->has_value()) {
      missing_.push_back({.key = displaced.key,
                          .table = table,
                          .known_id = displaced.id,
                          .offset = displaced.offset});
      return {};
    }
    if (IsPlanned(**identity)) return {};
    Adopt(**identity, &source);
    AddFound(std::move(source));
    return {};
  }

  // When all that a rotation may have made of it is decided on. Once: in later runs the source that
  // took its place is the last of that path; and where that has no line yet, the gap is known.
  Status TellLost() {
    for (const LostSource& lost : missing_) {
      const std::vector<KnownSource>& known = known_[plan_.tables[lost.table].name];
      const bool is_last = std::ranges::none_of(known, [&](const KnownSource& other) {
        return other.key.path == lost.key.path && other.id > lost.known_id;
      });
      if (!is_last || IsFound(lost.known_id)) continue;
      const Result<bool> is_told = target_->ledger()->HasGap(lost.known_id);
      if (!is_told) return is_told.error();
      if (*is_told) continue;
      plan_.lost.push_back(lost);
      plan_.warnings.push_back("possible gap: " + lost.key.path +
                               " was truncated or replaced, and what it held is nowhere in its "
                               "folder: lines after byte " +
                               std::to_string(lost.offset.bytes) + ", if there were any, are gone");
    }
    return {};
  }

  bool IsFound(int64_t source_id) const {
    const auto is_it = [&](const PlannedSource& source) { return source.known_id == source_id; };
    return std::ranges::any_of(plan_.sources, is_it) || std::ranges::any_of(found_, is_it);
  }

  // What a rotation made of the file `path` since some runs ago: the rest of known sources,
  // and files that nobody has read. A known source may have been moved to its new name by that run
  // already, so what is known of it does not tell whether its name was rotated again since.
  Status AddRotated(const std::string& path, uint32_t table) {
    for (const std::string& rotated : RotatedSince(path, searched_since_ns_ - kClockSlackNs)) {
      if (std::find(except_.begin(), except_.end(), rotated) != except_.end()) continue;
      PlannedSource source;
      source.table = table;
      source.schema = "stored";
      const Result<Identity> identity = Identify(rotated, KnownTo(source));
      // What cannot be read is no input that anybody named; a copy is none of its own.
      if (!identity || identity->kind == Identity::Kind::kCopy) continue;
      if (identity->kind == Identity::Kind::kUnchanged || IsPlanned(*identity)) continue;
      if (identity->source_id == 0 && BeginsLikeOneOfThisRun(rotated)) continue;
      for (int64_t id : identity->displaced) displaced_.push_back({id, table});
      Adopt(*identity, &source);
      if (identity->source_id == 0) source.decision = "new, rotated from " + path;
      AddFound(std::move(source));
    }
    return {};
  }

  // Names may change while they are looked at: a file that was decided on by its name of before.
  bool IsPlanned(const Identity& identity) const {
    const auto is_it = [&](const PlannedSource& source) {
      return source.key.SameFileAs(identity.key) ||
             (identity.source_id != 0 && source.known_id == identity.source_id);
    };
    return std::ranges::any_of(plan_.sources, is_it) || std::ranges::any_of(found_, is_it);
  }

  // A copy in the making, of a file that no run has read yet: content cannot tell of it before.
  // Live mode, and the next run, look again.
  bool BeginsLikeOneOfThisRun(const std::string& path) {
    std::string head = HeadOf(path);
    const bool is_alike = std::ranges::any_of(heads_, [&](const std::string& other) {
      return !other.empty() && (other.starts_with(head) || head.starts_with(other));
    });
    if (!is_alike) heads_.push_back(std::move(head));
    return is_alike;
  }

  static std::string HeadOf(const std::string& path) {
    Result<std::unique_ptr<Source>> source = OpenSource(path);
    std::string head(kIdentityWindow, '\0');
    head.resize(source ? (*source)->Read(head.data(), head.size()).value_or(0) : 0);
    return head;
  }

  void AddFound(PlannedSource source) {
    if (Result<FileInfo> info = Stat(source.key.path)) source.stored_size = info->size;
    except_.push_back(source.key.path);
    found_.push_back(std::move(source));
  }

  const IngestOptions& options_;
  const StopToken& stop_;
  TargetDatabase* target_;
  RunPlan plan_;

  Table named_schema_;  // --schema, unless it is auto
  std::vector<Candidate> candidates_;
  std::map<std::string, std::vector<KnownSource>> known_;  // by table
  std::map<std::string, uint32_t> tables_by_key_;
  Inference inference_;  // from the inputs whose table is inferred
  std::vector<size_t> inferred_sources_;
  std::vector<std::pair<int64_t, uint32_t>>
      displaced_;                            // ids of known sources, and the index of their table
  int64_t searched_since_ns_ = 0;            // when it began
  std::vector<bool> may_have_been_rotated_;  // of plan_.sources, as they were chosen
  std::vector<std::string> heads_;    // the first bytes of sources that are new, and may be rotated
  std::set<std::string> named_;       // inputs that are files
  std::vector<std::string> except_;   // files that are decided on
  std::vector<PlannedSource> found_;  // beside the inputs
  std::vector<LostSource> missing_;   // displaced, and not found by themselves
};

}  // namespace

Result<int64_t> RotatedSearchBegins(Ledger* ledger) {
  constexpr uint64_t kRuns = 5;
  const Result<std::string> began = ledger->BeginOfRunsDone(kRuns);
  if (!began) return Error(began.error());
  return began->empty() ? int64_t{0} : ParseUtc(*began);
}

Result<RunPlan> MakePlan(const IngestOptions& options, const StopToken& stop,
                         TargetDatabase* target) {
  return Planner(options, stop, target).Make();
}

}  // namespace sluice
