/**
 * Plots as inline SVG for pages that bring the colours: {@code --series-1} and so on, {@code
 * --ink}, {@code --quiet}, {@code --grid}, {@code --paper}.
 */
package dev.lowpass.jobs.charts;
