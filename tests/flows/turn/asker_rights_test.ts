import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { PERMISSIONS } from "../../../src/core/rights/rights.ts";
import { createMissingPermission } from "../../../src/discord/rest/requests/guild_reads.ts";
import { rightMissingToAskers } from "../../../src/flows/turn/toolbox.ts";
import { TOOLS } from "../../../src/tools/registry.ts";
import { withDiscord } from "../../discord/rest/simulated.ts";
import { OWNER, testAccount } from "../../support/bot/test_account.ts";
import { channelId, directMessage, guildMessage, sender } from "../../support/discord/builders.ts";

describe("[T4] the permissions of those who ask", () => {
  it("are those of each sender but owners, in the place of the message, asked once", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const { people: { ada, grace }, channels: { help }, krill } = demo;
      const { account } = await testAccount({ api });
      const by = (id: InboundMessage["sender"]["id"], fields = {}) =>
        guildMessage({ channelId: help.id, guildId: krill.id, sender: sender({ id }), ...fields });
      const needed = ["View Channel", "Ban Members"];
      const missing = (...messages: InboundMessage[]) =>
        rightMissingToAskers(account, messages, needed);
      sim.setRoles({ who: "grace", roles: [] });
      assert.equal(await missing(by(OWNER)), undefined);
      assert.equal(await missing(by(OWNER), by(grace.id)), "Ban Members");
      assert.equal(await missing(directMessage()), undefined);
      assert.equal(
        await rightMissingToAskers(account, [by(ada.id), by(grace.id)], ["View Channel"]),
        undefined,
      );
      sim.permit({ to: "@everyone", what: "viewChannel", as: "denied", in: "#help" });
      assert.equal(await missing(by(grace.id)), "View Channel");
    }));

  it("are permissions of Discord, for each tool", () => {
    const unknown = TOOLS.flatMap(({ needs }) => needs).filter((need) => !(need in PERMISSIONS));
    assert.deepEqual(unknown, []);
  });

  it("are lacking if they cannot be read", async () => {
    const { account } = await testAccount({ answer: () => new Error("no answer") });
    await assert.rejects(
      rightMissingToAskers(account, [guildMessage()], ["View Channel"]),
      /no answer/,
    );
  });
});

describe("[T4] createMissingPermission()", () => {
  it("finds the permission that a user lacks in a channel or thread", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const missing = createMissingPermission(api, Date.now);
      const place = {
        channelId: demo.channels.help.id,
        guildId: demo.krill.id,
        userId: demo.barnacle.userId,
      };
      const needed = ["View Channel", "Read Message History"];
      assert.equal(await missing(place, needed), undefined);
      sim.permit({ to: "Barnacle", what: "readMessageHistory", as: "denied", in: "#help" });
      assert.equal(await missing(place, needed), "Read Message History");
      assert.equal(await missing({ ...place, channelId: channelId("1") }, needed), "View Channel");
      assert.equal(await missing(place, ["Walk the Plank"]), "Walk the Plank");
      const { guildId: _, ...direct } = place;
      assert.equal(await missing(direct, needed), undefined);
    }));
});
