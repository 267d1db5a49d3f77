/**
 * Posts a text to an address of the operator's config.
 *
 * The address itself may be a secret, and so may a header. So the request follows no redirect, and no
 * failure repeats a word of the address, of the request or of the answer.
 */

import { codeOf } from "../../lib/errors.ts";
import { HOP_HEADER } from "../../lib/network/hop.ts";
import { PLAIN_HEADER, PLAIN_OPTION } from "../../lib/network/fetch_plain.ts";

/** Milliseconds until the receiver must have answered. */
const TIMEOUT_MS = 10_000;

/** Texts are minutes apart. A kept connection may close at the receiver as the next text is sent. */
const ONE_REQUEST = { connection: "close" };

/** A receiver did not take a text. The message is for the operator. */
export class PostError extends Error {
  override readonly name = "PostError";
}

/**
 * Posts a text.
 *
 * @param signal Aborted when the process stops.
 * @throws {PostError} If the receiver cannot be reached, or answers with anything but a success.
 */
export async function postText(
  address: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const { host } = new URL(address);
  let status: number;
  try {
    // The answer's body is not read, so its compression cannot make a failure of a success.
    const options = {
      method: "POST",
      headers: {
        ...headers,
        ...ONE_REQUEST,
        [HOP_HEADER]: "1",
        [PLAIN_HEADER[0]]: PLAIN_HEADER[1],
      },
      body,
      redirect: "manual" as const,
      signal: AbortSignal.any([limit, signal]),
      ...PLAIN_OPTION,
    };
    const response = await fetch(address, options);
    ({ status } = response);
    await response.body?.cancel().catch(() => {}); // of a broken connection
  } catch (error) {
    if (limit.aborted) throw new PostError(`${host} did not answer within ${TIMEOUT_MS / 1_000} s`);
    const code = codeOf(error) ?? codeOf(error instanceof Error ? error.cause : undefined);
    throw new PostError(`cannot reach ${host}${code === undefined ? "" : ` (${code})`}`);
  }
  if (status >= 200 && status <= 299) return;
  throw new PostError(`${host} answered with status ${status}${REASONS[status] ?? ""}`);
}

/** Next steps for some statuses. */
const REASONS: Readonly<Record<number, string>> = {
  301: ": write the address that it redirects to",
  302: ": write the address that it redirects to",
  307: ": write the address that it redirects to",
  308: ": write the address that it redirects to",
  401: ": check the token",
  403: ": check the token, and whether it may publish",
  404: ": check the address; the webhook may be deleted",
  429: ": too many messages",
};
