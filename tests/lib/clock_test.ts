import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostTimezone } from "../../src/lib/clock.ts";

describe("hostTimezone()", () => {
  it("names the zone that Intl names", () => {
    assert.equal(hostTimezone(), Intl.DateTimeFormat().resolvedOptions().timeZone);
  });
});
