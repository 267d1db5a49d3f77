/** The channel queues of a whole account, and a Discord that answers one request as told. */

import type { ChannelId } from "../../src/core/discord/ids.ts";
import type { Posted, PostOutcome, Unread } from "../../src/core/outbound/outbound.ts";
import { RestError } from "../../src/discord/rest/exchange/exchange.ts";
import { queuesOf } from "../../src/flows/deliver/deliver.ts";
import { type Given, SELF, testAccount } from "./bot/test_account.ts";
import type { DiscordRequest } from "./discord/answers.ts";
import { channelId, guildId, messageId, messageIdAt, userId } from "./discord/builders.ts";
import { frozen, part } from "./store/store.ts";

export const HERE = channelId("1400000000000000002");
export const THERE = channelId("1400000000000000005");
/** The channel of owners, whose notices reach them at once. */
const OWNERS = channelId("1400000000000000009");
export const GUILD = guildId("1400000000000000010");
export const BOT = SELF.userId;
export const DAY_MS = 86_400_000;
export const CREATED: PostOutcome = { kind: "created", messageId: messageId("77") };
export const UNANSWERED: PostOutcome = { kind: "unanswered", reason: "nothing within 15000 ms" };
export const UNSENT: PostOutcome = { kind: "unsent", reason: "no route to host" };
export const FORBIDDEN = {
  kind: "refused",
  why: "forbidden",
  reason: "Missing Permissions",
} as const satisfies PostOutcome;
/** The history cannot be read. */
export const UNREAD: Unread = { kind: "unread", why: "unreachable", reason: "no network" };

/** What the bot lacks in the guild, or that it cannot be asked for. */
export type Lacks = "posting" | "files" | "history" | "nothing" | "unreachable";

const PERMISSIONS: Readonly<Record<Lacks, bigint>> = {
  nothing: 1n << 10n | 1n << 11n | 1n << 15n | 1n << 16n,
  posting: 1n << 10n | 1n << 15n | 1n << 16n,
  files: 1n << 10n | 1n << 11n | 1n << 16n,
  history: 1n << 10n | 1n << 11n | 1n << 15n,
  unreachable: 0n,
};

/** Throws as the REST client does, or returns Discord's answer. */
export function restAnswer(outcome: PostOutcome): unknown {
  if (outcome.kind === "created") return { id: outcome.messageId };
  const route = "POST /";
  if (outcome.kind === "already_gone") {
    throw new RestError("gone", { kind: "not_found", route, status: 404, code: 10008 });
  }
  if (outcome.kind === "unanswered") {
    throw new RestError(outcome.reason, { kind: "unavailable", route });
  }
  if (outcome.kind === "unsent") throw new RestError(outcome.reason, { kind: "unsent", route });
  const { why: kind, reason, code, retryAfterMs, isTooLarge } = outcome;
  throw new RestError(reason, {
    ...{ kind, route, status: isTooLarge ? 413 : 400 },
    ...(code !== undefined && { code }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Messages as the history shows them, newest first. */
export function page(messages: readonly Posted[]): unknown {
  return messages.map(({ id, authorId, content, fileSizes, quote }) => ({
    ...{ id, content, author: { id: authorId } },
    message_reference: quote && { message_id: quote },
    attachments: fileSizes.map((size) => ({ size })),
  }));
}

/** A message by someone else, before all of the bot's. */
const BEFORE: Posted = { id: messageId("1"), authorId: userId("6"), content: "so?", fileSizes: [] };

/** A guild at Discord in which the bot lacks a permission. */
export function guildAnswer({ path }: Pick<DiscordRequest, "path">, lacks: Lacks): unknown {
  if (!path.startsWith(`/guilds/${GUILD}`)) return undefined;
  if (lacks === "unreachable") throw new RestError("offline", { kind: "unsent", route: "GET /" });
  const permissions = String(PERMISSIONS[lacks]);
  const roles = [{ id: GUILD, name: "@everyone", permissions, position: 0 }];
  if (path.endsWith("/roles")) return roles;
  if (path.includes("/members/")) return { user: { id: BOT }, roles: [] };
  if (path.endsWith("/channels")) {
    return [HERE, THERE].map((id) => ({ id, type: 0, name: "ops", permission_overwrites: [] }));
  }
  return { id: GUILD, name: "Friends", owner_id: "1", roles };
}

interface Asked {
  readonly nonce: string;
  readonly content: string;
  readonly files: number;
  readonly answer: (outcome: PostOutcome) => Promise<void>;
}

/** Queues that have not begun, with these rows. */
export async function setUp(
  rows: readonly [channel: ChannelId, nonce: string][] = [],
  world: { lacks?: Lacks; history?: Unread } = {},
  given: Given = {},
) {
  const asked: Asked[] = [];
  /** The next answers to readings of the history; then one without the bot's messages. */
  const pages: (readonly Posted[] | Unread)[] = [];
  let looks = 0;
  const scene = await testAccount({
    ...given,
    discord: { retry: { jitter: 0 }, ...given.discord },
    answer({ method, path, body }) {
      if (path === "/users/@me/channels") return { id: OWNERS };
      const channel = /^\/channels\/(\d+)\/messages/.exec(path)?.[1];
      if (channel === undefined) return guildAnswer({ path }, world.lacks ?? "posting");
      if (channel === OWNERS) return undefined;
      if (method === "GET") {
        looks++;
        const shown = world.history ?? pages.shift() ?? [BEFORE];
        if ("length" in shown) return page(shown);
        throw new RestError(shown.reason, { kind: "unsent", route: "GET /" });
      }
      const { promise, resolve } = Promise.withResolvers<PostOutcome>();
      asked.push({
        nonce: String(body["nonce"]),
        content: String(body["content"]),
        files: Array.isArray(body["attachments"]) ? body["attachments"].length : 0,
        answer: (outcome) => (resolve(outcome), scene.quiet()),
      });
      return promise.then(restAnswer);
    },
  });
  const { account, clock, store } = scene;
  const of = () => part(messageIdAt(clock.now() - 1_000));
  const add = async (channel: ChannelId, nonce: string) =>
    void await store.outbox.add(
      frozen({ channelId: channel, nonce, guildId: GUILD, of: of() }),
      clock.now(),
    );
  for (const row of rows) await add(...row);
  const inState = (state: string) =>
    scene.rows(`SELECT nonce FROM outbox WHERE state = '${state}' AND channel_id <> ${OWNERS}`)
      .map(({ nonce }) => String(nonce));
  const stateOf = (nonce: string) =>
    scene.rows(`SELECT state FROM outbox WHERE nonce = '${nonce}'`)[0]?.["state"];
  return {
    ...scene,
    ...{ world, asked, add, stateOf, pages, of, outbox: store.outbox },
    nonces: () => asked.map(({ nonce }) => nonce),
    answer: async (outcome: PostOutcome) => await asked.at(-1)?.answer(outcome),
    /** Messages that were given up. */
    dead: () => inState("dead"),
    looks: () => looks,
    /** What the owners were told. */
    told: () =>
      scene.requests.filter(({ path }) => path === `/channels/${OWNERS}/messages`)
        .map(({ body }) => String(body["content"])),
    account,
    /** The queues of this process; those of the next one after `restart`. */
    queues: () => queuesOf(account),
    begin: async () => {
      queuesOf(account).wake();
      await scene.quiet();
    },
    /** The process ends, and the next one begins. */
    async restart() {
      await queuesOf(account).stop();
      account.live.length = 0;
      queuesOf(account).wake();
      await scene.quiet();
    },
  };
}

/** The same, with queues that have begun. */
export async function running(...rows: readonly [channel: ChannelId, nonce: string][]) {
  const all = await setUp(rows);
  await all.begin();
  return all;
}
