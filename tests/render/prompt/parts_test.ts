/** Tests that each word of an entry names its sources, whatever carries it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { partedText } from "../../../src/core/inbound/mentions.ts";
import type { Origin } from "../../../src/core/inbound/inbound.ts";
import type { FileResult, ReadAttachment } from "../../../src/core/turn/media.ts";
import { type Envelope, envelopeOf } from "../../../src/render/prompt/envelope.ts";
import { partsWithout } from "../../../src/store/sources/sources.ts";
import {
  guildMessage,
  messageId,
  overheard,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";

const PEOPLE = ["ada", "bob", "cy"] as const;
type Name = (typeof PEOPLE)[number];
const ID = {
  ada: userId("700000000000000001"),
  bob: userId("700000000000000002"),
  cy: userId("700000000000000003"),
};

let number = 0;
/** A word of one person alone, with its author's name. */
const word = (who: Name) => `${who}word${++number}end`;
const nextId = () => messageId(`14000000000000${String(10_000 + ++number)}`);

const who = fc.constantFrom(...PEOPLE);
const file = (of: Name, owner: ReadAttachment["owner"], kind: string): ReadAttachment => {
  const results: Readonly<Record<string, FileResult>> = {
    text: { kind: "text", text: word(of), what: "PDF, pages 1 to 2 of 2" },
    transcript: { kind: "transcript", text: word(of), durationSec: 4 },
    image: { kind: "image", image: { mediaType: "image/png", data: new Uint8Array() } },
  };
  const id = parseSnowflake<"attachment">("1") ?? assert.fail("no snowflake");
  const isVoice = kind === "transcript" || undefined;
  const attachment = { id, name: `${word(of)}.pdf`, url: "", size: 1, isVoice };
  return { attachment, owner, result: results[kind] ?? { kind: "unread", why: "too large" } };
};

const envelope = fc.record({
  asker: who,
  quoted: fc.option(fc.record({ by: who, forwards: fc.option(who) })),
  forwards: fc.option(who),
  heard: fc.array(fc.record({ by: who, forwards: fc.option(who) }), { maxLength: 3 }),
  asked: fc.array(who, { maxLength: 2 }),
  starter: fc.option(who),
  reactions: fc.array(fc.record({ by: who, to: who }), { maxLength: 2 }),
  files: fc.array(
    fc.tuple(
      fc.constantFrom("message" as const, "quoted message" as const),
      fc.constantFrom("text", "transcript", "image", "unread"),
    ),
    { maxLength: 3 },
  ),
  event: fc.option(fc.array(who, { minLength: 1, maxLength: 3 })),
  isTriggered: fc.boolean(),
}).map((given) => {
  /** Messages by their authors. */
  const messages = new Map<string, Name>();
  const by = (name: Name) => {
    const id = nextId();
    messages.set(id, name);
    return id;
  };
  const hear = (name: Name, forwards: Name | null = null) =>
    overheard({
      messageId: by(name),
      authorId: ID[name],
      tag: word(name),
      text: forwards ? word(forwards) : word(name),
      ...(forwards && { forwards: by(forwards) }),
    });
  const { asker, quoted, event } = given;
  const isForward = given.forwards !== null;
  const message = guildMessage({
    id: by(asker),
    sender: sender({ id: ID[asker], username: word(asker) }),
    displayName: word(asker),
    text: event ? event.map(word).join() : word(asker),
    extras: [{ kind: isForward ? "forward" : "embed", text: word(given.forwards ?? asker) }],
    ...(given.forwards && { forwards: by(given.forwards) }),
    ...(quoted && {
      quoted: {
        id: by(quoted.by),
        author: { id: ID[quoted.by], tag: word(quoted.by) },
        text: word(quoted.forwards ?? quoted.by),
        ...(quoted.forwards && { forwards: by(quoted.forwards) }),
      },
    }),
    origin: event
      ? { kind: "hook", hook: "h", count: 1, post: "", of: event.map((name) => ID[name]) }
      : given.isTriggered
      ? { kind: "passive", event: "pattern", messageId: by(asker) } as Origin
      : undefined,
  });
  const ofQuoted = quoted?.forwards ?? quoted?.by ?? asker;
  const fields: Envelope = {
    message,
    starter: given.starter ? hear(given.starter) : undefined,
    overheard: given.heard.map((one) => hear(one.by, one.forwards)),
    asked: given.asked.map((name) => hear(name)),
    overheardChars: 100_000,
    reactions: given.reactions.map(({ by: reacting, to }) => ({
      change: "added" as const,
      messageId: by(to),
      userId: ID[reacting],
      tag: word(reacting),
      emoji: "👍",
      message: { by: "other" as const, authorId: ID[to], text: word(to) },
      at: 0,
    })),
    timezone: "UTC",
    attachments: given.files.map(([owner, kind]) =>
      file(owner === "message" || !quoted ? given.forwards ?? asker : ofQuoted, owner, kind)
    ),
    attachmentChars: 100_000,
  };
  return { parts: envelopeOf(fields), messages };
});

const shown = (parts: Parameters<typeof partedText>[0]) => partedText(parts, "boundary1").text;
const wordsOf = (name: Name, text: string) =>
  text.match(new RegExp(`${name}word\\d+end`, "g")) ?? [];

describe("[H6a] [X5] parts of envelopeOf()", () => {
  it("name the sources of every word: none of a person's stays, and no other word goes with them", () =>
    fc.assert(
      fc.property(envelope, who, ({ parts, messages }, gone) => {
        const theirs = [...messages].flatMap(([id, by]) => by === gone ? [id] : []);
        const removal = { ids: new Set<unknown>([ID[gone], ...theirs]), note: "[gone]" };
        const left = shown(partsWithout(removal, parts, "1"));
        assert.deepEqual(wordsOf(gone, left), []);
        for (const { text, of = [] } of parts) {
          const isTheirs = of.some((id) => removal.ids.has(id));
          if (!isTheirs) assert.ok(left.includes(text), text);
          if (of.length === 0) assert.doesNotMatch(text, /word\d/);
        }
      }),
      { numRuns: cases(300, 5_000) },
    ));

  it("of a deleted message go by its id alone", () =>
    fc.assert(
      fc.property(envelope, ({ parts, messages }) => {
        for (const id of messages.keys()) {
          const named = parts.filter(({ of }) => of?.includes(id));
          const left = shown(partsWithout({ ids: new Set([id]), note: "[gone]" }, parts, "1"));
          for (const { text } of named) assert.ok(!left.includes(text), text);
        }
      }),
      { numRuns: cases(100, 2_000) },
    ));
});

describe("partedText() and partsWithout()", () => {
  it("has the same text for the same parts, each in its fence", () =>
    fc.assert(
      fc.property(envelope, ({ parts }) => {
        const { text } = partedText(parts, "boundary1");
        assert.equal(partedText(JSON.parse(JSON.stringify(parts)), "boundary1").text, text);
        const opened = text.match(/^<\w+ boundary="boundary1">$/gm) ?? [];
        assert.equal((text.match(/^<\/\w+>$/gm) ?? []).length, opened.length);
      }),
      { numRuns: cases(50, 500) },
    ));

  it("has one line in the place of neighbours that go, and the same list if none does", () => {
    const parts = [
      { text: "a", fence: "context", of: ["1"] },
      { text: "b", fence: "context", of: ["1"] },
      { text: "c", fence: "context", of: ["2"] },
    ] as const;
    const left = partsWithout({ ids: new Set(["1"]), note: "[gone]" }, parts, "9");
    assert.equal(shown(left), '<context boundary="boundary1">\n[gone]\nc\n</context>');
    assert.equal(partsWithout({ ids: new Set(["3"]), note: "[gone]" }, parts, "9"), parts);
  });
});
