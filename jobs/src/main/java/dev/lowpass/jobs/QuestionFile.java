package dev.lowpass.jobs;

import java.util.List;

/**
 * Questions of one task and length, as the lines of a JSONL file.
 *
 * @param length tokens that they were made for
 */
record QuestionFile(String task, int length, List<String> lines) {}
