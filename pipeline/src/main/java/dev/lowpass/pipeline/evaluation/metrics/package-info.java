/**
 * How well a prediction answers. LongBench's metrics score exactly as its Python does, quirks
 * included, since scores are compared with published ones; each class says which quirk it keeps.
 */
package dev.lowpass.pipeline.evaluation.metrics;
