import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Overheard } from "../../../src/core/inbound/transcript.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { createBackfill, PATIENCE_MS } from "../../../src/flows/session/backfill.ts";
import { directMessage, messageId } from "../../support/discord/builders.ts";
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
  const { backfill } = createBackfill({
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
  return { backfill, ended, stored, lines, clock, asked: () => asked };
}

describe("[H1] createBackfill()", () => {
  it("reads a channel once for any number of messages", async () => {
    const { backfill, asked } = setUp(() => Promise.resolve([]));
    await Promise.all([backfill(directMessage(), 20), backfill(directMessage(), 20)]);
    await backfill(directMessage(), 20);
    assert.equal(asked(), 1);
  });

  it("[P10] stores no message by a sender that the policy refuses", async () => {
    const { backfill, stored } = setUp(() =>
      Promise.resolve([
        said("5", "webhook"),
        said("4", "unknown"),
        said("3", "chatter"),
        said("2", "stranger"),
        said("1", "question"),
      ])
    );
    await backfill(directMessage(), 20);
    assert.deepEqual(stored.map(({ text }) => text), ["chatter", "question"]);
  });

  it("delays no turn for a missing history, and stores a late one", async () => {
    const late = Promise.withResolvers<readonly InboundMessage[]>();
    const { backfill, stored, clock } = setUp(() => late.promise);
    const filled = backfill(directMessage(), 20);
    clock.advance(PATIENCE_MS);
    await filled;
    assert.equal(stored.length, 0);
    late.resolve([said("1", "chatter")]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stored.length, 1);
    assert.equal(clock.pending, 0);
  });
});
