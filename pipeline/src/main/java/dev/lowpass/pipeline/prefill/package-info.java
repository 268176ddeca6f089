/**
 * How a prompt is read: every token through every layer, or, after FastKV's layer T, only those
 * that matter.
 */
package dev.lowpass.pipeline.prefill;
