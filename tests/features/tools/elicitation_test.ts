/** Tests questions of MCP servers to people, as people on Discord see them (T13). */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { buttonsIn, textOf, usableIn } from "../../../simulator/world/components.ts";
import type { Interaction, Message } from "../../../simulator/world/world.ts";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { everythingProgram } from "../../support/model/mcp_everything.ts";
import { scriptedProgram } from "../../support/model/mcp_scripted.ts";
import { freePort } from "../../support/network/free_port.ts";

const ALLOWED = { tools: { allow: ["mcp__all", "mcp__asks"] } };
const EVERYTHING = {
  config: {
    ...ALLOWED,
    mcp: { servers: { all: { ...everythingProgram("stdio"), sandbox: "off" } } },
  },
};
const SCRIPTED = {
  config: {
    ...ALLOWED,
    mcp: { servers: { asks: { ...scriptedProgram("Asks."), sandbox: "off" } } },
  },
};
const FORM = "call: mcp__all__trigger-elicitation-request {}";
const OPENED = "I have opened it";
const LOOK = "call: mcp__asks__look {}";

/** The open card in a channel whose text matches, once it arrives. */
function card(
  { simulator, until }: Scene,
  text: RegExp,
  where = "general",
  as?: string,
): Promise<Message> {
  const { id } = simulator.channel(where, as);
  return until(
    `a card like ${text}`,
    () =>
      simulator.posted(id).findLast((message) =>
        usableIn(message.components).length > 0 && text.test(textOf(message))
      ),
  );
}

function press(scene: Scene, message: Message, label: string, as = "grace", where = "general") {
  const button = buttonsIn(message.components).find((one) => one.label === label);
  assert.ok(button, `no button ${label} in ${JSON.stringify(message.components)}`);
  const customId = button.custom_id;
  return scene.simulator.press({ as, in: where, message: message.id, customId });
}

/** Opens the form of a card, and sends it filled in. */
async function fillIn(
  scene: Scene,
  message: Message,
  values: Parameters<Scene["simulator"]["submit"]>[1],
): Promise<void> {
  let opened: Interaction | undefined;
  // Right after a restart, a press was once acknowledged without its form. A person presses again.
  await scene.eventually("the form", async () => {
    const pressed = opened = press(scene, message, "Fill in");
    const { kind } = await scene.until("an answer", () => pressed.answer);
    return kind === "modal";
  });
  assert.ok(opened);
  scene.simulator.submit(opened, values);
}

const answer = (scene: Scene) =>
  scene.until(
    "the answer",
    () => scene.written("general").find((text) => text.includes("The tools returned")),
  );

describe("[T13] a question of an MCP server", () => {
  it("is a form for the asker, page by page, and the call goes on with the answers", () =>
    withSimulation(EVERYTHING, async (scene) => {
      const { startWithTools, say, mention } = scene;
      await startWithTools();
      say("grace", "general", `${mention}\n${FORM}`);
      const first = await card(scene, /`all` asks: \(1\/3\)[^]*Please provide inputs/);
      assert.match(textOf(first), new RegExp(`<@${scene.user("grace").id}>`));
      press(scene, first, "Fill in", "ada");
      await scene.until("a refusal", () => scene.simulator.ephemeral("ada").length > 0);
      const page = { String: "Grace", Boolean: true };
      await fillIn(scene, first, { ...page, "String with email format": "nowhere" });
      const again = await card(scene, /email format: this is no email/);
      await fillIn(scene, again, { ...page, "String with email format": "g@example.org" });
      const second = await card(scene, /\(2\/3\)/);
      await fillIn(scene, second, {
        "String with date format": "1906-12-09",
        Integer: "7",
        "Untitled Multiple Select Enum": ["Piano", "Bass"],
      });
      const third = await card(scene, /\(3\/3\)/);
      await fillIn(scene, third, { "Titled Single Select Enum": ["Wonder Woman"] });
      const text = await answer(scene);
      for (const part of ["Name: Grace", "terms: true", "Email: g@example.org", "Integer: 7"]) {
        assert.ok(text.includes(part), text);
      }
      const steps = JSON.stringify(scene.rows("SELECT step FROM step"));
      assert.match(steps, /hero-3/);
      assert.match(steps, /"Piano[^]*Bass/);
      assert.match(steps, /It was a dark and stormy night/, "an empty field has its default");
    }));

  it("can be declined, and reaches no one with a secret; the model learns both", () =>
    withSimulation(SCRIPTED, async (scene) => {
      await scene.startWithTools();
      scene.say("grace", "general", `${scene.mention}\n${LOOK}`);
      press(scene, await card(scene, /Which reef\?/), "Deny");
      assert.match(await answer(scene), /"action":"decline"/);
      scene.say("grace", "general", `${scene.mention}\ncall: mcp__asks__look {"ask":"password"}`);
      await scene.until(
        "why",
        () =>
          scene.written("general").some((text) =>
            /"action":"decline"[^]*asks for a secret/.test(text)
          ),
      );
    }));

  it("ends with the process: the call does not run again, and its outcome is unknown", () =>
    withSimulation(SCRIPTED, async (scene) => {
      const { start, startWithTools, say, mention } = scene;
      const first = await startWithTools();
      say("grace", "general", `${mention}\n${LOOK}`);
      const asked = await card(scene, /Which reef\?/);
      await killBot(first);
      await start();
      await fillIn(scene, asked, { reef: "the outer one" });
      assert.match(await answer(scene), /Unknown: [^]*did not get the answer/);
    }));

  it("shows a page's address to the asker alone, with its host, also over HTTP", async () => {
    const port = await freePort();
    const { command, args, env } = everythingProgram("streamableHttp");
    const server = spawn(command, args, {
      env: { ...process.env, ...env, PORT: String(port) },
      stdio: "ignore",
    });
    const servers = { all: { url: `http://127.0.0.1:${port}/mcp` } };
    try {
      await withSimulation(
        { config: { ...ALLOWED, mcp: { servers } } },
        async (scene) => {
          const { startWithTools, say, mention, eventually } = scene;
          const isUp = () => fetch(servers.all.url).then(() => true, () => false);
          await eventually("the server", isUp);
          await startWithTools();
          const url = "https://sign.example.org/in?state=abc";
          const open = (input: object) =>
            say(
              "ada",
              "general",
              `${mention}\ncall: mcp__all__trigger-url-elicitation ${JSON.stringify(input)}`,
            );
          open({ url, message: "Please sign in." });
          const asked = await card(scene, /`sign\.example\.org`/, "dm", "ada");
          assert.ok(textOf(asked).includes(url), textOf(asked));
          assert.ok(scene.written("general").every((text) => !text.includes("state=abc")));
          press(scene, asked, OPENED, "ada", "dm");
          assert.match(await answer(scene), /accept/i);

          // The server refuses the call until the person has opened the page.
          open({ url, elicitationId: "e1", errorPath: true });
          const { id: direct } = scene.simulator.channel("dm", "ada");
          for (const count of [2, 3]) {
            const next = await scene.until(
              `card ${count}`,
              () => scene.simulator.posted(direct)[count - 1],
            );
            press(scene, next, OPENED, "ada", "dm");
          }
          await scene.until(
            "the second answer",
            () => scene.written("general").filter((text) => /accept/i.test(text)).length === 2,
          );
        },
      );
    } finally {
      server.kill("SIGKILL");
    }
  });
});
