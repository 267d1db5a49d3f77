import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import type { Presence } from "../../../../src/core/discord/gateway.ts";
import {
  identifyPayload,
  presencePayload,
  readFrame,
} from "../../../../src/discord/gateway/socket/frame.ts";
import { gatewayOptions, TOKEN } from "../../../support/gateway/gateway_shard.ts";
import { sameData } from "../../../support/same_data.ts";

const WANTED = new Set(["MESSAGE_CREATE"]);
const frame = (payload: unknown) =>
  readFrame(typeof payload === "string" ? payload : JSON.stringify(payload), WANTED);

describe("[G1] readFrame()", () => {
  it("keeps the text of a dispatch that Barnacle uses, as it arrived", () => {
    const text = '{"t":"MESSAGE_CREATE","s":2,"op":0,"d": {"content": "hi"}}';
    assert.deepEqual(frame(text), { kind: "dispatch", type: "MESSAGE_CREATE", seq: 2, text });
  });

  it("does not parse a dispatch that Barnacle does not use", () => {
    const text = '{"t":"TYPING_START","s":2,"op":0,"d":{ this is no JSON';
    sameData(frame(text), { kind: "dispatch", type: "TYPING_START", seq: 2 });
  });

  it("leaves the check for JSON to the main thread", () => {
    const text = '{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"private words';
    assert.deepEqual(frame(text), { kind: "dispatch", type: "MESSAGE_CREATE", seq: 2, text });
  });

  it("drops an unused dispatch even if its envelope comes last", () => {
    const late = { d: {}, op: 0, s: 2, t: "TYPING_START" };
    sameData(frame(late), { kind: "dispatch", type: "TYPING_START", seq: 2 });
  });

  it("[G14] accepts a session without a resume URL", () => {
    const read = frame({ op: 0, t: "READY", s: 1, d: { session_id: "a", user: { id: "7" } } });
    assert.ok(read.kind === "ready");
    assert.deepEqual(read.session, { sessionId: "a", resumeUrl: "", seq: 1 });
  });

  const unreadable: readonly string[] = [
    '{"s":2,"t":"MESSAGE_CREATE","d":{"private words',
    '{"t":"READY","s":2,"op":0,"d":{"private words',
    '{"t":"MESSAGE_CREATE","s":null,"op":0,"d":{}}',
    '{"op":0,"d":{}}',
    '{"t":"READY","s":1,"op":0,"d":null}',
    '{"t":"READY","s":1,"op":0,"d":{"session_id":1,"resume_gateway_url":"","user":{"id":"7"}}}',
    '{"t":"READY","s":1,"op":0,"d":{"session_id":"a","resume_gateway_url":""}}',
    '{"t":"READY","s":1,"op":0,"d":{"session_id":"a","resume_gateway_url":"","user":{"id":"x"}}}',
    "\u0000",
  ];
  for (const text of unreadable) {
    it(`calls unreadable, and does not repeat: ${JSON.stringify(text)}`, () => {
      const read = frame(text);
      assert.equal(read.kind, "unreadable");
      assert.doesNotMatch(JSON.stringify(read), /private words/);
    });
  }

  for (const url of ["garbage", "https://r", "javascript:1", ""]) {
    it(`[G5] ignores the resume URL ${JSON.stringify(url)}`, () => {
      const read = frame({
        t: "READY",
        s: 1,
        op: 0,
        d: { session_id: "a", resume_gateway_url: url, user: { id: "7" } },
      });
      assert.ok(read.kind === "ready");
      assert.equal(read.session.resumeUrl, "");
    });
  }

  it("[G5] reads the session from READY, even if Barnacle does not use READY", () => {
    const d = { session_id: "abc", resume_gateway_url: "wss://r", user: { id: "7" } };
    const read = frame({ t: "READY", s: 1, op: 0, d });
    assert.ok(read.kind === "ready");
    assert.deepEqual(read.session, { sessionId: "abc", resumeUrl: "wss://r", seq: 1 });
  });

  const events: readonly [unknown, unknown][] = [
    [{ op: 1, d: null }, { kind: "heartbeat_requested" }],
    [{ op: 7, d: null }, { kind: "reconnect_asked" }],
    [{ op: 9, d: true }, { kind: "invalid_session", canResume: true }],
    [{ op: 9, d: false }, { kind: "invalid_session", canResume: false }],
    [{ op: 9 }, { kind: "invalid_session", canResume: false }],
    [{ op: 9, d: "true" }, { kind: "invalid_session", canResume: false }],
    [{ op: 11 }, { kind: "acked" }],
    [{ op: 10, d: { heartbeat_interval: 41_250 } }, { kind: "hello", intervalMs: 41_250 }],
  ];
  for (const [payload, event] of events) {
    it(`[G3] reads ${JSON.stringify(payload)}`, () => {
      assert.deepEqual(frame(payload), { kind: "event", event });
    });
  }

  const intervals = [0, 99, 600_001, 1e300, "41250"];
  for (const d of [null, {}, ...intervals.map((ms) => ({ heartbeat_interval: ms }))]) {
    it(`[G2] refuses a HELLO with ${JSON.stringify(d)}`, () => {
      const read = frame({ op: 10, d });
      assert.ok(read.kind === "event" && read.event.kind === "garbled");
    });
  }

  it("skips opcodes that Discord does not send to bots, and unknown ones", () => {
    for (const op of [2, 6, 99, -1]) assert.equal(frame({ op, d: {} }).kind, "unreadable");
  });

  it("[G10] replaces a type that does not look like one of Discord's", () => {
    for (const t of ["private words", "X".repeat(65), "__proto__"]) {
      const read = frame({ op: 0, t, s: 1, d: {} });
      assert.ok(read.kind === "dispatch" && read.type === "ODD", t);
    }
  });
});

describe("[G1] the envelope of a frame", () => {
  const read: readonly [string, string, number][] = [
    ['{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{}}', "MESSAGE_CREATE", 42],
    ['{"op":0,"s":42,"t":"MESSAGE_CREATE","d":{"t":"READY"}}', "MESSAGE_CREATE", 42],
    [' { "op" : 0 , "t" : "MESSAGE_CREATE" , "s" : 42 , "d" : 1}', "MESSAGE_CREATE", 42],
    ['{"t":"X","s":1,"op":0,"d":{"content":"\\"t\\":\\"R\\",\\"s\\":9"}}', "X", 1],
    ['{"d":{"t":"READY","s":1,"op":0},"t":"X","s":2,"op":0}', "X", 2],
    ['{"t":"A\\u0042","s":1,"op":0,"d":{}}', "AB", 1],
    ['{"t":"X","s":1,"op":0}', "X", 1],
  ];
  for (const [text, type, seq] of read) {
    it(`is read from ${text}`, () => {
      const dispatch = { kind: "dispatch", type, seq };
      sameData(frame(text), WANTED.has(type) ? { ...dispatch, text } : dispatch);
    });
  }

  for (
    const text of [
      "",
      "{",
      "null",
      "[]",
      "1",
      '"t"',
      "{}",
      '{"op":"0"}',
      '{"op":1.5}',
      '{"t":"X","s":1.5,"op":0,"d":{}}',
      '{"t":"X","s":99999999999999999999,"op":0,"d":{}}',
    ]
  ) {
    it(`is missing in ${text || "nothing"}`, () => assert.equal(frame(text).kind, "unreadable"));
  }

  it("is the same for any message text and any order of fields", () => {
    const field = fc.constantFrom("t", "s", "op", "d");
    fc.assert(fc.property(
      fc.shuffledSubarray(["t", "s", "op", "d"], { minLength: 4 }),
      fc.constantFrom("MESSAGE_CREATE", "TYPING_START"),
      fc.nat(),
      fc.oneof(fc.json(), fc.string().map((text) => JSON.stringify(text)), field),
      (order, type, seq, inner) => {
        const d = { content: inner, t: "OTHER" };
        const fields: Record<string, unknown> = { t: type, s: seq, op: 0, d };
        const text = JSON.stringify(Object.fromEntries(order.map((key) => [key, fields[key]])));
        const dispatch = { kind: "dispatch", type, seq };
        sameData(frame(text), WANTED.has(type) ? { ...dispatch, text } : dispatch);
      },
    ));
  });
});

it("[G2] identifyPayload() › contains the fields that Discord requires, below its 4,096 bytes", () => {
  const options = gatewayOptions("ws://127.0.0.1", { intents: 513 });
  const payload = identifyPayload(options);
  const text = JSON.stringify(payload);
  assert.ok(text.length < 4_096);
  const { token, intents, properties } = JSON.parse(text);
  assert.deepEqual([token, intents], [TOKEN, 513]);
  assert.deepEqual(Object.keys(properties), ["os", "browser", "device"]);
});

describe("[G2] presencePayload()", () => {
  it("shows the activity as a custom status", () => {
    const reading = { type: "custom", name: "reading" } as const;
    assert.deepEqual(presencePayload({ status: "idle", activity: reading }), {
      since: null,
      activities: [{ name: "Custom Status", type: 4, state: "reading" }],
      status: "idle",
      afk: false,
    });
    assert.deepEqual(presencePayload({ status: "invisible" }), {
      since: null,
      activities: [],
      status: "invisible",
      afk: false,
    });
  });

  it("[T3] shows other activities by their kind, and links only if given", () => {
    const of = (activity: NonNullable<Presence["activity"]>) =>
      Object(presencePayload({ status: "online", activity }))["activities"][0];
    sameData(of({ type: "watching", name: "the tide" }), { name: "the tide", type: 3 });
    const url = "https://www.twitch.tv/krill";
    assert.deepEqual(of({ type: "streaming", name: "t", url }), { name: "t", type: 1, url });
  });

  it("is part of IDENTIFY", () => {
    const options = gatewayOptions("ws://127.0.0.1", { presence: { status: "dnd" } });
    const payload = JSON.parse(JSON.stringify(identifyPayload(options)));
    assert.deepEqual(payload.presence, presencePayload({ status: "dnd" }));
  });
});
