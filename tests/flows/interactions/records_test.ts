import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../../src/core/store/store.ts";
import { createWhy } from "../../../src/flows/interactions/records.ts";
import { messageId } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";

const ID = messageId("1450000000000000002");
const CALL = callOf("why");

function build(fields: object = {}, isOwner = false) {
  const decision = {
    accountId: CALL.accountId,
    authorId: CALL.sender.id,
    channelId: CALL.channelId,
    verdict: "ignore",
    why: "no-mention",
    rule: "channels.discord.guilds.*.requireMention",
    ...fields,
  };
  const record = { messageId: ID, decisions: [decision], outbox: [] };
  const received = { messageRecordOf: () => Promise.resolve(record) };
  return createWhy(
    { received } as unknown as Pick<Store, "received">,
    () => Promise.resolve(isOwner),
  );
}

describe("[P1] [K2] createWhy()", () => {
  it("explains a message of the asker's in that channel", async () => {
    assert.match(
      String(await build()(CALL, ID)),
      /^\*\*ignore\*\*: It does not mention the bot.* \(`channels\.discord\.guilds\.\*\.requireMention`\)$/,
    );
  });

  for (const fields of [{ authorId: "1" }, { channelId: "1" }, { accountId: "other" }]) {
    const what = Object.keys(fields)[0];
    it(`tells nothing about a message with another ${what}`, async () => {
      assert.equal(await build(fields)(CALL, ID), undefined);
    });
  }

  it("explains every message of the account to an owner", async () => {
    assert.match(String(await build({ authorId: "1" }, true)(CALL, ID)), /^\*\*ignore/);
  });
});
