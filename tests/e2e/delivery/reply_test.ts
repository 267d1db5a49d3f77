/** Tests the form of an answer on Discord. */

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ended, type Ran, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { png } from "../../support/files/samples.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

describe("[R1] [R2] [R4] [R10] an answer on Discord", () => {
  const play = sharedBot({});

  it("[R4] pings only the asker, although the model writes other mentions", async () => {
    let loud = "";
    await using model = await startFixedModel(() => loud);
    await play(async ({ say, mention, replies, user, simulator, here }) => {
      const [krill] = simulator.world.guilds.values();
      loud = `@everyone @here <@${user("mallory").id}> <@&${krill?.id}> <@${user("grace").id}>`;
      say("grace", here, `${mention} call everyone`);
      await replies(here, 1);
      const [message] = simulator.posted(here);
      assert.equal(message?.content, loud);
      assert.deepEqual(message?.pings, { users: [user("grace").id], roles: [], everyone: false });
      const { body } = simulator.requests.records().find(({ method, path }) =>
        method === "POST" && path.endsWith("/messages") // and not typing
      ) ?? {};
      assert.deepEqual((body as { allowed_mentions: unknown }).allowed_mentions, {
        parse: [],
        users: [user("grace").id],
        roles: [],
        replied_user: false,
      });
    }, { config: model.config });
  });

  it("[R10] is left out if the model declines, which is recorded", async () => {
    await using model = await startFixedModel((asked) =>
      asked.includes("shall I") ? "NO_REPLY" : "at last"
    );
    await play(async ({ say, mention, replies, simulator, rows, until, here }) => {
      const asked = ["shall I?", "and now?"].map((text) =>
        say("grace", here, `${mention} ${text}`)
      );
      assert.deepEqual(await replies(here, 1), ["at last"]);
      const states = () =>
        asked.map(({ id }) =>
          rows(`SELECT state FROM inbox WHERE message_id = '${id}'`)[0]?.["state"]
        );
      await until("both states", () => states().join() === "declined,answered");
      assert.equal(simulator.posted().length, 1);
    }, { config: model.config });
  });

  for (const kind of ["reset_after", "cut_body", "garbage"] as const) {
    it(`[D2] is sent once although the response to its request is lost (${kind})`, () =>
      play(async ({ here, say, mention, replies, until, simulator }) => {
        const route = "/channels/:id/messages";
        simulator.faults.rest.add({ method: "POST", route, times: 1, fault: { kind } });
        say("grace", here, `${mention} q1`);
        await replies(here, 1);
        say("grace", here, `${mention} q2`);
        await until("q2", () => simulator.posted().some(({ content }) => content.includes("q2")));
        assert.equal(simulator.posted().length, 2);
      }));
  }
});

describe("forms of an answer", () => {
  const play = sharedBot({});

  describe("[R5] [R6] an answer that is too long or has a table", () => {
    it("[R6] becomes its beginning, a line about the rest, and a file with the whole text", async () => {
      const answer = Array.from({ length: 900 }, (_, line) => `${line}. Krill, and more krill 🦐`)
        .join("\n");
      await using model = await startFixedModel(() => answer);
      await play(async ({ say, mention, replies, simulator, here }) => {
        say("grace", here, `${mention} tell me everything`);
        await replies(here, 1);
        const [message, ...more] = simulator.posted(here);
        assert.deepEqual(more, []);
        assert.ok(message);
        assert.match(message.content, /^0\. Krill[\s\S]*The whole answer is in `answer\.md`/);
        assert.ok(message.content.length <= 2_000);
        const [file, ...others] = message.attachments;
        assert.deepEqual(others, []);
        assert.equal(file?.filename, "answer.md");
        assert.equal(new TextDecoder().decode(file?.bytes), answer);
      }, { config: { messages: { maxChunks: 2 }, ...model.config } });
    });
  });
});

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
});

/** Runs the command with the simulation's config and data. */
function send(scene: Scene, ...args: readonly string[]): Promise<Ran> {
  const { simulator, command, configFile, dataDir } = scene;
  return command(["send", ...args, "--config", configFile, "--data", dataDir], {
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
  });
}

function target({ simulator }: Scene, channel: string): string {
  return `channel:${simulator.channel(channel).id}`;
}

const said = ({ stdout, stderr }: Ran) => [...stdout, ...stderr].join("\n");

describe("[S4] [D2] barnacle send", () => {
  const ready = async (scene: Scene) => {
    await scene.line(await scene.start(), /"The bot is ready"/);
  };

  it("sends a text and a file through the running bot", () =>
    withSimulation({}, async (scene) => {
      await ready(scene);
      const file = join(scene.dataDir, "tide.txt");
      writeFileSync(file, "high at noon");
      const ran = await send(scene, "#general", "The", "tide", "is in.", "--file", file);
      assert.equal(ran.code, 0, said(ran));
      const [message, ...more] = scene.simulator.posted("general");
      assert.deepEqual(more, []);
      assert.ok(message);
      assert.equal(message.content, "The tide is in.");
      assert.deepEqual(message.pings, { users: [], roles: [], everyone: false });
      const [attachment] = message.attachments;
      assert.equal(attachment?.filename, "tide.txt");
      assert.equal(new TextDecoder().decode(attachment?.bytes), "high at noon");
      assert.match(ran.stdout.join("\n"), new RegExp(`/${message.channelId}/${message.id}$`, "m"));
      const { creates } = scene.simulator.account();
      assert.deepEqual([...creates.values()].map(({ messages }) => messages.size), [1]);
    }));

  it("names the missing permission", () =>
    withSimulation({ mayRefuse: ({ status }) => status === 403 }, async (scene) => {
      await ready(scene);
      scene.simulator.permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "general" });
      const ran = await send(scene, target(scene, "general"), "The tide is in.", "--wait", "2");
      assert.equal(ran.code, 75, said(ran));
      assert.match(said(ran), /still in the outbox.*Send Messages is denied.*the bot keeps trying/);
    }));

  it("needs a running bot, and says how to start it", () =>
    withSimulation({}, async (scene) => {
      const never = await send(scene, target(scene, "general"), "The tide is in.");
      assert.notEqual(never.code, 0);
      const bot = await scene.start();
      await scene.line(bot, /"The bot is ready"/);
      bot.kill("SIGTERM");
      await ended(bot);
      const ran = await send(scene, target(scene, "general"), "The tide is in.");
      assert.equal(ran.code, 75, said(ran));
      assert.match(said(ran), /no bot runs with the data in .*; start it by `barnacle run`/);
      assert.deepEqual(scene.simulator.posted(), []);
    }));
});
