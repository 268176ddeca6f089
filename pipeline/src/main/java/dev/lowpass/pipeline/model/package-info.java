/** Hugging Face checkpoint folders: configuration and memory-mapped weights. */
package dev.lowpass.pipeline.model;
