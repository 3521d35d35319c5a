// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "batch/row_batch.h"
#include "extract/extractor.h"
#include "sluice/status.hpp"
#include "source/chunk_reader.h"

namespace sluice {

// A chunk of a source on its way from the reader to the writer, and what became of it.
//
// Lifetime: the batch's cells are views into the chunk (I4).
struct Parcel {
  uint64_t sequence = 0;  // 0, 1, 2... over all sources of the run (I2)
  uint32_t source = 0;    // index of the source in the run
  Chunk chunk;
  bool may_grow = false;           // another program may still append to the source
  bool rereadable = true;          // false: the chunk is held until the commit (I4)
  bool begins_after_tail = false;  // the line before the chunk was taken before its newline came
  uint64_t max_line_bytes = 0;     // --max-line
  uint64_t stored_bytes = 0;       // read from the source's file when the chunk was full
  // Not ok: the source could not be read further; the chunk is empty then, and the last of its
  // source.
  Status read_status;

  RowBatch batch;
  Status encode_status;  // not ok: the sink could not encode the batch, and the run fails
};

// The part of a chunk that is to be parsed: mostly all of it; less where a run is to end in
// mid-chunk.
struct ChunkPart {
  size_t begin = 0;         // in chunk.data; the start of a line
  size_t end = 0;           // behind a newline, or the end of chunk.data
  uint64_t first_line = 1;  // number of the line at `begin`
};
ChunkPart WholeOf(const Chunk& chunk);
// The parts up to the end of `line`, and behind it.
ChunkPart UpTo(const Chunk& chunk, const ChunkPart& part, const Line& line);
ChunkPart Behind(const Chunk& chunk, const ChunkPart& part, const Line& line);
// The first line of a part, blank or not.
ChunkPart FirstLineOf(const Chunk& chunk, const ChunkPart& part);

// If a bad line is to end the run: the part up to the first reject of the batch that was made of
// `part`, and what the run fails with. Nothing if the batch has no reject.
struct BadLine {
  ChunkPart before;  // may be empty
  Status failure;
};
std::optional<BadLine> FirstBadLine(const Parcel& parcel, const ChunkPart& part,
                                    const std::string& source_path);

// Frames and extracts that part of the parcel's chunk into its batch: lines, rows, rejects, counts
// (I9), and the offset behind them. The end of a source is judged by the rule of docs/sources.md,
// "The end of a file without a newline".
void ParseChunk(Parcel* parcel, const ChunkPart& part, const Table& table,
                const ExtractContext& context, Extractor* extractor);

}  // namespace sluice
