/**
 * Tests messages from a time without a session: they are answered afterwards, once, in order, and
 * within the limits.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { changeChannel } from "../../../simulator/actions/changes.ts";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { messageId } from "../../support/discord/builders.ts";
import type { Owed } from "../../support/bot/account.ts";
import {
  ended,
  killBot,
  KILLED,
  type Scene,
  stopBot,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { IS_LONG } from "../../support/long_form.ts";
import { judge, passSpacing, settleIn } from "../../support/bot/survival.ts";

/** Two IDENTIFYs within five seconds, and more than five messages. */
const QUICK = { identifyLimit: { spacingMs: 0 }, rateLimits: false } as const;

/** Begins a session, long enough ago for another process to begin one at once. */
async function settle(scene: Scene): Promise<void> {
  await settleIn(scene);
  passSpacing(scene);
}

/** Starts a bot that knows its guilds. It begins its next session five seconds after this one. */
async function present({ start, say, mention, replies }: Scene): Promise<SimulatedProcess> {
  const bot = await start();
  say("grace", "help", `${mention} are you there?`);
  await replies("help", 1);
  return bot;
}

const THREAD = "How do I feed krill?";

const CAUGHT_UP = /Caught up on missed messages/;

/** Loses the session, and runs `say` while no session exists. */
async function away({ simulator, until }: Scene, say: () => void): Promise<void> {
  const { gateway } = simulator.faults;
  gateway.welcome = "reset";
  gateway.drop(4009); // Discord's "session timed out"
  await until("the bot to be away", () => simulator.connected() === 0);
  gateway.forgetSessions();
  say();
  gateway.welcome = "accept";
}

/** Stops the bot, and has Discord forget its session. */
async function stopped({ simulator, until }: Scene, bot: SimulatedProcess): Promise<void> {
  await stopBot(bot);
  await until("the connection to be gone", () => simulator.connected() === 0);
  simulator.faults.gateway.forgetSessions();
}

/** Asks a number of questions in a channel, and returns the expected replies. */
function asked({ say, mention }: Scene, channel: string, name: string, count = 3): Owed {
  const pieces = Array.from({ length: count }, (_, index) => `${name}${index + 1}.`);
  for (const piece of pieces) say("grace", channel, `${mention} ${piece}`);
  return { channel, pieces };
}

const krillOf = ({ world }: Simulator) => {
  const [krill] = world.guilds.values();
  assert.ok(krill);
  return krill;
};

function historyOf({ simulator }: Scene, name: string): number {
  const { id } = simulator.channel(name);
  return simulator.requests.records().filter(({ method, path }) =>
    method === "GET" && path.includes(`/channels/${id}/messages`)
  ).length;
}

/** The number of verdicts for each reason. */
function decided({ rows }: Scene, where: string): Readonly<Record<string, unknown>> {
  const counted = rows(`SELECT why, COUNT(*) AS n FROM decision WHERE ${where} GROUP BY why`);
  return Object.fromEntries(counted.map(({ why, n }) => [String(why), n]));
}

const gaps = ({ rows }: Scene) =>
  rows("SELECT catch_up_from FROM gateway_session WHERE catch_up_from IS NOT NULL").length;

describe("[G6] [G7] a lost session", () => {
  it("[P5] keeps groups groups: an unpaired member gets no code there", () =>
    withSimulation({
      simulator: QUICK,
      discord: () => ({ dm: { policy: "pairing", allowFrom: ["ada"], groupEnabled: true } }),
    }, async (scene) => {
      const { simulator, start, until, decided } = scene;
      const group = [...simulator.world.channels.values()].find(({ kind }) => kind === "group_dm");
      assert.ok(group);
      const inGroup = (as: string, text: string) => simulator.say({ as, in: group.id, text });
      await start();
      assert.equal(await decided(inGroup("ada", "One.")), "accept: group-dm-allowed");
      await until("its answer", () => simulator.posted(group.id).length === 1);
      const missed: Pick<Message, "id">[] = [];
      await away(scene, () => {
        missed.push(inGroup("grace", "Two."), inGroup("ada", "Three."));
      });
      const verdicts = await Promise.all(missed.map(decided));
      assert.deepEqual(verdicts, ["ignore: dm-not-allowed", "accept: group-dm-allowed"]);
      await until("the other answer", () => simulator.posted(group.id).length === 2);
    }));

  it("loses no message of a channel, a thread or a direct message, and answers none twice", () =>
    withSimulation({ simulator: QUICK }, async (scene) => {
      const { say, until, written, replies, line } = scene;
      const bot = await present(scene);
      say("ada", "dm", "are you there?");
      await replies("dm", 1, "ada");
      const owed: Owed[] = [];
      await away(scene, () => {
        owed.push(...["general", THREAD, "off-topic"].map((one) => asked(scene, one, "missed")));
        say("ada", "dm", "direct1.");
        say("edsger", "Elsewhere/#lounge", `${scene.mention} not listed`);
      });
      await line(bot, CAUGHT_UP);
      await until("the direct answer", () => written("dm", "ada").length === 2);
      assert.match(written("dm", "ada")[1] ?? "", /direct1\./);
      assert.equal(historyOf(scene, "Elsewhere/#lounge"), 0, "nobody is answered there");
      await judge(scene, bot, owed);
      assert.equal(written("dm", "ada").length, 2);
      assert.deepEqual(written("Elsewhere/#lounge"), []);
      assert.equal(gaps(scene), 0);
    }));

  it("answers live messages only after the missed ones", () =>
    withSimulation({ simulator: QUICK }, async (scene) => {
      const { line, simulator, until } = scene;
      const bot = await present(scene);
      const slow = simulator.faults.rest.add({
        method: "GET",
        route: "/channels/:id/messages",
        fault: { kind: "delay", ms: 400 },
      });
      let missed: Owed = { channel: "general", pieces: [] };
      const before = simulator.account().identifies.length;
      await away(scene, () => void (missed = asked(scene, "general", "missed")));
      await until("a new session", () => {
        const { identifies } = simulator.account();
        return identifies.length > before && simulator.connected() === 1;
      });
      const live = asked(scene, "general", "live", 2);
      await line(bot, CAUGHT_UP);
      slow.remove();
      await judge(scene, bot, [{ channel: "general", pieces: [...missed.pieces, ...live.pieces] }]);
    }));

  it("leaves messages above the limit unanswered, and records them", () =>
    withSimulation({
      simulator: QUICK,
      discord: () => ({ gateway: { catchUp: { maxPerChannel: 20 } } }),
    }, async (scene) => {
      const { line, mention, say } = scene;
      const bot = await present(scene);
      const pieces: string[] = [];
      await away(scene, () => {
        for (let n = 1; n <= 150; n++) {
          const isAsked = n % 10 === 0;
          say("grace", "general", isAsked ? `${mention} q${n}.` : `chatter ${n}`);
          if (isAsked && n > 130) pieces.push(`q${n}.`);
        }
      });
      const said = JSON.parse(await line(bot, CAUGHT_UP));
      assert.deepEqual([said.fields.answered, said.fields.tooMany], [2, 13]);
      await judge(scene, bot, [{ channel: "general", pieces }]);
      const { id } = scene.simulator.channel("general");
      const { "too-many": tooMany, "no-mention": chatter } = decided(scene, `channel_id = '${id}'`);
      assert.deepEqual([tooMany, chatter], [13, 135]);
    }));

  it("[X4] tells the people before the messages that it reads, once", () =>
    withSimulation({
      simulator: QUICK,
      discord: () => ({ gateway: { catchUp: { maxPerChannel: 20 } } }),
    }, async (scene) => {
      const { line, mention, say, simulator, until, written } = scene;
      const bot = await present(scene);
      await away(scene, () => {
        say("ada", "general", `${mention} q1.`);
        for (const where of ["general", "off-topic"]) {
          for (let n = 1; n <= 1_150; n++) say("grace", where, `chatter ${n}`);
        }
        say("ada", "general", `${mention} q2.`);
      });
      const notices = (where: string) =>
        written(where).filter((text) => text.includes("have not read the messages before"));
      await line(bot, CAUGHT_UP);
      await until("the notice", () => notices("general").length > 0);
      const [, oldest = ""] = /(\d+)\. If you/.exec(notices("general")[0] ?? "") ?? [];
      const { content } = simulator.channel("general").messages.get(messageId(oldest)) ?? {};
      assert.equal(content, "chatter 52"); // 100 of the first page, and 1,000
      say("ada", "general", `${mention} q3.`);
      await until("the answer", () => written("general").some((text) => text.includes("q3.")));
      assert.equal(notices("general").length, 1);
      assert.deepEqual(written("off-topic"), [], "no one there asks the bot");
      assert.equal(written("general").length, 3);
    }));

  it("leaves old messages unanswered, and records them", () => {
    const HOURS_2 = 2 * 60 * 60 * 1_000;
    let behindMs = HOURS_2;
    const late = { ...QUICK, now: () => Date.now() - behindMs };
    return withSimulation({ simulator: late }, async (scene) => {
      const { dataDir, line, simulator, start } = scene;
      await settle(scene);
      simulator.faults.gateway.forgetSessions();
      const database = new DatabaseSync(join(dataDir, DATABASE_NAME));
      database.prepare("UPDATE gateway_session SET stored_up_to = ?").run(Date.now() - 2 * HOURS_2);
      database.close();
      asked(scene, "general", "old", 4);
      behindMs = 0;
      const owed = asked(scene, "general", "new", 2);
      const next = await start();
      const said = JSON.parse(await line(next, CAUGHT_UP));
      assert.equal(said.fields.answered, 2);
      await judge(scene, next, [owed]);
      assert.equal(decided(scene, "1 = 1")["too-old"], 4, "and what was answered before stays so");
    });
  });

  it("[P14] asks for roles, which a channel's history lacks", () =>
    withSimulation({
      simulator: QUICK,
      discord: (simulator) => ({
        guilds: { [krillOf(simulator).id]: { users: ["role:helpers"] } },
      }),
    }, async (scene) => {
      const { mention, say } = scene;
      const bot = await present(scene);
      const owed: Owed[] = [];
      await away(scene, () => {
        owed.push(asked(scene, "general", "helper"));
        say("ada", "general", `${mention} no helper`);
      });
      await judge(scene, bot, owed);
    }));
});

describe("[G6] [X4] a session that is resumed after an outage", () => {
  // With a token alone, Barnacle first asks whether an owner is in the guild (P6).
  for (
    const [what, channels] of [["a guild of the config", undefined], ["any guild", {}]] as const
  ) {
    it(`refuses no question of ${what} for a full queue`, () =>
      withSimulation({
        simulator: { ...QUICK, sessionTimeoutMs: 600_000 },
        config: {
          messages: { queue: { perUser: 1, perChannel: 2 } },
          ...channels && { channels },
        },
      }, async (scene) => {
        const { simulator, start, say, mention, until, line, replies } = scene;
        const krill = krillOf(simulator);
        const people = Array.from({ length: 6 }, (_, index) => {
          const { id } = addUser(simulator.world, { username: `s${index}` }, Date.now());
          addMember(krill, { userId: id, joinedAt: Date.now() });
          return id;
        });
        const bot = await start();
        say("ada", "general", `${mention} one.`);
        await replies("general", 1);
        await stopBot(bot);
        await until("the connection to be gone", () => simulator.connected() === 0);
        const asked = Array.from(
          { length: 30 },
          (_, n) =>
            simulator.say({ as: people[n % 6] ?? "", in: "general", text: `${mention} q${n}.` }),
        );
        await line(await start(), /resumed the session/);
        const verdicts = await Promise.all(asked.map(scene.decided));
        assert.deepEqual(new Set(verdicts), new Set(["accept: mentioned"]));
      }));
  }
});

describe("[G6] a gap stays open", () => {
  /** The first T1 comes before T0: it marks the guilds that READY made outdated. */
  const points: readonly (readonly [point: string, identifies: number])[] = [
    ["after:T1", 3],
    ["after:T0", 2],
    ...(IS_LONG ? [["after:T1:2", 2], ["before:T1:3", 2]] as const : []),
  ];
  for (const [point, identifies] of points) {
    it(`across a process that dies at ${point}`, () =>
      withSimulation({ simulator: QUICK }, async (scene) => {
        const { start, startBot, simulator, line } = scene;
        await settle(scene);
        simulator.faults.gateway.forgetSessions();
        const owed = ["general", THREAD].map((one) => asked(scene, one, "missed"));
        assert.deepEqual(await ended(startBot({ BARNACLE_CRASH_AT: point })), KILLED);
        passSpacing(scene);
        const next = await start();
        await line(next, CAUGHT_UP);
        await judge(scene, next, owed);
        assert.equal(simulator.account().identifies.length, identifies);
        assert.equal(gaps(scene), 0);
      }));
  }

  it("across a process that dies while reading; the next one reads before it answers", () =>
    withSimulation({ simulator: QUICK }, async (scene) => {
      const { eventually, line, rows, simulator, start, until } = scene;
      const bot = await present(scene);
      const slow = simulator.faults.rest.add({
        method: "GET",
        route: "/channels/:id/messages",
        fault: { kind: "delay", ms: 2_000 },
      });
      let missed: Owed = { channel: "general", pieces: [] };
      await away(scene, () => void (missed = asked(scene, "general", "missed")));
      await until("a history to be asked for", () => slow.hits() > 0);
      const live = asked(scene, "general", "live", 2);
      const waiting = "SELECT id FROM inbox WHERE state = 'waiting'";
      await eventually("them to be stored", () => Promise.resolve(rows(waiting).length >= 2));
      await killBot(bot);
      passSpacing(scene);
      const next = await start();
      await line(next, CAUGHT_UP);
      slow.remove();
      const pieces = [...missed.pieces, ...live.pieces];
      await judge(scene, next, [{ channel: "general", pieces }]);
    }));

  it("while REST fails, or another server answers for it, and other messages are answered", () =>
    withSimulation({
      simulator: QUICK,
      mayRefuse: ({ method, status }) => method === "GET" && (status === 404 || status === 503),
    }, async (scene) => {
      const { simulator, until } = scene;
      const bot = await present(scene);
      const faults = {
        unavailable: { kind: "status", status: 503 },
        page: { kind: "html", status: 404 },
      } as const;
      const pieces: string[] = [];
      const live: string[] = [];
      const lines = (pattern: RegExp) => bot.lines.filter((one) => pattern.test(one)).length;
      const CANNOT = /Cannot catch up on missed messages; will try again/;
      for (const [name, fault] of Object.entries(faults)) {
        const [failed, caughtUp] = [lines(CANNOT), lines(CAUGHT_UP)];
        const route = "/channels/:id/messages";
        const broken = simulator.faults.rest.add({ method: "GET", route, fault });
        await away(scene, () => void pieces.push(...asked(scene, "general", name).pieces));
        await until(`the failure by ${name}`, () => lines(CANNOT) > failed);
        live.push(...asked(scene, "off-topic", name).pieces);
        await scene.replies("off-topic", live.length);
        broken.remove();
        await until(`the messages missed by ${name}`, () => lines(CAUGHT_UP) > caughtUp);
      }
      await judge(scene, bot, [
        { channel: "general", pieces },
        { channel: "off-topic", pieces: live },
      ]);
    }));

  it("for a guild with an outage, until it is back", () =>
    withSimulation({ simulator: QUICK }, async (scene) => {
      const { line, replies, say, simulator, start } = scene;
      const { gateway } = simulator.faults;
      const { id } = krillOf(simulator);
      const bot = await present(scene);
      say("ada", "dm", "before.");
      await replies("dm", 1, "ada");
      const owed: Owed[] = [];
      await away(scene, () => {
        gateway.unavailableGuilds.add(id);
        say("ada", "dm", "missed.");
        owed.push(asked(scene, "general", "missed"));
      });
      await replies("dm", 2, "ada");
      await stopped(scene, bot);
      passSpacing(scene);
      assert.equal(gaps(scene), 1);
      const next = await start();
      gateway.bringGuild(id);
      await line(next, CAUGHT_UP);
      await judge(scene, next, owed);
      assert.equal(gaps(scene), 0);
    }));
});

describe("[G6] a channel whose history the bot may not read", () => {
  it("is named with the missing permission, and delays no other channel", () =>
    withSimulation({ simulator: QUICK }, async (scene) => {
      const { line, simulator, written } = scene;
      const bot = await present(scene);
      const general = simulator.channel("general");
      assert.ok(general.kind === "text");
      const { everyoneRoleId } = krillOf(simulator);
      const overwrites = [
        { id: everyoneRoleId, kind: "role", allow: 0n, deny: 1n << 16n } as const,
      ];
      simulator.publish([changeChannel(simulator.world, general, { overwrites })]);
      const owed: Owed[] = [];
      await away(scene, () => {
        asked(scene, "general", "lost");
        owed.push(asked(scene, "off-topic", "missed"));
      });
      const warning = JSON.parse(await line(bot, /Cannot read the missed messages in #general/));
      assert.deepEqual(warning.fields.missing, ["Read Message History"]);
      await line(bot, CAUGHT_UP);
      await judge(scene, bot, owed);
      assert.deepEqual(written("general"), []);
      assert.equal(gaps(scene), 0, "nothing can be done about it by waiting");
    }));
});

describe("[G6] catchUp.enabled: false", () => {
  it("reads nothing, logs the unread time, and closes the gap", () =>
    withSimulation({
      simulator: QUICK,
      discord: () => ({ gateway: { catchUp: { enabled: false } } }),
    }, async (scene) => {
      const { line, written } = scene;
      const bot = await present(scene);
      await away(scene, () => void asked(scene, "off-topic", "missed"));
      await line(bot, /Not reading missed messages: catchUp.enabled is false/);
      const owed = [asked(scene, "general", "live")];
      await judge(scene, bot, owed);
      assert.deepEqual(written("off-topic"), []);
      assert.equal(historyOf(scene, "off-topic"), 0);
      assert.equal(gaps(scene), 0);
    }));
});
