/**
 * Posts alerts to the webhook of the config.
 *
 * Its address may be a secret. So the request follows no redirect, and no failure repeats a word of
 * the address, of the request or of the answer.
 */

import type { AlertRecord } from "../../core/finding.ts";
import { codeOf } from "../../lib/errors.ts";
import { HOP_HEADER } from "../../lib/network/addresses.ts";
import { PLAIN_HEADER, PLAIN_OPTION } from "../../lib/network/fetch_plain.ts";
import type { AlertMessage } from "./watch.ts";

/** Milliseconds until the receiver must have answered. */
const TIMEOUT_MS = 10_000;

/** Longest text of a Discord message. */
const MAX_CONTENT = 2_000;

/**
 * Posts an alert as JSON. Slack and its like show `text`, a webhook of Discord shows `content`.
 *
 * @param about The alert; absent for a test.
 * @param signal Aborted when the process stops.
 * @throws {Error} If the receiver cannot be reached, or answers with anything but a success. The
 * message is for the operator.
 */
export async function postAlert(
  address: string,
  message: AlertMessage,
  about: AlertRecord | undefined,
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const { host } = new URL(address);
  const text = messageText(message).slice(0, MAX_CONTENT);
  let status: number;
  try {
    // The answer's body is not read, so its compression cannot make a failure of a success.
    const response = await fetch(address, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        connection: "close", // a kept one may close at the receiver as the next text is sent
        [HOP_HEADER]: "1",
        [PLAIN_HEADER[0]]: PLAIN_HEADER[1],
      },
      body: JSON.stringify({
        text,
        content: text,
        allowed_mentions: { parse: [] },
        ...message,
        ...about ? factsOf(about) : { event: "test" },
      }),
      redirect: "manual",
      signal: AbortSignal.any([limit, signal]),
      ...PLAIN_OPTION,
    });
    ({ status } = response);
    await response.body?.cancel().catch(() => {}); // of a broken connection
  } catch (error) {
    if (limit.aborted) throw new Error(`${host} did not answer within ${TIMEOUT_MS / 1_000} s`);
    const code = codeOf(error) ?? codeOf(error instanceof Error ? error.cause : undefined);
    throw new Error(`cannot reach ${host}${code === undefined ? "" : ` (${code})`}`);
  }
  if (status >= 200 && status <= 299) return;
  throw new Error(`${host} answered with status ${status}${REASONS[status] ?? ""}`);
}

export function messageText({ title, body }: AlertMessage): string {
  return `${title}.\n${body}`;
}

/** Times in ISO 8601. */
function factsOf({ owed, kind, about, cause, fix, since, endedAt }: AlertRecord) {
  const until = endedAt === undefined ? undefined : new Date(endedAt).toISOString();
  const event = owed?.event;
  return { event, kind, about, cause, fix, since: new Date(since).toISOString(), until };
}

/** Next steps for some statuses. */
const REASONS: Readonly<Record<number, string>> = {
  301: ": write the address that it redirects to",
  302: ": write the address that it redirects to",
  307: ": write the address that it redirects to",
  308: ": write the address that it redirects to",
  404: ": check the address; the webhook may be deleted",
  429: ": too many messages",
};
