/**
 * Finds the config file (C1), and loads the config from it and the environment, or returns every
 * problem with them.
 */

import type { Env } from "../lib/env.ts";
import { isLoopback, LOOPBACK_ADDRESSES } from "../lib/network/addresses.ts";
import { pathText, quoted } from "../lib/text/quoted.ts";
import { accountsOf, BOT_TOKEN, DEFAULT_ACCOUNT } from "./schema/accounts.ts";
import {
  auditModelVariables,
  costProblems,
  mediaProblems,
  unknownProviders,
} from "./model_checks.ts";
import { silentDefaults } from "./audit/audit.ts";
import { FEATURES } from "../features/features.ts";
import { placeholdersIn } from "./checks/issues.ts";
import {
  type BotConfig,
  type Config,
  forAccount,
  type SharedConfig,
  toConfig,
  tokenPlaceOf,
} from "./config.ts";
import { resolveSecrets, type SecretsByPath } from "./secrets.ts";
import { mentionsOf } from "./mentions.ts";
import { resolveModels } from "./models.ts";
import { type ConfigText, noFile, parseConfig, type ProblemAt } from "./parse.ts";
import type { Problem } from "./text/problem.ts";
import type { Settings } from "./schema/root.ts";
import { envSecret, type SecretPlaces } from "./schema/parts/secrets.ts";
import { positionOf, valueAt } from "./text/edit.ts";

export type Loaded =
  | {
    readonly kind: "loaded";
    readonly config: BotConfig;
    /** The file's own values, before defaults; `{}` without a file. */
    readonly written: Readonly<Record<string, unknown>>;
    /** The file's text with its secrets blanked, which still parses; absent without a file. */
    readonly text?: string;
    /** Every resolved secret, by its config path. */
    readonly secrets: SecretsByPath;
    readonly problems: readonly Problem[];
    /** Whether the file itself contains a secret, so that other users must not read it (C8). */
    readonly holdsSecret: boolean;
  }
  /** The program exits with code 78. */
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

export type LoadedConfig = Extract<Loaded, { readonly kind: "loaded" }>;

/** Minimum length of `http.token` if other machines can reach the server (SEC-R30). */
const MIN_HTTP_TOKEN = 32;

/**
 * Loads the config. Never rejects; each fault is a problem.
 *
 * @param source The file, or `undefined` if there is none.
 */
export async function loadConfig(
  source: ConfigText | undefined,
  ports: Omit<SecretPlaces, "configFile">,
): Promise<Loaded> {
  const parsed = source ? await parseConfig(source) : noFile();
  const { problemAt } = parsed;
  const { settings, written = {} } = parsed;
  if (!settings) return { kind: "refused", problems: parsed.problems };

  const { env } = ports;
  const accounts = accountsOf(settings, written, envSecret(env, BOT_TOKEN) !== undefined);
  const secretFiles = new Set<string>();
  const places = {
    ...ports,
    configFile: source?.file,
    readFile: (path: string) => {
      secretFiles.add(path);
      return ports.readFile(path);
    },
  };
  const tokenPlaces = new Map(accounts.map((account) => [account.id, tokenPlaceOf(account)]));
  const modelKeys = ports.isElsewhere ? [] : auditModelVariables(settings, env, problemAt);
  const secrets = await resolveSecrets(settings, written, accounts, problemAt, places);
  const reachable = openHttp(settings, written, problemAt);
  const mentions = await mentionsOf(settings);
  const placeholders = placeholdersIn(written).map((
    { path, message, hint },
  ) => problemAt(ports.isElsewhere ? "warning" : "error", path, message, hint));
  const isReplaced = new Set(placeholders.map(({ path }) => path));
  const costs = costProblems(settings, written, env, problemAt);
  const { isElsewhere = false } = ports;
  const judged = { settings, written, problemAt, isElsewhere };
  const all = [
    ...parsed.problems.filter(({ path }) => !isReplaced.has(path)),
    ...placeholders,
    ...secrets.problems.filter(({ path }) => !isReplaced.has(path)),
    ...mentions.problems.map(({ path, message, hint }) => problemAt("error", path, message, hint)),
    ...await unknownProviders(settings, problemAt),
    ...(ports.isElsewhere ? [] : missingVariables(settings, env, problemAt)),
    ...modelKeys,
    ...(ports.isElsewhere ? [] : mediaProblems(settings, env, problemAt)),
    ...costs.problems,
    ...(await Promise.all(FEATURES.map(({ problems }) => problems?.(judged) ?? []))).flat(),
    ...reachable,
    ...silentDefaults(written).map((remark): Problem =>
      source ? { ...remark, file: source.file } : remark
    ),
  ].sort(byPlace);
  if (all.some(({ severity }) => severity === "error")) {
    return { kind: "refused", problems: all };
  }
  return {
    kind: "loaded",
    config: toConfig(settings, {
      accounts,
      mentions,
      tokenPlaces,
      uncounted: costs.uncounted,
      file: source?.file,
      secretFiles: secretFiles.size > 0 ? [...secretFiles] : undefined,
    }),
    written,
    text: parsed.blanked,
    secrets: secrets.byPath,
    problems: all,
    holdsSecret: secrets.holdsLiteral,
  };
}

/** All problems of a config. What keeps the bot from its start, no token or no model, is an error. */
export function verdictOn({ problems, ...loaded }: Loaded, env: Env): readonly Problem[] {
  if (loaded.kind === "refused") return problems;
  const { config, text } = loaded;
  const missing = [
    ...config.accounts.map((account) => missingToken(forAccount(config, account), problems)),
    missingModel(config, env, text),
  ].filter((problem) => problem !== undefined);
  const paths = new Set(missing.map(({ path }) => path));
  return [
    ...problems.filter(({ path }) => !paths.has(path)),
    ...missing.map((problem): Problem => ({
      ...problems.find(({ path }) => path === problem.path) ?? problem, // why it cannot be read
      severity: "error",
    })),
  ].sort(byPlace);
}

export function errorsOf(loaded: Loaded, env: Env): readonly Problem[] {
  return verdictOn(loaded, env).filter(({ severity }) => severity === "error");
}

/** The problem that an account has no token; `undefined` if it has one. */
export function missingToken(
  { discord, file }: Config,
  problems: readonly Problem[] = [],
): Problem | undefined {
  const { accountId, enabled, token } = discord;
  if (!enabled || token) return undefined;
  const isDefault = accountId === DEFAULT_ACCOUNT;
  const place = pathText([
    ...["channels", "discord"],
    ...isDefault ? [] : ["accounts", accountId],
    "token",
  ]);
  return problems.find(({ path }) => path === place) ?? {
    severity: "error",
    file,
    path: place,
    message: isDefault
      ? "There is no bot token"
      : `The account ${quoted(accountId)} has no bot token, and inherits none`,
    hint: `${isDefault ? `run \`barnacle setup\`, or set ${BOT_TOKEN}, or ` : ""}write ${place}; ` +
      "get it in Discord's developer portal, under your application, Bot, Reset Token",
  };
}

/** Why no model can be chosen; `undefined` if one is chosen, or if local servers decide (L2). */
function missingModel(
  { agentList, models, file }: SharedConfig,
  env: Env,
  text: string | undefined,
): Problem | undefined {
  for (const agent of agentList) {
    const resolved = resolveModels({ ...models, ...agent.models }, env);
    if (resolved.kind !== "problem") continue;
    const { path, message, hint } = resolved;
    const position = text === undefined ? undefined : positionOf(text, path);
    return { severity: "error", file, ...position, path, message, hint };
  }
  return undefined;
}

/** Environment variables that `preflight.requiredVars` lists, and that are not set (G13). */
function missingVariables(
  { preflight }: Partial<Settings>,
  env: Env,
  problemAt: ProblemAt,
): readonly Problem[] {
  return (preflight?.requiredVars ?? []).flatMap((name, index) =>
    env[name]?.trim() ? [] : problemAt(
      "error",
      ["preflight", "requiredVars", index],
      `The variable ${name} is not set`,
      `set ${name} in the environment of Barnacle`,
    )
  );
}

/**
 * A server that other machines can reach needs a token (SEC-R30). If the token cannot be read, only the
 * loopback addresses of `http.bind` stay, or both of them if it has none.
 */
function openHttp(
  { http }: Settings,
  written: Readonly<Record<string, unknown>>,
  problemAt: ProblemAt,
): readonly Problem[] {
  const { bind, token } = http;
  const open = bind.find((address) => !isLoopback(address));
  if (open === undefined) return [];
  if (!token && valueAt(written, ["http", "token"]) !== undefined) {
    const closed = bind.filter(isLoopback);
    http.bind = closed.length > 0 ? closed : [...LOOPBACK_ADDRESSES];
    return [problemAt(
      "warning",
      ["http", "bind"],
      `Without the value of http.token, Barnacle does not listen on ${JSON.stringify(open)}`,
      "give http.token its value, and start Barnacle again",
    )];
  }
  if (!token) {
    return [problemAt(
      "error",
      ["http", "bind"],
      `Other machines can reach ${JSON.stringify(open)}, and there is no http.token`,
      "set http.token to at least 32 characters, or bind to 127.0.0.1 and ::1 only",
    )];
  }
  if (token.reveal().length < MIN_HTTP_TOKEN) {
    return [problemAt(
      "error",
      ["http", "token"],
      "The token is too short for a server that other machines can reach",
      `use at least ${MIN_HTTP_TOKEN} random characters`,
    )];
  }
  return [
    problemAt("warning", ["http", "bind"], `Other machines can reach ${JSON.stringify(open)}`),
  ];
}

function byPlace(one: Problem, other: Problem): number {
  return (one.line ?? Infinity) - (other.line ?? Infinity) ||
    (one.column ?? 0) - (other.column ?? 0) || 0;
}

type Located =
  | { readonly kind: "file"; readonly path: string }
  /** There is no file, so the environment is the config. */
  | { readonly kind: "none"; readonly looked: readonly string[] }
  /**
   * The flag or the variable names a file that does not exist. Barnacle must not read another one.
   */
  | { readonly kind: "missing"; readonly path: string; readonly named: string };

/** Finds the config file: named by flag or environment, else the first that exists. */
export function locateConfig(
  flag: string | undefined,
  env: Env,
  exists: (path: string) => boolean,
): Located {
  const named = flag !== undefined
    ? { path: flag, named: "--config" }
    : env["BARNACLE_CONFIG"]
    ? { path: env["BARNACLE_CONFIG"], named: "BARNACLE_CONFIG" }
    : undefined;
  if (named) {
    return exists(named.path) ? { kind: "file", path: named.path } : { kind: "missing", ...named };
  }
  const looked = ["./config.jsonc", ...homeOf(env), machineOf(env)];
  const path = looked.flatMap((one) => [one, one.replace(/c$/, "")]).find(exists);
  return path === undefined ? { kind: "none", looked } : { kind: "file", path };
}

/** An absolute path of Windows, as its variables have it. */
const WINDOWS_PATH = /^(?:[A-Za-z]:|\\\\[^\\]+)\\/;

/** The config of the machine: in `%ProgramData%` on Windows. */
function machineOf(env: Env): string {
  const data = env["ProgramData"] ?? env["PROGRAMDATA"];
  return data !== undefined && WINDOWS_PATH.test(data)
    ? `${data}\\barnacle\\config.jsonc`
    : "/etc/barnacle/config.jsonc";
}

/**
 * The XDG base directory specification says to ignore relative paths. On Windows, `%APPDATA%` is the
 * folder of settings.
 */
function homeOf(env: Env): readonly string[] {
  const roaming = env["APPDATA"];
  if (roaming !== undefined && WINDOWS_PATH.test(roaming)) {
    return [`${roaming}\\barnacle\\config.jsonc`];
  }
  const xdg = env["XDG_CONFIG_HOME"];
  if (xdg?.startsWith("/")) return [`${xdg.replace(/\/+$/, "")}/barnacle/config.jsonc`];
  const home = env["HOME"];
  return home ? [`${home.replace(/\/+$/, "")}/.config/barnacle/config.jsonc`] : [];
}
