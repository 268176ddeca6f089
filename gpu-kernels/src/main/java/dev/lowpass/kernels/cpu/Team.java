package dev.lowpass.kernels.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads that share out the parts of one operation at a time; the caller is one of
 * them. Whoever is free takes the next part, so a thread that the system holds up delays nothing
 * but the part it has.
 *
 * <p>A worker spins for {@value #SPIN_NANOS} ns after an operation, which bridges the gap to the
 * next one of a decode step, and parks after that: an idle team burns nothing.
 */
final class Team implements AutoCloseable {
  /** One operation, cut into parts that may run in any order, each once. */
  interface Task {
    /**
     * Runs a part.
     *
     * @param worker which thread runs it, below {@link Team#size()}: the index of its scratch
     *     memory
     */
    void run(int part, int worker);
  }

  private static final long SPIN_NANOS = 30_000;

  private final Worker[] workers;
  private volatile Job current;
  private volatile boolean closed;

  Team(int size) {
    workers = new Worker[size - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].start();
    }
  }

  /** Threads, the caller included. */
  int size() {
    return workers.length + 1;
  }

  /**
   * Runs a task's parts and returns when all have ended. What a part throws, the caller gets; the
   * parts not begun by then are left out.
   */
  void run(int parts, Task task) {
    if (closed) {
      throw new IllegalStateException("the device is closed");
    }
    if (parts <= 1 || workers.length == 0) {
      for (int i = 0; i < parts; i++) {
        task.run(i, 0);
      }
      return;
    }
    Job job = new Job(parts, task, Thread.currentThread());
    current = job;
    for (int i = 0; i < Math.min(workers.length, parts - 1); i++) {
      if (workers[i].parked) {
        LockSupport.unpark(workers[i]);
      }
    }
    job.work(0);
    job.await();
  }

  /** Ends the threads. */
  @Override
  public void close() {
    closed = true;
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
    }
    boolean interrupted = false;
    for (Worker worker : workers) {
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Worker extends Thread {
    private final int index;
    private volatile boolean parked;

    Worker(int index) {
      super("lowpass-cpu-" + index);
      this.index = index;
      setDaemon(true);
    }

    @Override
    public void run() {
      Job last = null;
      while (true) {
        Job job = next(last);
        if (job == null) {
          return;
        }
        job.work(index);
        last = job;
      }
    }

    /** Waits for another job than the last; null when the team closes. */
    private Job next(Job last) {
      long start = System.nanoTime();
      while (!closed) {
        Job job = current;
        if (job != last) {
          return job;
        }
        if (System.nanoTime() - start < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          parked = true;
          // A job that came before the flag was seen would wake nobody: look again.
          if (current == last && !closed) {
            LockSupport.park(Team.this);
          }
          parked = false;
        }
      }
      return null;
    }
  }

  /** Late workers find their job's parts taken and leave it: nobody waits for them. */
  private static final class Job {
    private final int parts;
    private final Task task;
    private final Thread caller;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean callerParked;

    Job(int parts, Task task, Thread caller) {
      this.parts = parts;
      this.task = task;
      this.caller = caller;
    }

    void work(int worker) {
      int part;
      while ((part = next.getAndIncrement()) < parts) {
        try {
          if (failure.get() == null) {
            task.run(part, worker);
          }
        } catch (Throwable e) {
          failure.compareAndSet(null, e);
        }
        if (ended.incrementAndGet() == parts && callerParked) {
          LockSupport.unpark(caller);
        }
      }
    }

    void await() {
      boolean interrupted = false;
      long start = System.nanoTime();
      while (ended.get() < parts) {
        if (System.nanoTime() - start < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          callerParked = true;
          if (ended.get() < parts) {
            LockSupport.park(this);
            // An interrupted thread does not park: the flag is put back at the end.
            interrupted |= Thread.interrupted();
          }
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      Throwable thrown = failure.get();
      if (thrown instanceof Error error) {
        throw error;
      }
      if (thrown != null) {
        throw (RuntimeException) thrown;
      }
    }
  }
}
