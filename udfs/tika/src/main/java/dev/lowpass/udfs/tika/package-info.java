/** PDF and Office documents, by Apache Tika. */
package dev.lowpass.udfs.tika;
