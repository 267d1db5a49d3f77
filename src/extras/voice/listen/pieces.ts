/**
 * Cuts a person's sound into pieces from pause to pause (V4). One instance serves one person; it runs
 * in the call's thread, so it is a pure state machine over frames.
 */

import type { Pcm, Piece } from "../call.ts";

export interface ListenRules {
  /** Silence that ends a piece, in milliseconds. */
  readonly pauseMs: number;
  /** The longest piece, in milliseconds. */
  readonly longestMs: number;
}

export type Heard =
  | { readonly kind: "began" }
  | { readonly kind: "piece"; readonly piece: Omit<Piece, "userId"> };

export interface Pieces {
  /**
   * Takes the next 20 ms.
   *
   * @param frame `undefined`: the person sends nothing.
   * @param at Unix time in milliseconds.
   */
  push(frame: Pcm | undefined, at: number): readonly Heard[];
}

/** A stub until the real one is here. */
export function createPieces(_rules: ListenRules): Pieces {
  return { push: () => [] };
}
