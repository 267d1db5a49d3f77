import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { afterEach, describe, it } from "node:test";
import fc from "fast-check";
import { createStderrWriter, type Logging, type LogSettings, startLog } from "../src/log.ts";
import { StoreError } from "../src/store/database/database_files.ts";
import { anyCharacter } from "./support/any_character.ts";

let running: Logging | undefined;
afterEach(() => running?.stop());

/** A log whose lines can be read; the last one started is the only one. */
function start(settings: Partial<LogSettings> = {}) {
  const lines: string[] = [];
  const logging = startLog({
    level: "debug",
    format: "json",
    write: (line) => lines.push(line),
    ...settings,
  });
  running = logging;
  return { logging, log: logging.forPart("store"), lines };
}

const FORMATS = ["json", "human"] as const;

describe("[O2] startLog()", () => {
  it("writes one line of JSON for one event, with its part, level and fields", () => {
    const { logging, lines } = start();
    logging.forPart("gateway", { shard: "default/0" }).warn("resumed", { gap: 3 });
    const { time, ...event } = JSON.parse(lines.join(""));
    assert.equal(new Date(time).toISOString(), time);
    assert.deepEqual(event, {
      level: "warn",
      part: "gateway",
      event: "resumed",
      fields: { shard: "default/0", gap: 3 },
    });
  });

  it("writes the same event to the file as JSON, without secrets", () => {
    const inFile: string[] = [];
    const { logging, log, lines } = start({
      format: "human",
      writeToFile: (line) => inFile.push(line),
    });
    logging.addSecret("hunter2hunter2");
    log.info("resumed", { by: "hunter2hunter2", key: "sk-0123456789abcdefXYZ" });
    assert.equal(lines.length, 1);
    const { event, fields } = JSON.parse(inFile.join(""));
    assert.deepEqual([event, fields.by], ["resumed", "[redacted]"]);
    assert.doesNotMatch(inFile.join(""), /hunter2|sk-0123/);
  });

  it("[C9] applies a new level to existing logs", () => {
    const { logging, log, lines } = start({ level: "info" });
    const gateway = logging.forPart("gateway");
    log.debug("unheard");
    logging.setLevel("connection_debug");
    log.debug("unheard, too");
    gateway.debug("a heartbeat");
    logging.setLevel("debug");
    log.debug("heard");
    logging.setLevel("error");
    log.warn("unheard again");
    gateway.debug("not any more");
    assert.deepEqual(lines.map((line) => JSON.parse(line).event), ["a heartbeat", "heard"]);
  });

  it("writes readable lines for people", () => {
    const { log, lines } = start({ format: "human" });
    log.info("stored", { rows: 3, file: "barnacle.db", note: "two words" });
    assert.match(
      lines.join(""),
      /^\d\d:\d\d:\d\d\.\d{3} info {2}store: stored rows=3 file=barnacle\.db note="two words"\n$/,
    );
  });

  it("shows people an error and its causes without the stack, and JSON the stack too", () => {
    const error = new Error("disk full", { cause: new TypeError("no space") });
    const human = start({ format: "human" });
    human.log.error("failed", { error });
    assert.match(human.lines.join(""), /error="Error: disk full" because "TypeError: no space"\n$/);
    const json = start();
    json.log.error("failed", { error });
    assert.match(JSON.parse(json.lines.join("")).fields.error.stack, /log_test/);
  });

  it("[O2] shows a refused token or key without a stack", () => {
    const json = start();
    const error = Object.assign(new Error("GET / failed with 401"), { kind: "unauthorized" });
    json.log.warn("Cannot ask Discord", { error });
    assert.equal(JSON.parse(json.lines.join("")).fields.error.stack, undefined);
  });

  it("[O2] shows an unreachable network in one short line, without a stack", () => {
    const cause = Object.assign(new TypeError("fetch failed"), { code: "ENOTFOUND" });
    const error = Object.assign(new Error("could not reach Discord: ENOTFOUND", { cause }), {
      kind: "unsent",
      status: undefined,
    });
    const json = start();
    json.log.warn("Cannot ask Discord", { error });
    assert.deepEqual(JSON.parse(json.lines.join("")).fields.error, {
      name: "Error",
      message: "could not reach Discord: ENOTFOUND",
      kind: "unsent",
      cause: { name: "TypeError", message: "fetch failed", code: "ENOTFOUND" },
    });
    const human = start({ format: "human" });
    human.log.warn("Cannot ask Discord", { error });
    assert.match(
      human.lines.join(""),
      /error="Error: could not reach Discord: ENOTFOUND" because "TypeError: fetch failed"\n$/,
    );
  });

  for (
    const error of [
      new StoreError("full", { kind: "full", path: "x" }),
      new TypeError("PATCH /x got no answer from Discord: Barnacle is stopping"),
    ]
  ) {
    it(`[O2] writes an event once a minute, however many messages arrive: ${error}`, () => {
      let now = 0;
      const { log, lines } = start({ now: () => now });
      for (; now < 120_000; now += 1_000) log.error("Cannot store what arrived", { error });
      log.error("Cannot store a step", { error });
      for (const _ of [1, 2]) log.error("Cannot store what arrived", { error: new Error("a bug") });
      const told = lines.map((line) => JSON.parse(line)).map((
        { time, event, fields },
      ) => [Date.parse(time) / 60_000, event.slice("Cannot store ".length), fields.repeated]);
      assert.deepEqual(told, [
        [0, "what arrived", undefined],
        [1, "what arrived", 59],
        [2, "a step", undefined],
        [2, "what arrived", undefined],
        [2, "what arrived", undefined],
      ]);
    });
  }

  it("colours only warnings and errors, and only if allowed", () => {
    const { log, lines } = start({ format: "human", isColoured: true });
    log.info("calm");
    log.error("bad");
    assert.ok(!lines[0]?.includes("\u001b"));
    assert.ok(lines[1]?.startsWith("\u001b[31m") && lines[1].endsWith("\u001b[39m\n"));
  });

  const ALL = ["debug", "info", "warn", "error"] as const;
  type Level = (typeof ALL)[number];
  const levels: readonly [level: LogSettings["level"], gateway: Level, store: Level][] = [
    ["error", "error", "error"],
    ["warn", "warn", "warn"],
    ["info", "info", "info"],
    ["debug", "debug", "debug"],
    ["connection_debug", "debug", "info"],
  ];
  for (const [level, gateway, store] of levels) {
    it(`writes each expected event once at ${level}`, () => {
      const { logging, lines } = start({ level });
      for (const part of ["gateway", "store"]) {
        const log = logging.forPart(part);
        for (const each of ALL) log[each]("x");
      }
      const seen = (part: string, from: Level) =>
        ALL.slice(ALL.indexOf(from)).map((each) => `${part} ${each}`);
      const events = lines.map((line) => JSON.parse(line));
      assert.deepEqual(
        events.map(({ part, level }) => `${part} ${level}`),
        [...seen("gateway", gateway), ...seen("store", store)],
      );
    });
  }

  it("prints braces in an event unchanged", () => {
    const { log, lines } = start();
    log.info("{rows} {{x}} {*}", { rows: 3 });
    assert.equal(JSON.parse(lines.join("")).event, "{rows} {{x}} {*}");
  });
});

describe("[SEC-R36] startLog()", () => {
  const evil = [
    '\n{"level":"fatal","event":"all is lost"}',
    "\r\nline",
    "\u001b[2J\u001b]0;title\u0007",
    "\u0085\u2028\u2029",
    "\u202eright to left\u2066",
    "\u0000\ufeff",
  ];
  for (const format of FORMATS) {
    for (const text of evil) {
      it(`keeps ${JSON.stringify(text)} within its line: ${format}`, () => {
        const { log, lines } = start({ format });
        log.info(`event ${text}`, { name: text, [text]: 1, error: new Error(text) });
        const all = lines.join("");
        assert.equal(lines.length, 1);
        assert.ok(all.endsWith("\n"));
        assert.doesNotMatch(
          all.slice(0, -1),
          /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u,
        );
        if (format === "json") assert.equal(JSON.parse(all).fields.name, text);
      });
    }
  }

  it("keeps any text within its line, and unchanged in JSON", () => {
    const { log, lines } = start();
    fc.assert(fc.property(fc.string({ unit: anyCharacter }), (text) => {
      lines.length = 0;
      log.info("said", { text });
      assert.equal(lines.length, 1);
      assert.equal(lines[0]?.indexOf("\n"), (lines[0]?.length ?? 0) - 1);
      assert.equal(typeof JSON.parse(lines[0] ?? "").fields.text, "string");
    }));
  });
});

describe("[C8] [SEC-R9] startLog()", () => {
  const SECRET = 'p@ss "w\\rd" – 7';

  for (const format of FORMATS) {
    it(`shows no secret: ${format}`, () => {
      const { logging, log, lines } = start({ format });
      logging.addSecret(SECRET);
      const error = new Error(`saw ${SECRET}`, { cause: new Error(`inner ${SECRET}`) });
      log.error(`event ${SECRET}`, {
        plain: SECRET,
        deep: { list: [SECRET, { [SECRET]: 1 }] },
        json: JSON.stringify({ SECRET }),
        url: `http://x/?q=${encodeURIComponent(SECRET)}`,
        error,
        more: new Map([[SECRET, SECRET]]),
      });
      const all = lines.join("");
      for (
        const form of [SECRET, JSON.stringify(SECRET).slice(1, -1), encodeURIComponent(SECRET)]
      ) {
        assert.ok(!all.includes(form), all);
      }
      assert.doesNotMatch(all, /p@ss|w\\+rd/);
    });
  }

  const shapes: readonly [what: string, text: string, secret: string][] = [
    ["a bot token", `MTE4${"x".repeat(20)}.GabcdE.${"y".repeat(38)}`, "GabcdE"],
    ["an API key", "sk-proj-0123456789abcdefghij", "0123456789"],
    ["a header", "Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"],
    ["a bot's header", "Bot abc.def-ghi_jkl", "abc.def"],
    ["a webhook's token", "/webhooks/123/abcdefghijklmnopqrstuvwxyz", "abcdefghij"],
    ["an interaction's token", "/interactions/123/abcdefghijklmnopqrstuvwxyz", "abcdefghij"],
    ["a signed address", "https://cdn.example/a.png?ex=66aa11&is=66bb22&hm=ffee33", "ffee33"],
    ["a password in an address", "http://ada:hunter2@host/", "hunter2"],
    ["a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXRoYXQtaXM", "c2lnbmF0"],
  ];
  for (const format of FORMATS) {
    for (const [what, text, secret] of shapes) {
      it(`recognises ${what} by its pattern: ${format}`, () => {
        const { log, lines } = start({ format });
        log.info("saw", { text, error: new Error(text) });
        const all = lines.join("");
        assert.ok(!all.includes(secret), all);
        if (format === "json") JSON.parse(all);
      });
    }
  }

  it("finds each password in a URL, and nothing else, in any text", () => {
    const schemeFirst = /([a-z][a-z\d+.-]*:\/\/[^\s/:@"\\]*:)[^\s/@"\\]+@/gi;
    const pieces = fc.constantFrom(...'aZ1+.-:/@ "\\é\n', "://", "a://", ":a@");
    fc.assert(
      fc.property(fc.string({ unit: pieces }), (text) => {
        const { log, lines } = start();
        log.info(text);
        const { event } = JSON.parse(lines.join(""));
        const json = JSON.stringify(text).replaceAll(schemeFirst, "$1[redacted]@");
        assert.equal(event, JSON.parse(json));
      }),
      { numRuns: 1_000 },
    );
  });

  it("stays valid JSON without the secret, for any secret in any place", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: anyCharacter, minLength: 8, maxLength: 30 }),
        fc.string({ unit: anyCharacter }),
        fc.string({ unit: anyCharacter }),
        (secret, before, after) => {
          const { logging, log, lines } = start();
          logging.addSecret(secret);
          const text = before + secret + after;
          log.warn(text, { text, [text]: text, error: new Error(text, { cause: text }) });
          const { event, fields } = JSON.parse(lines.join(""));
          const all = [
            event,
            fields.text,
            fields.error.message,
            fields.error.stack,
            fields.error.cause,
          ];
          for (const each of [...all, ...Object.keys(fields)]) {
            assert.ok(!String(each).replaceAll("[redacted]", "").includes(secret));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("leaves snowflakes and ordinary words alone", () => {
    const { log, lines } = start();
    const text = "channel 1400000000000000002, Bot said ok, token count 12, is=7";
    log.info(text, { id: "1400000000000000001", inputTokens: 7 });
    const { event, fields } = JSON.parse(lines.join(""));
    assert.equal(event, text);
    assert.deepEqual(fields, { id: "1400000000000000001", inputTokens: 7 });
  });

  it("cleans text for outputs other than the log", () => {
    const { logging } = start();
    logging.addSecret("hunter2");
    assert.equal(logging.clean("x hunter2"), "x [redacted]");
  });
});

it("[O2] createStderrWriter() › writes the lines of one turn of the event loop together, and an error at once", async () => {
  const written: string[] = [];
  const stderr = Object.assign(new EventEmitter(), {
    write: (text: string) => void written.push(text),
  });
  const write = createStderrWriter(stderr);
  write("a\n", "info");
  write("b\n", "warn");
  assert.deepEqual(written, []);
  write("c\n", "error");
  assert.deepEqual(written, ["a\nb\nc\n"]);
  write("d\n", "info");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written, ["a\nb\nc\n", "d\n"]);
});
