/** Tests tools of skills from their file to an answer: an owner confirms each version once (T7a). */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { listening } from "../../support/network/listening.ts";

const TOKEN = "Bearer home-assistant-token-0001";

/** A server at home, which repeats the token that it got. */
async function withHome(play: (origin: string, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = [];
  const server = createServer(({ url = "", headers }, response) => {
    seen.push(`${url} ${headers.authorization}`);
    if (url === "/away") response.writeHead(302, { location: "http://169.254.169.254/" }).end();
    else response.end(JSON.stringify({ lamp: "on", token: headers.authorization }));
  });
  const port = await listening(server);
  try {
    await play(`http://127.0.0.1:${port}`, seen);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const file = (origin: string, path: string, more = "") => `
export const tool = {
  description: "Tells the state of the home.",
  input: { type: "object", properties: { path: { type: "string", default: "${path}" } } },
  hosts: ["${origin}"],
};
export default async function ({ path }, { fetch }) {
  ${more}
  return await (await fetch(path.startsWith("http") ? path : "${origin}" + path)).json();
}
`;

const NOTE = `
export const tool = { description: "Notes the state.", tools: ["memory"] };
export default (_, { call }) => call("memory", { action: "save", text: "the lamp is on" });
`;

/** Presses a button of the newest open card in the owner's direct messages. */
async function decide({ simulator, until }: Scene, text: RegExp, label: string): Promise<void> {
  const { id } = simulator.channel("dm", "ada");
  const card = await until(
    `a card with ${text}`,
    () =>
      simulator.posted(id).findLast((one) =>
        buttonsIn(one.components).length > 0 && text.test(textOf(one))
      ),
  );
  const button = buttonsIn(card.components).find((one) => one.label === label);
  assert.ok(button, textOf(card));
  const customId = button.custom_id;
  simulator.press({ as: "ada", in: "dm", message: card.id, customId });
}

const call = (name: string, input: object = {}) =>
  `call: skill__home__${name} ${JSON.stringify(input)}`;

describe("[T7a] a tool of a skill", () => {
  it("runs once an owner has confirmed exactly this file, and reaches only its hosts", () =>
    withHome((origin, seen) =>
      withSimulation({
        config: {
          commands: { ownerAllowFrom: ["1456074443980800000"] },
          skills: { hosts: { [origin]: { headers: { authorization: "${HOME_TOKEN}" } } } },
        },
      }, async (scene) => {
        const { start, say, mention, replies, until, written, model, dataDir, cli } = scene;
        const folder = join(dataDir, "agents", "main", "skills", "home");
        const write = (name: string, text: string) =>
          writeFileSync(join(folder, "tools", `${name}.js`), text);
        mkdirSync(join(folder, "tools"), { recursive: true });
        writeFileSync(join(folder, "SKILL.md"), "---\nname: home\ndescription: The home\n---\n");
        write("state", file(origin, "/first"));
        write("broken", "export const tool = {\n  description: ;\n};");
        write("note", NOTE);
        const bot = await start({ HOME_TOKEN: TOKEN });
        const answer = (text: RegExp) =>
          until(`${text}`, () => written("general").findLast((one) => text.test(one)));

        say("grace", "general", `${mention}\n${call("state")}`);
        assert.match(
          (await replies("general", 1))[0] ?? "",
          /skill__home__state cannot be used here/,
        );
        const { messages } = model.requests.at(-1) ?? {};
        assert.match(JSON.stringify(messages), /may not use: [^\]]*, skill__home__\*\]/);
        assert.ok(
          bot.lines.some((line) => line.includes("home/tools/broken.js:2:16")),
          `${bot.lines}`,
        );

        say("ada", "general", `${mention}\n${call("state")}`);
        const asked = /home\/state: Tells the state[^]*Hosts: http:\/\/127\.0\.0\.1:\d+ \(as in/;
        await until("the question", () =>
          scene.simulator.posted(scene.simulator.channel("dm", "ada").id).some((one) =>
            asked.test(textOf(one))
          ));
        write("state", file(origin, "/second")); // after the question, before the decision
        await decide(scene, asked, "Allow");
        await answer(/has changed since the owner's decision/);
        assert.deepEqual(seen, []);

        for (const channel of ["general", "off-topic"]) {
          say("ada", channel, `${mention} again\n${call("state")}`);
        }
        const open = () =>
          scene.rows("SELECT 1 FROM question WHERE state = 'open'").length;
        await until("two questions", () =>
          open() === 2);
        await decide(scene, asked, "Allow");
        assert.match(await answer(/"lamp":"on"/), /"token":"\[redacted\]"/);
        await until("the other turn", () => written("off-topic").some((one) => /lamp/.test(one)));
        assert.deepEqual(seen, [`/second ${TOKEN}`, `/second ${TOKEN}`]);

        const refused: readonly [path: string, why: RegExp][] = [
          ["http://169.254.169.254/", /does not declare this host; its header has/],
          ["/away", /it redirects to another address/],
        ];
        for (const [path, why] of refused) {
          say("ada", "general", `${mention} and\n${call("state", { path })}`);
          assert.match(await answer(why), /home\/tools\/state\.js:\d+:\d+/);
        }
        assert.equal(seen.length, 3, "the address itself was never asked");

        say("ada", "general", `${mention} note it\n${call("note")}`);
        const note = /home\/note: Notes[^]*Tools: memory/;
        await decide(scene, note, "Allow");
        const receipts = await answer(/-# .*`home: note` run/);
        assert.match(receipts, /-# ✓ `home: note` run · ✓ note \d+ saved$/m);
        const rules = (await cli("approvals", "rules")).stdout;
        const rule = rules.find((one) => /skills +allowed +home\/note/.test(one));
        const [id = ""] = rule?.trim().split(/ +/) ?? [];
        assert.deepEqual((await cli("approvals", "revoke", id)).stdout, [`${id} revoked`]);
        assert.match((await cli("approvals", "revoke", id)).stderr.join(), /there is no rule/);
        say("ada", "general", `${mention} note it again\n${call("note")}`);
        await decide(scene, note, "Deny");
        await answer(/an owner has denied this version of the tool home\/note/);
        assert.match((await cli("approvals", "rules")).stdout.join("\n"), /denied +home\/note/);

        write("state", file(origin, "/third", "null.x;"));
        say("ada", "general", `${mention} once more\n${call("state")}`);
        await decide(scene, asked, "Deny");
        await answer(/an owner has denied this version of the tool home\/state/);
        say("ada", "general", `${mention} please\n${call("state")}`);
        await until("the second denial", () =>
          written("general").filter((one) =>
            /has denied this version/.test(one)
          ).length === 2);

        const check = await cli("skill", "check");
        assert.match(check.stderr.join("\n"), /skills\.hosts.*authorization: .*HOME_TOKEN/);
        assert.match(check.stdout.join("\n"), /home\/state .* may change things/);
        assert.match(check.stderr.join("\n"), /home\/tools\/broken\.js:2:16/);
        const words = 'export default () => { console.log("1\\n2"); null.x; };';
        write("words", `export const tool = { description: "x" };\n${words}`);
        assert.match((await cli("skill", "test", "words")).stderr.join("\n"), /^1\n2$/m);
        const tried = await cli("skill", "test", "state", "{}");
        assert.match(
          tried.stderr.join("\n"),
          /cannot read property 'x' of null .*state\.js:\d+:\d+/,
        );
      })
    ));
});
