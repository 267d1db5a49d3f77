/**
 * Resolves every secret of the settings, and reports those that cannot be resolved.
 *
 * @module
 */

import type { Env } from "../lib/env.ts";
import { pathText } from "../core/config_file.ts";
import type { AccountId } from "../core/discord/ids.ts";
import { quoted } from "../lib/text/quoted.ts";
import { type Account, DEFAULT_ACCOUNT } from "./schema/accounts.ts";
import { BOT_TOKEN } from "./config.ts";
import type { ProblemAt } from "./parse.ts";
import type { RemovedSecret } from "./removed_secrets.ts";
import type { Problem } from "./text/problem.ts";
import { isWorthSearching } from "./schema/parts/blank.ts";
import { configSchema, type Settings } from "./schema/root.ts";
import {
  botToken,
  EnvReference,
  envSecret,
  resolveSecret,
  Secret,
  type SecretPlaces,
  type SecretProblem,
  type SecretSource,
} from "./schema/parts/secrets.ts";
import { childOf, isSecret, type Schema } from "./schema/parts/shape.ts";
import { isRecord, type Segment, valueAt } from "./text/tree.ts";

/** The resolved secrets. */
export interface FoundSecrets {
  /** Secrets of each account. */
  readonly accounts: ReadonlyMap<AccountId, AccountSecrets>;
  /** Absent if `http.token` is not set, or cannot be read. */
  readonly httpToken?: Secret;
  /** Secrets of each provider, by its name in the config. */
  readonly providers: Readonly<Record<string, ProviderSecrets>>;
  /** The key of the search engine; absent if it is not set, or cannot be read. */
  readonly searchKey?: Secret;
  /** Headers for the collector of traces, by name. */
  readonly otelHeaders: Readonly<Record<string, Secret>>;
  /** Secrets of each MCP server, by its name in the config. */
  readonly mcp: Readonly<Record<string, McpSecrets>>;
  /** All of them, by their config path. */
  readonly byPath: SecretsByPath;
  /** Whether the file itself contains one (C8). */
  readonly holdsLiteral: boolean;
  /** The secrets that cannot be read, and why. */
  readonly problems: readonly Problem[];
}

/** Secrets by config path as text. */
export type SecretsByPath = ReadonlyMap<
  string,
  { readonly path: readonly Segment[]; readonly secret: Secret }
>;

/** Secrets of one account; absent ones are not set, or cannot be read. */
export interface AccountSecrets {
  /** The bot token. */
  readonly token?: Secret;
  /** The token for PluralKit. */
  readonly pluralkit?: Secret;
}

/** Secrets of one provider. */
export interface ProviderSecrets {
  /** The API key; absent if it is not set, or cannot be read. */
  readonly apiKey?: Secret;
  /** Values of the headers by name. */
  readonly headers: Readonly<Record<string, Secret>>;
}

/** Secrets of one MCP server, by the names of variables and headers. */
export interface McpSecrets {
  /** Variables of its program. */
  readonly env: Readonly<Record<string, Secret>>;
  /** Headers of requests to it. */
  readonly headers: Readonly<Record<string, Secret>>;
  /** The secret of Barnacle's registration; absent if it is not set, or cannot be read. */
  readonly clientSecret?: Secret;
}

/**
 * Resolves all secrets.
 *
 * @param written The file's own values.
 * @param removed References in faulty values, to be judged only.
 */
export async function findSecrets(
  settings: Settings,
  written: unknown,
  accounts: readonly Account[],
  problemAt: ProblemAt,
  places: SecretPlaces,
  removed: readonly RemovedSecret[] = [],
): Promise<FoundSecrets> {
  const { http, models, search, otel, mcp } = settings;
  const finder = createFinder(problemAt, places);
  const { find } = finder;
  const ofAccounts = new Map<AccountId, AccountSecrets>();
  for (const account of accounts) {
    const token = await find(
      tokenSource(account, places.env),
      placeIn(written, account, ["token"]),
      botToken,
    );
    const pluralkit = await find(
      account.settings.pluralkit.token,
      placeIn(written, account, ["pluralkit", "token"]),
    );
    ofAccounts.set(account.id, { token, pluralkit });
  }
  const httpToken = await find(http.token, ["http", "token"]);
  const searchKey = await find(search?.apiKey, ["search", "apiKey"]);
  async function findAll(
    sources: Readonly<Record<string, SecretSource>>,
    path: readonly Segment[],
  ): Promise<Record<string, Secret>> {
    const found: Record<string, Secret> = {};
    for (const [name, source] of Object.entries(sources)) {
      const secret = await find(source, [...path, name]);
      if (secret) found[name] = secret;
    }
    return found;
  }
  const providers: Record<string, ProviderSecrets> = {};
  for (const [id, { apiKey: source, headers: sources }] of Object.entries(models.providers)) {
    const path = ["models", "providers", id];
    const apiKey = await find(source, [...path, "apiKey"]);
    const headers = await findAll(sources, [...path, "headers"]);
    providers[id] = { apiKey, headers };
  }
  const otelHeaders = await findAll(otel?.headers ?? {}, ["otel", "headers"]);
  const servers: Record<string, McpSecrets> = {};
  for (const [id, { env, headers, oauth }] of Object.entries(mcp?.servers ?? {})) {
    const path = ["mcp", "servers", id];
    const clientSecret = await find(oauth?.clientSecret, [...path, "oauth", "clientSecret"]);
    servers[id] = {
      clientSecret,
      env: await findAll(env, [...path, "env"]),
      headers: await findAll(headers, [...path, "headers"]),
    };
  }
  for (const [path, source] of writtenSecrets(settings, written)) {
    await find(source, path, undefined, "has no effect");
  }
  for (const { source, path } of removed) await find(source, path);
  return {
    accounts: ofAccounts,
    httpToken,
    providers,
    searchKey,
    otelHeaders,
    mcp: servers,
    byPath: finder.byPath,
    holdsLiteral: finder.sawLiteral(),
    problems: [...finder.problems, ...sameTokens(written, accounts, ofAccounts, problemAt)],
  };
}

/** All secrets of the file, also those that nothing uses yet, or that each account overrides. */
function writtenSecrets(
  settings: Settings,
  written: unknown,
): readonly (readonly [path: readonly Segment[], source: SecretSource])[] {
  const visit = (
    held: unknown,
    schema: Schema | undefined,
    path: readonly Segment[],
  ): ReturnType<typeof writtenSecrets> => {
    if (!schema || valueAt(written, path) === undefined) return [];
    if (isSecret(schema)) return isSource(held) ? [[path, held]] : [];
    if (!isRecord(held)) return [];
    const entries = Object.entries(held);
    if (!isWorthSearching(schema, entries.length)) return [];
    return entries.flatMap(([name, part]) => visit(part, childOf(schema, name), [...path, name]));
  };
  return visit(settings, configSchema, []);
}

function isSource(held: unknown): held is SecretSource {
  return held instanceof Secret || held instanceof EnvReference ||
    (isRecord(held) && typeof held["file"] === "string");
}

/** The environment's token is the default account's, unless the file has one (C5). */
function tokenSource({ id, settings }: Account, env: Env): SecretSource | undefined {
  if (settings.token !== undefined || id !== DEFAULT_ACCOUNT) return settings.token;
  return envSecret(env, BOT_TOKEN) && new EnvReference(BOT_TOKEN);
}

/** The config path of an account's secret: in its own section, or above. */
function placeIn(
  written: unknown,
  { name }: Account,
  key: readonly Segment[],
): readonly Segment[] {
  const above = ["channels", "discord"];
  const own = name === undefined ? undefined : [...above, "accounts", name, ...key];
  return own && valueAt(written, own) !== undefined ? own : [...above, ...key];
}

/** Two connections with one token would answer every message twice (C6). */
function sameTokens(
  written: unknown,
  accounts: readonly Account[],
  secrets: ReadonlyMap<AccountId, AccountSecrets>,
  problemAt: ProblemAt,
): readonly Problem[] {
  const first = new Map<string, AccountId>();
  return accounts.flatMap((account) => {
    const token = secrets.get(account.id)?.token?.reveal();
    if (token === undefined) return [];
    const other = first.get(token);
    if (other === undefined) {
      first.set(token, account.id);
      return [];
    }
    return problemAt(
      "error",
      placeIn(written, account, ["token"]),
      `The accounts ${quoted(other)} and ${quoted(account.id)} have the same token`,
      other === DEFAULT_ACCOUNT
        ? `the token of channels.discord or of ${BOT_TOKEN} is that of the account "default": ` +
          "remove it there, or remove this account"
        : "each bot has its own: in Discord's developer portal, under its application, Bot, Reset Token",
    );
  });
}

interface Finder {
  readonly problems: readonly Problem[];
  readonly byPath: SecretsByPath;
  readonly sawLiteral: () => boolean;
  find(
    source: SecretSource | undefined,
    path: readonly Segment[],
    read?: (secret: Secret) => Secret | SecretProblem,
    /** A secret without effect is no problem if it cannot be read. */
    effect?: "has no effect",
  ): Promise<Secret | undefined>;
}

/** Resolves a secret that several accounts inherit once, and reports it once. */
function createFinder(problemAt: ProblemAt, places: SecretPlaces): Finder {
  const problems: Problem[] = [];
  const byPath = new Map<string, { path: readonly Segment[]; secret: Secret }>();
  const failed = new Set<string>();
  let literal = false;
  return {
    problems,
    byPath,
    sawLiteral: () => literal,
    async find(source, path, read = (secret) => secret, effect) {
      const place = pathText(path);
      if (source === undefined || failed.has(place)) return undefined;
      const known = byPath.get(place);
      if (known) return known.secret;
      literal ||= source instanceof Secret;
      const resolved = await resolveSecret(source, places);
      const secret = resolved instanceof Secret ? read(resolved) : resolved;
      if (secret instanceof Secret) {
        byPath.set(place, { path, secret });
        return secret;
      }
      if (effect === "has no effect") return undefined;
      failed.add(place);
      const severity = places.isElsewhere && secret.isAbsent ? "warning" : "error";
      problems.push(problemAt(severity, path, secret.why, secret.hint));
      return undefined;
    },
  };
}
