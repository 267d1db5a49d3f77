/**
 * The lanes: in each, one request leaves at a time and in the order of asking.
 *
 * What is in the background stands in a line of its own, so that it is never
 * before anything else.
 *
 * @module
 */

import type { Route } from "../exchange/route.ts";
import type { Bucket } from "./buckets.ts";
import type { Ticket } from "./ticket.ts";

export interface Lane<T> {
  readonly route: Route;
  readonly line: Ticket<T>[];
  readonly background: Ticket<T>[];
  /** Whether a request of it has left, and has not ended. */
  isHeld: boolean;
  /** The place of its next one among those that wait for a slot only. */
  entry: Entry<T> | undefined;
  /** The bucket that its next one waits for. */
  waitsFor: Bucket | undefined;
  /** Calls off the timer that would look at it again. */
  cancel: (() => void) | undefined;
}

/** A lane's next one that waits for a slot; void when it is its lane's entry no more. */
export interface Entry<T> {
  readonly lane: Lane<T>;
  readonly ticket: Ticket<T>;
  /** How many turns there had been when its lane had its last one, or came new. */
  readonly since: number;
}

export function createLane<T>(route: Route): Lane<T> {
  return {
    route,
    line: [],
    background: [],
    isHeld: false,
    entry: undefined,
    waitsFor: undefined,
    cancel: undefined,
  };
}

/** Who is next; those that have given up are passed over for good. */
export function nextOf<T>({ line, background }: Lane<T>): Ticket<T> | undefined {
  return firstOf(line) ?? firstOf(background);
}

function firstOf<T>(line: Ticket<T>[]): Ticket<T> | undefined {
  while (line[0]?.isWaiting === false) line.shift();
  return line[0];
}
