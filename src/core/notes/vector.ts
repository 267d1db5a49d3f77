/**
 * Vectors of notes, by which a search finds notes of a similar meaning (T14).
 *
 * A vector has one signed byte for each dimension. Only its direction counts, so its largest number
 * becomes 127. That takes a quarter of the space of 32-bit numbers, and changes a cosine by some
 * thousandths.
 *
 * @module
 */

const LARGEST = 127;

/**
 * Packs the numbers of an embedding.
 *
 * @returns `undefined` if they have no direction: none, not all finite, or all 0.
 */
export function packVector(numbers: readonly number[]): Int8Array<ArrayBuffer> | undefined {
  let largest = 0;
  for (const number of numbers) {
    if (!Number.isFinite(number)) return undefined;
    largest = Math.max(largest, Math.abs(number));
  }
  if (largest === 0) return undefined;
  return Int8Array.from(numbers, (number) => Math.round(number / largest * LARGEST));
}

/**
 * Prepares comparisons with one vector.
 *
 * @returns The cosine of the angle to another vector: 1 for the same direction. `undefined` if the
 * other one has another number of dimensions.
 */
export function createNearness(vector: Int8Array): (other: Int8Array) => number | undefined {
  const own = vector.reduce((sum, number) => sum + number * number, 0);
  return (other) => {
    if (other.length !== vector.length) return undefined;
    let product = 0;
    let square = 0;
    for (let at = 0; at < vector.length; at++) {
      const number = other[at] ?? 0;
      product += (vector[at] ?? 0) * number;
      square += number * number;
    }
    const size = own * square;
    return size === 0 ? undefined : product / Math.sqrt(size);
  };
}

/** The text of a note. */
export interface NoteText {
  /** Number of the note. */
  readonly id: number;
  /** Its whole text. */
  readonly text: string;
}

/** A note of a similar meaning. */
export interface NearNote {
  /** Number of the note. */
  readonly id: number;
  /** Cosine of the angle between its vector and that of the search: 1 is the same direction. */
  readonly nearness: number;
}
