import type { AlertFacts } from "../../../src/extras/alerts/kinds.ts";

const NOW = Date.UTC(2026, 0, 2);

/** The facts of a healthy bot. */
export const MIN_FACTS: AlertFacts = {
  now: NOW,
  startedAt: NOW,
  accounts: [{
    id: "default",
    state: "running",
    shards: [{ state: "ready" }],
    rest: { isUp: true },
  }],
  store: { isFailing: false },
  models: [{ id: "local/a" }],
  budgets: [],
  schedules: [],
  freeBytes: 10_000_000_000,
};
