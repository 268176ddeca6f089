/**
 * Cache policies: which entries a full KV cache keeps, as pure functions from lengths to plans that
 * a device carries out.
 */
package dev.lowpass.pipeline.cache;
