// Rotary embedding: the angles that a position gives to the pairs (i, i + headDim / 2) of a head's channels.
#pragma once

#include "portable.cuh"

// position * frequency in [-pi, pi]. In double: at position 100,000 a float's angle would be off by a hundredth.
__device__ __forceinline__ float angleOf(float position, double frequency) {
  constexpr double TURN = 6.283185307179586;
  double angle = position * frequency;
  return static_cast<float>(angle - TURN * rint(angle * (1 / TURN)));
}

__device__ __forceinline__ void sineAndCosine(float position, double frequency, float* sine, float* cosine) {
  sincosf(angleOf(position, frequency), sine, cosine);
}
