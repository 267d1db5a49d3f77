import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { changedSince } from "../../../src/flows/actions/undo.ts";

const PATH = "/channels/1";

describe("[T3] changedSince()", () => {
  it("takes Discord's spelling of a value for the same value", () => {
    const fields = {
      name: "Tide Tables!",
      topic: "",
      parentId: null,
      nsfw: false,
      rateLimitPerUser: 0,
      position: 4,
    };
    const now = { name: "tide-tables", topic: null, parent_id: null, nsfw: false, position: 9 };
    assert.deepEqual(changedSince({ path: PATH, fields }, now), []);
  });

  it("names each field with another value", () => {
    const fields = { name: "tides", topic: "All", rateLimitPerUser: 5, archived: true };
    const now = {
      name: "moon",
      topic: "All",
      rate_limit_per_user: 9,
      thread_metadata: { archived: false },
    };
    assert.deepEqual(changedSince({ path: PATH, fields }, now), [
      "name",
      "rateLimitPerUser",
      "archived",
    ]);
  });

  it("counts a value that undoing has set already as no change", () => {
    const left = { path: PATH, fields: { topic: "All" } };
    assert.deepEqual(changedSince(left, { topic: "Earlier" }, { topic: "Earlier" }), []);
    assert.deepEqual(changedSince(left, { topic: "Theirs" }, { topic: "Earlier" }), ["topic"]);
  });

  it("compares an overwrite, which may be gone", () => {
    const left = { path: PATH, overwrite: "7", fields: { type: 0, allow: "0", deny: "2048" } };
    const having = (deny: string) => ({
      permission_overwrites: [{ id: "7", type: 0, allow: "0", deny }, { id: "8", deny: "1" }],
    });
    assert.deepEqual(changedSince(left, having("2048")), []);
    assert.deepEqual(changedSince(left, having("1024")), ["deny"]);
    assert.deepEqual(changedSince(left, { permission_overwrites: [] }), []);
    const earlier = { type: 0, allow: "64", deny: "0" };
    assert.deepEqual(changedSince(left, { permission_overwrites: [] }, earlier), ["deny"]);
  });

  it("compares times of a timeout without their milliseconds", () => {
    const fields = { communicationDisabledUntil: "2026-01-01T10:00:00.123Z" };
    const now = (at: string) => ({ communication_disabled_until: at });
    const left = { path: PATH, fields };
    assert.deepEqual(changedSince(left, now("2026-01-01T10:00:00+00:00")), []);
    assert.deepEqual(changedSince(left, now("2026-01-01T11:00:00+00:00")), [
      "communicationDisabledUntil",
    ]);
    assert.deepEqual(changedSince(left, { communication_disabled_until: null }), [
      "communicationDisabledUntil",
    ]);
  });
});
