package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The JSON header of a safetensors file: one entry a tensor with {@code dtype}, {@code shape} and
 * {@code data_offsets} [begin, end) counted from the end of the header, and an optional {@code
 * __metadata__} of strings. The tensors must fill the rest of the file without holes or overlaps.
 *
 * <p>It is read as a stream: a header may be 100 MB, and a tree of it would be many times that.
 */
final class SafetensorsHeader {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final String METADATA = "__metadata__";

  /** All types of the format and their size in bits. */
  private static final Map<String, Integer> TYPE_BITS =
      Map.ofEntries(
          Map.entry("BOOL", 8),
          Map.entry("F4", 4),
          Map.entry("F6_E2M3", 6),
          Map.entry("F6_E3M2", 6),
          Map.entry("U8", 8),
          Map.entry("I8", 8),
          Map.entry("F8_E5M2", 8),
          Map.entry("F8_E4M3", 8),
          Map.entry("F8_E8M0", 8),
          Map.entry("F8_E4M3FNUZ", 8),
          Map.entry("F8_E5M2FNUZ", 8),
          Map.entry("I16", 16),
          Map.entry("U16", 16),
          Map.entry("F16", 16),
          Map.entry("BF16", 16),
          Map.entry("I32", 32),
          Map.entry("U32", 32),
          Map.entry("F32", 32),
          Map.entry("C64", 64),
          Map.entry("F64", 64),
          Map.entry("I64", 64),
          Map.entry("U64", 64));

  private final Path file;
  private final long dataStart;
  private final long dataBytes;

  private SafetensorsHeader(Path file, long dataStart, long dataBytes) {
    this.file = file;
    this.dataStart = dataStart;
    this.dataBytes = dataBytes;
  }

  /**
   * Reads and checks a header.
   *
   * @param json the header's bytes
   * @param dataStart where the data begins in the file
   * @param dataBytes how many bytes of data the file has
   * @return the tensors in the order in which they lie in the file
   */
  static List<TensorInfo> parse(Path file, byte[] json, long dataStart, long dataBytes) {
    SafetensorsHeader header = new SafetensorsHeader(file, dataStart, dataBytes);
    String text = header.decode(json);
    List<TensorInfo> tensors;
    try (JsonParser parser = JSON.createParser(text)) {
      tensors = header.readTensors(parser);
    } catch (JsonProcessingException e) {
      throw new ModelException(
          file + ": its header is not valid JSON: " + JsonObject.describe(e) + ADVICE, e);
    } catch (IOException e) {
      throw new ModelException(file + ": cannot be read: " + e.getMessage(), e);
    }
    tensors.sort(Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::bytes));
    header.checkLayout(tensors);
    return tensors;
  }

  /** How most damage is mended. */
  static final String ADVICE = "; copy or download the file again";

  private String decode(byte[] json) {
    if (json.length == 0 || json[0] != '{') {
      throw new ModelException(
          file + ": its header is not a JSON object; this is not a safetensors file");
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
    } catch (CharacterCodingException e) {
      throw new ModelException(file + ": its header is not UTF-8" + ADVICE, e);
    }
  }

  private List<TensorInfo> readTensors(JsonParser parser) throws IOException {
    List<TensorInfo> tensors = new ArrayList<>();
    parser.nextToken();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      if (name.equals(METADATA)) {
        skipMetadata(parser, value);
      } else if (value == JsonToken.START_OBJECT) {
        tensors.add(readTensor(parser, name));
      } else {
        throw damaged(name, "is not described by a JSON object");
      }
    }
    if (parser.nextToken() != null) {
      throw new ModelException(file + ": its header goes on after the JSON object" + ADVICE);
    }
    return tensors;
  }

  private void skipMetadata(JsonParser parser, JsonToken value) throws IOException {
    if (value != JsonToken.START_OBJECT) {
      throw new ModelException(file + ": " + METADATA + " is not a JSON object" + ADVICE);
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw new ModelException(
            file + ": " + METADATA + "." + parser.currentName() + " is not a string" + ADVICE);
      }
    }
  }

  private TensorInfo readTensor(JsonParser parser, String name) throws IOException {
    String type = null;
    long[] shape = null;
    long[] offsets = null;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      JsonToken value = parser.nextToken();
      switch (key) {
        case "dtype" -> {
          if (value != JsonToken.VALUE_STRING) {
            throw damaged(name, "has a dtype that is not a string");
          }
          type = parser.getText();
        }
        case "shape" -> shape = readNumbers(parser, value, name, key);
        case "data_offsets" -> offsets = readNumbers(parser, value, name, key);
        default -> parser.skipChildren();
      }
    }
    if (type == null || shape == null || offsets == null) {
      throw damaged(name, "lacks one of dtype, shape and data_offsets");
    }
    return tensor(name, type, shape, offsets);
  }

  /** A list of whole numbers from 0 to 2^63 - 1. */
  private long[] readNumbers(JsonParser parser, JsonToken value, String name, String key)
      throws IOException {
    if (value != JsonToken.START_ARRAY) {
      throw damaged(name, "has a " + key + " that is not a list");
    }
    List<Long> numbers = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
        throw damaged(name, "has a " + key + " that is not a list of whole numbers");
      }
      if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
        throw damaged(name, "has a number beyond 2^63 in its " + key);
      }
      if (parser.getLongValue() < 0) {
        throw damaged(name, "has a negative number in its " + key);
      }
      numbers.add(parser.getLongValue());
    }
    return numbers.stream().mapToLong(Long::longValue).toArray();
  }

  private TensorInfo tensor(String name, String type, long[] shape, long[] offsets) {
    Integer bits = TYPE_BITS.get(type);
    if (bits == null) {
      throw new ModelException(
          file
              + ": tensor "
              + name
              + " has the unknown dtype "
              + type
              + "; convert the checkpoint to F32, F16 or BF16");
    }
    if (offsets.length != 2) {
      throw damaged(name, "has " + offsets.length + " data_offsets instead of 2");
    }
    long begin = offsets[0];
    long end = offsets[1];
    if (begin > end) {
      throw damaged(name, "has reversed data_offsets [" + begin + ", " + end + "]");
    }
    if (end > dataBytes) {
      throw damaged(
          name,
          "ends at byte "
              + end
              + " of the data, of which the file has "
              + dataBytes
              + " (truncated)");
    }
    long elementBits;
    try {
      elementBits = bits;
      for (long extent : shape) {
        elementBits = Math.multiplyExact(elementBits, extent);
      }
    } catch (ArithmeticException e) {
      throw damaged(name, "has a shape whose size in bits is beyond 2^63");
    }
    if (elementBits % 8 != 0 || elementBits / 8 != end - begin) {
      throw damaged(
          name,
          "takes "
              + (end - begin)
              + " bytes, but "
              + type
              + Arrays.toString(shape)
              + " needs "
              + (elementBits + 7) / 8);
    }
    return new TensorInfo(name, type, shape, file, dataStart + begin, end - begin);
  }

  /** The tensors must follow one another from the first byte of data to the last. */
  private void checkLayout(List<TensorInfo> tensors) {
    long position = dataStart;
    String previous = null;
    for (TensorInfo tensor : tensors) {
      if (tensor.offset() < position) {
        throw damaged(tensor.name(), "overlaps tensor " + previous);
      }
      if (tensor.offset() > position) {
        throw damaged(
            tensor.name(), "follows a hole of " + (tensor.offset() - position) + " unused bytes");
      }
      position += tensor.bytes();
      previous = tensor.name();
    }
    long trailing = dataStart + dataBytes - position;
    if (trailing > 0) {
      throw new ModelException(
          file + ": " + trailing + " bytes after the last tensor belong to none" + ADVICE);
    }
  }

  private ModelException damaged(String tensor, String what) {
    return new ModelException(file + ": tensor " + tensor + " " + what + ADVICE);
  }
}
