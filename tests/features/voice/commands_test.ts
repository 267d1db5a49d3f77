import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandAccount } from "../../support/bot/commands.ts";

describe("[V1] [V3] /join, /leave and /deafen", () => {
  it("are there with `voice`, and need the call's part", async () => {
    const { slash } = await commandAccount();
    for (
      const [name, values] of [["join", {}], ["leave", {}], ["deafen", { who: "me" }]] as const
    ) {
      assert.match(await slash(name, values), /my config has no `voice`/);
      assert.doesNotMatch(await slash("help"), new RegExp(`/${name}`));
    }
    const talking = await commandAccount({ beside: { voice: {} } });
    assert.match(await talking.slash("help"), /\/join/);
    assert.match((await talking.press("hear:off")).join(), /is old/, "no part hears it");
  });
});
