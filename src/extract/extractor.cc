// SPDX-License-Identifier: Apache-2.0
#include "extract/extractor.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "extract/extra.h"
#include "extract/plan.h"
#include "extract/reader.h"
#include "extract/repeats.h"
#include "extract/strict.h"
#include "extract/unescape.h"
#include "extract/value.h"

namespace sluice {
namespace {

bool IsNumeric(Affinity affinity) {
  return affinity == Affinity::kNumeric || affinity == Affinity::kInteger ||
         affinity == Affinity::kReal;
}

bool IsContainer(std::string_view text) {
  return !text.empty() && (text[0] == '{' || text[0] == '[');
}

std::string_view KindOf(char first) {
  switch (first) {
    case '[':
      return "an array";
    case '"':
      return "a string";
    case 't':
    case 'f':
      return "a boolean";
    case 'n':
      return "null";
    default:
      return "a number";
  }
}

std::string_view WithoutLeadingSpace(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
  return text;
}

}  // namespace

// Top down: lines → rows and rejects; then, chain by chain, the texts found → cells of the same
// rows.
class Extractor::Impl {
 public:
  explicit Impl(const Table& table)
      : table_(table), plan_(Plan::Compile(table)), reader_(plan_), extra_(table, plan_) {
    chains_ = ChainsOf(plan_);
    targets_ = TargetsOf(plan_);
    for (uint32_t i = 0; i < table.columns.size(); ++i) {
      const Column& column = table.columns[i];
      if (column.origin != Origin::kPointer && column.origin != Origin::kExtra)
        context_columns_.push_back(i);
    }
    // What is kept out of a column has to go to @extra, which is composed before chains are
    // followed.
    for (Target& target : targets_) {
      const Column& column = table.columns[target.column];
      target.keeps_strings_out = column.keep_strings_out && IsNumeric(column.affinity) &&
                                 extra_.column() != Plan::kNone && column.pointers.size() == 1;
    }
  }

  void Extract(const ExtractContext& context, RowBatch* batch) {
    batch_ = batch;
    context_ = &context;
    extra_.Begin(batch);
    texts_.clear();
    for (const Line& line : batch->lines) texts_.push_back(line.text);
    batch->row_lines.reserve(texts_.size());
    ReserveCells();
    reader_.Read(texts_, [this](size_t line, const Verdict& verdict, const Found& found) {
      const bool takes =
          verdict.valid && (table_.any_json || WithoutLeadingSpace(texts_[line])[0] == '{');
      takes ? AddRow(line, found) : AddReject(line, verdict);
    });
    batch_->cells.resize(batch_->rows() * table_.columns.size());
    for (Chain& chain : chains_) Follow(&chain);
  }

 private:
  // A column that takes the value of a slot.
  struct Target {
    uint32_t slot;
    uint32_t column;
    bool keeps_strings_out = false;
  };

  // A string found in a row, in which a chain goes on.
  struct Link {
    uint32_t row;
    Slice value;
  };

  // A row whose link has the same bytes as that of an earlier row, and so the same cells.
  struct Repeat {
    uint32_t row;
    uint32_t first;
  };

  // What goes on behind one slot: the links of a batch are collected, then read all at once like
  // lines.
  struct Chain {
    uint32_t slot = 0;
    const std::vector<uint32_t>* columns = nullptr;
    bool takes_scalars = false;  // a pointer of it is "": any value will do
    std::unique_ptr<Reader> reader;
    std::vector<Target> targets;
    std::vector<Chain> chains;
    std::vector<uint32_t> filled;  // all columns that get their cells from it

    // Of the batch at hand.
    std::vector<Link> links;
    Repeats known;
    std::vector<Repeat> repeats;
  };

  static std::vector<Chain> ChainsOf(const Plan& plan) {
    std::vector<Chain> chains;
    for (uint32_t i = 0; i < plan.slot_count(); ++i) {
      const Plan::Slot& slot = plan.slot(i);
      if (!slot.next) continue;
      Chain& chain = chains.emplace_back();
      chain.slot = i;
      chain.columns = &slot.columns;
      chain.takes_scalars = slot.next->node(Plan::kRoot).slot != Plan::kNone;
      chain.reader = std::make_unique<Reader>(*slot.next);
      chain.targets = TargetsOf(*slot.next);
      chain.chains = ChainsOf(*slot.next);
      chain.filled = FilledBy(chain);
    }
    return chains;
  }

  static std::vector<uint32_t> FilledBy(const Chain& chain) {
    std::vector<uint32_t> filled = *chain.columns;
    for (const Target& target : chain.targets) filled.push_back(target.column);
    for (const Chain& next : chain.chains) {
      filled.insert(filled.end(), next.filled.begin(), next.filled.end());
    }
    return filled;
  }

  // Without those of the slots where a chain goes on: their texts are unescaped by Follow().
  static std::vector<Target> TargetsOf(const Plan& plan) {
    std::vector<Target> targets;
    for (uint32_t i = 0; i < plan.slot_count(); ++i) {
      if (plan.slot(i).next) continue;
      for (const uint32_t column : plan.slot(i).columns) targets.push_back({i, column});
    }
    return targets;
  }

  void AddReject(size_t index, const Verdict& verdict) {
    Reject reject;
    reject.line = batch_->lines[index];
    reject.length = reject.line.text.size();
    if (verdict.valid) {
      reject.reason = RejectReason::kNotAnObject;
      reject.detail = KindOf(WithoutLeadingSpace(reject.line.text)[0]);
    } else {
      reject.reason = verdict.reason;
      reject.position = verdict.position;
      reject.detail = verdict.detail;
    }
    batch_->rejects.push_back(std::move(reject));
    ++batch_->counts.rejects;
  }

  void AddRow(size_t index, const Found& found) {
    const size_t row = batch_->row_lines.size();
    batch_->row_lines.push_back(static_cast<uint32_t>(index));
    AddCells();
    ++batch_->counts.rows;

    kept_out_.clear();
    Fill(targets_, found, row, &chains_);
    FillFromContext(batch_->lines[index], row);
    if (extra_.column() != Plan::kNone)
      *CellAt(row, extra_.column()) = extra_.Compose(found, kept_out_);
  }

  // For the row that was added. For some rows at once; but the NULLs of a whole batch would have
  // left the cache when values come.
  void AddCells() {
    constexpr size_t kRowsAtOnce = 32;
    const size_t columns = table_.columns.size();
    if (batch_->cells.size() >= batch_->rows() * columns) return;
    const size_t rows = std::min(batch_->rows() + kRowsAtOnce, texts_.size());
    batch_->cells.resize(rows * columns);
  }

  // With some to spare: each batch has a few rows more or less than the one before.
  void ReserveCells() {
    const size_t cells = texts_.size() * table_.columns.size();
    if (cells > batch_->cells.capacity()) batch_->cells.reserve(cells + cells / 4);
  }

  Cell* CellAt(size_t row, uint32_t column) {
    return &batch_->cells[row * table_.columns.size() + column];
  }

  void Fill(const std::vector<Target>& targets, const Found& found, size_t row,
            std::vector<Chain>* chains) {
    Cell* const cells = CellAt(row, 0);
    for (const Target& target : targets) {
      const Slice& value = found.slots[target.slot];
      if (!value) continue;
      Cell* const cell = cells + target.column;
      *cell = CellOf(value, &batch_->arena);
      if (target.keeps_strings_out && value.data[0] == '"' && LooksNumeric(cell->text())) {
        *cell = Cell::Null();
        kept_out_.push_back({target.column, value});
        ++batch_->strings_kept_out;
      }
    }
    for (Chain& chain : *chains) {
      const Slice& value = found.slots[chain.slot];
      if (value) chain.links.push_back({static_cast<uint32_t>(row), value});
    }
  }

  void FillFromContext(const Line& line, size_t row) {
    for (uint32_t column : context_columns_) {
      Cell* cell = CellAt(row, column);
      switch (table_.columns[column].origin) {
        case Origin::kPointer:
        case Origin::kExtra:
          break;
        case Origin::kLine:
          *cell = Cell::Text(line.text);
          break;
        case Origin::kSource:
          *cell = Cell::Text(context_->source_path);
          break;
        case Origin::kLineNumber:
          *cell = Cell::Integer(static_cast<int64_t>(line.number));
          break;
        case Origin::kByteOffset:
          *cell = Cell::Integer(static_cast<int64_t>(line.byte_offset));
          break;
        case Origin::kIngestedAt:
          *cell = Cell::Text(context_->ingested_at);
          break;
      }
    }
  }

  // Unescapes the texts of the links one behind the other, so that they can be read as the lines of
  // a chunk are, and reads them. A text that is not RFC 8259 leaves its cells NULL.
  void Follow(Chain* chain) {
    PutRepeatsAside(chain);
    size_t room = 0;
    for (const Link& link : chain->links) room += link.value.size + 1;
    char* const begin = batch_->arena.Allocate(room);
    char* end = begin;
    std::vector<std::string_view> texts;
    std::vector<size_t> rows;
    for (const Link& link : chain->links) {
      // Nothing else is taken from the arena in this loop.
      const std::string_view text = LinkText(link.value, &end);
      for (uint32_t column : *chain->columns) {
        *CellAt(link.row, column) = LinkCell(link.value, text);
      }
      if (!chain->takes_scalars && !IsContainer(WithoutLeadingSpace(text))) continue;
      texts.push_back(text);
      rows.push_back(link.row);
    }
    batch_->arena.GiveBack(room - static_cast<size_t>(end - begin));
    chain->links.clear();

    chain->reader->Read(texts, [&](size_t text, const Verdict& verdict, const Found& found) {
      if (verdict.valid) Fill(chain->targets, found, rows[text], &chain->chains);
    });
    for (Chain& next : chain->chains) Follow(&next);
    for (const Repeat& repeat : chain->repeats) {
      for (uint32_t column : chain->filled) {
        *CellAt(repeat.row, column) = *CellAt(repeat.first, column);
      }
    }
  }

  static void PutRepeatsAside(Chain* chain) {
    chain->known.Clear();
    chain->repeats.clear();
    std::erase_if(chain->links, [chain](const Link& link) {
      const uint32_t first = chain->known.FirstOf(link.value.text(), link.row);
      if (first == Repeats::kNone) return false;
      chain->repeats.push_back({link.row, first});
      return true;
    });
  }

  // Containers go on as well, as json_extract of json_extract does.
  static std::string_view LinkText(const Slice& value, char** end) {
    char* const text = *end;
    const size_t size = value.data[0] == '"' ? Unescape(value.text(), text) : Minify(value, text);
    text[size] = '\n';
    *end = text + size + 1;
    return {text, size};
  }

  Cell LinkCell(const Slice& value, std::string_view text) {
    const bool is_text = value.data[0] == '"' || IsContainer(text);
    return is_text ? Cell::Text(text) : CellOf(value, &batch_->arena);
  }

  const Table& table_;
  const Plan plan_;
  Reader reader_;
  Extra extra_;
  std::vector<Target> targets_;
  std::vector<uint32_t> context_columns_;  // `@` columns but @extra
  std::vector<Chain> chains_;

  // Of the batch at hand.
  RowBatch* batch_ = nullptr;
  const ExtractContext* context_ = nullptr;
  std::vector<std::string_view> texts_;
  std::vector<Extra::KeptOut> kept_out_;  // of the row at hand
};

Extractor::Extractor(const Table& table) : impl_(std::make_unique<Impl>(table)) {}
Extractor::~Extractor() = default;
Extractor::Extractor(Extractor&&) noexcept = default;
Extractor& Extractor::operator=(Extractor&&) noexcept = default;

void Extractor::Extract(const ExtractContext& context, RowBatch* batch) {
  impl_->Extract(context, batch);
}

bool IsCompleteJson(std::string_view text, bool any_json) {
  return Validate(text).valid && (any_json || IsContainer(WithoutLeadingSpace(text)));
}

}  // namespace sluice
