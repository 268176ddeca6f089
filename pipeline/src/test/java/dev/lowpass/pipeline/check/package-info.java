/** Whether Lowpass works on a machine's GPU, and how fast. */
package dev.lowpass.pipeline.check;
