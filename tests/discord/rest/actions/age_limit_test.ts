import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAssertMayQuote } from "../../../../src/discord/rest/actions/targets.ts";
import type { NamedChannel } from "../../../../src/discord/rest/calls/single_message.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
} from "../../../support/discord/builders.ts";

const PLAIN = channelId("1390000000000000001");
const ADULTS = channelId("1390000000000000002");
const ADULT_THREAD = channelId("1390000000000000003");

const CHANNELS: ReadonlyMap<string, NamedChannel> = new Map([
  [PLAIN, {}],
  [ADULTS, { isAgeRestricted: true }],
  [ADULT_THREAD, { parentId: ADULTS }],
]);
const assertMayQuote = createAssertMayQuote({
  channel: (id) => Promise.resolve(CHANNELS.get(id) ?? {}),
});
const restricted = guildMessage({ place: guildPlace({ isAgeRestricted: true }) });

describe("[H9] createAssertMayQuote()", () => {
  for (const asker of [guildMessage(), directMessage()]) {
    it(`keeps age-restricted channels and their threads out of a ${asker.place.kind}`, async () => {
      await assertMayQuote(asker, PLAIN);
      await assertMayQuote(asker, asker.channelId);
      await assert.rejects(assertMayQuote(asker, ADULTS), /age-restricted/);
      await assert.rejects(assertMayQuote(asker, ADULT_THREAD), /age-restricted/);
    });
  }

  it("lets a turn of an age-restricted channel quote any channel", async () => {
    for (const id of [PLAIN, ADULTS, ADULT_THREAD]) await assertMayQuote(restricted, id);
  });
});
