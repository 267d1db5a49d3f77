/**
 * Sends JSON to an address of the config (T16).
 *
 * The operator chose the address, so it may be on a private network. No redirect is followed: the
 * body and the headers are for that address alone.
 */

import { UnknownOutcomeError } from "../core/turn/tool.ts";
import { fetchPlain } from "../lib/network/fetch_plain.ts";
import { HOP_HEADER } from "../lib/network/hop.ts";
import { readBody } from "../lib/network/read_body.ts";
import { clip } from "../lib/text/cut.ts";
import { WebError } from "./guarded_get.ts";
import type { PostTarget } from "./post_target.ts";

/** Milliseconds for the request and its answer. */
const TIMEOUT_MS = 15_000;
const MAX_BODY = 100_000;
const MAX_ANSWER_BYTES = 100_000;
const MAX_SHOWN = 2_000;

/**
 * Sends a request, once.
 *
 * @returns The status and the beginning of the answer.
 * @throws {WebError} If the address refuses it, with the reason. An {@link UnknownOutcomeError} if it
 * may have arrived.
 */
export async function postJson(
  { name, url, headers }: PostTarget,
  body: Readonly<Record<string, unknown>>,
  { fetch, version, signal }: {
    readonly fetch: typeof globalThis.fetch;
    readonly version: string;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const written = JSON.stringify(body);
  if (written.length > MAX_BODY) {
    throw new WebError(`the body is longer than ${MAX_BODY} characters`);
  }
  const stop = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let response: Response;
  try {
    response = await fetchPlain(fetch, url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": `Barnacle/${version}`,
        [HOP_HEADER]: "1",
        ...headers,
      },
      body: written,
      signal: stop,
      redirect: "manual",
    });
  } catch (cause) {
    if (isUnsent(cause)) throw new WebError(`${name} does not answer`, { cause });
    throw new UnknownOutcomeError(`no answer of ${name} within ${TIMEOUT_MS / 1_000} s`, { cause });
  }
  const { status, ok, body: answered } = response;
  const tooLarge = () => new WebError("the answer is too long");
  const limits = { maxBytes: MAX_ANSWER_BYTES, tooLarge, signal: stop };
  // The status tells the outcome, also without the answer's words.
  const bytes = answered && await readBody(answered, limits).catch(() => undefined);
  const answer = clip(bytes ? new TextDecoder().decode(bytes).trim() : "", MAX_SHOWN);
  if (!ok) throw new WebError(`${name} answered with status ${status}\n${answer}`.trim());
  return `[status ${status}]\n${answer}`.trim();
}

/** Whether no connection was made. */
function isUnsent(error: unknown): boolean {
  const codes = [error, error instanceof Error ? error.cause : undefined].map((one) =>
    typeof one === "object" && one !== null ? String(Reflect.get(one, "code")) : ""
  );
  return codes.some((code) =>
    /^(?:ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ConnectionRefused)$/.test(code)
  ) ||
    /Connection refused|ConnectionRefused|dns error|Unable to connect/i.test(String(error));
}
