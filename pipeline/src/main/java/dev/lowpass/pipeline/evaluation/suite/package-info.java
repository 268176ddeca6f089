/**
 * What a model is asked: the rows of evaluation suites as items, each a document and its questions,
 * the prompts they become, and how answers are scored. Without Spark: executors read rows with it.
 */
package dev.lowpass.pipeline.evaluation.suite;
