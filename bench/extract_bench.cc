// SPDX-License-Identifier: Apache-2.0
// extract_bench LINES.jsonl: lines to cells, by the columns of sse-lines, against what simdjson
// does with the same lines. Make the lines with `sse_generate 100000 > lines.jsonl`.
//
//   extract      every line validated, 10 columns, of which three are in the JSON text of a string
//   dom          simdjson's DOM parser over each line: validation, no cell
//   ondemand     simdjson's On-Demand over each line: the 6 top-level values as raw tokens, little
//                validation
//   stage1/...   Structure::Find alone, over windows as `extract` uses it, by each set of
//                instructions that this processor has
//
// Before anything is timed, each cell of the 6 top-level columns is compared with On-Demand's.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "extract/extractor.h"
#include "extract/simd.h"
#include "extract/structure.h"

namespace sluice {
namespace {

constexpr size_t kChunk = size_t{1} << 20;
constexpr const char* kKeys[] = {"event", "t", "sid", "flow_id", "round", "metadata"};

struct Lines {
  std::string text;
  std::vector<std::string_view> lines;
};

Lines ReadLines(const char* path) {
  Lines read;
  std::ifstream file(path, std::ios::binary);
  read.text.assign(std::istreambuf_iterator<char>(file), {});
  const size_t size = read.text.size();
  read.text.resize(size + simdjson::SIMDJSON_PADDING);
  const std::string_view all(read.text.data(), size);
  for (size_t begin = 0; begin < size;) {
    const size_t end = std::min(all.find('\n', begin), size);
    read.lines.push_back(all.substr(begin, end - begin));
    begin = end + 1;
  }
  return read;
}

Table SseLines() {
  Table table;
  table.name = "sse_lines";
  const auto add = [&table](const char* name, std::vector<std::string> pointers) {
    Column column;
    column.name = name;
    column.pointers = std::move(pointers);
    table.columns.push_back(std::move(column));
  };
  for (const char* key : kKeys) add(key, {std::string("/") + key});
  add("meta_pid", {"/metadata", "/pid"});
  add("meta_cwd", {"/metadata", "/cwd"});
  add("meta_turn_id", {"/metadata", "/turn_id"});
  Column line;
  line.name = "line";
  line.origin = Origin::kLine;
  table.columns.push_back(line);
  return table;
}

// Calls `use` with the batch of each chunk.
template <typename Use>
void Extract(const Table& table, const Lines& input, Extractor* extractor, RowBatch* batch,
             Use use) {
  for (size_t begin = 0; begin < input.lines.size();) {
    batch->Clear();
    batch->table = &table;
    const char* const limit = input.lines[begin].data() + kChunk;
    size_t end = begin;
    for (; end < input.lines.size() && input.lines[end].data() < limit; ++end) {
      batch->lines.push_back({input.lines[end], end + 1, 0});
    }
    extractor->Extract({}, batch);
    use(*batch);
    begin = end;
  }
}

// On-Demand's value as `extract` would have it, for the types that the top-level columns have.
bool Same(const Cell& cell, simdjson::simdjson_result<simdjson::ondemand::value> value) {
  simdjson::ondemand::json_type type;
  if (value.type().get(type)) return cell.type == CellType::kNull;
  if (type == simdjson::ondemand::json_type::string) {
    std::string_view text;
    return !value.get_string().get(text) && cell.type == CellType::kText && cell.text() == text;
  }
  int64_t number;
  return !value.get_int64().get(number) && cell.type == CellType::kInteger &&
         cell.integer == number;
}

void CheckAnswer(const Lines& input) {
  const Table table = SseLines();
  Extractor extractor(table);
  RowBatch batch;
  simdjson::ondemand::parser parser;
  size_t rows = 0;
  Extract(table, input, &extractor, &batch, [&](const RowBatch& extracted) {
    for (size_t row = 0; row < extracted.rows(); ++row) {
      const std::string line(extracted.line_of_row(row).text);
      for (size_t i = 0; i < std::size(kKeys); ++i) {
        const simdjson::padded_string padded(line);
        auto document = parser.iterate(padded);
        if (Same(extracted.row(row)[i], document[kKeys[i]])) continue;
        std::fprintf(stderr, "extract_bench: %s differs from On-Demand in: %s\n", kKeys[i],
                     line.c_str());
        std::exit(1);
      }
    }
    rows += extracted.rows();
  });
  if (rows != input.lines.size()) {
    std::fprintf(stderr, "extract_bench: %zu rows of %zu lines\n", rows, input.lines.size());
    std::exit(1);
  }
}

void Count(benchmark::State& state, const Lines& input) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(input.text.size()));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(input.lines.size()));
}

void BenchExtract(benchmark::State& state, const Lines& input) {
  const Table table = SseLines();
  Extractor extractor(table);
  RowBatch batch;
  for (auto _ : state) {
    Extract(table, input, &extractor, &batch,
            [](const RowBatch& extracted) { benchmark::DoNotOptimize(extracted.cells.data()); });
  }
  Count(state, input);
}

void BenchDom(benchmark::State& state, const Lines& input) {
  simdjson::dom::parser parser;
  for (auto _ : state) {
    for (std::string_view line : input.lines) {
      // The next line stands behind this one, so the padding is there.
      auto document = parser.parse(line.data(), line.size(), /*realloc_if_needed=*/false);
      benchmark::DoNotOptimize(document.error());
    }
  }
  Count(state, input);
}

void BenchOnDemand(benchmark::State& state, const Lines& input) {
  simdjson::ondemand::parser parser;
  for (auto _ : state) {
    for (std::string_view line : input.lines) {
      auto document =
          parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING);
      for (const char* key : kKeys) {
        auto value = document[key].raw_json_token();
        benchmark::DoNotOptimize(value.error());
      }
    }
  }
  Count(state, input);
}

void BenchStage1(benchmark::State& state, const Lines& input, Simd simd) {
  Structure structure(simd);
  for (auto _ : state) {
    for (size_t begin = 0; begin < input.lines.size();) {
      const char* const first = input.lines[begin].data();
      size_t end = begin + 1;
      while (end < input.lines.size() && input.lines[end].data() < first + Structure::kWindow)
        ++end;
      const std::string_view last = input.lines[end - 1];
      benchmark::DoNotOptimize(
          structure.Find({first, static_cast<size_t>(last.data() + last.size() - first)}));
      begin = end;
    }
  }
  Count(state, input);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: extract_bench [--benchmark_...] LINES.jsonl\n");
    return 2;
  }
  static const sluice::Lines input = sluice::ReadLines(argv[1]);
  if (input.lines.empty()) {
    std::fprintf(stderr, "extract_bench: no lines in %s\n", argv[1]);
    return 1;
  }
  sluice::CheckAnswer(input);

  const auto add = [](const char* name, auto run) {
    benchmark::RegisterBenchmark(name, [run](benchmark::State& state) {
      run(state, input);
    })->Unit(benchmark::kMillisecond);
  };
  add("extract", sluice::BenchExtract);
  add("dom", sluice::BenchDom);
  add("ondemand", sluice::BenchOnDemand);
  for (const sluice::Simd simd : sluice::AvailableSimd()) {
    static const char* const kNames[] = {"stage1/portable", "stage1/avx2", "stage1/avx512"};
    add(kNames[static_cast<int>(simd)],
        [simd](benchmark::State& state, const sluice::Lines& lines) {
          sluice::BenchStage1(state, lines, simd);
        });
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
