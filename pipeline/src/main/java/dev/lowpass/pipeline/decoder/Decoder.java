package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Draw;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Projection;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.PackedWeights;
import dev.lowpass.pipeline.model.WeightOptions;
import java.util.List;

/**
 * The transformer of a Llama-like checkpoint on one device: pre-norm layers of grouped-query
 * attention and SwiGLU. It holds the weights and the activations of one pass, which goes layer by
 * layer; a {@link Pass} says what goes where. One thread at a time.
 */
public final class Decoder implements AutoCloseable {
  private final ModelConfig config;
  private final Device device;
  private final DecoderWeights weights;
  private final List<Projections> projections;
  private final Rope rope;
  private final int maxRows;
  private final CacheType cacheType;

  private final long weightBytes;
  private final long cacheBytesPerEntry;
  private final Owned activations = new Owned();

  // Activations of one pass, [maxRows, ...].
  private final Tensor positions;
  private final Tensor hidden;
  private final Tensor normed;
  private final Tensor queries;
  private final Tensor keys;
  private final Tensor values;
  private final Tensor attended;
  private final Tensor logSums;
  private final Tensor update;
  private final Tensor gate;
  private final Tensor up;

  // The rows that meet the LM head, [maxLogitRows, ...].
  private final Tensor last;
  private final Tensor logits;

  /** A layer's products that take the same input. */
  private record Projections(List<Projection> queryKeyValue, List<Projection> gateUp) {}

  private Decoder(
      Checkpoint checkpoint,
      WeightOptions options,
      Device device,
      int maxRows,
      int maxLogitRows,
      CacheType cacheType) {
    this.config = checkpoint.config();
    this.device = device;
    this.maxRows = maxRows;
    this.cacheType = cacheType;
    PackedWeights packed = PackedWeights.of(checkpoint, options);
    this.weights = DecoderWeights.load(config, packed, device);
    this.weightBytes = packed.bytes();
    this.rope = device.rope(config.rope().inverseFrequencies(), config.rope().attentionFactor());
    try {
      this.positions = activations.take(device.tensor(maxRows, 1));
      this.hidden = activations.take(device.tensor(maxRows, config.hiddenSize()));
      this.normed = activations.take(device.tensor(maxRows, config.hiddenSize()));
      this.queries = activations.take(device.tensor(maxRows, config.heads() * config.headDim()));
      this.keys = activations.take(device.tensor(maxRows, config.kvHeads() * config.headDim()));
      this.values = activations.take(device.tensor(maxRows, config.kvHeads() * config.headDim()));
      this.attended = activations.take(device.tensor(maxRows, config.heads() * config.headDim()));
      this.logSums = activations.take(device.tensor(maxRows, config.heads()));
      this.update = activations.take(device.tensor(maxRows, config.hiddenSize()));
      this.gate = activations.take(device.tensor(maxRows, config.intermediateSize()));
      this.up = activations.take(device.tensor(maxRows, config.intermediateSize()));
      this.last = activations.take(device.tensor(maxLogitRows, config.hiddenSize()));
      this.logits = activations.take(device.tensor(maxLogitRows, config.vocabularySize()));
      this.projections = weights.layers().stream().map(this::projections).toList();
      cacheBytesPerEntry = measureCache();
    } catch (RuntimeException | Error e) {
      activations.close();
      throw e;
    }
  }

  private Projections projections(DecoderWeights.Layer layer) {
    return new Projections(
        List.of(
            projection(queries, layer.query()),
            projection(keys, layer.key()),
            projection(values, layer.value())),
        List.of(projection(gate, layer.gate()), projection(up, layer.up())));
  }

  private static Projection projection(Tensor out, DecoderWeights.Linear layer) {
    return new Projection(out, layer.weight(), layer.bias());
  }

  private long measureCache() {
    int entries = 64;
    try (KvCache cache = newCache(entries, Positions.ORIGINAL)) {
      return (cache.bytes() + entries - 1) / entries;
    } catch (IllegalArgumentException e) {
      throw new ModelException(e.getMessage(), e);
    }
  }

  /**
   * Puts a checkpoint's weights on a device. The checkpoint must stay open while the decoder is in
   * use.
   *
   * @param weights what its matrices are turned into
   * @param maxRows tokens a pass may have
   * @param maxLogitRows tokens of a pass that may ask for logits
   * @param cacheType how its sequences' caches are stored
   * @throws dev.lowpass.pipeline.model.ModelException if a tensor is missing or has another shape,
   *     or the device does not store caches in that type
   */
  public static Decoder load(
      Checkpoint checkpoint,
      WeightOptions weights,
      Device device,
      int maxRows,
      int maxLogitRows,
      CacheType cacheType) {
    return new Decoder(checkpoint, weights, device, maxRows, maxLogitRows, cacheType);
  }

  /** With weights as they are stored, and caches of the type that the device chooses. */
  public static Decoder load(Checkpoint checkpoint, Device device, int maxRows, int maxLogitRows) {
    return load(checkpoint, WeightOptions.AUTO, device, maxRows, maxLogitRows, CacheType.AUTO);
  }

  public ModelConfig config() {
    return config;
  }

  /** Tokens a pass may have. */
  public int maxRows() {
    return maxRows;
  }

  /** Device memory that the weights take, as they were loaded, and the activations. */
  public long bytes() {
    return weightBytes + activations.tensorBytes();
  }

  /** Device memory that a sequence takes. */
  public long bytes(SequenceOptions options) {
    long bytes = options.rows() * cacheBytesPerEntry;
    if (options.scored()) {
      bytes += (long) options.rows() * config.kvHeads() * Float.BYTES;
    }
    if (options.scored() && options.fastKv() != null) {
      // All rows of a block, and those that are selected, which are no more.
      bytes += 2L * options.rows() * (config.hiddenSize() + 1) * Float.BYTES;
    }
    return bytes;
  }

  /** Takes a cache for one sequence of up to {@code capacity} entries a layer. */
  KvCache newCache(int capacity, Positions positions) {
    return device.kvCache(
        config.layers(), config.kvHeads(), config.headDim(), capacity, positions, cacheType);
  }

  Device device() {
    return device;
  }

  /** The rows of the pass, {@code [maxRows, hidden]}: embedded, or as the last layer left them. */
  Tensor hidden() {
    return hidden;
  }

  /** What the pass's rows are rotated by, {@code [maxRows, 1]}. */
  Tensor positions() {
    return positions;
  }

  /** Writes the positions of the pass's first rows. */
  void place(float[] first) {
    device.write(positions, first);
  }

  /** Begins a pass with the embeddings of tokens, {@code maxRows} at the most. */
  void embed(int[] tokens) {
    device.embed(hidden, weights.embedding(), tokens);
  }

  /**
   * Runs the pass's rows through one layer, and appends their keys and values to their sequences'
   * caches there.
   *
   * @param rows how many there are
   * @param spans which rows belong to which sequence
   * @param observed whether {@link #observe} follows
   */
  void layer(int index, int rows, List<Span> spans, boolean observed) {
    attention(index, rows, spans, observed ? logSums : null);
    mlp(index, rows);
  }

  /**
   * Scores entries {@code [from, to)} of a cache by the attention that a span's last {@code
   * observers} rows paid them at the layer that was run last (FastKV section 3.1).
   *
   * @param scores {@code [kvHeads, capacity]}
   */
  void observe(
      Tensor scores, Span span, int observers, int layer, int from, int to, Pooling pooling) {
    device.observe(
        scores,
        queries,
        logSums,
        span,
        observers,
        layer,
        scale(),
        config.window(layer),
        from,
        to,
        pooling);
  }

  /** Carries out a plan on a layer of a cache; {@code scores} where it has choices to make. */
  void apply(KvCache cache, int layer, CachePlan plan, Tensor scores) {
    device.apply(cache, layer, plan, rope, plan.ranks() ? scores : null);
  }

  /**
   * Computes the logits of rows of the pass that went through all layers; {@link #draw} and {@link
   * #logits} read them.
   */
  void head(int... rows) {
    device.gatherRows(last, hidden, rows);
    device.rmsNorm(last, last, rows.length, weights.norm(), config.rmsNormEpsilon());
    device.linear(logits, last, rows.length, weights.head(), null);
  }

  private void attention(int index, int rows, List<Span> spans, Tensor logSums) {
    DecoderWeights.Layer layer = weights.layers().get(index);
    float epsilon = config.rmsNormEpsilon();
    device.rmsNorm(normed, hidden, rows, layer.attentionNorm(), epsilon);
    device.linear(normed, rows, projections.get(index).queryKeyValue());
    if (config.queryKeyNorm()) {
      device.rmsNorm(queries, queries, rows, layer.queryNorm(), epsilon);
      device.rmsNorm(keys, keys, rows, layer.keyNorm(), epsilon);
    }
    device.rotate(queries, rope, positions, rows);
    device.rotate(keys, rope, positions, rows);
    device.append(spans, index, keys, values, positions);
    device.attention(attended, queries, spans, index, scale(), config.window(index), logSums);
    linear(update, attended, rows, layer.output());
    device.add(hidden, update, rows);
  }

  private float scale() {
    return (float) (1 / Math.sqrt(config.headDim()));
  }

  private void mlp(int index, int rows) {
    DecoderWeights.Layer layer = weights.layers().get(index);
    device.rmsNorm(normed, hidden, rows, layer.mlpNorm(), config.rmsNormEpsilon());
    device.linear(normed, rows, projections.get(index).gateUp());
    device.swiglu(gate, up, rows);
    linear(update, gate, rows, layer.down());
    device.add(hidden, update, rows);
  }

  private void linear(Tensor out, Tensor in, int rows, DecoderWeights.Linear layer) {
    device.linear(out, in, rows, layer.weight(), layer.bias());
  }

  /**
   * The next token of each of the last pass's first logit rows.
   *
   * @throws IllegalStateException if scores cannot be ranked
   */
  public int[] draw(List<Draw> draws) {
    boolean greedy = draws.stream().allMatch(Draw.GREEDY::equals);
    return greedy ? device.argmax(logits, draws.size()) : device.sample(logits, draws);
  }

  /** The logits {@code [vocabulary]} of one of the last pass's logit rows. */
  public float[] logits(int row) {
    return device.read(logits, row);
  }

  @Override
  public void close() {
    activations.close();
  }
}
