// SPDX-License-Identifier: Apache-2.0
// key_bench: what an index entry costs from its key to its place in index order, on one core.
//
//   add/KIND     KeyCollector::Add, with its share of sorting segments and writing runs
//   merge/KIND   KeyMerge over those runs
//
// KIND is what the keys are: `repeated` 1,000 values of 20 bytes in any order; `sessions` the same
// value for some 500 rows; `null` no value at all; `times` timestamps of 24 bytes, ascending;
// `unique` texts of 30 bytes; `paths` texts of 20 to 100 bytes with long common beginnings;
// `numbers` random integers. 3 million rows, which two collectors take by turns, 2,000 at a time,
// in segments of 4 MiB, as two threads would.
//
// Before anything is timed, the first 200,000 entries of each kind are compared with what
// std::stable_sort makes of them.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <time.h>

#include "base/cell.h"
#include "pagebuild/key.h"
#include "pagebuild/key_collector.h"
#include "pagebuild/key_merge.h"

namespace sluice {
namespace {

constexpr size_t kRows = 3'000'000;
constexpr size_t kChecked = 200'000;
constexpr size_t kRowsAChunk = 2000;
constexpr size_t kCollectors = 2;
constexpr uint64_t kPlenty = uint64_t{4} << 30;

// Keys side by side, as a worker has them in its chunk.
struct Keys {
  std::string bytes;
  std::vector<size_t> begins = {0};

  size_t size() const { return begins.size() - 1; }
  std::string_view operator[](size_t i) const {
    return std::string_view(bytes).substr(begins[i], begins[i + 1] - begins[i]);
  }
};

using MakeCell = std::function<Cell(size_t row, std::string* text)>;

Keys MakeKeys(const MakeCell& make) {
  Keys keys;
  KeyBuilder builder;
  std::string text;
  for (size_t row = 0; row < kRows; ++row) {
    const Cell cell = make(row, &text);
    keys.bytes += builder.Build({&cell, 1});
    keys.begins.push_back(keys.bytes.size());
  }
  return keys;
}

Cell Print(std::string* text, const char* format, uint64_t a, uint64_t b = 0, uint64_t c = 0) {
  text->resize(200);
  const int size = std::snprintf(text->data(), text->size(), format, a, b, c);
  text->resize(static_cast<size_t>(size));
  return Cell::Text(*text);
}

struct Kind {
  const char* name;
  MakeCell make;
};

std::vector<Kind> Kinds() {
  static std::mt19937_64 random(1);
  return {
      {"repeated",
       [](size_t, std::string* text) {
         return Print(text, "flow-%015lu", random() % 1000 * 7919);
       }},
      {"sessions",
       [](size_t row, std::string* text) {
         return Print(text, "session-%012lx", row / 500 * 7919 % 6000);
       }},
      {"null", [](size_t, std::string*) { return Cell::Null(); }},
      {"times",
       [](size_t row, std::string* text) {
         return Print(text, "2026-01-31T%02lu:%02lu:00.%06luZ", row / 180000, row / 3000 % 60,
                      row % 3000 * 333);
       }},
      {"unique",
       [](size_t, std::string* text) {
         return Print(text, "%016lx%014lx", random(), random() >> 8);
       }},
      {"paths",
       [](size_t, std::string* text) {
         return Print(text,
                      random() % 2 == 0 ? "/srv/projects/%02lu/%06lx"
                                        : "/srv/projects/%02lu/build/objects/intermediate/%06lx.o",
                      random() % 50, random() & 0xFFFFFF);
       }},
      {"numbers",
       [](size_t, std::string*) { return Cell::Integer(static_cast<int64_t>(random() >> 20)); }},
  };
}

[[noreturn]] void Fail(const char* kind, const std::string& what) {
  std::fprintf(stderr, "key_bench: %s: %s\n", kind, what.c_str());
  std::exit(1);
}

// Of this thread: other work on the machine does not count.
double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// One index, from Add to the merge.
struct Index {
  RunSpace space{kPlenty, "key_bench.keys"};
  IndexRuns runs;

  void Collect(const Keys& keys, size_t rows) {
    std::vector<std::unique_ptr<KeyCollector>> collectors;
    for (size_t i = 0; i < kCollectors; ++i) {
      collectors.push_back(std::make_unique<KeyCollector>(
          &space, &runs, KeyCollector::Options{.columns = 1, .memory_bytes = 4 << 20}));
    }
    for (size_t row = 0; row < rows; ++row) {
      collectors[row / kRowsAChunk % kCollectors]->Add(keys[row], static_cast<int64_t>(row + 1));
    }
    for (auto& collector : collectors) {
      if (!collector->Finish().ok()) Fail("collector", collector->status().message());
    }
  }
};

void Check(const Kind& kind, const Keys& keys) {
  Index index;
  index.Collect(keys, kChecked);
  std::vector<size_t> expected(kChecked);
  for (size_t i = 0; i < kChecked; ++i) expected[i] = i;
  std::ranges::stable_sort(expected, [&](size_t a, size_t b) {
    return CompareKeys(keys[a].data(), keys[b].data(), 1).order < 0;
  });
  size_t at = 0;
  KeyMerge merge(index.runs.Take(), &index.space, {});
  while (merge.NextKey()) {
    for (auto rowids = merge.NextRowids(); !rowids.empty(); rowids = merge.NextRowids()) {
      for (int64_t rowid : rowids) {
        if (at == kChecked || expected[at] + 1 != static_cast<size_t>(rowid) ||
            keys[expected[at]] != merge.key()) {
          Fail(kind.name, "entry " + std::to_string(at) + " is wrong");
        }
        ++at;
      }
    }
  }
  if (at != kChecked) Fail(kind.name, "entries are missing");
}

void ReportPerRow(benchmark::State& state) {
  state.counters["ns_per_row"] = benchmark::Counter(
      static_cast<double>(kRows) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BenchAdd(benchmark::State& state, const Keys& keys) {
  for (auto _ : state) {
    const double began = CpuSeconds();
    Index index;
    index.Collect(keys, kRows);
    state.SetIterationTime(CpuSeconds() - began);
  }
  ReportPerRow(state);
}

void BenchMerge(benchmark::State& state, const Keys& keys) {
  uint64_t bytes = 0;
  size_t runs = 0;
  for (auto _ : state) {
    Index index;
    index.Collect(keys, kRows);
    std::vector<KeyRun> taken = index.runs.Take();
    runs = taken.size();
    bytes = 0;
    for (const KeyRun& run : taken) bytes += run.bytes();

    const double began = CpuSeconds();
    KeyMerge merge(std::move(taken), &index.space, {});
    int64_t sum = 0;
    while (merge.NextKey()) {
      for (auto rowids = merge.NextRowids(); !rowids.empty(); rowids = merge.NextRowids()) {
        sum += rowids.back();
      }
    }
    benchmark::DoNotOptimize(sum);
    state.SetIterationTime(CpuSeconds() - began);
  }
  ReportPerRow(state);
  state.counters["runs"] = static_cast<double>(runs);
  state.counters["run_bytes_per_row"] = static_cast<double>(bytes) / static_cast<double>(kRows);
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::vector<std::unique_ptr<sluice::Keys>> all;
  for (const sluice::Kind& kind : sluice::Kinds()) {
    all.push_back(std::make_unique<sluice::Keys>(sluice::MakeKeys(kind.make)));
    const sluice::Keys& keys = *all.back();
    sluice::Check(kind, keys);
    const std::string name = kind.name;
    benchmark::RegisterBenchmark(("add/" + name).c_str(), sluice::BenchAdd, std::cref(keys))
        ->UseManualTime();
    benchmark::RegisterBenchmark(("merge/" + name).c_str(), sluice::BenchMerge, std::cref(keys))
        ->UseManualTime();
  }
  benchmark::RunSpecifiedBenchmarks();
}
