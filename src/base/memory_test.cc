// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <vector>

#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

TEST(MemoryTest, TheMachineHasSomeAndTheLimitIsNoMore) {
  EXPECT_GT(MachineMemory(), uint64_t{64} << 20);
  EXPECT_GT(MemoryLimit(), 0u);
  EXPECT_LE(MemoryLimit(), MachineMemory());
}

TEST(MemoryTest, CgroupVersion2TakesTheSmallestOnTheWayUp) {
  TemporaryDirectory root;
  root.Write("proc/self/cgroup", "0::/user.slice/app.scope\n");
  root.Write("sys/fs/cgroup/user.slice/app.scope/memory.max", "max\n");
  root.Write("sys/fs/cgroup/user.slice/memory.max", "268435456\n");
  EXPECT_EQ(CgroupMemoryLimit(root.path()), 268435456u);
  root.Write("sys/fs/cgroup/user.slice/app.scope/memory.max", "1048576\n");
  EXPECT_EQ(CgroupMemoryLimit(root.path()), 1048576u);
}

TEST(MemoryTest, CgroupVersion1WhosePathIsThatOfTheHost) {
  TemporaryDirectory root;
  root.Write("proc/self/cgroup", "5:devices:/x\n4:cpu,memory:/docker/abc\n");
  root.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  EXPECT_EQ(CgroupMemoryLimit(root.path()), 536870912u);
}

TEST(MemoryTest, NoLimit) {
  TemporaryDirectory root;
  EXPECT_EQ(CgroupMemoryLimit(root.path()), std::nullopt);
  root.Write("proc/self/cgroup", "4:memory:/\n0::/\nnonsense\n");
  root.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root.Write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(CgroupMemoryLimit(root.path()), std::nullopt);
}

TEST(MemoryTest, ThePeakIsAtLeastWhatIsResident) {
  const uint64_t before = ResidentMemory();
  ASSERT_GT(before, 0u);
  std::vector<char> block(size_t{32} << 20, 'x');
  EXPECT_GE(PeakResidentMemory(), before + block.size() / 2);
}

}  // namespace
}  // namespace sluice
