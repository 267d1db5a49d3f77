/**
 * Checks the law of the agent's memory: after any sequence of messages, turns, notes, summaries, edits,
 * deletions and forgotten people, no stored text has words that their sender has removed.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { EditRules } from "../../../src/core/inbound/inbox.ts";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import type { Question } from "../../../src/core/people/question.ts";
import { envelopeOf } from "../../../src/render/prompt/envelope.ts";
import { cases } from "../../support/long_form.ts";
import { openStore } from "../../support/store/open_database.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  outboundMessage,
  sender,
  userId,
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
const ELSEWHERE = channelId("1400000000000000012");
const ROUTE_ELSEWHERE = {
  agentId: "main",
  sessionKey: `agent:main:discord:channel:${ELSEWHERE}`,
};
const ROUTE = { agentId: "main", sessionKey: `agent:main:discord:channel:${CHANNEL}` };
const NOW = Date.UTC(2026, 0, 1);

const EDITS: EditRules = {
  of: () => ({ deletedQuestions: "delete" }),
  isCommand: () => false,
  escape: (text) => text,
};

/** A person who may be forgotten; the other messages are by the sender of {@link guildMessage}. */
const ADA = userId("712345678901234567");

type Asking = Extract<Event, { kind: "ask" }>;
type Event =
  | { readonly kind: "overhear" | "note" | "fold" | "send" | "forget"; readonly isAda?: boolean }
  /** A question that quotes a message; it is asked, and may still run when the next events come. */
  | {
    readonly kind: "ask";
    readonly quotes: number;
    readonly isSlow: boolean;
    readonly isAda?: boolean;
    /** Asked in another channel, where a tool reads a message and names it in this way. */
    readonly reads?: readonly [which: number, how: "line" | "ids"];
  }
  | { readonly kind: "edit" | "delete"; readonly which: number };

const plain = fc.record({
  kind: fc.constantFrom("overhear" as const, "note", "fold"),
  isAda: fc.boolean(),
});
const asking = {
  kind: fc.constant("ask" as const),
  quotes: fc.nat(20),
  isSlow: fc.boolean(),
  isAda: fc.boolean(),
};
const changes = fc.record({ kind: fc.constantFrom("edit" as const, "delete"), which: fc.nat(20) });
const events = fc.array(fc.oneof(plain, fc.record(asking), changes), { maxLength: 30 });
const reads = fc.tuple(fc.nat(20), fc.constantFrom("line" as const, "ids" as const));
const eventsEverywhere = fc.array(
  fc.oneof(
    plain,
    fc.record({ ...asking, reads: fc.option(reads, { nil: undefined }) }),
    fc.constantFrom({ kind: "send" as const }, { kind: "forget" as const }),
    changes,
  ),
  { maxLength: 30 },
);

/**
 * A store with the words of its messages.
 *
 * @param repeats Whether the model repeats all that it reads in each of its texts, in another form.
 */
function build({ store, rows, close }: ReturnType<typeof openClosable>, repeats = false) {
  /** Current words of each message; `undefined`: deleted. */
  const words = new Map<MessageId, string | undefined>();
  const said = new Map<MessageId, string[]>();
  const byAda = new Set<MessageId>();
  const elsewhere = new Set<MessageId>();
  const removed: RegExp[] = [];
  let count = 0;
  const idAt = (index: number) => [...words.keys()][index % Math.max(1, words.size)];
  const placeOf = (id: MessageId) => elsewhere.has(id) ? ELSEWHERE : CHANNEL;
  const messageOf = (id: MessageId, text: string, revision = 0) =>
    guildMessage({
      id,
      channelId: placeOf(id),
      text,
      revision,
      ...(byAda.has(id) && { sender: { ...sender(), id: ADA, username: "ada", tag: "ada" } }),
    });

  function newMessage(
    { isAda = false, reads }: Partial<Pick<Asking, "isAda" | "reads">>,
    quotes?: MessageId,
  ) {
    const id = messageId(`14000000000000${String(10_000 + count)}`);
    const text = `word${count++}x`;
    if (isAda) byAda.add(id);
    if (reads) elsewhere.add(id);
    words.set(id, text);
    said.set(id, [text]);
    const quoted = quotes && words.get(quotes);
    const message = messageOf(id, text);
    if (!quotes || !quoted || placeOf(quotes) !== placeOf(id)) return message;
    const author = byAda.has(quotes) ? { author: { id: ADA, tag: "ada" } } : {};
    return { ...message, quoted: { id: quotes, text: quoted, ...author } };
  }

  /** Runs the turn of the next message; its end comes when the result is called. */
  async function begin(reads?: Asking["reads"]) {
    const next = () => store.inbox.claimNext(ACCOUNT, NOW, [], () => true);
    let claim = await next();
    if (!claim) return undefined;
    const { message, also = [], route: { sessionKey } } = claim;
    const all = [message, ...also];
    const overheard = await store.turns.overheard(message, sessionKey, message.id, 10);
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
    const readId = reads && idAt(reads[0]);
    const text = readId && words.get(readId) || "";
    const from = readId && byAda.has(readId) ? { from_id: ADA } : {};
    const line = reads?.[1] === "line" ? JSON.stringify({ id: readId, ...from, text }) : "";
    const result = [line, ...all.map(({ text }) => `saw ${text}`)].join("\n").trim();
    const stamp = { messageId: last, at: NOW };
    const history = repeats ? await store.turns.entriesOf(sessionKey, 1_000) : [];
    const seen = translated([...history, ...entries, { text }].map(({ text }) => text).join(" "));
    const answer = repeats ? `It means ${seen}` : "an answer";
    if (repeats) {
      const asked = { ...call, arguments: JSON.stringify({ seen }) };
      const at = NOW;
      await store.notes.save({
        agentId: "main",
        scope: "channel",
        scopeKey: `channel:${message.id}`,
        space: "guild:1",
        authorId: message.sender.id,
        text: answer.replaceAll("WORD", "NOTE"), // the index has small letters
        sources: [message.id],
        callKey: `${message.id}:note`,
        isOwnWords: false,
      }, NOW);
      await store.turns.addSteps(claim, [
        { kind: "answer", text: answer, calls: [asked], carried: seen, at },
        {
          kind: "result",
          callId: "c1",
          end: "done",
          text: `${line}\n${answer}`,
          ...(reads?.[1] === "ids" && readId && { read: [readId] }),
          at,
        },
        { kind: "told", number: 1, end: "done", text: answer, at },
      ], false);
    }
    if (repeats) {
      const code = `CDEFGHJ${"ABCDEFGHJKLMNPQRSTUVWXYZ"[count++ % 24]}`;
      const asked = [{ callKey: `${last}:ask${count}`, question: questionOf(answer), code }];
      await store.questions.park({ claim, steps: [], charges: [], asked, now: NOW });
      await store.questions.decide({ by: { code }, answer: { choice: "once" }, now: NOW });
      claim = await next();
      assert.deepEqual(claim && claim.message.id, message.id);
      if (!claim) return undefined;
    }
    const ending = claim;
    const thought = entries.map(({ text }) => text).join(" ");
    return async () => {
      await store.turns.finishTurn({
        claim: ending,
        end: { kind: "answered" },
        entries: [
          ...entries,
          { role: "assistant", text: "", calls: [call], carried: thought, ...stamp },
          { role: "tool", text: result, call, ...stamp },
          { role: "assistant", text: answer, carried: thought, ...stamp },
        ],
        outbox: repeats
          ? [
            frozen(
              outboundMessage({
                content: answer,
                nonce: last,
                channelId: message.channelId,
                of: part(last),
              }),
            ),
          ]
          : [],
      }, NOW);
    };
  }

  const remove = (id: MessageId) =>
    removed.push(
      ...(said.get(id) ?? []).map((word) => new RegExp(word.replace("word", "(word|note)"), "i")),
    );

  return {
    store,
    rows,
    close,
    removed,
    async play(event: Event, running: (() => Promise<void>)[]): Promise<void> {
      switch (event.kind) {
        case "overhear":
          await store.inbox.acceptBatch(
            batch({ judged: [known(ignored(newMessage(event)))] }),
            NOW,
          );
          while (await store.knowledge.tend());
          return;
        case "ask": {
          const { reads, isSlow, quotes } = event;
          const route = reads ? ROUTE_ELSEWHERE : ROUTE;
          const asked = newMessage(event, idAt(quotes));
          await store.inbox.acceptBatch(batch({ judged: [known(accepted(asked, route))] }), NOW);
          while (await store.knowledge.tend());
          const finish = await begin(reads);
          if (finish && isSlow) running.push(finish);
          else await finish?.();
          return;
        }
        case "note": {
          const id = [...words.keys()].findLast((one) => words.get(one) !== undefined);
          if (id === undefined) return;
          const text = `they said ${words.get(id)}`;
          const { id: authorId } = guildMessage().sender;
          const place = { scope: "channel", scopeKey: "channel:1", space: "guild:1" } as const;
          const note = {
            agentId: "main",
            ...place,
            authorId,
            text,
            sources: [id],
            isOwnWords: true,
          };
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
        case "send": {
          const [row] = await store.outbox.heads(ACCOUNT);
          if (!row || !await store.outbox.markSending(row, NOW)) return;
          await store.outbox.markSent(row, messageId(`15000000000000${10_000 + count++}`));
          return;
        }
        case "forget": {
          if (await store.forgetting.forget(ADA, true) === "open turns") return;
          for (const id of byAda) {
            remove(id);
            words.set(id, undefined);
          }
          byAda.clear();
          return;
        }
        case "edit":
        case "delete": {
          const id = idAt(event.which);
          const old = id && words.get(id);
          if (!id || old === undefined) return;
          const text = event.kind === "edit" ? `word${count++}x` : undefined;
          words.set(id, text);
          if (text === undefined) remove(id);
          else {
            said.get(id)?.push(text);
            removed.push(new RegExp(old)); // an earlier answer keeps it in its own form
          }
          const verdict = { kind: "accept", why: "mentioned", rule: "r" } as const;
          const change = text === undefined
            ? { kind: "deleted", channelId: placeOf(id), messageIds: [id] } as const
            : {
              kind: "edited",
              message: messageOf(id, text, 10 + count),
              ...known({ verdict }),
            } as const;
          await store.inbox.acceptBatch(batch({ changes: [change], edits: EDITS }), NOW);
        }
      }
    },
    begin,
  };
}

/** A card that the model writes. */
const questionOf = (text: string): Question => ({
  kind: "ask",
  tool: "ask",
  text,
  facts: [{ name: "of", value: text }],
  exact: text,
  choices: [{ key: "once", label: text }],
  asked: "anyone",
  where: "channel",
  binding: "hash",
  timeoutMs: 600_000,
});

/** The index for searches has it, too. */
const known = <Of extends object>(of: Of) => ({ ...of, isSearchable: true as const });

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
        const { play, rows, removed, begin, close } = build(openClosable());
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
          assert.ok(!memory.some((text) => word.test(text)), `${word} in ${memory.join("\n")}`);
        }
        close();
      }),
      { numRuns: cases(150) },
    ));

  it("[X5] leaves no bytes of removed words, whatever form a model has given them", () =>
    fc.assert(
      fc.asyncProperty(eventsEverywhere, async (all) => {
        using directory = tempDirectory();
        const path = join(directory.path, "barnacle.db");
        const store = openStore(path, { now: NOW, elapsed: () => 0 });
        const { play, removed, begin } = build({ store, rows: () => [], close() {} }, true);
        const running: (() => Promise<void>)[] = [];
        const files = () =>
          readdirSync(directory.path).map((name) =>
            readFileSync(join(directory.path, name), "latin1")
          ).join("\n");
        const rows = () => {
          using database = new DatabaseSync(path, { readOnly: true });
          const tables = database.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'",
          );
          return tables.all().map(({ name }) =>
            JSON.stringify(database.prepare(`SELECT * FROM "${name}"`).all())
          ).join("\n");
        };
        try {
          for (const event of all) {
            const before = removed.length;
            await play(event, running);
            if (event.kind !== "forget" || running.length > 0) continue;
            const now = rows();
            assert.deepEqual(removed.slice(before).filter((word) => word.test(now)), [], "at once");
          }
          for (const finish of running) await finish();
          for (let turn = await begin(); turn; turn = await begin()) await turn();
          for (const _ of all) await play({ kind: "send" }, []);
          while (await store.knowledge.tend());
          await store.forgetting.vacuum();
          const bytes = files();
          assert.deepEqual(removed.filter((word) => word.test(bytes)), []);
        } finally {
          store.close();
        }
      }),
      { numRuns: cases(40) },
    ));
});
