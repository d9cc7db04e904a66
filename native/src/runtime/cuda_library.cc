// SPDX-License-Identifier: Apache-2.0
#include "runtime/cuda_library.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <mutex>

namespace sextant {

namespace {

constexpr const char* file_name = "libsextant_cuda.so";
std::atomic<const accelerator_library*> loaded{nullptr};  // and never unloaded: operations may outlive every device

std::string beside_this_library() {
    Dl_info self{};
    if (!dladdr(reinterpret_cast<const void*>(&cuda_library), &self) || !self.dli_fname) return file_name;
    const std::string path = self.dli_fname;
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? file_name : path.substr(0, slash + 1) + file_name;
}

[[noreturn]] void refuse(const std::string& reason) {
    throw failure(SEXTANT_UNSUPPORTED, "cuda: " + reason);
}

const accelerator_library* load(const char* path) {
    const std::string wanted = path ? path : beside_this_library();
    void* library = dlopen(wanted.c_str(), RTLD_NOW | RTLD_LOCAL);
    const std::string reason = library ? "" : dlerror();
    if (!library && !path) library = dlopen(file_name, RTLD_NOW | RTLD_LOCAL);
    if (!library) refuse("the kernels for NVIDIA GPUs, " + std::string(file_name) + ", cannot be loaded: " + reason);
    const auto* exported = static_cast<const accelerator_library*>(dlsym(library, "sextant_cuda_library"));
    if (!exported) refuse(wanted + " is no libsextant_cuda: it has no symbol sextant_cuda_library");
    if (std::strcmp(exported->version, SEXTANT_VERSION) != 0)
        refuse(wanted + " is of version " + exported->version + ", expected " + SEXTANT_VERSION + " like libsextant");
    return exported;
}

}  // namespace

const accelerator_library& cuda_library(const char* path) {
    static std::mutex loading;
    const std::lock_guard lock(loading);
    if (!loaded) loaded = load(path);
    return *loaded;
}

void release_cuda_memory(void* address, bool shared) {
    if (const accelerator_library* library = loaded) library->release(address, shared);
}

}  // namespace sextant
