package dev.lowpass.udfs.settings;

/**
 * A setting's value and where it comes from.
 *
 * @param origin such as {@code command line}, for people
 */
public record Setting(String value, String origin) {}
