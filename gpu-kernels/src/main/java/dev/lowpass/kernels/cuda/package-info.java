/**
 * The GPU as a device: {@link dev.lowpass.kernels.cuda.CudaDevice} checks shapes and launches the
 * kernels of {@code src/main/cuda} through a thin {@link dev.lowpass.kernels.cuda.Driver}, which is
 * CUDA's on a GPU and an emulator in tests. Only {@link dev.lowpass.kernels.cuda.CudaDriver} knows
 * JCuda.
 */
package dev.lowpass.kernels.cuda;
