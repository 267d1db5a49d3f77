import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandNeeds } from "../../../src/core/inbound/text_commands.ts";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import type { SlashCommand } from "../../../src/core/inbound/interactions.ts";
import type { Place } from "../../../src/core/inbound/inbound.ts";
import type { KnownFacts } from "../../../src/core/inbound/facts.ts";
import { bareAccount } from "../../support/account.ts";
import { createAuthorizeInteraction } from "../../../src/flows/interactions/authorize.ts";
import { ACCOUNT, channelId, guildId, sender } from "../../support/discord/builders.ts";

const DM: Place = { kind: "dm" };
const GUILD: Place = {
  kind: "guild",
  guild: { id: guildId("1"), name: "Friends" },
  channel: { id: channelId("2"), name: "help" },
};

/** The facts for the policy, and the requests made for them. */
async function factsOf(
  place: Place,
  needs: CommandNeeds,
  { managesMessages = false, hasOwnerList = false, isPaired = true } = {},
) {
  const asked: string[] = [];
  let facts: KnownFacts | undefined;
  const policy = {
    policy: { commands: hasOwnerList ? { owners: [] } : {}, dm: { policy: "pairing" } },
    authorize(_: unknown, known: KnownFacts) {
      facts = known;
      return { kind: "accept", why: "allowed", rule: "r" };
    },
  };
  const pairing = {
    isPaired() {
      asked.push("paired");
      return Promise.resolve(isPaired);
    },
  };
  const application = { id: "99", owner: { id: sender().id } };
  const request = () => {
    asked.push("owner");
    return Promise.resolve(application);
  };
  const authorize = createAuthorizeInteraction(bareAccount({
    policy: () => policy as never,
    store: { pairing } as never,
    rest: { request } as never,
    connectionState: { applicationOwners: () => [sender().id] } as never,
    now: () => 0,
  }));
  const call: SlashCommand = {
    kind: "slash",
    accountId: ACCOUNT,
    id: "1450000000000000001",
    token: "t",
    applicationId: "99" as ApplicationId,
    channelId: channelId("2"),
    place,
    sender: sender(),
    ...(managesMessages && { managesMessages }),
    name: "status",
    options: {},
  };
  await authorize(call, needs);
  return { facts, asked };
}

describe("[P16] [K3] createAuthorizeInteraction()", () => {
  it("asks the store whether the sender of a direct message is paired", async () => {
    assert.deepEqual(await factsOf(DM, "everyone"), {
      facts: { isPaired: true },
      asked: ["paired"],
    });
  });

  it("[P3] knows the application's owner in direct messages, who needs no pairing", async () => {
    assert.deepEqual(await factsOf(DM, "everyone", { isPaired: false }), {
      facts: { ownsApplication: true },
      asked: ["paired", "owner"], // the next call has the answer
    });
    const listed = await factsOf(DM, "everyone", { isPaired: false, hasOwnerList: true });
    assert.deepEqual(listed.facts, {});
  });

  it("asks Discord for the application's owner, unless the config names owners", async () => {
    assert.deepEqual((await factsOf(GUILD, "owner")).facts, { ownsApplication: true });
    assert.deepEqual(await factsOf(GUILD, "owner", { hasOwnerList: true }), {
      facts: {},
      asked: [],
    });
  });
});
