/**
 * The accounts of a config: what each of them inherits, and where that is written (C6).
 *
 * An account's own keys go before those above it, key by key and at every depth; a list is
 * replaced whole. What is inherited is what is written: defaults fill in what then is still
 * missing, or the default of an account would hide what stands above it. What an account is itself
 * is never inherited: its name, and its token, for two connections with one token are two bots that
 * answer everything twice.
 *
 * @module
 */

import type { z } from "zod";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import {
  accountDefaults,
  type AccountSettings,
  type DiscordSettings,
  type Settings,
} from "./root.ts";
import { account } from "./discord.ts";
import { entriesAt, isRecord, type Segment, valueAt } from "../text/tree.ts";
import { writtenAt } from "../text/written.ts";

/** One account of a config. */
export interface Account {
  readonly id: AccountId;
  /** Its key in `accounts` as it is written; absent where it has none. */
  readonly name?: string;
  /** With all that it inherits, and defaults. */
  readonly settings: AccountSettings;
  /** Where a rule of `channels.discord` is written for it; see `AccessPolicy.ruleOf`. */
  readonly ruleOf: (path: string) => string;
}

/** The account that the environment's token serves. */
export const DEFAULT_ACCOUNT = toAccountId("default");

/** Where the keys are that all accounts inherit. */
export const DISCORD = "channels.discord";

type Written = Readonly<Record<string, unknown>>;

/** Settings of which each account's are all that holds for it, and what is wrong with those. */
export interface WithAccounts {
  readonly settings: Settings;
  readonly issues: readonly z.core.$ZodIssue[];
}

/**
 * Gives each account what it inherits.
 *
 * Each part is valid by itself; here come the rules between keys that are written in two places.
 *
 * @param settings As checked, of a file as it is written.
 * @param written The file's own values.
 */
export function withAccounts(settings: Settings, written: unknown): WithAccounts {
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
 * It is there where it has a token or a section, and where there is no other: then it is the one
 * that still lacks a token.
 *
 * @param settings Of which those of each account are {@link effectiveOf} it.
 * @param written The file's own values.
 * @param servesDefault Whether the environment has a token for it.
 */
export function accountsOf(
  { channels: { discord } }: Settings,
  written: unknown,
  servesDefault: boolean,
): readonly Account[] {
  const { accounts: checked = {}, ...above } = discord ?? withoutAccounts();
  const named = sectionsOf(written).flatMap(({ id, name }): readonly Account[] => {
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

function withoutAccounts(): DiscordSettings {
  return accountDefaults();
}

/** The sections of `accounts` by id, each under its name as it is written. */
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
 * What holds for an account, as it could have been written without inheriting anything.
 *
 * The name that stands above is that of `default`, as the token is.
 */
export function effectiveOf(written: unknown, id: AccountId, own: unknown): Written {
  const above = valueAt(written, ["channels", "discord"]);
  const { accounts: _, token, name, ...shared } = isRecord(above) ? above : {};
  const identity = {
    ...(token !== undefined && { token }),
    ...(name !== undefined && { name }),
  };
  return inherited(
    { ...shared, ...(id === DEFAULT_ACCOUNT && identity) },
    isRecord(own) ? own : {},
  );
}

/** A secret is one value, even where it is written as `{ "file": … }`: it has no other key. */
function inherited(above: Written, own: Written): Written {
  const joined: Record<string, unknown> = { ...above };
  for (const [name, value] of Object.entries(own)) {
    const base = Object.hasOwn(above, name) ? above[name] : undefined;
    joined[name] = isRecord(base) && isRecord(value) ? inherited(base, value) : value;
  }
  return joined;
}

/** What is written for one account, inherited or not. */
export interface Section {
  readonly value: Written;
  /** Where a key of it stands in the file, by its way below `channels.discord`. */
  readonly at: (key: readonly Segment[]) => readonly Segment[];
}

/** What is written for each account; for `default`, which may come of the environment, always. */
export function writtenSections(written: unknown): readonly Section[] {
  const above = ["channels", "discord"];
  if (!isRecord(valueAt(written, above))) return [];
  const named = sectionsOf(written);
  const sections = named.map(({ id, name, own }): Section => ({
    value: effectiveOf(written, id, own),
    at: (key) =>
      valueAt(own, key) === undefined ? [...above, ...key] : [...above, "accounts", name, ...key],
  }));
  if (named.some(({ id }) => id === DEFAULT_ACCOUNT)) return sections;
  const value = effectiveOf(written, DEFAULT_ACCOUNT, undefined);
  return [{ value, at: (key) => [...above, ...key] }, ...sections];
}

/** Says where a rule is written for an account. */
function preparePlaces(
  written: unknown,
  name: string | undefined,
): (path: string) => string {
  if (name === undefined) return (path) => path;
  const above = valueAt(written, ["channels", "discord"]);
  const own = valueAt(above, ["accounts", name]);
  const known = new Map<string, string>(); // the paths of rules are few, and asked for with each message
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

/** The path of an account's own key. */
export function ownPath(path: string, name: string): string {
  return `${DISCORD}.accounts.${name}${path.slice(DISCORD.length)}`;
}
