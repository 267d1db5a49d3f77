/** Looks for a model server on this machine, for a config without a provider (L2). */

import { fetchPlain } from "../../lib/network/fetch_plain.ts";
import { z } from "zod";
import { readBody } from "../../lib/network/read_body.ts";
import { endpointOf, fetchOf, type ModelSettings, type ProviderSettings } from "../settings.ts";

/**
 * Time limit (milliseconds) for each server. A slower server on the same machine would be useless.
 */
const PROBE_MS = 1_000;

/** Maximum bytes of a list of models. */
const MAX_BYTES = 4 * 1024 * 1024;

const modelListSchema = z.lazy(() =>
  z.looseObject({ data: z.array(z.looseObject({ id: z.string().min(1) })) })
);

/** Names of models that cannot chat, but that local servers list, too. */
export const NO_CHAT: RegExp = /embed|rerank|whisper|(?:^|[-_/])tts(?:$|[-_:])/i;

/**
 * Asks all servers at once for their models.
 *
 * @param servers In the order of preference. All of them have an OpenAI-compatible API.
 * @param timeoutMs Time limit in milliseconds for each server.
 * @returns The first chat model of the first server that has one; `undefined` if no server has any.
 */
export async function discoverLocalModel(
  servers: readonly ProviderSettings[],
  fetch: typeof globalThis.fetch,
  timeoutMs = PROBE_MS,
): Promise<ModelSettings | undefined> {
  const results = await Promise.all(servers.map((server) => probe(server, fetch, timeoutMs)));
  return results.find((settings) => settings !== undefined);
}

async function probe(
  provider: ProviderSettings,
  fetch: typeof globalThis.fetch,
  timeoutMs: number,
): Promise<ModelSettings | undefined> {
  const { apiKey, headers = {} } = provider;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    const response = await fetchPlain(fetchOf(provider, fetch), `${endpointOf(provider)}/models`, {
      headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
      signal: stop.signal,
      redirect: "error",
    });
    const list = modelListSchema.safeParse(
      response.ok ? await jsonOf(response, stop.signal) : undefined,
    );
    const name = list.data?.data.map((model) => model.id).find((name) => !NO_CHAT.test(name));
    return name === undefined ? undefined : { provider, name };
  } catch {
    return undefined; // no server, or not a model server
  } finally {
    clearTimeout(timer);
    stop.abort(); // closes the connection of an unread answer
  }
}

async function jsonOf({ body }: Response, signal: AbortSignal): Promise<unknown> {
  const tooLarge = () => new RangeError(`more than ${MAX_BYTES} bytes`);
  const bytes = await readBody(body, { maxBytes: MAX_BYTES, tooLarge, signal });
  return JSON.parse(new TextDecoder().decode(bytes));
}
