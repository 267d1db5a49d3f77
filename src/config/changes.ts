/**
 * What a config that was read again changes, and what becomes of each account (C9).
 *
 * Keys are compared as they hold, defaults and inheritance included, and told where they are
 * written: a key that is written out as it was anyway changes nothing. A secret is compared by
 * what it is and not by where it stands, and never told.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { pathText } from "../core/config_path.ts";
import type { AccountId } from "../core/discord/ids.ts";
import { sectionsOf } from "./schema/accounts.ts";
import type { DiscordConfig } from "./config.ts";
import type { TakesEffect } from "./schema/key.ts";
import type { LoadedConfig } from "./load.ts";
import { accountDefaults, configSchema } from "./schema/root.ts";
import { account as accountSchema } from "./schema/discord.ts";
import type { Secret } from "./schema/secrets.ts";
import { childOf, docOf, isSecret, type Schema } from "./schema/shape.ts";
import { isRecord, type Segment, valueAt } from "./text/tree.ts";

/** One key that has another value now. */
export interface Change {
  readonly path: string;
  /** As JSON, a secret as `"[redacted]"`; a list as a whole. Absent: there was none. */
  readonly from?: string;
  readonly to?: string;
  readonly takesEffect: TakesEffect;
}

/**
 * What becomes of an account.
 *
 * - `keep`: nothing of it has changed.
 * - `apply`: it goes by another config, and stays connected.
 * - `restart`: it connects anew, and resumes its session.
 * - `start`: it is new, or is no longer disabled.
 * - `stop`: it is gone, or is disabled now.
 */
export interface AccountChange {
  readonly accountId: AccountId;
  readonly does: "keep" | "apply" | "restart" | "start" | "stop";
}

export interface ReloadPlan {
  /** In the order of the files, what is gone last. */
  readonly changes: readonly Change[];
  /** Each that there is or was, once. */
  readonly accounts: readonly AccountChange[];
}

/** Compares the config that runs with one that was read again. */
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

/** What is written in a place, and what holds there. */
interface Side {
  readonly written: unknown;
  readonly held: unknown;
}

function changesBetween(before: LoadedConfig, after: LoadedConfig): readonly Change[] {
  const changes = new Map<string, Change>();
  const note = (path: readonly Segment[], from: unknown, to: unknown): void => {
    const place = pathText(path);
    changes.set(place, {
      path: place,
      ...(from !== undefined && { from: JSON.stringify(from) }),
      ...(to !== undefined && { to: JSON.stringify(to) }),
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
    // What has keys on a side is told by them, unless the other side is no object.
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

function sideOf({ written, settings }: LoadedConfig): Side {
  return { written, held: settings };
}

/** The keys that are written on either side; none of a list, which is one value. */
function namesIn(...sides: readonly unknown[]): readonly string[] {
  return [...new Set(sides.flatMap((side) => isRecord(side) ? Object.keys(side) : []))];
}

function below({ written, held }: Side, name: string): Side {
  return { written: valueAt(written, [name]), held: valueAt(held, [name]) };
}

/** An object, or nothing. */
function isObject(written: unknown): boolean {
  return written === undefined || isRecord(written);
}

/** What the deepest key on the way to a place says of it. */
function effectAt(path: readonly Segment[]): TakesEffect {
  let schema: Schema | undefined = configSchema;
  let takesEffect: TakesEffect = "now";
  for (const segment of path) {
    schema = schema && childOf(schema, segment);
    takesEffect = (schema && docOf(schema)?.takesEffect) ?? takesEffect;
  }
  return takesEffect;
}

/** An account as it runs, and its settings with all that they inherit. */
interface AccountState {
  readonly config: DiscordConfig;
  readonly settings: unknown;
}

function accountOf(
  { config, settings, written }: LoadedConfig,
  accountId: AccountId,
): AccountState | undefined {
  const found = config.accounts.find((one) => one.accountId === accountId);
  if (!found) return undefined;
  const { accounts = {}, ...above } = settings.channels.discord ?? { ...accountDefaults() };
  const name = sectionsOf(written).find(({ id }) => id === accountId)?.name;
  return { config: found, settings: name === undefined ? above : accounts[name] };
}

/** What of an account differs, by when it takes effect. */
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
  if (!isSame(before.config.pluralkit.token, after.config.pluralkit.token)) effects.add("now");
  return [...effects];
}

function isSame(before: Secret | undefined, after: Secret | undefined): boolean {
  return before?.reveal() === after?.reveal();
}
