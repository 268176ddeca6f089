// Runs kernels' blocks and threads on the CPU; see emulator.h. Java's EmulatedDriver calls the functions at the end.
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "portable.cuh"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define EMULATOR_ASAN 1
#else
#define EMULATOR_ASAN 0
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emulator {
namespace {

// A page, as mmap and mprotect count.
const size_t PAGE = static_cast<size_t>(sysconf(_SC_PAGESIZE));
constexpr int MAX_THREADS = 1024;
constexpr size_t STACK = EMULATOR_ASAN ? 512 << 10 : 128 << 10;
// What a block may have on every architecture that we compile for: sm_86's and sm_89's limit.
constexpr size_t MAX_SHARED = 99 << 10;
// Four of these bytes are a NaN, in float and in both short types: what reads memory that nobody wrote shows.
constexpr int POISON = 0xff;

size_t roundUp(size_t size, size_t multiple) { return (size + multiple - 1) / multiple * multiple; }

// ---- Memory

/** Bytes that end at a protected page, and begin behind one. */
class Guarded {
 public:
  /** @param alignment of the first byte; the bytes left over before the protected page are watched, too */
  Guarded(size_t bytes, size_t alignment) : bytes_(bytes) {
    size_t inner = roundUp(roundUp(bytes, alignment), PAGE);
    mapped_ = inner + 2 * PAGE;
    base_ = static_cast<unsigned char*>(
        mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + PAGE, inner, PROT_READ | PROT_WRITE) != 0) {
      perror("the emulator's memory");
      abort();
    }
    begin_ = base_ + PAGE + inner - roundUp(bytes, alignment);
    poison();
  }
  ~Guarded() { munmap(base_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  unsigned char* begin() const { return begin_; }
  size_t bytes() const { return bytes_; }
  /** Whether an address is in it or in its protected pages. */
  bool covers(uintptr_t address) const {
    return address - reinterpret_cast<uintptr_t>(base_) < mapped_;
  }
  void poison() { memset(base_ + PAGE, POISON, mapped_ - 2 * PAGE); }
  void protect() {
    mprotect(base_, mapped_, PROT_NONE);
    madvise(base_, mapped_, MADV_DONTNEED);
  }
  /** An address outside of it that was written, or null. */
  const unsigned char* damaged() const {
    const unsigned char* before = firstWritten(base_ + PAGE, begin_);
    return before != nullptr ? before : firstWritten(begin_ + bytes_, base_ + mapped_ - PAGE);
  }

 private:
  static const unsigned char* firstWritten(const unsigned char* from, const unsigned char* to) {
    if (from == to || (*from == POISON && memcmp(from, from + 1, static_cast<size_t>(to - from) - 1) == 0)) {
      return nullptr;
    }
    return std::find_if(from, to, [](unsigned char byte) { return byte != POISON; });
  }

  size_t bytes_;
  size_t mapped_;
  unsigned char* base_;
  unsigned char* begin_;
};

std::map<uintptr_t, std::unique_ptr<Guarded>> allocations;
// Freed, but still unreadable: a use after it is reported.
std::deque<std::unique_ptr<Guarded>> freed;
size_t limit = size_t{64} << 30;
size_t used = 0;

Guarded* allocationAt(uintptr_t address) {
  auto next = allocations.upper_bound(address);
  if (next != allocations.begin()) {
    Guarded* candidate = std::prev(next)->second.get();
    if (candidate->covers(address)) {
      return candidate;
    }
  }
  return next != allocations.end() && next->second->covers(address) ? next->second.get() : nullptr;
}

// ---- Fibers

enum class State { READY, COLLECTIVE, BARRIER, DONE };

struct Group {
  int bytes;
  void* shared;
  const void* global;
};

struct Thread {
  void* stack = nullptr;
  State state = State::DONE;
  uint3 index;
  // Where it waits.
  const char* name;
  Place place;
  unsigned mask;
  void* data;
  int predicate;
  // Its asynchronous copies: those not committed, and the committed groups.
  std::vector<Group> open;
  std::deque<std::vector<Group>> committed;
  void* fakeStack = nullptr;
};

/** Lanes that wait at a collective, and those that have returned or are no part of the block. */
struct Warp {
  unsigned waiting;
  unsigned missing;
};

std::vector<Thread> threads(MAX_THREADS);
std::vector<Warp> warps(MAX_THREADS / 32);
int threadCount;
int running = -1;
void* scheduler;
#if EMULATOR_ASAN
void* schedulerFakeStack;
const void* schedulerBottom;
size_t schedulerSize;
#endif
unsigned char* stacks;
Votes votes;
std::unique_ptr<Guarded> sharedMemory;

// The launch under way.
const Registration::Entry* entry;
const void* kernelArguments;
std::string message;

// Threads run first to last, last to first, or in any order.
enum class Order { FORWARD, BACKWARD, SHUFFLED };
Order order = Order::FORWARD;
std::mt19937 shuffler;

#if defined(__x86_64__)
// Saves what a call must preserve on the running stack, notes its top and goes on at another's.
asm(R"(
.text
.type emulatorSwitch, @function
emulatorSwitch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emulatorSwitch, .-emulatorSwitch
)");
extern "C" void emulatorSwitch(void** from, void* to);

void* freshStack(unsigned char* top, void (*begin)()) {
  auto* words = reinterpret_cast<void**>(top);
  // The function begins as if it were called: its return address, never used, is at 8 modulo 16.
  *--words = nullptr;
  *--words = reinterpret_cast<void*>(begin);
  for (int i = 0; i < 6; i++) {
    *--words = nullptr;
  }
  return words;
}
#else
#error "the emulator's change of stacks is written for x86-64"
#endif

unsigned char* stackOf(int thread) { return stacks + thread * (STACK + PAGE) + PAGE; }

void toThread(int thread) {
  running = thread;
  threadIdx = threads[thread].index;
#if EMULATOR_ASAN
  __sanitizer_start_switch_fiber(&schedulerFakeStack, stackOf(thread), STACK);
#endif
  emulatorSwitch(&scheduler, threads[thread].stack);
#if EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(schedulerFakeStack, nullptr, nullptr);
#endif
  running = -1;
}

void toScheduler() {
  Thread& self = threads[running];
#if EMULATOR_ASAN
  bool done = self.state == State::DONE;
  __sanitizer_start_switch_fiber(done ? nullptr : &self.fakeStack, schedulerBottom, schedulerSize);
#endif
  emulatorSwitch(&self.stack, scheduler);
#if EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(self.fakeStack, &schedulerBottom, &schedulerSize);
#endif
}

void runThread() {
#if EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &schedulerBottom, &schedulerSize);
#endif
  (*entry)(kernelArguments);
  threads[running].state = State::DONE;
  warps[running / 32].missing |= 1u << (running & 31);
  toScheduler();
}

std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string text(const char* format, va_list arguments) {
  char buffer[1024];
  vsnprintf(buffer, sizeof(buffer), format, arguments);
  return buffer;
}
std::string text(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string formatted = text(format, arguments);
  va_end(arguments);
  return formatted;
}

std::string here() {
  std::string block = text("block (%u, %u, %u)", blockIdx.x, blockIdx.y, blockIdx.z);
  return running < 0 ? block : block + text(", thread (%u, %u, %u)", threadIdx.x, threadIdx.y, threadIdx.z);
}

// ---- Accesses that the hardware refused

std::string describe(uintptr_t address) {
  const Guarded* allocation = allocationAt(address);
  const char* what = "an allocation";
  if (allocation == nullptr && sharedMemory != nullptr && sharedMemory->covers(address)) {
    allocation = sharedMemory.get();
    what = "the block's shared memory";
  }
  if (allocation != nullptr) {
    auto begin = reinterpret_cast<uintptr_t>(allocation->begin());
    return address < begin
        ? text("%zu bytes before the begin of %s of %zu bytes", static_cast<size_t>(begin - address), what, allocation->bytes())
        : text("at byte %zu of %s of %zu bytes", static_cast<size_t>(address - begin), what, allocation->bytes());
  }
  for (const auto& old : freed) {
    if (old->covers(address)) {
      return text("at byte %td of an allocation of %zu bytes that was freed",
                  reinterpret_cast<const unsigned char*>(address) - old->begin(), old->bytes());
    }
  }
  auto bottom = reinterpret_cast<uintptr_t>(stacks);
  if (address - bottom < MAX_THREADS * (STACK + PAGE)) {
    return text("in a thread's stack, which has %zu bytes: too many local variables", STACK);
  }
  return address == 0 ? "at no address (null, or a vector at an address that is no multiple of its size)"
                      : text("at %p, which was never allocated", reinterpret_cast<void*>(address));
}

struct sigaction oldSegv, oldBus;
pthread_t launcher;

void onFault(int signal, siginfo_t* info, void* context) {
  if (running >= 0 && pthread_equal(pthread_self(), launcher)) {
    // Before anything that might fault by itself.
    message = here() + ": access " + describe(reinterpret_cast<uintptr_t>(info->si_addr));
#if EMULATOR_ASAN
    __sanitizer_start_switch_fiber(nullptr, schedulerBottom, schedulerSize);
#endif
    emulatorSwitch(&threads[running].stack, scheduler);
  }
  // The JVM's own: it checks for null and for safepoints by them.
  const struct sigaction& old = signal == SIGSEGV ? oldSegv : oldBus;
  if ((old.sa_flags & SA_SIGINFO) != 0) {
    old.sa_sigaction(signal, info, context);
  } else if (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN) {
    sigaction(signal, &old, nullptr);
  } else {
    old.sa_handler(signal);
  }
}

class FaultHandler {
 public:
  FaultHandler() {
    launcher = pthread_self();
    struct sigaction action = {};
    action.sa_sigaction = onFault;
    // The handler never returns to a faulting thread, so it must not stay blocked; a fiber's overflow leaves it no stack.
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    stack_t alternate = {};
    alternate.ss_sp = memory_;
    alternate.ss_size = sizeof(memory_);
    sigaltstack(&alternate, &oldStack_);
    sigaction(SIGSEGV, &action, &oldSegv);
    sigaction(SIGBUS, &action, &oldBus);
  }
  ~FaultHandler() {
    sigaction(SIGSEGV, &oldSegv, nullptr);
    sigaction(SIGBUS, &oldBus, nullptr);
    // Left by a change of stacks, the alternate one counts as in use no longer.
    sigaltstack(&oldStack_, nullptr);
  }

 private:
  static unsigned char memory_[64 << 10];
  stack_t oldStack_ = {};
};
unsigned char FaultHandler::memory_[64 << 10];

// ---- Blocks

void finishCopies(Thread& thread, size_t pending) {
  while (thread.committed.size() > pending) {
    for (const Group& copy : thread.committed.front()) {
      memcpy(copy.shared, copy.global, static_cast<size_t>(copy.bytes));
      memset(static_cast<char*>(copy.shared) + copy.bytes, 0, 16 - static_cast<size_t>(copy.bytes));
    }
    thread.committed.pop_front();
  }
}

std::string waiting() {
  std::string list;
  for (int i = 0, listed = 0; i < threadCount; i++) {
    const Thread& thread = threads[i];
    if (thread.state == State::DONE) {
      continue;
    }
    if (i > 0 && threads[i - 1].state == thread.state && threads[i - 1].place.line == thread.place.line) {
      continue;
    }
    if (++listed > 8) {
      return list + ", ...";
    }
    list += text("%sfrom thread %d on: %s at %s:%d", list.empty() ? "" : "; ", i, thread.name, thread.place.file,
                 thread.place.line);
    if (thread.state == State::COLLECTIVE) {
      list += text(" with mask %08x", thread.mask);
    }
  }
  return list;
}

/** Releases the threads at a barrier if all that have not returned are there; false if they wait for each other in vain. */
bool releaseBarrier() {
  const Thread* first = nullptr;
  votes = {0, 1, 0};
  for (int i = 0; i < threadCount; i++) {
    const Thread& thread = threads[i];
    if (thread.state == State::DONE) {
      continue;
    }
    if (first == nullptr) {
      first = &thread;
    }
    if (thread.state != State::BARRIER || thread.place.line != first->place.line) {
      return false;
    }
    votes.count += thread.predicate != 0;
    votes.all &= thread.predicate != 0;
    votes.any |= thread.predicate != 0;
  }
  for (int i = 0; i < threadCount; i++) {
    if (threads[i].state == State::BARRIER) {
      threads[i].state = State::READY;
    }
  }
  return true;
}

/** Runs every thread of the block to its end; what went wrong is left in `message`. */
void runBlock() {
  int count = (threadCount + 31) / 32;
  std::vector<int> warpOrder(count);
  int laneOrder[32];
  for (int i = 0; i < count; i++) {
    warpOrder[i] = order == Order::BACKWARD ? count - 1 - i : i;
    int lanes = std::min(32, threadCount - 32 * i);
    warps[i] = {0, lanes == 32 ? 0 : ~0u << lanes};
  }
  for (int i = 0; i < 32; i++) {
    laneOrder[i] = order == Order::BACKWARD ? 31 - i : i;
  }
  for (int i = 0; i < threadCount; i++) {
    Thread& thread = threads[i];
    thread.state = State::READY;
    thread.stack = freshStack(stackOf(i) + STACK, runThread);
    thread.open.clear();
    thread.committed.clear();
    unsigned x = static_cast<unsigned>(i);
    thread.index = {x % blockDim.x, x / blockDim.x % blockDim.y, x / blockDim.x / blockDim.y};
  }
  sharedMemory->poison();
  for (;;) {
    bool live = false;
    if (order == Order::SHUFFLED) {
      std::shuffle(warpOrder.begin(), warpOrder.end(), shuffler);
      std::shuffle(laneOrder, laneOrder + 32, shuffler);
    }
    for (int warp : warpOrder) {
      // A warp goes on until it waits for others.
      for (bool moved = true; moved;) {
        moved = false;
        for (int lane : laneOrder) {
          int i = 32 * warp + lane;
          if (i < threadCount && threads[i].state == State::READY) {
            toThread(i);
            moved = true;
            if (!message.empty()) {
              return;
            }
          }
        }
      }
      for (int i = 32 * warp; i < std::min(threadCount, 32 * warp + 32); i++) {
        live |= threads[i].state != State::DONE;
      }
    }
    if (!live) {
      return;
    }
    if (!releaseBarrier()) {
      message = here() + ": its threads wait for each other: " + waiting();
      return;
    }
  }
}

struct Kernel {
  size_t argumentBytes;
  int maxThreads;
  Registration::Entry entry;
};

std::map<std::string, Kernel>& kernels() {
  static std::map<std::string, Kernel> all;
  return all;
}

void checkGuards() {
  for (const auto& [address, allocation] : allocations) {
    const unsigned char* damaged = allocation->damaged();
    if (damaged != nullptr) {
      message = "wrote " + describe(reinterpret_cast<uintptr_t>(damaged));
      return;
    }
  }
  const unsigned char* damaged = sharedMemory->damaged();
  if (damaged != nullptr) {
    message = "wrote " + describe(reinterpret_cast<uintptr_t>(damaged));
  }
}

void launch(const char* name, const Kernel& kernel, const void* arguments, size_t argumentBytes, size_t shared) {
  size_t blockThreads = static_cast<size_t>(blockDim.x) * blockDim.y * blockDim.z;
  if (argumentBytes != kernel.argumentBytes) {
    message = text("it takes %zu bytes of arguments, not %zu", kernel.argumentBytes, argumentBytes);
  } else if (blockThreads == 0 || blockThreads > static_cast<size_t>(kernel.maxThreads)) {
    message = text("a block of %zu threads; it is for 1 to %d", blockThreads, kernel.maxThreads);
  } else if (gridDim.x == 0 || gridDim.x > 0x7fffffff || gridDim.y == 0 || gridDim.y > 65535 || gridDim.z == 0 ||
             gridDim.z > 65535) {
    message = text("a grid of (%u, %u, %u) blocks", gridDim.x, gridDim.y, gridDim.z);
  } else if (shared > MAX_SHARED) {
    message = text("%zu bytes of shared memory; a block has %zu", shared, MAX_SHARED);
  } else {
    threadCount = static_cast<int>(blockThreads);
    entry = &kernel.entry;
    kernelArguments = arguments;
    sharedMemory = std::make_unique<Guarded>(std::max<size_t>(shared, 1), 128);
    if (stacks == nullptr) {
      stacks = static_cast<unsigned char*>(mmap(nullptr, MAX_THREADS * (STACK + PAGE), PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
      for (int i = 0; i < MAX_THREADS; i++) {
        mprotect(stackOf(i) - PAGE, PAGE, PROT_NONE);
      }
    }
    FaultHandler handler;
    for (unsigned z = 0; z < gridDim.z && message.empty(); z++) {
      for (unsigned y = 0; y < gridDim.y && message.empty(); y++) {
        for (unsigned x = 0; x < gridDim.x && message.empty(); x++) {
          blockIdx = {x, y, z};
          runBlock();
        }
      }
    }
    running = -1;
    if (message.empty()) {
      checkGuards();
    }
  }
  if (!message.empty()) {
    message = text("%s, a grid of (%u, %u, %u) blocks of (%u, %u, %u) threads: ", name, gridDim.x, gridDim.y, gridDim.z,
                   blockDim.x, blockDim.y, blockDim.z) +
        message;
  }
}

}  // namespace

Registration::Registration(const char* name, size_t argumentBytes, int maxThreads, Entry entry) {
  kernels()[name] = {argumentBytes, maxThreads, entry};
}

void collective(
    const char* name, unsigned mask, void* data, void (*complete)(void* const* lanes), Place place) {
  Thread& self = threads[running];
  int base = running & ~31;
  unsigned own = 1u << (running - base);
  Warp& warp = warps[running / 32];
  self.name = name;
  self.place = place;
  self.mask = mask;
  self.data = data;
  if ((mask & own) == 0) {
    fail("%s at %s:%d: the lane is not in its mask %08x", name, place.file, place.line, mask);
  }
  if ((mask & warp.missing) != 0) {
    int lane = __builtin_ctz(mask & warp.missing);
    fail("%s at %s:%d: lane %d of the mask has returned, or never was", name, place.file, place.line, lane);
  }
  bool all = (mask & ~(warp.waiting | own)) == 0;
  for (unsigned rest = all ? mask & ~own : 0; rest != 0; rest &= rest - 1) {
    const Thread& other = threads[base + __builtin_ctz(rest)];
    all &= other.place.line == place.line && other.name == name && other.mask == mask;
  }
  // Some are still to come, or wait elsewhere.
  if (!all) {
    warp.waiting |= own;
    self.state = State::COLLECTIVE;
    toScheduler();
    return;
  }
  void* lanes[32];
  for (int lane = 0; lane < 32; lane++) {
    lanes[lane] = (mask >> lane & 1) != 0 ? threads[base + lane].data : nullptr;
  }
  complete(lanes);
  for (int lane = 0; lane < 32; lane++) {
    if (lanes[lane] != nullptr) {
      threads[base + lane].state = State::READY;
    }
  }
  warp.waiting &= ~mask;
}

Votes barrier(int predicate, Place place) {
  Thread& self = threads[running];
  self.state = State::BARRIER;
  self.name = "__syncthreads";
  self.place = place;
  self.predicate = predicate;
  toScheduler();
  return votes;
}

unsigned char* dynamicShared() { return sharedMemory->begin(); }

int lane() { return running & 31; }

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  message = here() + ": " + text(format, arguments);
  va_end(arguments);
  toScheduler();
  abort();
}

void copyAsync(void* shared, const void* global, int bytes) {
  if (bytes < 0 || bytes > 16) {
    fail("cp_async_16: %d bytes", bytes);
  }
  if (reinterpret_cast<uintptr_t>(shared) % 16 != 0 || reinterpret_cast<uintptr_t>(global) % 16 != 0) {
    fail("cp_async_16 from %p to %p: not at multiples of 16", global, shared);
  }
  // As early as can be or, at the wait, as late.
  if (order == Order::BACKWARD) {
    memcpy(shared, global, static_cast<size_t>(bytes));
    memset(static_cast<char*>(shared) + bytes, 0, 16 - static_cast<size_t>(bytes));
  } else {
    threads[running].open.push_back({bytes, shared, global});
  }
}

void copyAsyncCommit() {
  Thread& self = threads[running];
  self.committed.push_back(std::move(self.open));
  self.open.clear();
}

void copyAsyncWait(int pending) { finishCopies(threads[running], static_cast<size_t>(pending)); }

}  // namespace emulator

// ---- What Java calls. A function that fails returns -1 or null; emulatorError says why.

using namespace emulator;

extern "C" {

const char* emulatorError() { return message.c_str(); }

/** The address of `bytes` bytes; 0 if they exceed the memory that is left. */
int64_t emulatorAllocate(int64_t bytes) {
  if (bytes <= 0 || static_cast<size_t>(bytes) > limit - used) {
    message = text("no %lld bytes", static_cast<long long>(bytes));
    return 0;
  }
  auto allocation = std::make_unique<Guarded>(static_cast<size_t>(bytes), 16);
  auto address = reinterpret_cast<uintptr_t>(allocation->begin());
  used += static_cast<size_t>(bytes);
  allocations[address] = std::move(allocation);
  return static_cast<int64_t>(address);
}

int emulatorFree(int64_t address) {
  auto found = allocations.find(static_cast<uintptr_t>(address));
  if (found == allocations.end()) {
    message = text("free: no allocation begins at %#llx", static_cast<long long>(address));
    return -1;
  }
  used -= found->second->bytes();
  found->second->protect();
  freed.push_back(std::move(found->second));
  allocations.erase(found);
  if (freed.size() > 256) {
    freed.pop_front();
  }
  return 0;
}

/** The memory that it pretends to have. */
void emulatorLimit(int64_t bytes) { limit = static_cast<size_t>(bytes); }
int64_t emulatorUsed() { return static_cast<int64_t>(used); }
int64_t emulatorTotal() { return static_cast<int64_t>(std::min<size_t>(limit, INT64_MAX)); }

/** 0 first to last, 1 last to first, otherwise shuffled with this seed. */
void emulatorOrder(int seed) {
  order = seed == 0 ? Order::FORWARD : seed == 1 ? Order::BACKWARD : Order::SHUFFLED;
  shuffler.seed(static_cast<unsigned>(seed));
}

/** The allocation's memory at an address, if `bytes` bytes from there on are in it. */
void* emulatorRange(int64_t address, int64_t bytes) {
  const Guarded* allocation = allocationAt(static_cast<uintptr_t>(address));
  auto* begin = reinterpret_cast<unsigned char*>(address);
  if (allocation == nullptr || bytes < 0 || begin < allocation->begin() ||
      begin + bytes > allocation->begin() + allocation->bytes()) {
    message = text("a copy of %lld bytes ", static_cast<long long>(bytes)) + describe(static_cast<uintptr_t>(address));
    return nullptr;
  }
  return begin;
}

int emulatorCopy(int64_t to, int64_t from, int64_t bytes) {
  void* target = emulatorRange(to, bytes);
  void* source = emulatorRange(from, bytes);
  if (target == nullptr || source == nullptr) {
    return -1;
  }
  memmove(target, source, static_cast<size_t>(bytes));
  return 0;
}

/** The size of a kernel's parameter; -1 if there is no such kernel. */
int emulatorArgumentBytes(const char* kernel) {
  auto found = kernels().find(kernel);
  return found == kernels().end() ? -1 : static_cast<int>(found->second.argumentBytes);
}

int emulatorLaunch(const char* kernel, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int shared,
                   const void* arguments, int argumentBytes) {
  message.clear();
  auto found = kernels().find(kernel);
  if (found == kernels().end()) {
    message = text("there is no kernel %s", kernel);
    return -1;
  }
  auto extent = [](int x) { return static_cast<unsigned>(x); };
  gridDim = {extent(gridX), extent(gridY), extent(gridZ)};
  blockDim = {extent(blockX), extent(blockY), extent(blockZ)};
  launch(kernel, found->second, arguments, static_cast<size_t>(argumentBytes), static_cast<size_t>(shared));
  return message.empty() ? 0 : -1;
}

}  // extern "C"
