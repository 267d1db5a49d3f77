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

  it("tells nobody that nobody could be told, not even the first thing after a start", async () => {
    const { owner, sent, lines } = setUp();
    await owner.tell("nothing gets to you", DM);
    assert.deepEqual(sent, []);
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
    await owner.tell("nothing gets there", channelId("10"));
    assert.deepEqual(sent, ["9 nothing gets there"]);
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
