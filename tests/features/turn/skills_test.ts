/** Tests skills from their folder to the model's request. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

const READ = 'call: read_skill {"name":"tide-table"}';

describe("[T7] the bot", () => {
  it("lists its skills to the model, and reads one when it is needed", () =>
    withSimulation({
      discord: (simulator) => {
        const [krill] = simulator.world.guilds.values();
        assert.ok(krill);
        return { guilds: { [krill.id]: { channels: { "*": {}, help: { skills: [] } } } } };
      },
    }, async ({ start, say, mention, replies, model, dataDir, cli }) => {
      const folder = join(dataDir, "agents", "main", "skills", "tide-table");
      mkdirSync(folder, { recursive: true });
      const front = "---\nname: tide-table\ndescription: Reads tide tables\n---\n";
      writeFileSync(join(folder, "SKILL.md"), `${front}High water comes twice.`);
      mkdirSync(join(folder, "..", "broken"));
      const bot = await start();
      say("grace", "general", `${mention}\n${READ}`);
      assert.match((await replies("general", 1))[0] ?? "", /High water comes twice/);
      assert.match(model.requests.at(-1)?.system ?? "", /^- tide-table: Reads tide tables$/m);
      say("grace", "help", `${mention}\n${READ}`);
      assert.match((await replies("help", 1))[0] ?? "", /no skill "tide-table" here/);
      assert.doesNotMatch(model.requests.at(-1)?.system ?? "", /tide-table:/);
      assert.ok(bot.lines.some((line) => line.includes("A skill cannot be used")));
      const look = async () => (await cli("doctor", "--only", "host")).stdout.join("\n");
      assert.match(await look(), /broken\/SKILL\.md cannot be used: there is no file/);
    }));
});
