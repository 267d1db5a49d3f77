import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPolicyKeeper } from "../../../src/flows/judging/policy_keeper.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { loadTestConfig } from "../../support/config.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const GUILD = guildId("1400000000000000010");
const HELD: ResolvedName = {
  kind: "channel",
  typed: "off-topic",
  name: "off-topic",
  id: channelId("1400000000000000011"),
  guildId: GUILD,
  at: 1,
};

async function setUp() {
  const config = await loadTestConfig({
    guilds: { [GUILD]: { channels: { "off-topic": { allow: false }, "*": {} } } },
  });
  const saved: (readonly ResolvedName[])[] = [];
  /** Lets the store record policies; it does at once if absent. */
  let gate: Promise<void> | undefined;
  const keeper = await createPolicyKeeper(config, "{}", {
    now: () => 0,
    log: recordingLog().log,
    store: {
      pairing: { namesOf: () => Promise.resolve([]) },
      messages: {
        savePolicy: async ({ names }) => {
          const id = saved.push(names);
          await gate;
          return id;
        },
      },
    },
  });
  const pinned = () => {
    const { guilds } = keeper.now().policy;
    return guilds?.[GUILD]?.channels?.["off-topic"]?.pinned?.get(GUILD)?.[0];
  };
  return {
    keeper,
    config,
    saved,
    pinned,
    block() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
}

describe("[P12] createPolicyKeeper()", () => {
  it("applies a held name at once, and then records it", async () => {
    const { keeper, saved, pinned } = await setUp();
    keeper.hold([HELD]);
    assert.equal(pinned(), HELD.id);
    assert.equal(keeper.now().id, undefined);
    await settle();
    assert.deepEqual(saved, [[], [HELD]]);
    assert.equal(keeper.now().id, 2);
  });
});
