// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/libbpf/bpf_object.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <elf.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include "base/files.hpp"
#include "kernel/libbpf/load_error.hpp"
#include "kernel/libbpf/scope.hpp"

namespace trapgate::kernel {
namespace {

struct ObjectCloser {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct LinkDestroyer {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct RingFreer {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

/// What only a look at the file can say well; libbpf calls all of it "Invalid argument" or "Exec
/// format error".
Result<void> check_elf(std::span<const std::byte> image, const std::string& where) {
    Elf64_Ehdr header{};
    if (image.size() < SELFMAG || std::memcmp(image.data(), ELFMAG, SELFMAG) != 0) {
        return fail("not an ELF file", where, "give an object made by clang -target bpf", ENOEXEC);
    }
    if (image.size() < sizeof(header)) {
        return fail("an ELF file that ends inside its header", where, {}, ENOEXEC);
    }
    std::memcpy(&header, image.data(), sizeof(header));
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_BPF) {
        return fail(header.e_machine == EM_X86_64 ? "an ELF file for x86-64, not for eBPF"
                                                  : "an ELF file, but not for little-endian eBPF",
                    where, "compile it with clang -O2 -g -target bpf -c", ENOEXEC);
    }
    return {};
}

/// libbpf's name for an object, as bpf_object__open_file makes it: the file's name up to the first
/// dot.
std::string object_name_of(const std::filesystem::path& path) {
    const std::string file = path.filename().string();
    return file.substr(0, file.find('.'));
}

}  // namespace

struct BpfObject::Handles {
    // In the order of making; freed in reverse.
    std::unique_ptr<bpf_object, ObjectCloser> object;
    std::vector<std::unique_ptr<bpf_link, LinkDestroyer>> links;
    std::unique_ptr<ring_buffer, RingFreer> rings;
    std::vector<std::unique_ptr<std::pair<BpfObject*, std::string>>> ring_names;
    bool loaded = false;
};

BpfObject::BpfObject(HostKernel& kernel, std::filesystem::path path)
    : kernel_(kernel), path_(std::move(path)), handles_(std::make_unique<Handles>()) {}

BpfObject::~BpfObject() {
    {
        const LibbpfScope scope(kernel_, &log_);
        attachments_.clear();
        handles_.reset();
    }
    kernel_.reap();
}

Result<std::unique_ptr<BpfObject>> BpfObject::open(HostKernel& kernel,
                                                   const std::filesystem::path& path) {
    auto image = read_file(path);
    if (!image) {
        return tl::unexpected(image.error());
    }
    if (auto checked = check_elf(*image, path.string()); !checked) {
        return tl::unexpected(checked.error());
    }
    std::unique_ptr<BpfObject> opened(new BpfObject(kernel, path));
    opened->image_ = std::move(*image);
    const LibbpfScope scope(kernel, &opened->log_);
    const std::string name = object_name_of(path);
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
    errno = 0;
    opened->handles_->object.reset(
        bpf_object__open_mem(opened->image_.data(), opened->image_.size(), &options));
    if (opened->handles_->object == nullptr) {
        return tl::unexpected(explain_load_failure(opened->log_, errno, path.string()));
    }
    if (bpf_object__next_program(opened->handles_->object.get(), nullptr) == nullptr) {
        return fail("there is no program in it", path.string(),
                    "a program needs a section, as SEC(\"kprobe/...\")");
    }
    return opened;
}

Result<void> BpfObject::load() {
    if (handles_->loaded) {
        return fail("already loaded", path_.string(), {}, EBUSY);
    }
    const LibbpfScope scope(kernel_, &log_);
    const std::size_t before = log_.size();
    if (const int error = bpf_object__load(handles_->object.get()); error != 0) {
        return tl::unexpected(
            explain_load_failure(std::string_view(log_).substr(before), -error, path_.string()));
    }
    handles_->loaded = true;
    return {};
}

Result<void> BpfObject::attach() {
    if (!handles_->loaded) {
        return fail("not loaded", path_.string());
    }
    const LibbpfScope scope(kernel_, &log_);
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, handles_->object.get()) {
        const std::string name = bpf_program__name(program);
        const std::string section = bpf_program__section_name(program);
        const std::string where = fmt::format("{}: program {} (section {})", path_.string(), name,
                                              section);
        errno = 0;
        bpf_link* link = bpf_program__attach(program);
        if (link == nullptr) {
            const int error = errno == 0 ? EOPNOTSUPP : errno;
            const Error& why = kernel_.last_error();
            Error told = why.what.empty() || error != why.linux_errno
                             ? Error{error == EOPNOTSUPP || error == EINVAL
                                         ? "its section name does not say where to attach it"
                                         : std::string(std::strerror(error)),
                                     where,
                                     "name a kernel function, as in SEC(\"kprobe/do_sys_openat2\")",
                                     error}
                             : Error{why.where.empty() ? why.what : why.where + ": " + why.what,
                                     where, why.hint, error};
            attachments_.clear();
            handles_->links.clear();
            return tl::unexpected(std::move(told));
        }
        handles_->links.emplace_back(link);
        Attachment attachment{name, section, nullptr};
        if (const auto found = kernel_.handles().find(bpf_link__fd(link))) {
            if (const auto ours = std::dynamic_pointer_cast<LinkObject>(found->object)) {
                attachment.event = ours->event;
            }
        }
        attachments_.push_back(std::move(attachment));
    }
    return {};
}

void BpfObject::detach() {
    const LibbpfScope scope(kernel_, &log_);
    attachments_.clear();
    handles_->links.clear();
    kernel_.reap();
}

std::vector<BpfObject::MapRef> BpfObject::maps() const {
    std::vector<MapRef> refs;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, handles_->object.get()) {
        MapRef ref{bpf_map__name(map), bpf_map__is_internal(map), nullptr};
        if (const auto found = kernel_.handles().find(bpf_map__fd(map))) {
            ref.object = std::dynamic_pointer_cast<MapObject>(found->object);
        }
        refs.push_back(std::move(ref));
    }
    return refs;
}

std::shared_ptr<MapObject> BpfObject::map(const std::string& name) const {
    for (MapRef& ref : maps()) {
        if (ref.name == name) {
            return std::move(ref.object);
        }
    }
    return nullptr;
}

std::vector<BpfObject::ProgramRef> BpfObject::programs() const {
    std::vector<ProgramRef> refs;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, handles_->object.get()) {
        ProgramRef ref{bpf_program__name(program), bpf_program__section_name(program), nullptr};
        if (const auto found = kernel_.handles().find(bpf_program__fd(program))) {
            ref.object = std::dynamic_pointer_cast<ProgramObject>(found->object);
        }
        refs.push_back(std::move(ref));
    }
    return refs;
}

Result<void> BpfObject::read_rings(RecordSink sink) {
    if (!handles_->loaded || handles_->rings != nullptr) {
        return fail(handles_->loaded ? "its rings are being read already" : "not loaded",
                    path_.string(), {}, EBUSY);
    }
    sink_ = std::move(sink);
    const LibbpfScope scope(kernel_, &log_);
    const auto hand_over = [](void* context, void* data, std::size_t bytes) {
        const auto& [object, name] = *static_cast<std::pair<BpfObject*, std::string>*>(context);
        object->sink_(name, {static_cast<const std::byte*>(data), bytes});
        return 0;
    };
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, handles_->object.get()) {
        if (bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF) {
            continue;
        }
        auto name = std::make_unique<std::pair<BpfObject*, std::string>>(this, bpf_map__name(map));
        int error = 0;
        if (handles_->rings == nullptr) {
            handles_->rings.reset(
                ring_buffer__new(bpf_map__fd(map), hand_over, name.get(), nullptr));
            error = handles_->rings == nullptr ? errno : 0;
        } else {
            error = -ring_buffer__add(handles_->rings.get(), bpf_map__fd(map), hand_over,
                                      name.get());
        }
        if (error != 0) {
            return fail(fmt::format("cannot read its ring buffer {}", name->second), path_.string(),
                        {}, error);
        }
        handles_->ring_names.push_back(std::move(name));
    }
    return {};
}

Result<int> BpfObject::poll(int timeout_ms) {
    if (handles_->rings == nullptr) {
        return 0;
    }
    const LibbpfScope scope(kernel_);
    const int count = ring_buffer__poll(handles_->rings.get(), timeout_ms);
    if (count < 0 && count != -EINTR) {
        return fail("cannot wait for its ring buffers", path_.string(), {}, -count);
    }
    return std::max(count, 0);
}

Result<int> BpfObject::consume() {
    if (handles_->rings == nullptr) {
        return 0;
    }
    const LibbpfScope scope(kernel_);
    const int count = ring_buffer__consume(handles_->rings.get());
    if (count < 0) {
        return fail("cannot read its ring buffers", path_.string(), {}, -count);
    }
    return count;
}

std::span<const std::byte> BpfObject::btf() const {
    const struct btf* types = bpf_object__btf(handles_->object.get());
    std::uint32_t bytes = 0;
    const void* data = types == nullptr ? nullptr : btf__raw_data(types, &bytes);
    return {static_cast<const std::byte*>(data), data == nullptr ? 0 : bytes};
}

}  // namespace trapgate::kernel
