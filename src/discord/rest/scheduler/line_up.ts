/**
 * Where the next of each lane waits for a slot, in turn: who had one longest ago
 * is first.
 *
 * First come, first served would not do. Whose answer is late by some
 * milliseconds would come after all others, and a channel that falls behind
 * twice is still at it when the others are done. Who comes new stands behind all
 * that wait, so nobody waits for more than one turn of each other lane.
 *
 * @module
 */

import type { Entry, Lane } from "./lane.ts";
import type { Rank } from "./pace.ts";
import type { Ticket } from "./ticket.ts";

/** Those that may wait, in the order in which they get a slot. */
export const QUEUED = ["interaction", "reply", "background"] as const satisfies readonly Rank[];

export interface LineUp<T> {
  /** One that stands there already keeps its place. */
  add(lane: Lane<T>, ticket: Ticket<T>): void;
  /** Who is first of a rank. */
  next(rank: Rank): Entry<T> | undefined;
  /** Takes out who is first: it has its turn. */
  take(entry: Entry<T>): void;
}

interface Line<T> {
  /** By `since`. */
  readonly entries: Entry<T>[];
  /** Turns so far. */
  turns: number;
  /** Of lanes, by key: which turn was their last, oldest first. */
  readonly lastTurns: Map<string, number>;
}

export function createLineUp<T>(): LineUp<T> {
  const lines: Readonly<Record<Rank, Line<T>>> = {
    interaction: createLine(),
    reply: createLine(),
    background: createLine(),
    spare: createLine(),
  };

  return {
    add(lane, ticket) {
      if (lane.entry?.ticket === ticket) return;
      const { entries, lastTurns, turns } = lines[ticket.terms.rank];
      const entry = { lane, ticket, since: lastTurns.get(lane.route.lane) ?? turns };
      lane.entry = entry;
      const before = entries.findLastIndex(({ since }) => since <= entry.since);
      entries.splice(before + 1, 0, entry);
    },
    next(rank) {
      const { entries } = lines[rank];
      for (let first = entries[0]; first && first.lane.entry !== first; first = entries[0]) {
        entries.shift(); // it is its lane's no more
      }
      return entries[0];
    },
    take({ lane, ticket: { terms: { rank } }, since }) {
      const line = lines[rank];
      line.entries.shift();
      lane.entry = undefined;
      // Whose last turn was before this one's has stayed away since, and comes as new.
      for (const [key, turn] of line.lastTurns) {
        if (turn >= since) break;
        line.lastTurns.delete(key);
      }
      line.turns++;
      line.lastTurns.delete(lane.route.lane);
      line.lastTurns.set(lane.route.lane, line.turns);
    },
  };
}

function createLine<T>(): Line<T> {
  return { entries: [], turns: 0, lastTurns: new Map() };
}
