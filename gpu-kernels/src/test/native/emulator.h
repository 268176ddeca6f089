// CUDA on the CPU, as much of it as our kernels use: `portable.cuh` includes this file where LOWPASS_EMULATOR is defined.
//
// A block's threads are fibers on one stack each; they run one after another until they meet a barrier or a warp
// collective, so a kernel's launch geometry, barriers, shuffles, shared memory and matrix fragments are exercised as they
// are. Blocks follow one another. What a GPU leaves undefined is reported where it is seen: threads that wait for each
// other at different barriers, lanes of a mask that never come, accesses outside an allocation, misaligned vectors.
// What it cannot see (a race that no order of threads reveals, bank conflicts, time) it does not report.
#pragma once

#include <math.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __constant__ static const
// One block runs at a time, so a block's shared memory can be the process's.
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define __restrict__ __restrict

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

// The running thread's; set whenever another fiber goes on.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

namespace emulator {

/** A kernel as a launch finds it. */
struct Registration {
  using Entry = void (*)(const void* arguments);
  Registration(const char* name, size_t argumentBytes, int maxThreads, Entry entry);
};

/** Where a collective was called: the caller's, when it is a default argument. */
struct Place {
  const char* file;
  int line;
};

/**
 * Waits until every lane of `mask` is at the same place; the last to come calls `complete` with every lane's `data` (null for
 * lanes outside the mask).
 */
void collective(
    const char* name, unsigned mask, void* data, void (*complete)(void* const* lanes), Place place);

/** Waits until every thread of the block that has not returned is at the same place; their values' sum, conjunction, disjunction. */
struct Votes {
  int count;
  int all;
  int any;
};
Votes barrier(int predicate, Place place);

unsigned char* dynamicShared();

/** Lane 0..31 of the running thread. */
int lane();

/** Ends the launch with a message. */
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

void copyAsync(void* shared, const void* global, int bytes);
void copyAsyncCommit();
void copyAsyncWait(int pending);

}  // namespace emulator

#define EMULATOR_PLACE emulator::Place place = {__builtin_FILE(), __builtin_LINE()}

// As in portable.cuh: a kernel with one parameter, `arguments`; a block has THREADS threads at the most.
#define LOWPASS_KERNEL(NAME, TYPE, THREADS, BLOCKS)                                   \
  static void NAME(const TYPE& arguments);                                           \
  static const emulator::Registration NAME##Registration(                            \
      #NAME, sizeof(TYPE), THREADS,                                                  \
      [](const void* arguments) { NAME(*static_cast<const TYPE*>(arguments)); });     \
  static void NAME(const TYPE& arguments)

#define LOWPASS_DYNAMIC_SHARED(NAME) unsigned char* NAME = emulator::dynamicShared()

// ---- Barriers and warp collectives

inline void __syncthreads(EMULATOR_PLACE) { emulator::barrier(0, place); }
inline int __syncthreads_count(int predicate, EMULATOR_PLACE) {
  return emulator::barrier(predicate, place).count;
}
inline int __syncthreads_and(int predicate, EMULATOR_PLACE) {
  return emulator::barrier(predicate, place).all;
}
inline int __syncthreads_or(int predicate, EMULATOR_PLACE) {
  return emulator::barrier(predicate, place).any;
}
inline void __threadfence() {}
inline void __threadfence_block() {}

inline void __syncwarp(unsigned mask = 0xffffffffu, EMULATOR_PLACE) {
  emulator::collective("__syncwarp", mask, &mask, [](void* const*) {}, place);
}

namespace emulator {

template <typename T>
struct Shuffle {
  T value;
  // The lane whose value it takes.
  int source;
  T result;
};

template <typename T>
T shuffle(const char* name, unsigned mask, T value, int source, Place place) {
  Shuffle<T> data{value, source, value};
  collective(
      name, mask, &data,
      [](void* const* lanes) {
        for (int i = 0; i < 32; i++) {
          if (lanes[i] != nullptr) {
            auto* to = static_cast<Shuffle<T>*>(lanes[i]);
            auto* from = static_cast<Shuffle<T>*>(lanes[to->source]);
            if (from == nullptr) {
              fail("lane %d takes the value of lane %d, which is not in the mask", i, to->source);
            }
            to->result = from->value;
          }
        }
      },
      place);
  return data.result;
}

template <typename T>
struct Vote {
  T value;
  T result;
};

/** Combines the values of a mask's lanes in the order of the lanes. */
template <typename T, typename Combine>
T reduce(const char* name, unsigned mask, T value, Combine, Place place) {
  Vote<T> data{value, value};
  collective(
      name, mask, &data,
      [](void* const* lanes) {
        T result{};
        bool first = true;
        for (int i = 0; i < 32; i++) {
          if (lanes[i] != nullptr) {
            T next = static_cast<Vote<T>*>(lanes[i])->value;
            result = first ? next : Combine()(result, next);
            first = false;
          }
        }
        for (int i = 0; i < 32; i++) {
          if (lanes[i] != nullptr) {
            static_cast<Vote<T>*>(lanes[i])->result = result;
          }
        }
      },
      place);
  return data.result;
}

struct Or {
  unsigned operator()(unsigned a, unsigned b) { return a | b; }
};
struct And {
  unsigned operator()(unsigned a, unsigned b) { return a & b; }
};

}  // namespace emulator

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, EMULATOR_PLACE) {
  int base = emulator::lane() & ~(width - 1);
  return emulator::shuffle("__shfl_sync", mask, value, base + (source & (width - 1)), place);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, EMULATOR_PLACE) {
  int own = emulator::lane() & (width - 1);
  int source = own >= static_cast<int>(delta) ? emulator::lane() - static_cast<int>(delta) : emulator::lane();
  return emulator::shuffle("__shfl_up_sync", mask, value, source, place);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, EMULATOR_PLACE) {
  int own = emulator::lane() & (width - 1);
  int source = own + static_cast<int>(delta) < width ? emulator::lane() + static_cast<int>(delta) : emulator::lane();
  return emulator::shuffle("__shfl_down_sync", mask, value, source, place);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, EMULATOR_PLACE) {
  int source = emulator::lane() ^ bits;
  // A lane of a later group is out of reach; one of an earlier group is not.
  if (source / width > emulator::lane() / width) {
    source = emulator::lane();
  }
  return emulator::shuffle("__shfl_xor_sync", mask, value, source, place);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, EMULATOR_PLACE) {
  unsigned bit = predicate != 0 ? 1u << emulator::lane() : 0;
  return emulator::reduce("__ballot_sync", mask, bit, emulator::Or(), place);
}
inline int __any_sync(unsigned mask, int predicate, EMULATOR_PLACE) {
  return emulator::reduce("__any_sync", mask, predicate != 0 ? 1u : 0u, emulator::Or(), place) != 0;
}
inline int __all_sync(unsigned mask, int predicate, EMULATOR_PLACE) {
  return emulator::reduce("__all_sync", mask, predicate != 0 ? 1u : 0u, emulator::And(), place) != 0;
}

// ---- Atomics: fibers change over at barriers and collectives only, so plain memory is atomic.

namespace emulator {
template <typename T, typename Change>
T exchange(T* address, Change change) {
  T old = *address;
  *address = change(old);
  return old;
}
}  // namespace emulator

template <typename T>
T atomicAdd(T* address, T value) {
  return emulator::exchange(address, [value](T old) { return static_cast<T>(old + value); });
}
template <typename T>
T atomicMax(T* address, T value) {
  return emulator::exchange(address, [value](T old) { return std::max(old, value); });
}
template <typename T>
T atomicMin(T* address, T value) {
  return emulator::exchange(address, [value](T old) { return std::min(old, value); });
}
template <typename T>
T atomicCAS(T* address, T expected, T value) {
  return emulator::exchange(address, [expected, value](T old) { return old == expected ? value : old; });
}

// ---- Arithmetic

using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;

template <typename To, typename From>
inline To emulatorBits(From from) {
  static_assert(sizeof(To) == sizeof(From), "as many bits");
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}
inline unsigned __float_as_uint(float x) { return emulatorBits<unsigned>(x); }
inline int __float_as_int(float x) { return emulatorBits<int>(x); }
inline float __uint_as_float(unsigned x) { return emulatorBits<float>(x); }
inline float __int_as_float(int x) { return emulatorBits<float>(x); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }

// ---- What portable.cuh's other branch defines; see there.

inline float floatOf(f16 x) {
  unsigned sign = (x.bits & 0x8000u) << 16;
  unsigned magnitude = x.bits & 0x7fffu;
  if (magnitude >= 0x7c00) {
    return __uint_as_float(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  }
  // A float's exponent is 112 ahead of a half's; the product also makes the subnormal halves what they are.
  return __uint_as_float(sign | __float_as_uint(__uint_as_float(magnitude << 13) * 0x1p112f));
}
inline float floatOf(bf16 x) { return __uint_as_float(static_cast<unsigned>(x.bits) << 16); }

namespace emulator {

/** The nearest half, ties to even. */
inline unsigned half(float x) {
  unsigned bits = __float_as_uint(x);
  unsigned sign = bits >> 16 & 0x8000;
  unsigned magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {
    return 0x7fff;
  }
  if (magnitude >= 0x477ff000) {
    return sign | 0x7c00;
  }
  if (magnitude < 0x38800000) {
    // Below the smallest normal half: a multiple of 2^-24.
    return sign | static_cast<unsigned>(nearbyintf(__uint_as_float(magnitude) * 0x1p24f));
  }
  return sign | (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
}

inline unsigned brain(float x) {
  unsigned bits = __float_as_uint(x);
  return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

}  // namespace emulator

inline uint32_t bf16Pair(float low, float high) { return emulator::brain(low) | emulator::brain(high) << 16; }
inline uint32_t f16Pair(float low, float high) { return emulator::half(low) | emulator::half(high) << 16; }
inline uint32_t tf32(float x) {
  unsigned bits = __float_as_uint(x);
  return (bits & 0x7fffffff) >= 0x7f800000 ? bits : (bits + 0x1000) & 0xffffe000;
}
inline float exp2Fast(float x) { return exp2f(x); }

namespace emulator {

struct Fragments {
  float* sums;
  const uint32_t* a;
  const uint32_t* b;
};

inline void multiply(float (&sums)[16][8], const float (&a)[16][16], const float (&b)[16][8], int depth) {
  for (int row = 0; row < 16; row++) {
    for (int k = 0; k < depth; k++) {
      for (int column = 0; column < 8; column++) {
        sums[row][column] += a[row][k] * b[k][column];
      }
    }
  }
}

inline const Fragments& fragments(void* const* lanes, int lane) {
  return *static_cast<const Fragments*>(lanes[lane]);
}

inline void takeSums(void* const* lanes, float (&sums)[16][8]) {
  for (int lane = 0; lane < 32; lane++) {
    for (int i = 0; i < 4; i++) {
      sums[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2] = fragments(lanes, lane).sums[i];
    }
  }
}

inline void giveSums(void* const* lanes, const float (&sums)[16][8]) {
  for (int lane = 0; lane < 32; lane++) {
    for (int i = 0; i < 4; i++) {
      fragments(lanes, lane).sums[i] = sums[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2];
    }
  }
}

template <typename T>
void multiply16(void* const* lanes) {
  float a[16][16];
  float b[16][8];
  float sums[16][8];
  takeSums(lanes, sums);
  for (int lane = 0; lane < 32; lane++) {
    int g = lane / 4;
    int t = lane % 4;
    for (int high = 0; high < 2; high++) {
      auto element = [high](uint32_t pair) { return floatOf(T{static_cast<uint16_t>(pair >> 16 * high)}); };
      for (int i = 0; i < 4; i++) {
        a[g + 8 * (i % 2)][2 * t + 8 * (i / 2) + high] = element(fragments(lanes, lane).a[i]);
      }
      for (int i = 0; i < 2; i++) {
        b[2 * t + 8 * i + high][g] = element(fragments(lanes, lane).b[i]);
      }
    }
  }
  multiply(sums, a, b, 16);
  giveSums(lanes, sums);
}

inline void multiplyTf32(void* const* lanes) {
  float a[16][16];
  float b[16][8];
  float sums[16][8];
  takeSums(lanes, sums);
  for (int lane = 0; lane < 32; lane++) {
    int g = lane / 4;
    int t = lane % 4;
    for (int i = 0; i < 4; i++) {
      a[g + 8 * (i % 2)][t + 4 * (i / 2)] = __uint_as_float(fragments(lanes, lane).a[i] & 0xffffe000);
    }
    for (int i = 0; i < 2; i++) {
      b[t + 4 * i][g] = __uint_as_float(fragments(lanes, lane).b[i] & 0xffffe000);
    }
  }
  multiply(sums, a, b, 8);
  giveSums(lanes, sums);
}

struct MatrixLoad {
  uint32_t* words;
  const void* row;
};

template <int MATRICES, bool TRANSPOSED>
void load(void* const* lanes) {
  for (int matrix = 0; matrix < MATRICES; matrix++) {
    uint16_t elements[8][8];
    for (int row = 0; row < 8; row++) {
      int lane = 8 * matrix + row;
      const void* from = static_cast<const MatrixLoad*>(lanes[lane])->row;
      if (reinterpret_cast<uintptr_t>(from) % 16 != 0) {
        fail("ldmatrix: lane %d's row is at %p, not at a multiple of 16", lane, from);
      }
      memcpy(elements[row], from, 16);
    }
    for (int lane = 0; lane < 32; lane++) {
      int g = lane / 4;
      int t = lane % 4;
      uint32_t low = TRANSPOSED ? elements[2 * t][g] : elements[g][2 * t];
      uint32_t high = TRANSPOSED ? elements[2 * t + 1][g] : elements[g][2 * t + 1];
      static_cast<const MatrixLoad*>(lanes[lane])->words[matrix] = low | high << 16;
    }
  }
}

}  // namespace emulator

inline void mma_m16n8k16(f16, float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], EMULATOR_PLACE) {
  emulator::Fragments data{sums, a, b};
  emulator::collective("mma", ~0u, &data, emulator::multiply16<f16>, place);
}
inline void mma_m16n8k16(bf16, float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], EMULATOR_PLACE) {
  emulator::Fragments data{sums, a, b};
  emulator::collective("mma", ~0u, &data, emulator::multiply16<bf16>, place);
}
inline void mma_m16n8k8_tf32(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], EMULATOR_PLACE) {
  emulator::Fragments data{sums, a, b};
  emulator::collective("mma", ~0u, &data, emulator::multiplyTf32, place);
}
inline void ldmatrix_x4(uint32_t (&words)[4], const void* row, EMULATOR_PLACE) {
  emulator::MatrixLoad data{words, row};
  emulator::collective("ldmatrix", ~0u, &data, emulator::load<4, false>, place);
}
inline void ldmatrix_x4_trans(uint32_t (&words)[4], const void* row, EMULATOR_PLACE) {
  emulator::MatrixLoad data{words, row};
  emulator::collective("ldmatrix", ~0u, &data, emulator::load<4, true>, place);
}
inline void ldmatrix_x2(uint32_t (&words)[2], const void* row, EMULATOR_PLACE) {
  emulator::MatrixLoad data{words, row};
  emulator::collective("ldmatrix", ~0u, &data, emulator::load<2, false>, place);
}
inline void ldmatrix_x2_trans(uint32_t (&words)[2], const void* row, EMULATOR_PLACE) {
  emulator::MatrixLoad data{words, row};
  emulator::collective("ldmatrix", ~0u, &data, emulator::load<2, true>, place);
}

inline void cp_async_16(void* shared, const void* global, int bytes) { emulator::copyAsync(shared, global, bytes); }
inline void cp_async_commit() { emulator::copyAsyncCommit(); }
template <int PENDING>
void cp_async_wait() {
  emulator::copyAsyncWait(PENDING);
}
