package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * A batch's spans as kernels read them, {@code CacheSpan} of {@code memory.cuh}, at every layer: a
 * pass, which appends to one layer after the other, finds them where its first operation brought
 * them.
 */
final class SpanTable {
  private static final int BYTES = 3 * Long.BYTES + 4 * Integer.BYTES;

  private final Gpu gpu;
  private final Scratch scratch;

  /** What is on the device: {@code [layers, spans]}. */
  private byte[] uploaded = new byte[0];

  SpanTable(Gpu gpu) {
    this.gpu = gpu;
    scratch = new Scratch(gpu.arena(), "a batch's spans");
  }

  /**
   * Where a layer's spans begin.
   *
   * @param appending whether their rows are about to be appended to the layer, and to those behind
   *     it in their turn
   */
  long of(List<Span> spans, int layer, boolean appending) {
    int layers = ((CudaKvCache) spans.get(0).cache()).layers();
    int layerBytes = Math.multiplyExact(spans.size(), BYTES);
    int begin = layer * layerBytes;
    int end = begin + layerBytes;
    long address = scratch.address(Math.multiplyExact((long) layers, layerBytes));
    byte[] wanted = new byte[layerBytes];
    put(ByteBuffer.wrap(wanted).order(ByteOrder.nativeOrder()), spans, layer, appending);
    if (uploaded.length != layers * layerBytes
        || !Arrays.equals(wanted, 0, layerBytes, uploaded, begin, end)) {
      ByteBuffer table = gpu.host(layers * layerBytes);
      for (int i = 0; i < layers; i++) {
        put(table, spans, i, appending && i >= layer);
      }
      gpu.driver().copyToDevice(address, table.flip());
      uploaded = new byte[layers * layerBytes];
      table.get(uploaded);
    }
    return address + begin;
  }

  private static void put(ByteBuffer table, List<Span> spans, int layer, boolean appending) {
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
  }
}
