// SPDX-License-Identifier: Apache-2.0
#include "ingest/parcel_reader.h"

#include <utility>

namespace sluice {

bool ParcelReader::Read(Parcel* parcel) {
  while (next_ < sources_.size() && sources_[next_].is_done) ++next_;
  if (next_ == sources_.size()) return false;
  parcel->source = next_;
  Status status = open_ ? Status() : OpenSource(sources_[next_]);
  if (status.ok()) status = ReadChunk(parcel);
  if (status.code() == StatusCode::kCancelled) {
    next_ = static_cast<uint32_t>(sources_.size());
    return false;
  }
  if (!status.ok() || parcel->chunk.ends_source) {
    open_.reset();
    ++next_;
  }
  // In its place in the order: the writer hears of it when all that was read before is written.
  parcel->read_status = std::move(status);
  return true;
}

Status ParcelReader::OpenSource(const PipelineSource& planned) {
  if (stop_.stopped()) return {StatusCode::kCancelled, "stopped"};
  Result<std::unique_ptr<Source>> source = planned.open();
  if (!source) return source.error();
  Result<ChunkReader::Start> start = ResumeAt(**source, planned.from);
  if (!start) return start.error();
  const uint64_t read_to_resume = planned.from.bytes > 0 ? (*source)->stored_bytes_read() : 0;
  ChunkReader chunks(**source, pool_, max_line_bytes_, std::move(*start));
  open_.emplace(Open{.source = std::move(*source),
                     .read_to_resume = read_to_resume,
                     .chunks = std::move(chunks),
                     .begins_after_tail = planned.from.tail_taken});
  return {};
}

Status ParcelReader::ReadChunk(Parcel* parcel) {
  if (stop_.stopped()) return {StatusCode::kCancelled, "stopped"};
  Result<Chunk> chunk = open_->chunks.Next();
  if (!chunk) return chunk.error();
  const Source& source = *open_->source;
  parcel->chunk = std::move(*chunk);
  parcel->may_grow = source.may_grow();
  parcel->rereadable = source.rereadable();
  parcel->begins_after_tail = std::exchange(open_->begins_after_tail, false);
  parcel->max_line_bytes = max_line_bytes_;
  parcel->stored_bytes = source.stored_bytes_read() - open_->read_to_resume;
  return {};
}

}  // namespace sluice
