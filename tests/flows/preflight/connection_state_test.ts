import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { StoredAccount } from "../../../src/core/store/gateway.ts";
import { createConnectionState } from "../../../src/flows/preflight/connection_state.ts";
import { userId } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/account.ts";

const OWNER = userId("123456789012345679");
const ADA = userId("123456789012345678");
const APPLICATION = {
  id: parseSnowflake<"application">("123456789012345670")!,
  ownerId: OWNER,
  ownerIds: [OWNER, ADA],
};

function connection(
  stored: Pick<StoredAccount, "ownerId" | "ownerIds"> = { ownerId: OWNER },
  failures = 0,
) {
  const { account, clock } = testAccount();
  const saved: unknown[] = [];
  let failed = 0;
  const state = createConnectionState(account, {
    isEnabled: true,
    stored,
    saveOwners: (ownerIds) =>
      failed++ < failures
        ? Promise.reject(new Error("disk full"))
        : Promise.resolve(void saved.push(ownerIds)),
    events: { emit: { tokenRefused: () => {} } },
    readApplication: () => Promise.resolve({ ...APPLICATION, flags: 0 }),
    examine: {
      network: () => Promise.reject(new Error("offline")),
      models: () => Promise.resolve([]),
      discord: () =>
        Promise.resolve({
          facts: {
            tokenShape: "token",
            tokenPlace: "DISCORD_BOT_TOKEN",
            application: { kind: "refused" },
          },
          application: APPLICATION,
        }),
    },
  });
  return { state, clock, saved };
}

describe("[P3] the owners that the connection knows", () => {
  it("are the owner of an earlier run, and the whole team once the intents are read", async () => {
    const { state } = connection();
    assert.deepEqual(state.applicationOwners(), [OWNER]);
    await state.readApplication();
    assert.deepEqual(state.applicationOwners(), [OWNER, ADA]);
  });

  it("are the team of an earlier run, which is stored if it has changed", async () => {
    for (const [ownerIds, count] of [[[ADA, OWNER], 0], [[OWNER], 1]] as const) {
      const { state, clock, saved } = connection({ ownerId: OWNER, ownerIds });
      assert.deepEqual(state.applicationOwners(), ownerIds);
      state.start();
      clock.advance(10_000);
      await new Promise((resolve) => setTimeout(resolve, 0));
      assert.deepEqual(saved, Array(count).fill([OWNER, ADA]));
      state.reconfigured(); // looks again
      clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 0));
      assert.equal(saved.length, count, "not at each look");
    }
  });

  it("are stored by the next look if the store refused them", async () => {
    const { state, clock, saved } = connection({ ownerId: OWNER, ownerIds: [OWNER] }, 1);
    state.start();
    clock.advance(10_000);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(saved, []);
    for (let look = 0; look < 2; look++) {
      state.reconfigured();
      clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.deepEqual(saved, [[OWNER, ADA]]);
  });

  it("are the whole team once the checks have asked Discord", async () => {
    const { state, clock } = connection();
    state.start();
    clock.advance(10_000);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(state.applicationOwners(), [OWNER, ADA]);
  });
});
