/**
 * `store.settings`: settings that people change by commands, such as the model of a conversation,
 * the counts of the loop guard, alerts, and results of backups.
 */

import type { DatabaseSync } from "node:sqlite";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { SETTING } from "../schema/settings.ts";
import { createStoredAlerts } from "./alerts.ts";
import { createStoredBackups } from "./backups.ts";
import type {
  LoopRun,
  LoopRuns,
  Pause,
  Pauses,
  StoredSettings,
} from "../../core/store/settings.ts";
import { type AccountId, type ChannelId, readSnowflake } from "../../core/discord/ids.ts";
import { z } from "zod";

/** For the store itself. */
export interface ReadAgain {
  /** Reads all settings again, because another part of the store has changed the table. */
  readAgain(): void;
}

/** Creates the namespace. All settings are in memory: each turn asks for some of them. */
export function createSettings(
  database: DatabaseSync,
  { commit, journaled, readUnjournaled }: Pick<
    Transactions,
    "commit" | "journaled" | "readUnjournaled"
  >,
): StoredSettings & ReadAgain {
  const selectAll = database.prepare("SELECT * FROM setting");
  const upsert = SETTING.prepareInsert(
    database,
    "ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
  );
  const remove = database.prepare(
    "DELETE FROM setting WHERE account_id = ? AND scope = ? AND name = ?",
  );
  const keyOf = (accountId: string, scope: string, name: string) =>
    `${accountId}\n${scope}\n${name}`;
  const readAll = () =>
    new Map(
      selectAll.all().map((row) => {
        const { accountId, scope, name, value } = SETTING.read(row);
        return [keyOf(accountId, scope, name), value];
      }),
    );
  let values = readAll();

  const pauses = createPauses(database, {
    commit,
    readUnjournaled,
    upsert,
    known: (accountId) => values.get(keyOf(accountId, "account", "paused")),
    onChanged: (accountId, value) => values.set(keyOf(accountId, "account", "paused"), value),
  });

  const loops = createLoopRuns({ journaled, upsert, values: () => values, keyOf, remove });

  return {
    ...pauses,
    ...loops,
    ...createStoredAlerts(database, { commit, readUnjournaled, upsert }),
    ...createStoredBackups(database, { commit, readUnjournaled, upsert }),
    readAgain: () => void (values = readAll()),
    known: (accountId, scope, name) =>
      // Most bots have no setting, and each message asks for three.
      values.size === 0 ? undefined : values.get(keyOf(accountId, scope, name)),
    settingOf: (accountId, scope, name) =>
      readUnjournaled(() => values.get(keyOf(accountId, scope, name))),
    async change(accountId, scope, name, value, now) {
      const stored = value && withoutControls(value);
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (stored === undefined) remove.run(accountId, scope, name);
        else upsert({ accountId, scope, name, value: stored, at: now });
      });
      const key = keyOf(accountId, scope, name);
      if (stored === undefined) values.delete(key);
      else values.set(key, stored);
    },
  };
}

/** Name of the rows with the counts of the loop guard; their scope is a channel. */
const LOOP = "loop";
/** Milliseconds within which a count is stored. */
const LOOP_LAG_MS = 50;

const runSchema: z.ZodType<LoopRun> = z.lazy(() =>
  z.object({
    length: z.number(),
    bots: z.number(),
    asked: z.number(),
    owed: z.number(),
    sinceOurs: z.number().optional(),
    mutes: z.number(),
    mutedAt: z.number().optional(),
    newest: snowflakeSchema<"message">().optional(),
    isTold: z.boolean().optional(),
  })
);

/** A change of a count, as the journal has it. */
interface LoopRecord {
  readonly accountId: AccountId;
  readonly scope: ChannelId;
  /** JSON of a run; absent: there is none any more. */
  readonly value?: string;
  readonly at: number;
}

/** Keeps the counts of the loop guard: the journal has each, so none costs a transaction. */
function createLoopRuns({ journaled, upsert, values, keyOf, remove }: {
  readonly journaled: Transactions["journaled"];
  readonly upsert: ReturnType<typeof SETTING.prepareInsert>;
  readonly remove: { run(accountId: string, scope: string, name: string): unknown };
  readonly values: () => Map<string, string>;
  readonly keyOf: (accountId: string, scope: string, name: string) => string;
}): LoopRuns {
  function remember({ accountId, scope, value }: LoopRecord): void {
    const key = keyOf(accountId, scope, LOOP);
    if (value === undefined) values().delete(key);
    else values().set(key, value);
  }
  const changes = journaled<LoopRecord>("loop", (record) => {
    const { accountId, scope, value, at } = record;
    if (value === undefined) remove.run(accountId, scope, LOOP);
    else upsert({ accountId, scope, name: LOOP, value, at });
  });
  return {
    loopRuns(accountId) {
      const prefix = `${accountId}\n`;
      const runs = new Map<ChannelId, LoopRun>();
      for (const [key, value] of values()) {
        if (!key.startsWith(prefix) || !key.endsWith(`\n${LOOP}`)) continue;
        const channelId = readSnowflake<"channel">(key.slice(prefix.length, -LOOP.length - 1));
        if (channelId) runs.set(channelId, runSchema.parse(JSON.parse(value)));
      }
      return runs;
    },
    keepLoopRun(accountId, scope, run, at) {
      const record = { accountId, scope, value: run && JSON.stringify(run), at };
      remember(record);
      changes.later(UNNAMED, record, LOOP_LAG_MS);
    },
  };
}

const valueSchema = z.object({
  isPaused: z.boolean(),
  by: z.string(),
  callId: z.string().optional(),
});

interface PauseParts extends Pick<Transactions, "commit" | "readUnjournaled"> {
  readonly upsert: ReturnType<typeof SETTING.prepareInsert>;
  /** The value of the account's row, from memory. */
  readonly known: (accountId: AccountId) => string | undefined;
  readonly onChanged: (accountId: AccountId, value: string) => void;
}

/**
 * Stores whether an account is paused (X4), by `/pause` and by `barnacle pause`.
 *
 * The row stays after a pause, with the last command that changed it: a command that a crash repeats
 * must not take its own change back.
 */
function createPauses(
  database: DatabaseSync,
  { commit, readUnjournaled, upsert, known, onChanged }: PauseParts,
): Pauses {
  const select = database.prepare(
    "SELECT * FROM setting WHERE account_id = ? AND scope = 'account' AND name = 'paused'",
  );
  function read(accountId: AccountId) {
    const row = select.get(accountId);
    if (!row) return undefined;
    const { value, at: since } = SETTING.read(row);
    return { ...valueSchema.parse(JSON.parse(value)), since };
  }

  return {
    isPaused(accountId) {
      const value = known(accountId);
      return value !== undefined && valueSchema.parse(JSON.parse(value)).isPaused;
    },
    pauseOf: (accountId) => readUnjournaled(() => pauseIn(read(accountId))),
    async changePause(accountId, { to, by, callId }, now) {
      let written: string | undefined;
      const result = await commit(COMMIT_OPTIONS.BY_HAND, () => {
        const before = read(accountId);
        const wasPaused = before?.isPaused === true;
        const isPaused = to === "other" ? !wasPaused : to;
        const isRepeated = callId !== undefined && before?.callId === callId;
        if (isRepeated || isPaused === wasPaused) {
          return { pause: pauseIn(before), isChanged: false };
        }
        written = JSON.stringify({ isPaused, by, callId });
        upsert({ accountId, scope: "account", name: "paused", value: written, at: now });
        return { pause: isPaused ? { by, since: now } : undefined, isChanged: true };
      });
      if (written !== undefined) onChanged(accountId, written);
      return result;
    },
  };
}

function pauseIn(row: (Pause & { readonly isPaused: boolean }) | undefined): Pause | undefined {
  return row?.isPaused ? { by: row.by, since: row.since } : undefined;
}
