// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

// Bytes of memory in this machine.
uint64_t MachineMemory();

// The smallest memory limit of the control groups that this process is in (v2 memory.max, v1
// memory.limit_in_bytes, its parents included). Nothing where there is no limit, or none that can
// be read. `root` stands before /proc and /sys: tests make their own.
std::optional<uint64_t> CgroupMemoryLimit(const std::string& root = "");

// What this process may use at most: the smaller of both.
uint64_t MemoryLimit();

// Resident memory of this process: now, and the most it has been since it was started. 0 where the
// kernel does not say.
uint64_t ResidentMemory();
uint64_t PeakResidentMemory();

// What free() kept goes back to the system, as far as that can be.
void ReleaseFreeMemory();
// From now on larger blocks go back to the system when they are freed, and the top of the heap too:
// for a process that is to stay small for weeks.
void KeepHeapSmall();

// Pages of code that were needed to start, and may never be again, leave the resident memory; those
// that are come back from the page cache.
void ForgetCodePages();

}  // namespace sluice
