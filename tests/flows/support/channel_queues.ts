/**
 * Channel queues over the real outbox in memory, and a Discord that answers one request as told.
 */

import type { Delivery } from "../../../src/core/outbound/delivery.ts";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import type { OutboundMessage, PostOutcome } from "../../../src/core/outbound/outbound.ts";
import type { PostedPage, Unread } from "../../../src/core/outbound/posted.ts";
import { createChannelQueues } from "../../../src/flows/deliver/channel_queues.ts";
import { createOutbox } from "../../../src/store/outbox/outbox.ts";
import type { RefusedChannel } from "../../../src/core/account/events.ts";
import type { Sending } from "../../../src/flows/deliver/sending.ts";
import {
  ACCOUNT,
  channelId,
  guildId,
  messageId,
  messageIdAt,
  userId,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { frozen, part } from "../../support/store/store.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";

export const HERE = channelId("1400000000000000002");
export const THERE = channelId("1400000000000000005");
export const GUILD = guildId("1400000000000000010");
export const BOT = userId("1400000000000000003");
export const DAY_MS = 86_400_000;
export const CREATED: PostOutcome = { kind: "created", messageId: messageId("77") };
export const UNANSWERED: PostOutcome = { kind: "unanswered", reason: "nothing within 15000 ms" };
export const UNSENT: PostOutcome = { kind: "unsent", reason: "no route to host" };
export const FORBIDDEN = {
  kind: "refused",
  why: "forbidden",
  reason: "Missing Permissions",
} as const satisfies PostOutcome;
export const NOT_THERE: PostedPage = {
  kind: "page",
  messages: [],
  oldest: messageId("1"),
  isLast: true,
};

type Asked = {
  nonce: string;
  content: string;
  files: number;
  answer: (outcome: PostOutcome) => Promise<void>;
};

/** Queues that have not begun, with these rows. */
export async function setUp(
  rows: readonly [channel: ChannelId, nonce: string][],
  more: Partial<Sending> = {},
) {
  const database = openDatabase();
  const outbox = createOutbox(createUngroupedTransactions(database));
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const asked: Asked[] = [];
  const pages: (PostedPage | Unread)[] = [];
  const deliveries: Delivery["kind"][] = [];
  /** Ended attempts, each with the state that the store had by then. */
  const attempted: string[] = [];
  const dead: string[] = [];
  const noFiles: string[] = [];
  const setAside: string[] = [];
  const parked: RefusedChannel[] = [];
  const looks: (readonly ChannelId[] | undefined)[] = [];

  async function add(channel: ChannelId, nonce: string): Promise<void> {
    const of = part(messageIdAt(clock.now() - 1_000));
    await outbox.add(frozen({ channelId: channel, nonce, guildId: GUILD, of }), clock.now());
  }
  for (const row of rows) await add(...row);

  const lanesPorts: Sending = {
    accountId: ACCOUNT,
    outbox: {
      ...outbox,
      heads(account, channels) {
        looks.push(channels);
        return outbox.heads(account, channels);
      },
    },
    messages: {
      create: ({ nonce, content }: OutboundMessage, files) =>
        new Promise((resolve) => {
          asked.push({
            nonce,
            content,
            files: files.length,
            answer: async (outcome) => {
              resolve(outcome);
              await settle();
            },
          });
        }),
      edit: () => Promise.reject(new Error("nothing is edited here")),
      delete: () => Promise.reject(new Error("nothing is deleted here")),
    },
    history: () => Promise.resolve(pages.shift() ?? NOT_THERE),
    canReadHistory: () => Promise.resolve(true),
    self: () => BOT,
    explain: () => Promise.resolve({ missing: "other", reason: "cannot post in #ops" }),
    withoutFiles: (message, names) => ({ ...message, content: `without ${names.join()}` }),
    nonceWindowMs: 60_000,
    steadyNow: clock.now,
    bootedAt: () => 0,
    retry: { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0 },
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0.5,
    log,
    events: {
      emit: {
        delivered: (_row, { kind }) => deliveries.push(kind),
        attempted: ({ message: { nonce } }) => attempted.push(`${nonce} ${stateOf(nonce)}`),
        parked: (told) => parked.push(told),
        setAside: ({ message }) => setAside.push(message.nonce),
        filesRefused: ({ reason }) => noFiles.push(reason),
        dead: ({ message }) => dead.push(message.nonce),
      },
    },
    ...more,
  };
  const begin = () => createChannelQueues(lanesPorts);
  const nonces = () => asked.map(({ nonce }) => nonce);
  const answer = (outcome: PostOutcome) => asked.at(-1)!.answer(outcome);
  const stateOf = (nonce: string) =>
    database.prepare("SELECT state FROM outbox WHERE nonce = ?").get(nonce)?.["state"];
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await settle();
  }
  return {
    ...{ begin, clock, lines, asked, nonces, answer, add, stateOf, pass, pages },
    ...{ deliveries, attempted, dead, noFiles, setAside, parked, looks, outbox },
  };
}

/** The same, with queues that have begun. */
export async function running(...rows: readonly [channel: ChannelId, nonce: string][]) {
  const all = await setUp(rows);
  const channelQueues = all.begin();
  channelQueues.wake();
  await settle();
  return { ...all, channelQueues };
}
