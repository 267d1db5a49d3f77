import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostTimezone } from "../../src/lib/time_zone.ts";

describe("hostTimezone()", () => {
  it("names the zone that Intl names", () => {
    assert.equal(hostTimezone(), Intl.DateTimeFormat().resolvedOptions().timeZone);
  });
});
