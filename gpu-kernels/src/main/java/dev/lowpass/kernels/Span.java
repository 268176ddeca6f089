package dev.lowpass.kernels;

/**
 * Consecutive rows of a batch that belong to one sequence: {@code rows} rows from {@code firstRow}
 * on. A batch is a list of spans; each attends to its own cache and to nothing else.
 *
 * @param cache the sequence's keys and values
 * @param firstRow the span's first row in the batch
 * @param rows its number of rows
 */
public record Span(KvCache cache, int firstRow, int rows) {}
