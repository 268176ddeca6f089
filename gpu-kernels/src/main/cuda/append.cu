// Appends the rows of a batch to the caches of their sequences.
#include "memory.cuh"

// ---- Entry length - rows + i of each span's cache = row i of its keys and values. Grid (rows of the longest span, spans),
// 256 threads.

struct AppendArguments {
  const CacheSpan* spans;
  const float* keys;       // [rows, kvHeads * headDim], rotated
  const float* values;     // [rows, kvHeads * headDim]
  const float* positions;  // [rows]
  int kvHeads;
  int headDim;
};

template <class T>
__device__ __forceinline__ void append(const AppendArguments& arguments) {
  CacheSpan span = arguments.spans[blockIdx.y];
  int row = blockIdx.x;
  if (row >= span.rows) {
    return;
  }
  int headDim = arguments.headDim;
  int columns = arguments.kvHeads * headDim;
  int entry = span.length - span.rows + row;
  int64_t in = static_cast<int64_t>(span.firstRow + row) * columns;
  for (int i = 4 * threadIdx.x; i < columns; i += 4 * blockDim.x) {
    int kvHead = i / headDim;
    int64_t out = (static_cast<int64_t>(kvHead) * span.capacity + entry) * headDim + i % headDim;
    store4(static_cast<T*>(span.keys) + out, load4(arguments.keys + in + i));
    store4(static_cast<T*>(span.values) + out, load4(arguments.values + in + i));
  }
  if (span.positions != nullptr) {
    for (int kvHead = threadIdx.x; kvHead < arguments.kvHeads; kvHead += blockDim.x) {
      span.positions[static_cast<int64_t>(kvHead) * span.capacity + entry] = arguments.positions[span.firstRow + row];
    }
  }
}

LOWPASS_KERNEL(append_bf16, AppendArguments, 256, 4) { append<bf16>(arguments); }
LOWPASS_KERNEL(append_f16, AppendArguments, 256, 4) { append<f16>(arguments); }
LOWPASS_KERNEL(append_f32, AppendArguments, 256, 4) { append<float>(arguments); }
