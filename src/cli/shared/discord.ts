/** A REST client of Discord for commands that send a few requests and exit. */

import type { Env } from "../../lib/env.ts";
import type { Config } from "../../config/config.ts";
import { missingToken } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import { createInvalidRequests } from "../../discord/rest/scheduler/rate_limiter.ts";
import { askApplication } from "../../discord/rest/requests/application.ts";
import { DISCORD_API_BASE, parseApiUrl, RestError } from "../../discord/rest/exchange/exchange.ts";
import { createClient, tokenProblem } from "../../discord/rest/client/client.ts";
import { schedule } from "../../lib/clock.ts";
import { EXIT, StartError } from "./exit_code.ts";
import { VERSION } from "../../version.ts";

/** Milliseconds to wait for a response. */
export const ASK_MS = 10_000;

/** Requests per second; a command sends only a few. */
const PER_SEC = 10;

/** Base URL of the REST API, or the problem with `DISCORD_API_URL`. */
export function apiOf(env: Env): ReturnType<typeof parseApiUrl> {
  const text = env["DISCORD_API_URL"];
  return text ? parseApiUrl(text) : { base: DISCORD_API_BASE };
}

/** The config's bot token; `undefined` if it has none, or an HTTP header cannot carry it. */
export function tokenIn(config: Config | undefined): string | undefined {
  const token = config?.discord.token?.reveal();
  return token === undefined || tokenProblem(token) !== undefined ? undefined : token;
}

/** @throws {StartError} If there is no valid token, or the API's URL is invalid. */
export function botOf(
  config: Config,
  problems: readonly Problem[],
  env: Env,
): { readonly token: string; readonly apiBase: string } {
  const api = apiOf(env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  const token = tokenIn(config);
  if (token !== undefined) return { token, apiBase: api.base };
  const { message = "The bot token is invalid", hint } = missingToken(config, problems) ?? {};
  throw new StartError(hint === undefined ? message : `${message}; ${hint}`, EXIT.config);
}

/**
 * The text that a token's lock is named by. The same token on another API server is another bot, so
 * the name includes that server.
 */
export function lockedBot(token: string, apiBase: string): string {
  return apiBase === DISCORD_API_BASE ? token : `${apiBase} ${token}`;
}

/** Asks Discord whether it refuses the token; `false` if Discord does not answer. */
export async function refusesToken(token: string, apiUrl: string): Promise<boolean> {
  const { api, stop } = openDiscord(token, apiUrl);
  try {
    await askApplication(api);
    return false;
  } catch (error) {
    return error instanceof RestError && error.kind === "unauthorized";
  } finally {
    stop();
  }
}

/**
 * Opens a client without retries.
 *
 * @throws {TypeError} If an HTTP header cannot carry the token.
 */
export function openDiscord(token: string, apiUrl: string) {
  const now = (): number => Date.now();
  const client = createClient({
    token,
    apiUrl,
    version: VERSION,
    timeoutMs: ASK_MS,
    globalPerSec: PER_SEC,
    unusedPerSec: 0,
    retry: { attempts: 1, minDelayMs: 0, maxDelayMs: 0, jitter: 0 }, // the user sees the failure, and runs the command again
    invalidRequests: createInvalidRequests(), // only a few, in a process that ends soon
    random: Math.random,
    now,
    steadyNow: () => performance.now(),
    schedule,
  });
  return { api: client, stop: client.stop };
}

/** A client, and the calls that commands need. */
export type Discord = ReturnType<typeof openDiscord>;
