import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { VoiceOpcodes as OP } from "discord-api-types/voice/v8";
import { createDave, type DaveSession, GROUP_MS } from "../../../../src/features/voice/dave.ts";
import {
  createVoiceGateway,
  DISCOVERY_MS,
  readServerMessage,
} from "../../../../src/features/voice/link.ts";
import { createPlayer, type PlayedSamples } from "../../../../src/features/voice/thread.ts";
import { userId } from "../../../support/discord/builders.ts";

const TARGET = {
  url: "ws://x",
  guildId: "1",
  userId: "2",
  channelId: "3",
  sessionId: "s",
  token: "t",
};

const [MODE, OLD_MODE] = ["aead_aes256_gcm_rtpsize", "xsalsa20_poly1305"];
const ready = (mode?: string) => ({ ssrc: 1, ip: "1.2.3.4", port: 5, modes: [mode] });

/** Messages of a server, by the words of a play. */
const MESSAGES: Readonly<Record<string, object>> = {
  hello: { op: OP.Hello, d: { heartbeat_interval: 1_000 } },
  ready: { op: OP.Ready, d: ready(MODE) },
  old: { op: OP.Ready, d: ready(OLD_MODE) },
  session: {
    op: OP.SessionDescription,
    d: { mode: MODE, secret_key: Array(32).fill(1), dave_protocol_version: 1 },
    seq: 4,
  },
  ack: { op: OP.HeartbeatAck, d: null },
  resumed: { op: OP.Resumed, d: null },
  other: { op: OP.ClientDisconnect, d: { user_id: "5" } },
  unknown: { op: 99 },
  broken: { op: OP.Speaking, d: 3 },
  nothing: {},
};

/**
 * Plays events at their times.
 *
 * @param script `"500 tick, 600 close 1006, 700 seq 9"`: milliseconds and an event; `seq` is an unknown
 * message with a number.
 * @returns What it did in short, what it sent, and its next tick.
 */
function play(script: string) {
  let atMs = 0;
  const did: string[] = [];
  const sent: unknown[] = [];
  const gateway = createVoiceGateway(TARGET, {
    now: () => atMs,
    random: () => 0.5,
    open: () => did.push("open"),
    drop: () => did.push("drop"),
    send(op, d) {
      did.push(`send ${op}`);
      sent.push(d);
    },
    discover: (ssrc) => did.push(`discover ${ssrc}`),
    session: (mode, _, dave) => did.push(`session ${mode} ${dave}`),
    pass: ({ op }) => did.push(`pass ${op}`),
    resumed: () => did.push("resumed"),
    ended: (end) => did.push(`ended ${end}`),
  });
  for (const step of script.split(", ")) {
    const [at, event = "", number] = step.split(" ");
    atMs = Number(at);
    if (event === "discovered") gateway.discovered("9.9.9.9", 9);
    else if (event === "start" || event === "opened" || event === "tick") gateway[event]();
    else if (event === "close") gateway.closed(Number(number));
    else {
      const message = MESSAGES[event] ?? { op: 99, d: {}, seq: Number(number) };
      gateway.receive(readServerMessage(JSON.stringify(message)));
    }
  }
  return { did: did.join(", "), sent, dueMs: gateway.dueMs() };
}

const GREETED = "0 start, 0 opened, 0 hello";
const CONNECT = `${GREETED}, 0 ready, 0 discovered, 0 session`;
const CONNECTED = `open, send 0, discover 1, send 1, session ${MODE} 1`;
const times = (count: number, text: string) => Array(count).fill(text).join(", ");

describe("[V9] createVoiceGateway()", () => {
  const resume = (at: number) => `${at} tick, ${at} opened, ${at} hello, ${at} resumed`;
  const rows: readonly (readonly [what: string, script: string, effects: string])[] = [
    ["beats after a part of the interval", "499 tick, 500 tick, 600 ack, 1499 tick", "send 3"],
    ["beats then after all of it", "500 tick, 600 ack, 1500 tick", "send 3, send 3"],
    [
      "resumes if a beat is not acknowledged",
      "500 tick, 1500 tick, 1500 tick",
      "send 3, drop, open",
    ],
    [
      "resumes with the last number",
      `10 seq 9, 20 close 1006, ${resume(30)}`,
      "drop, open, send 7, resumed",
    ],
    [
      "waits longer after each failure, and asks for a server after five",
      "0 close 1006, 0 tick, 0 close 1006, 499 tick, 500 tick, 500 close 1006, 1500 tick, " +
      "1500 close 1006, 3500 tick, 3500 close 1006, 7500 tick, 7500 close 1006",
      `${times(5, "drop, open")}, drop, ended refresh`,
    ],
    [
      "asks for a server if no resumed connection holds",
      [0, 500, 1_500, 3_500, 7_500].map((at, index, all) =>
        `${all[index - 1] ?? 0} close 1006, ${resume(at)}`
      ).join(", ") + ", 7500 close 1006",
      `${times(5, "drop, open, send 7, resumed")}, drop, ended refresh`,
    ],
    [
      "ignores what follows its end",
      "0 close 4014, 0 close 4014, 0 hello",
      "drop, ended disconnected",
    ],
    ["resumes after 4015", "0 close 4015", "drop"],
    ["passes on what is for others", "0 other", "pass 13"],
    ["ignores unknown and broken messages", "0 unknown, 0 broken, 0 nothing", ""],
  ];
  for (const [what, script, effects] of rows) {
    it(what, () => {
      const { did } = play(`${CONNECT}, ${script}`);
      assert.equal(did, [CONNECTED, effects].filter(Boolean).join(", "));
    });
  }

  const ends = {
    refresh: [4001, 4002, 4003, 4004, 4005, 4006, 4009, 4011, 4020],
    unreachable: [4012, 4016, 4021],
    no_encryption: [4017],
  };
  for (const [end, codes] of Object.entries(ends)) {
    it(`ends by a close code: ${end}`, () => {
      for (const code of codes) {
        const { did } = play(`${CONNECT}, 0 close ${code}`);
        assert.equal(did, `${CONNECTED}, drop, ended ${end}`, `${code}`);
      }
    });
  }

  it("sends what Discord describes, and keeps its number through a RESUME", () => {
    const end = "1500.5 tick, 1600 seq 65535, 1600 seq 0, 1600 close 1006, 1600 tick, 1600 opened";
    const { sent } = play(`${CONNECT}, ${end}, 1600 hello`);
    const session = { server_id: "1", session_id: "s", token: "t" };
    assert.deepEqual(sent, [
      { ...session, user_id: "2", max_dave_protocol_version: 1 },
      { protocol: "udp", data: { address: "9.9.9.9", port: 9, mode: MODE } },
      { t: 1_500, seq_ack: 4 },
      { ...session, seq_ack: 0 },
    ]);
  });

  it("says that UDP is blocked if discovery gets no answer", () => {
    const { did } = play(`${GREETED}, 0 ready, ${DISCOVERY_MS} tick`);
    assert.match(did, /ended udp_blocked$/);
  });

  it("refuses a server without a cipher that it knows", () => {
    assert.match(play(`${GREETED}, 0 old`).did, /ended unreachable$/);
  });
});

describe("[V9] readServerMessage()", () => {
  it("reads messages in bytes, and the numbers of unknown ones", () => {
    const op = OP.DaveMlsAnnounceCommitTransition;
    const commit = Uint8Array.of(1, 2, op, 0, 7, 9);
    const content = commit.subarray(3);
    assert.deepEqual(readServerMessage(commit), { seq: 258, message: { op, content } });
    const unknown = { seq: 258, message: undefined };
    assert.deepEqual(readServerMessage(Uint8Array.of(1, 2, 99, 0, 7)), unknown);
    assert.deepEqual(readServerMessage(Uint8Array.of(1, 2)), {});
    assert.deepEqual(readServerMessage("no JSON"), { seq: undefined, message: undefined });
    for (const d of [{}, { user_id: "x", ssrc: 1 }, { user_id: "11", ssrc: "1" }, null, 7]) {
      assert.equal(readServerMessage(JSON.stringify({ op: OP.Speaking, d })).message, undefined);
    }
  });
});

const ANNA = userId("11");

/** A machine over a library that records its calls, and fails where a test wants it to. */
function daveOf() {
  const did: string[] = [];
  const failing = new Set<string>();
  let ready = false;
  const call = (name: string) => {
    if (failing.has(name)) throw new Error(name);
    did.push(name);
  };
  const session: DaveSession = {
    get ready() {
      return ready;
    },
    setExternalSender: () => call("sender"),
    getSerializedKeyPackage: () => Buffer.from("k"),
    processProposals: (operation, _, people) => {
      call(`proposals ${operation} ${people.join()}`);
      return { commit: Buffer.from("c"), welcome: Buffer.from("w") };
    },
    processCommit: () => (call("commit"), void (ready = true)),
    processWelcome: () => (call("welcome"), void (ready = true)),
    encryptOpus: (frame) => Buffer.concat([frame, Buffer.from("!")]),
    decrypt: (_, __, frame) => (call("decrypt"), frame),
    setPassthroughMode: (isOn) => call(`passthrough ${isOn}`),
    reinit: () => (call("reinit"), void (ready = false)),
    reset: () => call("reset"),
  };
  const dave = createDave({
    userId: "2",
    channelId: "3",
    createSession: () => (call("create"), session),
    send: (op, d) => did.push(`${op} ${JSON.stringify(d)}`),
    sendBytes: (op, content) => did.push(`${op} ${Buffer.from(content)}`),
    failed: () => did.push("failed"),
  });
  const receive = (data: string | Uint8Array) =>
    dave.receive(readServerMessage(data).message ?? assert.fail("no message"));
  const bytes = (op: number, ...content: number[]) => receive(Uint8Array.of(0, 1, op, ...content));
  const json = (op: number, d: object) => receive(JSON.stringify({ op, d }));
  const take = () => did.splice(0);
  return { dave, failing, bytes, json, take };
}

describe("[V9] createDave()", () => {
  it("joins a group with the people of the call, and follows its changes", () => {
    const { dave, bytes, json, take } = daveOf();
    bytes(OP.DaveMlsExternalSender, 1, 2);
    json(OP.ClientsConnect, { user_ids: ["11", "2"] });
    dave.start(1);
    assert.deepEqual(take(), ["create", "sender", "26 k"]);
    assert.equal(dave.isReady(), false);
    bytes(OP.DaveMlsProposals, 0, 5);
    assert.deepEqual(take(), ["proposals 0 2,11", "28 cw"]);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    assert.deepEqual([take(), dave.isReady()], [["commit"], true]);
    bytes(OP.DaveMlsProposals, 1, 5);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 9, 5);
    json(OP.DaveExecuteTransition, { transition_id: 9 });
    assert.deepEqual(take(), ["proposals 1 2,11", "28 cw", "commit", '23 {"transition_id":9}']);
    json(OP.DavePrepareEpoch, { epoch: 1, protocol_version: 1 });
    assert.deepEqual([take(), dave.isReady()], [["reinit", "sender", "26 k"], false]);
    bytes(OP.DaveMlsWelcome, 0, 0, 5);
    assert.equal(dave.isReady(), true);
  });

  it("reports a commit that does not fit, and joins anew", () => {
    const { dave, bytes, failing, take } = daveOf();
    dave.start(1);
    failing.add("commit");
    take();
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 7, 5);
    assert.deepEqual(take(), ['31 {"transition_id":7}', "reinit", "26 k"]);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 8, 5); // was on its way
    assert.deepEqual(take(), []);
    failing.clear();
    bytes(OP.DaveMlsWelcome, 0, 9, 5);
    assert.deepEqual(take(), ["welcome", '23 {"transition_id":9}']);
    failing.add("commit");
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 10, 5);
    assert.deepEqual(take(), ['31 {"transition_id":10}', "reinit", "26 k"]);
  });

  it("goes to unencrypted sound and back only by a transition that was executed", () => {
    const { dave, bytes, json, take } = daveOf();
    dave.start(1);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    const frame = Buffer.from("frame");
    assert.equal(String(dave.encrypt(frame)), "frame!");
    json(OP.DavePrepareTransition, { transition_id: 5, protocol_version: 0 });
    assert.equal(String(dave.encrypt(frame)), "frame!");
    json(OP.DaveExecuteTransition, { transition_id: 6 });
    assert.equal(dave.isEndToEnd(), true);
    json(OP.DaveExecuteTransition, { transition_id: 5 });
    assert.equal(String(dave.encrypt(frame)), "frame");
    assert.equal(dave.isEndToEnd(), false);
    json(OP.DavePrepareTransition, { transition_id: 7, protocol_version: 1 });
    assert.equal(dave.isEndToEnd(), false);
    take();
    json(OP.DaveExecuteTransition, { transition_id: 7 });
    assert.deepEqual([take(), dave.isEndToEnd()], [["passthrough true"], true]);
  });

  it("keeps no more than can exist: one transition, and 10,000 people", () => {
    const { dave, bytes, json, take } = daveOf();
    dave.start(1);
    for (let id = 1; id <= 100; id++) {
      json(OP.DavePrepareTransition, { transition_id: id, protocol_version: 0 });
    }
    for (let id = 1; id < 100; id++) json(OP.DaveExecuteTransition, { transition_id: id });
    assert.equal(dave.isEndToEnd(), true);
    json(OP.DaveExecuteTransition, { transition_id: 100 });
    assert.equal(dave.isEndToEnd(), false);
    for (let from = 100; from < 20_100; from += 100) {
      json(OP.ClientsConnect, { user_ids: Array.from({ length: 100 }, (_, at) => `${from + at}`) });
    }
    take();
    bytes(OP.DaveMlsProposals, 0, 5);
    assert.equal(take()[0]?.split(",").length, 10_001);
  });

  it("drops frames that it cannot decrypt, and joins anew after fifty in a row", () => {
    const { dave, bytes, failing, take } = daveOf();
    dave.start(1);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    failing.add("decrypt");
    take();
    for (let frame = 0; frame < 49; frame++) {
      assert.equal(dave.decrypt(ANNA, Buffer.from("frame")), undefined);
    }
    assert.deepEqual(take(), []);
    dave.decrypt(ANNA, Buffer.from("frame"));
    assert.equal(take()[0], '31 {"transition_id":0}');
    const silence = Uint8Array.of(0xf8, 0xff, 0xfe);
    assert.equal(dave.decrypt(ANNA, silence), silence);
    bytes(OP.DaveMlsWelcome, 0, 0, 5);
    take();
    for (let frame = 0; frame < 99; frame++) dave.decrypt(ANNA, Buffer.from("frame"));
    assert.deepEqual(take(), []);
    dave.decrypt(ANNA, Buffer.from("frame"));
    assert.equal(take()[0], '31 {"transition_id":0}');
  });

  it("repeats after a RESUME what may be lost: its key package, or its commit", () => {
    const { dave, bytes, take } = daveOf();
    dave.start(1);
    take();
    dave.resumed();
    assert.deepEqual(take(), ['31 {"transition_id":0}', "reinit", "26 k"]);
    bytes(OP.DaveMlsWelcome, 0, 0, 5);
    bytes(OP.DaveMlsProposals, 0, 5);
    take();
    dave.resumed();
    assert.deepEqual(take(), ["28 cw"]);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    take();
    dave.resumed();
    assert.deepEqual(take(), []);
  });

  it("takes a sender for the next group, and gives up one that is wrong", () => {
    const { dave, bytes, failing, json, take } = daveOf();
    dave.start(1);
    bytes(OP.DaveMlsAnnounceCommitTransition, 0, 0, 5);
    failing.add("sender");
    take();
    bytes(OP.DaveMlsExternalSender, 1, 2);
    assert.deepEqual([take(), dave.isReady()], [[], true]);
    json(OP.DavePrepareEpoch, { epoch: 1, protocol_version: 1 });
    assert.deepEqual(take(), ["reinit", "failed"]);
  });

  it("gives up a group that is never ready, if there are others", () => {
    const { dave, json, take } = daveOf();
    dave.start(1);
    dave.tick(0);
    dave.tick(10 * GROUP_MS);
    json(OP.ClientsConnect, { user_ids: ["11"] });
    take();
    const seen = Array.from({ length: 6 }, (_, at) => (dave.tick(at * GROUP_MS), take().at(-1)));
    assert.deepEqual(seen.filter(Boolean), ["26 k", "26 k", "failed"]);
  });
});

describe("[V9] createPlayer()", () => {
  function playerOf() {
    const log: string[] = [];
    const times: number[] = [];
    let canSend = true;
    const cells = new Map<number, PlayedSamples>();
    const player = createPlayer({
      canSend: () => canSend,
      send(pcm, timestamp) {
        log.push(pcm ? `${pcm[0]}` : "-");
        times.push(timestamp / 960);
      },
      speaking: (isNow) => log.push(isNow ? "<" : ">"),
      played: (id, isWhole) =>
        log.push(`${id}:${(cells.get(id)?.[0] ?? NaN) / 24}${isWhole ? "" : "!"}`),
    });
    const add = (id: number) => {
      const cell = new Int32Array(new SharedArrayBuffer(4));
      cells.set(id, cell);
      player.add(id, cell);
    };
    /** Runs a perfect timer up to a time. */
    let at = 0;
    const runTo = (end: number) => {
      for (let next = player.step(at); next !== undefined && next <= end; next = player.step(at)) {
        at = next;
      }
      at = end;
      return log.splice(0).join(" ");
    };
    return {
      player: { ...player, add },
      runTo,
      times,
      log,
      setSending: (can: boolean) => void (canSend = can),
    };
  }
  const pcm = (ms: number, value: number) => new Int16Array(ms * 24).fill(value);

  it("plays speeches in their order, and silence after the last", () => {
    const { player, runTo, times } = playerOf();
    player.add(1);
    player.add(2);
    player.write(2, pcm(20, 8));
    player.write(1, pcm(30, 7));
    player.write(1, pcm(5, 7));
    player.end(1);
    player.end(2);
    assert.equal(runTo(400), "< 7 7 1:35 8 2:20 - - - - - >");
    assert.deepEqual(times, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("is silent while sound is late, and then goes on in its time", () => {
    const { player, runTo, times } = playerOf();
    player.add(1);
    player.write(1, pcm(20, 7));
    assert.equal(runTo(1_000), "< 7 - - - - - >");
    player.write(1, pcm(20, 9));
    player.end(1);
    assert.equal(runTo(2_000), "< 9 1:40 - - - - - >");
    assert.ok((times[6] ?? 0) >= 50, "a receiver knows how long the silence was");
  });

  it("is silent while it is held, and then goes on where it was", () => {
    const { player, runTo } = playerOf();
    player.add(1);
    player.write(1, pcm(20, 7));
    player.write(1, pcm(20, 9));
    player.end(1);
    player.step(0);
    player.hold(true);
    assert.equal(runTo(1_000), "< 7 - - - - - >");
    player.hold(false);
    assert.equal(runTo(2_000), "< 9 1:40 - - - - - >");
  });

  it("makes up for a late timer, and not for a sleep", () => {
    const { player, log } = playerOf();
    player.add(1);
    player.write(1, pcm(60_000, 7));
    player.step(0);
    player.step(100);
    assert.equal(log.length, 7);
    player.step(10_000);
    assert.equal(log.length, 8);
  });

  it("keeps its rate with any timer", () => {
    const { player, log } = playerOf();
    player.add(1);
    player.write(1, pcm(60_000, 7));
    for (let at = 0, late = 3; at < 30_000; late = late * 7 % 31) {
      at = (player.step(at) ?? at) + late;
    }
    assert.ok(Math.abs(log.length - 1_501) < 4, `${log.length}`);
  });

  it("stops in the middle, keeps what waits for encryption, and ends with the call", () => {
    const { player, runTo, setSending } = playerOf();
    player.add(1);
    player.write(1, pcm(1_000, 7));
    setSending(false);
    assert.equal(runTo(200), "");
    setSending(true);
    assert.equal(runTo(220).startsWith("< 7"), true);
    player.stop(1);
    assert.match(runTo(600), /^1:\d0! - - - - - >$/);
    player.add(2);
    player.add(3);
    player.end(3);
    player.stopAll();
    assert.equal(runTo(700), "2:0! 3:0!");
  });
});
