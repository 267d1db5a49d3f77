import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord, AlertWay } from "../../../src/core/alerts.ts";
import { ALERT_KIND_NAMES } from "../../../src/core/alerts.ts";
import {
  afterFailure,
  afterSent,
  alertKey,
  type AlertState,
  dueMessages,
  isOpen,
  judgeAlerts,
  NO_ALERTS,
  withRecord,
} from "../../../src/extras/alerts/decide.ts";
import { ALERT_KINDS, type AlertFacts } from "../../../src/extras/alerts/kinds.ts";
import { alertMessage, messageText } from "../../../src/extras/alerts/words.ts";
import type { Schedule } from "../../../src/core/turn/schedule.ts";
import { MIN_FACTS } from "./facts.ts";

const START = MIN_FACTS.now;
const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIMES = { gatewayDownSec: 300 };
const ALL: readonly AlertWay[] = ["dm", "webhook", "ntfy"];

const DOWN: Partial<AlertFacts> = {
  accounts: [{
    id: "default",
    state: "running",
    shards: [{ state: "backoff" }],
    rest: { isUp: false },
  }],
};
const SPENT = (used: number): Partial<AlertFacts> => ({
  budgets: [{ rule: "budgets.total.tokensPerDay", limit: 100, unit: "tokens", used }],
});
const ANSWERING = { models: [{ id: "local/a", hasAnswered: true }] };
const FAILING: Partial<AlertFacts> = {
  models: [{ id: "local/a", down: { cause: "its last 3 turns failed", isNoticed: false } }],
};

/** Plays facts over time, and collects the messages that are sent. */
class Play {
  now = START;
  state: AlertState = NO_ALERTS;
  readonly sent: string[] = [];
  ways: readonly AlertWay[] = ALL;
  readonly broken = new Set<AlertWay>();
  #lookedAt = START;

  look(change: Partial<AlertFacts>): void {
    const facts = { ...MIN_FACTS, ...ANSWERING, now: this.now, ...change };
    const stepMs = Math.max(0, Math.min(30_000, this.now - this.#lookedAt));
    this.#lookedAt = this.now;
    this.state = judgeAlerts(this.state, facts, TIMES, stepMs);
    for (;;) {
      const [due] = dueMessages(this.state, this.ways, this.now);
      if (!due) return;
      const { record, event, way } = due;
      if (way !== undefined && this.broken.has(way)) {
        this.state = withRecord(this.state, afterFailure(due, `${way}: refused`, this.now));
        continue;
      }
      if (way !== undefined) this.sent.push(`${way} ${event} ${alertKey(record)}`);
      this.state = withRecord(this.state, afterSent(record, way ?? "dm", this.now));
    }
  }

  /** Looks every ten seconds. */
  pass(ms: number, change: Partial<AlertFacts> = {}): void {
    for (const until = this.now + ms; this.now < until;) {
      this.now += 10 * SECOND;
      this.look(change);
    }
  }

  /** A process with the same store. */
  restart(): void {
    const records: readonly AlertRecord[] = JSON.parse(JSON.stringify(this.state.records));
    this.state = { records, held: new Map() };
    this.#lookedAt = this.now;
  }
}

const schedule = (change: Partial<Schedule>): Schedule => ({
  id: 7,
  cron: "0 8 * * *",
  kind: "task",
  text: "the words of a person",
  lastRun: { messageId: "1", dueAt: START, startedAt: START, state: "failed" },
  origin: { place: { kind: "guild" } },
  ...change,
} as unknown as Schedule);

/** A schedule whose last run has reached people. */
const WORKING = {
  schedules: [
    schedule({
      lastRun: {
        messageId: "2",
        dueAt: START,
        startedAt: START,
        state: "delivered",
      } as NonNullable<
        Schedule["lastRun"]
      >,
    }),
  ],
};

/** For each kind: facts with it, the hold of its beginning, and the words. */
const KINDS: readonly (readonly [string, Partial<AlertFacts>, holdMs: number, words: RegExp])[] = [
  [
    "account default",
    {
      accounts: [{
        id: "default",
        state: "ended",
        end: "the token is refused",
        shards: [],
        rest: { isUp: true },
      }],
    },
    0,
    /^An account of Barnacle has ended \(default\)\.\nCause: the token is refused\. Next step: run `barnacle doctor`/,
  ],
  [
    "gateway default",
    DOWN,
    300_000,
    /^Barnacle is not connected to Discord, so it answers no one \(default\)\.\nCause: its connection is waiting before the next attempt; Discord's REST API does not answer either\. Since 20/,
  ],
  [
    "limit default",
    {
      accounts: [{
        id: "default",
        state: "running",
        shards: [{ state: "ready" }],
        rest: { isUp: true, limitedMs: 86_400_000 },
      }],
    },
    0,
    /^Discord limits Barnacle, so answers wait \(default\)\.\nCause: a request waits 24 h\./,
  ],
  [
    "store",
    { store: { isFailing: true, isFull: true } },
    30_000,
    /cannot store messages.*\nCause: the disk is full\. Next step: free some room/,
  ],
  ["disk", { freeBytes: 100_000_000 }, 60_000, /nearly full\.\nCause: 100 MB are free\./],
  [
    "crashes",
    {
      runs: {
        id: "host.runs",
        what: "Ends of earlier runs",
        status: "fail",
        why: "it was killed, or crashed, 3 times",
        fix: "find out what kills it",
      },
    },
    0,
    /keeps being killed, or crashes\.\nCause: it was killed, or crashed, 3 times\. Next step: find out what kills it\./,
  ],
  ["model local/a", FAILING, 0, /model fails.*\(local\/a\)\.\nCause: its last 3 turns failed\./],
  [
    "budget-near budgets.total.tokensPerDay",
    SPENT(80),
    0,
    /nearly spent \(budgets\.total\.tokensPerDay\)\.\nCause: 80 of 100 tokens today\. Next step: raise/,
  ],
  [
    "budget budgets.total.tokensPerDay",
    SPENT(100),
    0,
    /is spent, so questions get no answer.*\nCause: 100 of 100 tokens today\./,
  ],
  [
    "schedule 7",
    { schedules: [schedule({ pausedBy: "failures" })] },
    0,
    /A schedule of Barnacle has failed \(7\)\.\nCause: its last runs failed, so it is paused\. Next step: run `barnacle why 1`, then `barnacle schedules resume 7`\./,
  ],
  [
    "backup",
    { backupFailure: "the folder cannot be written" },
    0,
    /A backup of Barnacle's data has failed\.\nCause: the folder cannot be written\./,
  ],
];

describe("[O12] the table of alerts", () => {
  it("has a test for each kind", () => {
    const tested = KINDS.map(([key]) => key.split(" ")[0]);
    assert.deepEqual(tested, [...ALERT_KIND_NAMES]);
    assert.deepEqual(ALERT_KINDS.map(({ kind }) => kind), [...ALERT_KIND_NAMES]);
  });

  for (const [key, facts, holdMs, words] of KINDS) {
    it(`${key}: begins after ${holdMs / 1_000} s, is told once, and once at its end`, () => {
      const play = new Play();
      play.ways = ["ntfy"];
      play.look(facts);
      if (holdMs > 0) {
        play.pass(holdMs - 10 * SECOND, facts);
        assert.deepEqual(play.sent, []);
        play.pass(10 * SECOND, facts);
      }
      assert.deepEqual(play.sent, [`ntfy begins ${key}`]);
      const [record] = play.state.records.filter(isOpen);
      assert.ok(record);
      const text = messageText(alertMessage(record, "begins", play.now));
      assert.match(text, words);
      assert.doesNotMatch(text, /words of a person/);
      play.pass(12 * HOUR, facts.runs ? {} : facts);
      play.pass(HOUR, key === "schedule 7" ? WORKING : {});
      const hasEnd = ALERT_KINDS.find(({ kind }) => kind === record.kind)?.hasEnd;
      assert.deepEqual(play.sent.slice(1), hasEnd ? [`ntfy ends ${key}`] : []);
      assert.deepEqual(play.state.records.filter(isOpen), []);
    });
  }

  it("finds no trouble in a healthy bot", () => {
    const play = new Play();
    play.pass(10 * MINUTE);
    assert.deepEqual(play.state, { records: [], held: new Map() });
  });

  it("tells of 80 % and of a spent budget, each once, and only of the end of the second", () => {
    const play = new Play();
    play.look(SPENT(79));
    assert.deepEqual(play.sent, []);
    play.pass(MINUTE, SPENT(80));
    play.pass(MINUTE, SPENT(100));
    play.pass(MINUTE, SPENT(0));
    const about = "budgets.total.tokensPerDay";
    assert.deepEqual(play.sent, [
      `dm begins budget-near ${about}`,
      `dm begins budget ${about}`,
      `dm ends budget ${about}`,
    ]);
  });

  it("ends a nearly full disk only once there is clearly room", () => {
    const play = new Play();
    play.pass(2 * MINUTE, { freeBytes: 200_000_000 });
    play.pass(HOUR, { freeBytes: 400_000_000 });
    assert.deepEqual(play.sent, ["dm begins disk"]);
    play.pass(HOUR, { freeBytes: 600_000_000 });
    assert.deepEqual(play.sent, ["dm begins disk", "dm ends disk"]);
  });

  for (
    const [what, facts] of [
      ["is full", { freeBytes: 0, store: { isFailing: true, isFull: true } }],
      ["tells no room", { freeBytes: undefined }],
    ] as const
  ) {
    it(`says of no disk that it has room again while it ${what}`, () => {
      const play = new Play();
      play.pass(2 * MINUTE, { freeBytes: 200_000_000 });
      play.pass(HOUR, facts);
      assert.ok(!play.sent.includes("dm ends disk"), play.sent.join());
      play.pass(HOUR, { freeBytes: 600_000_000 });
      assert.ok(play.sent.includes("dm ends disk"), play.sent.join());
    });
  }

  const QUIET: readonly (readonly [string, Partial<Schedule>])[] = [
    ["in a direct message", { origin: { place: { kind: "dm" } } as Schedule["origin"] }],
    ["that an operator paused", { pausedBy: "operator" }],
    ["that ran once, a day ago", {
      cron: undefined,
      lastRun: { ...schedule({}).lastRun, startedAt: START - DAY, state: "failed" } as NonNullable<
        Schedule["lastRun"]
      >,
    }],
    ["whose last run was delivered", {
      lastRun: { ...schedule({}).lastRun, state: "delivered" } as NonNullable<Schedule["lastRun"]>,
    }],
  ];
  for (const [which, change] of QUIET) {
    it(`has no alert for a failed schedule ${which}`, () => {
      const play = new Play();
      play.look({ schedules: [schedule(change)] });
      assert.deepEqual(play.state.records, []);
    });
  }
});

describe("[O12] judgeAlerts()", () => {
  it("tells nothing of trouble that is over within its time", () => {
    const play = new Play();
    play.look(DOWN);
    play.pass(290 * SECOND, DOWN);
    play.pass(HOUR);
    assert.deepEqual(play.sent, []);
  });

  it("repeats a lasting alert once a day, and a failed schedule never", () => {
    const play = new Play();
    const facts = { ...FAILING, schedules: [schedule({})] };
    play.ways = ["webhook"];
    play.look(facts);
    play.pass(3 * DAY, facts);
    assert.deepEqual(play.sent, [
      "webhook begins model local/a",
      "webhook begins schedule 7",
      "webhook lasts model local/a",
      "webhook lasts model local/a",
      "webhook lasts model local/a",
    ]);
  });

  it("sends few messages about trouble that comes and goes all day", () => {
    const play = new Play();
    for (let round = 0; round < 144; round++) {
      play.pass(6 * MINUTE, DOWN);
      play.pass(4 * MINUTE);
    }
    assert.ok(play.sent.length <= 8, play.sent.join("\n"));
  });

  it("sends three messages about a schedule that fails every second hour", () => {
    const play = new Play();
    play.ways = ["webhook"];
    for (let round = 0; round < 36; round++) {
      play.pass(HOUR, { schedules: [schedule({})] });
      play.pass(HOUR, WORKING);
    }
    const told = ["begins", "ends", "begins"].map((event) => `webhook ${event} schedule 7`);
    assert.deepEqual(play.sent, told);
    play.pass(DAY, WORKING);
    assert.deepEqual(play.sent.slice(3), ["webhook ends schedule 7"]);
  });

  it("counts no time in which the computer slept", () => {
    const play = new Play();
    play.look(DOWN);
    play.now += 3 * HOUR;
    play.look(DOWN);
    assert.deepEqual(play.sent, []);
  });

  it("survives a clock that is set back", () => {
    const play = new Play();
    play.look(DOWN);
    play.now -= DAY;
    play.look(DOWN);
    play.pass(5 * MINUTE, DOWN);
    assert.equal(play.sent.length, 1);
  });

  it("neither repeats nor forgets an open alert after a restart", () => {
    const play = new Play();
    play.pass(6 * MINUTE, DOWN);
    play.restart();
    play.pass(6 * MINUTE, DOWN);
    assert.deepEqual(play.sent, ["dm begins gateway default"]);
    play.restart();
    play.pass(2 * MINUTE);
    assert.deepEqual(play.sent, ["dm begins gateway default", "dm ends gateway default"]);
  });

  it("tells an owed message after a restart", () => {
    const play = new Play();
    play.ways = [];
    play.pass(6 * MINUTE, DOWN);
    play.restart();
    play.ways = ["webhook"];
    play.pass(10 * SECOND, DOWN);
    assert.deepEqual(play.sent, ["webhook begins gateway default"]);
  });

  it("ends no alert about a model that no one has asked since the restart", () => {
    const play = new Play();
    play.look(FAILING);
    play.restart();
    play.pass(HOUR, { models: [{ id: "local/a" }] });
    assert.deepEqual(play.sent, ["dm begins model local/a"]);
    play.look(ANSWERING);
    assert.deepEqual(play.sent, ["dm begins model local/a", "dm ends model local/a"]);
  });

  const own = DOWN.accounts?.[0];
  const LEFT: readonly (readonly [string, Partial<AlertFacts>, Partial<AlertFacts>])[] = [
    ["a model that the config has no more", FAILING, { models: [] }],
    ["an account that the config has no more", DOWN, { accounts: [] }],
    ["a deleted schedule", { schedules: [schedule({ pausedBy: "failures" })] }, {}],
    [
      "a schedule that ran once",
      { schedules: [schedule({ cron: undefined })] },
      { schedules: [schedule({ cron: undefined, pausedBy: "operator" })] },
    ],
    ["a disabled account", DOWN, {
      accounts: [{ id: "default", state: "disabled", shards: [], rest: { isUp: true } }],
    }],
  ];
  for (const [which, before, after] of LEFT) {
    it(`ends an alert about ${which}, and says nothing`, () => {
      const play = new Play();
      play.ways = ["ntfy"];
      play.pass(6 * MINUTE, before);
      assert.equal(play.sent.length, 1);
      play.pass(6 * MINUTE, after);
      assert.equal(play.sent.length, 1);
      assert.deepEqual(play.state.records.filter(isOpen), []);
    });
  }

  it("does not say that an account is connected again which has ended", () => {
    const play = new Play();
    play.ways = ["webhook"];
    play.pass(6 * MINUTE, DOWN);
    assert.ok(own);
    play.pass(HOUR, { accounts: [{ ...own, state: "ended", end: "gave up" }] });
    assert.deepEqual(play.sent, [
      "webhook begins gateway default",
      "webhook begins account default",
    ]);
  });

  it("forgets an ended alert after a day", () => {
    const play = new Play();
    play.look(FAILING);
    play.pass(DAY + MINUTE);
    assert.deepEqual(play.state.records, []);
  });
});

describe("[O12] dueMessages()", () => {
  it("uses the first way that works, and tells the end by the same way", () => {
    const play = new Play();
    play.ways = ["webhook", "ntfy"]; // no connection, so no direct message
    play.pass(6 * MINUTE, DOWN);
    play.ways = ALL;
    play.pass(2 * MINUTE);
    assert.deepEqual(play.sent, ["webhook begins gateway default", "webhook ends gateway default"]);
  });

  it("tells afterwards of an outage that it could not tell of", () => {
    const play = new Play();
    play.ways = [];
    play.pass(12 * MINUTE, DOWN);
    assert.deepEqual(play.sent, []);
    play.ways = ["dm"];
    play.look({});
    assert.deepEqual(play.sent, [], "it may be over");
    play.pass(2 * MINUTE);
    assert.deepEqual(play.sent, ["dm ends gateway default"]);
    const [record] = play.state.records;
    assert.ok(record);
    const { told: _, ...untold } = record;
    assert.match(
      messageText(alertMessage(untold, "ends", play.now)),
      /connected to Discord again.*\nIt lasted 11 min, from .* UTC to .* UTC\. The cause was: its connection .*\. Barnacle could not tell you earlier\.$/,
    );
  });

  it("tries a way three times with growing delays, then the next one, and all again in an hour", () => {
    const play = new Play();
    play.ways = ["webhook", "ntfy"];
    play.broken.add("webhook").add("ntfy");
    const attempts: string[] = [];
    play.look(FAILING);
    const note = () => {
      const [{ owed, failure } = { owed: undefined, failure: undefined }] = play.state.records;
      attempts.push(`${failure} ${((owed?.nextAt ?? 0) - START) / 1_000}`);
    };
    note();
    for (const seconds of [5, 30, 5, 30]) {
      play.now += seconds * SECOND;
      play.look(FAILING);
      note();
    }
    assert.deepEqual(attempts, [
      "webhook: refused 5",
      "webhook: refused 35",
      "ntfy: refused 40",
      "ntfy: refused 70",
      "ntfy: refused 3670",
    ]);
    play.broken.delete("ntfy");
    play.pass(HOUR + MINUTE, FAILING);
    assert.deepEqual(play.sent, ["ntfy begins model local/a"]);
    assert.equal(play.state.records[0]?.failure, undefined);
  });

  it("sends no second direct message of trouble that another notice tells of", () => {
    const play = new Play();
    const facts = { schedules: [schedule({})] };
    play.look(facts);
    assert.deepEqual(play.sent, []);
    play.look(WORKING);
    assert.deepEqual(play.sent, ["dm ends schedule 7"]);
    const phone = new Play();
    phone.ways = ["ntfy", "dm"];
    phone.look(facts);
    assert.deepEqual(phone.sent, ["ntfy begins schedule 7"]);
  });
});
