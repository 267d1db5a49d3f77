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
import { NOTICES } from "../../../src/render/notices/notices.ts";
import { EMPTY_DRAFT } from "../../../simulator/actions/draft.ts";
import { addUser } from "../../../simulator/world/create_world.ts";
import { postMessage } from "../../../simulator/actions/messages.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { ended, KILLED, type Scene, STOPPED, withSimulation } from "../../support/bot/e2e.ts";

const CODE = /\b[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{8}\b/;
const SECRET = "tell me a secret";

/** The number of senders and of their messages; the whole flood takes minutes. */
const FLOOD = { strangers: 200, messages: 10 } as const;

/** An unpaired sender writes for the first time, and gets a code. */
async function challenge({ say, replies, decided }: Scene, as = "mallory"): Promise<string> {
  const message = say(as, "dm", SECRET);
  const [notice = ""] = await replies("dm", 1, as);
  assert.equal(await decided(message), "challenge: pairing");
  const [code] = CODE.exec(notice) ?? [];
  assert.ok(code, `no code in ${notice}`);
  assert.ok(notice.includes(`barnacle pairing approve ${code}`), notice);
  return code;
}

/** The owner's pairing request about a sender, once it arrives. */
async function question({ simulator, until, user }: Scene, of = "mallory"): Promise<Message> {
  const dm = simulator.channel("dm", "ada").id;
  const { id } = user(of);
  return await until(
    "the owner to be asked",
    () => simulator.posted(dm).find(({ content }) => content.includes(id)),
  );
}

function customIdOf({ components }: Message, key: "approve" | "deny"): string {
  const buttons = buttonsIn(components);
  const button = buttons.find(({ label }) => label === NOTICES[key].text);
  assert.ok(button, `no ${key} among ${JSON.stringify(buttons)}`);
  return button.custom_id;
}

/** Waits for another user's answer, so that all earlier messages are decided. */
async function settle({ say, mention, replies, written }: Scene): Promise<void> {
  const count = written("general").length + 1;
  say("grace", "general", `${mention} finally`);
  await replies("general", count);
}

async function isAnswered({ say, replies, written }: Scene): Promise<void> {
  const count = written("dm", "mallory").length + 1;
  say("mallory", "dm", "hear me now");
  assert.match((await replies("dm", count, "mallory")).at(-1) ?? "", /hear me now/);
}

/** Asserts that the model never received the sender's messages from before the approval. */
function keptApart({ model }: Scene): void {
  assert.ok(!model.requests.some(({ body }) => body.includes(SECRET)));
}

describe("[P3] the direct message of an owner", () => {
  it("is answered without pairing, also as the first message after the first start", () =>
    withSimulation({ discord: () => ({ dm: { policy: "pairing" } }) }, async (scene) => {
      const bot = await scene.start();
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
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
      await until("the end of the connection", () => simulator.connected() === 0);
      const missed = say("grace", "dm", "and now?");
      await start();
      assert.equal(await decided(missed), "accept: dm-allowed");
    }));
});

describe("[P3] the direct message of an unpaired sender", () => {
  it("gets a code; from an approval by another process to its end, messages are answered", () =>
    withSimulation({}, async (scene) => {
      await scene.start();
      const code = await challenge(scene);
      await settle(scene);
      assert.equal(scene.model.requests.length, 1); // and it was not the sender's

      const approved = await scene.cli("pairing", "approve", code);
      assert.equal(approved.code, 0, approved.stderr.join("\n"));
      const mallory = scene.user("mallory");
      for (const said of [approved.stderr, approved.stdout]) { // before, and after
        assert.match(said.join("\n"), new RegExp(`mallory.*${mallory.id}|${mallory.id}.*mallory`));
      }
      const [, told] = await scene.replies("dm", 2, "mallory");
      assert.equal(told, NOTICES.paired.text);
      await isAnswered(scene);
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
      assert.equal(scene.written("dm", "mallory").filter((text) => /and now/.test(text)).length, 0);
    }));

  it("[S1] begins a memory of its own: the model never sees the owner's messages", () =>
    withSimulation({}, async (scene) => {
      const { start, say, replies, model } = scene;
      const first = await start();
      say("ada", "dm", "my safe opens with the word pilchard");
      await replies("dm", 1, "ada");
      const approved = await scene.cli("pairing", "approve", await challenge(scene));
      assert.equal(approved.code, 0, approved.stderr.join("\n"));
      await replies("dm", 2, "mallory");
      await isAnswered(scene);
      assert.doesNotMatch(model.requests.at(-1)?.body ?? "", /pilchard/);
      first.kill("SIGTERM");
      assert.deepEqual(await ended(first), STOPPED);
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
      const code = await challenge(scene);
      first.kill("SIGKILL");
      assert.deepEqual(await ended(first), KILLED);
      const { code: exit, stderr } = await scene.cli("pairing", "approve", "discord", code);
      assert.equal(exit, 0, stderr.join("\n"));
      await scene.start();
      const [, told] = await scene.replies("dm", 2, "mallory");
      assert.equal(told, NOTICES.paired.text);
      await isAnswered(scene);
    }));

  it("gets the code once, and is not told of a denial", () =>
    withSimulation({}, async (scene) => {
      await scene.start();
      const code = await challenge(scene);
      const pending = scene.say("mallory", "dm", "hello?");
      assert.equal(await scene.decided(pending), "ignore: pairing-pending");
      assert.equal((await scene.cli("pairing", "deny", code)).code, 0);
      const again = scene.say("mallory", "dm", "hello?");
      assert.equal(await scene.decided(again), "ignore: pairing-denied");
      await settle(scene);
      assert.equal(scene.written("dm", "mallory").length, 1);
      keptApart(scene);
    }));
});

describe("[P3] the button in the owner's direct message", () => {
  it("approves the sender: the buttons disappear, and the next message is answered", () =>
    withSimulation({}, async (scene) => {
      const { simulator, until } = scene;
      await scene.start();
      const code = await challenge(scene);
      const asked = await question(scene);
      for (const part of ["mallory", scene.user("mallory").id, code]) {
        assert.ok(asked.content.includes(part), asked.content);
      }
      simulator.press({
        as: "ada",
        in: "dm",
        message: asked.id,
        customId: customIdOf(asked, "approve"),
      });
      const [, told] = await scene.replies("dm", 2, "mallory");
      assert.equal(told, NOTICES.paired.text);
      const after = await until("the question to be answered", () => {
        const [now] = simulator.posted(asked.channelId);
        return now?.components.length === 0 && now;
      });
      assert.match(after.content, /mallory/);
      await isAnswered(scene);
      assert.deepEqual(simulator.failedInteractions(), []);
    }));

  it("[SEC-R15] denies, counts once, and does nothing for others, in any copy of the message", () =>
    withSimulation({}, async (scene) => {
      const { simulator, until, say, decided, written } = scene;
      await scene.start();
      const ask = async (username: string) => {
        addUser(simulator.world, { username }, Date.now());
        await challenge(scene, username);
        return await question(scene, username);
      };
      const verdict = (username: string) => decided(say(username, "dm", "hello?"));
      const byAda = (asked: Message, key: "approve" | "deny", message = asked.id) =>
        simulator.press({ as: "ada", in: "dm", message, customId: customIdOf(asked, key) });

      const denied = await ask("denied");
      byAda(denied, "deny");
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
      const pressed = (["deny", "approve", "approve"] as const).map((key) => byAda(twice, key));
      await until("all", () => pressed.every(({ answer }) => answer?.kind === "updated"));
      assert.equal(await verdict("twice"), "ignore: pairing-denied");
      await settle(scene);
      assert.equal(written("dm", "twice").length, 1);

      // Another user, and copies of the message.
      const copied = await ask("copied");
      const customId = customIdOf(copied, "approve");
      const inPublic = { in: "general", customId };
      const copy = postAs(simulator, simulator.application.userId, copied);
      simulator.press({ as: "grace", message: copy, ...inPublic });
      await until("Grace to be answered", () => simulator.ephemeral("grace").length > 0);
      assert.deepEqual(simulator.ephemeral("grace").map(({ content }) => content), [
        NOTICES.notAuthorized.text,
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
        NOTICES.deadButton.text,
      ]);
      assert.equal(await verdict("copied"), "ignore: pairing-pending");
    }));
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

  it(`blocks approval for a minute after ${MAX_WRONG_CODES} wrong codes in a row`, () =>
    withSimulation({}, async (scene) => {
      await scene.start();
      const code = await challenge(scene);
      for (let n = 0; n < MAX_WRONG_CODES; n += 1) {
        const { code: exit } = await scene.cli("pairing", "approve", "AAAAAAAA");
        assert.equal(exit, 1);
      }
      const closed = await scene.cli("pairing", "approve", code);
      assert.equal(closed.code, 75, closed.stderr.join("\n"));
      assert.ok(CLOSED_MS === 60_000);
      const again = scene.say("mallory", "dm", "hello?");
      assert.equal(await scene.decided(again), "ignore: pairing-pending");
    }));
});
