/** Settings that commands and SQL functions have in common, and where their values come from. */
package dev.lowpass.udfs.settings;
