import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { ACCOUNT, channelId, directMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, found, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");

const dm = (id: string, channel: string, fields: Partial<InboundMessage> = {}) =>
  directMessage({ id: messageId(id), channelId: channelId(channel), ...fields });

describe("directChannels()", () => {
  it("[G6] lists each channel once, newest activity first, regardless of its source", async () => {
    const { store } = openTestStore();
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), []);
    const first = [dm("1400000000000000001", "1"), dm("1410000000000000001", "2")];
    await store.inbox.acceptBatch(batch({ judged: first.map((one) => accepted(one)) }), NOW);
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), ["2", "1"]);
    const later = [
      accepted(dm("1420000000000000001", "1")),
      accepted(dm("1415000000000000001", "3")),
    ];
    await store.inbox.acceptBatch(found({ judged: later }), NOW);
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), ["1", "3", "2"]);
    const old = [accepted(dm("1390000000000000001", "1"))];
    await store.inbox.acceptBatch(found({ judged: old }), NOW);
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), ["1", "3", "2"]);
  });

  it("[P5] tells groups from single people, which a history cannot", async () => {
    const { store } = openTestStore();
    const judged = [
      accepted(dm("1400000000000000001", "1", { place: { kind: "group_dm" } })),
      accepted(dm("1400000000000000002", "2")),
    ];
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    const [one, two, three] = ["1", "2", "3"].map(channelId);
    assert.equal(await store.messages.isGroupChannel(ACCOUNT, one!), true);
    assert.equal(await store.messages.isGroupChannel(ACCOUNT, two!), false);
    assert.equal(await store.messages.isGroupChannel(ACCOUNT, three!), false);
    assert.equal(await store.messages.isGroupChannel(SECOND, one!), false);
  });
});
