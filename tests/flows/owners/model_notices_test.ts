import assert from "node:assert/strict";
import { it } from "node:test";
import { tellRefusedParts } from "../../../src/flows/owners/tell_owners.ts";
import { testAccount } from "../../support/bot/test_account.ts";

it("[L3] tellRefusedParts() tells a refused part once, for any reasons", async () => {
  const { account, quiet, posted } = await testAccount();
  const part = { modelId: "p/m", part: "the tool `x`", fix: "deny it", reason: "request 1", at: 0 };
  const refused = () => [part, { ...part, reason: "request 2" }];
  Object.assign(account.settings.models, { refused });
  for (let turn = 0; turn < 2; turn++) {
    tellRefusedParts(account);
    await quiet();
  }
  assert.deepEqual(posted(), [
    "The server of my model `p/m` refuses the tool `x`. I leave that out. To fix it, deny it.",
  ]);
});
