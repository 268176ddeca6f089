package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  @Test
  void endsBeforeTheStopString() {
    StopStrings stops = new StopStrings(List.of("END"));
    assertThat(stops.accept("the E")).isEqualTo("the ");
    assertThat(stops.accept("Nd and EN")).isEqualTo("ENd and ");
    assertThat(stops.found()).isFalse();
    assertThat(stops.accept("D of it")).isEmpty();
    assertThat(stops.found()).isTrue();
    assertThat(stops.flush()).isEmpty();
  }

  @Test
  void theEarliestOfSeveralWins() {
    StopStrings stops = new StopStrings(List.of("cd", "b"));
    assertThat(stops.accept("abcd")).isEqualTo("a");
  }

  @Test
  void withoutAStopStringNothingIsHeldBack() {
    StopStrings stops = new StopStrings(List.of());
    assertThat(stops.accept("text")).isEqualTo("text");
  }

  @Test
  void anyCutIntoPiecesGivesTheTextBeforeTheStop() {
    Random random = new Random(1);
    for (int round = 0; round < 5_000; round++) {
      String text = letters(random, random.nextInt(20));
      List<String> stops = List.of(letters(random, 1 + random.nextInt(3)), "aab");
      int expected = text.length();
      for (String stop : stops) {
        int at = text.indexOf(stop);
        expected = at < 0 ? expected : Math.min(expected, at);
      }
      StopStrings finder = new StopStrings(stops);
      StringBuilder released = new StringBuilder();
      int from = 0;
      while (from < text.length() && !finder.found()) {
        int to = from + 1 + random.nextInt(text.length() - from);
        released.append(finder.accept(text.substring(from, to)));
        from = to;
      }
      released.append(finder.flush());
      if (finder.found()) {
        assertThat(text.substring(0, expected)).startsWith(released.toString());
        assertThat(stops).anyMatch(stop -> text.startsWith(stop, released.length()));
      } else {
        assertThat(released.toString()).isEqualTo(text);
        assertThat(expected).isEqualTo(text.length());
      }
    }
  }

  private static String letters(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
