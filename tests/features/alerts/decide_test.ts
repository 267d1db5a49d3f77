import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ALERT_KINDS, type AlertRecord } from "../../../src/core/finding.ts";
import type { Finding } from "../../../src/core/finding.ts";
import {
  afterFailure,
  afterSent,
  alertKey,
  type AlertState,
  dueAlerts,
  isOpen,
  judgeAlerts,
  messageOf,
  NO_ALERTS,
} from "../../../src/features/alerts/watch.ts";

const START = Date.UTC(2026, 0, 2);
const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function found(
  id: string,
  status: Finding["status"] = "pass",
  rest: Partial<Finding> = {},
): Finding {
  return { id, what: id, status, why: "…", ...rest };
}

/** The checks of a healthy bot. */
const WELL: readonly Finding[] = [
  found("account:state", "pass", { where: "default" }),
  found("gateway:connection", "pass", { where: "default" }),
  found("storage:write"),
  found("llm:local/a"),
  found("host.backups"),
  found("host.data", "warn"), // of no kind
];

/** Changed checks; a text names one that is gone. */
type Changes = readonly (Finding | string)[];

const DOWN = [
  found("gateway:connection", "warn", { where: "default", why: "waiting before the next attempt" }),
];
const FAILING = [found("llm:local/a", "fail", { why: "its last 3 turns failed" })];

/** Plays checks over time, and collects the messages that are sent. */
class Play {
  now = START;
  state: AlertState = NO_ALERTS;
  readonly sent: string[] = [];
  isBroken = false;
  #lookedAt = START;

  look(changes: Changes): void {
    const stepMs = Math.max(0, Math.min(30_000, this.now - this.#lookedAt));
    this.#lookedAt = this.now;
    const ids = new Set(changes.map((one) => typeof one === "string" ? one : one.id));
    const checks = [
      ...WELL.filter(({ id }) => !ids.has(id)),
      ...changes.filter((one) => typeof one !== "string"),
    ];
    this.state = judgeAlerts(this.state, checks, stepMs, this.now);
    const due = dueAlerts(this.state, this.now);
    const records = this.state.records.map((record) => {
      if (!due.includes(record)) return record;
      if (this.isBroken) return afterFailure(record, "webhook: refused", this.now);
      this.sent.push(`${record.owed?.event} ${alertKey(record)}`);
      return afterSent(record, this.now);
    });
    this.state = { ...this.state, records };
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
    /^An account of Barnacle has ended \(default\)\. Cause: the token is refused\.$/,
  ],
  [
    "gateway default",
    DOWN,
    300_000,
    /so it answers no one \(default\)\. Cause: waiting before the next attempt\. Since 20/,
  ],
  [
    "store",
    [found("storage:write", "fail", { why: "the disk is full", fix: "free some room" })],
    30_000,
    /cannot store messages.* Cause: the disk is full\..*Next step: free some room\.$/,
  ],
  [
    "model local/a",
    [found("llm:local/a", "warn", { why: "its server refuses the API key", needsOperator: true })],
    0,
    /A model of Barnacle fails \(local\/a\)\. Cause: its server refuses/,
  ],
  [
    "model local/a",
    FAILING,
    0,
    /model of Barnacle fails \(local\/a\)\. Cause: its last 3 turns failed\./,
  ],
  ["backup", [found("host.backups", "fail")], 0, /A backup of Barnacle's data has failed\./],
];

describe("[O12] judgeAlerts()", () => {
  it("has a test for each kind", () => {
    assert.deepEqual(new Set(KINDS.map(([key]) => key.split(" ")[0])), new Set(ALERT_KINDS));
  });

  for (const [key, checks, holdMs, words] of KINDS) {
    it(`${key}: begins after ${holdMs / 1_000} s, is told once, and once at its end`, () => {
      const play = new Play();
      play.look(checks);
      if (holdMs > 0) {
        play.pass(holdMs - 10 * SECOND, checks);
        assert.deepEqual(play.sent, []);
        play.isBroken = true;
        play.pass(10 * SECOND, checks);
        play.isBroken = false;
      }
      const [record] = play.state.records.filter(isOpen);
      assert.ok(record);
      const { title, body } = messageOf(record, play.now);
      assert.match(`${title}. ${body}`, words);
      play.pass(2 * DAY, checks);
      assert.deepEqual(play.sent, [`begins ${key}`]);
      play.pass(HOUR);
      assert.deepEqual(play.sent.slice(1), [`ends ${key}`]);
    });
  }

  it("finds no trouble in a healthy bot, nor in trouble that is over within its time", () => {
    const play = new Play();
    play.pass(10 * MINUTE);
    play.pass(290 * SECOND, DOWN);
    play.pass(HOUR);
    assert.deepEqual(play.state.records, []);
  });

  it("sends few messages about trouble that comes and goes all day", () => {
    const play = new Play();
    for (let round = 0; round < 144; round++) {
      play.pass(6 * MINUTE, DOWN);
      play.pass(4 * MINUTE);
    }
    assert.ok(play.sent.length <= 8, play.sent.join("\n"));
  });

  it("counts no time in which the computer slept, and survives a clock that is set back", () => {
    const play = new Play();
    play.look(DOWN);
    play.now += 3 * HOUR;
    play.look(DOWN);
    play.now -= DAY;
    play.look(DOWN);
    assert.deepEqual(play.sent, []);
    play.pass(5 * MINUTE, DOWN);
    assert.equal(play.sent.length, 1);
  });

  it("neither repeats nor forgets an open alert after a restart", () => {
    const play = new Play();
    play.isBroken = true;
    play.pass(6 * MINUTE, DOWN);
    play.isBroken = false;
    play.restart();
    play.pass(2 * MINUTE, DOWN);
    play.restart();
    play.pass(6 * MINUTE, DOWN);
    assert.deepEqual(play.sent, ["begins gateway default"]);
    play.pass(2 * MINUTE);
    assert.deepEqual(play.sent.slice(1), ["ends gateway default"]);
  });

  it("ends no alert about a model that no one has asked since the restart", () => {
    const play = new Play();
    play.look(FAILING);
    play.restart();
    play.pass(HOUR, [found("llm:local/a", "skipped")]);
    assert.deepEqual(play.sent, ["begins model local/a"]);
    play.look([]);
    assert.deepEqual(play.sent.slice(1), ["ends model local/a"]);
  });

  it("ends an alert about a model that the config has no more, and says nothing", () => {
    const play = new Play();
    play.look(FAILING);
    play.pass(6 * MINUTE, ["llm:local/a"]);
    assert.deepEqual(play.sent, ["begins model local/a"]);
    assert.deepEqual(play.state.records.filter(isOpen), []);
    play.pass(DAY + MINUTE);
    assert.deepEqual(play.state.records, [], "it is forgotten");
  });
});

describe("[O12] messages about alerts", () => {
  it("tell afterwards of an outage that they could not tell of", () => {
    const play = new Play();
    play.isBroken = true;
    play.pass(12 * MINUTE, DOWN);
    play.pass(70 * SECOND);
    const [record] = play.state.records;
    assert.ok(record);
    assert.match(
      messageOf(record, play.now).body,
      /^It lasted 12 min, from .* UTC to .* UTC\. The cause was: waiting .*\. Barnacle could not tell you earlier\.$/,
    );
    play.isBroken = false;
    play.pass(HOUR);
    assert.deepEqual(play.sent, ["ends gateway default"]);
  });

  it("are tried again after growing waits, at most an hour", () => {
    const play = new Play();
    play.isBroken = true;
    play.look(FAILING);
    const waits = Array.from({ length: 6 }, () => {
      const [{ owed } = { owed: undefined }] = play.state.records;
      const waitMs = (owed?.nextAt ?? 0) - play.now;
      play.now += waitMs;
      play.look(FAILING);
      return waitMs / 1_000;
    });
    assert.deepEqual(waits, [10, 60, 360, 2_160, 3_600, 3_600]);
    assert.equal(play.state.records[0]?.failure, "webhook: refused");
    play.isBroken = false;
    play.pass(HOUR + MINUTE, FAILING);
    assert.deepEqual(play.sent, ["begins model local/a"]);
    assert.equal(play.state.records[0]?.failure, undefined);
  });
});
