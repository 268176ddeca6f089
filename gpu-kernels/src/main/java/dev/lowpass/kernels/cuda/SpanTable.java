package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Span;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A batch's spans as kernels read them, {@code CacheSpan} of {@code memory.cuh}. Operations on the
 * same layer find the table that the first of them brought along.
 */
final class SpanTable {
  private static final int BYTES = 3 * Long.BYTES + 4 * Integer.BYTES;

  private final Gpu gpu;
  private final Scratch scratch;
  private byte[] uploaded = new byte[0];

  SpanTable(Gpu gpu) {
    this.gpu = gpu;
    scratch = new Scratch(gpu.arena(), "a batch's spans");
  }

  /** Where the table begins. {@code more}: entries that are about to be appended to each cache. */
  long of(List<Span> spans, int layer, boolean appending) {
    ByteBuffer table = gpu.host(Math.multiplyExact(spans.size(), BYTES));
    for (Span span : spans) {
      CudaKvCache cache = (CudaKvCache) span.cache();
      CudaKvCache.Layer memory = cache.layer(layer);
      table.putLong(memory.keys().address());
      table.putLong(memory.values().address());
      table.putLong(memory.positions() == null ? 0 : memory.positions().address());
      table.putInt(span.firstRow());
      table.putInt(span.rows());
      table.putInt(cache.length(layer) + (appending ? span.rows() : 0));
      table.putInt(cache.capacity());
    }
    byte[] bytes = new byte[table.flip().remaining()];
    table.duplicate().get(bytes);
    long address = scratch.address(bytes.length);
    if (!Arrays.equals(bytes, uploaded)) {
      gpu.driver().copyToDevice(address, table);
      uploaded = bytes;
    }
    return address;
  }
}
