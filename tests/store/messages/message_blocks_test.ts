import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { type Overheard, toOverheard } from "../../../src/core/inbound/inbound.ts";
import { DEFAULT_RETENTION } from "../../../src/store/store.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ignored, openTestStore, ROUTE } from "../../support/store/store.ts";
import { cases } from "../../support/long_form.ts";
import { sameData } from "../../support/same_data.ts";
import type { Store } from "../../../src/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const ACCOUNTS = [ACCOUNT, toAccountId("second")] as const;
const CHANNELS = [channelId("11"), channelId("12")] as const;

/** Four neighbours share a millisecond; the first ones have one digit. */
const idOf = (number: number) => messageId(String(((BigInt(number) / 4n) << 22n) + BigInt(number)));

/** Messages of one channel that arrive together. */
interface Step {
  readonly kind: "live" | "history";
  readonly account: 0 | 1;
  readonly channel: 0 | 1;
  readonly numbers: readonly number[];
}

const number = fc.integer({ min: 1, max: 120 });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("live", "history"),
    account: fc.constantFrom(0, 1),
    channel: fc.constantFrom(0, 1),
    numbers: fc.array(number, { maxLength: 100 }),
  }),
  { maxLength: 8 },
);

/** Ids are unique across channels, and none is odd. */
const numberIn = (channel: 0 | 1, number: number) => number * 4 + channel * 2;

/** Overheard messages as a plain list, which keeps the first message of each id. */
function createPlainContext() {
  const heard = new Map<string, Overheard>();
  return {
    add({ account, channel }: Step, number: number, overheard: Overheard) {
      const key = `${account} ${channel} ${number}`;
      if (!heard.has(key)) heard.set(key, overheard);
    },
    newest(account: number, channel: number, after: number, before: number, limit: number) {
      const found: Overheard[] = [];
      for (let number = before - 1; number > after && found.length < limit; number--) {
        const one = heard.get(`${account} ${channel} ${number}`);
        if (one) found.unshift(one);
      }
      return found;
    },
  };
}

async function take(store: Store, steps: readonly Step[]) {
  const plain = createPlainContext();
  let told = 0;
  for (const step of steps) {
    const accountId = ACCOUNTS[step.account];
    const channelId = CHANNELS[step.channel];
    const messages = step.numbers.map((number) => {
      const id = idOf(numberIn(step.channel, number));
      return guildMessage({ accountId, channelId, id, text: `told as number ${told++}` });
    });
    for (const [index, message] of messages.entries()) {
      plain.add(step, numberIn(step.channel, step.numbers[index]!), toOverheard(message));
    }
    if (step.kind === "live") {
      const judged = messages.map((message) => ignored(message));
      await store.inbox.acceptBatch(batch({ accountId, judged }), NOW);
    } else {
      await store.turns.addOverheard(accountId, channelId, messages.map(toOverheard), NOW);
    }
  }
  return plain;
}

/** Ends a turn in the first channel, so that the session has a message of it. */
async function answer(store: Store, number: number) {
  const message = guildMessage({ id: idOf(number), channelId: CHANNELS[0] });
  await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
  const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
  const entry = { role: "user", text: "?", messageId: message.id, at: NOW } as const;
  await store.turns.finishTurn(
    { claim, end: { kind: "answered" }, entries: [entry], outbox: [] },
    NOW,
  );
}

const KEYS = ([0, 1] as const).flatMap((account) =>
  ([0, 1] as const).map((channel) => ({ account, channel }))
);

describe("prepareOverheard()", () => {
  it("[H1] [G7] returns the same messages as a plain list", async () => {
    const property = fc.asyncProperty(
      steps,
      fc.option(number),
      number,
      fc.nat({ max: 130 }),
      async (steps, seenNumber, beforeNumber, limit) => {
        const { store } = openTestStore();
        const plain = await take(store, steps);
        const seen = seenNumber === null ? 0 : numberIn(0, seenNumber) + 1;
        const before = numberIn(1, beforeNumber) + 1;
        if (seen > 0) await answer(store, seen);
        for (const { account, channel } of KEYS) {
          const key = { accountId: ACCOUNTS[account], channelId: CHANNELS[channel] };
          const heard = await store.turns.overheard(key, ROUTE.sessionKey, idOf(before), limit);
          const after = channel === 0 ? seen : 0;
          sameData(heard, plain.newest(account, channel, after, before, limit));
        }
      },
    );
    await fc.assert(property, { numRuns: cases(50, 5_000) });
  });

  it("[X6] keeps the newest messages of a channel, in any order of arrival", async () => {
    const contextPerChannel = 10;
    const property = fc.asyncProperty(steps, async (steps) => {
      const { store, rows } = openTestStore({
        retention: { ...DEFAULT_RETENTION, contextPerChannel },
      });
      const plain = await take(store, steps);
      for (const { account, channel } of KEYS) {
        const key = { accountId: ACCOUNTS[account], channelId: CHANNELS[channel] };
        const before = 1_000;
        const heard = await store.turns.overheard(key, "s", idOf(before), contextPerChannel);
        sameData(heard, plain.newest(account, channel, 0, before, contextPerChannel));
      }
      const counts = rows("SELECT COUNT(*) AS kept FROM message GROUP BY account_id, channel_id");
      for (const { kept } of counts) assert.ok(Number(kept) <= contextPerChannel);
    });
    await fc.assert(property, { numRuns: cases(40, 3_000) });
  });
});
