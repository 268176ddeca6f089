package dev.lowpass.pipeline.decoder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.kernels.CachePlan;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.cache.CachePolicy.Change;
import dev.lowpass.pipeline.cache.Layout;
import dev.lowpass.pipeline.cache.PlanInterpreter;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A decoder in float64, written from the papers for clarity alone: one token after another, one
 * head after another, no blocks and no kernels. It reads config.json by itself, so that it shares
 * nothing with the decoder that it checks but the reading of bytes from a file.
 *
 * <p>Llama (Touvron et al. 2023) with grouped-query attention (Ainslie et al. 2023), sliding window
 * (Mistral 7B, section 2), biases (Qwen2) and query/key norms (Qwen3).
 */
public final class ReferenceDecoder {
  private final Checkpoint checkpoint;
  private final JsonNode config;
  private final String family;
  private final int hidden;
  final int layers;
  final int heads;
  final int kvHeads;
  final int headDim;
  private final double epsilon;
  final ReferenceRope rope;
  private final CachePolicy policy;

  ReferenceDecoder(Checkpoint checkpoint, CachePolicy policy) {
    this.checkpoint = checkpoint;
    this.policy = policy;
    try {
      config = new ObjectMapper().readTree(checkpoint.folder().resolve("config.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    family = config.get("model_type").asText();
    hidden = config.get("hidden_size").asInt();
    layers = config.get("num_hidden_layers").asInt();
    heads = config.get("num_attention_heads").asInt();
    kvHeads = config.path("num_key_value_heads").asInt(heads);
    headDim = config.path("head_dim").asInt(family.equals("qwen3") ? 128 : hidden / heads);
    epsilon = config.path("rms_norm_eps").asDouble(1e-6);
    rope = ReferenceRope.of(config, headDim);
  }

  /** The scores of the next token after each token: {@code [tokens, vocabulary]}. */
  public static double[][] logits(Checkpoint checkpoint, int... tokens) {
    return logits(checkpoint, CacheOptions.FULL.resolve(tokens.length, false).policy(), tokens);
  }

  /** The same where a cache holds what a policy keeps. */
  static double[][] logits(Checkpoint checkpoint, CachePolicy policy, int... tokens) {
    return new ReferenceDecoder(checkpoint, policy).run(tokens);
  }

  private double[][] run(int[] tokens) {
    double[][] x = embed(tokens);
    for (int layer = 0; layer < layers; layer++) {
      x = finish(layer, x, attention(layer, project(layer, x)));
    }
    return head(x);
  }

  double[][] embed(int... tokens) {
    double[][] embedding = matrix("model.embed_tokens.weight");
    double[][] x = new double[tokens.length][];
    for (int t = 0; t < tokens.length; t++) {
      x[t] = embedding[tokens[t]].clone();
    }
    return x;
  }

  /** What follows a layer's attention {@code mixed [tokens, heads * headDim]}: the new x. */
  double[][] finish(int layer, double[][] x, double[][] mixed) {
    String prefix = "model.layers." + layer + ".";
    double[][] y = plus(x, linear(prefix + "self_attn.o_proj", mixed, allBiased()));
    return plus(y, mlp(prefix + "mlp.", norm(y, prefix + "post_attention_layernorm.weight")));
  }

  /** The scores of the next token, {@code [tokens, vocabulary]}. */
  double[][] head(double[][] x) {
    boolean tied = config.path("tie_word_embeddings").asBoolean(false);
    double[][] output = matrix(tied ? "model.embed_tokens.weight" : "lm_head.weight");
    double[][] normed = norm(x, "model.norm.weight");
    double[][] logits = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      logits[t] = times(output, normed[t]);
    }
    return logits;
  }

  /** Queries, keys and values before rotation: {@code [tokens, heads * headDim]} each. */
  record Projection(double[][] queries, double[][] keys, double[][] values) {}

  Projection project(int layer, double[][] hidden) {
    String prefix = "model.layers." + layer + ".";
    double[][] x = norm(hidden, prefix + "input_layernorm.weight");
    boolean inputBiased = allBiased() || family.equals("qwen2");
    double[][] queries = linear(prefix + "self_attn.q_proj", x, inputBiased);
    double[][] keys = linear(prefix + "self_attn.k_proj", x, inputBiased);
    double[][] values = linear(prefix + "self_attn.v_proj", x, inputBiased);
    if (family.equals("qwen3")) {
      normHeads(queries, heads, vector(prefix + "self_attn.q_norm.weight"));
      normHeads(keys, kvHeads, vector(prefix + "self_attn.k_norm.weight"));
    }
    return new Projection(queries, keys, values);
  }

  private boolean allBiased() {
    return !family.equals("mistral") && config.path("attention_bias").asBoolean(false);
  }

  private double[][] attention(int layer, Projection projection) {
    double[][] queries = projection.queries();
    double[][] keys = projection.keys();
    double[][] values = projection.values();
    int window = window(layer);
    double[][] mixed = new double[queries.length][heads * headDim];
    // The cache: keys before rotation. An entry's position is its place.
    Layout layout = Layout.EMPTY;
    List<double[]> cachedKeys = new ArrayList<>();
    List<double[]> cachedValues = new ArrayList<>();
    for (int t = 0; t < queries.length; t++) {
      if (policy.room(layout) == 0) {
        Change change = policy.makeRoom(layout);
        for (CachePlan plan : change.plans()) {
          cachedKeys = PlanInterpreter.apply(plan, cachedKeys);
          cachedValues = PlanInterpreter.apply(plan, cachedValues);
        }
        layout = change.layout();
      }
      layout = layout.append(1);
      cachedKeys.add(keys[t]);
      cachedValues.add(values[t]);
      int last = cachedKeys.size() - 1;
      int first = Math.max(0, last - window + 1);
      double[] query = rotated(queries[t], heads, last);
      double[][] rotatedKeys = new double[last + 1][];
      for (int s = first; s <= last; s++) {
        rotatedKeys[s] = rotated(cachedKeys.get(s), kvHeads, s);
      }
      for (int head = 0; head < heads; head++) {
        int q = head * headDim;
        int kv = head / (heads / kvHeads) * headDim;
        double[] weights = new double[last - first + 1];
        for (int s = first; s <= last; s++) {
          double score = 0;
          for (int c = 0; c < headDim; c++) {
            score += query[q + c] * rotatedKeys[s][kv + c];
          }
          weights[s - first] = score / Math.sqrt(headDim);
        }
        softmax(weights);
        for (int s = first; s <= last; s++) {
          for (int c = 0; c < headDim; c++) {
            mixed[t][q + c] += weights[s - first] * cachedValues.get(s)[kv + c];
          }
        }
      }
    }
    return mixed;
  }

  private double[] rotated(double[] x, int count, int position) {
    double[] turned = x.clone();
    for (int head = 0; head < count; head++) {
      rope.rotate(turned, head * headDim, position);
    }
    return turned;
  }

  /** SwiGLU (Shazeer 2020): {@code down(silu(gate(x)) * up(x))}. */
  private double[][] mlp(String prefix, double[][] x) {
    boolean biased = family.equals("llama") && config.path("mlp_bias").asBoolean(false);
    double[][] gate = linear(prefix + "gate_proj", x, biased);
    double[][] up = linear(prefix + "up_proj", x, biased);
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < gate[t].length; i++) {
        gate[t][i] = gate[t][i] / (1 + Math.exp(-gate[t][i])) * up[t][i];
      }
    }
    return linear(prefix + "down_proj", gate, biased);
  }

  /** How many tokens a token sees in a layer. */
  private int window(int layer) {
    if (family.equals("mistral")) {
      boolean none = config.has("sliding_window") && config.get("sliding_window").isNull();
      return none ? Integer.MAX_VALUE : config.path("sliding_window").asInt(4096);
    }
    if (family.startsWith("qwen") && config.path("use_sliding_window").asBoolean(false)) {
      boolean slides =
          config.has("layer_types")
              ? config.get("layer_types").get(layer).asText().equals("sliding_attention")
              : layer >= config.path("max_window_layers").asInt(28);
      return slides ? config.path("sliding_window").asInt(4096) : Integer.MAX_VALUE;
    }
    return Integer.MAX_VALUE;
  }

  private double[][] norm(double[][] x, String gain) {
    double[][] normed = new double[x.length][];
    double[] weights = vector(gain);
    for (int t = 0; t < x.length; t++) {
      normed[t] = x[t].clone();
      normGroup(normed[t], 0, weights);
    }
    return normed;
  }

  private void normHeads(double[][] x, int count, double[] gain) {
    for (double[] row : x) {
      for (int head = 0; head < count; head++) {
        normGroup(row, head * headDim, gain);
      }
    }
  }

  /** RMSNorm (Zhang and Sennrich 2019) of the {@code gain.length} channels from {@code from} on. */
  private void normGroup(double[] x, int from, double[] gain) {
    double squares = 0;
    for (int c = 0; c < gain.length; c++) {
      squares += x[from + c] * x[from + c];
    }
    double scale = 1 / Math.sqrt(squares / gain.length + epsilon);
    for (int c = 0; c < gain.length; c++) {
      x[from + c] *= scale * gain[c];
    }
  }

  private double[][] linear(String name, double[][] x, boolean biased) {
    double[][] weight = matrix(name + ".weight");
    double[] bias = biased ? vector(name + ".bias") : new double[weight.length];
    double[][] out = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      out[t] = times(weight, x[t]);
      for (int o = 0; o < bias.length; o++) {
        out[t][o] += bias[o];
      }
    }
    return out;
  }

  private static double[] times(double[][] weight, double[] x) {
    double[] out = new double[weight.length];
    for (int o = 0; o < weight.length; o++) {
      for (int c = 0; c < x.length; c++) {
        out[o] += weight[o][c] * x[c];
      }
    }
    return out;
  }

  private static double[][] plus(double[][] a, double[][] b) {
    double[][] sum = new double[a.length][a[0].length];
    for (int t = 0; t < a.length; t++) {
      for (int c = 0; c < sum[t].length; c++) {
        sum[t][c] = a[t][c] + b[t][c];
      }
    }
    return sum;
  }

  static void softmax(double[] scores) {
    double max = Double.NEGATIVE_INFINITY;
    for (double score : scores) {
      max = Math.max(max, score);
    }
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      scores[i] = Math.exp(scores[i] - max);
      sum += scores[i];
    }
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= sum;
    }
  }

  private double[][] matrix(String name) {
    double[] elements = vector(name);
    int rows = (int) checkpoint.tensors().get(name).shape()[0];
    int columns = elements.length / rows;
    double[][] matrix = new double[rows][columns];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(elements, row * columns, matrix[row], 0, columns);
    }
    return matrix;
  }

  private double[] vector(String name) {
    TensorInfo tensor = checkpoint.tensors().get(name);
    ByteBuffer data = checkpoint.data(name);
    double[] elements = new double[(int) tensor.elements()];
    for (int i = 0; i < elements.length; i++) {
      elements[i] =
          switch (tensor.dtype()) {
            case F32 -> data.getFloat();
            case F16 -> half(data.getShort());
            case BF16 -> Float.intBitsToFloat(data.getShort() << 16);
          };
    }
    return elements;
  }

  /** IEEE 754 half precision; finite values. */
  private static double half(short bits) {
    int exponent = (bits >> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude =
        exponent == 0
            ? Math.scalb((double) fraction, -24)
            : Math.scalb(1024.0 + fraction, exponent - 25);
    return bits < 0 ? -magnitude : magnitude;
  }
}
