/**
 * Evaluation sets and scores, without a model: what is asked ({@code longbench}, {@code ruler}),
 * how an answer is scored ({@code metrics}), and how the scores of two runs compare. It stands in
 * the pipeline, not in the jobs, because none of it needs Spark: a job scores its rows with it on
 * executors, {@code lowpass evaluate} does so on files, and both give the same numbers.
 */
package dev.lowpass.pipeline.evaluation;
