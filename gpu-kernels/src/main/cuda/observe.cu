// What the last rows of a sequence pay its entries (FastKV, SnapKV): attention's weights once more, from the log-sums that
// attention left, summed over the rows.
#include "memory.cuh"
#include "mma.cuh"

// ---- sums[h, j - from] = sum over the observing rows i, in order of eights, of exp(scale * q.k_j - logSum[i, h]); entries
// behind a row's own or out of its window count 0. observe_T_D: grid (ceil((to - from) / 64), kvHeads), 128 threads,
// 80 * D * sizeof(T) bytes of dynamic shared memory. D as for attention.
//
// A block's 64 keys stay in shared memory, and are the A operand; the rows of one query head after another come by 16 as B.

struct ObserveArguments {
  float* sums;           // [heads, to - from]
  const float* queries;  // [rows, heads * headDim], rotated
  const float* logSums;  // [rows, heads]
  const void* keys;      // T [kvHeads, capacity, headDim]
  int kvHeads;
  int group;       // query heads a kv head
  int headDim;
  int capacity;
  int firstRow;    // the first observing row of the batch
  int observed;    // how many follow one another
  int firstEntry;  // the first observing row's own entry
  int window;
  int from;
  int to;
  float scale;
};

template <class T, int D>
__device__ __forceinline__ void observe(const ObserveArguments& arguments) {
  constexpr int KEYS = 64;
  constexpr int ROWS = 16;
  constexpr int ROW_BYTES = D * static_cast<int>(sizeof(T));
  constexpr int STEPS = ROW_BYTES / STEP;
  constexpr int CHUNKS = ROW_BYTES / CHUNK;
  constexpr int ELEMENTS = CHUNK / static_cast<int>(sizeof(T));
  LOWPASS_DYNAMIC_SHARED(shared);
  unsigned char* rows = shared + KEYS * ROW_BYTES;
  int kvHead = blockIdx.y;
  int entry = arguments.from + blockIdx.x * KEYS;
  int headDim = arguments.headDim;
  int bytes = headDim * static_cast<int>(sizeof(T));
  int heads = arguments.kvHeads * arguments.group;

  const unsigned char* keys = static_cast<const unsigned char*>(arguments.keys) +
                              (static_cast<int64_t>(kvHead) * arguments.capacity + entry) * bytes;
  for (int i = threadIdx.x; i < KEYS * CHUNKS; i += 128) {
    int row = i / CHUNKS;
    int chunk = i % CHUNKS;
    bool there = entry + row < arguments.to && chunk * CHUNK < bytes;
    cp_async_16(
        shared + chunkAt<ROW_BYTES>(row, chunk), there ? keys + row * bytes + chunk * CHUNK : keys, there ? CHUNK : 0);
  }
  cp_async_commit();
  cp_async_wait<0>();

  constexpr float LOG2E = 1.44269504f;
  int g = threadIdx.x % WARP / 4;
  int t = threadIdx.x % 4;
  int warpKey = threadIdx.x / WARP * 16;
  for (int head = kvHead * arguments.group; head < (kvHead + 1) * arguments.group; head++) {
    // Of keys g and g + 8 of the warp's, over the rows that fall to the lane.
    float sums[2] = {};
    for (int first = 0; first < arguments.observed; first += ROWS) {
      __syncthreads();
      for (int i = threadIdx.x; i < ROWS * CHUNKS; i += 128) {
        int row = i / CHUNKS;
        int chunk = i % CHUNKS;
        uint4 words = make_uint4(0, 0, 0, 0);
        if (first + row < arguments.observed && chunk * CHUNK < bytes) {
          const float* from = arguments.queries +
                              (static_cast<int64_t>(arguments.firstRow + first + row) * heads + head) * headDim + chunk * ELEMENTS;
          words = chunkOf(T(), from);
        }
        *reinterpret_cast<uint4*>(rows + chunkAt<ROW_BYTES>(row, chunk)) = words;
      }
      __syncthreads();
      float scores[2][4] = {};
#pragma unroll
      for (int step = 0; step < STEPS; step++) {
        uint32_t a[4];
        uint32_t b[4];
        loadA<ROW_BYTES>(a, shared, warpKey, step);
        loadTwoB<ROW_BYTES>(b, rows, 0, step);
        mma<T>(scores[0], a, {b[0], b[1]});
        mma<T>(scores[1], a, {b[2], b[3]});
      }
#pragma unroll
      for (int n = 0; n < 2; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          int row = first + 8 * n + 2 * t + i;
          if (row < arguments.observed) {
            float logSum = arguments.logSums[static_cast<int64_t>(arguments.firstRow + row) * heads + head] * LOG2E;
#pragma unroll
            for (int half = 0; half < 2; half++) {
              int behind = arguments.firstEntry + row - (entry + warpKey + 8 * half + g);
              if (behind >= 0 && behind < arguments.window) {
                sums[half] += exp2Fast(fmaf(scores[n][2 * half + i], arguments.scale * LOG2E, -logSum));
              }
            }
          }
        }
      }
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float sum = sums[half];
      sum += __shfl_xor_sync(ALL_LANES, sum, 1);
      sum += __shfl_xor_sync(ALL_LANES, sum, 2);
      int j = entry + warpKey + 8 * half + g;
      if (t == 0 && j < arguments.to) {
        arguments.sums[static_cast<int64_t>(head) * (arguments.to - arguments.from) + j - arguments.from] = sum;
      }
    }
  }
}

#define OBSERVE(T, SUFFIX, D) \
  LOWPASS_KERNEL(observe##SUFFIX##_##D, ObserveArguments, 128, 4) { observe<T, D>(arguments); }

OBSERVE(bf16, _bf16, 32)
OBSERVE(bf16, _bf16, 64)
OBSERVE(bf16, _bf16, 96)
OBSERVE(bf16, _bf16, 128)
OBSERVE(f16, _f16, 32)
OBSERVE(f16, _f16, 64)
OBSERVE(f16, _f16, 96)
OBSERVE(f16, _f16, 128)
OBSERVE(float, _f32, 32)
OBSERVE(float, _f32, 64)
OBSERVE(float, _f32, 96)
OBSERVE(float, _f32, 128)

// ---- scores[kvHead, j] = sum over the group's heads of the largest of sums[head, j - kernel / 2 .. j + kernel / 2], or of
// their sum over kernel; entries beyond the ends are left out. Grid (ceil(size / 256), kvHeads), 256 threads.

struct PoolArguments {
  float* scores;      // [kvHeads, stride], from the first column on
  const float* sums;  // [kvHeads * group, size]
  int kvHeads;
  int group;
  int size;
  int stride;
  int kernel;   // odd
  int average;  // 1: the average, 0: the largest
};

LOWPASS_KERNEL(pool, PoolArguments, 256, 4) {
  int j = blockIdx.x * 256 + threadIdx.x;
  if (j >= arguments.size) {
    return;
  }
  int first = larger(0, j - arguments.kernel / 2);
  int last = smaller(arguments.size - 1, j + arguments.kernel / 2);
  float score = 0;
  for (int head = 0; head < arguments.group; head++) {
    const float* sums = arguments.sums + static_cast<int64_t>(blockIdx.y * arguments.group + head) * arguments.size;
    float pooled = sums[first];
    for (int i = first + 1; i <= last; i++) {
      pooled = arguments.average != 0 ? pooled + sums[i] : fmaxf(pooled, sums[i]);
    }
    score += arguments.average != 0 ? pooled / arguments.kernel : pooled;
  }
  arguments.scores[static_cast<int64_t>(blockIdx.y) * arguments.stride + j] = score;
}
