/**
 * Tests that the bot connects to Discord, the model and PluralKit, and to nothing else; a narrow
 * terminal; and a restart by command.
 *
 * Deno writes each address that a program wants to use to the file `DENO_AUDIT_PERMISSIONS`, of all
 * threads. A compiled binary does not, so this test runs the source, whatever `BARNACLE_BIN` says.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { startPluralkit } from "../../../simulator/pluralkit/server.ts";
import { buttonsIn } from "../../../simulator/world/components.ts";
import { ownCommand } from "../../../src/host/process/own_process.ts";
import {
  API_KEY,
  commandUnderTest,
  ended,
  type Scene,
  stopBot,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { openTerminal } from "../../support/terminal/terminal.ts";
import { give, registered } from "../../support/bot/slash.ts";

const onDeno = skipUnless(
  process.versions["deno"] !== undefined,
  "only Deno lists the addresses that a program uses",
);

const TIDE = { id: "tides", name: "Tide" };
const LUNA = { id: "lunaa", name: "Luna" };

/** The lock of the token: a socket without a file, which no other program connects to. */
const OWN_LOCK = "the lock of the token";

/** The socket in the data directory, where the bot listens to its own commands. */
const OWN_SOCKET = "the socket of commands";

function usedAddresses(audit: string): ReadonlySet<string> {
  const uses = readFileSync(audit, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return new Set(
    uses.filter(({ permission }) => permission === "net").map(({ value }) => addressOf(value)),
  );
}

/** `"127.0.0.1:40123"` of a URL, or of an address as it is. */
function addressOf(value: string): string {
  if (value.startsWith("unix:\0barnacle-")) return OWN_LOCK;
  if (value.startsWith("unix:/") && value.endsWith("/run/bot")) return OWN_SOCKET;
  return URL.canParse(value) && value.includes("://") ? new URL(value).host : value;
}

/** An unpaired person writes, the owner approves with the button, and the person is answered. */
async function pair({ simulator, say, replies, until, user }: Scene): Promise<void> {
  say("mallory", "dm", "may I come in?");
  await replies("dm", 1, "mallory");
  const asked = await until(
    "the question to the owner",
    () =>
      simulator.posted(simulator.channel("dm", "ada").id).find(({ content }) =>
        content.includes(user("mallory").id)
      ),
  );
  const buttons = buttonsIn(asked.components);
  const approve = buttons.find(({ label }) => label === "Approve");
  assert.ok(approve);
  simulator.press({ as: "ada", in: "dm", message: asked.id, customId: approve.custom_id });
  await replies("dm", 2, "mallory");
  say("mallory", "dm", "good evening");
  await replies("dm", 3, "mallory");
}

describe("[X3] a running bot", onDeno, () => {
  it("connects to nothing but Discord, the model and PluralKit", async () => {
    using folder = tempDirectory();
    const audit = join(folder.path, "permissions.jsonl");
    await withSimulation({
      command: ownCommand(),
      env: { DENO_AUDIT_PERMISSIONS: audit },
    }, async (scene) => {
      const { simulator, model, rewrite, start, say, mention, replies, line } = scene;
      const pluralkit = await startPluralkit({ simulator });
      try {
        rewrite({ discord: () => ({ pluralkit: { enabled: true, apiUrl: pluralkit.apiUrl } }) });
        const bot = await start();
        const { fields } = JSON.parse(await line(bot, /"Barnacle is running"/));
        say("ada", "dm", "good morning");
        await replies("dm", 1, "ada");
        say("grace", "general", `${mention} hello`);
        await replies("general", 1);
        const original = say("grace", "general", "Luna: hello"); // the bot does not answer it
        pluralkit.proxy(original, TIDE, LUNA, `${mention} hello`);
        await replies("general", 2);
        await pair(scene);
        await stopBot(bot);

        const used = usedAddresses(audit);
        const services = [simulator.apiUrl, simulator.gatewayUrl, model.baseUrl, pluralkit.apiUrl];
        const addresses = services.map(addressOf);
        assert.deepEqual(addresses.filter((address) => !used.has(address)), []);
        const own = ["127.0.0.1:0", `[::1]:${new URL(fields.health).port}`, OWN_LOCK, OWN_SOCKET];
        assert.deepEqual([...used].filter((one) => ![...addresses, ...own].includes(one)), []);
      } finally {
        await pluralkit.close();
      }
    });
  });
});

const COLUMNS = 40;

/** Runs a command in the narrow terminal. @returns Its lines. */
async function linesOf(scene: Scene, command: string): Promise<readonly string[]> {
  const { simulator, model, configFile, dataDir } = scene;
  const { program, args } = commandUnderTest();
  const run = `stty cols ${COLUMNS} && exec "$0" "$@" --config ${configFile} --data ${dataDir}`;
  const terminal = openTerminal("sh", ["-c", run, program, ...args, ...command.split(" ")], {
    PATH: process.env["PATH"],
    HOME: dataDir,
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_API_KEY: API_KEY,
    OPENAI_MODEL: model.models[0],
  });
  await terminal.exited;
  return terminal.screen().split("\r\n").map((line) => line.trimEnd());
}

/** Whether the terminal breaks the line within words that fit into a line. */
const isTorn = (line: string) => line.length > COLUMNS && line.trim().includes(" ");

describe("[O10] a terminal of 40 columns", () => {
  it("gets no line that it would have to break within words", () =>
    withSimulation({
      discord: ({ world }) => ({
        execApprovals: { enabled: true, approvers: [[...world.users.keys()][0]] },
      }),
      config: { exec: { mode: "ask" } },
    }, async (scene) => {
      const { say, mention, replies, eventually, cli } = scene;
      await scene.start();
      const call = (name: string, input: object) =>
        `${mention}\ncall: ${name} ${JSON.stringify(input)}`;
      const reminder = {
        action: "create",
        when: "8h",
        text: "Water the plants of the winter garden",
      };
      say("grace", "general", call("remind", reminder));
      await replies("general", 1);
      const argv = ["ls", "-la", "/a/long/folder/of/this/machine"];
      say("ada", "general", call("exec", { argv }));
      let waiting = "";
      await eventually("a command that waits", async () => {
        const { stdout: [first = ""] } = await cli("approvals", "list");
        [waiting = ""] = first.split(" ");
        return waiting !== "";
      });
      const ignored = say("grace", "general", "words to no one");
      await scene.decided(ignored);
      for (
        const [command, shown] of [
          ["status", /Healthy/],
          ["status --probe", /general/],
          ["usage", /total/],
          ["schedules list", /winter/],
          ["sessions list", /general/],
          ["approvals list", /"ls","-la"/],
          [`approvals show ${waiting}`, /"ls","-la"/],
          ["doctor", /Token/],
          ["config explain historyLimit", /Maximum/],
          [`why ${ignored.id}`, /does not\s+mention/],
        ] as const
      ) {
        const lines = await linesOf(scene, command);
        assert.match(lines.join("\n"), shown, command);
        assert.deepEqual(lines.filter(isTorn), [], command);
      }
    }));
});

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };

describe("[K2] /restart", () => {
  it("ends a supervised bot once its answer is sent, and not again after the start", () =>
    withSimulation({ config: { commands: OWNER } }, async (scene) => {
      const { say, replies, start } = scene;
      const supervised = { BARNACLE_SUPERVISED: "1" };
      const first = await start(supervised);
      await registered(scene);
      const use = (as: string) => give(scene, { as, in: "#general", name: "restart" });
      assert.equal(await use("grace"), "You are not authorized to do that.");
      assert.equal(await use("ada"), "I am restarting. I will be back in a moment.");
      assert.deepEqual(await ended(first), { code: 0, signal: null });
      await start(supervised);
      say("ada", "dm", "/whoami");
      assert.match((await replies("dm", 1, "ada"))[0] ?? "", /^You are/);
    }));
});
