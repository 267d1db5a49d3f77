import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { filterOf } from "../../../src/extras/logs/filter.ts";
import { toSince } from "../../../src/lib/text/times.ts";
import {
  LINE_MAX_CHARS,
  lineAsJson,
  LineDivider,
  lineForPeople,
  parseLine,
} from "../../../src/extras/logs/lines.ts";
import { noLogText, unitIn } from "../../../src/extras/logs/find_source.ts";

const WARNING = '{"time":"2026-11-23T09:00:07.125Z","level":"warn","part":"delivery",' +
  '"event":"A message waits","fields":{"row":7,"accountId":"work"}}';

describe("[O2] parseLine()", () => {
  const cases: readonly (readonly [what: string, text: string, shown: string])[] = [
    [
      "JSON",
      WARNING,
      "2026-11-23 09:00:07.125 warn  delivery: A message waits row=7 accountId=work",
    ],
    ["JSON behind Compose's name", `barnacle-1  | ${WARNING}`, "2026-11-23 09:00:07.125 warn "],
    ["a line for people", "\u001b[33m09:00:07.125 warn  delivery: waits row=7\u001b[39m", "warn "],
    ["a crash", "panic: \u001b[31mred\u0007\u202e", "panic: red\\u{7}\\u{202e}"],
    ["JSON that is cut", WARNING.slice(0, 80), '{"time":"2026-11-23T09:00:07.125Z"'],
    ["JSON of another program", '{"time":"soon","level":"warn","part":"x","event":"y"}', '{"time'],
    ["a level that does not exist", WARNING.replace("warn", "loud"), '{"time"'],
    ["binary rubbish", "\u0000\u0001\ufffd", "\\u{0}\\u{1}\ufffd"],
    ["a secret", "Bearer abcdefghijklmnop", "Bearer [redacted]"],
    ["nothing", "", ""],
  ];
  for (const [what, text, shown] of cases) {
    it(`reads ${what}`, () => {
      const line = parseLine(text);
      const written = lineForPeople(line, false);
      assert.ok(written.startsWith(shown), written);
      assert.doesNotMatch(written + lineAsJson(line), /[\p{Cc}\u202e]/u);
      JSON.parse(lineAsJson(line));
    });
  }

  it("shows fields of any depth", () => {
    const deep = WARNING.replace('"row":7', `"row":${"[".repeat(50_000)}${"]".repeat(50_000)}`);
    assert.match(lineForPeople(parseLine(deep), false), /row=\[+"\[deep\]"/);
    assert.ok(lineAsJson(parseLine(deep)).length < 300);
  });

  it("writes the same line of JSON that it has read", () => {
    assert.equal(lineAsJson(parseLine(WARNING)), WARNING);
  });
});

describe("[O2] LineDivider", () => {
  it("cuts an endless line, and goes on with the next one", () => {
    const divider = new LineDivider();
    const block = new TextEncoder().encode("x".repeat(100_000));
    const lines = Array.from({ length: 50 }, () => divider.push(block)).flat();
    assert.deepEqual(lines, []);
    const [cut = "", next] = divider.push(new TextEncoder().encode("\nshort\r\nrest"));
    assert.ok(cut.length < LINE_MAX_CHARS + 20 && cut.endsWith("… (cut)"));
    assert.equal(next, "short");
    assert.equal(divider.end(), "rest");
  });

  it("joins a character of two chunks", () => {
    const divider = new LineDivider();
    const bytes = new TextEncoder().encode("é\n");
    assert.deepEqual([...divider.push(bytes.slice(0, 1)), ...divider.push(bytes.slice(1))], ["é"]);
  });
});

describe("[O2] filterOf()", () => {
  const line = parseLine(WARNING);
  const cases = [
    [{}, true],
    [{ level: "warn" }, true],
    [{ level: "error" }, false],
    [{ part: ["gateway", "delivery"] }, true],
    [{ part: ["gateway"] }, false],
    [{ account: "WORK" }, true],
    [{ account: "default" }, false],
    [{ grep: "ROW=7" }, true],
    [{ grep: "row=8" }, false],
    [{ since: Date.parse("2026-11-23T09:00:00Z") }, true],
    [{ since: Date.parse("2026-11-23T09:00:08Z") }, false],
  ] as const;
  for (const [filter, isChosen] of cases) {
    it(`${isChosen ? "chooses" : "leaves out"} a warning for ${JSON.stringify(filter)}`, () => {
      assert.equal(filterOf(filter)(line), isChosen);
    });
  }

  it("shows words of a crash at each level, but not as those of a part or an account", () => {
    const crash = parseLine("panic: out of memory");
    assert.equal(filterOf({ level: "error" })(crash), true);
    assert.equal(filterOf({ part: ["gateway"] })(crash), false);
    assert.equal(filterOf({ account: "default" })(crash), false);
  });

  it("takes a line without an account as one of `default`", () => {
    const own = parseLine(WARNING.replace(',"accountId":"work"', ""));
    assert.equal(filterOf({ account: "default" })(own), true);
    assert.equal(filterOf({ account: "work" })(own), false);
  });
});

describe("toSince()", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  const times = {
    "30m": "2026-11-23T11:30:00.000Z",
    "2h": "2026-11-23T10:00:00.000Z",
    "7d": "2026-11-16T12:00:00.000Z",
    "1d12h 30 min": "2026-11-21T23:30:00.000Z",
    today: "2026-11-23T00:00:00.000Z",
    yesterday: "2026-11-22T00:00:00.000Z",
    "2026-11-20": "2026-11-20T00:00:00.000Z",
    "2026-11-20 08:30": "2026-11-20T08:30:00.000Z",
    "2026-11-20T08:30:01+02:00": "2026-11-20T06:30:01.000Z",
    "2026-11-20 08:30:01 UTC": "2026-11-20T08:30:01.000Z",
  };
  for (const [text, time] of Object.entries(times)) {
    it(`reads ${text}`, () => {
      assert.equal(new Date(toSince(text, now)).toISOString(), time);
    });
  }
  for (const text of ["", "tomorrow", "2 fortnights", "1d2x", "h", "-2h", "2026-13-45", "12:30"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => toSince(text, now),
        new RangeError(
          `"${text}" is no time; write 30m, 2h, 7d, today, yesterday, 2026-01-31 or "2026-01-31 12:30" (UTC)`,
        ),
      );
    });
  }
  it("refuses a time to come", () => {
    assert.throws(
      () => toSince("2027-01-01", now),
      /^RangeError: 2027-01-01 00:00:00 UTC is in the/,
    );
  });
});

describe("the log of the bot", () => {
  it("belongs to the innermost service of its control group", () => {
    assert.equal(unitIn("0::/system.slice/barnacle.service\n"), "barnacle.service");
    const own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/bot.service\n";
    assert.equal(unitIn(own), "bot.service");
    const session = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-1.scope\n";
    assert.equal(unitIn(session), undefined);
    assert.equal(unitIn("0::/\n"), undefined);
  });

  const journal = "barnacle.service";
  const where = [
    [{ journal, state: "absent" }, false, /^found no log: this machine has no journal .*--file/],
    [{ journal, state: "empty" }, false, /the journal has no line of barnacle.service, as far as/],
    [{ journal, state: "empty" }, true, /^in a container .*docker logs -f <container>/],
    [{ journal, state: "empty", bot: { pid: 7, stderr: "/dev/pts/3" } }, false, /pid 7.*\/pts\/3/],
    [{ journal, state: "empty", logFile: "/d/x.log" }, false, /^\/d\/x.log does not exist yet/],
  ] as const;
  for (const [facts, isContainer, pattern] of where) {
    it(`is nowhere: ${JSON.stringify(facts)}${isContainer ? " in a container" : ""}`, () => {
      assert.match(noLogText(facts, isContainer), pattern);
      if (!("logFile" in facts)) assert.match(noLogText(facts, isContainer), /set log\.file/);
    });
  }
});
