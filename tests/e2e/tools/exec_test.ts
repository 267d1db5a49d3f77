/** Tests commands on the host: an approver decides, also after a restart. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { buttonsIn, textOf, usableIn } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { ended, killBot, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

const RUN = 'call: exec {"argv":["sh","-c","echo it ran >> ran.txt; cat ran.txt"]}';

/** Ada and grace, by the ids that the simulator gives them. */
const OWNER = { ownerAllowFrom: ["1456074443980800000", "1456074443980800001"] };

/** A config in which both own the bot, and ada approves commands. */
function settings(workspace: string, exec: object = {}) {
  return {
    discord: (simulator: Simulator) => ({
      execApprovals: { enabled: true, approvers: [simulator.user("ada")] },
    }),
    config: {
      commands: OWNER,
      exec: { mode: "ask", sandbox: "off", ...exec },
      agents: { defaults: { workspace } },
    },
  };
}

let scenes = 0;

function newWorkspace(): string {
  const root = join(process.env["TMPDIR"] ?? "/tmp", `exec-e2e-${process.pid}-${++scenes}`);
  mkdirSync(root, { recursive: true });
  return root;
}

/** Runs a scene with a workspace of its own. */
async function withWorkspace(
  exec: object,
  test: (scene: Scene, workspace: string) => Promise<void>,
): Promise<void> {
  const root = newWorkspace();
  await withSimulation(settings(root, exec), (scene) => test(scene, root));
}

/** The newest approval, once it arrives. */
function card({ simulator, until }: Scene): Promise<Message> {
  const { id } = simulator.channel("dm", "ada");
  return until(
    "an approval",
    () => simulator.posted(id).findLast(({ components }) => buttonsIn(components).length > 0),
  );
}

function idOf(message: Message, label: string): string {
  const button = buttonsIn(message.components).find((one) => one.label === label);
  assert.ok(button, `no button ${label} in ${JSON.stringify(message.components)}`);
  return button.custom_id;
}

const ran = (workspace: string): number => {
  const file = join(workspace, "ran.txt");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
};

const answerWith = ({ until, written, here }: Scene, text: RegExp) =>
  until(`an answer with ${text}`, () => written(here).some((one) => text.test(one)));

describe("[A1] a command on the host", () => {
  const workspace = newWorkspace();
  const play = sharedBot(settings(workspace));

  it("shows the exact command, runs once after an approval, also after a restart", () =>
    withWorkspace({}, async (scene, workspace) => {
      const { simulator, start, say, mention } = scene;
      const first = await start();
      say("ada", "general", `${mention}\n${RUN}`);
      const message = await card(scene);
      assert.ok(textOf(message).includes('["sh","-c","echo it ran >> ran.txt; cat ran.txt"]'));
      assert.match(textOf(message), new RegExp(scene.user("ada").id));
      const labels = buttonsIn(message.components).map(({ label }) => label);
      assert.ok(!labels.includes("Always allow"), "a shell is never allowed for good");
      assert.match(textOf(message), /only by a rule in `exec\.allow`/);
      await killBot(first);
      await start();
      const customId = idOf(message, "Allow once");
      simulator.press({ as: "ada", in: "dm", message: message.id, customId });
      await answerWith(scene, /it ran/);
      assert.equal(ran(workspace), 1);
    }));

  it("[SEC-R20] does not run if its program was swapped after the approval was asked", () =>
    play(async (scene) => {
      const { simulator, say, mention, here } = scene;
      const tool = join(workspace, "tool");
      writeFileSync(tool, "#!/bin/sh\necho harmless\n", { mode: 0o755 });
      say("ada", here, `${mention}\ncall: exec {"argv":["./tool"]}`);
      const message = await card(scene);
      writeFileSync(tool, "#!/bin/sh\necho it ran >> ran.txt\n", { mode: 0o755 });
      const customId = idOf(message, "Allow once");
      simulator.press({ as: "ada", in: "dm", message: message.id, customId });
      await answerWith(scene, /has changed since the approval/);
      assert.equal(ran(workspace), 0);
    }));

  it("[A2] runs again without a question once it is always allowed", () =>
    play(async (scene) => {
      const { simulator, say, mention, here } = scene;
      const uname = 'call: exec {"argv":["uname","-s"]}';
      say("ada", here, `${mention}\n${uname}`);
      const message = await card(scene);
      const customId = idOf(message, "Always allow");
      simulator.press({ as: "ada", in: "dm", message: message.id, customId });
      await answerWith(scene, /exit code 0[^]*Linux/);
      say("ada", here, `${mention} again\n${uname}`);
      await scene.until(
        "the second run",
        () => scene.written(here).filter((one) => /exit code 0[^]*Linux/.test(one)).length === 2,
      );
      const rules = (await scene.cli("approvals", "rules")).stdout;
      const [rule = ""] = rules.filter((one) =>
        /^\d+ +main +allowed +\["\/.*uname","-s"\] +\//.test(one)
      );
      assert.equal((await scene.cli("approvals", "revoke", rule.split(" ")[0] ?? "")).code, 0);
      say("ada", here, `${mention} once more\n${uname}`);
      assert.ok((await card(scene)).id > message.id, "the next call asks again");
    }));

  it("[A2] asks again if a file that it names has changed, or in another folder", () =>
    play(async (scene) => {
      const { simulator, say, mention, until, written, here } = scene;
      mkdirSync(join(workspace, "sub"));
      for (const folder of [workspace, join(workspace, "sub")]) {
        writeFileSync(join(folder, "data.txt"), "one");
      }
      const sum = (cwd = "") =>
        `${mention}\ncall: exec {"argv":["cksum","data.txt"],"cwd":"${cwd}"}`;
      say("ada", here, sum());
      const message = await card(scene);
      const customId = idOf(message, "Always allow");
      simulator.press({ as: "ada", in: "dm", message: message.id, customId });
      const runs = () => written(here).filter((one) => /exit code 0/.test(one)).length;
      await until("the first run", () => runs() === 1);
      say("ada", here, sum());
      await until("a run without a question", () => runs() === 2);
      const { id } = simulator.channel("dm", "ada");
      const open = () => simulator.posted(id).filter(({ components }) => components.length > 0);
      say("ada", here, sum("sub"));
      await until("a question about the other folder", () => open().length === 1);
      writeFileSync(join(workspace, "data.txt"), "two");
      say("ada", here, sum());
      await until("a question about the other content", () => open().length === 2);
      assert.equal(runs(), 2);
    }));
});
const ASK = 'call: ask {"question":"Which colour?","options":["red","blue"]}';

/** The card of the newest question in a channel, once it arrives. */
function cardOfAsk({ simulator, until, here }: Scene, where = here, as?: string): Promise<Message> {
  const { id } = simulator.channel(where, as);
  return until("a question", () => simulator.posted(id).findLast(hasButtons));
}

function hasButtons({ components }: Message): boolean {
  return usableIn(components).length > 0;
}

function press(
  { simulator, here }: Scene,
  message: Message,
  label: string,
  as: string,
  where = here,
): void {
  const button = buttonsIn(message.components).find((one) => one.label === label);
  assert.ok(button, `no button ${label} in ${JSON.stringify(message.components)}`);
  simulator.press({ as, in: where, message: message.id, customId: button.custom_id });
}

/** The texts of the bot's messages that answer. */
function answers({ written, here }: Scene): readonly string[] {
  return written(here).filter((text) => text.includes("The tools returned"));
}

describe("[T10] the tool `ask`", () => {
  for (const point of crashPoints(["after:TS:2"], ["before:TS:2"])) {
    it(`[D1] survives a crash at ${point}: one card, one answer`, () =>
      withSimulation({}, async (scene) => {
        const { start, say, mention, until, simulator } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: point });
        say("grace", "general", `${mention}\n${ASK}`);
        assert.deepEqual(await ended(dying), KILLED);
        const second = await start();
        const asked = await cardOfAsk(scene);
        await killBot(second);
        await start();
        press(scene, asked, "red", "grace");
        await until("the answer", () => answers(scene).length > 0);
        assert.equal(answers(scene).length, 1);
        const cards = simulator.posted(asked.channelId).map(textOf).filter((text) =>
          text.includes("Which colour?") && !text.includes("The tools returned")
        );
        assert.equal(cards.length, 1);
      }));
  }
});
