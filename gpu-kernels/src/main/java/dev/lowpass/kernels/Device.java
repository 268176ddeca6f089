package dev.lowpass.kernels;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * One device that runs a decoder: it owns its buffers and carries out tensor operations on them.
 * The decoder is written once against this interface and never touches an element.
 *
 * <p>Calls come from one thread at a time. A row's result depends on that row and its own sequence
 * alone, bit for bit, whatever other rows share the batch.
 */
public interface Device extends AutoCloseable {
  /** What it is, for logs: {@code cpu (Vector API, 256 bits, 2 threads)}. */
  String description();

  /** Takes memory for activations, zeroed. */
  Tensor tensor(int rows, int columns);

  /**
   * Takes a matrix of the checkpoint.
   *
   * @param name the tensor's name in the checkpoint, for error messages
   * @param data its elements from position to limit, little endian, row-major; usually a
   *     memory-mapped file, which must stay mapped while the device is in use: the CPU reads it in
   *     place
   * @throws IllegalArgumentException if {@code data} does not hold {@code rows * columns} elements
   */
  Weight weight(String name, DType type, int rows, int columns, ByteBuffer data);

  /**
   * Takes memory for one sequence's keys and values.
   *
   * @param layers the decoder's layers
   * @param kvHeads key/value heads a layer
   * @param headDim channels a head
   * @param capacity tokens a layer
   */
  KvCache kvCache(int layers, int kvHeads, int headDim, int capacity);

  /**
   * Prepares a rotary embedding.
   *
   * @param inverseFrequencies radians a position for each pair of channels, {@code headDim / 2} of
   *     them
   * @param attentionFactor what cosine and sine are multiplied by (YaRN's; 1 elsewhere)
   */
  Rope rope(double[] inverseFrequencies, double attentionFactor);

  /** {@code out[i] = table[tokens[i]]}. */
  void embed(Tensor out, Weight table, int[] tokens);

  /**
   * Root-mean-square norm of each group of {@code gain.columns()} consecutive elements of the first
   * {@code rows} rows: {@code out = in / sqrt(mean(in^2) + epsilon) * gain}. A group is a whole row
   * for a layer's norm, a head for Qwen3's query and key norms. {@code out} may be {@code in}.
   */
  void rmsNorm(Tensor out, Tensor in, int rows, Weight gain, float epsilon);

  /**
   * A linear layer: {@code out[i, o] = sum over c of in[i, c] * weight[o, c] + bias[o]} for the
   * first {@code rows} rows. {@code out} is not {@code in}.
   *
   * @param bias {@code [1, out]}, or null for none
   */
  void linear(Tensor out, Tensor in, int rows, Weight weight, Weight bias);

  /** {@code accumulator += addend} in the first {@code rows} rows. */
  void add(Tensor accumulator, Tensor addend, int rows);

  /** {@code gate = silu(gate) * up} in the first {@code rows} rows (SwiGLU). */
  void swiglu(Tensor gate, Tensor up, int rows);

  /**
   * Rotates every head of the first {@code positions.length} rows, in place.
   *
   * @param heads {@code [rows, heads * headDim]}
   * @param positions each row's position; real numbers, because a compressed entry's may lie
   *     between two tokens
   */
  void rotate(Tensor heads, Rope rope, float[] positions);

  /**
   * Appends the spans' keys and values {@code [rows, kvHeads * headDim]} to their caches at {@code
   * layer}. A batch has one span of a cache at most.
   *
   * @throws IllegalStateException if a cache has no room; nothing is appended then
   */
  void append(List<Span> spans, int layer, Tensor keys, Tensor values);

  /**
   * Causal attention with grouped heads, computed block by block without the {@code [rows, tokens]}
   * matrix. The rows of a span are the queries of its cache's last {@code rows} entries at {@code
   * layer}: row i sees all entries up to its own. Query head h uses key/value head {@code h /
   * (heads / kvHeads)}.
   *
   * @param out {@code [rows, heads * headDim]}
   * @param queries {@code [rows, heads * headDim]}, rotated
   * @param scale what scores are multiplied by, {@code 1 / sqrt(headDim)} as a rule
   * @param window entries that a row sees, its own included; {@code Integer.MAX_VALUE} for all
   */
  void attention(Tensor out, Tensor queries, List<Span> spans, int layer, float scale, int window);

  /**
   * Carries out a plan on every layer and kv head, in place. An entry's position is its place in
   * the cache, so keys that move are turned to their new one; entries that stay where they are keep
   * their bits. In float32 or better, whatever the cache is stored in.
   *
   * @param rope what the keys were rotated by before they were appended
   * @throws IllegalArgumentException if a layer does not hold {@code plan.length()} entries
   */
  void apply(KvCache cache, CachePlan plan, Rope rope);

  /**
   * Makes {@code to} hold what {@code from} holds, and nothing else: a branch that may be changed
   * without harm to where it came from.
   *
   * @throws IllegalArgumentException if the caches differ in shape, or {@code to} has too little
   *     room
   */
  void copy(KvCache to, KvCache from);

  /** Copies rows: {@code out[i] = in[rows[i]]}. */
  void gatherRows(Tensor out, Tensor in, int[] rows);

  /**
   * The index of the largest element of each of the first {@code rows} rows; the lowest index where
   * several are.
   *
   * @throws IllegalStateException if an element is not a number: scores that cannot be ranked must
   *     not become a token
   */
  int[] argmax(Tensor in, int rows);

  /** Copies one row to the host: the final scores that a sampler or a test asks for. */
  float[] read(Tensor in, int row);

  /**
   * Copies a kv head's keys {@code [length, headDim]} to the host, rotated as they are cached: for
   * statistics and tests.
   */
  float[] readKeys(KvCache cache, int layer, int kvHead);

  /** Copies a kv head's values {@code [length, headDim]} to the host. */
  float[] readValues(KvCache cache, int layer, int kvHead);

  @Override
  void close();
}
