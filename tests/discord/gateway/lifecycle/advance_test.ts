import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RESERVE, SPACING_MS } from "../../../../src/core/discord/gateway.ts";
import {
  advance,
  DEADLINES,
  DOWN_IDENTIFY_SPACING_MS,
  hasSocket,
  identifyFromMs,
  initialState,
  type LifecycleEvent,
  type LifecycleRules,
  type LifecycleState,
  LIVED_MS,
  type LostConnection,
  type Now,
  presenceAtMs,
  type ShardEffect,
  type SocketEvent,
  type StartFacts,
  wakeAtMs,
} from "../../../../src/discord/gateway/lifecycle/advance.ts";
import type { ReconnectRules } from "../../../../src/discord/gateway/lifecycle/close_codes.ts";
import type { PermitAnswer } from "../../../../src/discord/gateway/link/protocol.ts";
import { RECONNECT } from "../../../support/gateway/reconnect_rules.ts";

const RULES: LifecycleRules = {
  url: "wss://gateway.example",
  reconnect: RECONNECT,
  deadlines: DEADLINES,
};
const SESSION = { sessionId: "abc", resumeUrl: "wss://resume.example" };
const GRANTED: PermitAnswer = { kind: "granted" };
const INTERVAL_MS = 40_000;
const WALL_MS = Date.UTC(2026, 0, 1);

/** Milliseconds for which a connection is ready, or `"never"`. */
type ReadyFor = number | "never";

type Bare<Event> = Event extends unknown ? Omit<Event, "socket"> : never;

/** A state with its clock: takes one event after the other. */
class Story {
  state: LifecycleState;
  effects: readonly ShardEffect[] = [];
  ms = 1_000;
  wallAheadMs = WALL_MS;
  random = 0.5;
  readonly rules: LifecycleRules;

  constructor(
    { reconnect = {}, ...facts }: StartFacts & { reconnect?: Partial<ReconnectRules> } = {},
  ) {
    this.rules = { ...RULES, reconnect: { ...RECONNECT, ...reconnect } };
    this.state = initialState(this.now(), facts);
    this.own("start");
  }

  now(): Now {
    return { monotonicMs: this.ms, wallMs: this.ms + this.wallAheadMs };
  }

  happens(event: Bare<LifecycleEvent>, socket = this.state.socket): this {
    return this.step({ socket, ...event } as LifecycleEvent);
  }

  /** Lets time pass with only the due ticks, and keeps each effect. */
  after(ms: number): this {
    this.ms += ms;
    return this.tick();
  }

  tick(): this {
    return this.own("tick");
  }

  own(kind: Exclude<LifecycleEvent, { socket: number }>["kind"]): this {
    return this.step({ kind });
  }

  step(event: LifecycleEvent): this {
    const step = advance(this.state, event, this.rules, this.now(), this.random);
    this.state = step.state;
    this.effects = step.effects;
    return this;
  }

  /** Connects until HELLO. */
  greeted(): this {
    if (this.state.phase.kind === "waiting") this.after(this.waitMs());
    return this.happens({ kind: "opened" }).happens({ kind: "hello", intervalMs: INTERVAL_MS });
  }

  /** Answers the request for a permit. */
  permitted(answer: PermitAnswer = GRANTED): this {
    return this.happens({ kind: "permit", answer });
  }

  /** Connects until READY or RESUMED. */
  ready(): this {
    this.greeted();
    if (this.state.phase.kind === "permitting") this.permitted();
    return this.state.phase.kind === "resuming"
      ? this.happens({ kind: "resumed" })
      : this.happens({ kind: "ready", ...SESSION });
  }

  /** Milliseconds until the next try. */
  waitMs(): number {
    const { phase } = this.state;
    return phase.kind === "waiting" ? phase.untilMs - this.ms : NaN;
  }

  intent(): string {
    const { phase } = this.state;
    return "intent" in phase ? phase.intent : phase.kind;
  }

  kinds(): string[] {
    return this.effects.map(({ kind }) => kind);
  }
}

function started(...args: ConstructorParameters<typeof Story>): Story {
  return new Story(...args);
}

/** A resumed session after which Discord reports a hole. */
function withHole(...[facts = {}]: ConstructorParameters<typeof Story>): Story {
  return started({ session: SESSION, ...facts }).greeted()
    .own("hole").happens({ kind: "resumed" });
}

describe("[G2] advance()", () => {
  it("goes from the socket over HELLO, the permit and IDENTIFY to READY", () => {
    const story = started();
    assert.deepEqual(story.effects, [
      { kind: "open", socket: 1, url: RULES.url, intent: "identify" },
    ]);
    story.happens({ kind: "opened" });
    assert.deepEqual(story.kinds(), [], "nothing is sent before HELLO");
    story.happens({ kind: "hello", intervalMs: INTERVAL_MS });
    assert.deepEqual(story.effects, [{ kind: "ask_permit", socket: 1 }]);
    story.permitted();
    assert.deepEqual(story.kinds(), ["identify"]);
    story.happens({ kind: "ready", ...SESSION });
    assert.equal(story.state.phase.kind, "ready");
    assert.equal(story.state.readyAt, story.ms + WALL_MS);
  });

  const steps: readonly [name: string, reach: (story: Story) => void, limitMs: number, RegExp][] = [
    ["the 101", () => {}, 11_000, /connection/], // after the socket's own time limit, too
    ["HELLO", (story) => story.happens({ kind: "opened" }), 10_000, /HELLO/],
    ["READY", (story) => story.greeted().permitted(), 30_000, /READY/],
    [
      "RESUMED",
      (story) => story.ready().happens({ kind: "reconnect_asked" }).greeted(),
      30_000,
      /RESUMED/,
    ],
  ];
  for (const [name, reach, limitMs, waitedFor] of steps) {
    it(`waits ${limitMs} ms for ${name} and no longer`, () => {
      const story = started();
      story.random = 0.99; // the first heartbeat comes after that
      reach(story);
      story.after(limitMs - 1);
      assert.ok(hasSocket(story.state.phase));
      story.after(1);
      const lost = story.effects.find((effect) => effect.kind === "report_lost")!.lost;
      assert.ok(lost.cause.kind === "late");
      assert.match(lost.cause.waitedFor, waitedFor);
      assert.deepEqual(story.kinds(), ["drop", "report_lost"]);
    });
  }

  it("sends the first heartbeat after a random part of the interval, then every interval", () => {
    const story = started();
    story.random = 0.25;
    story.ready();
    assert.equal(wakeAtMs(story.state), story.ms + INTERVAL_MS / 4);
    story.after(INTERVAL_MS / 4 - 1);
    assert.deepEqual(story.kinds(), []);
    story.after(1 + 30); // 30 ms late
    assert.deepEqual(story.kinds(), ["heartbeat"]);
    story.happens({ kind: "acked" });
    assert.deepEqual(story.effects, [{ kind: "report_heartbeat", lateMs: 30, latencyMs: 0 }]);
    assert.equal(wakeAtMs(story.state), story.ms - 30 + INTERVAL_MS, "no lateness accumulates");
  });

  it("treats a missed ACK as a dead connection, even if other data arrived", () => {
    const story = started().ready();
    story.after(INTERVAL_MS / 2).happens({ kind: "heartbeat_requested" });
    assert.deepEqual(story.kinds(), ["heartbeat"]);
    story.after(INTERVAL_MS);
    assert.deepEqual(story.kinds(), ["report_heartbeat", "drop", "report_lost"]);
    assert.equal(story.intent(), "resume");
  });
});

describe("[G2a] advance()", () => {
  it("treats a jump of the wall clock past an interval as a missed ACK, at once", () => {
    const story = started().ready();
    story.wallAheadMs += INTERVAL_MS + 1;
    story.after(1_000);
    assert.deepEqual(story.kinds(), ["drop", "report_lost"]);
    assert.equal(story.intent(), "resume");
  });

  for (const jumpMs of [INTERVAL_MS - 1, -86_400_000]) {
    it(`ignores a jump of ${jumpMs} ms`, () => {
      const story = started().ready();
      story.wallAheadMs += jumpMs;
      story.after(1_000).after(INTERVAL_MS / 2 - 1_000);
      assert.deepEqual(story.kinds(), ["heartbeat"]);
    });
  }

  it("treats a thread that stood still for an interval as a missed ACK", () => {
    const story = started().ready().after(INTERVAL_MS / 2 + INTERVAL_MS + 1);
    assert.deepEqual(story.kinds(), ["drop", "report_lost"]);
  });
});

describe("[G3] advance()", () => {
  const reaches: Readonly<Record<string, () => Story>> = {
    connecting: () => started(),
    greeting: () => started().happens({ kind: "opened" }),
    permitting: () => started().greeted(),
    identifying: () => started().greeted().permitted(),
    resuming: () => started({ session: SESSION }).greeted(),
    ready: () => started().ready(),
    closing: () => withHole().tick().permitted(),
  };
  /** The result of each event of a socket, in each phase that has one. */
  const opcodes: readonly (readonly [Bare<SocketEvent>, Readonly<Record<string, string>>])[] = [
    [{ kind: "opened" }, { connecting: "greeting" }],
    [{ kind: "hello", intervalMs: INTERVAL_MS }, { greeting: "permitting" }],
    [{ kind: "permit", answer: GRANTED }, { permitting: "identifying" }],
    [{ kind: "permit", answer: { kind: "wait", waitMs: 9_000, why: "budget" } }, {
      permitting: "waiting identify",
    }],
    [{ kind: "ready", ...SESSION }, { identifying: "ready" }],
    [{ kind: "resumed" }, { resuming: "ready" }],
    [{ kind: "acked" }, {}],
    [{ kind: "heartbeat_requested" }, {}],
    [{ kind: "reconnect_asked" }, {
      connecting: "waiting identify",
      greeting: "waiting identify",
      permitting: "waiting identify",
      identifying: "waiting identify",
      resuming: "waiting resume",
      ready: "waiting resume",
      closing: "waiting resume",
    }],
    [{ kind: "invalid_session", canResume: true }, {
      connecting: "waiting identify",
      greeting: "waiting identify",
      permitting: "waiting identify",
      identifying: "waiting identify",
      resuming: "waiting resume",
      ready: "waiting resume",
      closing: "waiting resume",
    }],
    [{ kind: "invalid_session", canResume: false }, {
      connecting: "waiting identify",
      greeting: "waiting identify",
      permitting: "waiting identify",
      identifying: "waiting identify",
      resuming: "waiting identify",
      ready: "waiting identify",
      closing: "waiting identify",
    }],
    [{ kind: "garbled", reason: "x" }, {
      connecting: "waiting identify",
      greeting: "waiting identify",
      permitting: "waiting identify",
      identifying: "waiting identify",
      resuming: "waiting resume",
      ready: "waiting resume",
      closing: "waiting resume",
    }],
  ];
  for (const [event, leads] of opcodes) {
    for (const [phase, reach] of Object.entries(reaches)) {
      const goal = leads[phase] ?? phase;
      it(`${phase}: ${JSON.stringify(event)} leads to ${goal}`, () => {
        const story = reach();
        assert.equal(story.state.phase.kind, phase);
        story.happens(event);
        const { kind } = story.state.phase;
        assert.equal(kind === "waiting" ? `waiting ${story.intent()}` : kind, goal);
        assert.equal(story.kinds().includes("drop"), goal.startsWith("waiting"));
      });
    }
  }

  const closes: readonly [code: number | undefined, intent: string, isSessionKept: boolean][] = [
    [1000, "resume", true],
    [1001, "resume", true],
    [1006, "resume", true],
    [undefined, "resume", true],
    [4000, "resume", true],
    [4001, "resume", true],
    [4002, "resume", true],
    [4003, "identify", false],
    [4004, "final", false],
    [4005, "resume", true],
    [4007, "identify", false],
    [4008, "resume", true],
    [4009, "identify", false],
    [4010, "final", false],
    [4011, "final", false],
    [4012, "final", false],
    [4013, "final", false],
    [4014, "final", false],
    [4999, "resume", true],
  ];
  for (const [code, intent, isSessionKept] of closes) {
    it(`plans to ${intent} after ${code ?? "no code"}`, () => {
      const story = started().ready();
      story.happens({ kind: "closed", ...(code !== undefined && { code }), reason: "" });
      assert.equal(story.intent(), intent);
      assert.equal(story.state.session !== undefined, isSessionKept);
      assert.deepEqual(story.kinds(), ["report_lost"], "the socket is closed already");
    });
  }

  it("resumes at once after op 7, on the resume URL", () => {
    const story = started().ready().happens({ kind: "reconnect_asked" });
    assert.equal(story.waitMs(), 0);
    story.tick();
    assert.deepEqual(story.effects, [
      { kind: "open", socket: 2, url: SESSION.resumeUrl, intent: "resume" },
    ]);
  });

  it("does not loop with op 7 after op 7", () => {
    const story = started().ready().happens({ kind: "reconnect_asked" }).ready();
    story.happens({ kind: "reconnect_asked" });
    assert.ok(story.waitMs() >= 500, `waits ${story.waitMs()} ms`);
    story.ready();
    for (let beats = 0; beats < 3; beats++) story.after(INTERVAL_MS / 2).happens({ kind: "acked" });
    story.after(0).happens({ kind: "reconnect_asked" });
    assert.equal(story.waitMs(), 0, "after a minute it is no loop");
  });

  for (const [random, waitMs] of [[0, 1_000], [0.5, 3_000], [0.999, 4_996]] as const) {
    it(`waits ${waitMs} ms after op 9 false, and identifies on the base URL`, () => {
      const story = started({ session: SESSION });
      story.random = random;
      story.happens({ kind: "opened" }).happens({ kind: "hello", intervalMs: INTERVAL_MS });
      story.happens({ kind: "invalid_session", canResume: false });
      assert.equal(story.waitMs(), waitMs);
      story.after(waitMs);
      assert.deepEqual(story.effects, [
        { kind: "open", socket: 2, url: RULES.url, intent: "identify" },
      ]);
    });
  }

  it("reports a lost session, and only that", () => {
    const isLost = (story: Story) =>
      story.effects.some((effect) => effect.kind === "report_lost" && effect.lost.isSessionLost);
    assert.ok(isLost(started().ready().happens({ kind: "closed", code: 4009, reason: "" })));
    assert.ok(!isLost(started().ready().happens({ kind: "closed", code: 4000, reason: "" })));
    assert.ok(!isLost(started().happens({ kind: "closed", reason: "ECONNREFUSED" })));
  });
});

describe("[G5b] advance()", () => {
  const ASKED = [{ kind: "ask_permit", socket: 1, isPreview: true }];

  it("keeps a session with a hole until it may IDENTIFY, then closes it", () => {
    const story = withHole({ identifyInMs: 4_000 });
    assert.equal(wakeAtMs(story.state), 1_000 + 4_000);
    story.after(3_999);
    assert.deepEqual([story.state.phase.kind, story.kinds()], ["ready", []]);
    story.after(1);
    assert.deepEqual([story.state.phase.kind, story.effects], ["ready", ASKED]);
    story.permitted();
    assert.deepEqual([story.state.phase.kind, story.kinds()], ["closing", ["close"]]);
    assert.ok(hasSocket(story.state.phase), "dispatches before Discord's close frame count");
    story.happens({ kind: "closed", code: 3000, reason: "" });
    assert.deepEqual([story.intent(), story.waitMs()], ["identify", 0]);
    assert.equal(story.state.session, undefined);
    story.ready();
    assert.deepEqual([wakeAtMs(story.state) > story.ms + 10_000, story.state.session], [
      true,
      SESSION,
    ]);
  });

  it("asks once, and keeps the session while the main thread does not answer", () => {
    const story = withHole().tick();
    assert.deepEqual(story.effects, ASKED);
    story.after(5_000);
    assert.deepEqual([story.state.phase.kind, story.kinds().includes("ask_permit")], [
      "ready",
      false,
    ]);
  });

  it("keeps the session while the budget is spent, and asks again afterwards", () => {
    const story = withHole().tick();
    story.happens({ kind: "permit", answer: { kind: "wait", waitMs: 30_000, why: "budget" } });
    assert.deepEqual([story.state.phase.kind, story.kinds()], ["ready", []]);
    story.after(29_999);
    assert.ok(!story.kinds().includes("ask_permit"));
    story.after(1);
    assert.deepEqual(story.effects.filter(({ kind }) => kind === "ask_permit"), ASKED);
  });

  it("knows the hole in a session of an earlier process", () => {
    const session = { ...SESSION, hasHole: true } as const;
    const story = started({ session }).greeted().happens({ kind: "resumed" }).tick();
    assert.deepEqual(story.effects, ASKED);
  });

  it("waits a second for Discord's close frame", () => {
    const story = withHole().tick().permitted().after(999);
    assert.equal(story.state.phase.kind, "closing");
    story.after(1);
    assert.deepEqual([story.intent(), story.kinds()], ["identify", ["drop", "report_lost"]]);
  });

  it("does not close before all received dispatches are taken", () => {
    const story = withHole().own("congested").tick();
    assert.deepEqual([story.state.phase.kind, story.kinds()], ["ready", []]);
    story.own("drained").tick().own("congested").permitted();
    assert.equal(story.state.phase.kind, "ready", "it asks again once there is room");
    story.own("drained").tick().permitted().own("congested").after(5_000);
    assert.equal(story.state.phase.kind, "closing");
    story.own("drained").after(999);
    assert.equal(story.intent(), "closing", "unread data is read now");
    story.after(1);
    assert.equal(story.intent(), "identify");
  });

  for (const reconnect of [{}, { exitOnGiveUp: true }, { enabled: false }]) {
    it(`is no failure, despite earlier failures: ${JSON.stringify(reconnect)}`, () => {
      const story = withHole({ failures: 10, reconnect }).tick().permitted();
      story.happens({ kind: "closed", reason: "" });
      assert.deepEqual([story.intent(), story.waitMs()], ["identify", 0]);
      assert.deepEqual([story.state.failures, story.state.isDown], [10, false]);
    });
  }

  it("[G16] keeps a hole that is reported while no socket is open, until a new session begins", () => {
    const story = started({ session: SESSION }).ready().happens({ kind: "closed", reason: "" });
    assert.equal(story.state.phase.kind, "waiting");
    story.own("hole").ready();
    assert.equal(story.state.session?.hasHole, true);
    assert.deepEqual(story.tick().kinds(), ["ask_permit"]);
    const fresh = started().own("hole").ready();
    assert.equal(fresh.state.session?.hasHole, undefined, "a new session lacks nothing");
  });

  it("resumes after a lost connection, and still knows the hole", () => {
    const story = withHole({ identifyInMs: 60_000 }).happens({ kind: "closed", reason: "" });
    assert.equal(story.intent(), "resume");
    story.ready();
    assert.equal(wakeAtMs(story.state) < Infinity && story.state.session?.hasHole, true);
    story.after(60_000 - story.ms + 1_000);
    assert.deepEqual(story.kinds(), ["ask_permit"]);
  });
});

describe("[G4] advance()", () => {
  const loseConnection = (story: Story) =>
    story.happens({ kind: "closed", reason: "ECONNREFUSED" });

  it("is down after maxRetries failures in a row, and keeps trying", () => {
    const story = started();
    for (let i = 1; i <= 10; i++) {
      loseConnection(story);
      assert.equal(story.state.isDown, false);
      story.after(story.waitMs());
    }
    loseConnection(story);
    assert.equal(story.state.isDown, true);
    assert.equal(story.waitMs(), 60_000);
    story.ready();
    assert.equal(story.state.isDown, false);
  });

  const losses: readonly [name: string, event: Parameters<Story["happens"]>[0]][] = [
    ["a connection that the network ended", { kind: "closed", reason: "ECONNRESET" }],
    ["a broken stream", { kind: "garbled", reason: "the compressed stream is broken" }],
    ["a close by Discord", { kind: "closed", code: 4000, reason: "" }],
  ];
  for (const [name, event] of losses) {
    it(`waits at least 0.5 s to resume after ${name}`, () => {
      const story = started().ready();
      story.random = 0;
      story.happens(event);
      assert.deepEqual([story.intent(), story.waitMs()], ["resume", 500]);
    });
  }

  it("restarts the count once a session has lived for a minute", () => {
    const story = started({ session: SESSION });
    for (let i = 0; i < 5; i++) loseConnection(story).after(story.waitMs());
    story.ready().after(LIVED_MS - 1);
    const failures = story.state.failures;
    loseConnection(story);
    assert.equal(story.state.failures, failures + 1);
    story.ready().after(20_000).happens({ kind: "acked" }).after(LIVED_MS - 20_000);
    loseConnection(story);
    assert.equal(story.state.failures, 1);
  });

  /** A session that has lived, and then `refused` connections in a row that Discord refuses. */
  const afterOutage = (refused: number, aliveMs = LIVED_MS) => {
    const story = started().ready();
    story.random = 0.999;
    story.after(INTERVAL_MS / 2).happens({ kind: "acked" }).after(aliveMs - INTERVAL_MS / 2);
    loseConnection(story);
    for (let i = 0; i < refused; i++) loseConnection(story.after(story.waitMs()));
    return story;
  };

  for (const refused of [5, 10, 30]) {
    it(`[G3] waits 1 to 5 s after op 9 if ${refused} attempts before HELLO have failed`, () => {
      const story = afterOutage(refused);
      assert.equal(story.state.isDown, refused >= 10);
      story.greeted();
      assert.deepEqual([story.state.phase.kind, story.state.isDown], ["resuming", false]);
      story.happens({ kind: "invalid_session", canResume: false });
      assert.equal(story.intent(), "identify");
      assert.ok(story.waitMs() >= 1_000 && story.waitMs() <= 5_000, `waits ${story.waitMs()} ms`);
      story.ready();
      assert.equal(story.state.phase.kind, "ready");
    });
  }

  it("keeps the usual spacing of IDENTIFYs if HELLO ends an outage", () => {
    const story = started().ready().happens({ kind: "closed", code: 4000, reason: "" });
    const identifiedMs = story.ms;
    story.random = 0;
    for (let i = 0; i < 10; i++) loseConnection(story.after(story.waitMs()));
    assert.equal(story.state.isDown, true);
    story.random = 0.5;
    story.ms = identifiedMs + 10_000;
    story.greeted().happens({ kind: "invalid_session", canResume: false });
    assert.equal(story.waitMs(), 3_000);
  });

  it("keeps counting losses after HELLO, also with refused connections between", () => {
    const story = started();
    for (let i = 1; i <= 11; i++) {
      for (let n = 0; n < 3; n++) loseConnection(story.after(story.waitMs() || 0));
      story.greeted().permitted().happens({ kind: "invalid_session", canResume: false });
      assert.deepEqual([story.state.failures, story.state.isDown], [i, i > 10]);
    }
    assert.equal(story.waitMs(), DOWN_IDENTIFY_SPACING_MS);
    story.greeted();
    assert.equal(story.state.isDown, true, "HELLO alone does not end a loop of op 9");
  });

  it("always identifies if resuming is off", () => {
    const story = started({ session: SESSION, reconnect: { resumeSession: false } });
    assert.equal(story.intent(), "identify");
    story.ready();
    loseConnection(story);
    assert.equal(story.intent(), "identify");
  });
});

describe("[G5] advance()", () => {
  it("identifies at most every 95 s while down, and tries to connect as before", () => {
    const story = started().ready();
    const identifiedMs = story.ms;
    const flap = () => story.happens({ kind: "closed", code: 4009, reason: "" });
    for (let i = 0; i < 10; i++) {
      flap();
      assert.equal(story.state.isDown, false);
      story.ready();
    }
    const lastMs = story.ms;
    assert.ok(lastMs > identifiedMs);
    story.ms += 20_000; // this much of the 95 s since the IDENTIFY has passed
    flap();
    assert.equal(story.state.isDown, true);
    assert.equal(story.waitMs(), DOWN_IDENTIFY_SPACING_MS - 20_000);
    story.after(story.waitMs());
    story.happens({ kind: "closed", reason: "ECONNREFUSED" });
    assert.equal(story.waitMs(), 60_000, "no IDENTIFY was sent");
  });

  it("keeps that spacing if the session gets too old while it is down", () => {
    const story = started({ reconnect: { sessionCacheTtlSec: 10 } });
    for (let i = 0; i < 11; i++) story.ready().happens({ kind: "closed", code: 4009, reason: "" });
    story.ready();
    const identifiedMs = story.ms;
    for (let i = 0; i < 3 && story.intent() !== "identify"; i++) {
      story.happens({ kind: "closed", reason: "ECONNREFUSED" }).after(story.waitMs());
    }
    assert.equal(story.state.isDown, true);
    assert.equal(story.ms + story.waitMs(), identifiedMs + DOWN_IDENTIFY_SPACING_MS);
  });

  const flaps: readonly [
    name: string,
    readyFor: ReadyFor,
    rules: Partial<ReconnectRules>,
    loss: Bare<LifecycleEvent>,
    refused?: number,
  ][] = [
    ["4009 at once", 0, {}, { kind: "closed", code: 4009, reason: "" }],
    ["4009 after 30 s", 30_000, {}, { kind: "closed", code: 4009, reason: "" }],
    ["4009 after 59 s", 59_000, {}, { kind: "closed", code: 4009, reason: "" }],
    ["op 9 at once", 0, {}, { kind: "invalid_session", canResume: false }],
    ["no READY", "never", {}, { kind: "closed", code: 4000, reason: "" }],
    ["a break after 1 s, nothing being resumed", 1_000, { resumeSession: false }, {
      kind: "closed",
      reason: "ECONNRESET",
    }],
    ["op 7 after 6 s, nothing being resumed", 6_000, { resumeSession: false }, {
      kind: "reconnect_asked",
    }],
    ["op 9 after each outage", "never", {}, { kind: "invalid_session", canResume: false }, 2],
    ["op 9 after each long outage", 0, { backoffMaxSec: 2 }, {
      kind: "invalid_session",
      canResume: false,
    }, 12],
  ];
  for (const [name, readyFor, reconnect, loss, refused = 0] of flaps) {
    it(`never uses the reserve of IDENTIFYs within a day of: ${name}`, () => {
      const story = started({ reconnect });
      const endMs = story.ms + 86_400_000;
      let identifies = 0;
      while (story.ms < endMs) {
        for (let n = 0; n <= refused; n++) {
          if (story.state.phase.kind === "waiting") story.after(story.waitMs());
          if (n < refused) story.happens({ kind: "closed", reason: "ECONNREFUSED" });
        }
        story.greeted();
        if (story.state.phase.kind === "permitting") story.permitted();
        identifies += story.kinds().filter((kind) => kind === "identify").length;
        if (readyFor !== "never") {
          story.happens({ kind: "ready", ...SESSION });
          story.ms += readyFor;
        }
        story.happens(loss);
      }
      const most = 1_000 - RESERVE;
      assert.ok(identifies > 100 && identifies < most, `${identifies} IDENTIFYs`);
    });
  }

  it("waits for the rest of the spacing if it continues another worker's shard", () => {
    const story = started({ identifyInMs: 3_000 });
    assert.deepEqual(story.effects, []);
    assert.deepEqual(story.state.phase, {
      kind: "waiting",
      intent: "identify",
      untilMs: story.ms + 3_000,
      waitReason: "spacing",
    });
  });

  it("continues the count of failures of another worker's shard", () => {
    const story = started({ failures: 10 });
    story.happens({ kind: "closed", reason: "ECONNREFUSED" });
    assert.deepEqual([story.state.failures, story.state.isDown], [11, true]);
  });

  it("drops a session without a sign of life for sessionCacheTtlSec", () => {
    const story = started().ready();
    for (let i = 0; i < 100 && story.intent() !== "identify"; i++) {
      story.happens({ kind: "closed", reason: "ENOTFOUND" });
      story.after(story.waitMs());
    }
    assert.equal(story.intent(), "identify");
    assert.deepEqual(story.kinds(), ["report_stale", "open"]);
    assert.ok(story.ms > 300_000);
  });
});

describe("[G5] advance() and its permit", () => {
  it("waits for the main thread while heartbeats are acknowledged, without a time limit", () => {
    const story = started().greeted().after(INTERVAL_MS / 2);
    assert.deepEqual(story.kinds(), ["heartbeat"]);
    for (let i = 0; i < 20; i++) story.happens({ kind: "acked" }).after(INTERVAL_MS);
    assert.equal(story.state.phase.kind, "permitting");
    assert.deepEqual(story.permitted().kinds(), ["identify"]);
  });

  it("drops the socket if it must wait, counts no failure, and asks again", () => {
    const story = started().greeted();
    story.permitted({ kind: "wait", waitMs: 7_200_000, why: "budget" });
    assert.deepEqual(story.effects, [
      { kind: "drop", socket: 1 },
      { kind: "report_identify_wait", reason: "budget", waitMs: 7_200_000 },
    ]);
    assert.deepEqual([story.state.failures, story.waitMs()], [0, 7_200_000]);
    assert.equal("waitReason" in story.state.phase && story.state.phase.waitReason, "budget");
    story.after(7_199_999);
    assert.equal(story.state.phase.kind, "waiting");
    assert.deepEqual(story.after(1).kinds(), ["open"]);
    assert.deepEqual(story.greeted().kinds(), ["ask_permit"]);
  });

  for (const [waitMs, isMs] of [[-5, 500], [0, 500], [Infinity, 86_400_000]] as const) {
    it(`limits a wait of ${waitMs} ms to ${isMs}`, () => {
      const story = started().greeted().permitted({ kind: "wait", waitMs, why: "spacing" });
      assert.equal(story.waitMs(), isMs);
    });
  }

  it("needs none to resume", () => {
    assert.deepEqual(started({ session: SESSION }).greeted().kinds(), ["resume"]);
  });
});

describe("[G2] advance() and the presence", () => {
  it("sends it once after the RESUMED of another process's session", () => {
    const story = started({ session: SESSION, mustSendPresence: true });
    assert.deepEqual(story.ready().kinds(), ["send_presence"]);
    assert.deepEqual(story.tick().kinds(), []);
  });

  it("[T3] sends a change at once, and at most five in 20 s", () => {
    const story = started().ready();
    const firstMs = story.ms;
    for (let i = 0; i < 5; i++) {
      story.ms += 100;
      assert.deepEqual(story.own("presence_changed").kinds(), ["send_presence"]);
    }
    assert.deepEqual(story.own("presence_changed").kinds(), []);
    assert.deepEqual(story.own("presence_changed").kinds(), []);
    assert.equal(presenceAtMs(story.state), firstMs + 100 + 20_000);
    story.ms = firstMs + 20_099;
    assert.deepEqual(story.tick().kinds().filter((kind) => kind !== "heartbeat"), []);
    story.ms = firstMs + 20_100;
    assert.deepEqual(story.tick().kinds(), ["send_presence"]);
    assert.deepEqual(story.tick().kinds(), []);
  });

  it("[T3] sends a change again after a RESUME, as Discord may not have got it", () => {
    const story = started().ready().own("presence_changed");
    assert.deepEqual(story.happens({ kind: "reconnect_asked" }).ready().kinds(), ["send_presence"]);
  });

  it("[T3] sends a change that came between IDENTIFY and READY", () => {
    const story = started().greeted().permitted();
    assert.deepEqual(story.own("presence_changed").kinds(), []);
    assert.deepEqual(
      story.happens({ kind: "ready", sessionId: "abc", resumeUrl: "wss://resume.example" }).kinds(),
      ["send_presence"],
    );
  });
});

describe("[G5a] advance()", () => {
  const failResume = (story: Story) =>
    story.after(story.waitMs())
      .happens({ kind: "opened" })
      .happens({ kind: "hello", intervalMs: INTERVAL_MS })
      .happens({ kind: "closed", code: 4000, reason: "" });

  it("identifies after three failed RESUMEs that reached HELLO", () => {
    const story = started().ready().happens({ kind: "closed", code: 4000, reason: "" });
    assert.equal(failResume(failResume(story)).intent(), "resume");
    assert.equal(failResume(story).intent(), "identify");
  });

  it("does not count connections that were refused", () => {
    const story = started().ready().happens({ kind: "closed", code: 4000, reason: "" });
    failResume(failResume(story));
    for (let i = 0; i < 5; i++) {
      story.after(story.waitMs()).happens({ kind: "closed", reason: "ECONNREFUSED" });
      assert.equal(story.intent(), "resume");
    }
    assert.equal(failResume(story).intent(), "identify");
  });

  it("resumes at the gateway's URL if no host answers at the session's", () => {
    const story = started().ready().happens({ kind: "closed", code: 4000, reason: "" });
    const addresses: string[] = [];
    for (let i = 0; i < 4; i++) {
      story.after(story.waitMs());
      addresses.push(
        ...story.effects.flatMap((effect) => effect.kind === "open" ? [effect.url] : []),
      );
      story.happens({ kind: "closed", reason: "ECONNREFUSED" });
    }
    assert.deepEqual(addresses, [SESSION.resumeUrl, SESSION.resumeUrl, RULES.url, RULES.url]);
    story.greeted();
    assert.equal(story.state.phase.kind, "resuming");
    story.happens({ kind: "resumed" }).happens({ kind: "closed", code: 4000, reason: "" });
    story.after(story.waitMs());
    assert.match(JSON.stringify(story.effects), /resume\.example/, "which may answer again");
  });
});

describe("[G1] advance()", () => {
  it("drops a socket that it has not read for longer than an interval", () => {
    const story = started().ready().own("congested");
    story.after(INTERVAL_MS / 2).happens({ kind: "acked" });
    story.after(INTERVAL_MS / 2);
    assert.equal(story.state.phase.kind, "ready");
    story.after(1);
    assert.deepEqual(story.kinds(), ["drop", "report_lost"]);
    assert.equal(story.after(1e6).intent(), "resume", "and waits for room");
    assert.equal(story.state.phase.kind, "waiting");
    assert.equal(story.own("drained").tick().state.phase.kind, "connecting");
  });

  it("does not count a RESUME that failed by its own congestion", () => {
    const story = started({ session: SESSION });
    story.happens({ kind: "opened" }).happens({ kind: "hello", intervalMs: INTERVAL_MS });
    story.own("congested").after(INTERVAL_MS / 2).after(INTERVAL_MS);
    assert.equal(story.state.failedResumes, 0);
    assert.equal(story.intent(), "resume");
  });
});

const anyEvent: fc.Arbitrary<{ event: LifecycleEvent; afterMs: number; socketsBack: number }> = fc
  .record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(2_000), fc.nat(100_000)),
    socketsBack: fc.oneof(fc.constant(0), fc.nat(2)),
    event: fc.oneof(
      {
        arbitrary: fc.constantFrom({ kind: "tick" }, { kind: "tick" }, { kind: "drained" }),
        weight: 4,
      },
      fc.constantFrom({ kind: "congested" }, { kind: "start" }),
      {
        arbitrary: fc.constantFrom(
          { kind: "permit", answer: GRANTED, socket: 0 },
          { kind: "permit", answer: GRANTED, socket: 0 },
          { kind: "permit", answer: { kind: "wait", waitMs: 5_000, why: "spacing" }, socket: 0 },
          { kind: "permit", answer: { kind: "wait", waitMs: 3_600_000, why: "budget" }, socket: 0 },
          { kind: "permit", answer: { kind: "wait", waitMs: -1, why: "budget" }, socket: 0 },
          { kind: "opened", socket: 0 },
          { kind: "hello", intervalMs: INTERVAL_MS, socket: 0 },
          { kind: "ready", ...SESSION, socket: 0 },
          { kind: "resumed", socket: 0 },
          { kind: "acked", socket: 0 },
        ),
        weight: 8,
      },
      fc.constantFrom(
        { kind: "heartbeat_requested", socket: 0 },
        { kind: "reconnect_asked", socket: 0 },
        { kind: "garbled", reason: "x", socket: 0 },
        { kind: "invalid_session", canResume: true, socket: 0 },
        { kind: "invalid_session", canResume: false, socket: 0 },
      ),
      fc.constantFrom(undefined, 1000, 4000, 4003, 4008, 4009, 4014).map((code) => ({
        kind: "closed",
        ...(code !== undefined && { code }),
        reason: "",
        socket: 0,
      })),
    ) as fc.Arbitrary<LifecycleEvent>,
  });

function code4008({ cause }: LostConnection): boolean {
  return cause.kind === "closed" && cause.code === 4008;
}

describe("[G1] advance() with random events", () => {
  it("has one socket at most, spaced IDENTIFYs, bounded waits, and an end to every path", () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 120 }),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (events, hasSession, random) => {
          let ms = 0;
          const now = () => ({ monotonicMs: ms, wallMs: WALL_MS + ms });
          let state = initialState(now(), { session: hasSession ? SESSION : undefined });
          let sockets = 0;
          /** The socket that has a permit, and has not sent its IDENTIFY. */
          let granted: number | undefined;
          let lastIdentifyMs = -Infinity;
          const step = (event: LifecycleEvent) => {
            if ("socket" in event && event.socket === state.socket && event.kind === "closed") {
              if (hasSocket(state.phase)) sockets--;
            }
            const before = state;
            if (event.kind === "permit") {
              granted = event.answer.kind === "granted" ? event.socket : undefined;
            }
            const next = advance(state, event, RULES, now(), random);
            for (const effect of next.effects) {
              if (effect.kind === "open") sockets++;
              if (effect.kind === "drop") sockets--;
              if (effect.kind === "identify") {
                const spacingMs = state.isDown ? DOWN_IDENTIFY_SPACING_MS : SPACING_MS;
                assert.ok(ms - lastIdentifyMs >= spacingMs, "an IDENTIFY too soon");
                lastIdentifyMs = ms;
                assert.equal(granted, next.state.socket, "an IDENTIFY without a permit");
                granted = undefined;
              }
              if (effect.kind === "report_identify_wait") {
                const { waitMs } = effect;
                assert.ok(waitMs >= 500 && waitMs <= 86_400_000, `waits for ${waitMs} ms`);
                const ended = event.kind === "hello" ? before.failedConnects : 0; // by HELLO (G4)
                const counted = before.failures - ended;
                assert.equal(next.state.failures, counted, "having to wait is no failure");
              }
              if (effect.kind === "report_lost" && "delayMs" in effect.lost.next) {
                const { delayMs } = effect.lost.next;
                const mostMs = Math.max(60_000, identifyFromMs(next.state, next.state.isDown) - ms);
                assert.ok(delayMs >= 0 && delayMs <= mostMs, `a wait of ${delayMs} ms`);
                const isAtOnce = effect.lost.cause.kind === "reconnect_asked";
                assert.ok(delayMs >= 500 || isAtOnce, `no back-off: ${delayMs} ms`);
                if (effect.lost.next.kind === "resume") {
                  assert.ok(delayMs <= (code4008(effect.lost) ? 10_000 : 8_000), `${delayMs} ms`);
                }
                const lived = (effect.lost.livedMs ?? 0) >= LIVED_MS;
                assert.equal(next.state.failures, lived ? 1 : before.failures + 1, "the count");
              }
            }
            state = next.state;
            assert.ok(sockets <= 1, "two sockets");
            assert.equal(sockets, hasSocket(state.phase) ? 1 : 0, "sockets");
            assert.equal(state.heartbeat !== undefined && !hasSocket(state.phase), false, "dead");
            assert.ok(
              event.kind !== "tick" || wakeAtMs(state) > ms,
              "a tick without an effect on the time limit",
            );
            assert.ok(
              ["ready", "final", "waiting"].includes(state.phase.kind) ||
                state.congestedMs !== undefined ||
                wakeAtMs(state) < Infinity,
              `${state.phase.kind} without an end`,
            );
          };
          step({ kind: "start" });
          for (const { event, afterMs, socketsBack } of events) {
            ms += afterMs;
            step("socket" in event ? { ...event, socket: state.socket - socketsBack } : event);
          }
          // Without further events, every path ends in a wait, in a connection, or for good.
          step({ kind: "drained" });
          assert.ok(
            state.phase.kind === "final" || Number.isFinite(wakeAtMs(state)),
            `stuck in ${state.phase.kind}`,
          );
        },
      ),
      { numRuns: 1_500 },
    );
  });

  it("recovers from any state that is not final, once Discord behaves", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        const story = started();
        for (const { event, afterMs } of events) {
          story.ms += afterMs;
          if ("socket" in event) story.happens(event);
          else story.step(event);
        }
        if (story.state.phase.kind === "final") return;
        story.own("drained");
        for (let i = 0; i < 20 && story.state.phase.kind !== "ready"; i++) {
          story.happens({ kind: "opened" })
            .happens({ kind: "hello", intervalMs: INTERVAL_MS })
            .permitted()
            .happens({ kind: "resumed" })
            .happens({ kind: "ready", ...SESSION });
          if (story.state.phase.kind === "waiting") story.after(Math.max(0, story.waitMs()));
        }
        assert.equal(story.state.phase.kind, "ready");
      }),
      { numRuns: 500 },
    );
  });
});
