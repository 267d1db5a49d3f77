/**
 * A config file and the environment to a config, or to all that is wrong with them.
 *
 * @module
 */

import { isLoopback } from "../lib/loopback.ts";
import { silentDefaults } from "./audit.ts";
import {
  BOT_TOKEN,
  type Config,
  type FoundSecrets,
  type ProviderSecrets,
  toConfig,
} from "./config.ts";
import { mentionsOf } from "./mention.ts";
import { resolveModels } from "./models.ts";
import { type ConfigText, noFile, parseConfig, type ProblemAt } from "./parse.ts";
import type { Problem } from "./problem.ts";
import type { Settings } from "./schema.ts";
import {
  botToken,
  type Env,
  EnvReference,
  envSecret,
  resolveSecret,
  Secret,
  type SecretPlaces,
  type SecretProblem,
  type SecretSource,
} from "./secrets.ts";
import type { Segment } from "./tree.ts";

/** What loading needs of the world. */
export interface ConfigPorts {
  readonly env: Env;
  /**
   * The text of a file that holds a secret.
   *
   * @returns `undefined` if there is no such file; rejects if it cannot be read.
   */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

export type Loaded =
  | {
    readonly kind: "loaded";
    readonly config: Config;
    /** The file as checked, with defaults: for `config show`. */
    readonly settings: Settings;
    /** Warnings and notes. */
    readonly problems: readonly Problem[];
    /** Whether the file itself holds a secret, so that nobody else may read it (C8). */
    readonly holdsSecret: boolean;
  }
  /** The program ends with 78. */
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** Characters of `http.token`, at least, where others can reach the server (SEC-R30). */
const MIN_HTTP_TOKEN = 32;

/**
 * Loads the config. Never rejects: whatever is wrong is a problem.
 *
 * @param source The file, or `undefined` where there is none.
 */
export async function loadConfig(
  source: ConfigText | undefined,
  ports: ConfigPorts,
): Promise<Loaded> {
  const parsed = source ? await parseConfig(source) : noFile();
  const { settings, written, problems, problemAt } = parsed;
  if (!settings) return { kind: "refused", problems };

  const finder = createFinder(problemAt, { ...ports, configFile: source?.file });
  const secrets = await secretsOf(settings, finder, ports.env);
  const mentions = await mentionsOf(settings);
  const all = [
    ...problems,
    ...finder.problems,
    ...mentions.problems.map(({ path, message, hint }) => problemAt("error", path, message, hint)),
    ...missingVariables(settings, ports.env, problemAt),
    ...openHttp(settings, secrets.httpToken, problemAt),
    ...silentDefaults(written).map((remark): Problem =>
      source ? { ...remark, file: source.file } : remark
    ),
  ].sort(byPlace);
  if (all.some(({ severity }) => severity === "error")) return { kind: "refused", problems: all };
  return {
    kind: "loaded",
    config: toConfig(settings, secrets, mentions.matches, source?.file),
    settings,
    problems: all,
    holdsSecret: finder.sawLiteral(),
  };
}

/** What a valid config still lacks to be run; `undefined` if nothing. */
export function missingToken({ discord, file }: Config): Problem | undefined {
  if (!discord.enabled || discord.token) return undefined;
  return {
    severity: "error",
    ...(file !== undefined && { file }),
    path: "channels.discord.token",
    message: "There is no bot token",
    hint: `set ${BOT_TOKEN}, or write channels.discord.token; ` +
      "it is under Bot, Reset Token, of your application in Discord's developer portal",
  };
}

/** Why no model can be chosen; `undefined` where one is, or local servers are to be asked (L2). */
export function missingModel({ models, file }: Config, env: Env): Problem | undefined {
  const resolved = resolveModels(models, env);
  if (resolved.kind !== "problem") return undefined;
  const { path, message, hint } = resolved;
  return { severity: "error", ...(file !== undefined && { file }), path, message, hint };
}

interface Finder {
  readonly problems: readonly Problem[];
  readonly sawLiteral: () => boolean;
  find(
    source: SecretSource | undefined,
    path: readonly Segment[],
    read?: (secret: Secret) => Secret | SecretProblem,
  ): Promise<Secret | undefined>;
}

function createFinder(problemAt: ProblemAt, places: SecretPlaces): Finder {
  const problems: Problem[] = [];
  let literal = false;
  return {
    problems,
    sawLiteral: () => literal,
    async find(source, path, read = (secret) => secret) {
      if (source === undefined) return undefined;
      literal ||= source instanceof Secret;
      const found = await resolveSecret(source, places);
      const secret = found instanceof Secret ? read(found) : found;
      if (secret instanceof Secret) return secret;
      problems.push(problemAt("error", path, secret.why, secret.hint));
      return undefined;
    },
  };
}

async function secretsOf(
  { channels, http, models }: Settings,
  { find }: Finder,
  env: Env,
): Promise<FoundSecrets> {
  const discordToken = await find(
    channels.discord?.token ?? (envSecret(env, BOT_TOKEN) && new EnvReference(BOT_TOKEN)),
    ["channels", "discord", "token"],
    botToken,
  );
  const httpToken = await find(http.token, ["http", "token"]);
  const providers: Record<string, ProviderSecrets> = {};
  for (const [id, { apiKey: source, headers: sources }] of Object.entries(models.providers)) {
    const path = ["models", "providers", id];
    const apiKey = await find(source, [...path, "apiKey"]);
    const headers: Record<string, Secret> = {};
    for (const [name, value] of Object.entries(sources)) {
      const header = await find(value, [...path, "headers", name]);
      if (header) headers[name] = header;
    }
    providers[id] = { ...(apiKey && { apiKey }), headers };
  }
  return {
    ...(discordToken && { discordToken }),
    ...(httpToken && { httpToken }),
    providers,
  };
}

/** Variables that the operator has said there must be (G13). */
function missingVariables(
  { preflight }: Settings,
  env: Env,
  problemAt: ProblemAt,
): readonly Problem[] {
  return preflight.requiredVars.flatMap((name, index) =>
    env[name]?.trim() ? [] : problemAt(
      "error",
      ["preflight", "requiredVars", index],
      `The variable ${name} is not set`,
      `set ${name} in the environment of Barnacle`,
    )
  );
}

/** A server that others can reach must ask them for something (SEC-R30). */
function openHttp(
  { http }: Settings,
  token: Secret | undefined,
  problemAt: ProblemAt,
): readonly Problem[] {
  const bind = typeof http.bind === "string" ? [http.bind] : http.bind;
  const open = bind.find((address) => !isLoopback(address));
  if (open === undefined) return [];
  if (!token) {
    return [problemAt(
      "error",
      ["http", "bind"],
      `Others can reach ${JSON.stringify(open)}, and there is no http.token`,
      "write http.token, 32 characters or more, or bind to 127.0.0.1 and ::1 only",
    )];
  }
  if (token.reveal().length < MIN_HTTP_TOKEN) {
    return [problemAt(
      "error",
      ["http", "token"],
      "The token is too short for a server that others can reach",
      `take ${MIN_HTTP_TOKEN} characters or more, drawn at random`,
    )];
  }
  return [
    problemAt("warning", ["http", "bind"], `Others can reach ${JSON.stringify(open)}`),
  ];
}

function byPlace(one: Problem, other: Problem): number {
  return (one.line ?? Infinity) - (other.line ?? Infinity) || 0;
}
