package dev.lowpass.kernels;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Inputs and outputs that others computed, in a folder beside the repository or in {@code
 * -Dlowpass.golden}.
 */
public final class GoldenFiles {
  private static final ObjectMapper JSON = new ObjectMapper();

  private GoldenFiles() {}

  public static Path folder() {
    String shared = System.getProperty("lowpass.shared", "../../shared");
    return Path.of(System.getProperty("lowpass.golden", shared + "/golden"));
  }

  /** The folder's files whose names begin and end so, in order; none where there is no folder. */
  public static List<Path> files(String prefix, String suffix) throws IOException {
    if (!Files.isDirectory(folder())) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder())) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(prefix))
          .filter(file -> file.getFileName().toString().endsWith(suffix))
          .sorted()
          .toList();
    }
  }

  /** A safetensors file of F32 and I64 tensors. */
  public record Tensors(JsonNode header, ByteBuffer data) {
    public static Tensors read(Path file) throws IOException {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      byte[] header = new byte[Math.toIntExact(bytes.getLong())];
      bytes.get(header);
      return new Tensors(JSON.readTree(header), bytes.slice().order(ByteOrder.LITTLE_ENDIAN));
    }

    public int metadata(String key) {
      return header.get("__metadata__").get(key).asInt();
    }

    public int extent(String tensor, int axis) {
      return header.get(tensor).get("shape").get(axis).asInt();
    }

    public String text(String key) {
      return header.get("__metadata__").get(key).asText();
    }

    public float[] floats(String tensor) {
      ByteBuffer bytes = bytes(tensor);
      float[] floats = new float[bytes.remaining() / Float.BYTES];
      bytes.asFloatBuffer().get(floats);
      return floats;
    }

    /** A tensor of indices. */
    public int[] ints(String tensor) {
      ByteBuffer bytes = bytes(tensor);
      int[] ints = new int[bytes.remaining() / Long.BYTES];
      for (int i = 0; i < ints.length; i++) {
        ints[i] = Math.toIntExact(bytes.getLong());
      }
      return ints;
    }

    private ByteBuffer bytes(String tensor) {
      JsonNode offsets = header.get(tensor).get("data_offsets");
      int begin = offsets.get(0).asInt();
      return data.slice(begin, offsets.get(1).asInt() - begin).order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
