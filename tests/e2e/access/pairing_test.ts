/** Tests unpaired senders: a code, an approval, and then answers. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buttonsIn } from "../../../simulator/world/components.ts";
import type { UserId } from "../../../src/core/discord/ids.ts";
import {
  CLOSED_MS,
  MAX_CODES,
  MAX_PENDING,
  MAX_WRONG_CODES,
} from "../../../src/core/inbound/pairing.ts";
import { addTeam } from "../../../simulator/world/create_world.ts";
import { DEAD_BUTTON, NOT_AUTHORIZED, PAIRED } from "../../../src/render/sentences.ts";
import { EMPTY_DRAFT } from "../../../simulator/actions/draft.ts";
import { addUser } from "../../../simulator/world/create_world.ts";
import { postMessage } from "../../../simulator/actions/messages.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { killBot, type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const CODE = /\b[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{8}\b/;
const SECRET = "tell me a secret";

/** The number of senders and of their messages; the whole flood takes minutes. */
const FLOOD = { strangers: 200, messages: 10 } as const;

/** Adds a person whom no other test with the same bot knows. */
function addStranger({ simulator }: Scene, username: string): string {
  return addUser(simulator.world, { username }, Date.now()).username;
}

/** An unpaired sender writes for the first time, and gets a code. */
async function challenge({ say, replies, decided }: Scene, as: string): Promise<string> {
  const message = say(as, "dm", SECRET);
  const [notice = ""] = await replies("dm", 1, as);
  assert.equal(await decided(message), "challenge: pairing");
  const [code] = CODE.exec(notice) ?? [];
  assert.ok(code, `no code in ${notice}`);
  assert.ok(notice.includes(`barnacle pairing approve ${code}`), notice);
  return code;
}

/** The owner's pairing request about a sender, once it arrives. */
async function question({ simulator, until, user }: Scene, of: string): Promise<Message> {
  const dm = simulator.channel("dm", "ada").id;
  const { id } = user(of);
  return await until(
    "the owner to be asked",
    () => simulator.posted(dm).find(({ content }) => content.includes(id)),
  );
}

function customIdOf({ components }: Message, key: "Approve" | "Deny"): string {
  const buttons = buttonsIn(components);
  const button = buttons.find(({ label }) => label === key);
  assert.ok(button, `no ${key} among ${JSON.stringify(buttons)}`);
  return button.custom_id;
}

/** Waits for another user's answer, so that all earlier messages are decided. */
async function settle({ say, mention, replies, written, here }: Scene): Promise<void> {
  const count = written(here).length + 1;
  say("grace", here, `${mention} finally`);
  await replies(here, count);
}

async function isAnswered({ say, replies, written }: Scene, as: string): Promise<void> {
  const count = written("dm", as).length + 1;
  say(as, "dm", "hear me now");
  assert.match((await replies("dm", count, as)).at(-1) ?? "", /hear me now/);
}

/** Asserts that the model never received the sender's messages from before the approval. */
function keptApart({ model }: Scene): void {
  assert.ok(!model.requests.some(({ body }) => body.includes(SECRET)));
}

describe("[P3] a running bot", () => {
  // Fewer codes than an account gives within a minute, and the wrong ones at the end.
  const play = sharedBot({ discord: () => ({ dm: { policy: "pairing" } }) });

  describe("[P3] the direct message of an owner", () => {
    it("is answered without pairing, also as the first message after the first start", () =>
      play(async (scene, bot) => {
        const owner = scene.simulator.application.ownerId;
        const { username } = scene.simulator.world.users.get(owner) ?? {};
        assert.ok(username);
        const message = scene.say(username, "dm", "am I let in?");
        assert.equal(await scene.decided(message), "accept: dm-allowed");
        assert.match((await scene.replies("dm", 1, username))[0] ?? "", /am I let in/);
        await scene.line(bot, /slash commands are registered/);
        scene.simulator.command({ as: username, in: "dm", name: "whoami" });
        await scene.until(
          "the command's answer",
          () => scene.simulator.ephemeral(username).some(({ content }) => content.includes(owner)),
        );
      }));
  });

  describe("[P3] the direct message of an unpaired sender", () => {
    it("gets a code; from an approval by another process to its end, messages are answered", () =>
      play(async (scene) => {
        const code = await challenge(scene, "mallory");
        await settle(scene);
        assert.equal(scene.model.requests.length, 1); // and it was not the sender's

        const approved = await scene.cli("pairing", "approve", code);
        assert.equal(approved.code, 0, approved.stderr.join("\n"));
        const mallory = scene.user("mallory");
        for (const said of [approved.stderr, approved.stdout]) { // before, and after
          assert.match(
            said.join("\n"),
            new RegExp(`mallory.*${mallory.id}|${mallory.id}.*mallory`),
          );
        }
        const [, told] = await scene.replies("dm", 2, "mallory");
        assert.equal(told, PAIRED);
        await isAnswered(scene, "mallory");
        keptApart(scene);
        const { paired, pending } = JSON.parse(
          (await scene.cli("pairing", "list", "--json")).stdout.join(""),
        );
        assert.deepEqual(pending, []);
        assert.deepEqual(paired.map(({ userId }: { userId: string }) => userId), [mallory.id]);

        const revoked = await scene.cli("pairing", "revoke", mallory.id);
        assert.equal(revoked.code, 0, revoked.stderr.join("\n"));
        const late = scene.say("mallory", "dm", "and now?");
        assert.doesNotMatch(await scene.decided(late), /accept/);
        await settle(scene);
        const answers = scene.written("dm", "mallory").filter((text) => /and now/.test(text));
        assert.equal(answers.length, 0);
      }));

    it("gets the code once, and is not told of a denial", () =>
      play(async (scene) => {
        const cod = addStranger(scene, "cod");
        const code = await challenge(scene, cod);
        const pending = scene.say(cod, "dm", "hello?");
        assert.equal(await scene.decided(pending), "ignore: pairing-pending");
        assert.equal((await scene.cli("pairing", "deny", code)).code, 0);
        const again = scene.say(cod, "dm", "hello?");
        assert.equal(await scene.decided(again), "ignore: pairing-denied");
        await settle(scene);
        assert.equal(scene.written("dm", cod).length, 1);
        keptApart(scene);
      }));
  });

  describe("[P3] the button in the owner's direct message", () => {
    it("approves the sender: the buttons disappear, and the next message is answered", () =>
      play(async (scene) => {
        const { simulator, until } = scene;
        const hake = addStranger(scene, "hake");
        const code = await challenge(scene, hake);
        const asked = await question(scene, hake);
        for (const part of [hake, scene.user(hake).id, code]) {
          assert.ok(asked.content.includes(part), asked.content);
        }
        simulator.press({
          as: "ada",
          in: "dm",
          message: asked.id,
          customId: customIdOf(asked, "Approve"),
        });
        const [, told] = await scene.replies("dm", 2, hake);
        assert.equal(told, PAIRED);
        const after = await until("the question to be answered", () => {
          const now = simulator.posted(asked.channelId).find(({ id }) => id === asked.id);
          return now?.components.length === 0 && now;
        });
        assert.match(after.content, /hake/);
        await isAnswered(scene, hake);
        assert.deepEqual(simulator.failedInteractions(), []);
      }));

    it("[SEC-R15] denies, counts once, and does nothing for others, in any copy of the message", () =>
      play(async (scene) => {
        const { simulator, until, say, decided, written } = scene;
        const ask = async (username: string) => {
          addStranger(scene, username);
          await challenge(scene, username);
          return await question(scene, username);
        };
        const verdict = (username: string) => decided(say(username, "dm", "hello?"));
        const byAda = (asked: Message, key: "Approve" | "Deny", message = asked.id) =>
          simulator.press({ as: "ada", in: "dm", message, customId: customIdOf(asked, key) });

        const denied = await ask("denied");
        byAda(denied, "Deny");
        await until(
          "the buttons to go",
          () =>
            simulator.posted(denied.channelId).find(({ id }) => id === denied.id)?.components
              .length ===
              0,
        );
        assert.equal(await verdict("denied"), "ignore: pairing-denied");

        // Of simultaneous presses, the first holds.
        const twice = await ask("twice");
        const pressed = (["Deny", "Approve", "Approve"] as const).map((key) => byAda(twice, key));
        await until("all", () => pressed.every(({ answer }) => answer?.kind === "updated"));
        assert.equal(await verdict("twice"), "ignore: pairing-denied");
        await settle(scene);
        assert.equal(written("dm", "twice").length, 1);

        // Another user, and copies of the message.
        const copied = await ask("copied");
        const customId = customIdOf(copied, "Approve");
        const inPublic = { in: "general", customId };
        const copy = postAs(simulator, simulator.application.userId, copied);
        simulator.press({ as: "grace", message: copy, ...inPublic });
        await until("Grace to be answered", () => simulator.ephemeral("grace").length > 0);
        assert.deepEqual(simulator.ephemeral("grace").map(({ content }) => content), [
          NOT_AUTHORIZED,
        ]);
        const limpet = [...simulator.world.applications.values()].at(-1);
        assert.ok(limpet && limpet !== simulator.application);
        const foreign = postAs(simulator, limpet.userId, copied);
        const ignored = simulator.press({ as: "ada", message: foreign, ...inPublic });
        await settle(scene);
        assert.equal(ignored.answer, undefined);
        const unknown = `pairing:${"0".repeat(32)}`;
        const forged = JSON.parse(JSON.stringify(copied).replaceAll(customId, unknown));
        const dead = postAs(simulator, simulator.application.userId, forged);
        simulator.press({ as: "ada", in: "general", message: dead, customId: unknown });
        await until("Ada to be answered", () => simulator.ephemeral("ada").length > 0);
        assert.deepEqual(simulator.ephemeral("ada").map(({ content }) => content), [
          DEAD_BUTTON,
        ]);
        assert.equal(await verdict("copied"), "ignore: pairing-pending");
      }));
  });

  describe("[P3] guesses of a code", () => {
    it(`blocks approval for a minute after ${MAX_WRONG_CODES} wrong codes in a row`, () =>
      play(async (scene) => {
        const guessed = addStranger(scene, "guessed");
        const code = await challenge(scene, guessed);
        for (let n = 0; n < MAX_WRONG_CODES; n += 1) {
          const { code: exit } = await scene.cli("pairing", "approve", "AAAAAAAA");
          assert.equal(exit, 1);
        }
        const closed = await scene.cli("pairing", "approve", code);
        assert.equal(closed.code, 75, closed.stderr.join("\n"));
        assert.ok(CLOSED_MS === 60_000);
        const again = scene.say(guessed, "dm", "hello?");
        assert.equal(await scene.decided(again), "ignore: pairing-pending");
      }));
  });
});

/** Posts a copy of a message with buttons in #general, and returns its id. */
function postAs(simulator: Simulator, userId: UserId, { content, components }: Message): string {
  const { id } = simulator.channel("general");
  const draft = { ...EMPTY_DRAFT, content, components };
  const posted = postMessage(simulator.world, id, { kind: "user", userId }, draft, Date.now());
  assert.ok(posted.kind === "done");
  simulator.publish(posted.events);
  return posted.value.message.id;
}

describe("[P3] the direct message of a member of the application's team", () => {
  it("is answered without pairing, also if it came before the second start", () =>
    withSimulation({ discord: () => ({ dm: { policy: "pairing" } }) }, async (scene) => {
      const { simulator, start, say, decided, user, replies, until } = scene;
      const member = { userId: user("grace").id, hasAccepted: true, role: "developer" as const };
      const makers = { name: "makers", ownerId: user("ada").id, members: [member] };
      Object.assign(simulator.application, { team: addTeam(simulator.world, makers, Date.now()) });
      const first = await start();
      assert.equal(await decided(say("grace", "dm", "am I let in?")), "accept: dm-allowed");
      await replies("dm", 1, "grace");
      await stopBot(first);
      await until("the end of the connection", () => simulator.connected() === 0);
      const missed = say("grace", "dm", "and now?");
      await start();
      assert.equal(await decided(missed), "accept: dm-allowed");
    }));
});

describe("[P3] an approval, and a restart", () => {
  it("[S1] begins a memory of its own: the model never sees the owner's messages", () =>
    withSimulation({}, async (scene) => {
      const { start, say, replies, model } = scene;
      const first = await start();
      say("ada", "dm", "my safe opens with the word pilchard");
      await replies("dm", 1, "ada");
      const approved = await scene.cli("pairing", "approve", await challenge(scene, "mallory"));
      assert.equal(approved.code, 0, approved.stderr.join("\n"));
      await replies("dm", 2, "mallory");
      await isAnswered(scene, "mallory");
      assert.doesNotMatch(model.requests.at(-1)?.body ?? "", /pilchard/);
      await stopBot(first);
      await start(); // the owner is stored, so the next process has the same sessions
      const count = scene.written("dm", "ada").length + 1; // the approval request is there, too
      say("ada", "dm", "what opens my safe?");
      await replies("dm", count, "ada");
      const body = model.requests.at(-1)?.body ?? "";
      assert.match(body, /pilchard/);
      assert.doesNotMatch(body, /hear me now/);
    }));

  it("survives a crash: approved without a running bot, the sender is told by the next one", () =>
    withSimulation({ simulator: { identifyLimit: { maxConcurrency: 16 } } }, async (scene) => {
      const first = await scene.start();
      const code = await challenge(scene, "mallory");
      await killBot(first);
      const { code: exit, stderr } = await scene.cli("pairing", "approve", "discord", code);
      assert.equal(exit, 0, stderr.join("\n"));
      await scene.start();
      const [, told] = await scene.replies("dm", 2, "mallory");
      assert.equal(told, PAIRED);
      await isAnswered(scene, "mallory");
    }));
});

describe("[P3] a flood of unpaired senders", () => {
  it("causes at most ten codes a minute, twenty open requests, and no model call", () =>
    withSimulation({ simulator: { rateLimits: false } }, async (scene) => {
      const { simulator, model, start, say, decided, rows } = scene;
      const strangers = Array.from(
        { length: FLOOD.strangers },
        (_, number) => addUser(simulator.world, { username: `stranger${number}` }, Date.now()),
      );
      await start();
      let last: Message | undefined;
      for (let round = 0; round < FLOOD.messages; round += 1) {
        for (const { id } of strangers) last = say(id, "dm", `let me in ${round}`);
      }
      assert.ok(last);
      await decided(last);
      await settle(scene);
      const told = strangers.flatMap(({ id }) => scene.written("dm", id));
      assert.ok(told.length > 0 && told.length <= MAX_CODES, `${told.length} codes`);
      assert.equal(new Set(told.map((text) => CODE.exec(text)?.[0])).size, told.length);
      const [pending] = rows("SELECT count(*) AS n FROM pairing_request WHERE state = 'pending'");
      assert.ok(Number(pending?.["n"]) <= MAX_PENDING);
      assert.equal(model.requests.length, 1); // from settle()
      const verdicts = rows(
        `SELECT DISTINCT verdict || ': ' || why AS said FROM decision
          WHERE why LIKE 'pairing%' ORDER BY said`,
      );
      assert.deepEqual(verdicts.map(({ said }) => said), [
        "challenge: pairing",
        "ignore: pairing-full",
        "ignore: pairing-pending",
      ]);
    }));
});
