package dev.lowpass.pipeline.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code model.safetensors.index.json}: its {@code weight_map} says which file each tensor is in.
 * Its {@code metadata.total_size} is ignored: many published ones are wrong.
 */
final class ShardIndex {
  static final String FILE = "model.safetensors.index.json";
  private static final String MAP = "weight_map";
  private static final Pattern PLAIN_NAME = Pattern.compile("[\\w.-]+\\.safetensors");

  private final Path file;
  private final SortedMap<String, String> shardOf;

  private ShardIndex(Path file, SortedMap<String, String> shardOf) {
    this.file = file;
    this.shardOf = shardOf;
  }

  static ShardIndex read(Path folder) {
    JsonObject index = JsonObject.read(folder.resolve(FILE));
    JsonObject map =
        index
            .object(MAP)
            .orElseThrow(() -> index.problem(MAP, "is missing; download the file again"));
    SortedMap<String, String> shardOf = new TreeMap<>();
    for (Iterator<String> names = map.keys(); names.hasNext(); ) {
      String name = names.next();
      String shard = map.text(name);
      // A folder is self-contained: an index never leads out of it.
      if (!PLAIN_NAME.matcher(shard).matches()) {
        throw map.wrong(name, "a .safetensors file in the same folder");
      }
      shardOf.put(name, shard);
    }
    ShardIndex result = new ShardIndex(index.file(), shardOf);
    for (String shard : result.shards()) {
      if (!Files.exists(folder.resolve(shard))) {
        throw new ModelException(
            folder.resolve(shard) + ": no such file, but " + FILE + " lists it; download it too");
      }
    }
    return result;
  }

  /** The files that it names. */
  SortedSet<String> shards() {
    return new TreeSet<>(shardOf.values());
  }

  /**
   * The tensors that it lists, each from the shard that it says; what else a shard has is left out.
   */
  SortedMap<String, TensorInfo> resolve(Map<String, SafetensorsFile> shards) {
    SortedMap<String, TensorInfo> tensors = new TreeMap<>();
    shards.forEach(
        (shard, content) ->
            content.tensors().stream()
                .filter(tensor -> shard.equals(shardOf.get(tensor.name())))
                .forEach(tensor -> tensors.put(tensor.name(), tensor)));
    List<String> missing = new ArrayList<>(shardOf.keySet());
    missing.removeAll(tensors.keySet());
    if (!missing.isEmpty()) {
      throw new ModelException(
          file
              + ": says that tensor "
              + missing.get(0)
              + " is in "
              + shardOf.get(missing.get(0))
              + ", which does not have it; download both files from the same place");
    }
    return tensors;
  }

  /** What to say of a folder without safetensors weights. */
  static ModelException noWeights(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      List<String> pickles =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.matches(".*\\.(bin|pt|pth|ckpt)"))
              .sorted()
              .toList();
      if (!pickles.isEmpty()) {
        return new ModelException(
            folder
                + ": has its weights only in "
                + pickles.get(0)
                + ", a pickle file, which is never read because it can run code"
                + "; convert it to model.safetensors");
      }
    } catch (IOException e) {
      return new ModelException(folder + ": cannot be listed: " + e.getMessage(), e);
    }
    return new ModelException(
        folder + ": has neither model.safetensors nor " + FILE + "; copy or download the weights");
  }
}
