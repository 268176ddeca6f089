package dev.lowpass.kernels.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads that share out the parts of one operation at a time; the caller is one of
 * them. Whoever is free takes the next part, so a thread that the system holds up delays nothing
 * but the part it has.
 *
 * <p>A worker spins for {@value #SPIN_NANOS} ns after an operation, which bridges the gap to the
 * next one of a decode step, and parks after that: an idle team burns nothing. An operation
 * allocates nothing: a decode step has hundreds of them.
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
  private volatile boolean closed;

  /**
   * The operation's number above, the parts that nobody has taken below: a worker that comes late,
   * with the number of an operation that is over, takes no part of the one after it.
   */
  private final AtomicLong ticket = new AtomicLong();

  // The operation: written before its ticket, and until all its parts have ended not again.
  private Task task;
  private int parts;
  private Thread caller;
  private final AtomicInteger ended = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile boolean callerParked;

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
    this.task = task;
    this.parts = parts;
    caller = Thread.currentThread();
    // The ticket's store publishes these, and is the one that waits for the other threads' caches.
    if (callerParked) {
      callerParked = false;
    }
    ended.setPlain(0);
    failure.setPlain(null);
    int number = number(ticket.get()) + 1;
    ticket.set((long) number << Integer.SIZE | parts);
    for (int i = 0; i < Math.min(workers.length, parts - 1); i++) {
      if (workers[i].parked) {
        LockSupport.unpark(workers[i]);
      }
    }
    work(number, 0);
    await();
    this.task = null;
  }

  /** Runs parts of an operation as long as there are any. */
  private void work(int number, int worker) {
    int left;
    while ((left = take(number)) > 0) {
      // The operation cannot end before this part has: its fields stay until then.
      int all = parts;
      int part = all - left;
      try {
        if (failure.get() == null) {
          task.run(part, worker);
        }
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
      Thread waiting = caller;
      if (ended.incrementAndGet() == all && callerParked) {
        LockSupport.unpark(waiting);
      }
    }
  }

  /**
   * Takes the next part of an operation.
   *
   * @return how many were left, this one included; 0 where none was, or the operation is over
   */
  private int take(int number) {
    while (true) {
      long current = ticket.get();
      int left = number(current) == number ? (int) current : 0;
      if (left == 0 || ticket.compareAndSet(current, current - 1)) {
        return left;
      }
    }
  }

  private static int number(long ticket) {
    return (int) (ticket >>> Integer.SIZE);
  }

  /** Waits until all parts have ended, and throws what one has thrown. */
  private void await() {
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
      int last = 0;
      while (awaitAfter(last)) {
        last = number(ticket.get());
        work(last, index);
      }
    }

    /** Waits for another operation than the last; returns false when the team closes. */
    private boolean awaitAfter(int last) {
      long start = System.nanoTime();
      while (!closed) {
        if (number(ticket.get()) != last) {
          return true;
        }
        if (System.nanoTime() - start < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          parked = true;
          // One that came before the flag was seen would wake nobody: look again.
          if (number(ticket.get()) == last && !closed) {
            LockSupport.park(Team.this);
          }
          parked = false;
        }
      }
      return false;
    }
  }
}
