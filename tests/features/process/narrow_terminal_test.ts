/** Runs commands in a terminal of 40 columns, as that of a phone. */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { API_KEY, commandUnderTest, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { openTerminal } from "../../support/terminal/terminal.ts";

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
      config: {
        exec: { mode: "ask" },
      },
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
