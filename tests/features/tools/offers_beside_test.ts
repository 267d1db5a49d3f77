/** Tests offers of turns that no message began: of events, of scheduled tasks, and of MCP tools (T16). */

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { buttonsIn, textOf, usableIn } from "../../../simulator/world/components.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { scriptedProgram } from "../../support/model/mcp_scripted.ts";

const SECRET = "offer-canary-3Kd8Wq1Zx6Vb0Nz5Tc9Rw2";
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };
const RUN = ["sh", "-c", "echo cleaned"];
const CLEAN = { label: "Clean up", tool: "exec", arguments: { argv: RUN } };

const offer = (actions: readonly object[], text = "The disk of nas is full.") =>
  `call: offer_actions ${JSON.stringify({ text, actions })}`;

/** A scene whose bot may run one command, and has a hook that may offer. */
async function withOffers(
  play: (scene: Scene) => Promise<void>,
  config: object = {},
  hook: object = {},
): Promise<void> {
  const workspace = mkdtempSync(join(tmpdir(), "offers-beside-"));
  await withSimulation({}, async (scene) => {
    const general = scene.simulator.channel("general").id;
    scene.rewrite({
      config: {
        commands: OWNER,
        exec: { mode: "allowlist", sandbox: "off", allow: [RUN] },
        agents: { defaults: { workspace } },
        http: { port: 0, hooks: { port: 0 } },
        hooks: {
          disk: {
            to: `channel:${general}`,
            secret: SECRET,
            template: "{{ say }}",
            tools: ["offer_actions"],
            ...hook,
          },
        },
        ...config,
      },
    });
    await play(scene);
  });
}

/** Sends an event whose words the built-in model takes for its own calls. */
async function sendEvent(scene: Scene, bot: SimulatedProcess, say: string) {
  const line = await scene.line(bot, /"Listening for hooks"/);
  const response = await fetch(`${JSON.parse(line).fields.address}disk`, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
    body: JSON.stringify({ say }),
  });
  assert.equal(response.status, 202);
  return String(JSON.parse(await response.text()).id);
}

function cardIn({ simulator, until }: Scene): Promise<Message> {
  const { id } = simulator.channel("general");
  return until(
    "a card",
    () => simulator.posted(id).findLast(({ components }) => usableIn(components).length > 0),
  );
}

function press({ simulator }: Scene, as: string, card: Message, label: string): void {
  const button = buttonsIn(card.components).find((one) => one.label === label);
  assert.ok(button, `no button ${label} in ${JSON.stringify(card.components)}`);
  simulator.press({ as, in: "general", message: card.id, customId: button.custom_id });
}

const told = ({ until, written }: Scene, pattern: RegExp) =>
  until(`${pattern}`, () => written("general").find((text) => pattern.test(text)));

describe("[T16] [W3] an offer of an event's turn", () => {
  it("runs as the person who presses, with their tools and not the hook's", () =>
    withOffers(async (scene) => {
      const bot = await scene.start();
      const id = await sendEvent(scene, bot, offer([CLEAN]));
      const card = await cardIn(scene);
      assert.match(textOf(card), /The disk of nas is full\./);
      press(scene, "grace", card, "1. Clean up");
      await scene.until(
        "the refusal",
        () =>
          scene.simulator.ephemeral("grace").some(({ content }) =>
            /exec is not open to you here/.test(content)
          ),
      );
      press(scene, "ada", card, "1. Clean up");
      await told(scene, /Clean up ran, for <@\d+>\.\n```\n\[exit code 0[^]*cleaned/);
      const { stdout } = await scene.cli("why", id);
      assert.match(stdout.join("\n"), /Clean up[^\n]*ran/);
    }));

  it("gives the person who presses no tool of the hook", () =>
    withOffers(
      async (scene) => {
        const bot = await scene.start();
        await sendEvent(scene, bot, offer([CLEAN]));
        const card = await cardIn(scene);
        press(scene, "grace", card, "1. Clean up");
        await scene.until("the refusal", () =>
          scene.simulator.ephemeral("grace").some(({ content }) =>
            /exec is not open to you here/.test(content)
          ));
        press(scene, "ada", card, "1. Clean up");
        await told(scene, /Clean up ran/);
      },
      {},
      { tools: ["offer_actions", "exec"] },
    ));

  it("offers nothing if the hook does not list the tool", () =>
    withOffers(
      async (scene) => {
        const bot = await scene.start();
        await sendEvent(scene, bot, offer([CLEAN]));
        const [answer = ""] = await scene.replies("general", 1);
        assert.match(answer, /offer_actions/);
        assert.equal(scene.rows("SELECT 1 FROM question").length, 0);
      },
      {},
      { tools: [] },
    ));
});

describe("[T16] [T12] an offer of a scheduled task", () => {
  it("waits for a press, and runs once", () =>
    withOffers(async (scene) => {
      const { start, say, mention, cli, replies } = scene;
      await start();
      const set = { action: "create", when: "8h", text: offer([CLEAN]), task: true };
      say("ada", "general", `${mention}\ncall: remind ${JSON.stringify(set)}`);
      await replies("general", 1);
      assert.equal((await cli("schedules", "run", "1")).code, 0);
      const card = await cardIn(scene);
      press(scene, "ada", card, "1. Clean up");
      await told(scene, /Clean up ran, for <@\d+>\.\n```\n\[exit code 0[^]*cleaned/);
      assert.equal(scene.rows("SELECT 1 FROM action_run").length, 1);
    }));
});

describe("[T16] [T6] an offer with a tool of an MCP server", () => {
  const config = {
    mcp: { servers: { asks: { ...scriptedProgram("Looks."), sandbox: "off" } } },
    tools: { alsoAllow: ["mcp__asks"] },
  };
  it("shows the exact call, runs it once, and tells its result", () =>
    withOffers(async (scene) => {
      await scene.startWithTools();
      const call = { label: "Look", tool: "mcp__asks__look", arguments: { what: "cwd" } };
      scene.say("ada", "general", `${scene.mention}\n${offer([call])}`);
      const card = await cardIn(scene);
      assert.match(textOf(card), /1\. mcp__asks__look \{"what":"cwd"\}/);
      press(scene, "ada", card, "1. Look");
      await told(scene, /Look ran, for <@\d+>\.\n```\n[^]*mcp\/asks/);
      assert.equal(scene.rows("SELECT 1 FROM action_run WHERE state = 'done'").length, 1);
    }, config));
});
