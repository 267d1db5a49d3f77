/**
 * Checks the law of the agent's memory: after any sequence of messages, turns, notes, summaries, edits
 * and deletions, no transcript, note, summary or context has words that their sender has removed.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { EditRules } from "../../../src/core/inbound/inbox.ts";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import { envelopeOf } from "../../../src/render/prompt/envelope.ts";
import { cases } from "../../support/long_form.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  outboundMessage,
} from "../../support/discord/builders.ts";
import {
  accepted,
  batch,
  frozen,
  ignored,
  openTestStore,
  part,
} from "../../support/store/store.ts";

const CHANNEL = channelId("1400000000000000011");
const ROUTE = { agentId: "main", sessionKey: `agent:main:discord:channel:${CHANNEL}` };
const NOW = Date.UTC(2026, 0, 1);

const EDITS: EditRules = {
  of: () => ({ deletedQuestions: "delete" }),
  isCommand: () => false,
  escape: (text) => text,
};

type Event =
  | { readonly kind: "overhear" | "note" | "fold" }
  /** A question that quotes a message; it is asked, and may still run when the next events come. */
  | { readonly kind: "ask"; readonly quotes: number; readonly isSlow: boolean }
  | { readonly kind: "edit" | "delete"; readonly which: number };

const events = fc.array(
  fc.oneof(
    fc.constant<Event>({ kind: "overhear" }),
    fc.constant<Event>({ kind: "note" }),
    fc.constant<Event>({ kind: "fold" }),
    fc.record({ kind: fc.constant("ask" as const), quotes: fc.nat(20), isSlow: fc.boolean() }),
    fc.record({ kind: fc.constantFrom("edit" as const, "delete" as const), which: fc.nat(20) }),
  ),
  { maxLength: 30 },
);

/**
 * A store with the words of its messages.
 *
 * @param open Opens the store.
 * @param repeats Whether the model repeats all that it reads in each of its texts, in another form.
 */
function build(open = openClosable, repeats = false) {
  const { store, rows, close } = open();
  /** Current words of each message; `undefined`: deleted. */
  const words = new Map<MessageId, string | undefined>();
  const removed: string[] = [];
  let count = 0;
  const idAt = (index: number) => [...words.keys()][index % Math.max(1, words.size)];
  const messageOf = (id: MessageId, text: string, revision = 0) =>
    guildMessage({ id, channelId: CHANNEL, text, revision });

  function newMessage(quotes?: MessageId) {
    const id = messageId(`14000000000000${String(10_000 + count)}`);
    const text = `word${count++}x`;
    words.set(id, text);
    const quoted = quotes && words.get(quotes);
    const message = messageOf(id, text);
    return quotes && quoted ? { ...message, quoted: { id: quotes, text: quoted } } : message;
  }

  /** Runs the turn of the next message; its end comes when the result is called. */
  async function begin() {
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, [], () => true);
    if (!claim) return undefined;
    const { message } = claim;
    const all = [message, ...claim.also ?? []];
    const overheard = await store.turns.overheard(message, ROUTE.sessionKey, message.id, 10);
    const entries = all.map((one, index) => ({
      role: "user" as const,
      text: envelopeOf({
        message: one,
        overheard: index === 0 ? overheard : [],
        overheardChars: 2_000,
        timezone: "UTC",
        boundary: "boundary1",
      }),
      messageId: one.id,
      at: NOW,
    }));
    const last = all.at(-1)?.id ?? message.id;
    const call = { id: "c1", name: "look", arguments: JSON.stringify({ of: message.text }) };
    const result = all.map(({ text }) => `saw ${text}`).join(" ");
    const stamp = { messageId: last, at: NOW };
    const history = repeats ? await store.turns.entriesOf(ROUTE.sessionKey, 1_000) : [];
    const seen = translated([...history, ...entries].map(({ text }) => text).join(" "));
    const said = repeats ? `It means ${seen}` : "an answer";
    if (repeats) {
      const asked = { ...call, arguments: JSON.stringify({ seen }) };
      const at = NOW;
      await store.turns.addSteps(claim, [
        { kind: "answer", text: said, calls: [asked], carried: seen, at },
        { kind: "result", callId: "c1", end: "done", text: said, at },
        { kind: "told", number: 1, end: "done", text: said, at },
      ], false);
    }
    const thought = entries.map(({ text }) => text).join(" ");
    return async () => {
      await store.turns.finishTurn({
        claim,
        end: { kind: "answered" },
        entries: [
          ...entries,
          { role: "assistant", text: "", calls: [call], carried: thought, ...stamp },
          { role: "tool", text: result, call, ...stamp },
          { role: "assistant", text: said, carried: thought, ...stamp },
        ],
        outbox: repeats
          ? [
            frozen(
              outboundMessage({ content: said, nonce: last, channelId: CHANNEL, of: part(last) }),
            ),
          ]
          : [],
      }, NOW);
    };
  }

  return {
    store,
    rows,
    close,
    removed,
    async play(event: Event, running: (() => Promise<void>)[]): Promise<void> {
      switch (event.kind) {
        case "overhear":
          await store.inbox.acceptBatch(batch({ judged: [ignored(newMessage())] }), NOW);
          return;
        case "ask": {
          const asked = newMessage(idAt(event.quotes));
          await store.inbox.acceptBatch(batch({ judged: [accepted(asked, ROUTE)] }), NOW);
          const finish = await begin();
          if (finish && event.isSlow) running.push(finish);
          else await finish?.();
          return;
        }
        case "note": {
          const id = [...words.keys()].findLast((one) => words.get(one) !== undefined);
          if (id === undefined) return;
          const text = `they said ${words.get(id)}`;
          const { id: authorId } = guildMessage().sender;
          const place = { scope: "channel", scopeKey: "channel:1", space: "guild:1" } as const;
          const note = { agentId: "main", ...place, authorId, text, sources: [id] };
          await store.notes.save({ ...note, callKey: `${id}:${count++}` }, NOW);
          return;
        }
        case "fold": {
          const { sessionKey } = ROUTE;
          const { older, entries, changes } = await store.sessions.openEntries(sessionKey, 1_000);
          const last = entries.at(-1);
          if (!last) return;
          const before = await store.sessions.checkpointOf(sessionKey);
          const text = [before?.summary?.text, ...entries.map(({ text }) => text)].join(" ");
          const range = { count: older + entries.length, last, changes };
          const summary = { boundary: "b", text };
          await store.sessions.fold({ ...ROUTE, cause: "full", ...range, summary }, NOW);
          return;
        }
        case "edit":
        case "delete": {
          const id = idAt(event.which);
          const old = id && words.get(id);
          if (!id || old === undefined) return;
          removed.push(old);
          const text = event.kind === "edit" ? `word${count++}x` : undefined;
          words.set(id, text);
          const verdict = { kind: "accept", why: "mentioned", rule: "r" } as const;
          const change = text === undefined
            ? { kind: "deleted", channelId: CHANNEL, messageIds: [id] } as const
            : { kind: "edited", message: messageOf(id, text, 10 + count), verdict } as const;
          await store.inbox.acceptBatch(batch({ changes: [change], edits: EDITS }), NOW);
        }
      }
    },
    begin,
  };
}

/** The words in capitals: a search for the words themselves does not find them. */
const translated = (text: string) => [...text.matchAll(/word\d+x/gi)].join(" ").toUpperCase();

function openClosable() {
  const { store, rows } = openTestStore();
  return { store, rows, close: () => store.close() };
}

describe("[H6a] the agent's memory", () => {
  it("has no words that their sender has removed, whatever happened before", () =>
    fc.assert(
      fc.asyncProperty(events, async (all) => {
        const { play, rows, removed, begin, close } = build();
        const running: (() => Promise<void>)[] = [];
        for (const event of all) await play(event, running);
        for (const finish of running) await finish();
        for (let turn = await begin(); turn; turn = await begin()) await turn();
        const memory = [
          ...rows("SELECT text, calls, carried FROM entry"),
          ...rows("SELECT text FROM note"),
          ...rows("SELECT summary FROM checkpoint"),
          ...rows("SELECT text FROM message"),
        ].map((row) => JSON.stringify(row));
        for (const word of removed) {
          assert.ok(!memory.some((text) => text.includes(word)), `${word} in ${memory.join("\n")}`);
        }
        close();
      }),
      { numRuns: cases(150) },
    ));

  it("has none that a model has repeated in another form, in any turn that has read them", () =>
    fc.assert(
      fc.asyncProperty(events, async (all) => {
        const { play, store, rows, removed, close } = build(openClosable, true);
        for (const event of all) {
          if (event.kind === "edit" || event.kind === "note" || event.kind === "fold") continue;
          await play(event.kind === "ask" ? { ...event, isSlow: false } : event, []);
          store.catchUp();
          rows("UPDATE outbox SET state = 'sent' RETURNING id");
        }
        const kept = ["entry", "step", "outbox", "inbox", "message", "checkpoint"].flatMap((
          table,
        ) => rows(`SELECT * FROM ${table}`).map((row) => `${table} ${JSON.stringify(row)}`));
        for (const word of removed) {
          const found = kept.filter((text) => new RegExp(`${word}`, "i").test(text));
          assert.deepEqual(found, [], word);
        }
        close();
      }),
      { numRuns: cases(60) },
    ));
});
