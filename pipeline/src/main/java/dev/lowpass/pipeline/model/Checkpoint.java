package dev.lowpass.pipeline.model;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A Hugging Face model folder: its configuration and its weights, memory-mapped read-only from
 * {@code model.safetensors} or from the shards that {@code model.safetensors.index.json} lists.
 *
 * <p>Opening takes milliseconds whatever the size: weights come in from disk when they are first
 * touched and are shared by all processes of a host. Buffers stay valid after {@link #close}: the
 * JVM unmaps them once nothing refers to them, which it can do safely and an explicit unmap cannot.
 * The files must not be shortened while they are in use. Thread-safe.
 */
public final class Checkpoint implements AutoCloseable {
  static final String CONFIG = "config.json";
  private static final String SINGLE = "model.safetensors";

  private final Path folder;
  private final ModelConfig config;
  private final GenerationDefaults generationDefaults;
  private final SortedMap<String, TensorInfo> tensors = new TreeMap<>();
  private final List<String> weightFiles;

  /** Where digests of files that do not change are remembered; null for nowhere. */
  private final Path cache;

  /** By file name; null once closed. */
  private volatile Map<String, SafetensorsFile> files;

  private String digest;

  private Checkpoint(Path folder, Path cache) {
    this.folder = folder;
    this.cache = cache;
    this.config = ModelConfig.parse(folder.resolve(CONFIG));
    this.generationDefaults = GenerationDefaults.read(folder);
    Path single = folder.resolve(SINGLE);
    Map<String, SafetensorsFile> opened = new HashMap<>();
    if (Files.exists(single)) {
      SafetensorsFile file = SafetensorsFile.open(single);
      opened.put(SINGLE, file);
      file.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
    } else if (Files.exists(folder.resolve(ShardIndex.FILE))) {
      ShardIndex index = ShardIndex.read(folder);
      index.shards().forEach(name -> opened.put(name, SafetensorsFile.open(folder.resolve(name))));
      tensors.putAll(index.resolve(opened));
    } else {
      throw ShardIndex.noWeights(folder);
    }
    weightFiles = List.copyOf(opened.keySet());
    files = opened;
  }

  /**
   * Opens a model folder and checks its files' form; {@link #verify} checks that the weights are
   * those that the configuration asks for.
   *
   * @throws ModelException if the folder, its configuration or one of its weight files cannot be
   *     used
   */
  public static Checkpoint open(Path folder) {
    return open(folder, null);
  }

  /**
   * The same.
   *
   * @param cache the folder in which {@link #digest} remembers what large files hash to, for the
   *     next process, as long as they do not change; null to hash them each time
   */
  public static Checkpoint open(Path folder, Path cache) {
    if (!Files.isDirectory(folder)) {
      throw new ModelException(
          folder
              + ": "
              + (Files.exists(folder) ? "not a folder" : "no such folder")
              + "; give a Hugging Face model folder (config.json, *.safetensors, tokenizer.json)");
    }
    return new Checkpoint(folder, cache);
  }

  /** The folder it was opened from. */
  public Path folder() {
    return folder;
  }

  /** The folder's own name. */
  public String name() {
    return folder.toAbsolutePath().normalize().getFileName().toString();
  }

  /**
   * {@code sha256:<hex>}, which identifies everything in the folder that can change an output,
   * wherever it lies and whenever it was written: {@code config.json}, {@code
   * generation_config.json}, {@code tokenizer.json}, {@code tokenizer_config.json}, {@code
   * chat_template.jinja} (those that exist) and the weight files. It is what {@code sha256sum FILES
   * | sha256sum} prints with these files in C order of name. The first call reads all weights
   * (files in parallel) but those that are remembered; later ones return the same string.
   *
   * @throws ModelException if a file cannot be read
   */
  public synchronized String digest() {
    if (digest == null) {
      digest = CheckpointDigest.compute(folder, weightFiles, cache);
    }
    return digest;
  }

  public ModelConfig config() {
    return config;
  }

  public GenerationDefaults generationDefaults() {
    return generationDefaults;
  }

  /** All tensors by name. */
  public SortedMap<String, TensorInfo> tensors() {
    return Collections.unmodifiableSortedMap(tensors);
  }

  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  /**
   * A tensor's elements: mapped, read-only, little endian, without a copy.
   *
   * @throws ModelException if there is no such tensor, if its type is none of F32, F16 and BF16, or
   *     if it is larger than 2 GiB
   */
  public ByteBuffer data(String name) {
    Map<String, SafetensorsFile> open = files;
    if (open == null) {
      throw new IllegalStateException("checkpoint " + folder + " is closed");
    }
    TensorInfo tensor = tensors.get(name);
    if (tensor == null) {
      throw new ModelException(
          folder
              + ": has no tensor "
              + name
              + "; the checkpoint is incomplete or of another model");
    }
    tensor.dtype();
    ByteBuffer data = open.get(tensor.file().getFileName().toString()).data(name);
    if (data == null) {
      throw new ModelException(
          tensor.file()
              + ": tensor "
              + name
              + " has "
              + tensor.bytes()
              + " bytes, more than the 2147483647 that can be mapped"
              + "; convert it to a smaller type (BF16 or F16)");
    }
    return data;
  }

  /**
   * {@link #data} of a matrix {@code [rows, columns]}, or of a vector {@code [columns]} where
   * {@code rows} is 1.
   *
   * @throws ModelException also if the shape is another
   */
  public ByteBuffer matrix(String name, int rows, int columns) {
    ByteBuffer data = data(name);
    checkShape(tensors.get(name), rows == 1 ? new long[] {columns} : new long[] {rows, columns});
    return data;
  }

  /**
   * Checks that every tensor that the configuration asks for is there, with the right shape and a
   * type that can be read, and that no layer has tensors that the configuration knows nothing of
   * (such as biases), which would change its results.
   *
   * @throws ModelException that names the first such tensor
   */
  public void verify() {
    Map<String, long[]> expected = WeightNames.expected(config);
    List<String> missing = new ArrayList<>(expected.keySet());
    missing.removeAll(tensors.keySet());
    if (!missing.isEmpty()) {
      throw new ModelException(
          String.format(
              Locale.ROOT,
              "%s: has no tensor %s (%d of the %d that config.json asks for are missing)"
                  + "; the checkpoint is incomplete or of another model",
              folder,
              missing.get(0),
              missing.size(),
              expected.size()));
    }
    expected.forEach(
        (name, shape) -> {
          checkShape(tensors.get(name), shape);
          data(name);
        });
    for (int i = 0; i < config.layers(); i++) {
      String prefix = WeightNames.layerPrefix(i);
      for (TensorInfo tensor : tensors.tailMap(prefix).values()) {
        if (!tensor.name().startsWith(prefix)) {
          break;
        }
        // Old Llama checkpoints store each layer's rotary frequencies, which the config gives.
        if (!expected.containsKey(tensor.name())
            && !tensor.name().endsWith("rotary_emb.inv_freq")) {
          throw new ModelException(
              tensor.file()
                  + ": tensor "
                  + tensor.name()
                  + " has no place in a "
                  + config.modelType()
                  + " model with this config.json; check model_type and the bias settings there");
        }
      }
    }
  }

  /** The number of weights in the files, tied ones counted once. */
  public long parameters() {
    return tensors.values().stream()
        .filter(TensorInfo::isSupported)
        .mapToLong(TensorInfo::elements)
        .sum();
  }

  /** Gives up the maps; buffers that are still in use keep theirs. */
  @Override
  public void close() {
    files = null;
  }

  private static void checkShape(TensorInfo tensor, long[] expected) {
    if (!Arrays.equals(tensor.shape(), expected)) {
      throw new ModelException(
          tensor.file()
              + ": tensor "
              + tensor.name()
              + ": expected "
              + Arrays.toString(expected)
              + " found "
              + Arrays.toString(tensor.shape())
              + "; config.json and the weights are of different models");
    }
  }
}
