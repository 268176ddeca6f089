package dev.lowpass.pipeline.model;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Floats;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Weight;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A checkpoint's matrices in another type than they are stored in. They are converted once a host:
 * the result is kept in a cache, in a file that is named for the checkpoint's digest and the type,
 * and mapped from there by every process.
 *
 * <p>The file is a safetensors file with each matrix's bytes as {@code U8}, and behind them the
 * CRC-32C of all of them, which is checked each time: a damaged file is written anew. It appears
 * under its name when it is complete, so that processes that start at the same time do not disturb
 * each other. Nothing is ever removed from the cache: whoever clears it away costs the next start a
 * conversion.
 */
public final class PackedWeights {
  private static final Logger LOG = LoggerFactory.getLogger(PackedWeights.class);

  /** To be raised when the same weights are packed in another way. */
  private static final int REVISION = 3;

  private static final String CHECKSUM = "crc32c";

  /** What tensors begin at multiples of: a vector that is read lies in one line of the cache. */
  private static final int LINE_BYTES = 64;

  /** Bytes that are converted at a time. */
  private static final int PIECE_BYTES = 8 << 20;

  private final Checkpoint checkpoint;
  private final WeightType type;
  private final Map<String, ByteBuffer> data = new HashMap<>();

  private PackedWeights(Checkpoint checkpoint, WeightType type) {
    this.checkpoint = checkpoint;
    this.type = type;
  }

  /**
   * Maps a checkpoint's matrices in a type, after converting them if no process did so before.
   *
   * @throws ModelException if one of them cannot be converted, or the cache not be written
   */
  public static PackedWeights of(Checkpoint checkpoint, WeightOptions options) {
    PackedWeights packed = new PackedWeights(checkpoint, options.type());
    SortedMap<String, Long> sizes = packed.sizes();
    if (sizes.isEmpty()) {
      return packed;
    }
    if (options.cache() == null) {
      packed.fill(sizes);
      return packed;
    }
    String digest = checkpoint.digest().substring(checkpoint.digest().indexOf(':') + 1);
    Path file =
        options.cache().resolve("%s-%s-%d.safetensors".formatted(digest, options.type(), REVISION));
    if (!packed.map(file, sizes)) {
      packed.write(file, sizes);
      if (!packed.map(file, sizes)) {
        throw new ModelException(
            file + ": changed as soon as it was written; give another --model-cache");
      }
    }
    return packed;
  }

  /** The bytes that weights take as they are loaded: packed, or else as they are stored. */
  public long bytes() {
    long bytes = 0;
    for (TensorInfo tensor : checkpoint.tensors().values()) {
      ByteBuffer mine = data.get(tensor.name());
      bytes += mine == null ? tensor.bytes() : mine.remaining();
    }
    return bytes;
  }

  /**
   * {@link #bytes} of a checkpoint in a type, without converting anything.
   *
   * @throws ModelException if a tensor's type cannot be converted
   */
  public static long bytes(Checkpoint checkpoint, WeightType type) {
    SortedMap<String, Long> sizes = new PackedWeights(checkpoint, type).sizes();
    return checkpoint.tensors().values().stream()
        .mapToLong(tensor -> sizes.getOrDefault(tensor.name(), tensor.bytes()))
        .sum();
  }

  /** The same of one tensor. */
  public static long bytes(Checkpoint checkpoint, WeightType type, String tensor) {
    return new PackedWeights(checkpoint, type)
        .sizes()
        .getOrDefault(tensor, checkpoint.tensors().get(tensor).bytes());
  }

  /** Puts a matrix, or a vector where {@code rows} is 1, on a device. */
  public Weight load(Device device, String name, int rows, int columns) {
    ByteBuffer mine = data.get(name);
    if (mine == null) {
      ByteBuffer stored = checkpoint.matrix(name, rows, columns);
      return device.weight(name, checkpoint.tensors().get(name).dtype(), rows, columns, stored);
    }
    Quantization quantization = quantization(name);
    return quantization == null
        ? device.weight(name, DType.BF16, rows, columns, mine.duplicate())
        : device.blocks(name, quantization, rows, columns, mine.duplicate());
  }

  /** What a matrix is turned into; null for BF16. */
  private Quantization quantization(String name) {
    if (type == WeightType.BF16) {
      return null;
    }
    boolean vocabulary =
        name.equals(WeightNames.EMBEDDING) || name.equals(WeightNames.output(checkpoint.config()));
    return type == WeightType.INT4 && !vocabulary ? Quantization.INT4 : Quantization.INT8;
  }

  /** The matrices that are to be converted, and the bytes that each takes then. */
  private SortedMap<String, Long> sizes() {
    SortedMap<String, Long> sizes = new TreeMap<>();
    if (type == WeightType.AUTO) {
      return sizes;
    }
    WeightNames.expected(checkpoint.config())
        .forEach(
            (name, shape) -> {
              TensorInfo tensor = checkpoint.tensors().get(name);
              boolean stays = type == WeightType.BF16 && tensor.dtype() == DType.BF16;
              if (shape.length == 2 && !stays) {
                Quantization quantization = quantization(name);
                sizes.put(
                    name,
                    quantization == null
                        ? tensor.elements() * DType.BF16.bytes()
                        : quantization.bytes((int) shape[0], (int) shape[1]));
              }
            });
    return sizes;
  }

  /** Takes what a file has, if that is what was written to it. */
  private boolean map(Path file, SortedMap<String, Long> sizes) {
    if (!Files.exists(file)) {
      return false;
    }
    try {
      SafetensorsFile mapped = SafetensorsFile.open(file);
      CRC32C checksum = new CRC32C();
      for (Map.Entry<String, Long> entry : sizes.entrySet()) {
        ByteBuffer bytes = mapped.data(entry.getKey());
        if (bytes == null || bytes.remaining() != entry.getValue()) {
          throw new ModelException(file + ": its " + entry.getKey() + " is not the model's");
        }
        checksum.update(bytes.duplicate());
        data.put(entry.getKey(), bytes);
      }
      ByteBuffer expected = mapped.data(CHECKSUM);
      if (expected == null
          || expected.remaining() != Long.BYTES
          || expected.getLong() != checksum.getValue()) {
        throw new ModelException(file + ": its bytes are not those that were written");
      }
      return true;
    } catch (ModelException e) {
      LOG.warn("{}; converting the weights again", e.getMessage());
      data.clear();
      return false;
    }
  }

  private void fill(SortedMap<String, Long> sizes) {
    sizes.forEach(
        (name, size) -> {
          int bytes = Math.toIntExact(size);
          ByteBuffer memory = ByteBuffer.allocateDirect(Math.addExact(bytes, 2 * LINE_BYTES));
          ByteBuffer all = memory.alignedSlice(LINE_BYTES).limit(bytes);
          try {
            convert(name, all::put);
          } catch (IOException e) {
            throw new AssertionError("memory takes what it is given", e);
          }
          data.put(name, all.flip().order(ByteOrder.LITTLE_ENDIAN));
        });
  }

  private void write(Path file, SortedMap<String, Long> sizes) {
    Path partial = null;
    try {
      Files.createDirectories(file.getParent());
      partial = Files.createTempFile(file.getParent(), file.getFileName().toString(), ".tmp");
      try (FileChannel channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        writeAll(channel, header(sizes));
        CRC32C checksum = new CRC32C();
        for (String name : sizes.keySet()) {
          convert(
              name,
              piece -> {
                checksum.update(piece.duplicate());
                writeAll(channel, piece);
              });
        }
        ByteBuffer trailer = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        writeAll(channel, trailer.putLong(checksum.getValue()).flip());
      }
      Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new ModelException(
          "%s: cannot be written: %s; make room, or give another --model-cache".formatted(file, e),
          e);
    } finally {
      delete(partial);
    }
  }

  private static void delete(Path file) {
    if (file != null) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        LOG.warn("{} is of no use, and could not be deleted: {}", file, e.toString());
      }
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static ByteBuffer header(SortedMap<String, Long> sizes) {
    StringBuilder json = new StringBuilder("{");
    long offset = 0;
    for (Map.Entry<String, Long> entry : sizes.entrySet()) {
      offset = entry(json, entry.getKey(), offset, entry.getValue());
    }
    entry(json, CHECKSUM, offset, Long.BYTES);
    json.append('}');
    json.append(" ".repeat(-(Long.BYTES + json.length()) & LINE_BYTES - 1));
    byte[] bytes = json.toString().getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + bytes.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(bytes.length)
        .put(bytes)
        .flip();
  }

  private static long entry(StringBuilder json, String name, long offset, long bytes) {
    json.append(json.length() == 1 ? "" : ",")
        .append("\"%s\":{\"dtype\":\"U8\",\"shape\":[%d],".formatted(name, bytes))
        .append("\"data_offsets\":[%d,%d]}".formatted(offset, offset + bytes));
    return offset + bytes;
  }

  /** Takes a matrix's bytes, one piece after the other. */
  private interface Sink {
    void take(ByteBuffer piece) throws IOException;
  }

  private void convert(String name, Sink sink) throws IOException {
    TensorInfo tensor = checkpoint.tensors().get(name);
    int rows = Math.toIntExact(tensor.shape()[0]);
    int columns = Math.toIntExact(tensor.shape()[1]);
    ByteBuffer stored = checkpoint.matrix(name, rows, columns);
    int stride = columns * tensor.dtype().bytes();
    Quantization quantization = quantization(name);
    long groupBytes =
        quantization == null
            ? (long) Quantization.ROWS * columns * DType.BF16.bytes()
            : quantization.groupBytes(columns);
    int rowsAPiece = Quantization.ROWS * (int) Math.max(1, PIECE_BYTES / groupBytes);
    int most = Math.min(rows, rowsAPiece);
    ByteBuffer piece =
        ByteBuffer.allocateDirect(
            quantization == null
                ? Math.multiplyExact(most, columns * DType.BF16.bytes())
                : Math.toIntExact(quantization.bytes(most, columns)));
    for (int row = 0; row < rows; row += rowsAPiece) {
      int count = Math.min(rowsAPiece, rows - row);
      ByteBuffer from = stored.slice(row * stride, count * stride);
      piece.clear();
      if (quantization == null) {
        round(tensor.dtype(), count, columns, from, piece);
        piece.limit(count * columns * DType.BF16.bytes());
      } else {
        try {
          quantization.quantize(name, tensor.dtype(), count, columns, from, piece);
        } catch (IllegalArgumentException e) {
          throw new ModelException(tensor.file() + ": " + e.getMessage(), e);
        }
        piece.limit((int) quantization.bytes(count, columns));
      }
      sink.take(piece);
    }
  }

  private static void round(DType type, int rows, int columns, ByteBuffer data, ByteBuffer out) {
    ByteBuffer in = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer to = out.slice().order(ByteOrder.LITTLE_ENDIAN);
    IntStream.range(0, rows)
        .parallel()
        .forEach(
            row -> {
              for (int i = row * columns; i < (row + 1) * columns; i++) {
                to.putShort(2 * i, Floats.toBf16(Floats.get(type, in, i * type.bytes())));
              }
            });
  }
}
