/**
 * Discord, for commands that ask it something and end.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { createInvalidRequests } from "../../core/discord/invalid_requests.ts";
import type { Env } from "../terminal/io.ts";
import { type Applications, createApplications } from "../../discord/rest/calls/application.ts";
import { DISCORD_API_BASE, parseApiUrl } from "../../discord/rest/exchange/api_url.ts";
import { createClient, type RestApi, tokenProblem } from "../../discord/rest/client/client.ts";
import { createDirectory, type Directory } from "../../discord/rest/calls/directory.ts";
import { schedule } from "../../lib/schedule.ts";
import { VERSION } from "../../version.ts";

/** Milliseconds that one answer may take. */
export const ASK_MS = 10_000;

/** Requests in a second; a command sends a handful. */
const PER_SEC = 10;

/** Base of the REST API, or what is wrong with `DISCORD_API_URL`. */
export function apiOf(env: Env): ReturnType<typeof parseApiUrl> {
  const text = env["DISCORD_API_URL"];
  return text ? parseApiUrl(text) : { base: DISCORD_API_BASE };
}

/** The token of the config, if a request can carry it. */
export function tokenIn(config: Config | undefined): string | undefined {
  const token = config?.discord.token?.reveal();
  return token === undefined || tokenProblem(token) !== undefined ? undefined : token;
}

/**
 * What the lock of a token is taken for: a bot of another server is another bot, whatever its
 * token.
 */
export function lockedBot(token: string, apiBase: string): string {
  return apiBase === DISCORD_API_BASE ? token : `${apiBase} ${token}`;
}

export interface Discord {
  /** For what else there is to ask. */
  readonly api: RestApi;
  readonly applications: Applications;
  readonly directory: Directory;
  /** Gives up what is under way. */
  stop(): void;
}

/** @throws {TypeError} If no request can carry the token. */
export function openDiscord(token: string, apiUrl: string): Discord {
  const now = (): number => Date.now();
  const client = createClient({
    token,
    apiUrl,
    version: VERSION,
    timeoutMs: ASK_MS,
    globalPerSec: PER_SEC,
    reservedPerSec: 0,
    retry: { attempts: 1, minDelayMs: 0, maxDelayMs: 0, jitter: 0 }, // a person sees it, and asks again
    invalidRequests: createInvalidRequests([], () => {}), // a handful, of a process that ends
    random: Math.random,
    now,
    steadyNow: () => performance.now(),
    schedule,
  });
  return {
    api: client,
    applications: createApplications(client),
    directory: createDirectory(client, now),
    stop: client.stop,
  };
}
