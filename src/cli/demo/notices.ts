/**
 * What happened to the bot, in order: what it logs, and what was done to it.
 *
 * @module
 */

import type { Notice } from "../../../simulator/page/backstage.ts";

export interface Notices {
  note(level: Notice["level"], text: string): void;
  /** The last {@link KEPT}, the oldest first. */
  all(): readonly Notice[];
  /** Calls `listener` with each new one; returns what stops it. */
  subscribe(listener: (notice: Notice) => void): () => void;
}

const KEPT = 100;

/** @param now Unix time in milliseconds. */
export function createNotices(now: () => number): Notices {
  const kept: Notice[] = [];
  const listeners = new Set<(notice: Notice) => void>();
  return {
    note(level, text) {
      const notice = { at: now(), level, text };
      kept.push(notice);
      if (kept.length > KEPT) kept.shift();
      for (const listener of listeners) listener(notice);
    },
    all: () => [...kept],
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
