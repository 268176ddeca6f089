package dev.lowpass.pipeline.model;

import dev.lowpass.kernels.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Writes safetensors files for tests: right ones, and wrong ones from a header given as text. */
public final class SafetensorsWriter {
  private record Entry(String name, String type, String shape, ByteBuffer data) {}

  private final List<Entry> entries = new ArrayList<>();

  /** Adds a tensor, its values rounded to nearest even. */
  public SafetensorsWriter add(String name, DType type, long[] shape, float[] values) {
    return add(name, type.name(), shape, encode(type, values));
  }

  /** Adds a tensor of any type from its bytes. */
  public SafetensorsWriter add(String name, String type, long[] shape, byte[] data) {
    String extents = Arrays.toString(shape).replace(" ", "");
    entries.add(new Entry(name, type, extents, ByteBuffer.wrap(data)));
    return this;
  }

  /** Writes the tensors in the order in which they were added. */
  public void write(Path file) {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    long offset = 0;
    for (Entry entry : entries) {
      header.append(
          String.format(
              Locale.ROOT,
              ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
              entry.name(),
              entry.type(),
              entry.shape(),
              offset,
              offset + entry.data().capacity()));
      offset += entry.data().capacity();
    }
    header.append('}');
    while (header.length() % 8 != 0) {
      header.append(' ');
    }
    ByteBuffer data = ByteBuffer.allocate((int) offset);
    entries.forEach(entry -> data.put(entry.data().duplicate()));
    writeRaw(file, header.toString(), data.array());
  }

  /** Writes a header as it is, with its true length, and the data behind it. */
  public static void writeRaw(Path file, String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES + json.length + data.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .put(data);
    try {
      Files.write(file, bytes.array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] encode(DType type, float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      switch (type) {
        case F32 -> bytes.putFloat(value);
        case F16 -> bytes.putShort(half(value));
        case BF16 -> bytes.putShort(brainFloat(value));
      }
    }
    return bytes.array();
  }

  private static short brainFloat(float value) {
    int bits = Float.floatToIntBits(value);
    int toEven = 0x7fff + ((bits >>> 16) & 1);
    return (short) ((bits + toEven) >>> 16);
  }

  /** To the nearest half; no infinities or NaNs. */
  private static short half(float value) {
    double magnitude = Math.abs((double) value);
    int exponent = Math.max(Math.getExponent(magnitude), -14);
    double steps = Math.rint(Math.scalb(magnitude, 10 - exponent)); // units of the last place
    // A normal number has 1024..2048 steps: its implicit bit adds one to the exponent field.
    int bits = (int) steps + ((exponent + 14) << 10);
    return (short) (value < 0 ? bits | 0x8000 : bits);
  }
}
