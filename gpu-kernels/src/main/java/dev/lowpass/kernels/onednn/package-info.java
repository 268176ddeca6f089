/** oneDNN's matrix product, where its jar is on the class path. */
package dev.lowpass.kernels.onednn;
