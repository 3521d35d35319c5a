// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/page_file.h"

#include <cerrno>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "temporary_directory.h"

namespace sluice {
namespace {

// A block whose pages are filled with the number that each is to have.
void AddPages(PageBlock* block, size_t count, uint32_t first) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t index = block->AddPage();
    std::string page(block->format().page_size, '\0');
    PutPageNumber(first + index, page.data());
    page.copy(block->page(index), page.size());
  }
}

// Writes blocks of these sizes and page 1, and returns what the file holds then.
std::string Written(const std::string& path, uint32_t page_size,
                    std::initializer_list<size_t> sizes) {
  const PageFormat format(page_size);
  Result<PageFile> file = PageFile::Create(path, format);
  EXPECT_TRUE(file) << file.error().message();
  for (const size_t size : sizes) {
    PageBlock block(format);
    AddPages(&block, size, file->next_number());
    const Status written = file->Write(block);
    EXPECT_TRUE(written.ok()) << written.message();
  }
  const std::string page_1(page_size, '1');
  const Status finished = file->Finish(page_1.data());
  EXPECT_TRUE(finished.ok()) << finished.message();
  return ReadFile(path, UINT64_MAX).value();
}

void ExpectPages(const std::string& bytes, uint32_t page_size, uint32_t pages) {
  ASSERT_EQ(bytes.size(), size_t{page_size} * pages);
  EXPECT_EQ(bytes.substr(0, page_size), std::string(page_size, '1'));
  for (uint32_t page = 2; page <= pages; ++page) {
    ASSERT_EQ(GetPageNumber(bytes.data() + size_t{page - 1} * page_size), page);
  }
}

TEST(PageFileTest, PagesLieInTheOrderOfTheirNumbers) {
  const TemporaryDirectory directory;
  for (const uint32_t page_size : {1024u, 2048u, 4096u, 65536u}) {
    const std::string path = directory / std::to_string(page_size);
    ExpectPages(Written(path, page_size, {1, 3, 700, 2, 1}), page_size, 708);
  }
}

TEST(PageFileTest, WhatWasSetAsideBehindTheEndIsGivenBack) {
  const TemporaryDirectory directory;
  ExpectPages(Written(directory / "file", 65536, {100, 100, 100, 1}), 65536, 302);
}

// A file system that takes O_DIRECT, and then refuses a write: it goes through the cache.
TEST(PageFileTest, ARefusedDirectWriteIsMadeThroughTheCache) {
  const TemporaryDirectory directory;
  for (int refused = 0; refused < 4; ++refused) {
    int writes = 0;
    const ScopedFileHook hook([&](const FileEvent& event) {
      return event.call == FileCall::kWrite && writes++ == refused ? EINVAL : 0;
    });
    const std::string path = directory / std::to_string(refused);
    ExpectPages(Written(path, 4096, {300, 300, 1}), 4096, 602);
    EXPECT_GT(writes, refused);
  }
}

TEST(PageFileTest, AFileThatIsThereIsNotTouched) {
  const TemporaryDirectory directory;
  const std::string path = directory / "file";
  Written(path, 4096, {1});
  EXPECT_EQ(PageFile::Create(path, PageFormat(4096)).error().code(), StatusCode::kBusy);
}

TEST(PageFileTest, AFullDiskIsSaid) {
  const TemporaryDirectory directory;
  const PageFormat format(4096);
  Result<PageFile> file = PageFile::Create(directory / "file", format);
  ASSERT_TRUE(file);
  const ScopedFileHook hook(
      [](const FileEvent& event) { return event.call == FileCall::kWrite ? ENOSPC : 0; });
  PageBlock block(format);
  AddPages(&block, 1, 2);
  EXPECT_EQ(file->Write(block).code(), StatusCode::kFull);
}

}  // namespace
}  // namespace sluice
