// SPDX-License-Identifier: Apache-2.0
#include "pagebuild/page_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

constexpr size_t kGathered = size_t{1} << 20;

// Blocks are set aside for as much again as was written, within these bounds: writes that lengthen
// a file on ext4 took up to a third longer.
constexpr uint64_t kLeastReserve = uint64_t{8} << 20;
constexpr uint64_t kMostReserve = uint64_t{256} << 20;

size_t AlignedPart(size_t size) { return size & ~(AlignedBuffer::kAlignment - 1); }
bool IsAligned(uint64_t value) { return value % AlignedBuffer::kAlignment == 0; }

}  // namespace

PageFile::PageFile(File file, const PageFormat& format) : file_(std::move(file)), format_(format) {
  file_.PreferDirectWrites(true);
  gathered_.Grow(kGathered, 0);
}

Result<PageFile> PageFile::Create(const std::string& path, const PageFormat& format) {
  Result<File> file = File::Open(path, File::Mode::kCreateNew);
  if (!file) return Error(file.error());
  PageFile pages(std::move(*file), format);
  // The place of page 1, which comes last.
  std::memset(pages.gathered_.data(), 0, format.page_size);
  pages.gathered_size_ = format.page_size;
  return pages;
}

Status PageFile::Write(const PageBlock& block) {
  if (block.pages() > PageFormat::kMostPages - next_) {
    return Status::Unsupported(
        file_.path() + ": an SQLite database has at most 4,294,967,294 pages",
        "use larger pages (--page-size 65536), or spread the inputs over several databases");
  }
  // In two pieces where the lock-byte page lies among its pages.
  const uint32_t before_lock_byte =
      next_ <= format_.lock_byte_page ? format_.lock_byte_page - next_ : UINT32_MAX;
  const auto first_pages = std::min<size_t>(block.pages(), before_lock_byte);
  const size_t split = first_pages * format_.page_size;
  const std::string_view bytes(block.data(), block.size());
  if (Status s = Append(bytes.substr(0, split)); !s.ok()) return s;
  next_ += static_cast<uint32_t>(first_pages);
  if (next_ == format_.lock_byte_page) {
    if (Status s = PassLockBytePage(); !s.ok()) return s;
  }
  next_ += static_cast<uint32_t>(block.pages() - first_pages);
  return Append(bytes.substr(split));
}

Status PageFile::PassLockBytePage() {
  const std::string zeros(format_.page_size, '\0');
  ++next_;
  return Append(zeros);
}

Status PageFile::Append(std::string_view bytes) {
  if (IsAligned(gathered_size_)) {
    if (Status s = WriteGathered(gathered_size_); !s.ok()) return s;
  }
  // The usual case: whole blocks, straight from where they were laid out.
  if (gathered_size_ == 0 && IsAligned(reinterpret_cast<uintptr_t>(bytes.data()))) {
    const std::string_view aligned = bytes.substr(0, AlignedPart(bytes.size()));
    if (Status s = WriteNext(aligned); !s.ok()) return s;
    bytes.remove_prefix(aligned.size());
  }
  while (!bytes.empty()) {
    const size_t part = std::min(bytes.size(), kGathered - gathered_size_);
    std::memcpy(gathered_.data() + gathered_size_, bytes.data(), part);
    gathered_size_ += part;
    bytes.remove_prefix(part);
    if (gathered_size_ < kGathered) break;
    if (Status s = WriteGathered(kGathered); !s.ok()) return s;
  }
  return {};
}

Status PageFile::WriteGathered(size_t size) {
  if (Status s = WriteNext({gathered_.data(), size}); !s.ok()) return s;
  gathered_size_ -= size;
  return {};
}

Status PageFile::WriteNext(std::string_view bytes) {
  if (bytes.empty()) return {};
  ReserveAhead();
  if (Status s = file_.PWrite(bytes, written_); !s.ok()) return s;
  written_ += bytes.size();
  return {};
}

void PageFile::ReserveAhead() {
  if (written_ < kLeastReserve || written_ < reserved_) return;
  const uint64_t more = std::min(written_, kMostReserve);
  file_.Reserve(written_, more);
  reserved_ = written_ + more;
}

Status PageFile::Finish(const char* page_1) {
  // The rest need not be aligned.
  file_.PreferDirectWrites(false);
  if (Status s = WriteGathered(gathered_size_); !s.ok()) return s;
  if (reserved_ > written_) {
    if (Status s = file_.Truncate(written_); !s.ok()) return s;
  }
  if (Status s = file_.PWrite({page_1, format_.page_size}, 0); !s.ok()) return s;
  return file_.Close();
}

}  // namespace sluice
