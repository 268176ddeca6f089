/**
 * RULER (Hsieh et al. 2024, arXiv 2404.06654): its thirteen synthetic tasks at any length, for any
 * tokenizer, and its scores; and needle-in-a-haystack over depth and length. With the same seed,
 * sources and token counts a RULER task gives the same bytes as NVIDIA's scripts, which is why
 * every draw of random numbers here stands in their order.
 */
package dev.lowpass.pipeline.evaluation.ruler;
