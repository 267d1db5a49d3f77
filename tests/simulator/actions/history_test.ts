import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Message } from "../../../simulator/world/world.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { EMPTY_DRAFT } from "../../../simulator/actions/draft.ts";
import { listMessages } from "../../../simulator/actions/history.ts";
import { postMessage } from "../../../simulator/actions/messages.ts";
import { compareIds } from "../../../src/core/discord/ids.ts";

const demo = demoWorld();
const { world, people } = demo;
const all: Message[] = [];
for (let n = 0; n < 30; n += 1) {
  const author = { kind: "user", userId: people.ada.id } as const;
  const draft = { ...EMPTY_DRAFT, content: `m${n}` };
  const posted = postMessage(
    world,
    demo.channels.general.id,
    author,
    draft,
    Date.UTC(2026, 1, n + 1),
  );
  if (posted.kind === "done") all.push(posted.value.message);
}
const newestFirst = [...all].reverse();
const list = (page: Parameters<typeof listMessages>[3]) =>
  listMessages(world, demo.channels.general, people.ada.id, page).map(({ content }) => content);
const contents = (messages: readonly Message[]) => messages.map(({ content }) => content);
const some = fc.constantFrom(...all);
const limit = fc.integer({ min: 1, max: 40 });

describe("[G6] listMessages()", () => {
  it("gives the newest, newest first", () => {
    fc.assert(fc.property(limit, (n) => {
      assert.deepEqual(list({ limit: n }), contents(newestFirst.slice(0, n)));
    }));
  });

  it("before: the newest of the older ones", () => {
    fc.assert(fc.property(some, limit, ({ id }, n) => {
      const older = newestFirst.filter((message) => compareIds(message.id, id) < 0);
      assert.deepEqual(list({ before: id, limit: n }), contents(older.slice(0, n)));
    }));
  });

  it("after: the oldest of the newer ones, still newest first", () => {
    fc.assert(fc.property(some, limit, ({ id }, n) => {
      const newer = all.filter((message) => compareIds(message.id, id) > 0);
      assert.deepEqual(list({ after: id, limit: n }), contents(newer.slice(0, n).reverse()));
    }));
  });

  it("around: a range that includes that message", () => {
    fc.assert(fc.property(some, fc.integer({ min: 2, max: 40 }), (message, n) => {
      const found = list({ around: message.id, limit: n });
      assert.ok(found.includes(message.content));
      assert.ok(found.length <= n);
    }));
  });
});
