package dev.lowpass.kernels.cuda;

/** A piece of device memory; who took it from the {@link Arena} gives it back. */
record Memory(long address, long bytes) {}
