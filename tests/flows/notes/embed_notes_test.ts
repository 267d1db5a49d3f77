import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createNoteEmbedding } from "../../../src/flows/notes/embed_notes.ts";
import type { EmbedResult } from "../../../src/flows/notes/embedder.ts";
import { testAccount } from "../../support/account.ts";
import { settle } from "../../support/settle.ts";

const VECTOR = Int8Array.of(1);

/** The agent whose note it is: `"helper: a note"`. */
const agentOf = (text: string) => text.startsWith("helper:") ? "helper" : "main";

/** Notes in memory, and a server with an answer to each request. */
function build(answer: (texts: readonly string[]) => EmbedResult = vectorsOf) {
  const { account, clock, lines } = testAccount();
  const texts = new Map<number, string>();
  const made = new Map<number, number>();
  const requests: (readonly string[])[] = [];
  const payers: string[] = [];
  let modelId: string | undefined = "test/x";
  let isStoreDown = false;
  const work = createNoteEmbedding(account, {
    notes: {
      unembedded: (_model, _dimension, limit) =>
        isStoreDown ? Promise.reject(new Error("the disk is full")) : Promise.resolve(
          [...texts].filter(([id]) => !made.has(id)).slice(0, limit)
            .map(([id, text]) => ({ id, text, agentId: agentOf(text) })),
        ),
      keepVectors(_model, vectors) {
        for (const { id, vector } of vectors) made.set(id, vector.length);
        return Promise.resolve();
      },
    },
    embedder: {
      modelId: () => modelId,
      dimension: () => undefined,
      embed(asked, _as, by) {
        requests.push(asked);
        payers.push(by.agentId);
        return Promise.resolve(answer(asked));
      },
    },
  });
  const add = (...all: readonly string[]) => {
    for (const text of all) texts.set(texts.size + 1, text);
    work.wake();
  };
  const after = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      await settle();
      clock.advance(500);
    }
    await settle();
  };
  return {
    work,
    add,
    after,
    made,
    requests,
    payers,
    lines,
    clock,
    use: (id: string | undefined) => modelId = id,
    breakStore: (isDown: boolean) => isStoreDown = isDown,
  };
}

function vectorsOf(texts: readonly string[]): EmbedResult {
  return { kind: "vectors", vectors: texts.map(() => VECTOR) };
}

describe("[T14] createNoteEmbedding()", () => {
  it("makes vectors of all notes, 32 in a request and one request a second", async () => {
    const { add, after, requests, made, clock } = build();
    add(...Array.from({ length: 70 }, (_, at) => `note ${at}`));
    await after(500);
    assert.deepEqual(requests.map(({ length }) => length), [32]);
    await after(3_000);
    assert.deepEqual(requests.map(({ length }) => length), [32, 32, 6]);
    assert.equal(made.size, 70);
    assert.equal(clock.pending, 0, "nothing waits");
  });

  it("[N1] [X4] asks for the notes of one agent at a time, at the cost of that agent", async () => {
    const { add, after, requests, payers } = build();
    add("helper: a", "b", "helper: c");
    await after(3_000);
    assert.deepEqual(requests, [["helper: a", "helper: c"], ["b"]]);
    assert.deepEqual(payers, ["helper", "main"]);
  });

  it("[X4] makes no request without a note or a model", async () => {
    const { work, add, after, requests, use } = build();
    work.wake();
    await after(2_000);
    use(undefined);
    add("tea");
    await after(2_000);
    assert.deepEqual(requests, []);
    use("test/y");
    work.reconfigured();
    await after(500);
    assert.deepEqual(requests, [["tea"]]);
  });

  it("asks for fewer vectors at once after a failure, so that a slow server can make them", async () => {
    const { add, after, requests, made } = build((texts) =>
      texts.length > 5
        ? { kind: "none", why: "no answer within 60 s", retryMs: 30_000 }
        : vectorsOf(texts)
    );
    add(...Array.from({ length: 32 }, (_, at) => `note ${at}`));
    await after(600_000);
    assert.deepEqual(requests.slice(0, 5).map(({ length }) => length), [32, 16, 8, 4, 5]);
    assert.equal(made.size, 32);
  });

  it("gives up one note that the server refuses, and makes the vectors of the others", async () => {
    const refused = "unembeddable ".repeat(20);
    const { add, after, requests, made } = build((texts) =>
      texts.some((text) => text.includes("unembeddable"))
        ? { kind: "refused", why: "HTTP 400" }
        : vectorsOf(texts)
    );
    add("tea", refused, "boat");
    await after(10_000);
    assert.deepEqual([...made], [[1, 1], [2, 0], [3, 1]]);
    assert.ok(requests.some(([text]) => text === refused.slice(0, 200)), "its beginning is tried");
    const { length } = requests;
    await after(60_000);
    assert.equal(requests.length, length);
  });

  it("gives up no note while the server refuses all texts", async () => {
    const { add, after, made } = build((texts) =>
      texts[0] === "note"
        ? { kind: "none", why: "HTTP 400", retryMs: 30_000 }
        : { kind: "refused", why: "HTTP 400" }
    );
    add("tea");
    await after(5_000);
    assert.deepEqual([...made], []);
  });

  it("[D1] logs a failure of the store, and goes on", async () => {
    const { add, after, lines, made, breakStore } = build();
    breakStore(true);
    add("tea");
    await after(1_000);
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
    breakStore(false);
    await after(60_000);
    assert.equal(made.size, 1);
  });
});
