/** Tests actions of hooks that run without a person, because the config names them (T16). */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { buttonsIn, textOf, usableIn } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { ended, killBot, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { crashPoints } from "../../support/long_form.ts";

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };
const SECRET = "hook-canary-9Fd2Kq7Lx4Vb8Nz1Tc6Rw3";
const COUNT = ["sh", "-c", "echo it ran >> ran.txt; cat ran.txt"];
const SLOW = ["sh", "-c", "echo it ran >> ran.txt; sleep 60"];
const OTHER = ["sh", "-c", "echo other >> ran.txt"];

const CLEAN = { label: "Clean up", tool: "exec", arguments: { argv: COUNT } };
const RULE = "hooks.disk.unattended.clean";

interface UnattendedScene extends Scene {
  /** How often a command has run. */
  ran(): number;
  /** Sends an event that steers the model to these calls; the model follows. */
  steer(bot: Awaited<ReturnType<Scene["start"]>>, ...offers: readonly object[]): Promise<string>;
  /** The messages of the bot in #general, as they are now. */
  texts(): readonly string[];
  /** The open card in #general. */
  card(): Promise<Message>;
  /** Writes the config with another `unattended`. */
  permit(unattended: object | undefined): void;
}

let scenes = 0;

async function withUnattended(
  unattended: object,
  play: (scene: UnattendedScene) => Promise<void>,
): Promise<void> {
  const workspace = join(process.env["TMPDIR"] ?? "/tmp", `unattended-${process.pid}-${++scenes}`);
  mkdirSync(workspace, { recursive: true });
  await withSimulation({}, async (scene) => {
    const { id } = scene.simulator.channel("general");
    const permit = (actions: object | undefined) =>
      scene.rewrite({
        config: {
          commands: OWNER,
          exec: { mode: "allowlist", sandbox: "off", allow: [COUNT, SLOW, OTHER] },
          agents: { defaults: { workspace } },
          http: { port: 0, hooks: { port: 0 } },
          hooks: {
            disk: {
              to: `channel:${id}`,
              secret: SECRET,
              template: "{{ words }}",
              tools: ["offer_actions"],
              perMinute: 60,
              unattended: actions,
            },
          },
        },
      });
    permit(unattended);
    await play({
      ...scene,
      permit,
      ran: () => {
        const file = join(workspace, "ran.txt");
        return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
      },
      async steer(bot, ...offers) {
        const address = JSON.parse(await scene.line(bot, /"Listening for hooks"/)).fields.address;
        const words = offers.map((actions) =>
          `call: offer_actions ${JSON.stringify({ text: OFFER, actions })}`
        ).join("\n");
        const response = await fetch(`${address}disk`, {
          method: "POST",
          headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
          body: JSON.stringify({ words }),
        });
        assert.equal(response.status, 202);
        return (await response.json()).id;
      },
      texts: () => scene.simulator.posted(id).map(textOf),
      card: () =>
        scene.until(
          "a card",
          () =>
            scene.simulator.posted(id).findLast(({ components }) =>
              usableIn(components).length > 0
            ),
        ),
    });
  });
}

/** Words of an event may have put the link there. */
const OFFER = "The disk is full. https://elsewhere.example/x?d=words";

const once = (perDay = 1, argv: readonly string[] = COUNT) => ({
  clean: { tool: "exec", arguments: { argv }, perDay },
});

describe("[T16] an action of a hook that the config names", () => {
  it("runs at once up to its cap, once in a turn, and is a card after that", () =>
    withUnattended(once(2), async (scene) => {
      const { steer, until, texts, ran, card, cli } = scene;
      const bot = await scene.start();
      const first = await steer(bot, [CLEAN]);
      await until("the outcome", () => texts().some((text) => text.includes(RULE)));
      assert.match(
        texts().find((text) => text.includes(RULE)) ?? "",
        /^The disk is full\. <https:\/\/elsewhere\.example\/x>[^\n]*\n```\n\["sh","-c",[^]*\n```\n✅ Clean up ran without a person: `hooks\.disk\.unattended\.clean`\.\n```\n\[exit code 0/,
      );
      assert.equal(ran(), 1);
      const why = await cli("why", first);
      assert.match(
        why.stdout.join("\n"),
        /Clean up {2}ran, without a person \(hooks\.disk\.unattended\.clean\), [^]*exit code 0/,
      );
      await steer(bot, [CLEAN], [{ ...CLEAN, label: "Again" }]);
      await until("the end", () => texts().some((text) => text.includes("does not run twice")));
      await until("the second run", () => ran() === 2);
      await steer(bot, [CLEAN]);
      const asked = await card();
      assert.match(
        textOf(asked),
        /A person decides:\*\* the 2 runs a day of `hooks\.disk\.unattended/,
      );
      assert.equal(ran(), 2);
      const button = buttonsIn(asked.components).find(({ label }) => label === "1. Clean up");
      assert.ok(button);
      scene.simulator.press({
        as: "ada",
        in: "general",
        message: asked.id,
        customId: button.custom_id,
      });
      await until("the run", () => ran() === 3);
      const metrics = await (await scene.ask(bot, "/metrics")).text();
      for (const [outcome, count] of [["done", 2], ["capped", 1]]) {
        const name = "barnacle_unattended_actions_total";
        assert.ok(metrics.includes(`${name}{rule="${RULE}",outcome="${outcome}"} ${count}\n`));
      }
      const { stdout } = await cli("status");
      assert.match(
        stdout.join("\n"),
        /Unattended +hooks\.disk\.unattended\.clean: 2 of 2 runs today; last: ran, \S+ \S+ ago\n/,
      );
      await until(
        "the card",
        () =>
          texts().some((text) =>
            /A person decides[^]*chose: 1\. Clean up[^]*Clean up ran, for <@\d+>/.test(text)
          ),
      );
      await until(
        "the outcome",
        () => texts().some((text) => /^✅ Clean up ran, for <@\d+>/.test(text)),
      );
    }));

  const others: readonly (readonly [what: string, actions: readonly object[]])[] = [
    ["other arguments", [{ ...CLEAN, arguments: { argv: OTHER } }]],
    ["another folder", [{ ...CLEAN, arguments: { argv: COUNT, cwd: "." } }]],
    ["another time limit", [{ ...CLEAN, arguments: { argv: COUNT, timeoutSec: 5 } }]],
    ["a second action", [CLEAN, { ...CLEAN, label: "Other", arguments: { argv: OTHER } }]],
  ];
  it("waits for a person if it differs, or once the config does not name it any more", () =>
    withUnattended(once(5), async (scene) => {
      const { start, steer, until, line, permit, simulator, ran } = scene;
      const bot = await start();
      const cards = () =>
        simulator.posted("general").filter(({ components }) => usableIn(components).length > 0);
      for (const [index, [what, actions]] of others.entries()) {
        await steer(bot, actions);
        await until(`a card for ${what}`, () => cards().length > index);
      }
      for (const asked of cards()) assert.doesNotMatch(textOf(asked), /A person decides/);
      permit(undefined);
      await line(bot, /"The config applies"/);
      await steer(bot, [CLEAN]);
      await until("a card", () => cards().length > others.length);
      assert.equal(ran(), 0);
    }));
});

describe("[T16] an action without a person whose bot is killed", () => {
  it("does not run again, and says that it is uncertain", () =>
    withUnattended(once(5, SLOW), async ({ start, steer, until, texts, ran, permit }) => {
      const bot = await start();
      await steer(bot, [{ ...CLEAN, arguments: { argv: SLOW } }]);
      await until("the command", () => ran() === 1);
      await killBot(bot);
      permit(undefined); // an action that has begun does not ask for a press
      await start();
      await until(
        "the outcome",
        () => texts().some((text) => /uncertain whether Clean up ran without a person/.test(text)),
      );
      assert.equal(ran(), 1);
    }));

  const points = crashPoints(["after:T2", "before:T4"], [
    "before:T3",
    "after:T3",
    "after:T4",
    "before:T5",
  ]);
  for (const point of points) {
    it(`${point} › runs once, or says that it is uncertain`, () =>
      withUnattended(once(5), async ({ startBot, steer, until, start, texts, ran }) => {
        const dying = startBot({ BARNACLE_CRASH_AT: point });
        await steer(dying, [CLEAN]);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await until("the outcome", () => texts().some((text) => text.includes(RULE)));
        await until(
          "the answer",
          () => texts().some((text) => text.includes("The tools returned")),
        );
        assert.equal(texts().filter((text) => text.includes(RULE)).length, 1);
        assert.equal(ran(), 1);
      }));
  }
});
