/**
 * Collects notices about the bot: its log lines, and actions on the page.
 *
 * @module
 */

import type { Notice } from "../../../simulator/page/bot_panel.ts";

/** The notices. */
export interface Notices {
  /** Adds a notice. */
  note(level: Notice["level"], text: string): void;
  /** The last {@link KEPT}, the oldest first. */
  all(): readonly Notice[];
  /** Calls `listener` with each new notice; returns a function that stops this. */
  subscribe(listener: (notice: Notice) => void): () => void;
}

const KEPT = 100;

/**
 * Creates an empty list.
 *
 * @param now Unix time in milliseconds.
 */
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
