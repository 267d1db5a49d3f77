/**
 * Sends one request about speech or images to an OpenAI-compatible server, within limits of time and
 * size.
 */

import { fetchPlain } from "../../lib/network/fetch_plain.ts";
import { FileError } from "../../core/turn/media.ts";
import { readBody } from "../../lib/network/read_body.ts";
import { endpointOf, fetchOf, type ProviderSettings, secretsOf } from "../settings.ts";

/** Everything that such a request needs from outside. */
export interface SpeechDeps {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds from the request to the last byte of the answer. */
  readonly timeoutMs: number;
}

/**
 * Sends a request once. The time limit holds even if the runtime ignores the abort.
 *
 * @returns The bytes of the answer.
 * @throws {FileError} Or the signal's reason.
 */
export async function askSpeech(
  provider: ProviderSettings,
  { path, body, maxBytes, server = "speech" }: {
    /** After the provider's address: `"/audio/speech"`. */
    readonly path: string;
    readonly body: FormData | string;
    /** Maximum bytes of the answer. */
    readonly maxBytes: number;
    /** Kind of the server, for failures; `"speech"` if absent. */
    readonly server?: string;
  },
  { fetch, timeoutMs }: SpeechDeps,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const limit = AbortSignal.timeout(timeoutMs);
  const both = AbortSignal.any([limit, signal]);
  const given = { path, body, server };
  const stopped = new Promise<never>((_resolve, reject) => {
    both.addEventListener("abort", () => reject(both.reason), { once: true });
  });
  stopped.catch(() => {}); // the answer may have come first
  const tooLarge = () => new FileError(`the ${server} server's answer is too large`);
  async function ask(): Promise<Uint8Array<ArrayBuffer>> {
    const { body } = await sendSpeech(provider, given, fetch, both);
    return await readBody(body, { maxBytes, tooLarge, signal: both });
  }
  try {
    signal.throwIfAborted();
    const answer = ask();
    answer.catch(() => {}); // after the limit, its failure changes nothing
    return await Promise.race([answer, stopped]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof FileError) throw error;
    if (limit.aborted) {
      const cause = new Error(`nothing within ${timeoutMs / 1_000} s`);
      throw new FileError(`the ${server} server gave no answer`, { cause });
    }
    throw unreachable(error, provider, server);
  }
}

/**
 * Sends a request once, and returns the answer before its body.
 *
 * @throws {FileError} If the server refuses it; or the error of `fetch`.
 */
export async function sendSpeech(
  provider: ProviderSettings,
  { path, body, server = "speech" }: {
    readonly path: string;
    readonly body: FormData | string;
    readonly server?: string;
  },
  fetch: SpeechDeps["fetch"],
  signal: AbortSignal,
): Promise<Response> {
  const { headers = {}, apiKey } = provider;
  const response = await fetchPlain(fetchOf(provider, fetch), `${endpointOf(provider)}${path}`, {
    method: "POST",
    headers: {
      ...(apiKey !== undefined && { Authorization: `Bearer ${apiKey}` }),
      ...(typeof body === "string" && { "Content-Type": "application/json" }),
      ...headers,
    },
    body,
    redirect: "error", // the key and the words must not go to another address
    signal,
  });
  if (response.ok) return response;
  await response.body?.cancel().catch(() => {});
  const cause = new Error(`HTTP ${response.status}`);
  throw new FileError(`the ${server} server refused it`, { cause });
}

export function unreachable(error: unknown, provider: ProviderSettings, server = "speech"): Error {
  const cause = new Error(reasonOf(error, provider));
  return new FileError(`the ${server} server could not be reached`, { cause });
}

/** The runtime's reason, unless it repeats a secret of the provider. */
function reasonOf(error: unknown, provider: ProviderSettings): string {
  const reason = error instanceof Error ? error.message : String(error);
  return secretsOf(provider).some((secret) => reason.includes(secret)) ? "no reason" : reason;
}
