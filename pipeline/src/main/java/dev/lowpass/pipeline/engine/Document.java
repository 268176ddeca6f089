package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Energy;
import dev.lowpass.pipeline.decoder.Sequence;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A document on the device. What its prompts share is read once, into the first lane, the trunk;
 * each prompt goes on from there in a branch, as many at a time as there are slots for. The last to
 * begin has the trunk itself; so have the others where a prompt only appends to it, which can be
 * taken off again. Where each prompt reads the document anew, it has a lane of its own.
 */
final class Document implements AutoCloseable {
  private static final int[] NO_PROBE = {};

  private final Submission submission;
  private final boolean retry;
  private final Writer writer;
  private final Slots slots;
  private final Heads heads;
  private final Reading reading;
  private final List<int[]> prompts;
  private final int shared;
  private final List<Lane> lanes = new ArrayList<>();
  private final Lane trunk;
  private final long queueNanos;

  /** The end of what is shared, once it has been read. */
  private Sequence.Mark mark;

  /** Prompts that have begun. */
  private int begun;

  private final List<Completion> completions;
  private int completed;
  private long prefillNanos;
  private long decodeNanos;
  private long cacheBytes;
  private long keptTokens;
  private int compressions;
  private List<Double> energyKept = List.of();

  /**
   * Takes the slots that it needs.
   *
   * @param retry whether it failed before, perhaps by another's fault: it has the device to itself
   * @throws OutOfMemoryError if the device has not as much memory
   */
  Document(Submission submission, boolean retry, Writer writer, Slots slots, Heads heads) {
    this.submission = submission;
    this.retry = retry;
    this.writer = writer;
    this.slots = slots;
    this.heads = heads;
    reading = submission.reading();
    prompts = reading.request().prompts();
    shared = reading.request().shared();
    completions = new ArrayList<>(Collections.nCopies(prompts.size(), null));
    queueNanos = System.nanoTime() - submission.submitted();
    try {
      for (int i = 0; i < reading.slots(); i++) {
        addLane();
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
    trunk = lanes.get(0);
  }

  private Lane addLane() {
    Lane lane = new Lane(slots.take(reading.sequence()));
    lanes.add(lane);
    cacheBytes = Math.max(cacheBytes, lanes.stream().mapToLong(l -> l.sequence().bytes()).sum());
    return lane;
  }

  Submission submission() {
    return submission;
  }

  boolean retry() {
    return retry;
  }

  List<Lane> lanes() {
    return lanes;
  }

  boolean done() {
    return completed == prompts.size();
  }

  /** Before a pass: each lane has its next block begun, if there is one. */
  void proceed() {
    for (Lane lane : lanes) {
      proceed(lane);
    }
    while (prompts.size() > begun && waits() && slots.fits(reading.sequence(), 1)) {
      try {
        proceed(addLane());
      } catch (OutOfMemoryError e) {
        break; // slots knows now
      }
    }
    if (begun == prompts.size()) {
      lanes.stream().filter(Lane::idle).toList().forEach(this::remove);
    } else if (!reading.each()) {
      proceed(trunk);
    }
  }

  /** Whether the next prompt could begin in a new lane, and not in the trunk. */
  private boolean waits() {
    boolean last = begun == prompts.size() - 1;
    return reading.each() || mark != null && !(last && trunk.idle());
  }

  private void proceed(Lane lane) {
    if (lane == trunk && lane.idle() && mark == null && !reading.each()) {
      readDocument(lane, 0);
    }
    if (lane.state() == Lane.State.DOCUMENT && lane.read()) {
      if (reading.each()) {
        ask(lane, lane.prompt());
      } else {
        mark = trunk.sequence().mark();
        lane.rest();
      }
    }
    if (lane.idle() && begun < prompts.size()) {
      begin(lane);
    }
    lane.proceed();
  }

  /** Has a lane take the next prompt, if it can be its. */
  private void begin(Lane lane) {
    int prompt = begun;
    if (reading.each()) {
      readDocument(lane, prompt);
    } else if (mark == null || lane == trunk && reading.copies() && prompt < prompts.size() - 1) {
      return;
    } else {
      if (lane == trunk) {
        trunk.sequence().reset(mark);
      } else {
        lane.sequence().branchOff(trunk.sequence(), mark);
      }
      ask(lane, prompt);
    }
    begun++;
  }

  private void readDocument(Lane lane, int prompt) {
    int[] tokens = prompts.get(prompt);
    lane.readDocument(prompt, tokens, takeHead(lane, tokens, shared), shared, probe(prompt));
  }

  /** Puts what is known of a prompt into an empty lane; returns how many tokens that is. */
  private int takeHead(Lane lane, int[] prompt, int end) {
    return heads.begin(
        lane.sequence(), reading.sequence(), submission.client().head(), prompt, end);
  }

  private void ask(Lane lane, int index) {
    int[] prompt = prompts.get(index);
    if (reading.reserves()) {
      lane.sequence().reserve(prompt.length - shared + submission.options().maxNewTokens());
    }
    List<SchemaConstraint> constraints = reading.request().constraints();
    Answer answer =
        new Answer(
            writer,
            prompt,
            submission.options(),
            index,
            constraints.isEmpty() ? null : constraints.get(index),
            submission.listener());
    int at = shared == 0 ? takeHead(lane, prompt, prompt.length) : shared;
    lane.readQuestion(index, prompt, at, reading.scoresRest() ? NO_PROBE : null, answer);
  }

  private int[] probe(int prompt) {
    return reading.sequence().scored() ? reading.probe(prompt) : null;
  }

  /** Takes the next token of a lane's answer. */
  void accept(Lane lane, int token) {
    if (lane.state() == Lane.State.QUESTION) {
      keptTokens = Math.max(keptTokens, lane.sequence().length());
    }
    if (lane.accept(token)) {
      completions.set(lane.prompt(), lane.answer().completion());
      completed++;
      if (lane.prompt() == prompts.size() - 1) {
        energyKept = energyKept(lane.sequence());
      }
      lane.rest();
      if (reading.each()) {
        remove(lane);
        if (begun < prompts.size()) {
          addLane();
        }
      }
    }
  }

  private static List<Double> energyKept(Sequence sequence) {
    List<Double> kept = new ArrayList<>();
    for (Energy of : sequence.energy()) {
      kept.add((of.keptKeys() + of.keptValues()) / (of.keys() + of.values()));
    }
    return List.copyOf(kept);
  }

  /** Adds its share of the time of a pass. */
  void addNanos(long prefill, long decode) {
    prefillNanos += prefill;
    decodeNanos += decode;
  }

  /** What became of it: {@link #done}, and closed. */
  Result result() {
    long read = (reading.each() ? prompts.size() : 1) * (long) shared;
    for (int[] prompt : prompts) {
      read += prompt.length - shared;
    }
    long written = completions.stream().mapToLong(completion -> completion.tokens().size()).sum();
    Stats stats =
        new Stats(
            queueNanos / 1e6,
            prefillNanos / 1e6,
            decodeNanos / 1e6,
            cacheBytes,
            keptTokens,
            compressions,
            energyKept);
    return new Result(List.copyOf(completions), read, written, stats);
  }

  private void remove(Lane lane) {
    compressions += lane.sequence().compressions();
    lanes.remove(lane);
    slots.giveBack(lane.sequence(), reading.sequence());
  }

  @Override
  public void close() {
    List.copyOf(lanes).forEach(this::remove);
  }
}
