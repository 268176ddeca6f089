package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import dev.lowpass.kernels.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever happens to a file's bytes, it is read within its bounds or refused in one line. */
class CorruptionTest {
  /** Pieces that hit the formats harder than random bytes do. */
  private static final String[] SPLINTERS = {
    "0",
    "-1",
    "9",
    "99999999999",
    "1e999",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "{}",
    "[]",
    "\"F64\"",
    "\"I8\"",
    "\"F32\"",
    "\\u0000",
    "\n",
    "true",
    "NaN"
  };

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "model.safetensors, 1, 1500",
    "config.json, 1, 800",
    "model.safetensors.index.json, 2, 500",
  })
  void neverEscapes(String name, int shards, int rounds) throws IOException {
    TinyCheckpoints.write(
        folder, "llama", Map.of("num_hidden_layers", 1, "hidden_size", 12), DType.F32, 1, shards);
    Path file = folder.resolve(name);
    byte[] right = Files.readAllBytes(file);
    int hot = name.endsWith(".safetensors") ? headerEnd(right) : right.length;
    Random random = new Random(20240607);
    int refused = 0;
    for (int round = 0; round < rounds; round++) {
      byte[] wrong = mutate(right, hot, random);
      Files.delete(file); // not written over: earlier rounds still have it mapped
      Files.write(file, wrong);
      refused += readAll(wrong) ? 0 : 1;
    }
    // Both ends happen: a mutation inside the numbers of a tensor is not noticed.
    assertThat(refused).isBetween(rounds / 2, rounds - 1);
  }

  /** Opens the folder and touches every byte; false if that was refused as it should be. */
  private boolean readAll(byte[] wrong) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      for (TensorInfo tensor : checkpoint.tensors().values()) {
        if (tensor.isSupported()) {
          ByteBuffer data = checkpoint.data(tensor.name());
          assertThat(data.remaining()).isEqualTo(tensor.bytes());
          while (data.remaining() >= Short.BYTES) {
            data.getShort();
          }
        }
      }
      checkpoint.verify();
      return true;
    } catch (ModelException e) {
      assertThat(e.getMessage()).startsWith(folder.toString()).doesNotContain("\n");
      return false;
    } catch (RuntimeException | Error e) {
      return fail("bytes " + new String(wrong, StandardCharsets.ISO_8859_1), e);
    }
  }

  private static byte[] mutate(byte[] right, int hot, Random random) {
    byte[] wrong = right.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(Math.min(hot, wrong.length));
      switch (random.nextInt(6)) {
        case 0 -> wrong[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> wrong[at] = (byte) random.nextInt(256);
        case 2 -> wrong = Arrays.copyOf(wrong, Math.max(1, random.nextInt(wrong.length)));
        case 3 -> wrong = Arrays.copyOf(wrong, wrong.length + 1 + random.nextInt(16));
        case 4 -> {
          byte[] splinter =
              SPLINTERS[random.nextInt(SPLINTERS.length)].getBytes(StandardCharsets.UTF_8);
          for (int b = 0; b < splinter.length && at + b < wrong.length; b++) {
            wrong[at + b] = splinter[b];
          }
        }
        default -> { // one digit for another: the right form with the wrong contents
          while (at < wrong.length && !Character.isDigit(wrong[at])) {
            at++;
          }
          if (at < wrong.length) {
            wrong[at] = (byte) ('0' + random.nextInt(10));
          }
        }
      }
    }
    return wrong;
  }

  private static int headerEnd(byte[] file) {
    return 8 + (file[0] & 0xff) + ((file[1] & 0xff) << 8);
  }
}
