/** Tests the line of receipts where people meet it: after lies, and for turns that no message began. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Scene } from "../../support/bot/e2e.ts";
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
});
