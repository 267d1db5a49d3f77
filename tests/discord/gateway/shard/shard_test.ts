import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { GatewayOptions } from "../../../../src/discord/gateway/link/protocol.ts";
import { cleanUpAfterEach } from "../../../support/cleanups.ts";
import { channelId, guildId } from "../../../support/discord/builders.ts";
import {
  type FakeGateway,
  type FakeGatewayOptions,
  startFakeGateway,
} from "../../../support/gateway/fake_gateway.ts";
import {
  gatewayOptions,
  startTestShard,
  type TestShard,
  TOKEN,
} from "../../../support/gateway/gateway_shard.ts";

const cleanups = cleanUpAfterEach();

async function start(
  fake: FakeGatewayOptions = {},
  options: Partial<GatewayOptions> = {},
  settings: Parameters<typeof startTestShard>[1] = {},
): Promise<{ gateway: FakeGateway; shard: TestShard }> {
  const gateway = await startFakeGateway(fake);
  cleanups.push(() => gateway.stop());
  const shard = startTestShard(gatewayOptions(gateway.url, options), settings);
  cleanups.push(() => shard.stop());
  return { gateway, shard };
}

async function startReady(...args: Parameters<typeof start>): ReturnType<typeof start> {
  const started = await start(...args);
  await started.gateway.until(() => started.shard.isReady(), "READY");
  return started;
}

describe("[G2] startShard()", () => {
  it("identifies after HELLO, with the token and the intents", async () => {
    const { gateway } = await startReady({}, { intents: 37_377 });
    const [identify] = gateway.received(2);
    assert.equal(identify!.d.token, TOKEN);
    assert.equal(identify!.d.intents, 37_377);
    assert.match(gateway.connections[0]!.path, /\?v=10&encoding=json$/);
    assert.equal(gateway.connections[0]!.userAgent, gatewayOptions("").userAgent);
  });

  it("does not send the earlier session's number while it identifies", async () => {
    const { gateway } = await startReady({}, {}, { speed: 10, random: () => 0.9 });
    gateway.options = { handle: ({ op }) => op === 2 };
    gateway.connections[0]!.close(4009);
    await gateway.until(() => gateway.received(2).length === 2, "IDENTIFY");
    gateway.connections[1]!.send({ op: 1, d: null, s: null, t: null });
    await gateway.until(() => gateway.connections[1]!.received.length === 2, "the beat");
    assert.deepEqual(gateway.connections[1]!.received.map(({ op }) => op), [2, 1]);
    assert.equal(gateway.connections[1]!.received[1]!.d, null);
  });
});

describe("[G3] startShard()", () => {
  it("processes an op 9 right before a close, compressed or not", async () => {
    const { gateway } = await startReady({}, { compress: true }, { speed: 10 });
    gateway.connections[0]!.send({ op: 9, d: false, s: null, t: null });
    gateway.connections[0]!.close(4000);
    await gateway.until(() => gateway.received(2).length === 2, "IDENTIFY");
    assert.equal(gateway.received(6).length, 0);
  });

  it("stops for good after 4004, and logs a hint for the operator", async () => {
    const { gateway, shard } = await startReady();
    gateway.connections[0]!.close(4004, "Authentication failed.");
    await gateway.until(() => shard.messages.some(({ kind }) => kind === "final"), "the end");
    const final = shard.messages.find((message) => message.kind === "final");
    assert.deepEqual(final!.plan.kind, "stop");
    assert.match(shard.logs().at(-1)!, /4004, authentication failed.*no more tries.*token/);
    assert.equal(gateway.connections.length, 1);
  });

  it("logs neither the token nor content", async () => {
    const { gateway, shard } = await startReady({}, { isConnectionDebug: true });
    gateway.connections[0]!.dispatch("MESSAGE_CREATE", { content: "private words" });
    gateway.connections[0]!.sendText('{"op":0,"t":"READY","s":3,"d":{"private words');
    await gateway.until(() => /Skipped a payload/.test(shard.logs().join()), "the line");
    const logged = JSON.stringify(shard.messages.filter(({ kind }) => kind === "log"));
    assert.doesNotMatch(logged, /private words|secret-token/);
  });
});

it("[G4] [G14] startShard() › is not online by a READY without the bot's id, says so, and begins another session", async () => {
  let identifies = 0;
  const { gateway, shard } = await start(
    {
      handle(payload, connection) {
        if (payload.op !== 2 || ++identifies > 1) return false;
        connection.dispatch("READY", { session_id: "s", user: { id: "x" }, guilds: [] });
        return true;
      },
    },
    {},
    { speed: 50 },
  );
  await gateway.until(() => /Skipped a payload/.test(shard.logs().join()), "the line");
  assert.equal(shard.isReady(), false);
  assert.doesNotMatch(shard.logs().join(), /online/);
  await gateway.until(() => identifies === 2 && shard.isReady(), "the next session");
  const logged = JSON.stringify(shard.messages.filter(({ kind }) => kind === "log"));
  assert.match(logged, /READY without a session, or without the bot's id/);
});

describe("[G5] startShard()", () => {
  it("[G5b] resumes from the committed number, sends it in heartbeats, and drops known dispatches", async () => {
    const { gateway, shard } = await startReady({}, {}, { commits: false, random: () => 0.9 });
    const seqs = () => shard.dispatches().map(({ s }) => s);
    const commit = (upTo: number) => {
      for (const message of shard.messages) {
        if (message.kind === "batch" && message.batch.seq <= upTo) {
          shard.committed(message.batch.number);
        }
      }
    };
    for (let i = 0; i < 4; i++) {
      gateway.connections[0]!.dispatch("MESSAGE_CREATE", { i });
      await gateway.until(() => seqs().length === i + 2, "the message");
    }
    gateway.connections[0]!.destroy();
    await gateway.until(() => gateway.received(6).length === 1 && shard.isReady(), "RESUMED");
    assert.equal(gateway.received(6)[0]!.d.seq, 1, "READY's number, since nothing is committed");
    commit(2);
    gateway.connections[1]!.send({ op: 1, d: null, s: null, t: null });
    await gateway.until(() => gateway.received(1).length === 1, "the beat");
    assert.equal(gateway.received(1)[0]!.d, 2);

    gateway.connections[1]!.destroy();
    await gateway.until(() => gateway.received(6).length === 2 && shard.isReady(), "RESUMED");
    assert.equal(gateway.received(6)[1]!.d.seq, 2);
    gateway.connections[2]!.dispatch("MESSAGE_CREATE", { i: 4 });
    await gateway.until(() => seqs().includes(gateway.seq), "the next one");
    assert.deepEqual(seqs(), [1, 2, 3, 4, 5, gateway.seq], "a received dispatch counts once");
  });

  it("[G5b] opens a new session if Discord has forgotten lost events", async () => {
    const { gateway, shard } = await startReady({}, {}, { commits: false, speed: 10 });
    const seqs = () => shard.dispatches().map(({ s }) => s);
    for (let i = 0; i < 3; i++) gateway.connections[0]!.dispatch("MESSAGE_CREATE", { i });
    await gateway.until(() => seqs().length === 4, "the messages");
    gateway.forget(3); // RESUME names READY's number, 1
    gateway.connections[0]!.destroy();
    await gateway.until(() => gateway.received(6).length === 1, "RESUME"); // RESUMED has been sent
    gateway.connections[1]!.dispatch("MESSAGE_CREATE", { i: 3 });
    await gateway.until(() => gateway.received(2).length === 2, "IDENTIFY");
    await gateway.until(() => seqs().length === 6 && shard.isReady(), "READY");
    assert.deepEqual(seqs(), [1, 2, 3, 4, 6, 1], "dispatches until then count, and once");
    const holes = shard.messages.flatMap((message) =>
      message.kind === "batch" && message.batch.afterHole ? [message.batch.seq] : []
    );
    assert.deepEqual(holes, [6], "only the first used dispatch after the hole");
    assert.equal(shard.counts()!.resumes.resumed, 1);
    assert.ok(shard.logs().some((line) => /Discord has forgotten/.test(line)));
  });

  it("[G5b] detects a hole by unused types, and by RESUMED itself", async () => {
    for (const type of ["TYPING_START", undefined]) {
      const { gateway, shard } = await startReady({}, {}, { commits: false, speed: 10 });
      gateway.connections[0]!.dispatch("MESSAGE_CREATE", {});
      await gateway.until(() => shard.dispatches().length === 2, "the message");
      if (type) gateway.connections[0]!.dispatch(type, {});
      gateway.forget(2);
      gateway.connections[0]!.destroy();
      await gateway.until(() => gateway.received(2).length === 2, `IDENTIFY (${type})`);
      await gateway.until(() => shard.isReady(), "READY");
    }
  });

  it("[G16] begins a new session if the main thread could not read an event", async () => {
    const { gateway, shard } = await startReady({}, {}, { speed: 10 });
    shard.renew();
    await gateway.until(() => gateway.connections.length === 2, "a new connection");
    await gateway.until(() => gateway.received(2).length === 2, "IDENTIFY");
    await gateway.until(() => shard.isReady(), "READY");
    assert.equal(shard.counts()?.identifies, 2);
    assert.ok(shard.logs().some((line) => /may bring what it could not read/.test(line)));
  });

  it("connects to the gateway's new URL, and ends no wait for it", async () => {
    const vacant = await startFakeGateway();
    await vacant.stop();
    const gateway = await startFakeGateway();
    cleanups.push(() => gateway.stop());
    const shard = startTestShard(gatewayOptions(vacant.url));
    cleanups.push(() => shard.stop());
    await gateway.until(() => shard.logs().length === 1, "the first failure");
    const logged = shard.messages.length;
    shard.setUrl(gateway.url);
    assert.equal(shard.messages.length, logged, "the wait continues");
    await gateway.until(() => shard.isReady(), "READY");
    assert.equal(gateway.connections.length, 1);
  });
});

describe("[G1] startShard()", () => {
  it("survives payloads that cannot be read", async () => {
    const { gateway, shard } = await startReady();
    const [connection] = gateway.connections;
    for (
      const text of ["", "null", "[]", "{", '{"op":"0"}', '{"op":0,"d":{}}', '{"op":99,"d":1}']
    ) {
      connection!.sendText(text);
    }
    connection!.dispatch("MESSAGE_CREATE", { content: "still here" });
    await gateway.until(() => shard.dispatches().length === 2, "the message");
    assert.equal(gateway.connections.length, 1);
  });

  for (const garbage of ["text without a frame", "\u0001"]) {
    it(`resumes after ${JSON.stringify(garbage)} in place of a frame`, async () => {
      const { gateway, shard } = await startReady();
      gateway.connections[0]!.sendBytes(Buffer.from(garbage.repeat(10)));
      await gateway.until(() => gateway.received(6).length === 1 && shard.isReady(), "RESUMED");
    });
  }

  it("passes on the used dispatches alone", async () => {
    const { gateway, shard } = await startReady();
    gateway.connections[0]!.dispatch("TYPING_START", { note: '"t":"MESSAGE_CREATE"' });
    gateway.connections[0]!.dispatch("MESSAGE_CREATE", { content: "hi" });
    await gateway.until(() => shard.dispatches().length === 2, "the message");
    assert.deepEqual(shard.dispatches().map(({ t }) => t), ["READY", "MESSAGE_CREATE"]);
    const batch = shard.messages.findLast((message) => message.kind === "batch")!;
    assert.equal(batch.batch.seq, 3);
  });

  it("stops reading while the main thread has no room, drops the socket, and loses nothing", async () => {
    // A process that gets no processor for a whole interval counts as asleep, and drops the socket.
    const { gateway, shard } = await startReady({ heartbeatMs: 2_000 }, {}, {
      commits: false,
      bounds: { maxBytes: 1 << 20 },
    });
    const filler = "x".repeat(50_000);
    for (let i = 0; i < 400; i++) gateway.connections[0]!.dispatch("MESSAGE_CREATE", { i, filler });
    await gateway.until(() => shard.logs().some((line) => /could not keep up/.test(line)), "");
    gateway.options = {}; // on a busy machine the next sockets could miss heartbeats at this rate
    assert.ok(shard.dispatches().length < 200, `${shard.dispatches().length} were taken`);
    const ticksBefore = shard.ticks();
    await new Promise((resolve) => setTimeout(resolve, 800)); // the end of the wait has passed
    const ticks = shard.ticks() - ticksBefore;
    assert.ok(ticks <= 5, `${ticks} ticks while only waiting for room`);

    let next = 0;
    const commit = () => {
      for (; next < shard.messages.length; next++) {
        const message = shard.messages[next]!;
        if (message.kind === "batch") shard.committed(message.batch.number);
      }
    };
    await gateway.until(
      () => {
        commit();
        return shard.dispatches().length === 401;
      },
      "all dispatches",
    );
    assert.deepEqual(
      shard.dispatches().slice(1).map(({ d }) => d.i),
      Array.from({ length: 400 }, (_, i) => i),
    );
    assert.equal(gateway.received(2).length, 1);
  });
});

const activity = { type: "custom", name: "reading" } as const;
const presence = { status: "idle", activity } as const;

it("[G2] [T3] startShard() and the presence › sends a changed one at once, and in the next IDENTIFY", async () => {
  const { gateway, shard } = await startReady({}, { presence });
  shard.setPresence({ status: "dnd" });
  await gateway.until(() => gateway.received(3).length === 1, "the presence");
  assert.equal(gateway.received(3)[0]!.d.status, "dnd");
  gateway.connections[0]!.close(4009, "");
  await gateway.until(() => gateway.received(2).length === 2, "IDENTIFY");
  assert.equal(gateway.received(2)[1]!.d.presence.status, "dnd");
});

it("[V9] startShard() › joins voice channels once it is ready, by the newest wish, ten a minute", async () => {
  const { gateway, shard } = await start({}, {}, { speed: 50 });
  const join = (guild: number, channel: string) =>
    shard.setVoice({ guildId: guildId(String(guild)), channelId: channelId(channel) });
  for (let guild = 1; guild <= 11; guild++) join(guild, "5");
  join(1, "6");
  await gateway.until(() => gateway.received(4).length === 10, "ten of them");
  const [first] = gateway.received(4);
  assert.deepEqual([first?.d.guild_id, first?.d.channel_id], ["1", "6"]);
  assert.equal(gateway.received(2).length, 1);
  await gateway.until(() => gateway.received(4).length === 11, "the last, a minute later");
  assert.ok(gateway.received(4)[10]!.at - first!.at >= 1_000, "by its clock");
});

it("[G10] startShard() › logs each step of a connection, and tells at `info` when the bot is online", async () => {
  const { gateway, shard } = await startReady({}, { isConnectionDebug: true }, {
    random: () => 0.9,
  });
  gateway.connections[0]!.destroy();
  await gateway.until(() => gateway.received(6).length === 1 && shard.isReady(), "RESUMED");
  const steps = shard.lines().map((line) => /^(?:debug|info) [\w ]+/.exec(line)?.[0].trim())
    .filter((line) => line !== "debug Dispatch");
  assert.deepEqual(steps, [
    "debug Connecting",
    "debug Connected",
    "debug HELLO",
    "debug Asking for a permit to IDENTIFY",
    "debug IDENTIFY sent",
    "info Discord began a new session",
    "info The network ended the connection",
    "debug Back",
    "debug Connecting",
    "debug Connected",
    "debug HELLO",
    "debug RESUME sent",
    "info Discord resumed the session",
  ]);
});

describe("[G1] startShard() against a flood", () => {
  it("logs few of 1,000 payloads that cannot be read", async () => {
    const { gateway, shard } = await startReady();
    for (let i = 0; i < 1_000; i++) gateway.connections[0]!.sendText("{");
    gateway.connections[0]!.dispatch("MESSAGE_CREATE", { content: "hi" });
    await gateway.until(() => shard.dispatches().length === 2, "the message");
    assert.equal(shard.logs().filter((line) => /^Skipped a payload/.test(line)).length, 10);
  });
});
