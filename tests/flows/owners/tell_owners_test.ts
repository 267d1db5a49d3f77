import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOwners, type OwnersPorts } from "../../../src/flows/owners/tell_owners.ts";
import { channelId, userId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const OWNER = userId("5");
const DM = channelId("9");

function setUp(ports: Partial<OwnersPorts> = {}) {
  const { log, lines } = recordingLog();
  const sent: string[] = [];
  let opened = 0;
  const owner = createOwners({
    ownerIds: () => Promise.resolve([OWNER]),
    openDirect(id) {
      assert.equal(id, OWNER);
      opened += 1;
      return Promise.resolve(DM);
    },
    isRefused: (error) => error instanceof Error && error.message === "50007",
    send(channel, text) {
      sent.push(`${channel} ${text}`);
      return Promise.resolve();
    },
    log,
    ...ports,
  });
  return { owner, sent, lines, opened: () => opened };
}

describe("[R11] createOwners()", () => {
  it("sends the owner a direct message, and opens the channel once", async () => {
    const { owner, sent, opened } = setUp();
    await owner.tell("one");
    await owner.tell("two");
    assert.deepEqual(sent, ["9 one", "9 two"]);
    assert.equal(opened(), 1);
  });

  it("sends no notice about a failed notice, not even the first after a start", async () => {
    const { owner, sent, lines } = setUp();
    await owner.tell("nothing gets to you", { about: DM });
    assert.deepEqual(sent, []);
    assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
    await owner.tell("nothing gets there", { about: channelId("10") });
    assert.deepEqual(sent, ["9 nothing gets there"]);
  });

  it("notifies each of several owners, even if one cannot be reached", async () => {
    const { owner, sent, lines } = setUp({
      ownerIds: () => Promise.resolve([OWNER, userId("6"), userId("7")]),
      openDirect: (id) =>
        id === userId("6") ? Promise.reject(new Error("50007")) : Promise.resolve(channelId(id)),
    });
    await owner.tell("one");
    assert.deepEqual(sent, ["5 one", "7 one"]);
    assert.deepEqual(lines.map(({ level, fields }) => [level, fields["owner"]]), [["warn", "6"]]);
  });

  it("[P3] reach() logs no text, because it may have a pairing code", async () => {
    for (const ports of [{ ownerIds: () => Promise.resolve([]) }, {}]) {
      const { owner, lines } = setUp(ports);
      assert.equal(await owner.reach("the code is ABCD2345", { about: DM }), 0);
      assert.match(lines[0]?.event ?? "", /a notice was not sent/);
      assert.doesNotMatch(JSON.stringify(lines), /ABCD2345/);
    }
  });

  it("[P3] names owners to health after a refusal, until a notice arrives or they are no owners", async () => {
    const world = { owners: [OWNER, userId("6")], refusal: "50007" };
    const { owner } = setUp({
      ownerIds: () => Promise.resolve(world.owners),
      openDirect: () =>
        world.refusal === "" ? Promise.resolve(DM) : Promise.reject(new Error(world.refusal)),
    });
    const named = () => owner.findings().map(({ id, why }) => [id, /owner \d+: .*/.exec(why)?.[0]]);
    await assert.rejects(owner.reach("one"), /50007/);
    assert.deepEqual(named(), [
      ["owners:reached", "owner 5: 50007"],
      ["owners:reached", "owner 6: 50007"],
    ]);
    world.owners = [OWNER];
    await owner.reconfigured();
    assert.deepEqual(named(), [["owners:reached", "owner 5: 50007"]]);
    world.owners = [OWNER, userId("6")];
    await assert.rejects(owner.reach("two"), /50007/);
    world.refusal = "";
    assert.equal(await owner.reach("three"), 2);
    assert.deepEqual(named(), []);
    world.owners = [userId("7")];
    world.refusal = "no connection";
    await assert.rejects(owner.reach("four"));
    assert.deepEqual(named(), [], "a failure that passes is no refusal");
  });

  const failures: readonly [what: string, ports: Partial<OwnersPorts>, said: RegExp][] = [
    ["Discord names none", { ownerIds: () => Promise.resolve([]) }, /has no owner/],
    [
      "Discord does not answer",
      { ownerIds: () => Promise.reject(new Error("502")) },
      /Cannot send a notice/,
    ],
    [
      "the channel cannot be opened",
      { openDirect: () => Promise.reject(new Error("50007")) },
      /Cannot send a notice/,
    ],
    [
      "the store is full",
      { send: () => Promise.reject(new Error("full")) },
      /Cannot send a notice/,
    ],
  ];
  for (const [what, ports, said] of failures) {
    it(`logs the notice if ${what}`, async () => {
      const { owner, sent, lines } = setUp(ports);
      await owner.tell("one");
      assert.deepEqual(sent, []);
      assert.equal(lines.length, 1);
      assert.match(lines[0]?.event ?? "", said);
      assert.equal(lines[0]?.fields["text"], "one");
    });
  }
});
