import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openTestStore } from "../../support/store/store.ts";
import { userId } from "../../support/discord/builders.ts";

const MODEL = "test/x";

function build() {
  const { store: { notes }, rows, database } = openTestStore();
  const save = async (text: string, scopeKey = "channel:1", agentId = "main") => {
    const note = await notes.save({
      agentId,
      scope: "channel",
      scopeKey,
      space: "guild:1",
      authorId: userId("1"),
      text,
      sources: [],
      callKey: `${agentId} ${scopeKey} ${text}`,
      isOwnWords: true,
    }, 1);
    assert.ok(note);
    return note;
  };
  const keep = (id: number, text: string, vector: readonly number[], model = MODEL) =>
    notes.keepVectors(model, [{ id, text, vector: Int8Array.from(vector) }]);
  const waiting = async (model = MODEL, dimension?: number) =>
    (await notes.unembedded(model, dimension, 10)).map(({ text }) => text);
  const nearest = async (vector: readonly number[], keys = ["channel:1"], limit = 10) =>
    (await notes.nearest("main", keys, MODEL, Int8Array.from(vector), limit)).map(({ id }) => id);
  return { notes, rows, database, save, keep, waiting, nearest };
}

describe("[T14] store.notes.unembedded()", () => {
  it("has no note that the server refuses, until its text changes", async () => {
    const { notes, save, keep, waiting } = build();
    const { id } = await save("tea");
    await keep(id, "tea", []);
    assert.deepEqual(await waiting(MODEL, 2), []);
    assert.deepEqual(await waiting("test/other"), ["tea"]);
    await notes.update(id, "green tea", [], 2, true);
    assert.deepEqual(await waiting(MODEL, 2), ["green tea"]);
  });
});

describe("[T14] store.notes.keepVectors()", () => {
  it("keeps no vector of a text that the note no longer has, or of a deleted note", async () => {
    const { notes, rows, save, keep } = build();
    const { id } = await save("tea");
    await notes.update(id, "boat", [], 2, true);
    await keep(id, "tea", [1, 0]);
    await keep(id + 1, "tea", [1, 0]);
    assert.deepEqual(rows("SELECT note_row FROM note_vector"), []);
  });

  it("[X5] goes with its note, and with a change of its text", async () => {
    const { notes, rows, save, keep } = build();
    for (const text of ["tea", "boat"]) await keep((await save(text)).id, text, [1, 0]);
    await notes.update(1, "green tea", [], 2, true);
    await notes.remove(2);
    assert.deepEqual(rows("SELECT note_row FROM note_vector"), []);
  });
});

describe("[T14] store.notes.nearest()", () => {
  it("has the notes by their angle, those with vectors of this model only", async () => {
    const { save, keep, nearest } = build();
    const [far, near, other, wide] = [
      await save("far"),
      await save("near"),
      await save("other"),
      await save("wide"),
    ];
    await keep(far.id, "far", [0, 100]);
    await keep(near.id, "near", [50, 50]);
    await keep(other.id, "other", [100, 0], "test/other");
    await keep(wide.id, "wide", [100, 0, 0]);
    await save("none");
    assert.deepEqual(await nearest([100, 0]), [near.id, far.id]);
    assert.deepEqual(await nearest([100, 0], undefined, 1), [near.id]);
  });

  it("[SEC-R4] reads no note of another key or agent", async () => {
    const { save, keep, nearest } = build();
    for (const [key, agent] of [["channel:2", "main"], ["channel:1", "other"]] as const) {
      const { id } = await save("tea", key, agent);
      await keep(id, "tea", [1, 0]);
    }
    assert.deepEqual(await nearest([1, 0]), []);
    assert.deepEqual(await nearest([1, 0], []), []);
  });
});
