/**
 * Plays the crash table (reliability 1.6) on whole accounts: a crash at every step, pairs of crashes,
 * outages within and beyond Discord's memory of nonces, and requests that fail in every way.
 *
 * There are three questions with answers of two messages each, and one of them arrives while the bot
 * is away. Each start gets all events again, as a RESUME may bring them. The long form
 * (`deno task chaos -- long tests/flows/crash_model_test.ts`) plays more pairs.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RestApi } from "../../src/discord/rest/client/client.ts";
import { jsonOf, RestError } from "../../src/discord/rest/exchange/exchange.ts";
import { queuesOf } from "../../src/flows/deliver/deliver.ts";
import { wakeTurns } from "../../src/account/per_account.ts";
import { SELF, type TestAccount, testAccount } from "../support/bot/test_account.ts";
import { messageIdAt } from "../support/discord/builders.ts";
import { ADA, messageData } from "../support/discord/payloads.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { cases } from "../support/long_form.ts";
import { seeded } from "../support/seeded.ts";
import { mortals } from "../support/mortal.ts";

/** Faults of requests for messages, by their number. */
type Fault = "refused" | "limited" | "lost" | "lostLong";
const FAULTS: readonly Fault[] = ["refused", "limited", "lost", "lostLong"];

interface Schedule {
  /** Steps at which the processes die. */
  readonly crashes: readonly number[];
  /** Milliseconds between a crash and the next start. */
  readonly outagesMs: readonly number[];
  readonly faults: Readonly<Record<number, Fault>>;
  /** Whether Discord refuses the first part of the first answer, however often. */
  readonly rejectsFirst?: boolean;
  /** Whether Discord forgets nonces at once. */
  readonly forgets?: boolean;
}

const START = Date.UTC(2026, 0, 1);
/** Milliseconds for which Discord remembers a nonce; the bot relies on a minute of it. */
const NONCE_MS = 300_000;
const OUTAGES = [1_000, 100_000, 400_000];
const PADDING = "krill ".repeat(12).trim();
const answerTo = (question: string) => `${question}a ${PADDING}\n\n${question}b ${PADDING}`;
const EXPECTED = ["q1", "q2", "q3"].flatMap((question) => [`${question}a`, `${question}b`]);

interface Posted {
  readonly id: string;
  readonly content: string;
  readonly nonce: string;
  readonly at: number;
  readonly quote?: string;
}

/** Plays a schedule to its end. @returns The parts that Discord shows, and the number of steps. */
async function play({ crashes, outagesMs, faults, rejectsFirst, forgets }: Schedule) {
  const lives = mortals();
  const posted: Posted[] = [];
  const asked: string[] = [];
  let scene: TestAccount | undefined;
  let clock = new FakeClock(START);

  const fail = (kind: "unsent" | "unavailable" | "rate_limited" | "rejected", more: object = {}) =>
    new RestError("failed", { kind, route: "POST /", ...more });
  function post(content: string, nonce: string, quote?: string): Posted {
    const memoryMs = forgets ? 0 : NONCE_MS;
    const known = posted.find((one) => one.nonce === nonce && clock.now() - one.at < memoryMs);
    if (known) return known;
    const id = String(BigInt(messageIdAt(clock.now())) + BigInt(posted.length + 1));
    const made = { id, content, nonce, at: clock.now(), ...(quote && { quote }) };
    posted.push(made);
    return made;
  }
  const shown = ({ id, content, quote }: Posted) => ({
    ...{ id, content, author: { id: SELF.userId }, attachments: [] },
    ...(quote !== undefined && { message_reference: { message_id: quote } }),
  });
  const api = (step: <T>(run: () => T) => Promise<Awaited<T>>): RestApi => ({
    request: (method, path, { body = {} } = {}) =>
      step(() => {
        const before = /messages\?.*before=(\d+)/.exec(path)?.[1];
        if (method === "GET" && path.includes("/messages?")) {
          const older = posted.filter(({ id }) => !before || BigInt(id) < BigInt(before));
          const question = messageData({ id: messageIdAt(START), content: "q0", author: ADA });
          return [...older.map(shown).reverse(), question];
        }
        if (method !== "POST" || !path.endsWith("/messages")) return {};
        const { content, nonce, message_reference: quote } = JSON.parse(
          typeof body === "string" ? body : jsonOf(body),
        );
        if (rejectsFirst && content.startsWith("q1a")) {
          throw fail("rejected", { status: 400, code: 50035 });
        }
        const fault = faults[asked.push(content) - 1];
        if (fault === "refused") throw fail("unsent");
        if (fault === "limited") throw fail("rate_limited", { retryAfterMs: 10_000 });
        const { id } = post(content, nonce, quote?.message_id);
        if (fault === undefined) return { id };
        clock.advance(fault === "lost" ? 10_000 : 400_000);
        throw fail("unavailable");
      }),
  });
  const questions = [1, 2, 3].map((number) => ({
    id: String(BigInt(messageIdAt(START)) + BigInt(number)),
    content: `q${number}`,
  }));
  const isOver = () =>
    lives.rows("SELECT 1 FROM inbox WHERE state IN ('waiting', 'running')").length === 0 &&
    lives.rows("SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')").length === 0 &&
    lives.rows("SELECT 1 FROM inbox").length === 3;

  let steps = 0;
  for (const [process, crash] of [...crashes, Infinity].entries()) {
    const { before, step, isDead } = await lives.next();
    scene = await testAccount({
      ...{ before, clock, api: api(step) },
      discord: {
        dm: { policy: "open", allowFrom: ["*"] },
        ...{ textChunkLimit: 100, retry: { jitter: 0 }, replyToMode: "first" },
      },
      beside: { messages: { queue: { mode: "followup" } } },
      says: (question) =>
        answerTo(/q\d/.exec(question.slice(question.lastIndexOf("q")))?.[0] ?? ""),
    });
    const begun = lives.steps();
    lives.diesIn(crash);
    wakeTurns(scene.account);
    queuesOf(scene.account).wake();
    // The third question comes once a process has died, or after the others.
    const known = process === 0 && crash !== Infinity ? questions.slice(0, 2) : questions;
    for (const { id, content } of known) await scene.dm(content, { id });
    for (let round = 0; round < 200 && !isDead(); round++) {
      await scene.pass(round < 20 ? 1_000 : 60_000, 10_000);
      if (isOver()) break;
    }
    steps = lives.steps() - begun;
    const next = new FakeClock(clock.now() + (outagesMs[process] ?? 1_000));
    clock = next;
  }
  return { parts: posted.map(({ content }) => content.slice(0, 3)), steps };
}

const OUTAGE = (at: number) => OUTAGES[at % OUTAGES.length] ?? 1_000;

describe("[D1] [D2] the crash table", () => {
  const check = async (schedule: Schedule) => {
    const { parts } = await play(schedule);
    assert.deepEqual(parts, EXPECTED, JSON.stringify(schedule));
  };

  it("loses, doubles and reorders no message in a crash at any step, with any outage", async () => {
    const { steps, parts } = await play({ crashes: [], outagesMs: [], faults: {} });
    assert.deepEqual(parts, EXPECTED);
    assert.ok(steps > 40, `${steps} steps`);
    for (let crash = 1; crash <= steps; crash++) {
      const outages = cases(1, 3) === 3 ? OUTAGES : [OUTAGE(crash)];
      for (const ms of outages) await check({ crashes: [crash], outagesMs: [ms], faults: {} });
    }
  });

  it("nor with a fault of any request, also before and after a crash", async () => {
    for (let request = 0; request < 8; request++) {
      for (const [at, fault] of FAULTS.entries()) {
        const faults = { [request]: fault };
        await check({ crashes: [], outagesMs: [], faults });
        await check({ crashes: [9 + request * 7 + at], outagesMs: [OUTAGE(at)], faults });
      }
    }
  });

  it("nor in random schedules of 2 to 5 crashes with faults", async () => {
    const { random, upTo } = seeded(20_261_130);
    for (let round = 0; round < cases(60, 5_000); round++) {
      const crashes = Array.from({ length: 2 + upTo(4) }, () => 1 + upTo(60));
      const faults = random() < 0.5 ? {} : { [upTo(9)]: FAULTS[upTo(4)] ?? "lost" };
      await check({ crashes, outagesMs: crashes.map(() => OUTAGE(upTo(3))), faults });
    }
  });

  it("[negative control] shows that a Discord that forgets nonces doubles messages", async () => {
    const faults = { 0: "lost" } as const;
    const { parts } = await play({ crashes: [], outagesMs: [], faults, forgets: true });
    assert.deepEqual(parts, ["q1a", ...EXPECTED]);
  });

  it("[D5] sets a message aside that Discord never takes, and delivers the rest in order", async () => {
    for (let crash = 1; crash < 60; crash += 4) {
      const schedule = { crashes: [crash], outagesMs: [OUTAGE(crash)], faults: {} };
      const { parts } = await play({ ...schedule, rejectsFirst: true });
      assert.deepEqual(parts.filter((part) => part.startsWith("q")), EXPECTED.slice(1));
    }
  });
});
