import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Entry } from "../../../src/core/inbound/mentions.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";
import { createTranscripts } from "../../../src/store/turns/turns.ts";
import { messageId } from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";

const AT = Date.UTC(2026, 0, 1);

const entry = (text: string): Entry => ({ role: "user", text, messageId: messageId("1"), at: AT });

/** Transcripts that count their reads of the table. */
function open() {
  const database = openDatabase();
  const transactions = createUngroupedTransactions(database);
  const { read } = transactions;
  let reads = 0;
  const transcripts = createTranscripts({
    ...transactions,
    read: (work) => {
      reads++;
      return read(work);
    },
  });
  return {
    ...transcripts,
    reads: () => reads,
    say(sessionKey: string, ...texts: readonly string[]) {
      const entries = texts.map(entry);
      const remember = transcripts.storing(sessionKey);
      transcripts.insert({ agentId: "main", sessionKey, channelId: "11" }, entries);
      remember(entries);
    },
    /** Ends a turn. Other work happens before or after the table has its entries. */
    async sayDuring(
      sessionKey: string,
      texts: readonly string[],
      when: "before" | "after",
      work: () => Promise<void>,
    ) {
      const entries = texts.map(entry);
      const remember = transcripts.storing(sessionKey);
      if (when === "before") await work();
      transcripts.insert({ agentId: "main", sessionKey, channelId: "11" }, entries);
      if (when === "after") await work();
      remember(entries);
    },
    /** The entries as a new process reads them. */
    inTable: (sessionKey: string, limit: number, maxChars?: number) =>
      createTranscripts(transactions).entriesOf(sessionKey, limit, maxChars),
  };
}

describe("createTranscripts()", () => {
  it("[S1] [H2] returns from memory exactly the entries of the table", async () => {
    const session = fc.constantFrom("a", "b");
    const text = fc.integer({ min: 0, max: 4 }).map((length) => "x".repeat(length));
    const say = fc.record({
      kind: fc.constant("say" as const),
      session,
      texts: fc.array(text, { maxLength: 20, size: "max" }),
    });
    const sayDuring = fc.record({
      kind: fc.constant("sayDuring" as const),
      session,
      texts: fc.array(text, { maxLength: 3 }),
      when: fc.constantFrom("before" as const, "after" as const),
      isForgotten: fc.boolean(),
      limit: fc.integer({ min: 0, max: 40 }),
    });
    const ask = fc.record({
      kind: fc.constant("ask" as const),
      session,
      limit: fc.integer({ min: 0, max: 40 }),
      maxChars: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 60 })),
    });
    const steps = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: say },
        { weight: 8, arbitrary: ask },
        { weight: 2, arbitrary: sayDuring },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget" as const) }) },
      ),
      { maxLength: 60, size: "max" },
    );
    await fc.assert(fc.asyncProperty(steps, async (all) => {
      const transcripts = open();
      let number = 0;
      for (const step of all) {
        if (step.kind === "forget") transcripts.forget();
        else if (step.kind === "say") {
          transcripts.say(step.session, ...step.texts.map((text) => `${++number % 10}${text}`));
        } else if (step.kind === "sayDuring") {
          const texts = step.texts.map((text) => `${++number % 10}${text}`);
          await transcripts.sayDuring(step.session, texts, step.when, async () => {
            if (step.isForgotten) transcripts.forget();
            await transcripts.entriesOf(step.session, step.limit);
          });
        } else {
          const { session, limit, maxChars } = step;
          assert.deepEqual(
            await transcripts.entriesOf(session, limit, maxChars),
            await transcripts.inTable(session, limit, maxChars),
          );
        }
      }
    }));
  });
});
