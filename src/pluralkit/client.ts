/**
 * Looks messages up at PluralKit, within its rate limit and a time limit.
 *
 * A look-up takes at most five seconds, including its wait in the queue and all retries. If it
 * would have to wait longer, it fails at once: a flood of webhooks must not delay the message of a
 * person who waits.
 *
 * The answer may come from another server: a proxy, a captive portal, or a replacement. So the
 * length of an answer is limited, and only PluralKit's form is accepted.
 *
 * A webhook may use any name and picture, so the look of a message proves nothing. Only PluralKit's
 * own answer about this message, in this channel, turns a webhook into a person (SEC-R33).
 */

import { z } from "zod";
import type { Timers } from "../lib/clock.ts";
import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  type UserId,
} from "../core/discord/ids.ts";
import { snowflakeSchema } from "../core/discord/lenient.ts";
import type { InboundMessage, PluralkitMember } from "../core/inbound/inbound.ts";
import { waitFor } from "../lib/clock.ts";
import { fetchPlain, readPieces } from "../lib/network/fetch_plain.ts";

/** A message that PluralKit posted in place of another. */
export interface ProxiedMessage {
  readonly id: MessageId;
  /** Id of the replaced message, which PluralKit deletes. */
  readonly original: MessageId;
  readonly sender: UserId;
  readonly channelId: ChannelId;
  /** Guild of both messages; absent if PluralKit does not name it. */
  readonly guildId?: GuildId;
  /** The member who speaks; absent if it was deleted since. */
  readonly member?: PluralkitMember;
}

/**
 * The result of a request to PluralKit.
 *
 * - `none`: PluralKit posted no such message.
 * - `failed`: PluralKit did not answer in time.
 */
export type PluralkitAnswer =
  | { readonly kind: "found"; readonly proxied: ProxiedMessage }
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Returns the message with PluralKit's member as its sender.
 *
 * @returns `undefined` if the answer is about another message, or names no member.
 */
export function asMembers(
  message: InboundMessage,
  { id, channelId, guildId, sender, member }: ProxiedMessage,
): InboundMessage | undefined {
  if (id !== message.id || channelId !== message.channelId || !member) return undefined;
  if (guildId !== undefined && guildId !== message.guildId) return undefined;
  return {
    ...message,
    sender: {
      id: sender,
      username: `pk:${member.memberId}`, // no account's name: no allow list matches it
      roles: [],
      pluralkit: member,
    },
  };
}

/** PluralKit's server and this client's sender. */
interface PluralkitServer {
  readonly fetch: typeof globalThis.fetch;
  /** `pluralkit.apiUrl`: `"https://api.pluralkit.me/v2"`. */
  readonly apiUrl: string;
  /** `pluralkit.token`: shows a system's private data to that system. */
  readonly token?: string;
  /** Barnacle's version, for the User-Agent that PluralKit requires. */
  readonly version: string;
}

/** Maximum time (milliseconds) of a look-up (P13). */
export const LOOK_UP_MS = 5_000;
/** Maximum number of requests in {@link WINDOW_MS}, as PluralKit allows. */
export const MAX_REQUESTS = 10;
const WINDOW_MS = 1_000;
/** Delays (milliseconds) before the first retries; later ones use {@link RETRY_MAX_MS}. */
const RETRY_MS = [250, 500];
const RETRY_MAX_MS = 1_000;
/** Maximum number of requests for a message that PluralKit does not know yet. */
const MAX_UNKNOWN = 3;
/**
 * Age (milliseconds) below which PluralKit may not know a message yet, because it stores a message
 * after it has posted it.
 */
const YOUNG_MS = 10_000;
const MAX_KNOWN = 1_000;

/** Creates a client without running look-ups. */
export function createPluralkitClient(deps: PluralkitServer & Timers) {
  const { now, schedule } = deps;
  const ask = createAskPluralkit(deps);
  const answers = new Map<MessageId, PluralkitAnswer>();
  const running = new Map<MessageId, Promise<PluralkitAnswer>>();
  /** Times of the last {@link MAX_REQUESTS} requests, oldest first. */
  const requestTimes: number[] = [];
  let pausedUntil = 0;
  const stopping = new AbortController();

  function nextRequestAt(): number {
    const oldest = requestTimes.length < MAX_REQUESTS ? undefined : requestTimes[0];
    return Math.max(now(), pausedUntil, oldest === undefined ? 0 : oldest + WINDOW_MS);
  }

  /**
   * Waits until a request may leave.
   *
   * @returns Whether that is before the deadline.
   */
  async function waitForSlot(deadline: number, signal: AbortSignal): Promise<boolean> {
    const at = nextRequestAt();
    if (at >= deadline || signal.aborted) return false;
    requestTimes.push(at);
    if (requestTimes.length > MAX_REQUESTS) requestTimes.shift();
    await sleep(at - now(), signal);
    return !signal.aborted;
  }

  async function run(id: MessageId, signal: AbortSignal): Promise<PluralkitAnswer> {
    const deadline = now() + LOOK_UP_MS;
    let reason = "too many look-ups at once";
    for (let attempt = 0; await waitForSlot(deadline, signal); attempt++) {
      const answer = await ask(id, signal);
      if (answer.kind === "found" || answer.kind === "failed") return answer;
      if (answer.kind === "none" && (attempt + 1 >= MAX_UNKNOWN || !isYoung(id))) return answer;
      if (answer.kind === "again") reason = answer.reason;
      if (answer.kind === "again" && answer.waitMs !== undefined) {
        pausedUntil = Math.max(pausedUntil, now() + answer.waitMs); // for all requests
      } else {
        await sleep(RETRY_MS[attempt] ?? RETRY_MAX_MS, signal);
      }
    }
    return { kind: "failed", reason };
  }

  function isYoung(id: MessageId): boolean {
    return now() - createdAtMs(id) < YOUNG_MS;
  }

  async function sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0 && !signal.aborted) await waitFor(ms, schedule, signal);
  }

  /** Runs a look-up with one time-out for all of its requests. */
  async function lookUp(id: MessageId): Promise<PluralkitAnswer> {
    const ending = new AbortController();
    const end = () => ending.abort();
    const cancel = schedule(end, LOOK_UP_MS);
    stopping.signal.addEventListener("abort", end, { once: true });
    if (stopping.signal.aborted) end();
    try {
      const result = await run(id, ending.signal);
      if (result.kind !== "failed") remember(answers, id, result);
      return result;
    } finally {
      cancel();
      stopping.signal.removeEventListener("abort", end);
      running.delete(id);
    }
  }

  return {
    /** Looks a message up. Never rejects. Simultaneous calls for one message share one look-up. */
    lookUp(id: MessageId): Promise<PluralkitAnswer> {
      const cached = answers.get(id);
      if (cached) return Promise.resolve(cached);
      let pending = running.get(id);
      if (!pending) running.set(id, pending = lookUp(id));
      return pending;
    },
    /** Starts no more requests, and ends running look-ups as failed. */
    stop: (): void => stopping.abort(),
  };
}

function remember<Key, Value>(cache: Map<Key, Value>, key: Key, value: Value): void {
  cache.set(key, value);
  const oldest = cache.keys().next();
  if (cache.size > MAX_KNOWN && !oldest.done) cache.delete(oldest.value);
}

type PluralKitAnswer =
  | { readonly kind: "found"; readonly proxied: ProxiedMessage }
  | { readonly kind: "none" }
  /**
   * The request may be repeated. `waitMs`: PluralKit's `retry_after` in milliseconds, if it gave
   * one.
   */
  | { readonly kind: "again"; readonly reason: string; readonly waitMs?: number }
  /** Another request would fail, too. */
  | { readonly kind: "failed"; readonly reason: string };

/** Maximum bytes of an answer. All texts of a system and a member have some 5 kB. */
const MAX_BYTES = 64 * 1_024;

const text = z.string().min(1);

/** @see {@link https://pluralkit.me/api/models/#message-model} */
const messageSchema = z.lazy(() =>
  z.object({
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
  }))
);

const limitedSchema = z.lazy(() => z.object({ retry_after: z.number().nonnegative() }));

/**
 * Creates the function that asks for messages.
 *
 * @see {@link https://pluralkit.me/api/endpoints/#get-proxied-message-information}
 */
export function createAskPluralkit(
  { fetch, apiUrl, token, version }: PluralkitServer,
): (id: MessageId, signal: AbortSignal) => Promise<PluralKitAnswer> {
  const base = apiUrl.replace(/\/+$/, "");
  const headers = {
    accept: "application/json",
    "user-agent": `Barnacle/${version} (Discord bot of one operator)`,
    ...(token !== undefined && { authorization: token }),
  };

  return async (id, signal) => {
    try {
      const response = await fetchPlain(fetch, `${base}/messages/${id}`, {
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

function judge(status: number, body: unknown): PluralKitAnswer {
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
