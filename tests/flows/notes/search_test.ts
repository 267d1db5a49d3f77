import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Note } from "../../../src/core/notes/note.ts";
import type { EmbedResult } from "../../../src/flows/notes/embedder.ts";
import { createNoteSearch } from "../../../src/flows/notes/search.ts";
import { userId } from "../../support/discord/builders.ts";

const NEVER = new AbortController().signal;
const by = { userId: "1", channelId: "2", agentId: "main" };

const noteOf = (id: number): Note => ({
  agentId: "main",
  id,
  scope: "channel",
  scopeKey: "channel:1",
  space: "guild:1",
  authorId: userId("1"),
  text: `note ${id}`,
  sources: [],
  createdAt: 1,
  updatedAt: 1,
});

interface Parts {
  readonly words: readonly number[];
  readonly near: readonly (readonly [id: number, nearness: number])[];
  readonly result: EmbedResult;
  readonly modelId: string | undefined;
  readonly hidden: readonly number[];
}

function build(parts: Partial<Parts>) {
  const {
    words = [],
    near = [],
    hidden = [],
    result = { kind: "vectors", vectors: [Int8Array.of(1)] },
  } = parts;
  const asked: string[] = [];
  const search = createNoteSearch({
    notes: {
      search: (_agent, _keys, query, limit) => {
        asked.push(`words ${query}`);
        return Promise.resolve(words.slice(0, limit).map(noteOf));
      },
      nearest: () => Promise.resolve(near.map(([id, nearness]) => ({ id, nearness }))),
      find: (id) =>
        Promise.resolve(
          hidden.includes(id) ? { ...noteOf(id), scopeKey: "channel:9" } : noteOf(id),
        ),
    },
    embedder: {
      modelId: () => "modelId" in parts ? parts.modelId : "test/x",
      embed: ([text = ""]) => {
        asked.push(`vector ${text.length}`);
        return Promise.resolve(result);
      },
    },
    onEmbedded: () => void asked.push("embedded"),
  });
  const run = async (query = "tea", limit = 10) => {
    const { notes, ...rest } = await search({ keys: ["channel:1"], query, limit, by }, NEVER);
    return { ids: notes.map(({ id }) => id), ...rest };
  };
  return { run, asked };
}

describe("[T14] createNoteSearch()", () => {
  it("merges notes by words and by meaning", async () => {
    const { run } = build({ words: [1, 2], near: [[3, 0.9], [2, 0.8]] });
    assert.deepEqual(await run(), { ids: [2, 3, 1] });
    assert.deepEqual(await run("tea", 1), { ids: [2] });
  });

  it("leaves out notes that are far from the nearest one", async () => {
    const { run } = build({ near: [[1, 0.8], [2, 0.41], [3, 0.39], [4, -0.5]] });
    assert.deepEqual(await run(), { ids: [1, 2] });
    assert.deepEqual(await build({ near: [[1, -0.1], [2, -0.9]] }).run(), { ids: [] });
  });

  it("searches by words without a model, and without a word", async () => {
    for (const [parts, query] of [[{ modelId: undefined }, "tea"], [{}, " ?! "]] as const) {
      const { run, asked } = build({ words: [1], ...parts });
      assert.deepEqual(await run(query), { ids: [1] });
      assert.deepEqual(asked, [`words ${query}`]);
    }
  });

  it("searches by words if there is no vector, and says why", async () => {
    const result = { kind: "none", why: "no answer within 10 s", retryMs: 1 } as const;
    const { run } = build({ words: [1], near: [[2, 1]], result });
    assert.deepEqual(await run(), { ids: [1], wordsOnly: "no answer within 10 s" });
  });

  it("sends the beginning of a long query", async () => {
    const { run, asked } = build({});
    await run("a".repeat(500));
    assert.deepEqual(asked[0], "vector 300");
  });

  it("[SEC-R4] shows no note of another key, even if the index names it", async () => {
    const { run } = build({ near: [[1, 1], [2, 1]], hidden: [2] });
    assert.deepEqual(await run(), { ids: [1] });
  });
});
