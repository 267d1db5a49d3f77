import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  changeChannel,
  changeRole,
  changeRoles,
  changeThread,
  deleteChannel,
  joinGuild,
  leaveGuild,
} from "../../../simulator/actions/changes.ts";
import type { SimulatorOptions } from "../../../simulator/simulator.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { PERMISSION } from "../../../simulator/world/permissions.ts";
import { addChannel, addThread, privateTo } from "../../../simulator/world/create_world.ts";
import {
  ask,
  connectRaw,
  connectReady,
  identify,
  isEvent,
  isOp,
  type RawGateway,
  soon,
  withSimulator,
} from "../raw_client.ts";

const INTENTS_WITHOUT_CONTENT = 0x3601;

const resume = (token: string, session: unknown, seq: number) => ({
  op: 6,
  d: { token, session_id: session, seq },
});

describe("[G3] gateway close codes", () => {
  const wrong: readonly [code: number, what: string, payload: unknown, isReady: boolean][] = [
    [4001, "an opcode that does not exist", { op: 99, d: null }, true],
    [4002, "text that is not JSON", "{", true],
    [4002, "a payload of more than 4096 bytes", { op: 1, d: null, pad: "x".repeat(4096) }, true],
    [4002, "an IDENTIFY without properties", { op: 2, d: { token: "x", intents: 0 } }, false],
    [4002, "a heartbeat whose sequence is text", { op: 1, d: "1" }, true],
    [4003, "a presence before IDENTIFY", {
      op: 3,
      d: { since: null, activities: [], status: "online", afk: false },
    }, false],
    [4007, "a heartbeat with a sequence number that was never sent", { op: 1, d: 999 }, true],
  ];
  for (const [code, what, payload, isReady] of wrong) {
    it(`${code} for ${what}`, () =>
      withSimulator(async (sim) => {
        const gateway = isReady ? await connectReady(sim) : connectRaw(sim);
        await gateway.frame(isOp(10));
        gateway.send(payload);
        assert.equal(await gateway.closed, code);
      }));
  }

  const identifies: readonly [code: number, what: string, fields: Record<string, unknown>][] = [
    [4004, "a wrong token", { token: "wrong" }],
    [4010, "shard 1 of 1", { shard: [1, 1] }],
    [4013, "an intent that does not exist", { intents: 1 << 30 }],
    [4013, "no intents", { intents: undefined }],
    [4002, "a field that does not exist", { intent: 1 }],
  ];
  for (const [code, what, fields] of identifies) {
    it(`${code} for an IDENTIFY with ${what}`, () =>
      withSimulator(async (sim) => {
        const gateway = connectRaw(sim);
        await gateway.frame(isOp(10));
        gateway.send(identify(sim, fields));
        assert.equal(await gateway.closed, code);
      }));
  }

  it("4005 for a second IDENTIFY", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      gateway.send(identify(sim));
      assert.equal(await gateway.closed, 4005);
    }));

  it("4008 for more than 120 payloads in a minute", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      for (let sent = 1; sent < 120; sent += 1) gateway.send({ op: 1, d: null });
      await sim.until(() => gateway.frames.filter(isOp(11)).length === 119 || undefined, soon());
      gateway.send({ op: 1, d: null });
      assert.equal(await gateway.closed, 4008);
    }));

  it("4009 for a client that does not beat, and its session ends", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      const session = gateway.frames.find(isEvent("READY"))?.d?.["session_id"];
      assert.equal(await gateway.closed, 4009);
      const again = connectRaw(sim);
      await again.frame(isOp(10));
      again.send(resume(sim.token, session, 1));
      assert.equal((await again.frame(isOp(9))).d, false);
      again.close();
    }, { heartbeatIntervalMs: 50 }));

  for (
    const [code, query] of [
      [4012, "v=9&encoding=json"],
      [4012, "encoding=json"],
      [4002, "v=10&encoding=etf"],
      [4002, "v=10&encoding=json&compress=lzma"],
    ] as const
  ) {
    it(`${code} for ${query}`, () =>
      withSimulator(async (sim) => assert.equal(await connectRaw(sim, query).closed, code)));
  }

  it("4014 for a privileged intent that the portal has not switched on", () =>
    withSimulator(async (sim, demo) => {
      demo.world.applications.set(demo.barnacle.id, { ...demo.barnacle, privilegedIntents: 0 });
      const gateway = connectRaw(sim);
      await gateway.frame(isOp(10));
      gateway.send(identify(sim, { intents: 1 << 15 }));
      assert.equal(await gateway.closed, 4014);
    }));
});

describe("[G5] the IDENTIFY budget", () => {
  it("answers op 9 to a second IDENTIFY within five seconds, and counts it", () =>
    withSimulator(async (sim) => {
      const first = await connectReady(sim);
      const second = connectRaw(sim);
      await second.frame(isOp(10));
      second.send(identify(sim));
      assert.equal((await second.frame(isOp(9))).d, false);
      assert.equal(sim.account().identifies.length, 2);
      first.close();
      second.close();
    }));

  it("resets the token after one IDENTIFY too many, and ends all its sessions", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim) => {
      const first = await connectReady(sim);
      clock.advance(6_000);
      const second = connectRaw(sim);
      await second.frame(isOp(10));
      second.send(identify(sim));
      assert.deepEqual(await Promise.all([first.closed, second.closed]), [4004, 4004]);
      assert.equal(sim.account().tokenResetAt, clock.now());
    }, { now: clock.now, identifyLimit: { total: 1 } });
  });

  it("does not count a RESUME", () =>
    withSimulator(async (sim) => {
      const { again } = await reconnect(sim, 2);
      await again.frame(isEvent("RESUMED"));
      assert.equal(sim.account().identifies.length, 1);
      again.close();
    }));
});

type Sim = Parameters<Parameters<typeof withSimulator>[0]>[0];

/** Identifies, loses the connection and sends RESUME. */
async function reconnect(
  sim: Sim,
  seq: number,
  meanwhile: () => void = () => {},
): Promise<{ readonly first: RawGateway; readonly again: RawGateway }> {
  const first = await connectReady(sim, { intents: 0xb601 });
  await sim.until(
    () => first.frames.filter(isEvent("GUILD_CREATE")).length === 2 || undefined,
    soon(),
  );
  const session = first.frames.find(isEvent("READY"))?.d?.["session_id"];
  sim.faults.gateway.drop("fin");
  await sim.until(() => sim.connected() === 0 || undefined, soon());
  meanwhile();
  const again = connectRaw(sim);
  await again.frame(isOp(10));
  again.send(resume(sim.token, session, seq));
  return { first, again };
}

describe("[G3] resume", () => {
  for (const seq of [0, 1, 2, 3]) {
    it(`replays everything after ${seq} as first sent, and then the missed events`, () =>
      withSimulator(async (sim) => {
        const { first, again } = await reconnect(sim, seq, () => {
          sim.say({ as: "ada", in: "#general", text: "one" });
          sim.say({ as: "ada", in: "#general", text: "two" });
        });
        const resumed = await again.frame(isEvent("RESUMED"));
        const replayed = again.frames.filter(({ s }) => s !== null);
        assert.deepEqual(
          replayed.map(({ s }) => s),
          Array.from({ length: 6 - seq }, (_, index) => seq + index + 1),
        );
        const known = first.frames.filter(({ s }) => s !== null && s > seq);
        assert.deepEqual(replayed.slice(0, known.length), known);
        assert.deepEqual(
          replayed.filter(isEvent("MESSAGE_CREATE")).map(({ d }) => d?.["content"]),
          ["one", "two"],
        );
        assert.equal(replayed.at(-1), resumed);
        again.close();
      }));
  }

  it("keeps a resumed session for as long as it has a connection", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim) => {
      const { again } = await reconnect(sim, 3);
      await again.frame(isEvent("RESUMED"));
      clock.advance(10_000);
      sim.say({ as: "ada", in: "#general", text: "still there" });
      await again.frame(({ d }) => d?.["content"] === "still there");
      again.close();
    }, { sessionTimeoutMs: 1_000, now: clock.now });
  });

  it("does not give a bot another bot's session", () =>
    withSimulator(async (sim, { otherBot }) => {
      const gateway = await connectReady(sim);
      const session = gateway.frames.find(isEvent("READY"))?.d?.["session_id"];
      const thief = connectRaw(sim);
      await thief.frame(isOp(10));
      thief.send(resume(otherBot.token, session, 1));
      assert.equal((await thief.frame(isOp(9))).d, false);
      thief.close();
      gateway.close();
    }));

  it("closes with 4007 for a sequence from the future", () =>
    withSimulator(async (sim) => {
      const { again } = await reconnect(sim, 99);
      assert.equal(await again.closed, 4007);
    }));

  const refused: readonly [string, SimulatorOptions, (clock: FakeClock, sim: Sim) => void][] = [
    ["a session that timed out", { sessionTimeoutMs: 1_000 }, (clock) => clock.advance(1_001)],
    ["a session that was forgotten", {}, (_, sim) => sim.faults.gateway.forgetSessions()],
    ["what the buffer no longer holds", { replayLimit: 2 }, (_, sim) => {
      sim.say({ as: "ada", in: "#general", text: "one" });
    }],
  ];
  for (const [what, options, meanwhile] of refused) {
    it(`answers op 9 for ${what}`, () => {
      const clock = new FakeClock();
      return withSimulator(async (sim) => {
        const { again } = await reconnect(sim, 1, () => meanwhile(clock, sim));
        assert.equal((await again.frame(isOp(9))).d, false);
        assert.deepEqual(sim.account().resumes.map(({ outcome }) => outcome), ["invalid"]);
        again.close();
      }, { ...options, now: clock.now });
    });
  }

  it("keeps a session that the client closed with 3000, and ends one closed with 1000", () =>
    withSimulator(async (sim) => {
      for (const [code, op] of [[3000, 0], [1000, 9]] as const) {
        sim.account().lastIdentifyAt.clear(); // so that the second IDENTIFY is not too early
        const gateway = await connectReady(sim);
        const session = gateway.frames.find(isEvent("READY"))?.d?.["session_id"];
        gateway.close(code);
        await gateway.closed;
        await sim.until(() => sim.connected() === 0 || undefined, soon());
        const again = connectRaw(sim);
        await again.frame(isOp(10));
        again.send(resume(sim.token, session, 3));
        await again.frame((frame) => frame.op === op && (op === 9 || frame.t === "RESUMED"));
        again.close();
        await again.closed;
      }
    }));
});

describe("[G2] gateway", () => {
  it("sends s: null with everything but dispatches", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      gateway.send({ op: 1, d: null });
      await gateway.frame(isOp(11));
      for (const { op, s } of gateway.frames) if (op !== 0) assert.equal(s, null);
      gateway.close();
    }));

  it("counts late heartbeats only", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      for (const waitMs of [40_000, 41_250, 43_000, 41_250]) {
        clock.advance(waitMs);
        const acks = gateway.frames.filter(isOp(11)).length;
        gateway.send({ op: 1, d: null });
        await sim.until(() => gateway.frames.filter(isOp(11)).length > acks || undefined, soon());
      }
      assert.equal(sim.account().heartbeats, 4);
      assert.equal(sim.account().lateBeats, 1);
      gateway.close();
    }, { now: clock.now });
  });

  it("empties messages without the content intent, except direct ones, mentions and its own", () =>
    withSimulator(async (sim, demo) => {
      const gateway = await connectReady(sim, { intents: INTENTS_WITHOUT_CONTENT });
      const me = demo.barnacle.userId;
      sim.say({ as: "ada", in: "#general", text: "secret" });
      sim.say({ as: "ada", in: "#general", text: `<@${me}> open` });
      sim.say({ as: "ada", in: "dm", text: "direct" });
      sim.say({ as: "Barnacle", in: "#general", text: "own" });
      await gateway.frame(({ d }) => d?.["content"] === "own");
      assert.deepEqual(
        gateway.frames.filter(isEvent("MESSAGE_CREATE")).map(({ d }) => d?.["content"]),
        ["", `<@${me}> open`, "direct", "own"],
      );
      gateway.close();
    }));

  it("sends only events of the intents that the bot may see", () =>
    withSimulator(async (sim, demo) => {
      const gateway = await connectReady(sim, { intents: 1 << 9 | 1 << 15 });
      const hidden = { ...demo.channels.offTopic, overwrites: [denyView(demo.krill.id)] };
      demo.world.channels.set(hidden.id, hidden);
      sim.say({ as: "ada", in: "#off-topic", text: "hidden" });
      sim.say({ as: "ada", in: "dm", text: "direct" });
      sim.type({ as: "ada", in: "#general" });
      sim.say({ as: "ada", in: "#general", text: "heard" });
      await gateway.frame(({ d }) => d?.["content"] === "heard");
      assert.deepEqual(gateway.frames.filter(({ s }) => s !== null).map(({ t }) => t), [
        "READY",
        "MESSAGE_CREATE",
      ]);
      gateway.close();
    }));

  it("sends joined and left guilds, and its own roles", () =>
    withSimulator(async (sim, { krill, barnacle }) => {
      const gateway = await connectReady(sim);
      sim.publish([changeRoles(krill, barnacle.userId, [])]);
      sim.publish([leaveGuild(krill, barnacle.userId)]);
      sim.say({ as: "ada", in: "#general", text: "among ourselves" });
      sim.publish([joinGuild(sim.world, krill, barnacle.userId, Date.now())]);
      await sim.until(
        () => gateway.frames.filter(isEvent("GUILD_CREATE")).length === 3 || undefined,
        soon(),
      );
      assert.deepEqual(gateway.frames.slice(4).map(({ t }) => t), [
        "GUILD_MEMBER_UPDATE",
        "GUILD_DELETE",
        "GUILD_CREATE",
      ]);
      gateway.close();
    }));

  it("sends changes of channels, threads and roles", () =>
    withSimulator(async (sim, { world, krill, channels, helpers, people }) => {
      const gateway = await connectReady(sim);
      await sim.until(
        () => gateway.frames.filter(isEvent("GUILD_CREATE")).length === 2 || undefined,
        soon(),
      );
      const before = gateway.frames.length;
      const { offTopic } = channels;
      const thread = addThread(world, offTopic, { name: "t", ownerId: people.ada.id }, Date.now());
      sim.publish([
        changeChannel(world, channels.general, { name: "lobby", topic: "new" }),
        { kind: "channel_created", channel: thread },
        changeThread(world, thread, { isArchived: true }),
        changeRole(krill, helpers, { name: "friends" }),
      ]);
      deleteChannel(world, channels.help, (event) => sim.publish([event]));
      await gateway.frame(isEvent("CHANNEL_DELETE"));
      assert.deepEqual(
        gateway.frames.slice(before).map((
          { t, d },
        ) => [t, d?.["name"] ?? Object(d?.["role"]).name]),
        [
          ["CHANNEL_UPDATE", "lobby"],
          ["THREAD_CREATE", "t"],
          ["THREAD_UPDATE", "t"],
          ["GUILD_ROLE_UPDATE", "friends"],
          ["CHANNEL_DELETE", "help"],
        ],
      );
      assert.equal(sim.channel("#lobby").id, channels.general.id);
      assert.throws(() => sim.channel("#help"));
      gateway.close();
    }));

  it("gives each shard its guilds, and direct messages to the first", () =>
    withSimulator(async (sim, { krill, elsewhere }) => {
      const shards: RawGateway[] = [];
      for (const id of [0, 1]) shards.push(await connectReady(sim, { shard: [id, 2] }));
      sim.say({ as: "ada", in: "#general", text: "in krill" });
      sim.say({ as: "edsger", in: "#lounge", text: "elsewhere" });
      sim.say({ as: "ada", in: "dm", text: "direct" });
      const shardOf = (id: string) => Number((BigInt(id) >> 22n) % 2n);
      const expected = [[0, "direct"], [shardOf(krill.id), "in krill"], [
        shardOf(elsewhere.id),
        "elsewhere",
      ]] as const;
      for (const [at, text] of expected) {
        await shards[at]?.frame(({ d }) => d?.["content"] === text);
        const heard: boolean[] = shards.map(({ frames }) =>
          frames.some(({ d }) => d?.["content"] === text)
        );
        assert.deepEqual(heard, [at === 0, at === 1]);
      }
      for (const shard of shards) shard.close();
    }, { identifyLimit: { maxConcurrency: 2 } }));

  it("shows a channel or category that the bot may not view without name and overwrites", () =>
    withSimulator(async (sim, { world, krill, barnacle }) => {
      const at = Date.now();
      const overwrites = privateTo(krill);
      const staff = addChannel(world, krill, { name: "staff", kind: "category", overwrites }, at);
      const about = { overwrites, parentId: staff.id, position: 4, topic: "raises" };
      const secret = addChannel(world, krill, { name: "secret", ...about }, at);
      addThread(world, secret, { name: "plan", ownerId: krill.ownerId }, at);
      const gateway = await connectReady(sim);
      const { d } = await gateway.frame(isEvent("GUILD_CREATE"));
      const channels: Record<string, unknown>[] = Object(d)["channels"];
      assert.deepEqual(
        channels.map(({ name }) => name),
        ["general", "help", "off-topic", "___hidden___", "___hidden___"],
      );
      const hidden = {
        id: secret.id,
        type: 0,
        guild_id: krill.id,
        parent_id: staff.id,
        position: 4,
        name: "___hidden___",
        flags: 1 << 17,
        topic: null,
        nsfw: false,
        last_message_id: null,
        last_pin_timestamp: null,
        rate_limit_per_user: 0,
        permission_overwrites: [{ id: krill.id, type: 0, allow: "0", deny: "1024" }],
      };
      assert.deepEqual(channels.at(-1), hidden);

      const own = [...krill.roles.values()].find(({ botId }) => botId === barnacle.userId);
      assert.ok(own);
      for (const permissions of [PERMISSION.administrator, own.permissions]) {
        sim.publish([changeRole(krill, own, { permissions })]);
      }
      const updates = () => gateway.frames.filter(isEvent("CHANNEL_UPDATE"));
      await sim.until(() => updates().length === 4 || undefined, soon());
      assert.deepEqual(
        updates().map(({ d }) => d?.["name"]),
        ["staff", "secret", "___hidden___", "___hidden___"],
      );
      sim.publish([changeChannel(world, secret, { overwrites: [] })]);
      await sim.until(() => updates().length === 5 || undefined, soon());
      assert.equal(updates().at(-1)?.d?.["name"], "secret");
      // Once for each channel that it sees again: with its active threads.
      const synced = () => gateway.frames.filter(isEvent("THREAD_LIST_SYNC")).map(({ d }) => d);
      await sim.until(() => synced().length === 3 || undefined, soon());
      assert.deepEqual(
        synced().map((d) => [
          d?.["channel_ids"],
          Object(d)["threads"].map(({ name }: { name: string }) => name),
        ]),
        [[[staff.id], []], [[secret.id], ["plan"]], [[secret.id], ["plan"]]],
      );
      gateway.close();
    }));

  it("sends members on request, all of them only with the intent", () =>
    withSimulator(async (sim, { krill, people }) => {
      const gateway = await connectReady(sim, { intents: 1 });
      gateway.send({ op: 8, d: { guild_id: krill.id, query: "", limit: 0 } });
      gateway.send({ op: 8, d: { guild_id: krill.id, query: "GR", limit: 5, nonce: "m" } });
      gateway.send({ op: 8, d: { guild_id: krill.id, user_ids: [people.ada.id, "1"] } });
      await gateway.frame(({ t, d }) => t === "GUILD_MEMBERS_CHUNK" && d?.["nonce"] !== "m");
      const chunks = gateway.frames.filter(isEvent("GUILD_MEMBERS_CHUNK"));
      assert.deepEqual(
        chunks.map(({ d }) =>
          Object(d)["members"].map(({ user }: { user: { username: string } }) => user.username)
        ),
        [["grace"], ["ada"]],
      );
      assert.deepEqual(chunks[1]?.d?.["not_found"], ["1"]);
      gateway.close();
    }));

  it("sends a nonce to its author alone", () =>
    withSimulator(async (sim, { channels, otherBot }) => {
      const gateway = await connectReady(sim);
      const body = { content: "x", nonce: "n", allowed_mentions: { parse: [] } };
      for (const { token } of [sim, otherBot]) {
        await ask({ ...sim, token }, "POST", `/channels/${channels.general.id}/messages`, body);
      }
      await sim.until(
        () => gateway.frames.filter(isEvent("MESSAGE_CREATE")).length === 2 || undefined,
        soon(),
      );
      assert.deepEqual(
        gateway.frames.filter(isEvent("MESSAGE_CREATE")).map(({ d }) => d?.["nonce"]),
        ["n", undefined],
      );
      gateway.close();
    }));

  for (const compress of ["zlib-stream", "zstd-stream"]) {
    it(`[G8] ${compress}: everything in order, and the close code after it`, () =>
      withSimulator(async (sim) => {
        const gateway = await connectReady(sim, {}, `v=10&encoding=json&compress=${compress}`);
        for (let n = 0; n < 500; n += 1) sim.say({ as: "ada", in: "#general", text: `m${n}` });
        sim.faults.gateway.drop(4000);
        assert.equal(await gateway.closed, 4000);
        await gateway.frame(({ d }) => d?.["content"] === "m499");
        assert.deepEqual(
          gateway.frames.filter(isEvent("MESSAGE_CREATE")).map(({ d }) => d?.["content"]),
          Array.from({ length: 500 }, (_, n) => `m${n}`),
        );
        assert.deepEqual(
          gateway.frames.filter(({ s }) => s !== null).map(({ s }) => s),
          Array.from({ length: 503 }, (_, n) => n + 1),
        );
      }));
  }
});

function denyView(everyone: string) {
  return { id: everyone as never, kind: "role" as const, allow: 0n, deny: 1n << 10n };
}

describe("[G2] gateway faults", () => {
  it("half-open: the connection stays, without reads and writes", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      assert.equal(sim.faults.gateway.freeze(), 1);
      const before = gateway.frames.length;
      gateway.send({ op: 1, d: null });
      sim.say({ as: "ada", in: "#general", text: "unheard" });
      const other = connectRaw(sim);
      await other.frame(isOp(10)); // a new connection works
      assert.equal(gateway.frames.length, before);
      assert.equal(sim.account().heartbeats, 0);
      other.close();
    }));

  it("half-open for longer than two intervals: the session can still be resumed", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      const session = gateway.frames.find(isEvent("READY"))?.d?.["session_id"];
      sim.faults.gateway.freeze();
      await sim.until(
        () => sim.connected() === 0 || undefined,
        soon(),
      );
      const again = connectRaw(sim);
      await again.frame(isOp(10));
      again.send(resume(sim.token, session, 1));
      await again.frame(isEvent("RESUMED"));
      again.close();
    }, { heartbeatIntervalMs: 50 }));

  it("swallows acks while the switch is set", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.swallowAcks = true;
      gateway.send({ op: 1, d: null });
      await sim.until(() => sim.account().heartbeats === 1 || undefined, soon());
      sim.faults.gateway.swallowAcks = false;
      gateway.send({ op: 1, d: null });
      await gateway.frame(isOp(11));
      assert.equal(gateway.frames.filter(isOp(11)).length, 1);
      gateway.close();
    }));

  it("asks to reconnect (op 7), beats (op 1), invalidates (op 9) and sends rubbish", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.askReconnect();
      sim.faults.gateway.askHeartbeat();
      sim.faults.gateway.sendRaw('{"op":0,"t":"READY","s":null,"d":null}');
      sim.faults.gateway.invalidate(false);
      await gateway.frame(isOp(9));
      assert.deepEqual(gateway.frames.slice(-4).map(({ op }) => op), [7, 1, 0, 9]);
      gateway.close();
    }));

  for (const fault of ["swallowHello", "swallowReady"] as const) {
    it(`${fault}: sends nothing, and goes on when the switch is off`, () =>
      withSimulator(async (sim) => {
        sim.faults.gateway[fault] = true;
        const gateway = connectRaw(sim);
        if (fault === "swallowReady") await gateway.frame(isOp(10));
        else await gateway.opened;
        gateway.send({ op: 1, d: null });
        if (fault === "swallowReady") gateway.send(identify(sim));
        await gateway.frame(isOp(11));
        sim.faults.gateway[fault] = false;
        sim.account().lastIdentifyAt.clear();
        const other = await connectReady(sim);
        assert.deepEqual(
          gateway.frames.map(({ op }) => op),
          fault === "swallowReady" ? [10, 11] : [11],
        );
        gateway.close();
        other.close();
      }));
  }

  it("refuses the given number of connections", () =>
    withSimulator(async (sim) => {
      Object.assign(sim.faults.gateway, { welcome: { status: 502 }, welcomeTimes: 1 });
      assert.notEqual(await connectRaw(sim).closed, 1000);
      const gateway = connectRaw(sim);
      await gateway.frame(isOp(10));
      gateway.close();
    }));

  it("closes the next IDENTIFY with a code", () =>
    withSimulator(async (sim) => {
      sim.faults.gateway.closeOnIdentify.push(4000);
      const gateway = connectRaw(sim);
      await gateway.frame(isOp(10));
      gateway.send(identify(sim));
      assert.equal(await gateway.closed, 4000);
    }));

  it("sends late, the close frame too, and keeps the order", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.delayMs = 30;
      sim.say({ as: "ada", in: "#general", text: "one" });
      sim.faults.gateway.delayMs = 0;
      sim.say({ as: "ada", in: "#general", text: "two" });
      sim.faults.gateway.drop(4000);
      assert.equal(await gateway.closed, 4000);
      assert.deepEqual(gateway.frames.slice(-2).map(({ d }) => d?.["content"]), ["one", "two"]);
    }));
});
