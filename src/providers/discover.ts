/**
 * Looks for a model server on this machine, for a bot whose config names none (L2).
 *
 * @module
 */

import { z } from "zod";
import { endpointOf, type ModelSettings, type ProviderSettings } from "./settings.ts";

/** Milliseconds for each; a server of this machine that takes longer is of no use. */
const PROBE_MS = 1_000;

const modelListSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string().min(1) })) });

/** Models that local servers list beside those that can talk. */
const NO_CHAT = /embed|rerank|whisper|(?:^|[-_/])tts(?:$|[-_:])/i;

export interface DiscoverDeps {
  readonly fetch: typeof globalThis.fetch;
  /** In the order in which a find counts; all of them speak OpenAI's wire. */
  readonly servers: readonly ProviderSettings[];
  readonly timeoutMs?: number;
}

/**
 * Asks all servers at once for their models.
 *
 * @returns The first model of the first server that has one which can talk.
 */
export async function discoverLocalModel(
  { fetch, servers, timeoutMs = PROBE_MS }: DiscoverDeps,
): Promise<ModelSettings | undefined> {
  const results = await Promise.all(servers.map((server) => probe(server, fetch, timeoutMs)));
  return results.find((settings) => settings !== undefined);
}

async function probe(
  provider: ProviderSettings,
  fetch: typeof globalThis.fetch,
  timeoutMs: number,
): Promise<ModelSettings | undefined> {
  const { baseUrl, apiKey, headers = {} } = provider;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    const response = await fetch(`${endpointOf(baseUrl)}/models`, {
      headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
      signal: stop.signal,
      redirect: "error",
    });
    const list = modelListSchema.safeParse(response.ok ? await response.json() : undefined);
    const name = list.data?.data.map((model) => model.id).find((name) => !NO_CHAT.test(name));
    return name === undefined ? undefined : { provider, name };
  } catch {
    return undefined; // nobody there, or somebody who is no model server: not what we look for
  } finally {
    clearTimeout(timer);
    stop.abort(); // whatever of an answer was not read
  }
}
