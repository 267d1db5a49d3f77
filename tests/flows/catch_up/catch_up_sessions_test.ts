import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createExpectedSessions } from "../../../src/flows/catch_up/catch_up.ts";

describe("[G6] createExpectedSessions()", () => {
  it("expects a session from its announcement until its gap was read", () => {
    const expected = createExpectedSessions();
    assert.equal(expected.any(), false);
    assert.equal(expected.due(0), true);
    assert.equal(expected.starting(0), true);
    assert.equal(expected.any(), true);
    expected.started(0);
    assert.equal(expected.any(), false);
  });

  it("distinguishes a first announcement from a repeated one", () => {
    const expected = createExpectedSessions();
    assert.equal(expected.due(0), true);
    assert.equal(expected.due(0), false);
    assert.equal(expected.starting(0), true);
    assert.equal(expected.starting(0), false);
    expected.started(0);
    assert.equal(expected.starting(0), true);
  });

  it("forgets shards that no longer exist, and keeps the others", () => {
    const expected = createExpectedSessions();
    expected.due(0);
    expected.due(1);
    expected.starting(2);
    expected.setShardCount(1);
    assert.equal(expected.any(), true);
    expected.starting(0);
    expected.started(0);
    assert.equal(expected.any(), false);
  });
});
