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
import { ALERT_KINDS } from "../../../src/extras/alerts/kinds.ts";
import { alertMessage, messageText } from "../../../src/extras/alerts/words.ts";
import { type Changes, checksWith, found } from "./facts.ts";

const START = Date.UTC(2026, 0, 2);
const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIMES = { gatewayDownSec: 300 };
const ALL: readonly AlertWay[] = ["dm", "webhook", "ntfy"];

const DOWN = [
  found("gateway:connection", "warn", {
    where: "default/0",
    why: "waiting before the next attempt",
  }),
];
const about = "budgets.total.tokensPerDay";
const SPENT = [found("budget", "warn", { where: about, why: "spent: 100 of 100 tokens today" })];
const NEAR = [found("budget:near", "pass", { where: about, why: "80 of 100 tokens today" })];
const FAILING = [found("llm:local/a", "fail", { why: "its last 3 turns failed" })];
const MISSED = [
  found("schedule:7", "warn", { why: "its last run failed", fix: "run …", isNoticed: true }),
];
const FULL = [found("storage:write", "fail", { why: "the disk is full", fix: "free some room" })];

/** Plays facts over time, and collects the messages that are sent. */
class Play {
  now = START;
  state: AlertState = NO_ALERTS;
  readonly sent: string[] = [];
  ways: readonly AlertWay[] = ALL;
  readonly broken = new Set<AlertWay>();
  #lookedAt = START;

  look(changes: Changes): void {
    const stepMs = Math.max(0, Math.min(30_000, this.now - this.#lookedAt));
    this.#lookedAt = this.now;
    this.state = judgeAlerts(this.state, checksWith(changes), TIMES, stepMs, this.now);
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
  pass(ms: number, changes: Changes = []): void {
    for (const until = this.now + ms; this.now < until;) {
      this.now += 10 * SECOND;
      this.look(changes);
    }
  }

  /** A process with the same store. */
  restart(): void {
    const records: readonly AlertRecord[] = JSON.parse(JSON.stringify(this.state.records));
    this.state = { records, held: new Map() };
    this.#lookedAt = this.now;
  }
}

/** For each kind: its trouble, the hold of its beginning, and the words. */
const KINDS: readonly (readonly [string, Changes, holdMs: number, words: RegExp])[] = [
  [
    "account default",
    [found("account:state", "fail", { where: "default", why: "the token is refused" })],
    0,
    /^An account of Barnacle has ended \(default\)\.\nCause: the token is refused\./,
  ],
  [
    "gateway default",
    DOWN,
    300_000,
    /^Barnacle is not connected to Discord, so it answers no one \(default\)\.\nCause: waiting before the next attempt\. Since 20/,
  ],
  [
    "limit default",
    [found("rest:limited", "warn", { where: "default", why: "a request waits 86400 s" })],
    10 * MINUTE,
    /^Discord limits Barnacle, so answers wait \(default\)\.\nCause: a request waits 86400 s\./,
  ],
  ["store", FULL, 30_000, /cannot store messages.*\nCause: the disk is full\..*Next step: free/],
  ["disk", [found("host.data", "warn", { why: "100 MB are free" })], 60_000, /Cause: 100 MB are/],
  ["crashes", [found("host.runs", "fail", { why: "killed 3 times" })], 0, /Cause: killed 3 times/],
  ["model local/a", FAILING, 0, /model fails.*\(local\/a\)\.\nCause: its last 3 turns failed\./],
  [`budget-near ${about}`, NEAR, 0, /nearly spent .*\nCause: 80 of 100 tokens today\./],
  [`budget ${about}`, SPENT, 0, /is spent, so questions get no answer.*\nCause: spent: 100 of/],
  ["schedule 7", MISSED, 0, /A schedule of Barnacle has failed \(7\)\.\nCause: its last run/],
  ["backup", [found("host.backups", "fail")], 0, /A backup of Barnacle's data has failed\./],
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
      play.pass(12 * HOUR, facts);
      play.pass(HOUR + MINUTE);
      const hasEnd = ALERT_KINDS.find(({ kind }) => kind === record.kind)?.ends;
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
    play.pass(MINUTE, NEAR);
    play.pass(MINUTE, SPENT);
    play.pass(MINUTE);
    assert.deepEqual(play.sent, [
      `dm begins budget-near ${about}`,
      `dm begins budget ${about}`,
      `dm ends budget ${about}`,
    ]);
  });

  it("has no alert for the budget of a guild", () => {
    const play = new Play();
    play.look([found("budget", "warn", { where: "budgets.perGuild.tokensPerDay" })]);
    assert.deepEqual(play.state.records, []);
  });

  it("tells of an account once while one of its shards is away", () => {
    const play = new Play();
    play.pass(6 * MINUTE, [found("gateway:connection", "pass", { where: "default/1" }), ...DOWN]);
    assert.deepEqual(play.sent, ["dm begins gateway default"]);
  });
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
    const facts = [...FAILING, ...MISSED];
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
      play.pass(HOUR, MISSED);
      play.pass(HOUR);
    }
    const told = ["begins", "ends", "begins"].map((event) => `webhook ${event} schedule 7`);
    assert.deepEqual(play.sent, told);
    play.pass(DAY);
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
    play.pass(HOUR, [found("llm:local/a", "skipped")]);
    assert.deepEqual(play.sent, ["dm begins model local/a"]);
    play.look([]);
    assert.deepEqual(play.sent, ["dm begins model local/a", "dm ends model local/a"]);
  });

  const LEFT: readonly (readonly [string, Changes, gone: string])[] = [
    ["a model that the config has no more", FAILING, "llm:local/a"],
    ["an account that the config has no more", DOWN, "gateway:connection"],
    ["a deleted schedule", MISSED, "schedule:7"],
  ];
  for (const [which, before, gone] of LEFT) {
    it(`ends an alert about ${which}, and says nothing`, () => {
      const play = new Play();
      play.ways = ["ntfy"];
      play.pass(6 * MINUTE, before);
      assert.equal(play.sent.length, 1);
      play.pass(6 * MINUTE, [gone]);
      assert.equal(play.sent.length, 1);
      assert.deepEqual(play.state.records.filter(isOpen), []);
    });
  }

  it("does not say that an account is connected again which has ended", () => {
    const play = new Play();
    play.ways = ["webhook"];
    play.pass(6 * MINUTE, DOWN);
    play.pass(HOUR, [...DOWN, found("account:state", "fail", { where: "default" })]);
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
    play.look([]);
    assert.deepEqual(play.sent, [], "it may be over");
    play.pass(2 * MINUTE);
    assert.deepEqual(play.sent, ["dm ends gateway default"]);
    const [record] = play.state.records;
    assert.ok(record);
    const { told: _, ...untold } = record;
    assert.match(
      messageText(alertMessage(untold, "ends", play.now)),
      /connected to Discord again.*\nIt lasted 11 min, from .* UTC to .* UTC\. The cause was: waiting .*\. Barnacle could not tell you earlier\.$/,
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
    play.look(MISSED);
    assert.deepEqual(play.sent, []);
    play.look([]);
    assert.deepEqual(play.sent, ["dm ends schedule 7"]);
    const phone = new Play();
    phone.ways = ["ntfy", "dm"];
    phone.look(MISSED);
    assert.deepEqual(phone.sent, ["ntfy begins schedule 7"]);
  });
});
