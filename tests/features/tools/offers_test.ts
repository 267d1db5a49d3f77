/** Tests actions that the model offers: a person with the right presses, and it runs once (T16). */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import { addMember } from "../../../simulator/world/create_world.ts";
import { buttonsIn, textOf, usableIn } from "../../../simulator/world/components.ts";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { ended, killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { crashPoints } from "../../support/long_form.ts";

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };
const COUNT = ["sh", "-c", "echo it ran >> ran.txt; cat ran.txt"];
const SLOW = ["sh", "-c", "echo it ran >> ran.txt; sleep 60"];

/** A scene with a workspace, two allowed commands, and an address to post to. */
interface OfferScene extends Scene {
  /** How often the command has run. */
  ran(): number;
  /** Bodies that the address got. */
  readonly posted: readonly string[];
  /** Lets ada ask for an offer of these actions. */
  offer(actions: readonly object[], more?: object): void;
  /** The newest open card in #general. */
  card(): Promise<Message>;
  /** The newest message of the bot that begins with the text, as it is now. */
  now(message: Message): string;
  press(as: string, card: Message, label: string): void;
}

/**
 * A RESUME brings the press again to a process that was killed, and it is acknowledged already. A
 * reaction may come later than the deletion of its message.
 */
function isLate({ path, status }: RequestRecord): boolean {
  return status === 400 && path.endsWith("/callback") || path.endsWith(`/${deletedCard}`) ||
    status === 404 && path.includes("/reactions/");
}

let scenes = 0;
/** The card that a test deletes: the last edit of it fails. */
let deletedCard = "none";

async function withOffers(play: (scene: OfferScene) => Promise<void>, config: object = {}) {
  const posted: string[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    posted.push(body);
    response.end(request.url === "/bad" ? "no" : "woken");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const workspace = join(process.env["TMPDIR"] ?? "/tmp", `offers-${process.pid}-${++scenes}`);
  mkdirSync(workspace, { recursive: true });
  try {
    await withSimulation({
      mayRefuse: isLate,
      config: {
        commands: OWNER,
        exec: { mode: "allowlist", sandbox: "off", allow: [COUNT, SLOW] },
        agents: { defaults: { workspace } },
        posts: { "wake-nas": { url: `http://127.0.0.1:${port}/wake` } },
        ...config,
      },
    }, (scene) => {
      const file = join(workspace, "ran.txt");
      return play({
        ...scene,
        posted,
        ran: () => existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0,
        offer(actions, more = {}) {
          const input = { text: "The disk of nas is full.", actions, ...more };
          scene.say(
            "ada",
            "general",
            `${scene.mention}\ncall: offer_actions ${JSON.stringify(input)}`,
          );
        },
        card: () => {
          const { id } = scene.simulator.channel("general");
          return scene.until(
            "a card",
            () =>
              scene.simulator.posted(id).findLast(({ components }) =>
                usableIn(components).length > 0
              ),
          );
        },
        now: ({ id }) => {
          const { id: channel } = scene.simulator.channel("general");
          const message = scene.simulator.posted(channel).find((one) => one.id === id);
          return message ? textOf(message) : "";
        },
        press(as, card, label) {
          const button = buttonsIn(card.components).find((one) => one.label === label);
          assert.ok(button, `no button ${label} in ${JSON.stringify(card.components)}`);
          scene.simulator.press({
            as,
            in: "general",
            message: card.id,
            customId: button.custom_id,
          });
        },
      });
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const CLEAN = { label: "Clean up", tool: "exec", arguments: { argv: COUNT } };
const SLEEP = { label: "Slow", tool: "exec", arguments: { argv: SLOW } };
const WAKE = { label: "Wake", tool: "post", arguments: { to: "wake-nas", body: { a: 1 } } };

describe("[T16] an offer", () => {
  it("runs once for a person with the right, and tells the outcome on the card and below", () =>
    withOffers(async (scene) => {
      const { start, offer, card, press, ran, now, until, written, cli, rows } = scene;
      await start();
      offer([CLEAN, WAKE]);
      const asked = await card();
      assert.match(
        now(asked),
        /The disk of nas is full\.[^]*1\. \["sh","-c","echo it ran[^]*2\. POST wake-nas \{"a":1\}/,
      );
      assert.deepEqual(buttonsIn(asked.components).map(({ label }) => label), [
        "1. Clean up",
        "2. Wake",
        NOTICES.dismissOffer.text,
      ]);
      press("grace", asked, "1. Clean up");
      await until(
        "the refusal",
        () =>
          scene.simulator.ephemeral("grace").some(({ content }) =>
            /exec is not open to you here/.test(content)
          ),
      );
      assert.equal(ran(), 0);
      press("ada", asked, "1. Clean up");
      press("ada", asked, "2. Wake");
      await until(
        "the outcome",
        () =>
          written("general").some((text) =>
            /Clean up ran, for <@\d+>\.\n```\n\[exit code 0/.test(text)
          ),
      );
      await until("the card", () => /chose: 1\. Clean up[^]*Clean up ran, for/.test(now(asked)));
      await until(
        "the end of the turn",
        () => written("general").some((text) => text.includes("The tools returned")),
      );
      assert.equal(ran(), 1);
      assert.deepEqual(scene.posted, []);
      offer([WAKE]);
      const other = await until(
        "a second card",
        () =>
          scene.simulator.posted("general").findLast(({ id, components }) =>
            id !== asked.id && usableIn(components).length > 0
          ),
      );
      press("ada", other, "1. Wake");
      await until(
        "the outcome",
        () => written("general").some((text) => /Wake ran[^]*\[status 200\]\nwoken/.test(text)),
      );
      assert.deepEqual(scene.posted, ['{"a":1}']);
      const [row] = rows("SELECT message_id FROM action_run");
      const { stdout } = await cli("why", String(row?.["message_id"]));
      assert.match(stdout.join("\n"), /Clean up[^\n]*ran[^\n]*1456074443980800000/);
    }));

  it("of an event runs with the rights of the person who pressed", () => {
    const secret = "hook-canary-2Lx7Bn4Kd9Vm3Yc65Wq8Zt";
    const to = "channel:1456074443980800010";
    const hook = { to, secret, template: "{{ text }}", tools: ["offer_actions"] };
    return withOffers(async (scene) => {
      const { start, line, card, press, until, written, ran } = scene;
      const bot = await start();
      const { address } = JSON.parse(await line(bot, /"Listening for hooks"/)).fields;
      const offer = { text: "The disk of nas is full.", actions: [CLEAN] };
      const sent = await fetch(`${address}alerts`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        body: JSON.stringify({ text: `full\ncall: offer_actions ${JSON.stringify(offer)}` }),
      });
      assert.equal(sent.status, 202, await sent.text());
      press("ada", await card(), "1. Clean up");
      await until("the outcome", () => written("general").some((text) => /^(?:✅|❌)/.test(text)));
      assert.match(
        written("general").find((text) => /^(?:✅|❌)/.test(text)) ?? "",
        /Clean up ran/,
      );
      assert.equal(ran(), 1);
    }, { http: { port: 0, hooks: { port: 0 } }, hooks: { alerts: hook } });
  });

  it("changes Discord for a person who could do that themselves, and for no other", () =>
    withOffers(async ({ start, offer, card, press, until, written, now, simulator, user }) => {
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      addMember(krill, { userId: user("mallory").id, joinedAt: Date.UTC(2026, 0, 2) });
      for (const to of ["helpers", "Barnacle"]) {
        simulator.permit({ to, what: "manageChannels", as: "allowed" });
      }
      await start();
      const channelId = String(simulator.channel("help").id);
      const edit = { action: "channelEdit", channelId, name: "aid" };
      offer([{ label: "Rename", tool: "discord", arguments: edit }]);
      const asked = await card();
      assert.match(now(asked), new RegExp(`About:\\*\\* <#${channelId}>`));
      press("mallory", asked, "1. Rename");
      await until(
        "the refusal",
        () => simulator.ephemeral("mallory").some(({ content }) => /Manage Channels/.test(content)),
      );
      assert.ok(simulator.channel("help"));
      press("grace", asked, "1. Rename");
      await until(
        "the outcome",
        () => written("general").some((text) => /Rename ran, for/.test(text)),
      );
      assert.ok(simulator.channel("aid"));
    }));

  it("is dismissed by a person with a right, and closes by itself", () =>
    withOffers(
      async ({ start, offer, card, press, until, now, ran, rows, simulator, ...scene }) => {
        const bot = await start();
        offer([CLEAN]);
        const first = await card();
        press("ada", first, NOTICES.dismissOffer.text);
        await until("the end", () => /chose: Dismiss/.test(now(first)));
        offer([CLEAN], { expiresMin: 1 });
        const second = await until("a second card", () => {
          const { id } = simulator.channel("general");
          return simulator.posted(id).findLast(({ id, components }) =>
            id !== first.id && usableIn(components).length > 0
          );
        });
        bot.kill("SIGTERM");
        await ended(bot);
        const database = new DatabaseSync(join(scene.dataDir, "barnacle.db"));
        database.exec("UPDATE question SET expires_at = 1 WHERE state = 'open'");
        database.close();
        await start();
        await until("the end", () => now(second).includes(NOTICES.questionExpired.text));
        assert.equal(ran(), 0);
        assert.equal(rows("SELECT * FROM action_run").length, 0);
      },
    ));

  it("[D2] ends with its card, with a reason, and edits that once", () =>
    withOffers(async ({ start, offer, card, until, written, cli, simulator, rows }) => {
      await start();
      offer([CLEAN]);
      ({ id: deletedCard } = await card());
      simulator.delete({ as: "ada", in: "general", message: deletedCard });
      await until(
        "the end",
        () => written("general").some((text) => /card was deleted/.test(text)),
      );
      const [row] = rows("SELECT message_id FROM question");
      assert.match(
        (await cli("why", String(row?.["message_id"]))).stdout.join(),
        /card was deleted/,
      );
      const edits = simulator.requests.records().filter(isLate);
      assert.deepEqual(edits.map(({ method, status }) => [method, status]), [["PATCH", 404]]);
      assert.deepEqual(rows("SELECT * FROM outbox WHERE state <> 'sent'"), []);
    }));

  const cases: readonly (readonly [what: string, actions: readonly object[], told: RegExp])[] = [
    [
      "a command that is not allowed",
      [{ ...CLEAN, arguments: { argv: ["rm", "-rf", "/"] } }],
      /not on the list/,
    ],
    [
      "an unknown tool",
      [{ ...CLEAN, tool: "format" }],
      /format cannot be offered; there are: .*exec/,
    ],
    [
      "a tool without effects",
      [{ ...CLEAN, tool: "recall", arguments: {} }],
      /recall cannot be offered/,
    ],
    [
      "an unknown address",
      [{ ...WAKE, arguments: { to: "nas" } }],
      /no address .*nas.*; there are: wake-nas/,
    ],
    [
      "arguments that do not fit",
      [{ ...CLEAN, arguments: { command: "ls" } }],
      /do not fit exec: argv/,
    ],
    [
      "a job",
      [{ ...CLEAN, arguments: { argv: COUNT, background: true } }],
      /a job cannot be offered/,
    ],
    [
      "an offer within an offer",
      [{ ...CLEAN, tool: "offer_actions" }],
      /offer_actions cannot be offered/,
    ],
    ["four actions", [1, 2, 3, 4].map((at) => ({ ...CLEAN, label: `${at}` })), /actions/],
    ["equal labels", [CLEAN, CLEAN], /the labels must differ/],
    ["no action", [], /actions/],
  ];
  it("tells the model why an action cannot be offered", () =>
    withOffers(async ({ start, offer, until, written, ran }) => {
      await start();
      for (const [index, [what, actions, told]] of cases.entries()) {
        offer(actions);
        await until(what, () => written("general").length > index);
        assert.match(written("general").at(-1)?.replace(/\s+/g, " ") ?? "", told, what);
      }
      assert.equal(ran(), 0);
    }));
});

describe("[T16] an offer of an action that no one may run there", () => {
  const rename = { action: "channelEdit", name: "aid" };
  const cases: readonly (readonly [what: string, action: object, told: RegExp])[] = [
    [
      "a denied tool",
      WAKE,
      /"Wake" cannot be offered: no one may use post here, by tools\.deny/,
    ],
    [
      "a tool that the place denies",
      CLEAN,
      /"Clean up" cannot be offered: no one may use exec here, by .*guilds.*tools\.deny/,
    ],
    [
      "an action behind a closed gate",
      { label: "Rename", tool: "discord", arguments: rename },
      /"Rename" cannot be offered: channelEdit is switched off \(gate channels\)/,
    ],
  ];
  it("is no card, and the model learns why", () =>
    withOffers(async ({ start, offer, until, written, simulator }) => {
      await start();
      for (const [index, [what, action, told]] of cases.entries()) {
        offer([action]);
        await until(what, () => written("general").length > index);
        assert.match(written("general").at(-1)?.replace(/\s+/g, " ") ?? "", told);
      }
      const posted = simulator.posted("general");
      assert.ok(posted.every(({ components }) => usableIn(components).length === 0));
    }, {
      tools: { deny: ["post"] },
      channels: {
        discord: { guilds: { "*": { tools: { deny: ["exec"] } } }, actions: { channels: false } },
      },
    }));

  it("is refused at the press, if it was closed after the offer", () =>
    withOffers(async ({ start, offer, card, press, until, rewrite, simulator, line, rows }) => {
      const bot = await start();
      offer([WAKE]);
      const asked = await card();
      rewrite({ config: { tools: { deny: ["post"] } } });
      await line(bot, /"The config has changed"/);
      press("ada", asked, "1. Wake");
      await until(
        "the refusal",
        () => simulator.ephemeral("ada").some(({ content }) => /post is not open/.test(content)),
      );
      assert.deepEqual(rows("SELECT * FROM action_run"), []);
    }));
});

describe("[T16] an action that was pressed, and whose turn ends before it began", () => {
  it("says on the card, in the channel and in why that nothing ran", () =>
    withOffers(async (scene) => {
      const { start, say, mention, card, press, until, now, ran, written, simulator, cli, rows } =
        scene;
      await start();
      const offer = JSON.stringify({ text: "The disk of nas is full.", actions: [CLEAN] });
      const asked = say("grace", "general", `${mention}\ncall: offer_actions ${offer}`);
      const shown = await card();
      scene.model.behave("hang", 1); // a person has one turn at a time
      const asks = scene.model.requests.length;
      say("grace", "help", `${mention} wait for me`);
      await until("the other turn", () => scene.model.requests.length > asks);
      press("grace", shown, "1. Clean up");
      await until("the press", () => /chose: 1\. Clean up/.test(now(shown)));
      simulator.delete({ as: "grace", in: "general", message: asked.id });
      // The label may have words of the deleted question, so it is gone, too (H6a).
      const isTold = (text: string) =>
        /\[not kept: [^\]]+\] failed, for <@\d+>\.\n```\nnothing ran/.test(text);
      await until("the card", () => isTold(now(shown)));
      await until("the outcome", () => written("general").some(isTold));
      assert.equal(written("general").filter((text) => text.startsWith("❌")).length, 1);
      assert.match(
        (await cli("why", asked.id)).stdout.join("\n"),
        /\[not kept: [^\]]+\] {2}failed[^\n]*nothing ran/,
      );
      assert.equal(ran(), 0);
      assert.deepEqual(rows("SELECT state FROM action_run"), [{ state: "failed" }]);
    }, { tools: { alsoAllow: ["offer_actions", "exec"] } }));
});

describe("[T16] [X4] an action that was pressed after the budget was spent", () => {
  it("runs, because it asks no model", () =>
    withOffers(async ({ start, offer, card, press, until, ran, written, now }) => {
      await start();
      offer([CLEAN]);
      const asked = await card();
      press("ada", asked, "1. Clean up");
      await until(
        "the outcome",
        () => written("general").some((text) => /Clean up ran/.test(text)),
      );
      await until("the card", () => /Clean up ran/.test(now(asked)));
      assert.equal(ran(), 1);
    }, { budgets: { total: { tokensPerDay: 1 } } }));
});

describe("[T16] an offer whose bot is killed", () => {
  it("while the action runs › does not run it again, and says that it is uncertain", () =>
    withOffers(async ({ start, offer, card, press, until, now, ran, written }) => {
      const first = await start();
      offer([SLEEP]);
      const asked = await card();
      press("ada", asked, "1. Slow");
      await until("the command", () => ran() === 1);
      await killBot(first);
      await start();
      await until(
        "the outcome",
        () => written("general").some((text) => /uncertain whether Slow ran/.test(text)),
      );
      await until("the card", () => /uncertain whether Slow ran/.test(now(asked)));
      assert.equal(ran(), 1);
    }));

  it("while the action runs, and whose turn is over then › says that it is uncertain", () =>
    withOffers(async (scene) => {
      const { start, say, mention, card, press, until, now, ran, written, simulator, cli } = scene;
      const first = await start();
      const offer = JSON.stringify({ text: "The disk of nas is full.", actions: [SLEEP] });
      const asked = say("ada", "general", `${mention}\ncall: offer_actions ${offer}`);
      const shown = await card();
      press("ada", shown, "1. Slow");
      await until("the command", () => ran() === 1);
      await killBot(first);
      simulator.delete({ as: "ada", in: "general", message: asked.id });
      await start();
      const isUncertain = (text: string) => /uncertain whether Slow ran/.test(text);
      await until("the outcome", () => written("general").some(isUncertain), 10_000);
      await until("the card", () => isUncertain(now(shown)), 10_000);
      assert.equal(written("general").filter((text) => text.startsWith("⚠️")).length, 1);
      assert.match((await cli("why", asked.id)).stdout.join("\n"), /Slow {2}is uncertain/);
      assert.equal(ran(), 1);
    }));

  for (
    const point of crashPoints(["before:T4", "after:T3"], ["after:T4", "before:T3"])
  ) {
    it(`${point} › runs once, or says that it is uncertain`, () =>
      withOffers(async ({ start, offer, card, press, until, now, ran, written, say, mention }) => {
        const first = await start();
        offer([CLEAN]);
        const asked = await card();
        await killBot(first);
        const dying = await start({ BARNACLE_CRASH_AT: point });
        press("ada", asked, "1. Clean up");
        const end = await Promise.race([
          ended(dying),
          until(
            "the outcome",
            () => written("general").some((text) => text.includes("The tools returned")),
          ),
        ]);
        if (typeof end === "object") await start();
        await until(
          "the outcome",
          () =>
            written("general").some((text) => /Clean up ran|uncertain whether Clean up/.test(text)),
        );
        await until("the card", () => /Clean up ran|uncertain whether Clean up/.test(now(asked)));
        say("ada", "general", `${mention} later`);
        await until("an answer", () => written("general").some((text) => /> later/.test(text)));
        const told = written("general").filter((text) => /^(?:✅|❌|⚠️)/.test(text));
        assert.equal(told.length, 1);
        assert.ok(ran() <= 1);
        if (/ran, for/.test(told[0] ?? "")) assert.equal(ran(), 1);
      }));
  }
});
