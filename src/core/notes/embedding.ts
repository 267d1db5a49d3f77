/**
 * Declares the model that turns texts into vectors (T14), compares vectors, and joins ranked lists of
 * notes.
 */

import type { ModelErrorKind, ModelUsage } from "../model.ts";

/** The kind of the texts. Some models need it. */
export type EmbeddedAs = "note" | "query";

export interface Embedded {
  /** One for each text, in their order, all of the same number of dimensions. */
  readonly vectors: readonly Int8Array<ArrayBuffer>[];
  /** Tokens, and money if it is known. */
  readonly usage: ModelUsage;
}

export interface Embedding {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /**
   * Makes vectors, with one request.
   *
   * @throws {TextRefused} If the server refuses these texts.
   * @throws {EmbeddingFailed} If it gives no vectors. Or the signal's reason.
   */
  readonly embed: (
    texts: readonly string[],
    as: EmbeddedAs,
    signal: AbortSignal,
  ) => Promise<Embedded>;
}

/** The model gives no vectors. The message has no secret. */
export class EmbeddingFailed extends Error {
  override readonly name = "EmbeddingFailed";
  readonly kind: ModelErrorKind;

  constructor(kind: ModelErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The server refuses the texts of a request, for example because one is too long for its model. */
export class TextRefused extends Error {
  override readonly name = "TextRefused";
}

/** Maximum number of texts in one request. */
export const MAX_EMBEDDED_TEXTS = 32;

/** The state of the embedding model, without which notes are found by words alone (T14). */
export interface EmbeddingState {
  readonly id: string;
  /** Absent unless its last request failed. */
  readonly failure?: {
    /** Unix time in milliseconds of the first failure since it last worked. */
    readonly since: number;
    /** The newest failure, in words. */
    readonly why: string;
  };
}

const LARGEST = 127;

/**
 * Packs the numbers of an embedding.
 *
 * A vector has one signed byte for each dimension. Only its direction counts, so its largest number
 * becomes 127. That takes a quarter of the space of 32-bit numbers, and changes a cosine by some
 * thousandths.
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

export interface NoteText {
  readonly id: number;
  readonly text: string;
}

export interface NearNote {
  readonly id: number;
  /** Cosine of the angle between its vector and that of the search: 1 is the same direction. */
  readonly nearness: number;
}

/** Weakens the first ranks, so that one search alone does not decide; the usual value. */
const DAMPING = 60;

/**
 * Merges lists of ids.
 *
 * Scores of different searches cannot be compared, but ranks can. A note that two searches find
 * stands before a note that only one of them finds at a similar rank.
 *
 * @see {@link https://plg.uwaterloo.ca/~gvcormac/cormacksigir09-rrf.pdf} (reciprocal rank fusion)
 *
 * @param lists Each without repetitions, the best id first.
 * @returns The best ids first, each once; ties in the order of the lists.
 */
export function fuseRanks(lists: readonly (readonly number[])[], limit: number): readonly number[] {
  const scores = new Map<number, number>();
  for (const list of lists) {
    for (const [rank, id] of list.entries()) {
      scores.set(id, (scores.get(id) ?? 0) + 1 / (DAMPING + rank + 1));
    }
  }
  return [...scores].toSorted(([, one], [, other]) => other - one).slice(0, limit)
    .map(([id]) => id);
}
