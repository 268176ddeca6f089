// Linear layers: out[row, o] = sum over c of in[row, c] * weight[o, c] + bias[o], for up to three weights that share their
// input, on tensor cores.
//
// A block computes a tile of outputs x rows. Its operands stream through shared memory in STAGES stages of DEPTH bytes a
// row, asynchronously; the product takes the weight as its A and the rows as its B operand. Every element is one chain of
// sums over 32-byte steps in the order of the columns, whatever the tile: so a row comes out the same to the last bit in
// any batch, and few rows, which are bound by reading the weight, take narrow tiles with many bytes under way.
#include "memory.cuh"
#include "mma.cuh"

// linear_T_ROWS and linear_T_int8_ROWS: ROWS is the tile's; a grid of outputTiles * ceil(rows / ROWS) blocks, where
// outputTiles is the sum of ceil(outputs / OUTPUTS) over the weights. OUTPUTS, threads and dynamic shared memory:
//
//   ROWS  OUTPUTS  threads  shared bytes     int8
//      8       32       64         51,200   30,720
//     16       32       64         61,440   40,960
//     32       32      128         81,920   61,440
//     64       64      128         65,536   49,152
//    128      128      128         65,536   49,152   not for _f32
//    256      128      256         98,304   81,920   not for _f32
struct LinearArguments {
  const void* in;          // T operand [rows, stride(columns)]
  const void* weights[3];  // T or int8 matrices [outputs, stride(columns)]; int8 in groups of 16 columns as quantize leaves them
  const float* scales[3];  // int8: [outputs], what each row is multiplied by
  const float* biases[3];  // [outputs], or null
  float* outs[3];          // [rows, outputs]
  int outputs[3];          // 0 for a weight that is not there
  int rows;
  int columns;
  int accumulate;  // 1: out += the product
};

// Row tiles that run together with as many output tiles that share the L2 cache.
constexpr int ROW_TILES = 8;

// Four signed bytes as an A operand's words for columns 2t, 2t + 1 and 2t + 8, 2t + 9.
template <class T>
__device__ __forceinline__ void dequantize(uint32_t bytes, uint32_t& low, uint32_t& high) {
  // 2^23 + n as a float has n in its lower bits; 128 makes a signed byte an unsigned one.
  uint32_t shifted = bytes ^ 0x80808080u;
  float x[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    x[i] = __uint_as_float(0x4b000000u | (shifted >> 8 * i & 0xffu)) - 8388736.f;
  }
  low = pairOf(T(), x[0], x[1]);
  high = pairOf(T(), x[2], x[3]);
}

// One of three, without an array in memory.
template <class N>
__device__ __forceinline__ N pick(const N (&of)[3], int which) {
  return which == 0 ? of[0] : which == 1 ? of[1] : of[2];
}

// W is how the weight is stored: T, or int8_t with a scale for each output.
template <class T, class W, int OUTPUTS, int ROWS, int OUTPUT_WARPS, int ROW_WARPS, int DEPTH, int STAGES>
struct LinearTile {
  static constexpr bool INT8 = sizeof(W) == 1;
  static constexpr int THREADS = OUTPUT_WARPS * ROW_WARPS * WARP;
  // A weight's bytes of a stage's columns.
  static constexpr int WEIGHT_DEPTH = DEPTH * static_cast<int>(sizeof(W)) / static_cast<int>(sizeof(T));
  static constexpr int WEIGHT_BYTES = OUTPUTS * WEIGHT_DEPTH;
  static constexpr int STAGE_BYTES = WEIGHT_BYTES + ROWS * DEPTH;
  static constexpr int STEPS = DEPTH / STEP;
  // Fragments of a warp: 16 outputs, and 8 rows.
  static constexpr int MS = OUTPUTS / OUTPUT_WARPS / 16;
  static constexpr int NS = ROWS / ROW_WARPS / 8;

  struct Operands {
    uint32_t a[MS][4];
    uint32_t b[NS][2];
  };

  // A tile's source: rows of `bytes` bytes, `pitch` apart.
  struct Source {
    const unsigned char* data;
    int64_t pitch;
    int rows;
    int bytes;
  };

  template <int TILE_ROWS, int BYTES>
  static __device__ __forceinline__ void copyTile(unsigned char* tile, const Source& from, int offset) {
    constexpr int CHUNKS = BYTES / CHUNK;
    constexpr int ROWS_AT_ONCE = THREADS / CHUNKS;
    int chunk = threadIdx.x % CHUNKS;
    int first = threadIdx.x / CHUNKS;
    int at = offset + chunk * CHUNK;
    int left = smaller(CHUNK, larger(0, from.bytes - at));
#pragma unroll
    for (int i = 0; i < ceilDiv(TILE_ROWS, ROWS_AT_ONCE); i++) {
      int row = first + i * ROWS_AT_ONCE;
      if (TILE_ROWS % ROWS_AT_ONCE == 0 || row < TILE_ROWS) {
        int bytes = row < from.rows ? left : 0;
        const unsigned char* source = bytes > 0 ? from.data + row * from.pitch + at : from.data;
        cp_async_16(tile + chunkAt<BYTES>(row, chunk), source, bytes);
      }
    }
  }

  static __device__ __forceinline__ void load(Operands& to, const unsigned char* stage, int step, int output, int row) {
    const unsigned char* rows = stage + WEIGHT_BYTES;
    if constexpr (INT8) {
      // One word has a lane's columns of a step.
      int lane = threadIdx.x % WARP;
#pragma unroll
      for (int i = 0; i < MS; i++) {
        uint32_t bytes[2];
        ldmatrix_x2(bytes, stage + chunkAt<WEIGHT_DEPTH>(output + 16 * i + lane % 16, step));
        dequantize<T>(bytes[0], to.a[i][0], to.a[i][2]);
        dequantize<T>(bytes[1], to.a[i][1], to.a[i][3]);
      }
    } else {
#pragma unroll
      for (int i = 0; i < MS; i++) {
        loadA<DEPTH>(to.a[i], stage, output + 16 * i, step);
      }
    }
    if constexpr (NS == 1) {
      loadB<DEPTH>(to.b[0], rows, row, step);
    } else {
#pragma unroll
      for (int i = 0; i < NS; i += 2) {
        uint32_t two[4];
        loadTwoB<DEPTH>(two, rows, row + 8 * i, step);
        to.b[i][0] = two[0];
        to.b[i][1] = two[1];
        to.b[i + 1][0] = two[2];
        to.b[i + 1][1] = two[3];
      }
    }
  }

  static __device__ __forceinline__ void run(const LinearArguments& arguments) {
    LOWPASS_DYNAMIC_SHARED(shared);

    // Blocks that run at the same time cover about as many rows as outputs.
    int outputTiles = 0;
#pragma unroll
    for (int i = 0; i < 3; i++) {
      outputTiles += ceilDiv(arguments.outputs[i], OUTPUTS);
    }
    int rowTiles = ceilDiv(arguments.rows, ROWS);
    int band = blockIdx.x / (ROW_TILES * outputTiles) * ROW_TILES;
    int inBand = blockIdx.x - band * outputTiles;
    int bandRows = smaller(ROW_TILES, rowTiles - band);
    int firstRow = (band + inBand % bandRows) * ROWS;
    int outputTile = inBand / bandRows;
    int which = 0;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      int tilesOfOne = ceilDiv(arguments.outputs[i], OUTPUTS);
      if (which == i && outputTile >= tilesOfOne) {
        outputTile -= tilesOfOne;
        which++;
      }
    }
    int firstOutput = outputTile * OUTPUTS;
    int outputs = pick(arguments.outputs, which);
    int columns = arguments.columns;

    Source weight, in;
    weight.pitch = static_cast<int64_t>(stride(columns)) * sizeof(W);
    weight.data = static_cast<const unsigned char*>(pick(arguments.weights, which)) + firstOutput * weight.pitch;
    weight.rows = outputs - firstOutput;
    // The int8 groups are stored whole; what a quantized group has behind the last column is zero.
    weight.bytes = INT8 ? stride(columns) : columns * static_cast<int>(sizeof(W));
    in.pitch = static_cast<int64_t>(stride(columns)) * sizeof(T);
    in.data = static_cast<const unsigned char*>(arguments.in) + firstRow * in.pitch;
    in.rows = arguments.rows - firstRow;
    in.bytes = columns * static_cast<int>(sizeof(T));

    int tiles = ceilDiv(in.bytes, DEPTH);
    auto copy = [&](int tile) {
      if (tile < tiles) {
        unsigned char* stage = shared + tile % STAGES * STAGE_BYTES;
        copyTile<OUTPUTS, WEIGHT_DEPTH>(stage, weight, tile * WEIGHT_DEPTH);
        copyTile<ROWS, DEPTH>(stage + WEIGHT_BYTES, in, tile * DEPTH);
      }
      cp_async_commit();
    };

    int warp = threadIdx.x / WARP;
    int output = warp % OUTPUT_WARPS * (MS * 16);
    int row = warp / OUTPUT_WARPS * (NS * 8);
    float sums[MS][NS][4] = {};
    Operands even, odd;

#pragma unroll 1
    for (int i = 0; i < STAGES - 1; i++) {
      copy(i);
    }
    cp_async_wait<STAGES - 2>();
    __syncthreads();
    load(even, shared, 0, output, row);

#pragma unroll 1
    for (int tile = 0; tile < tiles; tile++) {
      // The next step's operands come while this one's are multiplied.
      auto take = [&](int step, const Operands& operands, Operands& next) {
        if (step + 1 < STEPS) {
          load(next, shared + tile % STAGES * STAGE_BYTES, step + 1, output, row);
        } else if (tile + 1 < tiles) {
          cp_async_wait<STAGES - 2>();
          __syncthreads();
          load(next, shared + (tile + 1) % STAGES * STAGE_BYTES, 0, output, row);
        }
        if (step == 0) {
          // Into the stage that all warps had left at the last barrier.
          copy(tile + STAGES - 1);
        }
#pragma unroll
        for (int m = 0; m < MS; m++) {
#pragma unroll
          for (int n = 0; n < NS; n++) {
            mma<T>(sums[m][n], operands.a[m], operands.b[n]);
          }
        }
      };
#pragma unroll
      for (int step = 0; step < STEPS; step += 2) {
        take(step, even, odd);
        take(step + 1, odd, even);
      }
    }

    int g = threadIdx.x % WARP / 4;
    int t = threadIdx.x % 4;
    const float* bias = pick(arguments.biases, which);
    const float* scales = pick(arguments.scales, which);
    float* out = pick(arguments.outs, which);
#pragma unroll
    for (int m = 0; m < MS; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        int o = firstOutput + output + 16 * m + 8 * half + g;
        if (o < outputs) {
          float scale = INT8 ? scales[o] : 1.f;
          float addend = bias == nullptr ? 0.f : bias[o];
#pragma unroll
          for (int n = 0; n < NS; n++) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
              int r = firstRow + row + 8 * n + 2 * t + i;
              if (r < arguments.rows) {
                float sum = sums[m][n][2 * half + i];
                sum = INT8 ? sum * scale + addend : sum + addend;
                float* to = out + static_cast<int64_t>(r) * outputs + o;
                *to = arguments.accumulate != 0 ? *to + sum : sum;
              }
            }
          }
        }
      }
    }
  }
};

#define LINEAR_FEW(NAME, T, W)                                                                                   \
  LOWPASS_KERNEL(NAME##_8, LinearArguments, 64, 4) { LinearTile<T, W, 32, 8, 2, 1, 256, 5>::run(arguments); }    \
  LOWPASS_KERNEL(NAME##_16, LinearArguments, 64, 3) { LinearTile<T, W, 32, 16, 2, 1, 256, 5>::run(arguments); }  \
  LOWPASS_KERNEL(NAME##_32, LinearArguments, 128, 2) { LinearTile<T, W, 32, 32, 2, 2, 256, 5>::run(arguments); } \
  LOWPASS_KERNEL(NAME##_64, LinearArguments, 128, 3) { LinearTile<T, W, 64, 64, 2, 2, 128, 4>::run(arguments); }

#define LINEAR_MANY(NAME, T, W)                                                                                  \
  LOWPASS_KERNEL(NAME##_128, LinearArguments, 128, 2) { LinearTile<T, W, 128, 128, 2, 2, 64, 4>::run(arguments); } \
  LOWPASS_KERNEL(NAME##_256, LinearArguments, 256, 1) { LinearTile<T, W, 128, 256, 2, 4, 64, 4>::run(arguments); }

LINEAR_FEW(linear_bf16, bf16, bf16)
LINEAR_FEW(linear_f16, f16, f16)
LINEAR_FEW(linear_f32, float, float)
LINEAR_FEW(linear_bf16_int8, bf16, int8_t)
LINEAR_FEW(linear_f16_int8, f16, int8_t)
// A float's operands and their errors leave no registers for larger tiles.
LINEAR_MANY(linear_bf16, bf16, bf16)
LINEAR_MANY(linear_f16, f16, f16)
LINEAR_MANY(linear_bf16_int8, bf16, int8_t)
LINEAR_MANY(linear_f16_int8, f16, int8_t)
