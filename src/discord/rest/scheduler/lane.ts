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
import { endWait, type Ticket } from "./ticket.ts";

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

/** All lanes in which requests leave or wait. */
export interface Lanes<T> {
  of(route: Route): Lane<T>;
  has(route: Route): boolean;
  all(): readonly Lane<T>[];
  /** A ticket that may not leave before a time has had its turn: it goes before the others. */
  join(lane: Lane<T>, ticket: Ticket<T>): void;
  /**
   * Ends a ticket's wait: its turn has come, or never will.
   *
   * @returns Whether it was waiting.
   */
  leave(ticket: Ticket<T>): boolean;
  /** Nothing of the lane leaves or waits. */
  drop(lane: Lane<T>): void;
  /** Requests that wait for their turn. */
  readonly queued: number;
}

export function createLanes<T>(): Lanes<T> {
  const byName = new Map<string, Lane<T>>();
  let queued = 0;

  return {
    of(route) {
      const lane = byName.get(route.lane) ?? createLane(route);
      byName.set(route.lane, lane);
      return lane;
    },
    has: ({ lane }) => byName.has(lane),
    all: () => [...byName.values()],
    join(lane, ticket) {
      const line = ticket.terms.rank === "background" ? lane.background : lane.line;
      if (ticket.notBefore > -Infinity) line.unshift(ticket);
      else line.push(ticket);
      queued++;
    },
    leave(ticket) {
      const wasWaiting = endWait(ticket);
      if (wasWaiting) queued--;
      return wasWaiting;
    },
    drop: ({ route }) => void byName.delete(route.lane),
    get queued() {
      return queued;
    },
  };
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
