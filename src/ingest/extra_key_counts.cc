// SPDX-License-Identifier: Apache-2.0
#include "ingest/extra_key_counts.h"

#include <functional>
#include <string_view>
#include <utility>

namespace sluice {
namespace {

constexpr size_t kMostKeyBytesNamed = 40;

std::string NameOfExtraColumn(const Table& table) {
  for (const Column& column : table.columns) {
    if (column.origin == Origin::kExtra) return column.name;
  }
  return {};
}

// Cut between characters: a byte 10xxxxxx is the middle of one.
std::string Shortened(const std::string& key) {
  if (key.size() <= kMostKeyBytesNamed) return key;
  size_t end = kMostKeyBytesNamed;
  while (end > 0 && (static_cast<unsigned char>(key[end]) & 0xC0) == 0x80) --end;
  return key.substr(0, end) + "…";
}

}  // namespace

void ExtraKeyCounts::Add(const RowBatch& batch) {
  if (batch.lines_with_unknown_keys == 0) return;
  OfTable& of = tables_[batch.table->name];
  of.committed.table = batch.table->name;
  of.committed.column = NameOfExtraColumn(*batch.table);
  of.committed.table_is_inferred = batch.table->preset == "auto";
  of.uncommitted_lines += batch.lines_with_unknown_keys;
  for (const std::string& key : batch.unknown_keys) Remember(key, &of);
}

void ExtraKeyCounts::Remember(const std::string& key, OfTable* of) {
  if (of->hashes.size() == ExtraKeys::kMostCounted) return;
  if (!of->hashes.insert(std::hash<std::string_view>()(key)).second) return;
  std::vector<std::string>& named = of->committed.first_keys;
  if (named.size() < ExtraKeys::kMostNamed) named.push_back(Shortened(key));
}

std::vector<const ExtraKeys*> ExtraKeyCounts::Commit() {
  std::vector<const ExtraKeys*> first_time;
  for (auto& [name, of] : tables_) {
    if (of.uncommitted_lines == 0) continue;
    if (of.committed.lines == 0) first_time.push_back(&of.committed);
    of.committed.lines += std::exchange(of.uncommitted_lines, 0);
    of.committed.keys = of.hashes.size();
  }
  return first_time;
}

void ExtraKeyCounts::Discard() {
  for (auto& [name, of] : tables_) of.uncommitted_lines = 0;
}

std::vector<ExtraKeys> ExtraKeyCounts::Summary() const {
  std::vector<ExtraKeys> summary;
  for (const auto& [name, of] : tables_) {
    if (of.committed.lines > 0) summary.push_back(of.committed);
  }
  return summary;
}

uint64_t ExtraKeyCounts::keys() const {
  uint64_t keys = 0;
  for (const auto& [name, of] : tables_) keys += of.committed.keys;
  return keys;
}

uint64_t ExtraKeyCounts::lines() const {
  uint64_t lines = 0;
  for (const auto& [name, of] : tables_) lines += of.committed.lines;
  return lines;
}

}  // namespace sluice
