// SPDX-License-Identifier: Apache-2.0
// extract_bench_path SCHEMA LINES.jsonl: CPU time on the way from a file to cells, stage by stage,
// on one thread and without a sink. SCHEMA is a preset or `auto`. Of three rounds, the best of each
// stage.
//
//   read      ChunkReader: the kernel's copy into a buffer, newlines counted
//   frame     CutLines: the lines of the chunk
//   extract   the Extractor: every line validated, cells
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <time.h>

#include "base/buffer.h"
#include "extract/extractor.h"
#include "extract/inference.h"
#include "framing/line_cutter.h"
#include "sluice/schema.hpp"
#include "source/chunk_reader.h"
#include "source/open.h"

namespace sluice {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;  // as a run has them
constexpr size_t kBuffers = 4;

[[noreturn]] void Fail(const Status& status) {
  std::fprintf(stderr, "extract_bench_path: %s\n", status.message().c_str());
  std::exit(1);
}

template <typename T>
T Checked(Result<T> result) {
  if (!result) Fail(result.error());
  return std::move(*result);
}

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Times {
  double read = 0;
  double frame = 0;
  double extract = 0;
  uint64_t bytes = 0;
  uint64_t lines = 0;
  uint64_t rows = 0;
};

Times Run(const Table& table, const char* path) {
  Times times;
  const std::unique_ptr<Source> source = Checked(OpenSource(path));
  BufferPool pool(kBuffers, kBufferBytes);
  ChunkReader reader(*source, pool, uint64_t{64} << 20, {});
  Extractor extractor(table);
  RowBatch batches[kBuffers];
  for (size_t i = 0;; ++i) {
    const double start = CpuSeconds();
    RowBatch& batch = batches[i % kBuffers];
    batch.Clear();
    batch.table = &table;
    Chunk chunk = Checked(reader.Next());
    const double chunk_read = CpuSeconds();
    const CutResult cut = CutLines(
        {.data = chunk.data, .offset = chunk.offset, .first_line = chunk.first_line}, &batch.lines);
    const double framed = CpuSeconds();
    extractor.Extract({}, &batch);
    const double extracted = CpuSeconds();

    times.read += chunk_read - start;
    times.frame += framed - chunk_read;
    times.extract += extracted - framed;
    times.bytes += chunk.data.size();
    times.lines += cut.lines;
    times.rows += batch.rows();
    batch.chunk = std::move(chunk.buffer);
    if (chunk.ends_source) return times;
  }
}

Table TableFor(std::string_view schema, const char* path) {
  if (schema != "auto") return Checked(LoadPreset(schema));
  std::string sample(kBufferBytes, '\0');
  sample.resize(Checked(Checked(OpenSource(path))->Read(sample.data(), sample.size())));
  Inference inference;
  inference.Add(sample);
  return inference.Finish("lines");
}

void Print(const char* stage, double seconds, const Times& times) {
  std::printf("%-8s %8.3f s %7.2f GB/s %7.0f ns a line\n", stage, seconds,
              static_cast<double>(times.bytes) / seconds / 1e9,
              seconds / static_cast<double>(times.lines) * 1e9);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: extract_bench_path SCHEMA|auto LINES.jsonl\n");
    return 2;
  }
  const sluice::Table table = sluice::TableFor(argv[1], argv[2]);
  sluice::Times best = sluice::Run(table, argv[2]);
  for (int round = 1; round < 3; ++round) {
    const sluice::Times times = sluice::Run(table, argv[2]);
    best.read = std::min(best.read, times.read);
    best.frame = std::min(best.frame, times.frame);
    best.extract = std::min(best.extract, times.extract);
  }
  std::printf("%zu columns, %llu bytes, %llu lines, %llu rows\n", table.columns.size(),
              static_cast<unsigned long long>(best.bytes),
              static_cast<unsigned long long>(best.lines),
              static_cast<unsigned long long>(best.rows));
  sluice::Print("read", best.read, best);
  sluice::Print("frame", best.frame, best);
  sluice::Print("extract", best.extract, best);
  sluice::Print("all", best.read + best.frame + best.extract, best);
  return 0;
}
