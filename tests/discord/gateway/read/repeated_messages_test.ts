import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { InboundEvent } from "../../../../src/core/inbound/events.ts";
import { wholeMessage } from "../../../../src/core/inbound/inbound.ts";
import { createReader } from "../../../../src/discord/gateway/read/reader.ts";
import { createRepeatMemory } from "../../../../src/discord/gateway/link/repeats.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import { guildData, messageData, SELF } from "../../../support/discord/payloads.ts";
import { cases } from "../../../support/long_form.ts";
import { sameData } from "../../../support/same_data.ts";

const CREATE = { t: "GUILD_CREATE", s: 1, op: 0, d: guildData() };
const said = (fields: object = {}) => ({
  t: "MESSAGE_CREATE",
  s: 2,
  op: 0,
  d: messageData({ ...fields }),
});

/** A reader, and the memory of a gateway thread that shortens for it. */
function open() {
  const reader = createReader({ accountId: ACCOUNT, guilds: [], self: SELF }, ({ why }) => {
    throw new Error(why);
  });
  let memory = createRepeatMemory();
  let ticket = 0;
  const texts: string[] = [];
  const bare = { shardId: 0, arrivedAt: 9, epoch: 1, seq: 1 };

  /** Reads one batch as the thread would send it. */
  function read(...dispatches: readonly object[]): readonly InboundEvent[] {
    const items = dispatches.map((dispatch) => {
      const text = JSON.stringify(dispatch);
      return memory.shortened(text) ?? text;
    });
    texts.push(...items);
    const from = memory.from || undefined;
    const number = ++ticket;
    const text = `[${items.join(",")}]`;
    return reader.read({ ...bare, ticket: number, number, text, repeatsFrom: from }).events;
  }

  /** Reads a batch whose messages are ignored, and tells the thread. */
  function ignore(...dispatches: readonly object[]): readonly InboundEvent[] {
    const events = read(...dispatches);
    for (const event of events) if (event.kind === "message") reader.repeats.judged(event, true);
    tell();
    return events;
  }

  function tell(): void {
    const change = reader.repeats.take();
    if (change) memory.set(change);
  }

  return {
    reader,
    read,
    ignore,
    tell,
    /** How many of the last items were short. */
    short: (count: number) => texts.slice(-count).filter((text) => text.startsWith("[")).length,
    /** The worker dies, and another one starts. */
    replaceThread: () => void (memory = createRepeatMemory()),
  };
}

describe("[G1] createRepeatedMessages()", () => {
  it("reads a short message as the whole one, in every guild state", () => {
    const aText = fc.string({ unit: "grapheme", maxLength: 5_000 }).map((text) => `x${text}`);
    fc.assert(
      fc.property(aText, fc.nat(1_000), fc.nat(2), (content, offset, renames) => {
        const one = open();
        const other = open();
        one.ignore(CREATE, said(), said());
        one.read(said());
        other.read(CREATE);
        for (let at = 0; at < renames; at++) {
          const renamed = { ...CREATE, t: "GUILD_UPDATE", d: { ...guildData(), name: `G${at}` } };
          one.read(renamed);
          other.read(renamed);
        }
        const later = said({ content, id: String(1_400_000_000_000_000_001n + BigInt(offset)) });
        const [repeated] = one.read(later);
        assert.equal(one.short(1), 1);
        assert.ok(repeated?.kind === "messages_repeated");
        sameData(repeated.messages.map(wholeMessage), other.read(later));
      }),
      { numRuns: cases(50, 2_000) },
    );
  });

  it("keeps the order of short messages and other events", () => {
    const { ignore, read } = open();
    ignore(CREATE, said(), said());
    const mention = said({ id: "1400000000000000009", mentions: [{ id: SELF.userId }] });
    const kinds = read(said(), said(), mention, said()).map((event) =>
      event.kind === "messages_repeated" ? event.messages.length : event.kind
    );
    assert.deepEqual(kinds, [2, "message", 1]);
  });

  it("has the forms that an old batch refers to, until the thread has forgotten them", () => {
    const { reader } = open();
    const learn = () => {
      const read = reader.read({ ...bare, number: 1, text: JSON.stringify([said(), said()]) });
      for (const event of read.events) {
        if (event.kind === "message") reader.repeats.judged(event, true);
      }
      return reader.repeats.take()?.forms[0]?.number ?? 0;
    };
    const bare = { shardId: 0, arrivedAt: 9, epoch: 1, seq: 1, ticket: 1 };
    const short = (number: number) => `[[${number},"1400000000000000005","x"]]`;
    const number = learn();
    const event = reader.read({ ...bare, number: 2, text: short(number) }).events[0];
    assert.ok(event?.kind === "messages_repeated" && event.messages[0]);
    reader.repeats.judged(wholeMessage(event.messages[0]), false);
    const from = reader.repeats.take()?.from ?? 0;
    assert.ok(from > number);
    assert.equal(reader.read({ ...bare, number: 3, text: short(number) }).events.length, 1);
    assert.throws(
      () => reader.read({ ...bare, number: 4, text: short(number), repeatsFrom: from }),
      /unknown/,
    );
  });
});
