/**
 * Finds every secret of the config by its schema, reads it, and reports those that cannot be read.
 */

import type { Env } from "../lib/env.ts";
import type { AccountId } from "../core/discord/ids.ts";
import { isRecord, pathText, quoted } from "../lib/text/quoted.ts";
import { account as accountSchema, discord as discordSchema } from "./schema/discord.ts";
import { BOT_TOKEN, DEFAULT_ACCOUNT, type WrittenAccount } from "./schema/accounts.ts";
import { MODEL_SECRETS } from "./models.ts";
import { isSecretPlaceholder } from "./checks/issues.ts";
import type { ProblemAt } from "./parse.ts";
import type { Problem } from "./text/problem.ts";
import { configSchema, type Settings } from "./schema/root.ts";
import {
  botToken,
  EnvReference,
  envSecret,
  hintToWrite,
  resolveSecret,
  Secret,
  type SecretPlaces,
  type SecretSource,
} from "./schema/parts/secrets.ts";
import { childOf, isSecret, type Schema } from "./schema/parts/key.ts";
import { type Segment, valueAt } from "./text/edit.ts";

interface FoundSecrets {
  readonly byPath: SecretsByPath;
  /** Whether the file itself contains one (C8). */
  readonly holdsLiteral: boolean;
  readonly problems: readonly Problem[];
}

export type SecretsByPath = ReadonlyMap<
  string,
  { readonly path: readonly Segment[]; readonly secret: Secret }
>;

/**
 * Reads all secrets. In the settings and the accounts, they replace their references; a reference
 * that cannot be read is removed.
 *
 * @param written The file's own values.
 */
export async function resolveSecrets(
  settings: Settings,
  written: unknown,
  accounts: readonly WrittenAccount[],
  problemAt: ProblemAt,
  places: SecretPlaces,
): Promise<FoundSecrets> {
  const problems: Problem[] = [];
  const byPath = new Map<string, { path: readonly Segment[]; secret: Secret }>();
  const failed = new Set<string>();
  let holdsLiteral = false;

  /** Reads a secret that several accounts inherit once, and reports it once. */
  async function read(
    source: SecretSource | undefined,
    path: readonly Segment[],
    hasEffect = true,
    clean: (secret: Secret, what?: string) => ReturnType<typeof botToken> = (secret) => secret,
  ): Promise<Secret | undefined> {
    const place = pathText(path);
    if (source === undefined || failed.has(place)) return undefined;
    const known = byPath.get(place);
    if (known) return known.secret;
    holdsLiteral ||= source instanceof Secret;
    const resolved = await resolveSecret(source, places);
    const what = source instanceof Secret ? undefined : nameOf(source);
    const secret = resolved instanceof Secret ? clean(resolved, what) : resolved;
    if (secret instanceof Secret && isSecretPlaceholder(secret.reveal())) {
      if (!hasEffect) return undefined;
      failed.add(place);
      const severity = places.isElsewhere ? "warning" : "error";
      const message = `${nameOf(source)} is a placeholder`;
      problems.push(problemAt(severity, path, message, hintToWrite(source)));
      return places.isElsewhere ? secret : undefined;
    }
    if (secret instanceof Secret) {
      byPath.set(place, { path, secret });
      return secret;
    }
    if (!hasEffect) return undefined;
    failed.add(place);
    // A part without its secret does not work; the others do.
    const severity = secret.isAbsent ? "warning" : "error";
    problems.push(problemAt(severity, path, secret.why, secret.hint));
    return undefined;
  }

  /** Reads the secrets in a part of the config, which the schema marks. */
  async function readIn(
    values: unknown,
    schema: Schema,
    path: readonly Segment[],
    placeOf: (path: readonly Segment[]) => readonly Segment[] | undefined,
    hasEffect = true,
  ): Promise<void> {
    if (!isWritable(values)) return;
    for (const [name, value] of Object.entries(values)) {
      if (!holdsSource(value)) continue; // so its schema need not be built
      const child = childOf(schema, name);
      if (!child) continue;
      const here = [...path, name];
      if (!isSecret(child)) await readIn(value, child, here, placeOf, hasEffect);
      else if (isSource(value)) {
        const place = placeOf(here);
        const secret = place && await read(value, place, hasEffect);
        if (secret) values[name] = secret;
        else if (place) Reflect.deleteProperty(values, name);
      }
    }
  }

  for (const account of accounts) {
    const { settings } = account;
    const at = (key: readonly Segment[]) => placeIn(written, account, key);
    const token = await read(
      tokenSource(account, places.env),
      at(["token"]),
      true,
      (secret, what) => botToken(secret, places.env, what),
    );
    Object.assign(settings, { token });
    await readIn(settings, accountSchema, [], at);
  }
  const { channels, ...shared } = settings;
  await readIn(shared, configSchema, [], (path) => path);
  // Secrets that each account overrides have no effect, so they are no problem.
  const discord = ["channels", "discord"];
  await readIn(
    channels.discord,
    discordSchema,
    discord,
    (path) => valueAt(written, path) === undefined ? undefined : path,
    false,
  );
  problems.push(...sameTokens(written, accounts, problemAt));
  return { byPath, holdsLiteral, problems };
}

/** The place of a secret's text, for a problem. */
function nameOf(source: SecretSource): string {
  if (source instanceof Secret) return "The value";
  return source instanceof EnvReference ? `The variable ${source.env}` : `The file ${source.file}`;
}

function isWritable(value: unknown): value is Record<string, unknown> {
  return isRecord(value);
}

function isSource(held: unknown): held is SecretSource {
  return held instanceof Secret || held instanceof EnvReference ||
    (isRecord(held) && typeof held["file"] === "string");
}

/** Whether a value is, or contains, the source of a secret. */
function holdsSource(value: unknown): boolean {
  return isSource(value) || (isRecord(value) && Object.values(value).some(holdsSource));
}

/** The environment's token is the default account's, unless the file has one (C5). */
function tokenSource({ id, settings }: WrittenAccount, env: Env): SecretSource | undefined {
  if (settings.token !== undefined || id !== DEFAULT_ACCOUNT) return settings.token;
  return envSecret(env, BOT_TOKEN) && new EnvReference(BOT_TOKEN);
}

/** The config path of an account's secret: in its own section, or above. */
function placeIn(
  written: unknown,
  { name }: WrittenAccount,
  key: readonly Segment[],
): readonly Segment[] {
  const above = ["channels", "discord"];
  const own = name === undefined ? undefined : [...above, "accounts", name, ...key];
  return own && valueAt(written, own) !== undefined ? own : [...above, ...key];
}

/** Two connections with one token would answer every message twice (C6). */
function sameTokens(
  written: unknown,
  accounts: readonly WrittenAccount[],
  problemAt: ProblemAt,
): readonly Problem[] {
  const first = new Map<string, AccountId>();
  return accounts.flatMap((account) => {
    const token = account.settings.token?.reveal();
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

/**
 * Registers all secrets of the config, and those of the environment, with the log. All outputs share
 * its filter.
 *
 * A key of a provider that is not chosen counts too: the model, or a script that sends its text, may
 * know it nevertheless. So does the password of an address, or the token of a header, without the rest.
 */
export function registerSecrets(
  { secrets }: { readonly secrets: SecretsByPath },
  env: Env,
  logging: { readonly addSecret: (secret: string) => void },
): void {
  for (const { secret } of secrets.values()) {
    const text = secret.reveal();
    logging.addSecret(text);
    for (const part of [...passwordsIn(text), ...tokensIn(text)]) logging.addSecret(part);
  }
  for (const name of [BOT_TOKEN, ...MODEL_SECRETS]) {
    const value = envSecret(env, name);
    if (value) logging.addSecret(value.reveal());
  }
}

/** The password of a secret that is an address, in both spellings. */
function passwordsIn(text: string): readonly string[] {
  const { password = "" } = URL.canParse(text) ? new URL(text) : {};
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password]; // a % of its own
  }
}

/** The tokens of a header: `Bearer …`, `MediaBrowser Token="…"`. */
function tokensIn(text: string): readonly string[] {
  const found = text.matchAll(/^[\w-]+ +([^\s"]{8,})$|="([^"]{8,})"/g);
  return Array.from(found, ([, only = "", quoted = ""]) => only || quoted);
}
