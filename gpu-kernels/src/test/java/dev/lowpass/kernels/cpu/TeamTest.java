package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TeamTest {
  private static long teamThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("lowpass-cpu-"))
        .count();
  }

  @Test
  void runsEveryPartOnce() {
    try (Team team = new Team(3)) {
      for (int round = 0; round < 3000; round++) {
        int parts = round % 11;
        AtomicIntegerArray runs = new AtomicIntegerArray(11);
        team.run(parts, (part, worker) -> runs.incrementAndGet(part));
        for (int i = 0; i < 11; i++) {
          assertThat(runs.get(i)).isEqualTo(i < parts ? 1 : 0);
        }
      }
    }
  }

  @Test
  void allThreadsTakePartAfterAPause() throws Exception {
    try (Team team = new Team(3)) {
      for (int round = 0; round < 3; round++) {
        // Longer than workers spin: they are parked by now.
        Thread.sleep(50);
        CountDownLatch met = new CountDownLatch(3);
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        Set<Integer> workers = ConcurrentHashMap.newKeySet();
        team.run(
            3,
            (part, worker) -> {
              threads.add(Thread.currentThread());
              workers.add(worker);
              met.countDown();
              try {
                assertThat(met.await(30, TimeUnit.SECONDS)).isTrue();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
        assertThat(threads).hasSize(3).contains(Thread.currentThread());
        assertThat(workers).containsExactlyInAnyOrder(0, 1, 2);
      }
    }
  }

  @Test
  void whatAPartThrowsReachesTheCallerAndTheTeamGoesOn() {
    try (Team team = new Team(2)) {
      for (int bad = 0; bad < 20; bad++) {
        int thrower = bad;
        assertThatThrownBy(
                () ->
                    team.run(
                        20,
                        (part, worker) -> {
                          if (part == thrower) {
                            throw new IllegalStateException("part " + part);
                          }
                        }))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("part " + thrower);
      }
      assertThatThrownBy(
              () ->
                  team.run(
                      2,
                      (part, worker) -> {
                        throw new OutOfMemoryError("test");
                      }))
          .isInstanceOf(OutOfMemoryError.class);
      AtomicIntegerArray runs = new AtomicIntegerArray(4);
      team.run(4, (part, worker) -> runs.incrementAndGet(part));
      assertThat(runs.get(3)).isEqualTo(1);
    }
  }

  @Test
  void anInterruptIsKeptForTheCaller() {
    try (Team team = new Team(2)) {
      Thread.currentThread().interrupt();
      AtomicIntegerArray runs = new AtomicIntegerArray(50);
      team.run(50, (part, worker) -> runs.incrementAndGet(part));
      assertThat(Thread.interrupted()).isTrue();
      for (int i = 0; i < 50; i++) {
        assertThat(runs.get(i)).isEqualTo(1);
      }
    }
  }

  @Test
  void closingEndsItsThreads() {
    long before = teamThreads();
    Team team = new Team(4);
    team.run(8, (part, worker) -> {});
    assertThat(teamThreads()).isEqualTo(before + 3);
    team.close();
    assertThat(teamThreads()).isEqualTo(before);
    assertThatThrownBy(() -> team.run(1, (part, worker) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the device is closed");
    team.close();
  }

  @Test
  void anIdleTeamBurnsNothing() throws Exception {
    try (Team team = new Team(2)) {
      Thread[] worker = new Thread[1];
      CountDownLatch met = new CountDownLatch(2);
      team.run(
          2,
          (part, index) -> {
            if (index == 1) {
              worker[0] = Thread.currentThread();
            }
            met.countDown();
            try {
              assertThat(met.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      Thread.sleep(50);
      ThreadMXBean threads = ManagementFactory.getThreadMXBean();
      long start = threads.getThreadCpuTime(worker[0].getId());
      Thread.sleep(300);
      assertThat(threads.getThreadCpuTime(worker[0].getId()) - start).isLessThan(10_000_000);
    }
  }
}
