package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Segment;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Energy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jtransforms.dct.DoubleDCT_1D;

/**
 * Carries out plans on a layer of a cache: {@code compress.cu}. What is left is put together in
 * other memory, which then takes the layer's place. A low-pass is one matrix product of the
 * stretch's channels with a map from M entries to L, in float32.
 */
final class Compression {
  /** Maps that are kept: a policy makes plans of few shapes. */
  private static final int MAPS = 4;

  private static final int THREADS = 256;

  /** A map's shape. */
  private record Shape(int count, int length) {}

  private final Gpu gpu;
  private final Products products;
  private final Selection selection;
  private final Scratch channels;
  private final Scratch filtered;
  private final Scratch energies;
  private final Scratch indices;
  private final Map<Shape, Memory> maps = new LinkedHashMap<>(MAPS, 0.75f, /* accessOrder= */ true);

  Compression(Gpu gpu, Products products, Selection selection) {
    this.gpu = gpu;
    this.products = products;
    this.selection = selection;
    channels = new Scratch(gpu.arena(), "the channels of a cache's layer");
    filtered = new Scratch(gpu.arena(), "the filtered channels of a cache's layer");
    energies = new Scratch(gpu.arena(), "the energy of a cache's layer");
    indices = new Scratch(gpu.arena(), "the ranking of a cache's layer");
  }

  /**
   * {@link dev.lowpass.kernels.Device#apply}.
   *
   * @param scores null if the plan does not rank
   */
  void run(CudaKvCache cache, int layer, CachePlan plan, CudaRope rope, CudaTensor scores) {
    if (plan.segments().equals(List.of(new CachePlan.Keep(0, plan.length())))) {
      return;
    }
    CudaKvCache.Layer out = cache.takeLayer();
    int to = 0;
    for (Segment segment : plan.segments()) {
      if (segment.length() == 0) {
        continue;
      }
      if (segment instanceof CachePlan.LowPass) {
        lowPass(cache, layer, out, segment, to, rope);
      } else {
        long chosen =
            segment instanceof CachePlan.Keep ? 0 : ranked(cache, segment, scores, plan.length());
        keep(cache, layer, out, segment, chosen, to, rope);
      }
      to += segment.length();
    }
    cache.replace(layer, out, to);
  }

  /** The indices of a range's best or other entries, relative to its begin, of each kv head. */
  private long ranked(CudaKvCache cache, Segment segment, CudaTensor scores, int length) {
    int range = segment.to() - segment.from();
    long out = indices.address((long) cache.kvHeads() * length * Integer.BYTES);
    boolean isBest = segment instanceof CachePlan.Best;
    selection.choose(
        isBest ? out : 0,
        isBest ? 0 : out,
        scores.address() + (long) segment.from() * Float.BYTES,
        cache.kvHeads(),
        scores.columns(),
        range,
        isBest ? segment.length() : range - segment.length());
    return out;
  }

  private void keep(
      CudaKvCache cache,
      int layer,
      CudaKvCache.Layer out,
      Segment segment,
      long chosen,
      int to,
      CudaRope rope) {
    layer(layer(gpu.arguments(), out), cache.layer(layer))
        .pointer(chosen)
        .pointer(cache.hasPositions() ? 0 : rope.inverseFrequencies())
        .put(cache.capacity())
        .put(cache.capacity())
        .put(cache.headDim())
        .put(to)
        .put(segment.from())
        .put(segment.length());
    launchKeep(segment.length(), cache.kvHeads(), segment);
  }

  private void launchKeep(int count, int kvHeads, Object what) {
    gpu.launch(
        gpu.typed("keep"), Driver.Grid.of(Layout.ceilDiv(count, 8), kvHeads), THREADS, 0, what);
  }

  private static Arguments layer(Arguments arguments, CudaKvCache.Layer layer) {
    return arguments
        .pointer(layer.keys().address())
        .pointer(layer.values().address())
        .pointer(layer.positions() == null ? 0 : layer.positions().address());
  }

  private void lowPass(
      CudaKvCache cache, int layer, CudaKvCache.Layer out, Segment segment, int to, CudaRope rope) {
    int count = segment.to() - segment.from();
    int length = segment.length();
    int rows = 2 * cache.kvHeads() * cache.headDim();
    long in = spread(cache, layer, rope, segment.from(), count);
    long map = map(count, length);
    long passed = filtered.address((long) rows * length * Float.BYTES);
    products.run(DType.F32, passed, in, rows, map, length, count, segment);
    addEnergy(cache, layer, in, passed, count, length);
    CudaKvCache.Layer from = cache.layer(layer);
    layer(gpu.arguments(), out)
        .pointer(passed)
        .pointer(from.positions() == null ? 0 : from.positions().address())
        .pointer(rope.inverseFrequencies())
        .put(cache.kvHeads())
        .put(cache.capacity())
        .put(cache.headDim())
        .put(to)
        .put(length)
        .put(segment.from())
        .put(count);
    gpu.launch(
        gpu.typed("entries"),
        Driver.Grid.of(Layout.ceilDiv(length, 32), cache.kvHeads()),
        THREADS,
        0,
        segment);
  }

  /**
   * A stretch's channels as float32 {@code [2 * kvHeads * headDim, stride(count)]}: keys as they
   * were before their rotation, then values.
   */
  private long spread(CudaKvCache cache, int layer, CudaRope rope, int from, int count) {
    int rows = 2 * cache.kvHeads() * cache.headDim();
    long out = channels.address((long) rows * Layout.stride(count) * Float.BYTES);
    layer(gpu.arguments().pointer(out), cache.layer(layer))
        .pointer(rope.inverseFrequencies())
        .put(cache.kvHeads())
        .put(cache.capacity())
        .put(cache.headDim())
        .put(from)
        .put(count);
    gpu.launch(
        gpu.typed("channels"),
        Driver.Grid.of(Layout.ceilDiv(count, 32), cache.kvHeads()),
        THREADS,
        0,
        from,
        count);
    return out;
  }

  private long map(int count, int length) {
    Shape shape = new Shape(count, length);
    Memory known = maps.get(shape);
    if (known != null) {
      return known.address();
    }
    if (maps.size() == MAPS) {
      Shape oldest = maps.keySet().iterator().next();
      gpu.arena().giveBack(maps.remove(oldest));
    }
    Memory map =
        gpu.arena()
            .take(
                (long) length * Layout.stride(count) * Float.BYTES,
                "the low-pass from " + count + " entries to " + length,
                "bound the cache (--cache-tokens)");
    maps.put(shape, map);
    gpu.arguments().pointer(map.address()).put(length).put(count);
    gpu.launch(
        "lowPassMap",
        Driver.Grid.of(Layout.ceilDiv(count, THREADS), length),
        THREADS,
        0,
        count,
        length);
    return map.address();
  }

  private void addEnergy(
      CudaKvCache cache, int layer, long before, long after, int count, int length) {
    int half = cache.kvHeads() * cache.headDim();
    long each = energies.address(4L * half * Double.BYTES);
    gpu.arguments()
        .pointer(each)
        .pointer(before)
        .pointer(after)
        .put(2 * half)
        .put(count)
        .put(length);
    gpu.launch(
        "channelEnergy", Driver.Grid.of(Layout.ceilDiv(2 * half, 8)), THREADS, 0, count, length);
    gpu.arguments().pointer(cache.energy(layer)).pointer(each).put(half);
    gpu.launch("addEnergy", Driver.Grid.of(1), 32, 0, layer);
  }

  /** {@link dev.lowpass.kernels.Device#energy}. */
  Energy energy(CudaKvCache cache, int layer) {
    double[] sums = gpu.readDoubles(cache.energy(layer), 4);
    return new Energy(sums[0], sums[1], sums[2], sums[3]);
  }

  /** {@link dev.lowpass.kernels.Device#spectrum}: statistics, so the host may do the transform. */
  double[][] spectrum(CudaKvCache cache, int layer, CudaRope rope, int from, int to) {
    int count = to - from;
    double[][] energy = new double[2][count];
    if (count == 0) {
      return energy;
    }
    int half = cache.kvHeads() * cache.headDim();
    int stride = Layout.stride(count);
    long rows = spread(cache, layer, rope, from, count);
    DoubleDCT_1D transform = new DoubleDCT_1D(count);
    for (int row = 0; row < 2 * half; row++) {
      float[] floats = gpu.readFloats(rows + (long) row * stride * Float.BYTES, count);
      double[] coefficients = new double[count];
      for (int i = 0; i < count; i++) {
        coefficients[i] = floats[i];
      }
      transform.forward(coefficients, /* scale= */ true);
      for (int i = 0; i < count; i++) {
        energy[row / half][i] += coefficients[i] * coefficients[i];
      }
    }
    return energy;
  }

  /** {@link dev.lowpass.kernels.Device#copy}. */
  void copy(CudaKvCache to, CudaKvCache from) {
    for (int layer = 0; layer < from.layers(); layer++) {
      int length = from.length(layer);
      if (length > 0) {
        layer(layer(gpu.arguments(), to.layer(layer)), from.layer(layer))
            .pointer(0)
            .pointer(0)
            .put(to.capacity())
            .put(from.capacity())
            .put(from.headDim())
            .put(0)
            .put(0)
            .put(length);
        launchKeep(length, from.kvHeads(), length);
      }
      to.setLength(layer, length);
    }
    gpu.driver().copy(to.energy(0), from.energy(0), from.energyBytes());
  }
}
