/**
 * Constrained decoding: a JSON Schema as an automaton over bytes, and the tokens of a vocabulary
 * that it allows next.
 */
package dev.lowpass.pipeline.schema;
