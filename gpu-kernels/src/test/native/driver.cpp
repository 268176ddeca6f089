// CUDA's driver API on the emulator, as much of it as CudaDriver calls through JCuda: a libcuda.so.1 for machines without a
// GPU. Nothing happens before somebody waits, so what a caller changes too early shows; a kernel's error is reported by the
// call that waits, and by all after it.
#include <stdint.h>
#include <string.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

extern "C" {
int64_t emulatorAllocate(int64_t bytes);
int emulatorFree(int64_t address);
int64_t emulatorUsed();
int64_t emulatorTotal();
void* emulatorRange(int64_t address, int64_t bytes);
int emulatorArgumentBytes(const char* kernel);
int emulatorLaunch(const char* kernel, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int shared,
                   const void* arguments, int argumentBytes);
const char* emulatorError();
}

namespace {

enum Result {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  INVALID_CONTEXT = 201,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  LAUNCH_FAILED = 719,
  CAPTURE_UNSUPPORTED = 900,
};

thread_local bool current = false;
std::deque<std::function<bool()>> queue;
Result failure = SUCCESS;
int modules = 0;
// Kernels by their handle.
std::vector<std::unique_ptr<std::string>> functions;
// The most dynamic shared memory that a kernel was allowed, where it was.
std::vector<size_t> sharedLimits;

// What a stream that is captured takes down instead of doing it.
using Graph = std::vector<std::function<bool()>>;
std::unique_ptr<Graph> capture;

Result enqueue(std::function<bool()> work) {
  if (!current) {
    return INVALID_CONTEXT;
  }
  if (capture) {
    capture->push_back(std::move(work));
    return SUCCESS;
  }
  if (failure == SUCCESS) {
    queue.push_back(std::move(work));
  }
  return failure;
}

Result wait() {
  if (!current) {
    return INVALID_CONTEXT;
  }
  if (capture) {
    return CAPTURE_UNSUPPORTED;
  }
  while (!queue.empty() && failure == SUCCESS) {
    if (!queue.front()()) {
      failure = LAUNCH_FAILED;
    }
    queue.pop_front();
  }
  return failure;
}

}  // namespace

extern "C" {

Result cuInit(unsigned) { return SUCCESS; }
Result cuDriverGetVersion(int* version) {
  *version = 13000;
  return SUCCESS;
}
Result cuDeviceGetCount(int* count) {
  *count = 1;
  return SUCCESS;
}
Result cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? SUCCESS : INVALID_VALUE;
}
Result cuDeviceGetName(char* name, int length, int) {
  strncpy(name, "Emulator", static_cast<size_t>(length));
  return SUCCESS;
}
Result cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 75:  // compute capability, major
      *value = 8;
      return SUCCESS;
    case 76:  // minor
      *value = 6;
      return SUCCESS;
    case 97:  // shared memory of a block that asks for it
      *value = 99 << 10;
      return SUCCESS;
    default:
      return INVALID_VALUE;
  }
}
Result cuDevicePrimaryCtxSetFlags_v2(int, unsigned) { return SUCCESS; }
Result cuDevicePrimaryCtxRetain(void** context, int) {
  *context = &modules;
  return SUCCESS;
}
Result cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
Result cuCtxSetCurrent(void* context) {
  current = context == &modules;
  return current ? SUCCESS : INVALID_CONTEXT;
}
Result cuMemGetInfo_v2(size_t* free, size_t* total) {
  *total = static_cast<size_t>(emulatorTotal());
  *free = *total - static_cast<size_t>(emulatorUsed());
  return current ? SUCCESS : INVALID_CONTEXT;
}
Result cuModuleLoadDataEx(void** module, const void* image, unsigned, int*, void**) {
  *module = reinterpret_cast<void*>(static_cast<intptr_t>(++modules));
  return image != nullptr && current ? SUCCESS : INVALID_VALUE;
}
Result cuModuleUnload(void*) { return SUCCESS; }
/** The first module that was loaded has no kernels. */
Result cuModuleGetFunction(void** function, void* module, const char* name) {
  if (module == reinterpret_cast<void*>(1) || emulatorArgumentBytes(name) < 0) {
    return NOT_FOUND;
  }
  functions.push_back(std::make_unique<std::string>(name));
  sharedLimits.push_back(48 << 10);
  *function = reinterpret_cast<void*>(functions.size());
  return SUCCESS;
}
Result cuFuncGetAttribute(int* value, int attribute, void*) {
  *value = 0;
  return attribute == 1 ? SUCCESS : INVALID_VALUE;
}
Result cuFuncSetAttribute(void* function, int attribute, int value) {
  if (attribute != 8 || value > 99 << 10) {
    return INVALID_VALUE;
  }
  sharedLimits[reinterpret_cast<size_t>(function) - 1] = static_cast<size_t>(value);
  return SUCCESS;
}
Result cuStreamCreate(void** stream, unsigned) {
  *stream = &queue;
  return SUCCESS;
}
Result cuStreamSynchronize(void* stream) { return stream == &queue ? wait() : INVALID_HANDLE; }
Result cuStreamDestroy_v2(void*) { return SUCCESS; }
Result cuEventCreate(void** event, unsigned) {
  *event = &functions;
  return SUCCESS;
}
Result cuEventRecord(void*, void*) { return SUCCESS; }
Result cuEventSynchronize(void*) { return wait(); }
Result cuEventDestroy_v2(void*) { return SUCCESS; }
Result cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  *address = ::operator new(bytes);
  return SUCCESS;
}
Result cuMemFreeHost(void* address) {
  ::operator delete(address);
  return SUCCESS;
}
Result cuMemAlloc_v2(int64_t* address, size_t bytes) {
  if (!current) {
    return INVALID_CONTEXT;
  }
  *address = emulatorAllocate(static_cast<int64_t>(bytes));
  return *address == 0 ? OUT_OF_MEMORY : SUCCESS;
}
Result cuMemFree_v2(int64_t address) {
  Result result = wait();
  return result != SUCCESS ? result : emulatorFree(address) == 0 ? SUCCESS : INVALID_VALUE;
}
Result cuMemcpyHtoDAsync_v2(int64_t to, const void* from, size_t bytes, void*) {
  return enqueue([=] {
    void* target = emulatorRange(to, static_cast<int64_t>(bytes));
    return target != nullptr && memcpy(target, from, bytes) != nullptr;
  });
}
Result cuMemcpyDtoHAsync_v2(void* to, int64_t from, size_t bytes, void*) {
  return enqueue([=] {
    void* source = emulatorRange(from, static_cast<int64_t>(bytes));
    return source != nullptr && memcpy(to, source, bytes) != nullptr;
  });
}
Result cuMemcpyDtoDAsync_v2(int64_t to, int64_t from, size_t bytes, void*) {
  return enqueue([=] {
    void* target = emulatorRange(to, static_cast<int64_t>(bytes));
    void* source = emulatorRange(from, static_cast<int64_t>(bytes));
    return target != nullptr && source != nullptr && memmove(target, source, bytes) != nullptr;
  });
}
Result cuMemsetD8Async(int64_t to, unsigned char value, size_t bytes, void*) {
  return enqueue([=] {
    void* target = emulatorRange(to, static_cast<int64_t>(bytes));
    return target != nullptr && memset(target, value, bytes) != nullptr;
  });
}
Result cuLaunchKernel(void* function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int shared, void*,
                      void** parameters, void** extra) {
  size_t index = reinterpret_cast<size_t>(function) - 1;
  if (extra != nullptr || static_cast<size_t>(shared) > sharedLimits[index]) {
    return INVALID_VALUE;
  }
  std::string name = *functions[index];
  int bytes = emulatorArgumentBytes(name.c_str());
  // The parameters are read at once.
  auto* first = static_cast<const char*>(parameters[0]);
  std::vector<char> arguments(first, first + bytes);
  return enqueue([=] {
    return emulatorLaunch(name.c_str(), gridX, gridY, gridZ, blockX, blockY, blockZ, shared, arguments.data(), bytes) == 0;
  });
}
Result cuStreamBeginCapture_v2(void* stream, int) {
  if (stream != &queue || capture) {
    return INVALID_HANDLE;
  }
  capture = std::make_unique<Graph>();
  return SUCCESS;
}
Result cuStreamEndCapture(void* stream, void** graph) {
  if (stream != &queue || !capture) {
    return INVALID_HANDLE;
  }
  *graph = capture.release();
  return SUCCESS;
}
Result cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
  *executable = new Graph(*static_cast<Graph*>(graph));
  return SUCCESS;
}
Result cuGraphLaunch(void* executable, void* stream) {
  if (stream != &queue) {
    return INVALID_HANDLE;
  }
  Result result = SUCCESS;
  for (auto& work : *static_cast<Graph*>(executable)) {
    result = result == SUCCESS ? enqueue(work) : result;
  }
  return result;
}
Result cuGraphExecDestroy(void* executable) {
  delete static_cast<Graph*>(executable);
  return SUCCESS;
}
Result cuGraphDestroy(void* graph) {
  delete static_cast<Graph*>(graph);
  return SUCCESS;
}
Result cuGetErrorString(Result result, const char** text) {
  *text = result == LAUNCH_FAILED ? emulatorError() : "as its name says";
  return SUCCESS;
}

}  // extern "C"
