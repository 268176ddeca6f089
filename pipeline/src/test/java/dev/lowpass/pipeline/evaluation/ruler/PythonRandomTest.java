package dev.lowpass.pipeline.evaluation.ruler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Expected draws are those of CPython 3.11 and NumPy after the seed 42. */
class PythonRandomTest {
  private final PythonRandom random = new PythonRandom(42);

  @Test
  void random() {
    assertThat(random.random()).isEqualTo(0.6394267984578837);
    assertThat(random.random()).isEqualTo(0.025010755222666936);
    assertThat(random.random()).isEqualTo(0.27502931836911926);
  }

  @Test
  void bits() {
    assertThat(random.bits(32)).isEqualTo(2746317213L);
    assertThat(random.bits(32)).isEqualTo(478163327L);
    assertThat(random.bits(32)).isEqualTo(107420369L);
    assertThat(random.bits(32)).isEqualTo(3184935163L);
  }

  @Test
  void between() {
    assertThat(random.between(1_000_000, 9_999_999)).isEqualTo(2867825);
    assertThat(random.between(1_000_000, 9_999_999)).isEqualTo(1419610);
    assertThat(random.between(1_000_000, 9_999_999)).isEqualTo(5614226);
  }

  @Test
  void sampleFromAPool() {
    assertThat(random.sample(40, 4)).containsExactly(7, 1, 17, 15);
  }

  @Test
  void sampleByRejection() {
    assertThat(random.sample(1000, 5)).containsExactly(654, 114, 25, 759, 281);
  }

  @Test
  void sampleOfMoreThanThereAre() {
    assertThatThrownBy(() -> random.sample(3, 4)).isInstanceOf(SizeException.class);
  }

  @Test
  void shuffle() {
    List<Integer> list = new ArrayList<>(IntStream.range(0, 10).boxed().toList());
    random.shuffle(list);
    assertThat(list).containsExactly(7, 3, 2, 8, 5, 6, 9, 4, 0, 1);
  }

  @Test
  void letters() {
    assertThat(random.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 5)).isEqualTo("QAHFT");
    assertThat(random.letters("abcdefghijklmnopqrstuvwxyz", 6)).isEqualTo("rxckaf");
  }

  @Test
  void uuid() {
    assertThat(random.uuid()).hasToString("bdd640fb-0667-4ad1-9c80-317fa3b1799d");
  }

  @Test
  void numpy() {
    NumpyRandom numpy = new NumpyRandom(42);
    assertThat(numpy.between(10_000, 99_999)).isEqualTo(25795);
    assertThat(numpy.between(10_000, 99_999)).isEqualTo(10860);
    assertThat(numpy.between(10_000, 99_999)).isEqualTo(86820);
  }
}
