/** Loads a config from a text alone: no file exists, and only the given variables are set. */

import assert from "node:assert/strict";
import type { Env } from "../../src/lib/env.ts";
import { type BotConfig, type Config, forAccount } from "../../src/config/config.ts";
import { loadConfig, type Loaded, type LoadedConfig } from "../../src/config/load.ts";
import { renderProblems } from "../../src/config/text/problem.ts";
import type { AccessPolicy } from "../../src/policy/rules.ts";

export interface World {
  readonly env?: Env;
  readonly files?: Readonly<Record<string, string>>;
  readonly isElsewhere?: boolean;
}

export function load(
  text: string | undefined,
  { env = {}, files = {}, isElsewhere = false }: World = {},
): Promise<Loaded> {
  const source = text === undefined ? undefined : { file: "config.jsonc", text };
  return loadConfig(source, { env, readFile: (path) => Promise.resolve(files[path]), isElsewhere });
}

export async function loadedOf(text: string | undefined, world?: World): Promise<LoadedConfig> {
  const loaded = await load(text, world);
  assert.ok(loaded.kind === "loaded", renderProblems(loaded.problems));
  return loaded;
}

export async function botConfigOf(text: string | undefined, world?: World): Promise<BotConfig> {
  return (await loadedOf(text, world)).config;
}

/** The config of its first account; that is `default` if it exists. */
export async function configOf(text: string | undefined, world?: World): Promise<Config> {
  const config = await botConfigOf(text, world);
  const [account] = config.accounts;
  assert.ok(account);
  return forAccount(config, account);
}

/** The rules of the account `default`. */
export function accessOf({ config }: LoadedConfig): AccessPolicy {
  const [account] = config.accounts;
  assert.equal(account?.accountId, "default");
  return account.access;
}

/** All problems as an operator sees them. */
export async function rendered(text: string | undefined): Promise<string> {
  return renderProblems((await load(text)).problems);
}

/** `"severity path: message"` of each problem. */
export async function problemLines(
  text: string | undefined,
  world?: World,
): Promise<readonly string[]> {
  const { problems } = await load(text, world);
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

/** Wraps the keys of `channels.discord`; DMs are off, so that they add no note. */
export function discord(keys: string): string {
  return `{"channels":{"discord":{"dm":{"enabled":false},${keys}}}}`;
}
