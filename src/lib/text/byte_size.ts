/**
 * Writes a number of bytes for people.
 *
 * @module
 */

/** `"12.3 MB"`: decimal units, in thousands, as Discord shows them. */
export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const [size, unit] = bytes < 999_950 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${size.toFixed(1).replace(/\.0$/, "")} ${unit}`;
}
