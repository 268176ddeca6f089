// Causal attention with grouped heads on tensor cores, without the [rows, entries] matrix: FlashAttention-2's loop.
//
// The query heads of a kv head are packed with the rows: a block's queries are rows * group + head in the group, so that
// one reading of keys and values serves the whole group. Tiles of both come through a ring of stages in shared memory.
// Arithmetic is float, in powers of two; probabilities are rounded to the cache's type before they meet the values.
//
// Entries are cut into splits of SPLIT. A split has its own maximum, sum and weighted values, and splits are merged in
// order. `attention` does that one after the other, `attentionSplit` gives each split a block of its own, for few rows
// over many entries, and `attentionMerge` merges: the same operations in the same order, so a row's result is the same
// to the last bit either way, and in any batch.
#include "memory.cuh"
#include "mma.cuh"
#include "reduce.cuh"

constexpr int SPLIT = 1024;

// attention_T_D: grid (ceil(rows of the longest span * group / ROWS), kvHeads, spans).
// attentionSplit_T_D: grid (splits, kvHeads * ceil(rows of the longest span * group / 16), spans), then attentionMerge_T.
// D is the least of 32, 64, 96, 128 that headDim does not exceed. ROWS, threads and bytes of dynamic shared memory, with
// rowBytes = D * sizeof(T) and tileBytes = rowBytes * (rowBytes > 256 ? 16 : rowBytes > 128 ? 32 : 64):
//
//   attention_bf16, _f16   128   128   128 * rowBytes + 6 * tileBytes
//   attention_f32           64   128    64 * rowBytes + 6 * tileBytes
//   attentionSplit          16    32    16 * rowBytes + 10 * tileBytes
struct AttentionArguments {
  float* out;              // [rows, heads * headDim]
  void* operand;           // the same as T [rows, stride(heads * headDim)], or null
  float* logSums;          // [rows, heads], or null: log of the sum of exp(score) over the entries that a row sees
  const float* queries;    // [rows, heads * headDim], rotated
  const CacheSpan* spans;
  float* partials;         // attentionSplit, attentionMerge: [rows, heads, splits, headDim]
  float* partialSums;      // attentionSplit, attentionMerge: [rows, heads, splits, 2], maximum (of log2) and sum
  int kvHeads;
  int group;               // query heads a kv head
  int headDim;
  int splits;              // ceil(entries of the longest cache / SPLIT)
  int window;              // entries that a row sees, its own included
  float scale;             // of the scores
};

// A running softmax over splits: the maximum of all scores (times log2(e)), the sum of 2^(score - maximum).
struct Softmax {
  float max;
  float sum;
};

// What a softmax and its weighted values are multiplied by when they meet another's.
struct Factors {
  float own;
  float other;
};

// An entry that nothing is seen of has the maximum -infinity and weighs nothing.
__device__ __forceinline__ float reference(float max) { return max == -INFINITY ? 0.f : max; }

__device__ __forceinline__ Factors merge(Softmax& own, Softmax other) {
  float max = fmaxf(own.max, other.max);
  Factors factors = {exp2Fast(own.max - reference(max)), exp2Fast(other.max - reference(max))};
  own.sum = fmaf(own.sum, factors.own, other.sum * factors.other);
  own.max = max;
  return factors;
}

__device__ __forceinline__ float merge(float own, float other, Factors factors) {
  return fmaf(own, factors.own, other * factors.other);
}

__device__ __forceinline__ float logSum(Softmax softmax) {
  return (softmax.max + log2f(softmax.sum)) * 0.69314718f;
}

// D: channels, those behind headDim being zero. Each of WARPS warps has MS times 16 queries. STAGES: tiles of keys and values under way or in use.
template <class T, int D, int WARPS, int MS, int STAGES>
struct Attention {
  static constexpr int THREADS = WARPS * WARP;
  static constexpr int QUERIES = WARPS * MS * 16;
  static constexpr int ROW_BYTES = D * static_cast<int>(sizeof(T));
  static constexpr int STEPS = ROW_BYTES / STEP;
  // Entries a tile: a warp's scores and weighted values fit into its registers.
  static constexpr int ENTRIES = ROW_BYTES > 256 ? 16 : ROW_BYTES > 128 ? 32 : 64;
  static constexpr int TILE_BYTES = ENTRIES * ROW_BYTES;
  static constexpr int NS = ENTRIES / 8;
  static constexpr int DS = D / 8;

  const AttentionArguments& arguments;
  const CacheSpan span;
  const int kvHead;
  const int firstQuery;
  unsigned char* const shared;
  unsigned char* const ring;
  const int g = threadIdx.x % WARP / 4;
  const int t = threadIdx.x % 4;
  const int warpQuery = threadIdx.x / WARP * (MS * 16);
  // Of queries 16 * m + 8 * half + g of the warp, in the current split.
  float weighted[MS][DS][4];
  Softmax softmax[MS][2];

  __device__ __forceinline__ Attention(const AttentionArguments& arguments, int kvHead, int queryTile, unsigned char* shared)
      : arguments(arguments),
        span(arguments.spans[blockIdx.z]),
        kvHead(kvHead),
        firstQuery(queryTile * QUERIES),
        shared(shared),
        ring(shared + QUERIES * ROW_BYTES) {}

  __device__ __forceinline__ int queries() const { return span.rows * arguments.group; }

  __device__ __forceinline__ int entryOf(int query) const {
    return span.length - span.rows + smaller(query, queries() - 1) / arguments.group;
  }

  __device__ __forceinline__ int firstEntrySeen() const {
    return larger(0, entryOf(firstQuery) - arguments.window + 1);
  }

  __device__ __forceinline__ int lastEntrySeen() const { return entryOf(firstQuery + QUERIES - 1); }

  // Where a query's channels are in [rows, heads, headDim].
  __device__ __forceinline__ int64_t placeOf(int query) const {
    int row = query / arguments.group;
    int head = kvHead * arguments.group + query - row * arguments.group;
    return static_cast<int64_t>(span.firstRow + row) * (arguments.kvHeads * arguments.group) + head;
  }

  __device__ __forceinline__ void loadQueries() {
    constexpr int CHUNKS = ROW_BYTES / CHUNK;
    constexpr int ELEMENTS = CHUNK / static_cast<int>(sizeof(T));
    for (int i = threadIdx.x; i < QUERIES * CHUNKS; i += THREADS) {
      int query = i / CHUNKS;
      int chunk = i % CHUNKS;
      uint4 words = make_uint4(0, 0, 0, 0);
      if (firstQuery + query < queries() && chunk * ELEMENTS < arguments.headDim) {
        words = chunkOf(T(), arguments.queries + placeOf(firstQuery + query) * arguments.headDim + chunk * ELEMENTS);
      }
      *reinterpret_cast<uint4*>(shared + chunkAt<ROW_BYTES>(query, chunk)) = words;
    }
  }

  // Starts the copy of the kv head's keys and values of entries [entry, entry + ENTRIES), zeros from `end` on.
  __device__ __forceinline__ void copyTile(unsigned char* tile, int entry, int end) const {
    constexpr int CHUNKS = ROW_BYTES / CHUNK;
    int bytes = arguments.headDim * static_cast<int>(sizeof(T));
    int64_t first = (static_cast<int64_t>(kvHead) * span.capacity + entry) * bytes;
    const unsigned char* keys = static_cast<const unsigned char*>(span.keys) + first;
    const unsigned char* values = static_cast<const unsigned char*>(span.values) + first;
#pragma unroll 4
    for (int i = threadIdx.x; i < ENTRIES * CHUNKS; i += THREADS) {
      int row = i / CHUNKS;
      int chunk = i % CHUNKS;
      bool there = entry + row < end && chunk * CHUNK < bytes;
      int from = there ? row * bytes + chunk * CHUNK : 0;
      int to = chunkAt<ROW_BYTES>(row, chunk);
      cp_async_16(tile + to, keys + from, there ? CHUNK : 0);
      cp_async_16(tile + TILE_BYTES + to, values + from, there ? CHUNK : 0);
    }
  }

  // Scores of the warp's queries against a tile's keys, not scaled.
  __device__ __forceinline__ void score(float (&scores)[MS][NS][4], const unsigned char* tile) const {
#pragma unroll
    for (int m = 0; m < MS; m++) {
#pragma unroll
      for (int n = 0; n < NS; n++) {
        scores[m][n][0] = scores[m][n][1] = scores[m][n][2] = scores[m][n][3] = 0;
      }
    }
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      uint32_t a[MS][4];
#pragma unroll
      for (int m = 0; m < MS; m++) {
        loadA<ROW_BYTES>(a[m], shared, warpQuery + 16 * m, step);
      }
#pragma unroll
      for (int n = 0; n < NS; n += 2) {
        uint32_t b[4];
        loadTwoB<ROW_BYTES>(b, tile, 8 * n, step);
#pragma unroll
        for (int m = 0; m < MS; m++) {
          mma<T>(scores[m][n], a[m], {b[0], b[1]});
          mma<T>(scores[m][n + 1], a[m], {b[2], b[3]});
        }
      }
    }
  }

  __device__ __forceinline__ void mask(float (&scores)[MS][NS][4], int entry) const {
#pragma unroll
    for (int m = 0; m < MS; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int own = entryOf(firstQuery + warpQuery + 16 * m + 8 * half + g) - entry - 2 * t;
#pragma unroll
        for (int n = 0; n < NS; n++) {
#pragma unroll
          for (int i = 0; i < 2; i++) {
            int behind = own - 8 * n - i;
            float& x = scores[m][n][2 * half + i];
            x = behind >= 0 && behind < arguments.window ? x : -INFINITY;
          }
        }
      }
    }
  }

  // Turns scores into 2^(score * scale - maximum), and what was summed up so far to the new maximum.
  __device__ __forceinline__ void weigh(float (&scores)[MS][NS][4], int entry) {
    float scale = arguments.scale * 1.44269504f;
    bool masked = entry + ENTRIES - 1 > entryOf(firstQuery + warpQuery) ||
                  entry <= entryOf(firstQuery + warpQuery + MS * 16 - 1) - arguments.window;
    if (masked) {
      mask(scores, entry);
    }
#pragma unroll
    for (int m = 0; m < MS; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float max = -INFINITY;
#pragma unroll
        for (int n = 0; n < NS; n++) {
          max = fmaxf(max, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
        }
        max = fmaxf(max, __shfl_xor_sync(ALL_LANES, max, 1));
        max = fmaxf(max, __shfl_xor_sync(ALL_LANES, max, 2));
        Softmax& running = softmax[m][half];
        max = fmaxf(running.max, max * scale);
        float factor = exp2Fast(running.max - reference(max));
        running.max = max;
        float sum = 0;
#pragma unroll
        for (int n = 0; n < NS; n++) {
#pragma unroll
          for (int i = 0; i < 2; i++) {
            float& x = scores[m][n][2 * half + i];
            x = exp2Fast(fmaf(x, scale, -reference(max)));
            sum += x;
          }
        }
        running.sum = fmaf(running.sum, factor, sum);
        if (__any_sync(ALL_LANES, factor != 1.f)) {
#pragma unroll
          for (int d = 0; d < DS; d++) {
            weighted[m][d][2 * half] *= factor;
            weighted[m][d][2 * half + 1] *= factor;
          }
        }
      }
    }
  }

  // Adds the tile's values times their weights.
  __device__ __forceinline__ void addValues(const float (&weights)[MS][NS][4], const unsigned char* tile) {
#pragma unroll
    for (int step = 0; step < ENTRIES * static_cast<int>(sizeof(T)) / STEP; step++) {
      uint32_t a[MS][4];
#pragma unroll
      for (int m = 0; m < MS; m++) {
        if constexpr (sizeof(T) == 4) {
          // The depth's order is free if both operands have it: place t is entry 2t, place t + 4 entry 2t + 1.
          const float(&x)[4] = weights[m][step];
          a[m][0] = __float_as_uint(x[0]);
          a[m][1] = __float_as_uint(x[2]);
          a[m][2] = __float_as_uint(x[1]);
          a[m][3] = __float_as_uint(x[3]);
        } else {
          const float(&x)[4] = weights[m][2 * step];
          const float(&y)[4] = weights[m][2 * step + 1];
          a[m][0] = pairOf(T(), x[0], x[1]);
          a[m][1] = pairOf(T(), x[2], x[3]);
          a[m][2] = pairOf(T(), y[0], y[1]);
          a[m][3] = pairOf(T(), y[2], y[3]);
        }
      }
#pragma unroll
      for (int d = 0; d < DS; d += 2) {
        uint32_t b[4];
        if constexpr (sizeof(T) == 4) {
#pragma unroll
          for (int i = 0; i < 4; i++) {
            int channel = 8 * (d + i / 2) + g;
            int at = chunkAt<ROW_BYTES>(8 * step + 2 * t + i % 2, channel / 4) + channel % 4 * 4;
            b[i] = *reinterpret_cast<const uint32_t*>(tile + at);
          }
        } else {
          loadTwoBTransposed<ROW_BYTES>(b, tile, step, d / 2);
        }
#pragma unroll
        for (int m = 0; m < MS; m++) {
          mma<T>(weighted[m][d], a[m], {b[0], b[1]});
          mma<T>(weighted[m][d + 1], a[m], {b[2], b[3]});
        }
      }
    }
  }

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int m = 0; m < MS; m++) {
      softmax[m][0] = softmax[m][1] = {-INFINITY, 0};
#pragma unroll
      for (int d = 0; d < DS; d++) {
        weighted[m][d][0] = weighted[m][d][1] = weighted[m][d][2] = weighted[m][d][3] = 0;
      }
    }
  }

  // Adds up the lanes' shares of the sums.
  __device__ __forceinline__ void finishSplit() {
#pragma unroll
    for (int m = 0; m < MS; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float& sum = softmax[m][half].sum;
        sum += __shfl_xor_sync(ALL_LANES, sum, 1);
        sum += __shfl_xor_sync(ALL_LANES, sum, 2);
      }
    }
  }

  // Runs through the entries from `first` (a tile's begin) to before `end`; behind the last one of each split calls
  // done(index of the split).
  template <class Done>
  __device__ __forceinline__ void run(int first, int end, Done done) {
    auto stage = [&](int entry) { return ring + (entry - first) / ENTRIES % STAGES * (2 * TILE_BYTES); };
    auto copy = [&](int entry) {
      if (entry < end) {
        copyTile(stage(entry), entry, end);
      }
      cp_async_commit();
    };
#pragma unroll 1
    for (int i = 0; i < STAGES - 1; i++) {
      copy(first + i * ENTRIES);
    }
    loadQueries();
#pragma unroll 1
    for (int entry = first; entry < end;) {
      int split = entry / SPLIT;
      int splitEnd = smaller(end, (split + 1) * SPLIT);
      clear();
#pragma unroll 1
      for (; entry < splitEnd; entry += ENTRIES) {
        cp_async_wait<STAGES - 2>();
        __syncthreads();
        // Into the stage that all warps have left by now.
        copy(entry + (STAGES - 1) * ENTRIES);
        float scores[MS][NS][4];
        score(scores, stage(entry));
        weigh(scores, entry);
        addValues(scores, stage(entry) + TILE_BYTES);
      }
      finishSplit();
      done(split);
    }
  }
};

template <class T, int D, int WARPS, int MS>
__device__ __forceinline__ void attention(const AttentionArguments& arguments) {
  LOWPASS_DYNAMIC_SHARED(shared);
  using Tile = Attention<T, D, WARPS, MS, 3>;
  // The last rows see most: they go first.
  Tile tile(arguments, blockIdx.y, gridDim.x - 1 - blockIdx.x, shared);
  if (tile.firstQuery >= tile.queries()) {
    return;
  }
  int first = tile.firstEntrySeen() / Tile::ENTRIES * Tile::ENTRIES;
  int end = tile.lastEntrySeen() + 1;
  int columns = arguments.kvHeads * arguments.group * arguments.headDim;
  Softmax total[MS][2];
  tile.run(first, end, [&](int split) {
    bool isFirst = split == first / SPLIT;
    bool isLast = split == (end - 1) / SPLIT;
#pragma unroll
    for (int m = 0; m < MS; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int query = tile.firstQuery + tile.warpQuery + 16 * m + 8 * half + tile.g;
        if (query < tile.queries()) {
          int64_t place = tile.placeOf(query);
          Softmax& running = total[m][half];
          Factors factors = {0, 1};
          if (isFirst) {
            running = tile.softmax[m][half];
          } else {
            factors = merge(running, tile.softmax[m][half]);
          }
          float divisor = isLast ? running.sum : 1.f;
          float* out = arguments.out + place * arguments.headDim + 2 * tile.t;
#pragma unroll
          for (int d = 0; d < Tile::DS; d++) {
            if (8 * d < arguments.headDim) {
              float2 x = make_float2(tile.weighted[m][d][2 * half], tile.weighted[m][d][2 * half + 1]);
              float2* to = reinterpret_cast<float2*>(out + 8 * d);
              if (!isFirst) {
                // What the earlier splits came to waits where the result will be.
                x = make_float2(merge(to->x, x.x, factors), merge(to->y, x.y, factors));
              }
              if (isLast) {
                x = make_float2(x.x / divisor, x.y / divisor);
              }
              *to = x;
              if (isLast && arguments.operand != nullptr) {
                int64_t row = tile.span.firstRow + query / arguments.group;
                int64_t column = place * arguments.headDim - row * columns + 2 * tile.t + 8 * d;
                T* operand = static_cast<T*>(arguments.operand) + row * stride(columns) + column;
                if constexpr (sizeof(T) == 4) {
                  operand[0] = x.x;
                  operand[1] = x.y;
                } else {
                  *reinterpret_cast<uint32_t*>(operand) = pairOf(T(), x.x, x.y);
                }
              }
            }
          }
          if (isLast && arguments.logSums != nullptr && tile.t == 0) {
            arguments.logSums[place] = logSum(running);
          }
        }
      }
    }
  });
}

template <class T, int D>
__device__ __forceinline__ void attentionSplit(const AttentionArguments& arguments) {
  LOWPASS_DYNAMIC_SHARED(shared);
  using Tile = Attention<T, D, 1, 1, 5>;
  int split = blockIdx.x;
  Tile tile(arguments, blockIdx.y % arguments.kvHeads, blockIdx.y / arguments.kvHeads, shared);
  if (tile.firstQuery >= tile.queries()) {
    return;
  }
  int first = larger(split * SPLIT, tile.firstEntrySeen() / Tile::ENTRIES * Tile::ENTRIES);
  int end = smaller((split + 1) * SPLIT, tile.lastEntrySeen() + 1);
  if (first >= end) {
    // Nothing to see here; the merge passes it over.
    int query = tile.firstQuery + threadIdx.x;
    if (threadIdx.x < Tile::QUERIES && query < tile.queries()) {
      arguments.partialSums[(tile.placeOf(query) * arguments.splits + split) * 2] = -INFINITY;
    }
    return;
  }
  tile.run(first, end, [&](int) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int query = tile.firstQuery + 8 * half + tile.g;
      if (query < tile.queries()) {
        int64_t place = tile.placeOf(query) * arguments.splits + split;
        if (tile.t == 0) {
          arguments.partialSums[place * 2] = tile.softmax[0][half].max;
          arguments.partialSums[place * 2 + 1] = tile.softmax[0][half].sum;
        }
        float* out = arguments.partials + place * arguments.headDim + 2 * tile.t;
#pragma unroll
        for (int d = 0; d < Tile::DS; d++) {
          if (8 * d < arguments.headDim) {
            *reinterpret_cast<float2*>(out + 8 * d) =
                make_float2(tile.weighted[0][d][2 * half], tile.weighted[0][d][2 * half + 1]);
          }
        }
      }
    }
  });
}

// ---- Merges the splits of attentionSplit. Grid (rows of the longest span, spans), 256 threads: a warp a head.

template <class T>
__device__ __forceinline__ void attentionMerge(const AttentionArguments& arguments) {
  CacheSpan span = arguments.spans[blockIdx.y];
  if (static_cast<int>(blockIdx.x) >= span.rows) {
    return;
  }
  int64_t row = span.firstRow + blockIdx.x;
  int heads = arguments.kvHeads * arguments.group;
  int headDim = arguments.headDim;
  int lane = threadIdx.x % WARP;
  for (int head = threadIdx.x / WARP; head < heads; head += 256 / WARP) {
    int64_t place = row * heads + head;
    const float* sums = arguments.partialSums + place * arguments.splits * 2;
    const float* partials = arguments.partials + place * arguments.splits * headDim;
    Softmax total = {-INFINITY, 0};
    float weighted[4] = {};
    for (int split = 0; split < arguments.splits; split++) {
      Softmax part = {sums[2 * split], sums[2 * split + 1]};
      if (part.max != -INFINITY) {
        Factors factors = merge(total, part);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          int channel = lane + i * WARP;
          if (channel < headDim) {
            weighted[i] = merge(weighted[i], partials[split * headDim + channel], factors);
          }
        }
      }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
      int channel = lane + i * WARP;
      if (channel < headDim) {
        float x = weighted[i] / total.sum;
        arguments.out[place * headDim + channel] = x;
        if (arguments.operand != nullptr) {
          static_cast<T*>(arguments.operand)[row * stride(heads * headDim) + head * headDim + channel] = toType(T(), x);
        }
      }
    }
    if (arguments.logSums != nullptr && lane == 0) {
      arguments.logSums[place] = logSum(total);
    }
  }
}

#define ATTENTION(T, SUFFIX, D, MS)                                                                                        \
  LOWPASS_KERNEL(attention##SUFFIX##_##D, AttentionArguments, 128, 2) { attention<T, D, 4, MS>(arguments); }               \
  LOWPASS_KERNEL(attentionSplit##SUFFIX##_##D, AttentionArguments, 32, 2) { attentionSplit<T, D>(arguments); }

ATTENTION(bf16, _bf16, 32, 2)
ATTENTION(bf16, _bf16, 64, 2)
ATTENTION(bf16, _bf16, 96, 2)
ATTENTION(bf16, _bf16, 128, 2)
ATTENTION(f16, _f16, 32, 2)
ATTENTION(f16, _f16, 64, 2)
ATTENTION(f16, _f16, 96, 2)
ATTENTION(f16, _f16, 128, 2)
ATTENTION(float, _f32, 32, 1)
ATTENTION(float, _f32, 64, 1)
ATTENTION(float, _f32, 96, 1)
ATTENTION(float, _f32, 128, 1)

LOWPASS_KERNEL(attentionMerge_bf16, AttentionArguments, 256, 4) { attentionMerge<bf16>(arguments); }
LOWPASS_KERNEL(attentionMerge_f16, AttentionArguments, 256, 4) { attentionMerge<f16>(arguments); }
LOWPASS_KERNEL(attentionMerge_f32, AttentionArguments, 256, 4) { attentionMerge<float>(arguments); }
