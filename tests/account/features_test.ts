import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testAccount } from "../support/bot/test_account.ts";
import {
  type AccountPart,
  loadFeatures,
  startFeatures,
  stopFeatures,
} from "../../src/account/features.ts";

async function withFeatures(...parts: readonly AccountPart[]) {
  const scene = await testAccount();
  const features = parts.map((part) => ({ account: () => Promise.resolve(() => part) }));
  await loadFeatures(scene.account, [...features, {}]);
  return scene;
}

describe("[G12] parts of features", () => {
  it("start once, and all stop even if one fails", async () => {
    const calls: string[] = [];
    const { account, lines } = await withFeatures(
      { start: () => calls.push("start"), stop: () => Promise.reject(new Error("broken")) },
      { stop: () => Promise.resolve(void calls.push("stop")) },
    );
    startFeatures(account);
    startFeatures(account);
    await stopFeatures(account);
    assert.deepEqual(calls, ["start", "stop"]);
    assert.deepEqual(lines.map(({ event }) => event), ["Cannot stop a feature"]);
  });
});
