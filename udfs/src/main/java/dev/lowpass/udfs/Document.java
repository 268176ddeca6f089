package dev.lowpass.udfs;

import org.apache.spark.sql.Row;

/**
 * One document as it was read: either {@code text} or what is wrong with it.
 *
 * @param docId identifies it within its table
 * @param source the file it comes from
 * @param text null if {@code error} is not
 * @param encoding what the text was decoded by; null if it was none, or if {@code error} is not
 * @param error null if {@code text} is not
 * @param kept the input columns that go into the output as they are; null if there are none
 */
record Document(
    String docId, String source, String text, String encoding, Failure error, Row kept) {}
