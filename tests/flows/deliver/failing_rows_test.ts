import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRecentRefusals } from "../../../src/flows/deliver/park.ts";
import { channelId } from "../../support/discord/builders.ts";

const HERE = channelId("1");
const MINUTE_MS = 60_000;

describe("createRecentRefusals()", () => {
  it("[D5] remembers the reason for a minute, unless a message arrives", () => {
    let now = 0;
    const refusals = createRecentRefusals(() => now);
    refusals.add(HERE, "Missing Permissions");
    now = MINUTE_MS - 1;
    assert.equal(refusals.reasonOf(HERE), "Missing Permissions");
    now = MINUTE_MS;
    assert.equal(refusals.reasonOf(HERE), undefined);
    refusals.add(HERE, "Missing Access");
    refusals.delete(HERE);
    assert.equal(refusals.reasonOf(HERE), undefined);
  });
});
