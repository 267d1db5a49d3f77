import assert from "node:assert/strict";
import { it } from "node:test";
import { discordNow } from "../../../simulator/world/clock.ts";

it("[O5] discordNow() › stays when this machine's clock is set", () => {
  const { now } = Date;
  const before = discordNow();
  assert.ok(before > Date.UTC(2026), "Unix time");
  Date.now = () => now() - 7_200_000;
  try {
    const after = discordNow();
    assert.ok(after >= before && after - before < 3_600_000, `${before}, then ${after}`);
  } finally {
    Date.now = now;
  }
});
