import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { approvals, pairingOffer } from "../../../src/flows/inbound/stored.ts";
import { nonceOf } from "../../../src/core/outbound/outbound.ts";
import { directMessage, guildId } from "../../support/discord/builders.ts";
import { type AtDiscord, discordWith } from "../../support/discord/guild.ts";
import { OWNER, testAccount } from "../../support/bot/test_account.ts";
import { guildJoined } from "../../../src/flows/inbound/guild_joined.ts";
import { refused } from "../../support/discord/answers.ts";
import { guildData } from "../../support/discord/payloads.ts";

describe("[P3] pairingOffer()", () => {
  const offer = (message = directMessage()) => pairingOffer({ draw: randomBytes }, message);

  it("[SEC-R13] draws codes of eight unmistakable letters", () => {
    const codes = Array.from({ length: 200 }, () => offer().code);
    for (const code of codes) assert.match(code, /^[A-HJ-NP-Z2-9]{8}$/);
    assert.equal(new Set(codes).size, 200);
  });

  it("tells the stranger the code and their id, in one message", () => {
    const message = directMessage({ revision: 1 });
    const { code, messages: [frozen, ...more] } = offer(message);
    assert.deepEqual(more, []);
    assert.match(frozen!.message.content, new RegExp(`\`barnacle pairing approve ${code}\``));
    assert.match(frozen!.message.content, /123456789012345678/);
    assert.equal(frozen!.message.channelId, message.channelId);
    const answer = { cause: message.id, revision: 1, kind: "challenge" } as const;
    assert.equal(frozen!.message.nonce, nonceOf(answer, 0));
    assert.deepEqual(frozen!.message.pings, { users: [], roles: [], quotedAuthor: false });
  });
});

/** An account that pairs, with an owner whom it can write to. */
async function build(world: AtDiscord = {}) {
  const scene = await testAccount({
    discord: { dm: { policy: "pairing" } },
    answer: discordWith(world),
  });
  const { account, rows } = scene;
  let senders = 0;
  return {
    ...scene,
    world,
    start: () => approvals.start(account),
    /** An unpaired person writes. */
    writes: () =>
      scene.dm("hello", {
        author: { id: String(300000000000000000n + BigInt(senders++)), username: "ada" },
      }),
    told: () =>
      rows(
        "SELECT message FROM outbox WHERE message ->> '$.buttons' IS NOT NULL ORDER BY id",
      ).map(({ message }) => JSON.parse(String(message))),
    reported: () =>
      rows("SELECT is_reported FROM pairing_request").map(({ is_reported }) => is_reported),
  };
}

describe("[P3] approvals", () => {
  it("ask the owners with two buttons, and record that they know", async () => {
    const { start, writes, told, reported, requests } = await build();
    start();
    await writes();
    const [{ content, buttons }, ...more] = told();
    assert.deepEqual(more, []);
    assert.match(content, /`ada` \(300000000000000000\)/);
    assert.deepEqual(buttons.map(({ label }: { readonly label: string }) => label), [
      "Approve",
      "Deny",
    ]);
    assert.deepEqual(reported(), [1]);
    assert.equal(requests[0]?.body["recipient_id"], OWNER);
  });

  it("give the stranger their code, and write none into the log", async () => {
    const { start, writes, lines, posted, rows } = await build();
    start();
    await writes();
    const code = String(rows("SELECT code FROM pairing_request")[0]?.["code"]);
    assert.match(posted()[0] ?? "", new RegExp(code));
    const line = lines.find(({ event }) => event.startsWith("An unpaired sender"));
    assert.equal(line?.fields["userId"], "300000000000000000");
    assert.doesNotMatch(JSON.stringify(lines), new RegExp(`${code}|pairing:`));
  });

  it("send requests after the start that the last process left", async () => {
    const { start, writes, told, reported, quiet } = await build();
    await writes();
    assert.deepEqual([told(), reported()], [[], [0]]);
    start();
    await quiet();
    assert.deepEqual([told().length, reported()], [1, [1]]);
  });

  it("ask once, and say so, if Discord lets the bot write to no owner", async () => {
    const { start, writes, reported, requests, pass, lines } = await build({ refusesDirect: true });
    start();
    await writes();
    await pass(60_000);
    assert.equal(requests.filter(({ path }) => path === "/users/@me/channels").length, 1);
    assert.deepEqual(reported(), [0]);
    assert.ok(lines.some(({ event }) => /^No owner can be told .* `barnacle pair/.test(event)));
  });

  it("ask once more after a reload, which may name other owners", async () => {
    const { account, start, writes, world, told, reported, quiet } = await build({
      refusesDirect: true,
    });
    start();
    await writes();
    world.refusesDirect = false;
    await approvals.restart(account);
    await approvals.restart(account);
    await quiet();
    assert.deepEqual([told().length, reported()], [1, [1]]);
  });

  it("retry while no owner is reachable, until the code expires", async () => {
    const { start, writes, world, told, pass, clock } = await build();
    start();
    world.isDown = true;
    await writes();
    world.isDown = false;
    await pass(60_000);
    assert.equal(told().length, 1);

    const { start: begin, writes: write, ...other } = await build({ isDown: true });
    begin();
    await write();
    other.clock.sleep(60 * 60_000);
    other.world.isDown = false;
    await other.pass(60_000);
    assert.equal(other.told().length, 0);
    assert.ok(clock.now() > 0);
  });

  it("send no second message if only the store fails, also after a reload", async () => {
    const { account, start, writes, store, told, reported, pass } = await build();
    start();
    const { markReported } = store.pairing;
    Object.assign(store.pairing, { markReported: () => Promise.reject(new Error("disk full")) });
    await writes();
    Object.assign(store.pairing, { markReported });
    await approvals.restart(account);
    await pass(60_000);
    assert.deepEqual([told().length, reported()], [1, [1]]);
  });

  it("leave interrupted requests to the next start", async () => {
    const { account, start, writes, world, told, pass } = await build({ isDown: true });
    start();
    await writes();
    await approvals.stop(account);
    world.isDown = false;
    await pass(60_000);
    assert.deepEqual(told(), []);
  });
});

const ID = guildId("1400000000000000010");
const OPEN = guildId("1400000000000000099");
const UNLISTED = { guilds: { [OPEN]: {} } };

describe("[P6a] a guild that the bot was added to", () => {
  it("is told to the owner with name, id, rule and command, unless it is open", async () => {
    const { account, quiet, receive, posted } = await testAccount({ discord: UNLISTED });
    guildJoined(account, { id: OPEN, name: "Open" });
    await receive("GUILD_CREATE", guildData({ id: ID }));
    await quiet();
    assert.deepEqual(posted(), [
      `I was added to \`Friends\` (${ID}), but my config (\`channels.discord.guilds\`) keeps me ` +
      `silent there. To allow it: \`barnacle config set channels.discord.guilds.${ID} '{}'\``,
    ]);
  });

  it("is told with others of ten minutes in one message", async () => {
    const { account, clock, pass, posted } = await testAccount({ discord: UNLISTED });
    guildJoined(account, { id: ID, name: "Friends" });
    await pass(0);
    for (let at = 1; at <= 6; at++) {
      guildJoined(account, { id: guildId(`140000000000000002${at}`), name: `G${at}` });
    }
    await pass(599_999);
    assert.equal(posted().length, 1);
    await pass(1);
    assert.match(posted()[1] ?? "", /6 servers .*`G1`.*`G5` \(\d+\), …/);
    await pass(1_200_000);
    assert.deepEqual([posted().length, clock.pending], [2, 0]);
  });

  it("is told once Discord lets the bot write, and not at all if it never will", async () => {
    for (const isFinal of [false, true]) {
      let isDown = true;
      const { account, pass, posted, lines } = await testAccount({
        discord: UNLISTED,
        answer({ path }) {
          if (path !== "/users/@me/channels" || !isDown) return undefined;
          return isFinal ? refused(403, 50007) : new Error("offline");
        },
      });
      guildJoined(account, { id: ID, name: "Friends" });
      await pass(0);
      isDown = false;
      await pass(1_200_000, 60_000);
      assert.equal(posted().length, isFinal ? 0 : 1);
      assert.equal(lines.some(({ event }) => event.startsWith("No owner can be told")), isFinal);
    }
  });

  it("is opened alone by the command if guilds are switched off", async () => {
    const { account, quiet, posted } = await testAccount({ discord: { groupPolicy: "disabled" } });
    guildJoined(account, { id: ID, name: "x`\n@everyone `barnacle config set" });
    await quiet();
    assert.match(
      posted()[0] ?? "",
      /guilds\.\d+ '\{\}' && barnacle config set channels\.discord\.groupPolicy allowlist`$/,
    );
    assert.match(posted()[0] ?? "", /^I was added to `xˋ @everyone ˋbarnacle [^`]*` \(/);
  });
});
