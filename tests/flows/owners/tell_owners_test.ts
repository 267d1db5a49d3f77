import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  filesLeftOut,
  filesRefused,
  ownerFindings,
  ownerRefused,
  reachOwners,
  tellFailedEvent,
  tellLost,
  tellOwners,
  tellParked,
  tellRefusedParts,
} from "../../../src/flows/owners/tell_owners.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { channelId, guildMessage } from "../../support/discord/builders.ts";
import { type Answer, refused } from "../../support/discord/answers.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { discordWith, GUILD, HELP } from "../../support/discord/guild.ts";

const [ADA, BOB] = ["900000000000000001", "900000000000000002"];
const CLOSED = refused(403, 50007);
const listing = (...owners: readonly string[]) => ({ commands: { ownerAllowFrom: owners } });

/** An account whose direct channels have the ids of their people. */
async function build(owners: object = listing(ADA), answer: Answer = () => undefined) {
  const scene = await testAccount({
    beside: owners,
    answer: (request) =>
      answer(request) ??
        (request.path === "/users/@me/channels" ? { id: request.body["recipient_id"] } : undefined),
  });
  const opened = () => scene.requests.filter(({ path }) => path === "/users/@me/channels").length;
  return { ...scene, opened };
}

/** Refuses a direct channel with one person. */
const closedTo = (person: string): Answer => ({ body }) =>
  body["recipient_id"] === person ? CLOSED : undefined;

describe("[R11] tellOwners()", () => {
  it("sends the owner a direct message, and opens the channel once", async () => {
    const { account, posted, opened } = await build();
    await tellOwners(account, "one");
    await tellOwners(account, "two");
    assert.deepEqual([posted(), opened()], [["one", "two"], 1]);
  });

  it("sends no notice about a failed notice, not even the first after a start", async () => {
    const { account, posted, lines } = await build();
    await tellOwners(account, "nothing gets to you", { about: channelId(ADA) });
    assert.deepEqual([posted(), lines.map(({ level }) => level)], [[], ["warn"]]);
    await tellOwners(account, "nothing gets there", { about: channelId(BOB) });
    assert.deepEqual(posted(), ["nothing gets there"]);
  });

  it("notifies each of several owners, even if one cannot be reached", async () => {
    const { account, posted, lines } = await build(listing(ADA, BOB), closedTo(BOB));
    await tellOwners(account, "one");
    assert.deepEqual(posted(), ["one"]);
    assert.deepEqual(lines.map(({ level, fields }) => [level, fields["owner"]]), [["warn", BOB]]);
  });

  it("[P3] logs no text of a notice that must arrive, because it may have a pairing code", async () => {
    for (const owners of [[], [ADA]]) {
      const nameless: Answer = ({ path }) =>
        path === "/applications/@me" ? { id: "99" } : undefined;
      const { account, lines } = await build(
        owners.length > 0 ? listing(...owners) : { commands: {} },
        nameless,
      );
      const about = channelId(ADA);
      assert.equal(await reachOwners(account, "the code is ABCD2345", { about }), 0);
      assert.match(lines[0]?.event ?? "", /a notice was not sent/);
      assert.doesNotMatch(JSON.stringify(lines), /ABCD2345/);
    }
  });

  it("[P3] names owners to health after a refusal, until a notice arrives or they are no owners", async () => {
    let fault: Error | undefined = CLOSED;
    const { account, reload, quiet } = await build(
      listing(ADA, BOB),
      ({ path }) => path === "/users/@me/channels" ? fault : undefined,
    );
    const named = () => ownerFindings(account).map(({ why }) => /owner (\d+): .*/.exec(why)?.[1]);
    await assert.rejects(reachOwners(account, "one"), CLOSED);
    assert.deepEqual(named(), [ADA, BOB]);
    await reload({}, listing(ADA));
    assert.deepEqual(named(), [ADA]);
    await reload({}, listing(ADA, BOB));
    fault = undefined;
    assert.equal(await reachOwners(account, "two"), 2);
    assert.deepEqual(named(), []);
    ownerRefused(account, { channelId: channelId(ADA), reason: "closed" });
    assert.deepEqual(named(), [ADA]);
    await tellOwners(account, "three");
    await quiet(); // Discord has it
    assert.deepEqual(named(), []);
    account.live.length = 0;
    fault = new RestError("no connection", { kind: "unsent", route: "" });
    await assert.rejects(reachOwners(account, "four"));
    assert.deepEqual(named(), [], "a failure that passes is no refusal");
  });

  const nobody = { commands: {} };
  const failures: readonly [what: string, owners: object, answer: Answer, said: RegExp][] = [
    [
      "Discord names no owner",
      nobody,
      ({ path }) => path === "/applications/@me" ? { id: "99" } : undefined,
      /has no owner/,
    ],
    [
      "Discord does not answer",
      nobody,
      ({ path }) =>
        path === "/applications/@me"
          ? new RestError("502", { kind: "unavailable", route: "" })
          : undefined,
      /Cannot send a notice/,
    ],
    ["the channel cannot be opened", listing(ADA), closedTo(ADA), /Cannot send a notice/],
  ];
  for (const [what, owners, answer, said] of failures) {
    it(`logs the notice if ${what}`, async () => {
      const { account, posted, lines } = await build(owners, answer);
      await tellOwners(account, "one");
      assert.deepEqual(posted(), []);
      assert.match(lines[0]?.event ?? "", said);
      assert.equal(lines[0]?.fields["text"], "one");
    });
  }

  it("logs the notice if the store is full", async () => {
    const { account, store, lines } = await build();
    Object.assign(store.outbox, { addAll: () => Promise.reject(new Error("full")) });
    await tellOwners(account, "one");
    assert.equal(lines[0]?.fields["text"], "one");
  });
});

const PLACE = { channelId: HELP, guildId: GUILD };
const DENIED = "cannot attach files in #help: Attach Files is denied for the role Krill";

describe("[R12a] notices about files", () => {
  it("tell the owners once about a channel, also after a restart", async () => {
    const { account, posted, quiet } = await testAccount({ answer: discordWith({}) });
    filesRefused(account, { ...PLACE, reason: DENIED });
    filesRefused(account, { ...PLACE, reason: DENIED });
    await quiet();
    account.live.length = 0; // a new process
    filesLeftOut(account, PLACE);
    await quiet();
    assert.equal(posted().length, 1);
    assert.match(posted()[0] ?? "", /Attach Files is denied for the role Krill/);
  });

  for (
    const [isDown, said] of [[true, /Attach Files is missing/], [false, /Attach Files/]] as const
  ) {
    it(`name the permission if Discord ${isDown ? "cannot" : "can"} be asked for the cause`, async () => {
      const world = { isDown: false };
      const { account, posted, quiet } = await testAccount({
        answer: (request) =>
          /^\/guilds|^\/channels\/\d+$/.test(request.path) && isDown
            ? new Error("offline")
            : discordWith(world)(request),
      });
      filesLeftOut(account, PLACE);
      await quiet();
      assert.match(posted()[0] ?? "", said);
    });
  }
});

describe("[D5] notices about undelivered messages", () => {
  const REASONS: readonly (readonly [reason: string, shown: string])[] = [
    ["denied for the role __Mods__", "denied for the role \\_\\_Mods\\_\\_"],
    ["the role 👩\u200d💻 نمی\u200cخواهم", "the role 👩\u200d💻 نمی\u200cخواهم"],
    ["cannot post in #*ops*", "cannot post in #\\*ops\\*"],
    ["timed out until 2026-11-29T10:00:00.500Z", "timed out until <t:1795946400:f>"],
  ];
  it("show reasons as they are written, and times in the zone of the reader", async () => {
    for (const [reason, shown] of REASONS) {
      const { account, posted, quiet } = await testAccount();
      tellParked(account, { ...PLACE, reason });
      await tellLost(account, { ...PLACE, reason, count: 1, key: "one" });
      await quiet();
      assert.equal(posted().length, 2);
      for (const text of posted()) assert.ok(text.includes(shown) && text.includes(HELP), text);
    }
  });
});

it("[L3] tellRefusedParts() tells a refused part once, for any reasons", async () => {
  const { account, quiet, posted } = await testAccount();
  const part = { modelId: "p/m", part: "the tool `x`", fix: "deny it", reason: "request 1", at: 0 };
  const refused = () => [part, { ...part, reason: "request 2" }];
  Object.assign(account.settings.models, { refused });
  for (let turn = 0; turn < 2; turn++) {
    tellRefusedParts(account);
    await quiet();
  }
  assert.deepEqual(posted(), [
    "The server of my model `p/m` refuses the tool `x`. I leave that out. To fix it, deny it.",
  ]);
});

it("[R11] tellFailedEvent() tells once a day for each hook", async () => {
  const { account, pass, posted } = await testAccount();
  const failed = async (hook: string) => {
    tellFailedEvent(account, guildMessage(), { hook, count: 1, post: "" });
    await pass(1_000);
    return posted().length;
  };
  assert.deepEqual([await failed("a"), await failed("a"), await failed("b")], [1, 1, 2]);
  await pass(86_400_000);
  assert.equal(await failed("a"), 3);
});
