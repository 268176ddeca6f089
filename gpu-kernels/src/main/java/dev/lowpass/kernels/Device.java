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

  /** Memory that can still be taken, about: of the heap on the CPU. */
  long freeBytes();

  /** Takes memory for activations, zeroed. */
  Tensor tensor(int rows, int columns);

  /**
   * Copies numbers from the host into a tensor's first elements, row-major: positions into a {@code
   * [rows, 1]} tensor.
   */
  void write(Tensor out, float[] values);

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
   * Takes a linear layer's matrix of the checkpoint as signed bytes, with a scale for each output:
   * an element becomes the nearest of the 255 multiples of its row's largest magnitude / 127. On a
   * GPU it takes half of the memory, and half of the time where reading it bounds that; the CPU
   * keeps the rounded elements as float32, for comparison.
   *
   * @param name as {@link #weight}'s
   * @param data as {@link #weight}'s; it need not stay mapped
   * @return what {@link #linear} takes, and nothing else
   */
  Weight quantized(String name, DType type, int rows, int columns, ByteBuffer data);

  /**
   * Takes a matrix in blocks. The CPU reads it in place, which must stay mapped, as {@link
   * #weight}'s, and rounds the rows that it multiplies with it to signed bytes, with a scale a
   * block; a GPU turns it into its own storage type, so that it computes with the same numbers,
   * rounded to that type, in the room of as many elements of it.
   *
   * @param name as {@link #weight}'s
   * @param data what {@link Quantization#quantize} wrote, from position to limit
   * @throws IllegalArgumentException if {@code data} does not hold {@link Quantization#bytes}
   */
  Weight blocks(String name, Quantization quantization, int rows, int columns, ByteBuffer data);

  /**
   * Takes memory for one sequence's keys and values.
   *
   * @param layers the decoder's layers
   * @param kvHeads key/value heads a layer
   * @param headDim channels a head
   * @param capacity entries a layer
   * @param positions what its entries' positions are
   * @param type how they are stored
   * @throws IllegalArgumentException if the device does not store caches in that type
   */
  KvCache kvCache(
      int layers, int kvHeads, int headDim, int capacity, Positions positions, CacheType type);

  /** {@link #kvCache} in the type that the device chooses. */
  default KvCache kvCache(int layers, int kvHeads, int headDim, int capacity, Positions positions) {
    return kvCache(layers, kvHeads, headDim, capacity, positions, CacheType.AUTO);
  }

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

  /**
   * Several linear layers of the same input, at once where that is quicker: queries, keys and
   * values, or a gate and what it gates.
   */
  default void linear(Tensor in, int rows, List<Projection> projections) {
    for (Projection projection : projections) {
      linear(projection.out(), in, rows, projection.weight(), projection.bias());
    }
  }

  /** {@code accumulator += addend} in the first {@code rows} rows. */
  void add(Tensor accumulator, Tensor addend, int rows);

  /** {@code gate = silu(gate) * up} in the first {@code rows} rows (SwiGLU). */
  void swiglu(Tensor gate, Tensor up, int rows);

  /**
   * Rotates every head of the first {@code rows} rows, in place.
   *
   * @param heads {@code [rows, heads * headDim]}
   * @param positions {@code [rows, 1]}, each row's position: on the device, so that rows that were
   *     selected there keep theirs
   */
  void rotate(Tensor heads, Rope rope, Tensor positions, int rows);

  /**
   * Appends the spans' keys and values {@code [rows, kvHeads * headDim]} to their caches at {@code
   * layer}. A batch has one span of a cache at most.
   *
   * @param positions {@code [rows, 1]}, what the keys were rotated by: caches of {@link
   *     Positions#ORIGINAL} remember it, others take their entries' places for it
   * @throws IllegalStateException if a cache has no room; nothing is appended then
   */
  void append(List<Span> spans, int layer, Tensor keys, Tensor values, Tensor positions);

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
   * @param logSums {@code [rows, heads]}, set to the logarithm of the softmax's denominator, {@code
   *     log(sum over j of exp(scale * q.k_j))}, for every row of the spans and query head; or null
   */
  void attention(
      Tensor out,
      Tensor queries,
      List<Span> spans,
      int layer,
      float scale,
      int window,
      Tensor logSums);

  /**
   * Scores a cache's entries by the attention that a span's last rows pay them (FastKV section 3,
   * SnapKV): for each query head h and entry j of {@code [from, to)}, {@code A[h, j] = sum over the
   * last observed rows of exp(scale * q.k_j - logSum)}, where entries behind a row's own or out of
   * its window count 0; {@code A} pooled along j within the range; {@code scores[kvHead, j]} the
   * sum over the kv head's group of query heads. Scores outside of the range stay as they are.
   *
   * <p>Comes after {@link #attention} of the same span, whose rows are the cache's last entries.
   *
   * @param scores {@code [kvHeads, columns]}, at least {@code to} columns; the cache's capacity as
   *     a rule
   * @param queries what {@code attention} was given
   * @param logSums what {@code attention} left there
   * @param observed rows at the span's end that observe: 1 up to all
   */
  void observe(
      Tensor scores,
      Tensor queries,
      Tensor logSums,
      Span span,
      int observed,
      int layer,
      float scale,
      int window,
      int from,
      int to,
      Pooling pooling);

  /**
   * Carries out a plan on every kv head of a layer, in place. With {@link Positions#CACHE}, keys
   * that move are turned to their new places; with {@link Positions#ORIGINAL}, entries that move
   * take their bits and positions along, and entry i of the L that a low-pass makes of M gets the
   * linear interpolation of their positions at {@code (i + 1/2) M / L - 1/2}, no further than the
   * ends. Entries that stay where they are keep their bits. In float32 or better, whatever the
   * cache is stored in.
   *
   * @param rope what the keys were rotated by before they were appended
   * @param scores {@code [kvHeads, columns]}, each kv head's score of each entry, which {@link
   *     CachePlan.Best} and {@link CachePlan.Rest} ask for; null where the plan has neither
   * @throws IllegalArgumentException if the layer does not hold {@code plan.length()} entries
   */
  void apply(KvCache cache, int layer, CachePlan plan, Rope rope, Tensor scores);

  /** What low-passes kept of a layer since its cache was made. */
  Energy energy(KvCache cache, int layer);

  /**
   * How the energy of a stretch of a layer's entries is shared out over frequencies: FreqKV's
   * premise is that most of it is in the low ones. Orthonormal DCT-II along the tokens, keys as
   * they were before their rotation.
   *
   * @param rope what the keys were rotated by before they were appended
   * @return {@code {keys, values}}: for each frequency, from 0 to below {@code to - from}, the sum
   *     of its coefficients' squares over kv heads and channels
   */
  double[][] spectrum(KvCache cache, int layer, Rope rope, int from, int to);

  /** Takes memory for a list of row indices, empty at first. */
  Rows rows(int capacity);

  /**
   * Selects entries by their scores' sum over all rows of {@code scores} (kv heads): the {@code
   * count} largest of {@code [from, to)}, in ascending order and counted from {@code from}; the
   * lower of two that are equal.
   */
  void best(Rows out, Tensor scores, int from, int to, int count);

  /**
   * Makes {@code to} hold what {@code from} holds, its energy included, and nothing else: a branch
   * that may be changed without harm to where it came from.
   *
   * @throws IllegalArgumentException if the caches differ in shape, or {@code to} has too little
   *     room
   */
  void copy(KvCache to, KvCache from);

  /** Copies rows: {@code out[i] = in[rows[i]]}. */
  void gatherRows(Tensor out, Tensor in, int[] rows);

  /** Copies selected rows: {@code out[outRow + i] = in[inRow + rows[i]]}. {@code out} is not in. */
  void gatherRows(Tensor out, int outRow, Tensor in, int inRow, Rows rows);

  /** Copies rows: {@code out[outRow + i] = in[inRow + i]}. {@code out} is not in. */
  void copyRows(Tensor out, int outRow, Tensor in, int inRow, int rows);

  /**
   * The index of the largest element of each of the first {@code rows} rows; the lowest index where
   * several are.
   *
   * @throws IllegalStateException if an element is not a number: scores that cannot be ranked must
   *     not become a token
   */
  int[] argmax(Tensor in, int rows);

  /**
   * Chooses an index of each of the first rows by chance, so that no scores come to the host.
   * Devices differ where a random number lies on the border of two indices, within the rounding of
   * float32.
   *
   * @param draws how, a row each
   * @throws IllegalStateException if a row's score is not a number, or its highest is infinite
   */
  int[] sample(Tensor in, List<Draw> draws);

  /** Copies one row to the host: the final scores that a sampler or a test asks for. */
  float[] read(Tensor in, int row);

  /** Copies the indices of a selection to the host: for statistics and tests. */
  int[] read(Rows rows);

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
