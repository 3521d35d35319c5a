// SPDX-License-Identifier: Apache-2.0
#include "source/gzip_source.h"

#include <algorithm>
#include <climits>

namespace sluice {
namespace {

// Window bits of a gzip wrapper with the largest window (zlib.h, inflateInit2).
constexpr int kGzipWindowBits = 15 + 16;
constexpr char kMagicFirstByte = '\x1f';

}  // namespace

GzipSource::GzipSource(RawInput input) : input_(std::move(input)) {
  if (inflateInit2(&stream_, kGzipWindowBits) != Z_OK) {
    failure_ = Status(StatusCode::kFull, "no memory to decode " + key().path, "lower --memory");
  }
}

GzipSource::~GzipSource() { inflateEnd(&stream_); }

Result<size_t> GzipSource::Read(char* to, size_t size) {
  const auto wanted = static_cast<uInt>(std::min<size_t>(size, UINT_MAX));
  stream_.next_out = reinterpret_cast<Bytef*>(to);
  stream_.avail_out = wanted;
  while (stream_.avail_out > 0 && !ended_ && failure_.ok()) failure_ = Step();

  const size_t count = wanted - stream_.avail_out;
  if (count == 0 && !failure_.ok()) return Error(failure_);
  return count;
}

Status GzipSource::Step() {
  if (input_.unread().empty() && !input_.at_end()) return input_.Refill();
  return in_member_ ? Inflate() : BeginMember();
}

Status GzipSource::BeginMember() {
  if (input_.at_end()) {
    ended_ = true;
    return {};
  }
  const char first = input_.unread().front();
  if (first == '\0') return TakePadding();
  if (first != kMagicFirstByte) return input_.Damaged("gzip", "what follows a member is not gzip");
  if (inflateReset(&stream_) != Z_OK) return Status::Internal("inflateReset failed");
  in_member_ = true;
  return {};
}

// Zeros, up to the end of the file.
Status GzipSource::TakePadding() {
  while (!input_.at_end()) {
    const size_t other = input_.unread().find_first_not_of('\0');
    input_.Take(std::min(other, input_.unread().size()));
    if (other != std::string_view::npos) {
      return input_.Damaged("gzip", "something follows the zeros at the end");
    }
    if (Status status = input_.Refill(); !status.ok()) return status;
  }
  return {};
}

Status GzipSource::Inflate() {
  const std::string_view stored = input_.unread();
  // zlib takes it without const, and does not write there.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stored.data()));
  stream_.avail_in = static_cast<uInt>(stored.size());
  const uInt room = stream_.avail_out;
  const int outcome = inflate(&stream_, Z_NO_FLUSH);
  input_.Take(stored.size() - stream_.avail_in);

  switch (outcome) {
    case Z_OK:
      return {};
    case Z_STREAM_END:
      in_member_ = false;
      return {};
    case Z_BUF_ERROR:
      // No progress: nothing was left to read, and nothing more came out.
      return input_.at_end() && stream_.avail_out == room ? input_.CutShort("gzip") : Status();
    case Z_MEM_ERROR:
      return {StatusCode::kFull, "no memory to decode " + key().path, "lower --memory"};
    default:
      return input_.Damaged("gzip", stream_.msg == nullptr ? "bad block" : stream_.msg);
  }
}

}  // namespace sluice
