/** LongBench (Bai et al. 2023, arXiv 2308.14508): its tasks and its predictions. */
package dev.lowpass.pipeline.evaluation.longbench;
