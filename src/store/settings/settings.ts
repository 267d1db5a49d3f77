/**
 * `store.settings`: settings that people change by commands, such as the model of a conversation,
 * the counts of the loop guard, alerts, and results of backups.
 */

import { z } from "zod";
import { ALERT_KINDS, type AlertRecord } from "../../core/finding.ts";
import {
  type AccountId,
  type ChannelId,
  readSnowflake,
  toAccountId,
} from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/lenient.ts";
import {
  type BackupAttempt,
  type BackupState,
  type LoopRun,
  MAX_ELSEWHERE,
  type Pause,
  type PauseChange,
  type SettingName,
} from "../../core/store/store.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/commits.ts";
import type { Transactions } from "../database/commits.ts";
import { SETTING } from "../schema/agent.ts";
import type { ChosenSetting } from "../../core/config_file.ts";

/** Creates the namespace. All settings are in memory: each turn asks for some of them. */
export function createSettings(transactions: Transactions) {
  const { commit, read } = transactions;
  const rows = createSettingRows(transactions);
  const { upsert, remove, keyOf, values } = rows;

  return {
    ...createPauses(transactions, rows),
    ...createLoopRuns(transactions, rows),
    ...createStoredAlerts(transactions, rows),
    ...createStoredBackups(transactions, rows),
    /** Reads all settings again, because another part of the store has changed the table. */
    readAgain: rows.readAgain,
    /**
     * A setting, from memory: neither turns nor decisions about messages wait for anything.
     *
     * @param scope Key of a session, id of a channel or of a model, or `"bot"`.
     */
    known: (
      accountId: AccountId,
      scope: string,
      name: ChosenSetting | "model" | "prompt",
    ): string | undefined =>
      // Most bots have no setting, and each message asks for three.
      values().size === 0 ? undefined : values().get(keyOf(accountId, scope, name)),
    /**
     * A setting; `undefined` if no person has changed it.
     *
     * @param scope Key of a session, id of a channel or of a model, or `"account"`.
     */
    settingOf: (
      accountId: AccountId,
      scope: string,
      name: SettingName,
    ): Promise<string | undefined> => read(() => values().get(keyOf(accountId, scope, name))),
    /** Changes a setting; `undefined` removes it. */
    async change(
      accountId: AccountId,
      scope: string,
      name: SettingName,
      value: string | undefined,
      now: number,
    ) {
      const stored = value && withoutControls(value);
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (stored === undefined) remove.run(accountId, scope, name);
        else upsert({ accountId, scope, name, value: stored, at: now });
      });
      const key = keyOf(accountId, scope, name);
      if (stored === undefined) values().delete(key);
      else values().set(key, stored);
    },
  };
}

/** The table, and all of it in memory. */
function createSettingRows({ database, sql }: Transactions) {
  const selectAll = sql.rows(SETTING.read)`SELECT * FROM setting`;
  const keyOf = (accountId: string, scope: string, name: string) =>
    `${accountId}\n${scope}\n${name}`;
  const readAll = () =>
    new Map(
      selectAll.all().map(({ accountId, scope, name, value }) =>
        [keyOf(accountId, scope, name), value] as const
      ),
    );
  let values = readAll();
  return {
    upsert: SETTING.prepareInsert(
      database,
      "ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
    ),
    remove: sql`DELETE FROM setting WHERE account_id = ? AND scope = ? AND name = ?`,
    keyOf,
    values: () => values,
    readAgain: (): void => void (values = readAll()),
  };
}

type SettingRows = ReturnType<typeof createSettingRows>;

/** Name of the rows with the counts of the loop guard; their scope is a channel. */
const LOOP = "loop";
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

/** Keeps the counts of the loop guard. */
function createLoopRuns({ commit }: Transactions, { upsert, values, keyOf, remove }: SettingRows) {
  return {
    loopRuns(accountId: AccountId): ReadonlyMap<ChannelId, LoopRun> {
      const prefix = `${accountId}\n`;
      const runs = new Map<ChannelId, LoopRun>();
      for (const [key, value] of values()) {
        if (!key.startsWith(prefix) || !key.endsWith(`\n${LOOP}`)) continue;
        const channelId = readSnowflake<"channel">(key.slice(prefix.length, -LOOP.length - 1));
        if (channelId) runs.set(channelId, runSchema.parse(JSON.parse(value)));
      }
      return runs;
    },
    /** Keeps a run, or removes it. No caller waits until that is stored. */
    keepLoopRun(accountId: AccountId, scope: ChannelId, run: LoopRun | undefined, at: number) {
      const value = run && JSON.stringify(run);
      const key = keyOf(accountId, scope, LOOP);
      if (value === undefined) values().delete(key);
      else values().set(key, value);
      commit(UNNAMED, () => {
        if (value === undefined) remove.run(accountId, scope, LOOP);
        else upsert({ accountId, scope, name: LOOP, value, at });
      }).catch(() => {}); // memory has it
    },
  };
}

const valueSchema = z.object({
  isPaused: z.boolean(),
  by: z.string(),
  callId: z.string().optional(),
});

/**
 * Stores whether an account is paused (X4), by `/pause` and by `barnacle pause`.
 *
 * The row stays after a pause, with the last command that changed it: a command that a crash repeats
 * must not take its own change back.
 */
function createPauses({ sql, commit, read }: Transactions, { upsert, values, keyOf }: SettingRows) {
  const select = sql.rows(SETTING.read)`
    SELECT * FROM setting WHERE account_id = ? AND scope = 'account' AND name = 'paused'`;
  const nameOf = (accountId: AccountId) => keyOf(accountId, "account", "paused");
  function storedPause(accountId: AccountId) {
    const row = select.get(accountId);
    return row && { ...valueSchema.parse(JSON.parse(row.value)), since: row.at };
  }

  return {
    /** Whether the account is paused, from memory: each turn asks. */
    isPaused(accountId: AccountId) {
      const value = values().get(nameOf(accountId));
      return value !== undefined && valueSchema.parse(JSON.parse(value)).isPaused;
    },
    /** The current pause, from the table; `undefined` if the account is not paused. */
    pauseOf: (accountId: AccountId): Promise<Pause | undefined> =>
      read(() => pauseIn(storedPause(accountId))),
    /**
     * Pauses an account, or lets it go on.
     *
     * @returns The pause afterwards, and whether it is another one than before.
     */
    async changePause(
      accountId: AccountId,
      { to, by, callId }: PauseChange,
      now: number,
    ): Promise<{ readonly pause: Pause | undefined; readonly isChanged: boolean }> {
      let written: string | undefined;
      const result = await commit(COMMIT_OPTIONS.BY_HAND, () => {
        const before = storedPause(accountId);
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
      if (written !== undefined) values().set(nameOf(accountId), written);
      return result;
    },
  };
}

function pauseIn(row: (Pause & { readonly isPaused: boolean }) | undefined): Pause | undefined {
  return row?.isPaused ? { by: row.by, since: row.since } : undefined;
}

const ALERTS = { accountId: toAccountId(""), scope: "bot", name: "alerts" };

const recordsSchema = z.lazy(() =>
  z.array(z.object({
    kind: z.enum(ALERT_KINDS),
    about: z.string(),
    cause: z.string(),
    fix: z.string().optional(),
    since: z.number(),
    endedAt: z.number().optional(),
    toldAt: z.number().optional(),
    owed: z.object({ event: z.enum(["begins", "ends"]), nextAt: z.number(), tries: z.number() })
      .optional(),
    failure: z.string().optional(),
    returns: z.number(),
  }))
);

/** Stores the alerts of the whole bot, in one row: they are few, and change together (O12). */
function createStoredAlerts({ sql, commit, read }: Transactions, { upsert }: SettingRows) {
  const select = sql.rows(SETTING.read)`
    SELECT * FROM setting WHERE scope = 'bot' AND name = 'alerts'`;
  return {
    alerts: (): Promise<readonly AlertRecord[]> =>
      read(() => {
        const row = select.get();
        return row ? recordsSchema.parse(JSON.parse(row.value)) : [];
      }),
    keepAlerts: (records: readonly AlertRecord[], at: number): Promise<void> =>
      commit(
        COMMIT_OPTIONS.BY_HAND,
        () => void upsert({ ...ALERTS, value: JSON.stringify(records), at }),
      ),
  };
}

const BACKUPS = { accountId: toAccountId(""), scope: "bot", name: "backups" };

const stateSchema: z.ZodType<BackupState> = z.lazy(() =>
  z.object({
    since: z.number().optional(),
    made: z.object({
      kind: z.literal("made"),
      at: z.number(),
      path: z.string(),
      bytes: z.number(),
    }).optional(),
    elsewhere: z.array(z.string()).optional(),
    failed: z.object({ kind: z.literal("failed"), at: z.number(), why: z.string() }).optional(),
  })
);

function withMade(
  { since, elsewhere = [] }: BackupState,
  { isElsewhere, ...made }: Extract<BackupAttempt, { readonly kind: "made" }>,
): BackupState {
  const others = elsewhere.filter((path) => path !== made.path);
  return {
    since,
    made,
    elsewhere: isElsewhere ? [...others, made.path].slice(-MAX_ELSEWHERE) : elsewhere,
  };
}

/** Stores the newest results of backups, in one row (O11). */
function createStoredBackups({ sql, commit, read }: Transactions, { upsert }: SettingRows) {
  const select = sql.rows(SETTING.read)`
    SELECT * FROM setting WHERE account_id = '' AND scope = 'bot' AND name = 'backups'`;
  const stored = (): BackupState => {
    const row = select.get();
    return row ? stateSchema.parse(JSON.parse(row.value)) : {};
  };
  return {
    backups: (): Promise<BackupState> => read(stored),
    /** Adds a result. A success removes the failure before it. */
    recordBackup: (result: BackupAttempt) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const before = stored();
        const next: BackupState = result.kind === "made"
          ? withMade(before, result)
          : result.kind === "failed"
          ? { ...before, failed: result }
          : { ...before, since: before.since ?? result.at };
        upsert({ ...BACKUPS, value: JSON.stringify(next), at: result.at });
      }),
  };
}

/** Reads and keeps the results of backups (O11). */
