import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Overheard } from "../../../src/core/inbound/transcript.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createFillUp, FILLED_MAX, PATIENCE_MS } from "../../../src/flows/turn/fill_up.ts";
import { channelId, directMessage, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const VERDICTS: Readonly<Record<string, Verdict>> = {
  chatter: { kind: "ignore", why: "no-mention", rule: "r", keepAsContext: true },
  question: { kind: "accept", why: "mentioned", rule: "r" },
  stranger: { kind: "ignore", why: "sender-not-listed", rule: "r", keepAsContext: false },
  unknown: { kind: "challenge", why: "pairing", rule: "r" },
  webhook: { kind: "undecided", why: "pluralkit", rule: "r" },
};

const said = (id: string, text: string): InboundMessage =>
  directMessage({ id: messageId(id), text });

function setUp(history: () => Promise<readonly InboundMessage[]>) {
  let asked = 0;
  const ended = new AbortController();
  const stored: Overheard[] = [];
  const { log, lines } = recordingLog();
  const clock = new FakeClock();
  const { fillUp, bytes } = createFillUp({
    history: () => {
      asked++;
      return history();
    },
    admit: ({ text }) => VERDICTS[text]!,
    store: {
      addOverheard: (_channel, messages) => {
        stored.push(...messages);
        return Promise.resolve();
      },
    },
    schedule: clock.schedule,
    ended: ended.signal,
    log,
  });
  return { fillUp, ended, bytes, stored, lines, clock, asked: () => asked };
}

describe("[H1] createFillUp()", () => {
  it("logs no failure once the account has ended", async () => {
    const { fillUp, ended, lines } = setUp(() => {
      ended.abort();
      return Promise.reject(new Error("401"));
    });
    await fillUp(directMessage(), 20);
    assert.deepEqual(lines, []);
  });

  it("reads a channel once for any number of messages", async () => {
    const { fillUp, asked } = setUp(() => Promise.resolve([]));
    await Promise.all([fillUp(directMessage(), 20), fillUp(directMessage(), 20)]);
    await fillUp(directMessage(), 20);
    assert.equal(asked(), 1);
  });

  it("reads a channel again once it has been forgotten", async () => {
    const { fillUp, bytes, asked } = setUp(() => Promise.resolve([]));
    const inChannel = (number: number) => directMessage({ channelId: channelId(`${number}`) });
    for (let number = 1; number <= FILLED_MAX + 1; number++) await fillUp(inChannel(number), 20);
    await fillUp(inChannel(2), 20);
    assert.equal(asked(), FILLED_MAX + 1);
    await fillUp(inChannel(1), 20);
    assert.equal(asked(), FILLED_MAX + 2);
    assert.equal(bytes(), FILLED_MAX * 80);
  });

  it("[P10] stores no message by a sender that the policy refuses", async () => {
    const { fillUp, stored } = setUp(() =>
      Promise.resolve([
        said("5", "webhook"),
        said("4", "unknown"),
        said("3", "chatter"),
        said("2", "stranger"),
        said("1", "question"),
      ])
    );
    await fillUp(directMessage(), 20);
    assert.deepEqual(stored.map(({ text }) => text), ["chatter", "question"]);
  });

  it("sends no request if the limit is 0", async () => {
    const { fillUp, asked } = setUp(() => Promise.resolve([]));
    await fillUp(directMessage(), 0);
    assert.equal(asked(), 0);
  });

  it("delays no turn for a missing history, and stores a late one", async () => {
    const late = Promise.withResolvers<readonly InboundMessage[]>();
    const { fillUp, stored, clock } = setUp(() => late.promise);
    const filled = fillUp(directMessage(), 20);
    clock.advance(PATIENCE_MS);
    await filled;
    assert.equal(stored.length, 0);
    late.resolve([said("1", "chatter")]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stored.length, 1);
    assert.equal(clock.pending, 0);
  });

  it("continues without the history if Discord refuses, and logs it", async () => {
    const { fillUp, lines } = setUp(() => Promise.reject(new Error("Missing Access")));
    await fillUp(directMessage(), 20);
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
  });
});
