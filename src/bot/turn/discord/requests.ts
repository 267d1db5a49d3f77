/**
 * Sends the requests of actions of the tool `discord`.
 *
 * @module
 */

import { z } from "zod";
import type { DiscordCall } from "../../../core/turn/ports/discord.ts";
import type { DiscordMethod, DiscordRequest } from "../../../core/turn/ports/discord_place.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import { type StartTimer, waitFor } from "../../../lib/clock.ts";

/** The dependencies of requests. */
export interface RequestsOptions {
  /** Sends requests to Discord. */
  readonly client: RestApi;
  /** Removes the program's secrets from a text. */
  readonly cleanSecrets: (text: string) => string;
  /** Timer for waiting. */
  readonly schedule: StartTimer;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The answer of a search whose index is not ready (202). */
const notReadySchema = z.object({ code: z.literal(110_000), retry_after: z.number() });

/** Milliseconds to wait for an index altogether. */
const INDEX_MS = 60_000;

/** Characters of a reason in the audit log at Discord. */
const MAX_REASON = 512;

/** Sends a request for a call; rejects as `RestApi` does, and once the call is aborted. */
export type SendRequest = (
  method: DiscordMethod,
  path: string,
  options?: DiscordRequest,
) => Promise<unknown>;

/** Creates the requests of one call. */
export function createRequests(
  { client, cleanSecrets, schedule, now }: RequestsOptions,
  { message, signal }: Pick<DiscordCall, "message" | "signal">,
): SendRequest {
  return async (method, path, { query = {}, body, reason, form } = {}) => {
    const until = now() + INDEX_MS;
    const options = {
      signal,
      ...(body && { body: { ...body } }),
      ...(form && { body: formOf(form) }),
      ...(method !== "GET" && { reason: auditReason(reason) }),
    };
    for (;;) {
      signal.throwIfAborted();
      const answer = await client.request(method, path + queryOf(query), options);
      const notReady = notReadySchema.safeParse(answer).data;
      if (!notReady) return answer;
      const waitMs = Math.min(Math.max(notReady.retry_after, 1), 15) * 1_000;
      if (now() + waitMs > until) {
        throw new Error("Discord is still building its search index; try again in a minute");
      }
      await waitFor(waitMs, schedule, signal);
    }
  };

  /** The audit log names the person, because the log itself names only the bot. */
  function auditReason(reason: string | undefined): string {
    const { id, username } = message.sender;
    const by = `asked by ${username} (${id})`;
    const text = cleanSecrets(reason ? `${by}: ${reason}` : by);
    return text.slice(0, MAX_REASON).toWellFormed();
  }
}

function queryOf(query: NonNullable<DiscordRequest["query"]>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) parameters.append(name, String(one));
    }
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function formOf({ fields, file }: NonNullable<DiscordRequest["form"]>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob([file.bytes], { type: file.contentType }), file.name);
  return form;
}
