/**
 * Keeps the sums of the use of models, of today and of its month, in memory, so that the check of a
 * budget reads no rows.
 *
 * The table has all of it. The sums begin with the first check of a day, and are forgotten if they
 * may differ from the table.
 */

import { DAY_MS } from "../../lib/clock.ts";
import type { Spent, SpentBy, SpentIn } from "../../core/spending/budget.ts";
import { type Charge, dayOf, monthStartOf, type UsedBy } from "../../core/spending/usage.ts";

/** One row of sums. */
export interface SpentRow extends Pick<Charge, "userId" | "guildId" | "agentId">, Spent {
  /** Whether they are of the day; else of earlier days of its month. */
  readonly isOfDay: boolean;
}

const NOTHING: Spent = { tokens: 0, micros: 0, audioSec: 0 };
const NONE: SpentIn = { day: NOTHING, month: NOTHING };
/** Estimated bytes of one user's sums. */
const USER_BYTES = 300;

/** Creates empty memory. */
export function createSpentToday() {
  let loaded: ReturnType<typeof sumsOf> | undefined;
  let writing = 0;

  return {
    /** The sums of a day and its month; `undefined` if they are not in memory. */
    of(by: UsedBy, day: number): SpentBy | undefined {
      if (loaded?.day !== day) return undefined;
      const { users, guilds, agents, total } = loaded;
      return {
        user: users.get(by.userId) ?? NONE,
        guild: by.guildId !== undefined ? guilds.get(by.guildId) ?? NONE : undefined,
        agent: agents.get(by.agentId) ?? NONE,
        total: total(),
      };
    },
    /** Whether a person was told on that day; `undefined` if that is not in memory. */
    isTold: (userId: string, day: number): boolean | undefined =>
      loaded?.day === day ? loaded.told.has(userId) : undefined,
    /** Takes the sums of a day and its month from the table, unless a write is under way. */
    load(day: number, rows: Iterable<SpentRow>, told: Iterable<string>): void {
      if (writing > 0) return; // some of the rows may be in neither
      loaded = sumsOf(day, told);
      for (const row of rows) loaded.add(row);
    },
    /**
     * Counts charges before they are stored.
     *
     * @returns Called once they are stored, or were refused.
     */
    begin(charges: readonly Charge[], told?: string): (isStored: boolean) => void {
      if (charges.length === 0 && told === undefined) return () => {};
      writing++;
      for (const charge of charges) {
        const day = dayOf(charge.at);
        if (!loaded || day > loaded.day || day < monthStartOf(loaded.day * DAY_MS)) continue;
        loaded.add({
          ...charge,
          isOfDay: day === loaded.day,
          tokens: charge.inputTokens + charge.outputTokens,
          micros: charge.micros ?? 0,
        });
      }
      if (told !== undefined) loaded?.told.add(told);
      return (isStored) => {
        writing--;
        if (!isStored) loaded = undefined;
      };
    },
    /** Forgets all. */
    forget: (): void => void (loaded = undefined),
    /** Estimated bytes. */
    bytes: (): number => (loaded?.users.size ?? 0) * USER_BYTES,
  };
}

/** The use of today and of its month, and the people who know that a budget is spent. */
export type SpentToday = ReturnType<typeof createSpentToday>;

function sumsOf(day: number, toldUsers: Iterable<string>) {
  const users = new Map<string, SpentIn>();
  const guilds = new Map<string, SpentIn>();
  const agents = new Map<string, SpentIn>();
  let total = NONE;
  const grow = (sums: Map<string, SpentIn>, key: string, by: SpentRow) =>
    void sums.set(key, grown(sums.get(key) ?? NONE, by));
  return {
    day,
    users,
    guilds,
    agents,
    told: new Set(toldUsers),
    total: () => total,
    add(row: SpentRow) {
      grow(users, row.userId, row);
      if (row.guildId !== undefined) grow(guilds, row.guildId, row);
      grow(agents, row.agentId, row);
      total = grown(total, row);
    },
  };
}

/** Adds a row to sums. */
export function grown({ day, month }: SpentIn, row: SpentRow): SpentIn {
  return { day: row.isOfDay ? sum(day, row) : day, month: sum(month, row) };
}

function sum(one: Spent, other: Spent): Spent {
  return {
    tokens: one.tokens + other.tokens,
    micros: one.micros + other.micros,
    audioSec: one.audioSec + other.audioSec,
  };
}
