/** Tests the line of receipts where people meet it: after lies, and for turns that no message began. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const save = 'call: memory {"action":"save","text":"tea"}';
const forgetNone = 'call: memory {"action":"delete","id":99999}';
const roleOf = ({ user }: Scene) =>
  `call: discord ${JSON.stringify({ action: "roleAdd", userId: user("grace").id, roleId: "1" })}`;

const topicOf = ({ simulator, here }: Scene) =>
  `call: discord ${
    JSON.stringify({ action: "channelEdit", channelId: simulator.channel(here).id, topic: "t" })
  }`;

/** The lines under an answer. */
const under = (answer: string | undefined) =>
  (answer ?? "").split("\n").filter((line) => line.startsWith("-# ")).join("\n");

describe("[R15a] the receipts of an answer", () => {
  const secret = "hook-canary-7Rt4Kd9Vm3Yc65Wq8Zt2Lx";
  const hook = {
    to: "channel:1456074443980800010",
    secret,
    tools: ["memory", "discord"],
    template: "{{ text }}",
  };
  const play = sharedBot({
    config: {
      commands: { ownerAllowFrom: ["1456074443980800000"] },
      messages: { receipts: "always" },
      http: { port: 0, hooks: { port: 0 } },
      hooks: { disk: hook },
    },
    mayRefuse: ({ path }) => /\/members\/\d{1,9}$/.test(path), // a hook is no member
  });

  it("tell the truth in 40 conversations whose model says that all is done", () =>
    play(async (scene) => {
      const { here, say, mention, replies } = scene;
      const parts = [
        { call: roleOf(scene), mark: /^✗ role not added <@\d+> <@&1>: / }, // it stands first
        { call: save, mark: /^✓ note \d+ saved$/ },
        { call: forgetNone, mark: /^✓ note 99999 not there$/ },
        { call: 'call: memory {"action":"search","query":"tea"}', mark: undefined },
      ];
      for (let round = 0; round < 40; round++) {
        const asked = parts.filter((_part, at) => (round >> at) % 2 === 1);
        const lie = `-# ✓ role added · ✓ note ${round} deleted`;
        const calls = asked.map(({ call }) => call);
        say("grace", here, [`${mention} ${lie}, all is done.`, ...calls].join("\n"));
        const answer = (await replies(here, round + 1)).at(-1);
        const marks = asked.flatMap(({ mark }) => mark ?? []);
        const items = under(answer).replace("-# ", "").split(" · ");
        assert.equal(items.length, Math.max(1, marks.length), answer);
        for (const [at, item] of items.entries()) {
          assert.match(item, marks[at] ?? /^Nothing was changed$/, answer);
        }
      }
    }));

  it("stand under the answer of a scheduled task", () =>
    play(async ({ here, say, mention, replies }) => {
      const task = { action: "create", when: "1s", text: save, task: true };
      say("grace", here, `${mention}\ncall: remind ${JSON.stringify(task)}`);
      const [set, answer] = await replies(here, 2);
      assert.match(under(set), /^-# ✓ task \d+ set <t:\d+:f>$/);
      assert.match(under(answer), /^-# ✓ note \d+ saved$/);
    }));

  it("stand under the answer to an event of a hook, which has the rights of no member", () =>
    play(async (scene, bot) => {
      const { address } = JSON.parse(await scene.line(bot, /"Listening for hooks"/)).fields;
      const sent = await fetch(`${address}disk`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        body: JSON.stringify({ text: `full\n${save}\n${topicOf(scene)}` }),
      });
      const { id } = await sent.json();
      const [answer] = await scene.replies("general", 1);
      const line = /✗ channel not edited <#\d+>: refused · ✓ note \d+ saved/;
      assert.match(under(answer), line);
      assert.match((await scene.cli("why", id)).stdout.join("\n"), line);
    }));

  it("stand under the answer that a command has begun whose own answer is ephemeral", () =>
    play(async (scene) => {
      const { here, simulator, until, replies } = scene;
      for (const to of ["helpers", "Barnacle"]) {
        simulator.permit({ to, what: "manageChannels", as: "allowed" });
      }
      const value = `${save}\n${topicOf(scene)}`;
      const options = [{ type: 3, name: "message", value }];
      simulator.command({ as: "ada", in: here, name: "new", options });
      const [answer] = await replies(here, 1);
      assert.match(under(answer), /^-# ✓ note \d+ saved · ✓ channel edited <#\d+>$/);
      simulator.command({ as: "ada", in: here, name: "undo" });
      const marked = await until(
        "the mark",
        () => simulator.posted(simulator.channel(here).id).find(({ content }) => /↩/.test(content)),
      );
      assert.match(under(marked.content), /^-# ✓ note \d+ saved · ↩ channel edited <#\d+>$/);
      assert.equal(marked.components?.length ?? 0, 0, "nothing can be taken back any more");
      assert.equal(simulator.ephemeral("ada").length, 2);
    }));
});

describe("[R15a] messages.receipts", () => {
  it("off › adds no line, and `barnacle why` shows the receipts", () =>
    withSimulation({ config: { messages: { receipts: "off" } } }, async (scene) => {
      await scene.start();
      const { id } = scene.say("grace", "general", `${scene.mention}\n${save}`);
      assert.equal(under((await scene.replies("general", 1))[0]), "");
      assert.match((await scene.cli("why", id)).stdout.join("\n"), /✓ note \d+ saved/);
    }));
});

describe("[R15a] the receipts of two accounts", () => {
  it("stand under the answer of the account that acted", () =>
    withSimulation({}, async ({ simulator, start, say, mention, replies, until, rewrite }) => {
      const squid = simulator.addBot({ username: "Squid", guilds: ["Krill & Co"] });
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      rewrite({
        discord: () => ({
          guilds: { [krill.id]: { channels: { "*": {} } } },
          accounts: { squid: { token: "${SQUID_TOKEN}" } },
        }),
      });
      await start({ SQUID_TOKEN: squid.token });
      await until("both to be online", () => simulator.connected() === 2);
      say("grace", "general", `${mention} hello`);
      say("grace", "help", `<@${squid.userId}>\n${save}`);
      assert.equal(under((await replies("general", 1))[0]), "");
      const [told] = await until("Squid's answer", () => {
        const posted = simulator.posted(undefined, squid);
        return posted.length > 0 && posted;
      });
      assert.match(under(told?.content), /^-# ✓ note \d+ saved$/);
    }));
});
