/**
 * Asks PluralKit's API who sent a message.
 *
 * The answer may come from another server: a proxy, a captive portal, or a replacement. So the
 * length of an answer is limited, and only PluralKit's form is accepted.
 *
 * @module
 */

import { z } from "zod";
import type { MessageId } from "../core/discord/ids.ts";
import type { ProxiedMessage } from "../core/inbound/pluralkit.ts";
import { snowflakeSchema } from "../core/discord/snowflake_schema.ts";
import { readPieces } from "../lib/network/read_body.ts";

/** The result of one request. */
export type Answer =
  | { readonly kind: "found"; readonly proxied: ProxiedMessage }
  | { readonly kind: "none" }
  /**
   * The request may be repeated. `waitMs`: PluralKit's `retry_after` in milliseconds, if it gave
   * one.
   */
  | { readonly kind: "again"; readonly reason: string; readonly waitMs?: number }
  /** Another request would fail, too. */
  | { readonly kind: "failed"; readonly reason: string };

/** Everything that requests to PluralKit need from outside. */
export interface ApiDeps {
  /** Sends a request. */
  readonly fetch: typeof globalThis.fetch;
  /** `pluralkit.apiUrl`: `"https://api.pluralkit.me/v2"`. */
  readonly apiUrl: string;
  /** `pluralkit.token`: shows a system's private data to that system. */
  readonly token?: string;
  /** Barnacle's version, for the User-Agent that PluralKit requires. */
  readonly version: string;
}

/** Asks for one message. Never rejects. */
export type Ask = (id: MessageId, signal: AbortSignal) => Promise<Answer>;

/** Maximum bytes of an answer. All texts of a system and a member have some 5 kB. */
const MAX_BYTES = 64 * 1_024;

const text = z.string().min(1);

/** @see {@link https://pluralkit.me/api/models/#message-model} */
const messageSchema = z.object({
  id: snowflakeSchema<"message">(),
  original: snowflakeSchema<"message">(),
  sender: snowflakeSchema<"user">(),
  channel: snowflakeSchema<"channel">(),
  guild: snowflakeSchema<"guild">().nullish(),
  system: z.object({ name: text.nullish().catch(undefined) }).nullish(),
  member: z.object({ id: text, name: text, display_name: text.nullish().catch(undefined) })
    .nullish().catch(undefined),
}).transform(({ id, original, sender, channel, guild, system, member }): ProxiedMessage => ({
  id,
  original,
  sender,
  channelId: channel,
  guildId: guild || undefined,
  member: member
    ? {
      memberId: member.id,
      name: member.name,
      displayName: member.display_name || undefined,
      system: system?.name ? system.name : undefined,
    }
    : undefined,
}));

const limitedSchema = z.object({ retry_after: z.number().nonnegative() });

/**
 * Creates the function that asks for messages.
 *
 * @see {@link https://pluralkit.me/api/endpoints/#get-proxied-message-information}
 */
export function createAsk({ fetch, apiUrl, token, version }: ApiDeps): Ask {
  const base = apiUrl.replace(/\/+$/, "");
  const headers = {
    accept: "application/json",
    "user-agent": `Barnacle/${version} (Discord bot of one operator)`,
    ...(token !== undefined && { authorization: token }),
  };

  return async (id, signal) => {
    try {
      const response = await fetch(`${base}/messages/${id}`, {
        headers,
        signal,
        redirect: "error",
      });
      return judge(response.status, await bodyOf(response, signal));
    } catch (error) {
      return { kind: "again", reason: signal.aborted ? "no answer in time" : reasonOf(error) };
    }
  };
}

function judge(status: number, body: unknown): Answer {
  if (status === 200) {
    const { data: proxied } = messageSchema.safeParse(body);
    return proxied ? { kind: "found", proxied } : again("an answer that is not PluralKit's");
  }
  if (status === 404) return { kind: "none" };
  if (status === 429) {
    const limited = limitedSchema.safeParse(body);
    return { ...again("HTTP 429"), waitMs: limited.data?.retry_after };
  }
  return status >= 500 ? again(`HTTP ${status}`) : { kind: "failed", reason: `HTTP ${status}` };
}

function again(reason: string) {
  return { kind: "again", reason } as const;
}

/** Reads the JSON of an answer; `undefined` if it is no JSON or too long. */
async function bodyOf({ body }: Response, signal: AbortSignal): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  await readPieces(body, signal, (piece) => {
    bytes += piece.byteLength;
    text += decoder.decode(piece, { stream: true });
    return bytes <= MAX_BYTES;
  });
  if (bytes > MAX_BYTES) return undefined;
  try {
    return JSON.parse(text + decoder.decode());
  } catch {
    return undefined; // the status decides, and the body counts as no answer of PluralKit's
  }
}

/**
 * The reason of a failed fetch. A runtime's message says only that it failed; the cause says why.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
