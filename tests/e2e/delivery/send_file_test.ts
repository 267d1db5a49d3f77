/** Tests files that the agent sends, as people on Discord see them. */

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { crashPoints } from "../../support/long_form.ts";
import { settleIn } from "../../support/bot/survival.ts";
import { png } from "../../support/files/samples.ts";
import { everythingProgram } from "../../support/model/mcp_everything.ts";

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
  it("a file of its workspace, with its own bytes, and no file behind a link", () =>
    withSimulation(OWNER, async (scene) => {
      const { start, say, mention, replies } = scene;
      const root = place(scene, "chart.png", png(3, 3));
      symlinkSync("/etc/hostname", join(root, "host.txt"));
      await start();
      say("grace", "general", `${mention}\n${call({ file: "chart.png", alt: "A chart" })}`);
      await replies("general", 1);
      const [file] = filesOf(scene);
      assert.deepEqual([file?.filename, file?.bytes], ["chart.png", png(3, 3)]);
      say("grace", "general", `${mention}\n${call({ file: "host.txt" })}`);
      assert.match((await replies("general", 2))[1] ?? "", /is a link/);
      say("ada", "help", `${mention}\n${call({ file: "chart.png" })}`);
      assert.match((await replies("help", 1))[0] ?? "", /cannot be read in this conversation/);
      assert.equal(filesOf(scene).length, 1);
    }));

  it("a new text file for each person", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, replies } = scene;
      await start();
      say("ada", "help", `${mention}\n${call({ text: "noon,3\n", name: "tides.csv" })}`);
      await replies("help", 1);
      const [file] = filesOf(scene);
      assert.deepEqual(
        [file?.filename, new TextDecoder().decode(file?.bytes)],
        ["tides.csv", "noon,3\n"],
      );
    }));

  it("a picture that people see only after a click", () =>
    withSimulation(OWNER, async (scene) => {
      const { start, say, mention, replies } = scene;
      place(scene, "end.png", png(3, 3));
      await start();
      say("grace", "general", `${mention}\n${call({ file: "end.png", spoiler: true })}`);
      await replies("general", 1);
      assert.deepEqual(
        filesOf(scene).map(({ filename, isSpoiler }) => [filename, isSpoiler]),
        [["end.png", true]],
      );
    }));

  it("[L3] a file also if the model writes no words beside it", () =>
    withSimulation({}, async (scene) => {
      const { start, say, mention, until, model, rows } = scene;
      await start();
      model.behave("wordless");
      say("ada", "help", `${mention}\n${call({ text: "noon,3\n", name: "tides.csv" })}`);
      const [file] = await until("the file", () => filesOf(scene).length > 0 && filesOf(scene));
      assert.equal(file?.filename, "tides.csv");
      const state = "SELECT state FROM inbox";
      await until("the answer", () => rows(state)[0]?.["state"] === "answered");
    }));

  it("an image of an MCP server's result", () =>
    withSimulation({
      config: {
        ...OWNER.config,
        mcp: { servers: { all: { ...everythingProgram("stdio"), sandbox: "off" } } },
      },
    }, async (scene) => {
      const { startWithTools, say, mention, replies, model } = scene;
      await startWithTools();
      say("grace", "general", `${mention}\ncall: mcp__all__get-tiny-image {}`);
      await replies("general", 1);
      const [image] = /image:\d+-\d+/.exec(model.requests.at(-1)?.body ?? "") ?? [];
      assert.ok(image);
      say("ada", "help", `${mention}\n${call({ file: image })}`);
      assert.match((await replies("help", 2))[1] ?? "", /no image \d+ of this person's turns/);
      say("grace", "general", `${mention}\n${call({ file: image, name: "tiny.png" })}`);
      await replies("general", 2);
      assert.deepEqual(filesOf(scene).map(({ filename }) => filename), ["tiny.png"]);
    }));

  for (const at of crashPoints(["before:T3"], ["after:TS", "after:T3"])) {
    it(`[D1] a file once, through a crash at ${at}`, () =>
      withSimulation(OWNER, async (scene) => {
        await settleIn(scene);
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
});

describe("[R12] [T3] sendMessage", () => {
  const act = (args: object) =>
    `call: discord ${JSON.stringify({ action: "sendMessage", ...args })}`;
  const post = {
    text: "The tides of today",
    mediaUrl: "chart.png",
    embed: { title: "Tides", color: 255, fields: [{ name: "noon", value: "3 m" }] },
  };

  for (const at of crashPoints([undefined, "before:T4:2"], ["after:T5"])) {
    it(`[D1] posts a file and an embed elsewhere, once${at ? `, through a crash at ${at}` : ""}`, () =>
      withSimulation(OWNER, async (scene) => {
        await settleIn(scene);
        const { start, say, mention, until, simulator, replies } = scene;
        place(scene, "chart.png", png(3, 3));
        const before = simulator.posted("general").length;
        const bot = await start(at ? { BARNACLE_CRASH_AT: at } : {});
        const channelId = String(simulator.channel("help").id);
        const earlier = simulator.posted("help").length;
        say("grace", "general", `${mention}\n${act({ channelId, ...post })}`);
        if (at) {
          assert.deepEqual(await ended(bot), KILLED);
          await start();
        }
        await until("the answer", () => simulator.posted("general").length > before);
        await replies("help", earlier + 1);
        const [message, ...others] = simulator.posted("help").slice(earlier);
        assert.deepEqual(others, []);
        assert.equal(message?.content, post.text);
        assert.deepEqual(message?.attachments.map(({ filename }) => filename), ["chart.png"]);
        assert.match(JSON.stringify(message?.embeds), /"title":"Tides".*"value":"3 m"/);
      }));
  }

  it("writes to a person directly for an owner, and to the asker", () =>
    withSimulation(OWNER, async (scene) => {
      const { start, say, mention, replies, user, simulator } = scene;
      await start();
      const to = (name: string) => act({ userId: user(name).id, text: `hello ${name}` });
      say("ada", "general", `${mention}\n${to("grace")}`);
      assert.match((await replies("general", 1))[0] ?? "", /only an owner of the bot/);
      say("ada", "general", `${mention}\n${to("ada")}`);
      await replies("general", 2);
      say("grace", "general", `${mention}\n${to("mallory")}`);
      await replies("general", 3);
      const direct = simulator.posted().map(({ content }) => content).filter((content) =>
        content.startsWith("hello")
      );
      assert.deepEqual(direct.toSorted(), ["hello ada", "hello mallory"]);
    }));
});
