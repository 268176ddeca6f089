package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.DeviceException;
import dev.lowpass.kernels.Draw;
import dev.lowpass.pipeline.decoder.Decoder;
import dev.lowpass.pipeline.decoder.Pass;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The documents on the device, and the passes that carry them all (continuous batching): a pass has
 * the next token of every answer, and chunks of prompts up to a budget. The engine's thread alone.
 */
final class Batch {
  /** Where documents go when they leave. */
  interface Exit {
    /** One of result and failure is null. */
    void ended(Submission submission, Result result, Throwable failure);

    /** It failed, perhaps by another's fault: it is to go again, with the device to itself. */
    void again(Submission submission);
  }

  private final Decoder decoder;
  private final int batchTokens;
  private final Exit exit;
  private final List<Document> documents = new ArrayList<>();

  private long passes;
  private long rows;
  private long prefillNanos;
  private long decodeNanos;

  Batch(Decoder decoder, int batchTokens, Exit exit) {
    this.decoder = decoder;
    this.batchTokens = batchTokens;
    this.exit = exit;
  }

  /** What its passes were, and the time that rows of prompts and of answers took in them. */
  record Counts(long passes, long rows, long prefillNanos, long decodeNanos) {}

  /** Rows that a lane has in a pass. */
  private record Chunk(Document document, Lane lane, int rows, boolean decode) {}

  void add(Document document) {
    EngineClient client = document.submission().client();
    if (documents.stream().noneMatch(other -> other.submission().client() == client)) {
      // One that comes anew is not ahead of those that have waited.
      client.served = passes;
    }
    documents.add(document);
  }

  boolean isEmpty() {
    return documents.isEmpty();
  }

  /** Whether a document is here that must have no company. */
  boolean isReserved() {
    return documents.stream().anyMatch(Document::retry);
  }

  Counts counts() {
    return new Counts(passes, rows, prefillNanos, decodeNanos);
  }

  /** Lets go of documents that nobody wants any more, or in time. */
  void sweep() {
    for (Document document : List.copyOf(documents)) {
      attempt(document, document.submission()::check);
    }
  }

  /** Runs one pass. */
  void run() {
    long start = System.nanoTime();
    for (Document document : List.copyOf(documents)) {
      attempt(document, document::proceed);
    }
    Pass pass = new Pass(decoder);
    List<Chunk> chunks = plan(pass);
    if (chunks.isEmpty()) {
      if (!documents.isEmpty()) {
        throw new IllegalStateException("no document has anything to run");
      }
      return;
    }
    int[] drawn;
    try {
      pass.run();
      drawn = draw(pass, chunks);
    } catch (RuntimeException | Error e) {
      fail(chunks, e);
      return;
    }
    for (Chunk chunk : chunks) {
      if (pass.logitRow(chunk.lane.sequence()) >= 0 && documents.contains(chunk.document)) {
        attempt(
            chunk.document,
            () -> chunk.document.accept(chunk.lane, choose(pass, chunk.lane, drawn)));
      }
    }
    account(chunks, System.nanoTime() - start);
    for (Document document : List.copyOf(documents)) {
      if (document.done()) {
        remove(document);
        exit.ended(document.submission(), document.result(), null);
      }
    }
  }

  private List<Chunk> plan(Pass pass) {
    List<Chunk> chunks = new ArrayList<>();
    for (Document document : documents) {
      for (Lane lane : document.lanes()) {
        if (lane.writes()) {
          int rows = pass.add(lane.sequence(), decoder.maxRows());
          if (rows > 0) {
            chunks.add(new Chunk(document, lane, rows, /* decode= */ true));
          }
        }
      }
    }
    List<Document> turns = new ArrayList<>(documents);
    // Who has waited longest for a chunk is next; of a client's documents the oldest.
    turns.sort(Comparator.comparingLong(document -> document.submission().client().served));
    for (Document document : turns) {
      for (Lane lane : document.lanes()) {
        int rows = lane.reads() ? pass.add(lane.sequence(), batchTokens) : 0;
        if (rows > 0) {
          chunks.add(new Chunk(document, lane, rows, /* decode= */ false));
          document.submission().client().served = passes + 1;
        }
      }
    }
    return chunks;
  }

  /** What each row of logits comes to, as its answer has it drawn; null if some cannot be. */
  private int[] draw(Pass pass, List<Chunk> chunks) {
    List<Draw> draws = new ArrayList<>();
    for (Chunk chunk : chunks) {
      int row = pass.logitRow(chunk.lane.sequence());
      while (draws.size() <= row) {
        draws.add(Draw.GREEDY);
      }
      if (row >= 0) {
        draws.set(row, chunk.lane.answer().draw());
      }
    }
    try {
      return decoder.draw(draws);
    } catch (DeviceException e) {
      throw e;
    } catch (IllegalStateException e) {
      return null;
    }
  }

  /** The next token of a lane's answer. */
  private int choose(Pass pass, Lane lane, int[] drawn) {
    Answer answer = lane.answer();
    int row = pass.logitRow(lane.sequence());
    if (drawn == null) {
      // Somebody's cannot be chosen: each has its logits computed alone, and one fails.
      pass.head(lane.sequence());
      row = 0;
      drawn = decoder.draw(List.of(answer.draw()));
    }
    int of = row;
    return answer.choose(drawn[row], () -> decoder.logits(of));
  }

  /** Shares a pass's time out among its rows. */
  private void account(List<Chunk> chunks, long nanos) {
    passes++;
    int all = chunks.stream().mapToInt(Chunk::rows).sum();
    rows += all;
    for (Chunk chunk : chunks) {
      long share = nanos * chunk.rows / all;
      prefillNanos += chunk.decode ? 0 : share;
      decodeNanos += chunk.decode ? share : 0;
      chunk.document.addNanos(chunk.decode ? 0 : share, chunk.decode ? share : 0);
    }
  }

  /** Does something for one document, which fails alone if that does. */
  private void attempt(Document document, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      end(document, e, /* company= */ false);
    }
  }

  /** A pass failed: whose fault it was shows when each goes alone. */
  private void fail(List<Chunk> chunks, Throwable failure) {
    List<Document> inPass = chunks.stream().map(Chunk::document).distinct().toList();
    inPass.forEach(document -> end(document, failure, inPass.size() > 1));
  }

  private void end(Document document, Throwable failure, boolean company) {
    remove(document);
    Submission submission = document.submission();
    boolean again = company || failure instanceof DeviceException;
    if (again && !document.retry() && submission.repeatable()) {
      exit.again(submission);
    } else if (failure instanceof OutOfMemoryError cause) {
      exit.ended(submission, null, submission.reading().tooLarge(cause));
    } else {
      exit.ended(submission, null, failure);
    }
  }

  private void remove(Document document) {
    documents.remove(document);
    document.close();
  }

  /** Ends all of them. */
  void end(Throwable failure) {
    for (Document document : List.copyOf(documents)) {
      remove(document);
      exit.ended(document.submission(), null, failure);
    }
  }
}
