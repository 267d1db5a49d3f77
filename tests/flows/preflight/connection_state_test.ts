import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
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

function connection() {
  const { account, clock } = testAccount();
  const state = createConnectionState(account, {
    isEnabled: true,
    stored: { ownerId: OWNER },
    events: { emit: { tokenRefused: () => {} } },
    readApplication: () => Promise.resolve({ ...APPLICATION, flags: 0 }),
    examine: {
      network: () => new Promise(() => {}),
      models: () => new Promise(() => {}),
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
  return { state, clock };
}

describe("[P3] the owners that the connection knows", () => {
  it("are the owner of an earlier run, and the whole team once the intents are read", async () => {
    const { state } = connection();
    assert.deepEqual(state.applicationOwners(), [OWNER]);
    await state.readApplication();
    assert.deepEqual(state.applicationOwners(), [OWNER, ADA]);
  });

  it("are the whole team once the checks have asked Discord", async () => {
    const { state, clock } = connection();
    state.start();
    clock.advance(10_000);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(state.applicationOwners(), [OWNER, ADA]);
  });
});
