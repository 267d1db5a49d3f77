/** Numbers of rows that people name, beside those of other partitions (O16). */

import type { Partition } from "../discord/partition.ts";

/** The number of a row over all partitions. With one partition, it is the row's own. */
export function partitionNumber(row: number, { index, count }: Partition): number {
  return row * count + index;
}

/**
 * The row of a number.
 *
 * @returns `undefined` if it is a row of another partition.
 */
export function rowNumberIn(number: number, { index, count }: Partition): number | undefined {
  return number % count === index ? (number - index) / count : undefined;
}
