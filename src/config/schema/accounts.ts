/**
 * Resolves the accounts of a config: the keys that they inherit, and where those are written (C6).
 *
 * An account's own keys override those above it, at every depth; a list is replaced as a whole.
 * Accounts inherit written keys only. Defaults come last, or an account's default would hide a key
 * above it. Name and token are never inherited: two connections with one token would answer
 * everything twice.
 */

import { z } from "zod";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import { entriesAt, type Segment, valueAt, writtenAt } from "../text/edit.ts";
import { account } from "./discord.ts";
import { referenceIn, Secret } from "./parts/secrets.ts";
import { childOf, isSecret, type Schema, shapeOf } from "./parts/key.ts";
import { type AccountSettings, configSchema, type DiscordSettings, type Settings } from "./root.ts";
import { isRecord } from "../../lib/text/quoted.ts";

/**
 * The values with their defaults. A secret is a `Secret` or its reference, so that it is never shown.
 *
 * @param value Valid for the schema.
 */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (isSecret(schema)) return value === undefined ? undefined : secretOf(value);
  if (schema instanceof z.ZodOptional) {
    return value === undefined ? undefined : withDefaults(schema.def.innerType, value);
  }
  if (schema instanceof z.ZodDefault && value === undefined) return schema.def.defaultValue;
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) {
    return withDefaults(schema.def.innerType, value ?? schema.def.defaultValue);
  }
  if (schema instanceof z.ZodLazy) return withDefaults(schema._zod.innerType, value);
  if (schema instanceof z.ZodPipe) return withDefaults(schema.def.in, value);
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => withDefaults(schema.element, item));
  }
  if (!isRecord(value)) return value;
  if (schema instanceof z.ZodUnion) {
    const option = schema.options.find((one) =>
      Object.keys(value).every((name) => Object.hasOwn(shapeOf(one) ?? {}, name))
    );
    return option ? withDefaults(option, value) : value;
  }
  const entries: readonly (readonly [string, Schema | undefined])[] = schema instanceof z.ZodObject
    ? Object.entries(schema.shape)
    : Object.keys(value).map((name) => [name, childOf(schema, name)]);
  return Object.fromEntries(
    entries.map(([name, child]) => [name, child ? withDefaults(child, value[name]) : value[name]])
      .filter(([, filled]) => filled !== undefined),
  );
}

/** A blank token counts as not set. */
function secretOf(value: unknown): unknown {
  if (typeof value === "string" && value.trim() === "") return undefined;
  return referenceIn(value) ?? new Secret(String(value));
}

export interface WrittenAccount {
  /** Id of the account: `"default"`. */
  readonly id: AccountId;
  /** Its key in `accounts` as written; absent if it has none. */
  readonly name?: string;
  /** With all inherited keys and defaults. */
  readonly settings: AccountSettings;
  /**
   * Finds the config path of a rule of `channels.discord` for this account; see
   * `AccessPolicy.ruleOf`.
   */
  readonly ruleOf: (path: string) => string;
}

/** The environment variable for the token if the config has none (C5). */
export const BOT_TOKEN = "DISCORD_BOT_TOKEN";

/** The account of the environment's token. */
export const DEFAULT_ACCOUNT = toAccountId("default");

/** Config path of the keys that all accounts inherit. */
export const DISCORD = "channels.discord";

export type Written = Readonly<Record<string, unknown>>;

/**
 * Gives each account its inherited keys.
 *
 * Each section is valid by itself. This checks rules between keys of different sections.
 *
 * @param settings Parsed from the file as written.
 * @param written The file's own values.
 */
export function withAccounts(settings: Settings, written: unknown): {
  /** The settings; an account with issues has its own keys only. */
  readonly settings: Settings;
  /** Issues of accounts, with paths from the top of the file. */
  readonly issues: readonly z.core.$ZodIssue[];
} {
  const sections = sectionsOf(written);
  const { discord } = settings.channels;
  if (!discord || sections.length === 0) return { settings, issues: [] };

  const accounts: Record<string, AccountSettings> = {};
  const issues: z.core.$ZodIssue[] = [];
  for (const { id, name, own } of sections) {
    const { data, error } = account.safeParse(effectiveOf(written, id, own), { jitless: true });
    if (data) accounts[name] = data;
    for (const issue of error?.issues ?? []) {
      issues.push({ ...issue, path: ["channels", "discord", "accounts", name, ...issue.path] });
    }
  }
  const channels = { ...settings.channels, discord: { ...discord, accounts } };
  return { settings: { ...settings, channels }, issues };
}

/**
 * All accounts of a config, `default` first.
 *
 * The account `default` exists if it has a token or a section, or if there is no other account. In
 * the last case it still lacks a token.
 *
 * @param settings With the inherited keys of each account, from {@link withAccounts}.
 * @param written The file's own values.
 * @param servesDefault Whether the environment has a token for it.
 */
export function accountsOf(
  { channels: { discord } }: Settings,
  written: unknown,
  servesDefault: boolean,
): readonly WrittenAccount[] {
  const { accounts: checked = {}, ...above }: DiscordSettings = discord ??
    { ...account.parse({}, { jitless: true }), accounts: {} };
  const named = sectionsOf(written).flatMap(({ id, name }): readonly WrittenAccount[] => {
    const settings = Object.hasOwn(checked, name) ? checked[name] : undefined;
    return settings ? [{ id, name, settings, ruleOf: preparePlaces(written, name) }] : [];
  });
  const own = named.filter(({ id }) => id === DEFAULT_ACCOUNT);
  const others = named.filter(({ id }) => id !== DEFAULT_ACCOUNT);
  const isThere = own.length > 0 || others.length === 0 || above.token !== undefined ||
    servesDefault;
  if (!isThere) return others;
  const bare = { id: DEFAULT_ACCOUNT, settings: above, ruleOf: preparePlaces(written, undefined) };
  return own.length > 0 ? [...own, ...others] : [bare, ...others];
}

/** The sections of `accounts` with their ids, each under its key as written. */
export function sectionsOf(
  written: unknown,
): readonly { readonly id: AccountId; readonly name: string; readonly own: unknown }[] {
  return entriesAt(written, ["channels", "discord", "accounts"]).map(([name, own]) => ({
    id: toAccountId(name),
    name,
    own,
  }));
}

/**
 * The keys of an account as it could have written them without inheritance.
 *
 * The name and the token in `channels.discord` are those of `default`.
 */
export function effectiveOf(written: unknown, id: AccountId, own: unknown): Written {
  const above = valueAt(written, ["channels", "discord"]);
  const { accounts: _, token, name, ...shared } = isRecord(above) ? above : {};
  const identity = { token, name };
  return inherited(
    { ...shared, ...(id === DEFAULT_ACCOUNT && identity) },
    isRecord(own) ? own : {},
  );
}

/** A secret is one value, even if it is written as `{ "file": … }`. */
function inherited(above: Written, own: Written): Written {
  const joined = new Map(Object.entries(above));
  for (const [name, value] of Object.entries(own)) {
    const base = joined.get(name);
    const isWhole = !isRecord(base) || !isRecord(value) || referenceIn(value) !== undefined;
    joined.set(name, isWhole ? value : inherited(base, value));
  }
  return Object.fromEntries(joined); // with "__proto__" as a key like any other
}

/**
 * The values of a file with all defaults, in the form in which the file could write them. Each
 * account has all keys that it inherits.
 */
export function effectiveValues(written: unknown): Readonly<Record<string, unknown>> {
  const values = recordOf(withDefaults(configSchema, written));
  const channels = recordOf(values["channels"]);
  if (!isRecord(channels["discord"])) return values;
  const accounts = sectionsOf(written).map(({ id, name, own }) => [
    name,
    withDefaults(account, effectiveOf(written, id, own)),
  ]);
  if (accounts.length === 0) return values;
  const discord = { ...channels["discord"], accounts: Object.fromEntries(accounts) };
  return { ...values, channels: { ...channels, discord } };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

export interface AccountSection {
  /** The keys, as `channels.discord` could have them. */
  readonly value: Written;
  /** Config path of one of its keys, given below `channels.discord`. */
  readonly at: (key: readonly Segment[]) => readonly Segment[];
}

/** The written keys of each account; always of `default`, since the environment may provide it. */
export function writtenSections(written: unknown): readonly AccountSection[] {
  const above = ["channels", "discord"];
  if (!isRecord(valueAt(written, above))) return [];
  const named = sectionsOf(written);
  const sections = named.map(({ id, name, own }): AccountSection => ({
    value: effectiveOf(written, id, own),
    at: (key) =>
      valueAt(own, key) === undefined ? [...above, ...key] : [...above, "accounts", name, ...key],
  }));
  if (named.some(({ id }) => id === DEFAULT_ACCOUNT)) return sections;
  const value = effectiveOf(written, DEFAULT_ACCOUNT, undefined);
  return [{ value, at: (key) => [...above, ...key] }, ...sections];
}

/** Makes the function that finds the config path of an account's rule. */
function preparePlaces(written: unknown, name: string | undefined): (path: string) => string {
  if (name === undefined) return (path) => path;
  const above = valueAt(written, ["channels", "discord"]);
  const own = valueAt(above, ["accounts", name]);
  const known = new Map<string, string>(); // rules have few paths, and every message asks for some
  const place = (path: string): string => {
    if (path !== DISCORD && !path.startsWith(`${DISCORD}.`)) return path;
    const ownDepth = writtenAt(own, path, DISCORD).length;
    const isOwn = ownDepth > 0 && ownDepth >= writtenAt(above, path, DISCORD).length;
    return isOwn ? ownPath(path, name) : path;
  };
  return (path) => {
    let found = known.get(path);
    if (found === undefined) known.set(path, found = place(path));
    return found;
  };
}

/** The config path of an account's own key. */
export function ownPath(path: string, name: string): string {
  return `${DISCORD}.accounts.${name}${path.slice(DISCORD.length)}`;
}
