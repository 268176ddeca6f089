package dev.lowpass.jobs;

/**
 * A setting's value and where it comes from.
 *
 * @param origin such as {@code command line}, for people
 */
record Setting(String value, String origin) {}
