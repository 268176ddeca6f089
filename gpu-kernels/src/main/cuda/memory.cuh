// How things lie in device memory. All row-major.
//
//   activations   float [rows, columns], dense
//   operands      T [rows, stride(columns)]: activations rounded to what a matrix product reads; the padding holds anything
//   matrices      T [outputs, stride(columns)], int8: the same and one float a row
//   vectors       float [columns]: norms' gains and biases
//   cache         a layer's keys and values T [kvHeads, capacity, headDim] each; positions float [kvHeads, capacity]
//
// headDim is a multiple of 8, at most 128. T is bf16, f16 or float, one for all of a device; kernels have its name as
// their suffix: _bf16, _f16, _f32. Base addresses are 16-byte aligned at least, which strides keep for every row.
#pragma once

#include "portable.cuh"

// Elements from a row of an operand or a matrix to the next.
__host__ __device__ constexpr int stride(int columns) { return roundUp(columns, 16); }

// Rows of a batch that belong to one sequence, and its cache at one layer.
struct CacheSpan {
  void* keys;        // T [kvHeads, capacity, headDim]
  void* values;      // T [kvHeads, capacity, headDim]
  float* positions;  // [kvHeads, capacity]; null if an entry's position is its place
  int firstRow;      // the span's first row in the batch
  int rows;          // its rows, which are the cache's last entries
  int length;        // entries of the layer, the span's own included
  int capacity;
};

// Four consecutive elements of an activation, as one access where they are aligned.
__device__ __forceinline__ float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }
__device__ __forceinline__ void store4(float* to, float4 x) { *reinterpret_cast<float4*>(to) = x; }

// Four floats rounded and stored: 8-byte aligned (16 for float).
template <class T>
__device__ __forceinline__ void store4(T* to, float4 x) {
  *reinterpret_cast<uint2*>(to) = make_uint2(pairOf(T(), x.x, x.y), pairOf(T(), x.z, x.w));
}

__device__ __forceinline__ float lowHalf(bf16, uint32_t pair) { return floatOf(bf16{static_cast<uint16_t>(pair)}); }
__device__ __forceinline__ float lowHalf(f16, uint32_t pair) { return floatOf(f16{static_cast<uint16_t>(pair)}); }
__device__ __forceinline__ float highHalf(bf16, uint32_t pair) { return floatOf(bf16{static_cast<uint16_t>(pair >> 16)}); }
__device__ __forceinline__ float highHalf(f16, uint32_t pair) { return floatOf(f16{static_cast<uint16_t>(pair >> 16)}); }

// Four consecutive stored elements as floats: 8-byte aligned.
template <class T>
__device__ __forceinline__ float4 load4(const T* from) {
  uint2 bits = *reinterpret_cast<const uint2*>(from);
  return make_float4(lowHalf(T(), bits.x), highHalf(T(), bits.x), lowHalf(T(), bits.y), highHalf(T(), bits.y));
}

// Sixteen bytes of stored elements, rounded from 16-byte aligned floats.
template <class T>
__device__ __forceinline__ uint4 chunkOf(T, const float* from) {
  float4 low = load4(from);
  float4 high = load4(from + 4);
  return make_uint4(
      pairOf(T(), low.x, low.y), pairOf(T(), low.z, low.w), pairOf(T(), high.x, high.y), pairOf(T(), high.z, high.w));
}
__device__ __forceinline__ uint4 chunkOf(float, const float* from) {
  float4 x = load4(from);
  return make_uint4(__float_as_uint(x.x), __float_as_uint(x.y), __float_as_uint(x.z), __float_as_uint(x.w));
}
