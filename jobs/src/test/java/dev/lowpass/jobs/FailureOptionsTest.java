package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class FailureOptionsTest {
  private final FailureLimit.Converter limits = new FailureLimit.Converter();
  private final FailureOptions.DurationConverter times = new FailureOptions.DurationConverter();

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1, 1",
    "12, 12",
    "5%, 15",
    "0.5%, 1",
    "0.05, 15",
    ".05, 15",
    "0%, 0",
    "100%, 300",
    "1.0, 300",
    "0.0, 0"
  })
  void aLimitIsACountOrAShare(String given, long of300) {
    assertThat(limits.convert(given).of(300)).isEqualTo(of300);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "-1", "5 %", "101%", "1.5", "%", ".", "1e3", "12.5"})
  void whatIsNoLimit(String given) {
    assertThatThrownBy(() -> limits.convert(given))
        .isInstanceOf(TypeConversionException.class)
        .hasMessage(
            "'" + given + "' is neither a number of documents nor a share such as 5% or 0.05");
  }

  @ParameterizedTest
  @CsvSource({"90s, 90", "5m, 300", "1h30m, 5400", "PT2M, 120", "P1D, 86400", "0.5s, 0"})
  void times(String given, long seconds) {
    assertThat(times.convert(given).toSeconds()).isEqualTo(seconds);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "5 minutes", "soon", "0s", "-5s"})
  void whatIsNoTime(String given) {
    assertThatThrownBy(() -> times.convert(given)).isInstanceOf(TypeConversionException.class);
  }

  @Test
  void withoutALimitAnyNumberMayFail() {
    assertThat(FailureLimit.NONE.of(3)).isGreaterThan(3);
    assertThat(times.convert("0.5s")).isEqualTo(Duration.ofMillis(500));
  }
}
