import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOwner, type OwnerPorts } from "../../src/bot/owner.ts";
import { channelId, userId } from "../support/builders.ts";
import { recordingLog } from "../support/recording_log.ts";

const OWNER = userId("5");
const DM = channelId("9");

function setUp(ports: Partial<OwnerPorts> = {}) {
  const { log, lines } = recordingLog();
  const sent: string[] = [];
  let opened = 0;
  const owner = createOwner({
    ownerId: () => Promise.resolve(OWNER),
    openDirect(id) {
      assert.equal(id, OWNER);
      opened += 1;
      return Promise.resolve(DM);
    },
    send(channel, text) {
      sent.push(`${channel} ${text}`);
      return Promise.resolve();
    },
    log,
    ...ports,
  });
  return { owner, sent, lines, opened: () => opened };
}

describe("[R11] createOwner()", () => {
  it("tells the owner in a direct message, whose channel is opened once", async () => {
    const { owner, sent, opened } = setUp();
    await owner.tell("one");
    await owner.tell("two");
    assert.deepEqual(sent, ["9 one", "9 two"]);
    assert.equal(opened(), 1);
  });

  it("knows where the owner is told, so that nobody is told that nobody could be", async () => {
    const { owner } = setUp();
    assert.equal(owner.isTold(DM), false);
    await owner.tell("one");
    assert.equal(owner.isTold(DM), true);
    assert.equal(owner.isTold(channelId("10")), false);
  });

  const failures: readonly [what: string, ports: Partial<OwnerPorts>, said: RegExp][] = [
    ["Discord names none", { ownerId: () => Promise.resolve(undefined) }, /names no owner/],
    ["Discord does not tell", { ownerId: () => Promise.reject(new Error("502")) }, /Cannot tell/],
    [
      "the channel cannot be opened",
      { openDirect: () => Promise.reject(new Error("50007")) },
      /Cannot tell/,
    ],
    ["the store is full", { send: () => Promise.reject(new Error("full")) }, /Cannot tell/],
  ];
  for (const [what, ports, said] of failures) {
    it(`leaves it in the log where ${what}`, async () => {
      const { owner, sent, lines } = setUp(ports);
      await owner.tell("one");
      assert.deepEqual(sent, []);
      assert.equal(lines.length, 1);
      assert.match(lines[0]?.event ?? "", said);
      assert.equal(lines[0]?.fields["text"], "one");
    });
  }
});
