import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadExtras, runByExtra, startExtras, stopExtras } from "../../src/account/extra_parts.ts";
import type { AccountPart } from "../../src/account/extra_parts.ts";
import type { ButtonPress } from "../../src/core/inbound/inbound.ts";
import { testAccount } from "../support/bot/test_account.ts";
import { callOf } from "../support/discord/calls.ts";

async function withExtras(...parts: readonly AccountPart[]) {
  const scene = await testAccount();
  const extras = parts.map((part) => ({ account: () => Promise.resolve(() => part) }));
  await loadExtras(scene.account, [...extras, {}]);
  return scene;
}

describe("[G12] extras of an account", () => {
  it("start once, and all stop even if one fails", async () => {
    const calls: string[] = [];
    const { account, lines } = await withExtras(
      { start: () => calls.push("start"), stop: () => Promise.reject(new Error("broken")) },
      { stop: () => Promise.resolve(void calls.push("stop")) },
    );
    startExtras(account);
    startExtras(account);
    await stopExtras(account);
    assert.deepEqual(calls, ["start", "stop"]);
    assert.deepEqual(lines.map(({ event }) => event), ["Cannot stop an extra"]);
  });

  it("[V3] run a command and a press by the part that has it, and no others", async () => {
    const { account } = await withExtras({}, {
      commands: { join: ({ name }) => Promise.resolve(`/${name}`) },
      presses: { hear: ({ customId }) => Promise.resolve(customId) },
    });
    assert.equal(await runByExtra(account, callOf("join")), "/join");
    assert.equal(await runByExtra(account, callOf("leave")), "");
    const press = (customId: string) => runByExtra(account, { customId } as ButtonPress);
    assert.equal(await press("hear:on:1"), "hear:on:1");
    assert.equal(await press("undo:1"), "");
  });
});
