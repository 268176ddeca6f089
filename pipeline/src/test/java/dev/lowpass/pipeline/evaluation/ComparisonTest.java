package dev.lowpass.pipeline.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static List<RowScore> rows(String task, int count, IntToDoubleFunction score) {
    return new ArrayList<>(
        IntStream.range(0, count)
            .mapToObj(i -> RowScore.of(task, "" + i, null, score.applyAsDouble(i)))
            .toList());
  }

  @Test
  void aRunIsNoWorseThanItself() {
    List<RowScore> run = rows("qa", 50, i -> i % 3 / 2.0);
    Comparison comparison = Comparison.of(run, run, 1);
    assertThat(comparison.regressed()).isFalse();
    assertThat(comparison.tasks().get(0).p()).isEqualTo(1);
  }

  /** A little worse on every row: it is the rows' differences that count, not their spread. */
  @Test
  void pairsRows() {
    List<RowScore> a = rows("qa", 50, i -> 0.1 + i % 2 * 0.8);
    List<RowScore> b = rows("qa", 50, i -> 0.09 + i % 2 * 0.8);
    Comparison.Task worse = Comparison.of(a, b, 1).tasks().get(0);
    assertThat(worse.regressed()).isTrue();
    assertThat(worse.b() - worse.a()).isCloseTo(-1, within(1e-9));
    assertThat(worse.interval().high()).isCloseTo(-1, within(1e-9));
    assertThat(Comparison.of(b, a, 1).regressed()).isFalse();
  }

  /** The normal approximation of the mean's spread, which the bootstrap must come close to. */
  @Test
  void intervalOfTheDifference() {
    Random random = new Random(7);
    double[] differences = random.doubles(400, -0.5, 0.5).toArray();
    List<RowScore> a = rows("qa", 400, i -> 0.5);
    List<RowScore> b = rows("qa", 400, i -> 0.5 + differences[i]);
    Comparison.Task task = Comparison.of(a, b, 1).tasks().get(0);
    double mean = 100 * IntStream.range(0, 400).mapToDouble(i -> differences[i]).sum() / 400;
    double error = 100 * Math.sqrt(1.0 / 12 / 400);
    assertThat(task.interval().low()).isCloseTo(mean - 1.96 * error, within(0.3));
    assertThat(task.interval().high()).isCloseTo(mean + 1.96 * error, within(0.3));
  }

  /** One loss among five rows: without it in (4/5)^5 of the resamples. */
  @Test
  void oneRowIsNoRegression() {
    List<RowScore> a = rows("qa", 5, i -> 1);
    List<RowScore> b = rows("qa", 5, i -> i == 2 ? 0 : 1);
    Comparison comparison = Comparison.of(a, b, 1);
    assertThat(comparison.tasks().get(0).p()).isCloseTo(Math.pow(0.8, 5), within(0.02));
    assertThat(comparison.regressed()).isFalse();
  }

  /** Four of forty rows lost: p is 0.9^40 = 0.015, no longer small beside four other tasks. */
  @Test
  void manyTasksAreAdjustedFor() {
    List<RowScore> a = rows("t0", 40, i -> 1);
    List<RowScore> b = rows("t0", 40, i -> i < 4 ? 0 : 1);
    assertThat(Comparison.of(a, b, 1).tasks().get(0).p()).isCloseTo(0.0148, within(0.005));
    assertThat(Comparison.of(a, b, 1).regressed()).isTrue();
    for (int t = 1; t < 5; t++) {
      a.addAll(rows("t" + t, 40, i -> 1));
      b.addAll(rows("t" + t, 40, i -> 1));
    }
    Comparison.Task task = Comparison.of(a, b, 1).tasks().get(0);
    assertThat(task.p()).isCloseTo(5 * 0.0148, within(0.025));
    assertThat(task.regressed()).isFalse();
  }

  @Test
  void theOrderOfRowsDoesNotMatter() {
    Random random = new Random(3);
    List<RowScore> a = rows("qa", 60, i -> random.nextDouble());
    List<RowScore> b = rows("qa", 60, i -> random.nextDouble());
    Comparison expected = Comparison.of(a, b, 1);
    Collections.shuffle(a, random);
    Collections.shuffle(b, random);
    assertThat(Comparison.of(a, b, 1)).isEqualTo(expected);
  }

  @Test
  void onlyRowsOfBothRunsAreCompared() {
    List<RowScore> a = rows("qa", 10, i -> 1);
    List<RowScore> b = rows("qa", 8, i -> 1);
    a.set(0, RowScore.failed("qa", "0", "not valid JSON"));
    b.add(RowScore.of("new", "0", null, 1));
    Comparison comparison = Comparison.of(a, b, 1);
    assertThat(comparison.tasks()).hasSize(1);
    assertThat(comparison.tasks().get(0).rows()).isEqualTo(7);
    assertThat(comparison.tasks().get(0).unpaired()).isEqualTo(3);
    assertThat(comparison.regressed()).isFalse();
  }

  @Test
  void aTaskThatIsGoneIsARegression() {
    Comparison comparison = Comparison.of(rows("qa", 3, i -> 1), rows("other", 3, i -> 1), 1);
    assertThat(comparison.missing()).containsExactly("qa");
    assertThat(comparison.regressed()).isTrue();
  }

  @Test
  void aRowThatStandsTwiceIsRefused() {
    List<RowScore> twice = rows("qa", 3, i -> 1);
    twice.add(twice.get(1));
    assertThatThrownBy(() -> Comparison.of(twice, twice, 1))
        .isInstanceOf(EvaluationException.class)
        .hasMessage("task qa has row 1 twice; rows must have names of their own");
  }
}
