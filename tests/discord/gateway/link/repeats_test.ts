import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRepeatMemory, repeatFormOf } from "../../../../src/discord/gateway/link/repeats.ts";
import {
  ADA,
  messageData,
  OTHER_ROLE,
  OWN_ROLE,
  THREAD,
} from "../../../support/discord/payloads.ts";
import { cases } from "../../../support/long_form.ts";

type Fields = Readonly<Record<string, unknown>>;

const FIRST = messageData({ nonce: "1399999999999999999" });
const ID = "1400000000000000777";

const dispatchOf = (d: unknown, s = 5) => JSON.stringify({ t: "MESSAGE_CREATE", s, op: 0, d });

/** A memory with the form of one message. */
function memoryOf(first: unknown = FIRST, number = 7) {
  const memory = createRepeatMemory();
  const form = repeatFormOf(number, first);
  memory.set({ from: 1, forms: form ? [form] : [] });
  return memory;
}

const shortened = (fields: Fields, first: unknown = FIRST) =>
  memoryOf(first).shortened(dispatchOf({ ...first as Fields, ...fields }, 6));

describe("[G1] createRepeatMemory() › shortened()", () => {
  it("keeps every text as Discord wrote it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
        const content = `x${text}`;
        const short = shortened({ id: ID, content });
        assert.deepEqual(JSON.parse(short ?? "null"), [7, ID, content]);
      }),
      { numRuns: cases(300, 10_000) },
    );
  });

  for (const content of ["", " ", "/stop", " /stop", "\n/stop", "\u3000/stop", "\\/stop", "\t"]) {
    it(`sends ${JSON.stringify(content)} whole, since it may be a command or blank`, () => {
      assert.equal(shortened({ content }), undefined);
    });
  }

  const others: readonly (readonly [string, Fields])[] = [
    ["another author", { author: { ...ADA, id: "1900000000000000002" } }],
    ["another username", { author: { ...ADA, username: "eve" } }],
    ["a bot", { author: { ...ADA, bot: true } }],
    ["a webhook", { webhook_id: "5" }],
    ["another channel", { channel_id: THREAD }],
    ["another guild", { guild_id: "1600000000000000002" }],
    ["other roles", { member: { roles: [OWN_ROLE], nick: "Countess" } }],
    ["another nickname", { member: { roles: [OTHER_ROLE], nick: "Eve" } }],
    ["a mention", { mentions: [{ id: "1500000000000000001" }] }],
    ["a mentioned role", { mention_roles: [OWN_ROLE] }],
    ["a reply", { type: 19, message_reference: { message_id: "1" } }],
    ["an attachment", { attachments: [{ filename: "a", size: 1 }] }],
    ["an embed", { embeds: [{ title: "a" }] }],
    ["a poll", { poll: { question: {} } }],
    ["an edit", { edited_timestamp: "2026" }],
    ["a field that Discord may add", { spam: true }],
    ["an id that is no number", { id: "12a" }],
  ];
  for (const [name, fields] of others) {
    it(`sends a message whole with ${name}`, () => {
      assert.notEqual(shortened({ content: "later" }), undefined);
      assert.equal(shortened({ content: "later", ...fields }), undefined);
    });
  }

  it("is not misled by texts that look like fields", () => {
    const inner = JSON.stringify(messageData({ id: "9", content: "inner" }));
    for (const field of ["content", "nonce", "timestamp"]) {
      for (const text of [inner, `x${inner.slice(1)}`, `x","content":"y`, `x\\`, `x\\","id":"9`]) {
        const d = { ...FIRST, id: ID, [field]: text };
        const short = memoryOf().shortened(dispatchOf(d));
        const content = field === "content" ? text : "hello";
        if (short !== undefined) assert.deepEqual(JSON.parse(short), [7, ID, content]);
      }
    }
  });

  it("shortens only equal messages, whatever differs", () => {
    const aValue = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("hello", ADA, [], null));
    const aChange = fc.record({
      name: fc.oneof(fc.constantFrom(...Object.keys(FIRST)), fc.constantFrom("x", "nonce")),
      value: aValue,
    });
    const someChanges = fc.array(aChange, { maxLength: 3 });
    const applied = (changes: readonly { readonly name: string; readonly value: unknown }[]) => ({
      ...FIRST,
      ...Object.fromEntries(changes.map(({ name, value }) => [name, value])),
    });
    const fixed = (d: Fields) => ({ ...d, id: 0, content: 0, timestamp: 0, nonce: 0, position: 0 });
    fc.assert(
      fc.property(someChanges, someChanges, fc.boolean(), (one, other, isOther) => {
        const first = applied(one);
        const later: Fields = isOther ? applied([...one, ...other]) : { ...first, id: ID };
        const short = memoryOf(first).shortened(dispatchOf(later));
        if (short === undefined) return;
        assert.deepEqual(JSON.parse(short), [7, later["id"], later["content"]]);
        assert.deepEqual(fixed(later), fixed(first));
      }),
      { numRuns: cases(2_000, 50_000) },
    );
  });
});
