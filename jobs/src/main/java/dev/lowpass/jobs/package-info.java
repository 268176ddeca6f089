/** Entry points for spark-submit and the {@code lowpass} command. */
package dev.lowpass.jobs;
