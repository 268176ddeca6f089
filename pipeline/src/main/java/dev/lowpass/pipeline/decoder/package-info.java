/**
 * The transformer: token ids in, logits out, written once against {@link
 * dev.lowpass.kernels.Device}.
 */
package dev.lowpass.pipeline.decoder;
