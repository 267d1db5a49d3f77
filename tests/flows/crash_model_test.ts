/**
 * Plays the crash table (reliability 1.6): a crash at every step, pairs of crashes, outages within
 * and beyond Discord's memory of nonces, and requests that fail in every way.
 *
 * There are three messages with answers of two parts each. One of them arrives while the bot is
 * away. The short form plays each crash, with each fault and each outage, and one in seven of the
 * pairs of crashes, or one in 29. The long form (`deno task chaos -- long tests/flows/crash_model_test.ts`) plays
 * all pairs, every schedule of the controls, and 200,000 random ones, and prints figures.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BotAccount } from "../../src/account/account.ts";
import type { Config } from "../../src/config/config.ts";
import type { MessageId } from "../../src/core/discord/ids.ts";
import type { Self } from "../../src/core/inbound/inbound.ts";
import { afterDelivery, failedAgain, type Failures } from "../../src/core/outbound/delivery.ts";
import { type DraftRow, nonceOf, placeDrafts } from "../../src/core/outbound/outbound.ts";
import type {
  Frozen,
  OutboundFile,
  OutboundMessage,
  OutboxAction,
  OutboxRow,
  PostOutcome,
} from "../../src/core/outbound/outbound.ts";
import type { Posted } from "../../src/core/outbound/delivery.ts";
import type { RequestOptions } from "../../src/discord/rest/client/client.ts";
import { deliver } from "../../src/flows/deliver/deliver.ts";
import type { Store } from "../../src/store/store.ts";
import { bareAccount } from "../support/account.ts";
import { ACCOUNT, channelId, messageId, userId } from "../support/discord/builders.ts";
import { cases } from "../support/long_form.ts";
import { seeded } from "../support/seeded.ts";
import { BOT, GUILD, guildAnswer, page, restAnswer } from "./support/channel_queues.ts";

/** Faults of requests, by their number. */
type Fault = "refused" | "limited" | "lost" | "lostLong";
const FAULTS: readonly Fault[] = ["refused", "limited", "lost", "lostLong"];

interface Schedule {
  /** Steps at which the processes die. */
  readonly crashes: readonly number[];
  /** Milliseconds between a crash and the next start. */
  readonly outagesMs: readonly number[];
  readonly faults: Readonly<Record<number, Fault>>;
  /** Whether a draft is shown while the model answers. */
  readonly withDrafts?: boolean;
  /** Whether no answer is a reply; then all answers look alike. */
  readonly withoutQuotes?: boolean;
  /** Whether Discord answers each request for the first part of the first answer with a 500. */
  readonly rejectsFirst?: boolean;
  /** Whether Discord does not show the channel's history. */
  readonly hidesHistory?: boolean;
}

interface Judged {
  readonly lost: number;
  readonly doubled: number;
  readonly misordered: number;
  readonly uncertain: number;
  /** Steps of the last process. */
  readonly steps: number;
  readonly turns: number;
}

const START = Date.UTC(2026, 0, 1);
const RESUME_MS = 180_000;
/** Milliseconds for which Discord remembers a nonce, and for which the bot relies on it. */
const NONCE_MS = 300_000;
const NONCE_WINDOW_MS = 60_000;
const MAX_PROCESSES = 9;
const CHANNEL = channelId("1400000000000000002");
const ADA = userId("1400000000000000004");
const RETRY = { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0 };
const FILE: OutboundFile = { name: "the answer.md", bytes: new Uint8Array(1) };

/** Drafts of a turn with drafts: one more than its answer has parts. */
const DRAFT_COUNT = 3;
const NOBODYS = { authorId: BOT, content: "", fileSizes: [], order: 0 };

/** The body of a request for a message, as far as this Discord reads it. */
interface Body {
  readonly nonce?: string;
  readonly content?: string;
  readonly message_reference?: { readonly message_id: MessageId };
}

function asBody(body: RequestOptions["body"]): Body {
  return typeof body === "string" ? JSON.parse(body) : body ?? {};
}

/** Thrown where a process dies. One for all: each new one would collect a stack. */
const CRASH = new Error("the process dies");

interface Message extends Posted {
  readonly nonce?: string;
  /** The first is 1. */
  readonly order: number;
}

interface Event {
  readonly seq: number;
  readonly message: Message;
}

interface Session {
  readonly events: Event[];
  isOver: boolean;
}

interface Row {
  readonly id: number;
  readonly message: OutboundMessage;
  readonly files: readonly OutboundFile[];
  /** The draft that it replaces or deletes. */
  readonly draft?: { readonly row: Row; readonly becomes: "this" | "nothing" };
  state: "pending" | "sending" | "sent" | "uncertain" | "withdrawn";
  firstAttemptAt: number | undefined;
  failingSince: number | undefined;
  messageId: MessageId | undefined;
}

/** Committed state. */
interface Disk {
  readonly inbox: Map<MessageId, "waiting" | "done">;
  readonly outbox: Row[];
  session: Session | undefined;
  seq: number;
  newest: number;
  isCatchingUp: boolean;
}

/** Plays a schedule to its end, and counts the results at Discord. */
async function play(schedule: Schedule): Promise<Judged> {
  const messages: Message[] = [];
  const nonces = new Map<string, { readonly at: number; readonly message: Message }>();
  const disk: Disk = {
    inbox: new Map(),
    outbox: [],
    session: undefined,
    seq: 0,
    newest: 0,
    isCatchingUp: false,
  };
  const toCome = [START + 500, START + 2_000];
  let now = START;
  let session: Session | undefined;
  let order = 0;
  let process = 0;
  let steps = 0;
  let requests = 0;
  let turns = 0;
  let failures: Failures | undefined;
  let wasServed = false;

  function step(ms = 100): void {
    now += ms;
    while (toCome[0] !== undefined && toCome[0] <= now) {
      toCome.shift();
      put({ authorId: ADA, content: "hello", fileSizes: [] });
    }
    if (steps++ === schedule.crashes[process]) throw CRASH;
  }

  function put(message: Omit<Message, "id" | "order">): Message {
    const made = { ...message, id: idAt(now, ++order), order };
    messages.push(made);
    if (session && !session.isOver) {
      session.events.push({ seq: session.events.length + 1, message: made });
    }
    return made;
  }

  function create(
    { content, nonce, quote }: Pick<Message, "content" | "quote"> & { readonly nonce: string },
    fileSizes: readonly number[],
  ) {
    const seen = nonces.get(nonce);
    if (seen && now - seen.at < NONCE_MS) return seen.message;
    const message = put({
      authorId: BOT,
      content: content.trim(),
      nonce,
      ...(quote !== undefined && { quote }),
      fileSizes,
    });
    nonces.set(nonce, { at: now, message });
    return message;
  }

  /** One request of any kind; `act` is its effect at Discord. */
  function request(notAfter: number, act: () => Message): PostOutcome {
    step();
    const fault = schedule.faults[requests++];
    if (now > notAfter) return { kind: "unsent", reason: "too late" };
    if (fault === "refused") {
      step(10_000);
      return { kind: "unsent", reason: "no connection" };
    }
    if (fault === "limited") {
      return { kind: "refused", why: "rate_limited", reason: "429", retryAfterMs: 10_000 };
    }
    const { id } = act();
    if (fault !== undefined) {
      step(fault === "lost" ? 10_000 : 400_000);
      return { kind: "unanswered", reason: "nothing within 15000 ms" };
    }
    step();
    return { kind: "created", messageId: id };
  }

  /** A transaction: the process may die before it, and after it. */
  function commit<T>(work: () => T): Promise<T> {
    return Promise.resolve().then(() => {
      step();
      const result = work();
      step();
      return result;
    });
  }

  const rowOf = ({ id }: OutboxRow): Row => disk.outbox.find((row) => row.id === id)!;

  /** A request for a message: `POST`, `PATCH` or `DELETE`. */
  function messageRequest(
    method: string,
    id: string | undefined,
    { body, files = [], notAfter = Infinity }: RequestOptions,
  ): PostOutcome {
    const { nonce = "", content = "", message_reference } = asBody(body);
    const fileSizes = files.map(({ blob }) => blob.size);
    const at = () => messages.findIndex((message) => message.id === id);
    if (method === "POST") {
      if (schedule.rejectsFirst && nonce === disk.outbox[0]?.message.nonce) {
        step();
        return { kind: "unanswered", reason: "failed with 500: no reason given" };
      }
      const quote = message_reference?.message_id;
      return request(notAfter, () => create({ content, nonce, quote }, fileSizes));
    }
    if (method === "PATCH") {
      return request(notAfter, () => {
        const before = messages[at()] ?? { ...NOBODYS, id: messageId(id ?? "") };
        const edited = { ...before, content: content.trim(), fileSizes };
        messages[at()] = edited;
        return edited;
      });
    }
    let isGone = false;
    const outcome = request(notAfter, () => {
      isGone = at() < 0;
      const [deleted = { ...NOBODYS, id: messageId(id ?? "") }] = isGone
        ? []
        : messages.splice(at(), 1);
      return deleted;
    });
    return isGone && outcome.kind === "created" ? { kind: "already_gone" } : outcome;
  }

  /** The requests of deliveries, at Discord's API. */
  const rest = {
    async request(method: string, path: string, options: RequestOptions = {}): Promise<unknown> {
      await Promise.resolve();
      if (path.startsWith("/guilds/")) {
        return guildAnswer({ path }, schedule.hidesHistory ? "history" : "nothing");
      }
      const [, id] = /\/messages\/(\d+)$/.exec(path) ?? [];
      if (method !== "GET") return restAnswer(messageRequest(method, id, options));
      step();
      if (schedule.hidesHistory) return [];
      const before = /before=(\d+)/.exec(path)?.[1];
      const shown = messages.filter((one) =>
        before === undefined || BigInt(one.id) < BigInt(before)
      );
      return page(shown.toReversed());
    },
  };

  const account = bareAccount({
    now: () => now,
    bootedAt: () => 0,
    self: () => ({ userId: BOT }) as Self,
    config: () => ({ discord: { rest: { nonceWindowSec: NONCE_WINDOW_MS / 1_000 } } }) as Config,
    rest: rest as unknown as BotAccount["rest"],
    store: { outbox: outbox() } as unknown as BotAccount["store"],
  });

  /** The rows of the disk, as a store has them. */
  function outbox(): Partial<Store["outbox"]> {
    return {
      filesOf: (row) => Promise.resolve(rowOf(row).files),
      known: (_channel, ids) => {
        const ours = new Set(disk.outbox.map((row) => row.messageId));
        return Promise.resolve(new Set(ids.filter((id) => ours.has(id))));
      },
      markSending: (head, at) =>
        commit(() => {
          const row = rowOf(head);
          if (row.state !== "pending" && row.state !== "sending") return false;
          row.state = "sending";
          row.firstAttemptAt ??= at;
          return true;
        }),
      markSent: (head, id) => commit(() => settle(rowOf(head), id)),
      markRefused: (head, _reason, at) =>
        commit(() => {
          const row = rowOf(head);
          if (row.state !== "pending" && row.state !== "sending") return;
          row.state = head.firstAttemptAt === undefined ? "pending" : "sending";
          row.firstAttemptAt = head.firstAttemptAt;
          row.failingSince ??= at;
        }),
      markFailing: (head, at) => commit(() => void (rowOf(head).failingSince ??= at)),
      markAbsent: (head) =>
        commit(() => {
          const row = rowOf(head);
          if (row.state !== "sending") return;
          row.state = "pending";
          row.firstAttemptAt = undefined;
        }),
    };
  }

  function settle(row: Row, id: MessageId | undefined): boolean {
    if (row.state === "sent") return false;
    row.state = "sent";
    row.messageId = id;
    return true;
  }

  const isUnsent = ({ state }: Row) => state === "pending" || state === "sending";

  /** One attempt at the head of the outbox, as a channel queue makes it. */
  async function attempt(): Promise<boolean> {
    const row = disk.outbox.find(isUnsent);
    if (!row) return false;
    const head = toOutboxRow(row);
    const delivery = await deliver(account, head);
    if (delivery.kind === "absent") wasServed = true;
    const facts = { now, ...failedAgain(failures, wasServed), random: 0.5, retry: RETRY };
    const next = afterDelivery(head, delivery, { ...facts, nonceWindowMs: NONCE_WINDOW_MS });
    switch (next.kind) {
      case "on":
        if (delivery.kind !== "absent") failures = undefined;
        return true;
      case "again":
        if (next.isAttempt) {
          failures = facts;
          wasServed = false;
        }
        step(next.waitMs);
        return true;
      case "uncertain":
        failures = undefined;
        await commit(() => void (row.state = "uncertain"));
        return true;
      default:
        throw new Error(`No row of this model can be ${next.kind}: ${next.reason}`);
    }
  }

  /** T1, of one event; an echo settles its row. */
  function ingest(message: Message, seq: number): void {
    disk.seq = Math.max(disk.seq, seq);
    if (message.authorId === ADA) {
      if (!disk.inbox.has(message.id)) disk.inbox.set(message.id, "waiting");
      disk.newest = Math.max(disk.newest, message.order);
      return;
    }
    const row = disk.outbox.find((one) => one.message.nonce === message.nonce);
    if (row) settle(row, message.id);
  }

  function freeze(
    cause: MessageId,
    kind: "reply" | "draft",
    part: number,
    content: string,
  ): Frozen {
    const about = { cause, revision: 0, agentId: "main", kind };
    const message: OutboundMessage = {
      accountId: ACCOUNT,
      channelId: CHANNEL,
      guildId: GUILD,
      nonce: nonceOf(about, part),
      content,
      pings: { users: [], roles: [], quotedAuthor: false },
      ...(!schedule.withoutQuotes && { quote: cause }),
      of: { ...about, part, parts: 2 },
    };
    const hasFile = kind === "reply" && part === 1;
    return { message, files: hasFile ? [FILE] : [] };
  }

  /** Adds a row as the store does: a row with the same nonce stays unchanged. */
  function add({ message, files, draft }: Frozen): Row {
    const there = disk.outbox.find((row) => row.message.nonce === message.nonce);
    if (there) return there;
    const placed = draft && disk.outbox.find((row) => row.message.nonce === draft.nonce);
    const row: Row = {
      id: disk.outbox.length + 1,
      message,
      files,
      ...(draft && placed && { draft: { row: placed, becomes: draft.becomes } }),
      state: "pending",
      firstAttemptAt: undefined,
      failingSince: undefined,
      messageId: undefined,
    };
    disk.outbox.push(row);
    return row;
  }

  function draftsOf(cause: MessageId): DraftRow[] {
    return disk.outbox.flatMap(({ message, state, messageId }): DraftRow[] => {
      const { of } = message;
      if (of?.kind !== "draft" || of.cause !== cause) return [];
      const draft = { message: { ...message, of }, ...(messageId !== undefined && { messageId }) };
      if (state === "pending") return [{ ...draft, state: "untried" }];
      if (state === "sending") return [{ ...draft, state: "open" }];
      return state === "sent" ? [{ ...draft, state: "there" }] : [];
    });
  }

  /** The drafts of a turn, each posted and then grown; the last is one too many. */
  async function showDrafts(cause: MessageId): Promise<void> {
    for (let part = 0; part < DRAFT_COUNT; part++) {
      step(1_000);
      const draft = await commit(() => add(freeze(cause, "draft", part, "let me think")));
      await attempt();
      const shown = messages.findIndex(({ id }) => id === draft.messageId);
      if (shown >= 0) messages[shown] = { ...messages[shown]!, content: "let me think again" };
    }
  }

  async function turn(cause: MessageId): Promise<void> {
    await commit(() => {}); // T2
    if (schedule.withDrafts) await showDrafts(cause);
    step(5_000);
    turns++;
    const reply = ["answer, part 0", " answer, part 1\n"]
      .map((text, part) => freeze(cause, "reply", part, text));
    await commit(() => { // T3
      const { outbox, withdraw } = placeDrafts(draftsOf(cause), reply);
      for (const row of disk.outbox) {
        if (withdraw.includes(row.message.nonce)) row.state = "withdrawn";
      }
      for (const frozen of outbox) add(frozen);
      disk.inbox.set(cause, "done");
    });
  }

  async function live(): Promise<void> {
    step();
    if (session && session === disk.session && !session.isOver) step();
    else {
      if (session) session.isOver = true;
      session = { events: [], isOver: false };
      step();
      await commit(() => { // T0
        disk.session = session;
        disk.seq = 0;
        disk.isCatchingUp = true;
      });
    }
    if (disk.isCatchingUp) {
      for (const message of messages.filter(({ order }) => order > disk.newest)) {
        if (message.authorId === ADA) await commit(() => ingest(message, 0));
      }
      await commit(() => void (disk.isCatchingUp = false));
    }
    for (let idle = 0; idle < 3;) {
      const event = session.events.find(({ seq }) => seq > disk.seq);
      if (event) await commit(() => ingest(event.message, event.seq));
      const isSending = await attempt();
      const next = [...disk.inbox].find(([, state]) => state === "waiting");
      if (next) await turn(next[0]);
      if (event || isSending || next) idle = 0;
      else {
        idle++;
        step(1_000);
      }
    }
  }

  function die(): void {
    const outageMs = schedule.outagesMs[process] ?? 0;
    now += Math.min(300, outageMs);
    if (process === 0) put({ authorId: ADA, content: "hello again", fileSizes: [] });
    now += outageMs;
    if (session && outageMs >= RESUME_MS) session.isOver = true;
    failures = undefined;
    wasServed = false;
  }

  for (; process < MAX_PROCESSES; process++) {
    steps = 0;
    try {
      await live();
      break;
    } catch (thrown) {
      if (thrown !== CRASH) throw thrown;
      die();
    }
  }
  const uncertain = disk.outbox.filter(({ state }) => state === "uncertain").length;
  return { ...judge(messages, schedule.withoutQuotes), uncertain, steps, turns };
}

/**
 * Whether each of Ada's messages has its answer in two parts, in order, and nothing else was sent.
 */
function judge(
  messages: readonly Message[],
  withoutQuotes = false,
): Pick<Judged, "lost" | "doubled" | "misordered"> {
  const total = { lost: 0, doubled: 0, misordered: 0 };
  const asked = messages.filter(({ authorId }) => authorId === ADA);
  const said = messages.filter(({ authorId }) => authorId === BOT);
  const answers = withoutQuotes
    ? [{ said, times: asked.length }]
    : asked.map(({ id }) => ({ said: said.filter(({ quote }) => quote === id), times: 1 }));
  for (const { said, times } of answers) {
    const parts = said.map(({ content }) => content.at(-1) ?? "");
    const [first, second] = ["0", "1"].map((part) => parts.filter((one) => one === part).length);
    for (const count of [first ?? 0, second ?? 0]) {
      total.lost += Math.max(0, times - count);
      total.doubled += Math.max(0, count - times);
    }
    total.doubled += parts.filter((part) => part !== "0" && part !== "1").length; // a draft's rest
    if (parts.some((part, at) => part !== String(at % 2))) total.misordered++;
  }
  return total;
}

function toOutboxRow({ id, message, files, draft, firstAttemptAt, failingSince }: Row): OutboxRow {
  return {
    id,
    message,
    fileCount: files.length,
    action: actionOf(draft),
    ...(firstAttemptAt !== undefined && { firstAttemptAt }),
    ...(failingSince !== undefined && { failingSince }),
  };
}

/** Resolves a draft as the store does. */
function actionOf(draft: Row["draft"]): OutboxAction {
  if (!draft) return { kind: "post" };
  const { row: { state, messageId }, becomes } = draft;
  if (state !== "sent" || messageId === undefined) {
    return { kind: becomes === "this" && state !== "sent" ? "post" : "nothing" };
  }
  return { kind: becomes === "this" ? "edit" : "delete", messageId };
}

/** By time, and by order within it. */
function idAt(ms: number, order: number): MessageId {
  return messageId(String((BigInt(ms - 1_420_070_400_000) << 22n) | BigInt(order)));
}

const OUTAGES_MS = [1_000, 90_000, 600_000];
const SEED = 20_261_120;
const RANDOM = cases(5_000, 200_000);
/** Steps of the first and the second crash; more than a process needs until it is idle. */
const CRASHES = [75, 60] as const;
/** The same with drafts, which take longer. */
const CRASHES_WITH_DRAFTS = [120, 110] as const;
const REQUESTS = 6;

type Shape = Pick<Schedule, "withDrafts" | "withoutQuotes" | "hidesHistory">;

/** @param every Plays one in so many of the pairs of crashes. */
function* schedules(shape: Shape, every = 1): Generator<Schedule> {
  const faults: Schedule["faults"][] = [{}];
  for (let request = 0; request < REQUESTS; request++) {
    for (const fault of FAULTS) faults.push({ [request]: fault });
  }
  const [firsts, seconds] = shape.withDrafts ? CRASHES_WITH_DRAFTS : CRASHES;
  let pairs = 0;
  for (let first = 0; first < firsts; first++) {
    for (const away of OUTAGES_MS) {
      for (const fault of faults) {
        yield { ...shape, crashes: [first], outagesMs: [away], faults: fault };
      }
      for (let second = 0; second < seconds; second++) {
        for (const awayAgain of OUTAGES_MS) {
          if (pairs++ % every !== 0) continue;
          const outagesMs = [away, awayAgain];
          yield { ...shape, crashes: [first, second], outagesMs, faults: {} };
        }
      }
    }
  }
}

/** Three to five crashes, with faults in more than a quarter of the requests. */
function* randomSchedules(shape: Shape, count: number): Generator<Schedule> {
  const { random, between, upTo, pick } = seeded(SEED);
  for (let run = 0; run < count; run++) {
    const crashes = Array.from({ length: between(3, 5) }, () => upTo(shape.withDrafts ? 110 : 70));
    const faults: Record<number, Fault> = {};
    for (let request = 0; request < 12; request++) {
      const drawn = random();
      if (drawn < 0.12) faults[request] = "lost";
      else if (drawn < 0.18) faults[request] = "refused";
      else if (drawn < 0.24) faults[request] = "limited";
      else if (drawn < 0.28) faults[request] = "lostLong";
    }
    yield { ...shape, crashes, outagesMs: crashes.map(() => pick(OUTAGES_MS)), faults };
  }
}

type Violation = "lost" | "doubled" | "misordered" | "uncertain";
const VIOLATIONS: readonly Violation[] = ["lost", "doubled", "misordered", "uncertain"];

function violationsOf(judged: Judged): Violation[] {
  return VIOLATIONS.filter((violation) => judged[violation] > 0);
}

/** Plays all schedules, and reports a failed one so that it can be played again. */
async function playAll(from: Iterable<Schedule>): Promise<number> {
  let played = 0;
  for (const schedule of from) {
    const judged = await play(schedule);
    played++;
    if (violationsOf(judged).length === 0) continue;
    assert.fail(`${JSON.stringify(schedule)} ${JSON.stringify(judged)}`);
  }
  return played;
}

/** Plays one in so many of the pairs of crashes: no divisor of their numbers, so all steps occur. */
const EVERY = cases(7, 1);
/** The same with drafts, whose pairs are four times as many, and without the echo. */
const FEW = cases(29, 1);
/** Schedules of one shape without drafts, and with drafts. */
const PLAIN = cases(11_411, 46_125);
const DRAFTS = cases(13_097, 127_800);

const SHAPES: readonly [name: string, shape: Shape, schedules: number][] = [
  ["two parts, one with a file", {}, PLAIN],
  ["answers that all look alike", { withoutQuotes: true }, PLAIN],
  ["drafts that become the answer, and one that goes", { withDrafts: true }, DRAFTS],
];

describe("[D2] the crash table", () => {
  for (const [name, shape, count] of SHAPES) {
    it(`loses, doubles and reorders no message in ${count} schedules: ${name}`, async () => {
      const { steps, turns } = await play({ ...shape, crashes: [], outagesMs: [], faults: {} });
      assert.ok(steps < (shape.withDrafts ? CRASHES_WITH_DRAFTS : CRASHES)[0] && turns === 2);
      assert.equal(await playAll(schedules(shape, shape.withDrafts ? FEW : EVERY)), count);
    });

    it(`nor in ${RANDOM} schedules of 3 to 5 crashes: ${name}`, async () => {
      assert.equal(await playAll(randomSchedules(shape, RANDOM)), RANDOM);
    });
  }
});

describe("[D5] the crash table of a message that always fails", () => {
  it("sets it aside, and delivers the rest once and in order", async () => {
    let crashes = 0;
    for (const schedule of schedules({}, 97)) {
      if (Object.keys(schedule.faults).length > 0 || crashes++ % 5 !== 0) continue;
      const { lost, doubled, uncertain } = await play({ ...schedule, rejectsFirst: true });
      assert.deepEqual({ lost, doubled, uncertain }, { lost: 1, doubled: 0, uncertain: 1 });
    }
    assert.ok(crashes > 100);
  });
});

describe("[D2] a channel with hidden history", () => {
  it("gets no message twice: the bot holds it", async () => {
    for (const schedule of schedules({ hidesHistory: true }, 29)) {
      const { doubled } = await play(schedule);
      assert.equal(doubled, 0, JSON.stringify(schedule));
    }
  });
});
