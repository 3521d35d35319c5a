// SPDX-License-Identifier: Apache-2.0
#include "ingest/parcel.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "framing/line_cutter.h"

namespace sluice {
namespace {

// Turns one part of a chunk into a batch. `position_` and `lines_` say how far it is.
class ChunkParser {
 public:
  ChunkParser(Parcel* parcel, const ChunkPart& part)
      : chunk_(parcel->chunk),
        parcel_(*parcel),
        batch_(parcel->batch),
        part_(part),
        position_(part.begin),
        lines_(part.first_line - 1) {}

  void Parse(const Table& table, const ExtractContext& context, Extractor* extractor) {
    batch_.Clear();
    batch_.table = &table;
    batch_.source = parcel_.source;
    batch_.sequence = parcel_.sequence;
    if (chunk_.oversize_length > 0) {
      TakeOversizeLine();
    } else {
      CutIntoLines();
      extractor->Extract(context, &batch_);
    }
    batch_.end = OffsetIn(chunk_, position_, lines_, tail_taken_);
    batch_.decoded_bytes = batch_.end.bytes - (chunk_.offset + part_.begin);
  }

 private:
  void CutIntoLines() {
    const bool after_tail = parcel_.begins_after_tail && part_.begin == 0;
    const std::string_view data = chunk_.data.substr(part_.begin, part_.end - part_.begin);
    CutResult cut = CutLines({.data = data,
                              .offset = chunk_.offset + part_.begin,
                              .first_line = part_.first_line,
                              .after_tail = after_tail,
                              .max_line = parcel_.max_line_bytes},
                             &batch_.lines);
    const bool ends_source = chunk_.ends_source && part_.end == chunk_.data.size();
    if (after_tail && !PassRestOfTail(data, cut.rest_of_tail, ends_source)) return;

    batch_.counts.lines += cut.lines;
    batch_.counts.blank += cut.blank;
    lines_ += cut.lines;
    for (const Line& line : cut.too_long) Refuse(line, line.text.size(), RejectReason::kTooLong);
    position_ = part_.end - UnterminatedBytes(data);
    if (ends_source && position_ < part_.end) JudgeLastLine(cut.unterminated);
  }

  static size_t UnterminatedBytes(std::string_view data) {
    const size_t newline = data.rfind('\n');
    return newline == std::string_view::npos ? data.size() : data.size() - newline - 1;
  }

  // The line before the chunk became a row before its newline was there. Its newline ends that
  // line, and is no blank line; other bytes before the newline cannot be put back into the row, and
  // are a reject. False: the newline is still missing.
  bool PassRestOfTail(std::string_view data, const Line& rest, bool ends_source) {
    lines_ = part_.first_line;
    const bool has_newline = data.find('\n') != std::string_view::npos;
    const bool complete = has_newline || (ends_source && !parcel_.may_grow);
    if (!complete) {
      tail_taken_ = true;
      if (!IsBlank(rest.text)) batch_.counts.lines = batch_.counts.unfinished = 1;
      return false;
    }
    if (!IsBlank(rest.text)) {
      ++batch_.counts.lines;
      Refuse(rest, rest.text.size(), RejectReason::kAfterTail);
    }
    if (!has_newline) {
      position_ = part_.end;
      return false;
    }
    return true;
  }

  void JudgeLastLine(Line line) {
    ++batch_.counts.lines;
    if (line.text.ends_with('\r')) line.text.remove_suffix(1);
    if (parcel_.may_grow && !IsCompleteJson(line.text, /*any_json=*/false)) {
      batch_.counts.unfinished = 1;
      return;
    }
    lines_ = line.number;
    tail_taken_ = parcel_.may_grow;
    position_ = part_.end;
    if (IsBlank(line.text)) {
      ++batch_.counts.blank;
    } else if (line.text.size() > parcel_.max_line_bytes) {
      Refuse(line, line.text.size(), RejectReason::kTooLong);
    } else {
      batch_.lines.push_back(line);
    }
  }

  void TakeOversizeLine() {
    ++batch_.counts.lines;
    if (!chunk_.oversize_newline && parcel_.may_grow) {
      batch_.counts.unfinished = 1;
      return;
    }
    lines_ = chunk_.first_line;
    position_ = chunk_.data.size();
    Refuse({chunk_.data, chunk_.first_line, chunk_.offset}, chunk_.oversize_length,
           parcel_.begins_after_tail ? RejectReason::kAfterTail : RejectReason::kTooLong);
  }

  void Refuse(Line line, uint64_t length, RejectReason reason) {
    line.text = line.text.substr(0, ChunkReader::kOversizeKept);
    ++batch_.counts.rejects;
    batch_.rejects.push_back({.line = line, .length = length, .reason = reason});
  }

  const Chunk& chunk_;
  const Parcel& parcel_;
  RowBatch& batch_;
  const ChunkPart part_;
  size_t position_;  // bytes of chunk.data before it are done
  uint64_t lines_;   // number of the last line that is done
  bool tail_taken_ = false;
};

size_t EndOfLine(const Chunk& chunk, const Line& line) {
  const size_t newline = chunk.data.find('\n', line.byte_offset - chunk.offset);
  return newline == std::string_view::npos ? chunk.data.size() : newline + 1;
}

}  // namespace

ChunkPart WholeOf(const Chunk& chunk) {
  return {.begin = 0, .end = chunk.data.size(), .first_line = chunk.first_line};
}

ChunkPart UpTo(const Chunk& chunk, const ChunkPart& part, const Line& line) {
  return {.begin = part.begin, .end = EndOfLine(chunk, line), .first_line = part.first_line};
}

ChunkPart Behind(const Chunk& chunk, const ChunkPart& part, const Line& line) {
  return {.begin = EndOfLine(chunk, line), .end = part.end, .first_line = line.number + 1};
}

ChunkPart FirstLineOf(const Chunk& chunk, const ChunkPart& part) {
  const size_t newline = chunk.data.find('\n', part.begin);
  const size_t end = newline == std::string_view::npos ? part.end : newline + 1;
  return {.begin = part.begin, .end = std::min(end, part.end), .first_line = part.first_line};
}

std::optional<BadLine> FirstBadLine(const Parcel& parcel, const ChunkPart& part,
                                    const std::string& source_path) {
  const std::vector<Reject>& rejects = parcel.batch.rejects;
  const auto first = std::ranges::min_element(
      rejects, {}, [](const Reject& reject) { return reject.line.byte_offset; });
  if (first == rejects.end()) return std::nullopt;
  std::string why(Describe(first->reason));
  if (!first->detail.empty()) why += ": " + first->detail;
  return BadLine{
      .before = {.begin = part.begin,
                 .end = first->line.byte_offset - parcel.chunk.offset,
                 .first_line = part.first_line},
      .failure =
          Status(StatusCode::kConstraint,
                 source_path + ":" + std::to_string(first->line.number) + ": " + why + " (byte " +
                     std::to_string(first->line.byte_offset + first->position) + " of the file)",
                 "mend the line, or leave out --on-bad-line fail: then it goes "
                 "to the rejects and the run goes on")};
}

void ParseChunk(Parcel* parcel, const ChunkPart& part, const Table& table,
                const ExtractContext& context, Extractor* extractor) {
  ChunkParser(parcel, part).Parse(table, context, extractor);
}

}  // namespace sluice
