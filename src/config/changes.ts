/**
 * Compares two loads of the config, and plans the reload of each account (C9).
 *
 * Keys are compared by their effective values, with defaults and inheritance, and reported at their
 * place in the file. So writing out a default changes nothing. A secret is compared by its content,
 * wherever it comes from, and never shown.
 */

import { isDeepStrictEqual } from "node:util";
import type { AccountId } from "../core/discord/ids.ts";
import { effectiveOf, effectiveValues, sectionsOf, withDefaults } from "./schema/accounts.ts";
import type { DiscordConfig } from "./config.ts";
import type { TakesEffect } from "./schema/parts/key.ts";
import type { LoadedConfig } from "./load.ts";
import { configSchema } from "./schema/root.ts";
import { account as accountSchema } from "./schema/discord.ts";
import type { Secret } from "./schema/parts/secrets.ts";
import { childOf, docOf, isSecret, type Schema } from "./schema/parts/key.ts";
import { type Segment, valueAt } from "./text/edit.ts";
import { isRecord, pathText } from "../lib/text/quoted.ts";

export interface KeyChange {
  readonly path: string;
  /**
   * JSON of the old value, a secret as `"[redacted]"`; a list is one value. Absent if there was
   * none.
   */
  readonly from?: string;
  /** JSON of the new value, written like `from`. Absent if the key was removed. */
  readonly to?: string;
  readonly takesEffect: TakesEffect;
}

/**
 * The reload of an account.
 *
 * - `keep`: nothing changes.
 * - `apply`: it takes the new config, and stays connected.
 * - `restart`: it reconnects, and resumes its session.
 * - `start`: it is new, or no longer disabled.
 * - `stop`: it was removed or disabled.
 */
export interface AccountChange {
  readonly accountId: AccountId;
  /** The next step for it, as above. */
  readonly does: "keep" | "apply" | "restart" | "start" | "stop";
}

export interface ReloadPlan {
  /** In the order of the files; removed keys last. */
  readonly changes: readonly KeyChange[];
  /** All old and new accounts, each once. */
  readonly accounts: readonly AccountChange[];
}

export function planReload(before: LoadedConfig, after: LoadedConfig): ReloadPlan {
  const changes = changesBetween(before, after);
  const shared = changes.filter(({ path }) => !path.startsWith("channels.discord."))
    .map(({ takesEffect }) => takesEffect);
  const ids = [...after.config.accounts, ...before.config.accounts].map((one) => one.accountId);
  return {
    changes,
    accounts: [...new Set(ids)].map((accountId) => {
      const old = accountOf(before, accountId);
      const now = accountOf(after, accountId);
      const effects = [...shared, ...(old && now ? effectsBetween(old, now) : [])];
      return { accountId, does: becomes(old?.config, now?.config, effects) };
    }),
  };
}

function becomes(
  before: DiscordConfig | undefined,
  after: DiscordConfig | undefined,
  effects: readonly TakesEffect[],
): AccountChange["does"] {
  if (!after) return "stop";
  if (!before) return "start";
  if (before.enabled !== after.enabled) return after.enabled ? "start" : "stop";
  if (after.enabled && effects.includes("reconnect")) return "restart";
  return effects.some((effect) => effect !== "restart") ? "apply" : "keep";
}

interface Side {
  readonly written: unknown;
  readonly held: unknown;
}

function changesBetween(before: LoadedConfig, after: LoadedConfig): readonly KeyChange[] {
  const changes = new Map<string, KeyChange>();
  const note = (path: readonly Segment[], from: unknown, to: unknown): void => {
    const place = pathText(path);
    changes.set(place, {
      path: place,
      from: from !== undefined ? JSON.stringify(from) : undefined,
      to: to !== undefined ? JSON.stringify(to) : undefined,
      takesEffect: effectAt(path),
    });
  };

  function compare(old: Side, now: Side, schema: Schema | undefined, path: readonly Segment[]) {
    if (isDeepStrictEqual(old.written, now.written)) return;
    const isHidden = schema !== undefined && isSecret(schema);
    const names = isHidden ? [] : namesIn(now.written, old.written);
    for (const name of names) {
      const child = schema && childOf(schema, name);
      compare(below(old, name), below(now, name), child, [...path, name]);
    }
    // If both sides are objects, their keys tell the change.
    if (names.length > 0 && isObject(old.written) && isObject(now.written)) return;
    if (!isDeepStrictEqual(old.held, now.held)) note(path, old.held, now.held);
  }

  compare(sideOf(before), sideOf(after), configSchema, []);
  for (const { path } of [...after.secrets.values(), ...before.secrets.values()]) {
    const place = pathText(path);
    const [old, now] = [before, after].map(({ secrets }) => secrets.get(place)?.secret);
    if (!isSame(old, now) && !changes.has(place)) note(path, old, now);
  }
  return [...changes.values()];
}

function sideOf({ written }: LoadedConfig): Side {
  return { written, held: effectiveValues(written) };
}

/** The keys that either side writes; none for a list, which is one value. */
function namesIn(...sides: readonly unknown[]): readonly string[] {
  return [...new Set(sides.flatMap((side) => isRecord(side) ? Object.keys(side) : []))];
}

function below({ written, held }: Side, name: string): Side {
  return { written: valueAt(written, [name]), held: valueAt(held, [name]) };
}

/** Whether a value is an object, or absent. */
function isObject(written: unknown): boolean {
  return written === undefined || isRecord(written);
}

/** When a change at a path takes effect: the setting of the deepest documented key. */
function effectAt(path: readonly Segment[]): TakesEffect {
  let schema: Schema | undefined = configSchema;
  let takesEffect: TakesEffect = "now";
  for (const segment of path) {
    schema = schema && childOf(schema, segment);
    takesEffect = (schema && docOf(schema)?.takesEffect) ?? takesEffect;
  }
  return takesEffect;
}

interface AccountState {
  readonly config: DiscordConfig;
  readonly settings: unknown;
}

function accountOf(
  { config, written }: LoadedConfig,
  accountId: AccountId,
): AccountState | undefined {
  const found = config.accounts.find((one) => one.accountId === accountId);
  if (!found) return undefined;
  const own = sectionsOf(written).find(({ id }) => id === accountId)?.own;
  return {
    config: found,
    settings: withDefaults(accountSchema, effectiveOf(written, accountId, own)),
  };
}

function effectsBetween(before: AccountState, after: AccountState): readonly TakesEffect[] {
  const effects = new Set<TakesEffect>();
  const visit = (old: unknown, now: unknown, schema: Schema, above: TakesEffect): void => {
    const takesEffect = docOf(schema)?.takesEffect ?? above;
    if (isSecret(schema) || isDeepStrictEqual(old, now)) return;
    if (!isRecord(old) || !isRecord(now)) return void effects.add(takesEffect);
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const child = childOf(schema, name);
      if (child) visit(old[name], now[name], child, takesEffect);
    }
  };
  visit(before.settings, after.settings, accountSchema, "now");
  if (!isSame(before.config.token, after.config.token)) effects.add("reconnect");
  const [heard, hears] = [before.config.gateway, after.config.gateway].map(({ reactions }) =>
    reactions
  );
  // The intents of the preset change with them.
  if (!isDeepStrictEqual(heard, hears)) effects.add("reconnect");
  if (!isSame(before.config.pluralkit.token, after.config.pluralkit.token)) effects.add("now");
  return [...effects];
}

function isSame(before: Secret | undefined, after: Secret | undefined): boolean {
  return before?.reveal() === after?.reveal();
}
