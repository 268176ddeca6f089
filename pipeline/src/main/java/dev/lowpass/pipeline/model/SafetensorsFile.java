package dev.lowpass.pipeline.model;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A memory-mapped safetensors file: 8 bytes of header length, little endian, the header, the data.
 *
 * <p>Opening maps all of it and reads the header alone; data comes in from disk when it is first
 * touched. No file handle stays open. JDK 17 maps at most 2 GiB at a time, so the file is mapped in
 * windows that begin and end between tensors.
 */
final class SafetensorsFile {
  /** The format's own limit. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  /** What one map, and so one tensor, can hold. */
  private static final long MAX_MAP_BYTES = Integer.MAX_VALUE;

  private static final int LENGTH_BYTES = Long.BYTES;

  /** The first bytes of what git leaves in place of a file it has not fetched. */
  private static final String GIT_LFS_POINTER = "version ";

  private final List<TensorInfo> tensors;
  private final Map<String, ByteBuffer> data;

  private SafetensorsFile(List<TensorInfo> tensors, Map<String, ByteBuffer> data) {
    this.tensors = tensors;
    this.data = data;
  }

  static SafetensorsFile open(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      long headerBytes = headerLength(file, channel, size);
      byte[] header = read(channel, LENGTH_BYTES, (int) headerBytes);
      long dataStart = LENGTH_BYTES + headerBytes;
      List<TensorInfo> tensors = SafetensorsHeader.parse(file, header, dataStart, size - dataStart);
      return new SafetensorsFile(tensors, map(channel, tensors));
    } catch (NoSuchFileException e) {
      throw new ModelException(file + ": no such file; copy or download it", e);
    } catch (EOFException e) {
      throw new ModelException(file + ": shrank while it was read" + SafetensorsHeader.ADVICE, e);
    } catch (IOException e) {
      String why = Files.isDirectory(file) ? "it is a folder" : String.valueOf(e.getMessage());
      throw new ModelException(file + ": cannot be read: " + why, e);
    }
  }

  /** The tensors in the order in which they lie in the file. */
  List<TensorInfo> tensors() {
    return tensors;
  }

  /** A tensor's bytes, read-only and little endian; null for one beyond what can be mapped. */
  ByteBuffer data(String name) {
    ByteBuffer mapped = data.get(name);
    return mapped == null ? null : mapped.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long headerLength(Path file, FileChannel channel, long size) throws IOException {
    if (size < LENGTH_BYTES) {
      throw new ModelException(
          file
              + ": truncated: its "
              + size
              + " bytes do not even hold the header's length"
              + SafetensorsHeader.ADVICE);
    }
    byte[] length = read(channel, 0, LENGTH_BYTES);
    if (new String(length, StandardCharsets.ISO_8859_1).equals(GIT_LFS_POINTER)) {
      throw new ModelException(
          file + ": a Git LFS pointer, not the weights; fetch them with 'git lfs pull'");
    }
    long bytes = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (bytes < 0 || bytes > MAX_HEADER_BYTES) {
      throw new ModelException(
          file
              + ": says that its header has "
              + Long.toUnsignedString(bytes)
              + " bytes, more than the "
              + MAX_HEADER_BYTES
              + " allowed; this is not a safetensors file, or a damaged one");
    }
    if (bytes > size - LENGTH_BYTES) {
      throw new ModelException(
          file
              + ": truncated: says that its header has "
              + bytes
              + " bytes, but the file has "
              + size
              + SafetensorsHeader.ADVICE);
    }
    return bytes;
  }

  private static byte[] read(FileChannel channel, long position, int bytes) throws IOException {
    byte[] content = new byte[bytes];
    ByteBuffer buffer = ByteBuffer.wrap(content);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new EOFException();
      }
    }
    return content;
  }

  /** Maps consecutive tensors together, as many as fit a window. */
  private static Map<String, ByteBuffer> map(FileChannel channel, List<TensorInfo> tensors)
      throws IOException {
    Map<String, ByteBuffer> data = new HashMap<>();
    int first = 0;
    while (first < tensors.size()) {
      long start = tensors.get(first).offset();
      long end = start;
      int last = first;
      while (last < tensors.size() && end + tensors.get(last).bytes() - start <= MAX_MAP_BYTES) {
        end += tensors.get(last).bytes();
        last++;
      }
      if (last == first) {
        first++; // larger than any window: data() has nothing for it
        continue;
      }
      ByteBuffer window = channel.map(FileChannel.MapMode.READ_ONLY, start, end - start);
      for (TensorInfo tensor : tensors.subList(first, last)) {
        data.put(
            tensor.name(), window.slice((int) (tensor.offset() - start), (int) tensor.bytes()));
      }
      first = last;
    }
    return data;
  }
}
