import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Entry, Overheard } from "../../../src/core/inbound/transcript.ts";
import { createThreadStarter, STARTER_PATIENCE_MS } from "../../../src/flows/session/backfill.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  messageId,
  overheard,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const THREAD = channelId("1400000000000000012");
const inThread: InboundMessage = guildMessage({
  place: guildPlace({ thread: { id: THREAD, name: "How?" } }),
});
const ENTRY: Entry = { role: "user", text: "hi", messageId: messageId("1"), at: 1 };

function setUp(
  read: () => Promise<Overheard | undefined> = () => Promise.resolve(overheard()),
  entries: readonly Entry[] = [],
) {
  let reads = 0;
  const clock = new FakeClock();
  const ended = new AbortController();
  const { log, lines } = recordingLog();
  const find = createThreadStarter({
    read() {
      reads += 1;
      return read();
    },
    entriesOf: () => Promise.resolve(entries),
    schedule: clock.schedule,
    ended: ended.signal,
    log,
  });
  return { find, clock, ended, lines, reads: () => reads };
}

describe("[H6] createThreadStarter()", () => {
  it("finds the starter for the first turn of a thread", async () => {
    const { find } = setUp();
    assert.deepEqual(await find(inThread, "s"), overheard());
  });

  const none: readonly [name: string, message: InboundMessage, entries: readonly Entry[]][] = [
    ["in a later turn", inThread, [ENTRY]],
    ["in a channel", guildMessage(), []],
    ["in direct messages", directMessage(), []],
    ["if the message is the starter itself", { ...inThread, id: messageId(THREAD) }, []],
  ];
  for (const [name, message, entries] of none) {
    it(`reads none ${name}`, async () => {
      const { find, reads } = setUp(undefined, entries);
      assert.equal(await find(message, "s"), undefined);
      assert.equal(reads(), 0);
    });
  }

  it("goes on without it if Discord fails, and says so unless the account ends", async () => {
    const { find, ended, lines } = setUp(() => Promise.reject(new Error("503")));
    assert.equal(await find(inThread, "s"), undefined);
    assert.equal(lines.length, 1);
    ended.abort();
    assert.equal(await find(inThread, "s"), undefined);
    assert.equal(lines.length, 1);
  });

  it("does not wait for a slow Discord", async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { find, clock } = setUp(() => {
      begin();
      return new Promise(() => {});
    });
    const found = find(inThread, "s");
    await begun;
    clock.advance(STARTER_PATIENCE_MS);
    assert.equal(await found, undefined);
  });
});
