/** Tests files that the agent sends, as people on Discord see them. */

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { png } from "../../support/files/samples.ts";
import { IS_LONG } from "../../support/long_form.ts";

const OWNER = { config: { commands: { ownerAllowFrom: ["grace"] } } };

/** Puts a file into the workspace of the bot. */
function place({ dataDir }: Scene, name: string, bytes: Uint8Array): string {
  const root = join(dataDir, "agents", "main");
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, name), bytes);
  return root;
}

const filesOf = ({ simulator }: Scene) =>
  simulator.posted().flatMap(({ attachments }) => attachments);

const call = (args: object) => `call: send_file ${JSON.stringify(args)}`;

describe("[R12] the agent sends", () => {
  const play = sharedBot(OWNER);

  it("[L3] files of its workspace, none behind a link, and new ones, also without words", () =>
    play(async (scene) => {
      const { say, mention, replies, until, model, eventually, rows, here } = scene;
      const root = place(scene, "chart.png", png(3, 3));
      symlinkSync("/etc/hostname", join(root, "host.txt"));
      say("grace", here, `${mention}\n${call({ file: "chart.png", alt: "A chart" })}`);
      await replies(here, 1);
      const [file] = filesOf(scene);
      assert.deepEqual([file?.filename, file?.bytes], ["chart.png", png(3, 3)]);
      say("grace", here, `${mention}\n${call({ file: "host.txt" })}`);
      assert.match((await replies(here, 2))[1] ?? "", /is a link/);
      say("ada", "help", `${mention}\n${call({ file: "chart.png" })}`);
      assert.match((await replies("help", 1))[0] ?? "", /cannot be read in this conversation/);
      assert.equal(filesOf(scene).length, 1);

      // People see it only after a click.
      say("grace", here, `${mention}\n${call({ file: "chart.png", spoiler: true })}`);
      await replies(here, 3);
      assert.deepEqual(filesOf(scene).map(({ isSpoiler = false }) => isSpoiler), [false, true]);

      const table = call({ text: "noon,3\n", name: "tides.csv" });
      const isTable = ({ filename, bytes }: ReturnType<typeof filesOf>[number]) =>
        filename === "tides.csv" && new TextDecoder().decode(bytes) === "noon,3\n";
      say("ada", "help", `${mention}\n${table}`);
      await replies("help", 2);
      assert.equal(filesOf(scene).filter(isTable).length, 1);
      model.behave("wordless"); // no words beside the file
      say("ada", "help", `${mention}\n${table}`);
      await until("the file", () => filesOf(scene).filter(isTable).length === 2);
      const open = "SELECT 1 FROM inbox WHERE state <> 'answered'";
      await eventually("the answer", () => Promise.resolve(rows(open).length === 0));
    }));

  for (const at of ["after:TS", "after:T3", ...(IS_LONG ? ["before:T3"] : [])]) {
    it(`[D1] a file once, through a crash at ${at}`, () =>
      withSimulation(OWNER, async (scene) => {
        const { start, say, mention, until } = scene;
        place(scene, "chart.png", png(3, 3));
        const dying = await start({ BARNACLE_CRASH_AT: at });
        say("grace", "general", `${mention}\n${call({ file: "chart.png" })}`);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await until("the file", () => filesOf(scene).length > 0);
        assert.deepEqual(filesOf(scene).map(({ filename }) => filename), ["chart.png"]);
      }));
  }

  describe("[R12] [T3] sendMessage", () => {
    const act = (args: object) =>
      `call: discord ${JSON.stringify({ action: "sendMessage", ...args })}`;
    const post = {
      text: "The tides of today",
      mediaUrl: "chart.png",
      embed: { title: "Tides", color: 255, fields: [{ name: "noon", value: "3 m" }] },
    };

    for (const at of [undefined, "before:T4:2", "after:T5"]) {
      it(`[D1] posts a file and an embed elsewhere, once${at ? `, through a crash at ${at}` : ""}`, () =>
        (at ? withSimulation.bind(undefined, OWNER) : play)(async (scene) => {
          const { start, say, mention, until, simulator, replies, here } = scene;
          place(scene, "chart.png", png(3, 3));
          const dying = at && await start({ BARNACLE_CRASH_AT: at });
          const channelId = String(simulator.channel("help").id);
          say("grace", here, `${mention}\n${act({ channelId, ...post })}`);
          if (dying) {
            assert.deepEqual(await ended(dying), KILLED);
            await start();
          }
          await until("the answer", () => simulator.posted(here).length > 0);
          await replies("help", 1);
          const [message, ...others] = simulator.posted("help");
          assert.deepEqual(others, []);
          assert.equal(message?.content, post.text);
          assert.deepEqual(message?.attachments.map(({ filename }) => filename), ["chart.png"]);
          assert.match(JSON.stringify(message?.embeds), /"title":"Tides".*"value":"3 m"/);
        }));
    }
  });
});
