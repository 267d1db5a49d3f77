import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../src/core/inbound/transcript.ts";
import { shareRoom } from "../../src/session/history.ts";
import { messageId } from "../support/discord/builders.ts";

const stamp = { messageId: messageId("1"), at: 0 };
const turn = (text: string): readonly Entry[] => [
  { role: "user", text, ...stamp },
  { role: "assistant", text: "", ...stamp },
];
const HISTORY = Array.from({ length: 10 }, () => turn("x".repeat(100))).flat();
const turnsAt = (stepChars: number, freeChars = 1_000) =>
  shareRoom(HISTORY, { freeChars, stepChars }).entries.length / 2;

describe("shareRoom()", () => {
  it("[L4] gives the history all the room before the first result", () => {
    assert.equal(turnsAt(0), 10);
    assert.equal(turnsAt(0, 800), 8);
  });

  it("[L4] drops the oldest turns as results come, in few pieces", () => {
    const sizes = Array.from({ length: 1_000 }, (_, stepChars) => turnsAt(stepChars));
    assert.deepEqual([...new Set(sizes)], [10, 8, 7, 6, 5, 3, 2]);
    assert.deepEqual([turnsAt(1), turnsAt(125), turnsAt(126)], [8, 8, 7]);
  });

  it("[L4] keeps a quarter of the room for the history, however long the results are", () => {
    assert.equal(turnsAt(1_000_000), 2);
  });

  it("[L4] gives the steps all the room that the history does not need", () => {
    const room = shareRoom(HISTORY.slice(0, 2), { freeChars: 1_000, stepChars: 5_000 });
    assert.deepEqual([room.entries.length, room.stepChars], [2, 900]);
  });
});
