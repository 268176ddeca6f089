package dev.lowpass.kernels.onednn;

import com.sun.jna.Pointer;

/**
 * The functions of oneDNN 3's C API that {@link OneDnn} calls, and OpenMP's of the library under
 * it. Handles are addresses; results are written where the first argument points. Constants are
 * those of {@code dnnl_types.h} and {@code dnnl_common_types.h}.
 */
final class Api {
  static final int CPU = 1;
  static final int DEFAULT_STREAM = 1;
  static final int MAX_DIMENSIONS = 12;

  /** {@code dnnl_data_type_t}. */
  static final int BF16 = 2;

  static final int F32 = 3;

  /** {@code dnnl_scratchpad_mode_user}: the library's own is bound to threads. */
  static final int SCRATCHPAD_OF_CALLER = 1;

  /** {@code dnnl_query_scratchpad_md}. */
  static final int QUERY_SCRATCHPAD = 136;

  /** {@code DNNL_ARG_SRC} and so on. */
  static final int SRC = 1;

  static final int DST = 17;
  static final int WEIGHTS = 33;
  static final int SCRATCHPAD = 80;

  /** {@code dnnl_cpu_isa_t}: a bit for each extension. */
  static final int AVX512_BF16 = 0xe7;

  static final int AMX = 0xfef;

  private Api() {}

  static native long dnnl_version();

  static native int dnnl_get_effective_cpu_isa();

  static native int dnnl_engine_create(Pointer engine, int kind, long index);

  static native int dnnl_stream_create(Pointer stream, long engine, int flags);

  static native int dnnl_stream_wait(long stream);

  static native int dnnl_memory_desc_create_with_strides(
      Pointer shape, int dimensions, Pointer sizes, int type, Pointer strides);

  static native long dnnl_memory_desc_get_size(long shape);

  static native int dnnl_memory_desc_destroy(long shape);

  static native int dnnl_primitive_attr_create(Pointer attributes);

  static native int dnnl_primitive_attr_set_scratchpad_mode(long attributes, int mode);

  static native int dnnl_primitive_attr_destroy(long attributes);

  static native int dnnl_matmul_primitive_desc_create(
      Pointer description,
      long engine,
      long source,
      long weights,
      long bias,
      long destination,
      long attributes);

  static native int dnnl_reorder_primitive_desc_create(
      Pointer description,
      long source,
      long sourceEngine,
      long destination,
      long destinationEngine,
      long attributes);

  static native long dnnl_primitive_desc_query_md(long description, int what, int index);

  static native int dnnl_primitive_desc_destroy(long description);

  static native int dnnl_primitive_create(Pointer primitive, long description);

  static native int dnnl_primitive_execute(
      long primitive, long stream, int count, Pointer arguments);

  static native int dnnl_primitive_destroy(long primitive);

  static native int dnnl_memory_create(Pointer memory, long shape, long engine, long address);

  static native int dnnl_memory_set_data_handle(long memory, long address);

  static native int dnnl_memory_destroy(long memory);

  static native void omp_set_num_threads(int threads);
}
