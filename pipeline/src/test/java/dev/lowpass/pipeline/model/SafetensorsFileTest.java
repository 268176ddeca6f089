package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void chooseFile() {
    file = folder.resolve("m.safetensors");
  }

  @Test
  void readsTensorsInTheOrderOfTheFile() {
    new SafetensorsWriter()
        .add("z", DType.F32, new long[] {2, 2}, new float[] {1, -2, 3.5f, 4})
        .add("a", DType.BF16, new long[] {3}, new float[] {1, -2, 0.5f})
        .add("half", DType.F16, new long[] {2}, new float[] {1, -0.25f})
        .add("scalar", DType.F32, new long[] {}, new float[] {7})
        .add("empty", DType.F32, new long[] {0, 4}, new float[] {})
        .write(file);

    SafetensorsFile opened = SafetensorsFile.open(file);

    assertThat(opened.tensors())
        .extracting(TensorInfo::toString)
        .containsExactly(
            "z F32[2, 2]", "a BF16[3]", "half F16[2]", "scalar F32[]", "empty F32[0, 4]");
    ByteBuffer z = opened.data("z");
    assertThat(z.isReadOnly()).isTrue();
    assertThat(z.isDirect()).isTrue();
    assertThat(z.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(z.remaining()).isEqualTo(16);
    assertThat(z.getFloat(8)).isEqualTo(3.5f);
    assertThat(opened.data("a").getShort(2)).isEqualTo((short) 0xc000); // -2
    assertThat(opened.data("half").getShort(2)).isEqualTo((short) 0xb400); // -0.25
    assertThat(opened.data("scalar").getFloat()).isEqualTo(7);
    assertThat(opened.data("empty").remaining()).isZero();
  }

  @Test
  void givesEveryCallerItsOwnPosition() {
    new SafetensorsWriter().add("x", DType.F32, new long[] {2}, new float[] {1, 2}).write(file);
    SafetensorsFile opened = SafetensorsFile.open(file);

    opened.data("x").getFloat();

    assertThat(opened.data("x").position()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[1,2,3] | its header is not a JSON object; this is not a safetensors file",
        "{\"x\" | its header is not valid JSON: Unexpected end-of-input within/between Object"
            + " entries (line 1); copy or download the file again",
        "{} {} | its header goes on after the JSON object; copy or download the file again",
        "{\"x\":1} | tensor x is not described by a JSON object; copy or download the file again",
        "{\"__metadata__\":{\"a\":1}}"
            + " | __metadata__.a is not a string; copy or download the file again",
        "{\"__metadata__\":[]}"
            + " | __metadata__ is not a JSON object; copy or download the file again",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}} | tensor x lacks one of dtype, shape and"
            + " data_offsets; copy or download the file again",
        "{\"x\":{\"dtype\":5}}"
            + " | tensor x has a dtype that is not a string; copy or download the file again",
        "{\"x\":{\"shape\":2}}"
            + " | tensor x has a shape that is not a list; copy or download the file again",
        "{\"x\":{\"shape\":[1.5]}} | tensor x has a shape that is not a list of whole numbers;"
            + " copy or download the file again",
        "{\"x\":{\"shape\":[-2]}}"
            + " | tensor x has a negative number in its shape; copy or download the file again",
        "{\"x\":{\"shape\":[99999999999999999999]}} | tensor x has a number beyond 2^63 in its"
            + " shape; copy or download the file again",
        "{\"x\":{\"data_offsets\":[-4,8]}} | tensor x has a negative number in its data_offsets;"
            + " copy or download the file again",
      })
  void refusesAMalformedHeader(String header, String message) {
    SafetensorsWriter.writeRaw(file, header, new byte[8]);
    assertRefused(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "F33 | [2] | 0,8 | tensor x has the unknown dtype F33; convert the checkpoint to F32, F16"
            + " or BF16",
        "F32 | [2] | 8,0"
            + " | tensor x has reversed data_offsets [8, 0]; copy or download the file again",
        "F32 | [2] | 8"
            + " | tensor x has 1 data_offsets instead of 2; copy or download the file again",
        "F32 | [3] | 0,12 | tensor x ends at byte 12 of the data, of which the file has 8"
            + " (truncated); copy or download the file again",
        "F32 | [3] | 0,8"
            + " | tensor x takes 8 bytes, but F32[3] needs 12; copy or download the file again",
        "F4 | [3] | 0,1"
            + " | tensor x takes 1 bytes, but F4[3] needs 2; copy or download the file again",
        "F32 | [4294967296,4294967296] | 0,8 | tensor x has a shape whose size in bits is beyond"
            + " 2^63; copy or download the file again",
        "F32 | [1] | 4,8"
            + " | tensor x follows a hole of 4 unused bytes; copy or download the file again",
        "F32 | [1] | 0,4"
            + " | 4 bytes after the last tensor belong to none; copy or download the file again",
      })
  void refusesAWrongTensor(String type, String shape, String offsets, String message) {
    SafetensorsWriter.writeRaw(file, header("x", type, shape, offsets), new byte[8]);
    assertRefused(message);
  }

  @Test
  void refusesOverlappingTensors() {
    String first = header("first", "F32", "[2]", "0,8");
    String second = header("second", "F32", "[1]", "4,8");
    SafetensorsWriter.writeRaw(
        file, first.substring(0, first.length() - 1) + "," + second.substring(1), new byte[8]);
    assertRefused("tensor second overlaps tensor first; copy or download the file again");
  }

  @Test
  void refusesDuplicateNames() {
    String entry = header("x", "F32", "[2]", "0,8");
    SafetensorsWriter.writeRaw(
        file, entry.substring(0, entry.length() - 1) + "," + entry.substring(1), new byte[8]);
    assertRefused(
        "its header is not valid JSON: Duplicate field 'x' (line 1)"
            + "; copy or download the file again");
  }

  @Test
  void refusesAHeaderThatIsNotUtf8() throws IOException {
    byte[] bytes = {3, 0, 0, 0, 0, 0, 0, 0, '{', (byte) 0xff, '}'};
    Files.write(file, bytes);
    assertRefused("its header is not UTF-8; copy or download the file again");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 7})
  void refusesAFileTooShortForALength(int bytes) throws IOException {
    Files.write(file, new byte[bytes]);
    assertRefused(
        "truncated: its "
            + bytes
            + " bytes do not even hold the header's length; copy or download the file again");
  }

  @Test
  void refusesAHeaderThatIsCutOff() throws IOException {
    Files.write(file, new byte[] {100, 0, 0, 0, 0, 0, 0, 0, '{'});
    assertRefused(
        "truncated: says that its header has 100 bytes, but the file has 9"
            + "; copy or download the file again");
  }

  @ParameterizedTest
  @CsvSource({"100000001, 100000001", "-1, 18446744073709551615"})
  void refusesAnOversizedHeader(long length, String printed) throws IOException {
    Files.write(
        file, ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    assertRefused(
        "says that its header has "
            + printed
            + " bytes, more than the 100000000 allowed; this is not a safetensors file, or a"
            + " damaged one");
  }

  @Test
  void recognisesAGitLfsPointer() throws IOException {
    Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    assertRefused("a Git LFS pointer, not the weights; fetch them with 'git lfs pull'");
  }

  @Test
  void namesAMissingFile() {
    assertRefused("no such file; copy or download it");
  }

  @Test
  void keepsAMessageOnOneLineWhateverANameHolds() {
    String name = "a\\nb\\u0007" + "c".repeat(5000);
    SafetensorsWriter.writeRaw(file, header(name, "F33", "[2]", "0,8"), new byte[8]);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith(file + ": tensor a b ccc")
        .hasMessageNotContaining("\n")
        .message()
        .hasSizeLessThan(1100);
  }

  /** Sparse, so that no disk is used: 5 GB in tensors of 1.5 GB, each in a window of its own. */
  @Test
  void opensManyGigabytesAtOnceAndReadsWhatIsTouched() throws IOException {
    long bytes = 1_500_000_000;
    writeSparse("BF16", bytes / 2, bytes, 3);

    Instant start = Instant.now();
    SafetensorsFile opened = SafetensorsFile.open(file);
    Duration took = Duration.between(start, Instant.now());

    assertThat(took).isLessThan(Duration.ofSeconds(2));
    ByteBuffer last = opened.data("t2");
    assertThat(last.capacity()).isEqualTo(1_500_000_000);
    assertThat(last.getInt(1_499_999_996)).isEqualTo(0x04030201);
  }

  @Test
  void hasNoDataOfATensorBeyondTwoGibibytesButOfItsNeighbours() throws IOException {
    writeSparse("BF16", 1L << 30, 1L << 31, 2);
    SafetensorsFile opened = SafetensorsFile.open(file);
    assertThat(opened.tensors()).hasSize(2);
    assertThat(opened.data("t0")).isNull();
  }

  /** Tensors of zeros but for the last four bytes of the file: 1, 2, 3, 4. */
  private void writeSparse(String type, long elements, long bytes, int tensors) throws IOException {
    StringBuilder header = new StringBuilder();
    for (int i = 0; i < tensors; i++) {
      String entry = header("t" + i, type, "[" + elements + "]", i * bytes + "," + (i + 1) * bytes);
      header.append(i == 0 ? "{" : ",").append(entry, 1, entry.length() - 1);
    }
    SafetensorsWriter.writeRaw(file, header.append("}").toString(), new byte[0]);
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.setLength(out.length() + tensors * bytes);
      out.seek(out.length() - 4);
      out.write(new byte[] {1, 2, 3, 4});
    }
  }

  private static String header(String name, String type, String shape, String offsets) {
    return String.format(
        "{\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%s]}}",
        name, type, shape, offsets);
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(ModelException.class)
        .hasMessage(file + ": " + message);
  }
}
