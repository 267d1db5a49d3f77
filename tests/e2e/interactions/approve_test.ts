/** Tests `/approve`: the same row as the buttons and the command line. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";

const RUN = 'call: exec {"argv":["sh","-c","echo it ran"]}';

/** Runs a scene in which ada owns the bot, and approves commands. */
async function withApprovals(play: (scene: Scene) => Promise<void>): Promise<void> {
  const workspace = join(process.env["TMPDIR"] ?? "/tmp", `approve-${process.pid}`);
  mkdirSync(workspace, { recursive: true });
  await withSimulation({
    discord: (simulator: Simulator) => ({
      execApprovals: { enabled: true, approvers: [simulator.user("ada")] },
    }),
    config: {
      commands: { ownerAllowFrom: ["1456074443980800000"] },
      exec: { mode: "ask", sandbox: "off" },
      agents: { defaults: { workspace } },
    },
  }, play);
}

/** The ID of the open approval. */
async function openCode({ eventually, rows }: Scene): Promise<string> {
  const open = () => rows("SELECT code FROM question WHERE state = 'open'")[0]?.["code"];
  await eventually("an approval", () => Promise.resolve(open() !== undefined));
  return String(open());
}

const answerWith = ({ until, written }: Scene, where: string, text: RegExp) =>
  until(`an answer with ${text}`, () => written(where).some((one) => text.test(one)));

describe("[A4] [K2] /approve", () => {
  it("allows a command from the menu, also after a restart, and once, and denies one as a text, in either order", () =>
    withApprovals(async (scene) => {
      const { start, say, mention } = scene;
      const first = await start();
      await registered(scene);
      say("ada", "general", `${mention}\n${RUN}`);
      const id = await openCode(scene);
      await killBot(first);
      await start();
      const use = (as: string) =>
        give(scene, {
          as,
          in: "#general",
          name: "approve",
          options: { id, decision: "allow-once" },
        });
      assert.equal(await use("grace"), "You are not authorized to do that.");
      assert.match(await use("ada"), /chose: Allow once/);
      await answerWith(scene, "general", /it ran/);
      assert.match(await use("ada"), /is unknown, decided or expired/);
      say("ada", "help", `${mention}\n${RUN}`);
      say("ada", "dm", `/approve deny ${await openCode(scene)}`);
      await answerWith(scene, "help", /denied by an approver/);
      assert.ok(!scene.written("help").some((one) => /it ran/.test(one)));
    }));
});
