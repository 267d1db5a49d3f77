import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileSource } from "../../../src/extras/logs/file_source.ts";
import { logs, type LogsFlags } from "../../../src/extras/logs/logs.ts";
import { stdinSource } from "../../../src/extras/logs/stdin.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

const START = Date.parse("2026-11-23T09:00:00Z");

function event(second: number, fields: object = {}, level = "info"): string {
  const time = new Date(START + second * 1_000).toISOString();
  return JSON.stringify({ time, level, part: "turns", event: `Event ${second}`, fields });
}

function numbersOf(lines: readonly string[]): readonly number[] {
  return lines.map((line) => Number(/Event (\d+)/.exec(line)?.[1]));
}

/** A short wait between two looks at a file, and the end of the next whole look. */
function countedLooks() {
  let looks = 0;
  return {
    async wait(): Promise<void> {
      looks++;
      await sleep(5);
    },
    async looksAgain(): Promise<void> {
      const enough = looks + 2; // the first may have begun before
      while (looks < enough) await sleep(5);
    },
  };
}

const span = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

async function show(flags: Partial<LogsFlags>, env = process.env) {
  const io = recordingIo(env);
  const all = { follow: false, json: false, ...flags };
  const code = await logs(all, io, AbortSignal.timeout(60_000));
  return { code, lines: io.stdout, errors: io.stderr.join("\n") };
}

describe("[O2] barnacle logs --file", () => {
  it("shows the newest lines of several files in their order", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    writeFileSync(path, span(500, 700).map((n) => `${event(n)}\n`).join(""));
    writeFileSync(
      `${path}.1`,
      span(0, 500).map((n) => `${event(n, { pad: "x".repeat(999) })}\n`).join(""),
    );
    assert.deepEqual(numbersOf((await show({ file: path })).lines), span(500, 700));
    assert.deepEqual(numbersOf((await show({ file: path, lines: 3 })).lines), [697, 698, 699]);
    assert.deepEqual(numbersOf((await show({ file: path, lines: 650 })).lines), span(50, 700));
    assert.deepEqual(numbersOf((await show({ file: path, since: START })).lines), span(0, 700));
    const since = START + 690_000;
    assert.deepEqual(
      numbersOf((await show({ file: path, since, lines: 5 })).lines),
      span(695, 700),
    );
  });

  it("shows a line without an end, and one that is too long, cut", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    writeFileSync(path, `${event(1)}\n${"é".repeat(2_000_000)}\n${event(2)}\n${event(3)}`);
    const { lines } = await show({ file: path });
    assert.equal(lines.length, 4);
    assert.match(lines[1] ?? "", /^é+… \(cut\)$/);
    assert.match(lines[3] ?? "", /Event 3$/);
    assert.deepEqual((await show({ file: path, since: 1 })).lines, lines);
  });

  const wrong: readonly (readonly [what: string, path: string, code: number, text: RegExp])[] = [
    ["a file that does not exist", "/nowhere/x.log", 2, /^barnacle: there is no file \/nowhere\/x/],
    ["a folder", "/", 2, /^barnacle: \/ is no file$/],
    ["a device", "/dev/zero", 2, /is no file$/],
  ];
  for (const [what, file, code, text] of wrong) {
    it(`refuses ${what}`, async () => {
      const shown = await show({ file });
      assert.equal(shown.code, code);
      assert.match(shown.errors, text);
    });
  }

  it("says that no line passes the filter", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    writeFileSync(path, "");
    const { code, errors } = await show({ file: path, level: "error" });
    assert.equal(code, 0);
    assert.equal(errors, `${path} has no such line.`);
  });

  it("follows a file that grows, is replaced and is emptied", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    writeFileSync(path, `${event(1)}\n${event(2).slice(0, 20)}`);
    const { wait, looksAgain } = countedLooks();
    const source = fileSource(path, wait);
    const seen: string[] = [];
    for await (const { event, isOpen } of source.newestFirst?.() ?? []) {
      if (!isOpen) seen.push(event);
    }
    const stop = new AbortController();
    const following = (async () => {
      for await (const { event } of source.follow(stop.signal)) seen.push(event);
    })();
    const until = async (count: number) => {
      while (seen.length < count) await sleep(10);
    };
    appendFileSync(path, `${event(2).slice(20)}\n`);
    await until(2);
    appendFileSync(path, `${event(3)}\n`);
    renameSync(path, `${path}.1`);
    writeFileSync(path, `${event(4)}\n`);
    await until(4);
    truncateSync(path);
    await looksAgain(); // at the empty file
    appendFileSync(path, `${event(5)}\n`);
    await until(5);
    stop.abort();
    await following;
    assert.deepEqual(numbersOf(seen), [1, 2, 3, 4, 5]);
  });

  it("follows neither a folder nor a pipe in the place of the file, but the next file", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    writeFileSync(path, `${event(1)}\n`);
    const { wait, looksAgain } = countedLooks();
    const source = fileSource(path, wait);
    const seen: string[] = [];
    const stop = new AbortController();
    const following = (async () => {
      for await (const { event } of source.newestFirst?.() ?? []) seen.push(event);
      for await (const { event } of source.follow(stop.signal)) seen.push(event);
    })();
    while (seen.length < 1) await sleep(10);
    renameSync(path, `${path}.1`);
    mkdirSync(path);
    await looksAgain(); // at the folder
    rmSync(path, { recursive: true });
    execFileSync("mkfifo", [path]);
    await looksAgain();
    rmSync(path);
    writeFileSync(path, `${event(2)}\n`);
    while (seen.length < 2) await sleep(10);
    stop.abort();
    await following;
    assert.deepEqual(numbersOf(seen), [1, 2]);
  });

  it("reads stdin to its end", async () => {
    const bytes = [event(1), "\n", event(2)].map((text) => new TextEncoder().encode(text));
    const source = stdinSource((async function* () {
      await Promise.resolve();
      yield* bytes;
    })());
    const seen: string[] = [];
    for await (const { event } of source.from(undefined)) seen.push(event);
    assert.deepEqual(seen, ["Event 1", "Event 2"]);
  });
});

/** A `journalctl` that writes a text; its arguments are in the file `asked` beside it. */
function withJournal(folder: string, stdout: string, stderr = "", code = 0) {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(folder, "out"), stdout);
  writeFileSync(join(folder, "err"), stderr);
  const script =
    `#!/bin/sh\necho "$@" >>${folder}/asked\ncat ${folder}/out\ncat ${folder}/err >&2\n` +
    `exit ${code}\n`;
  writeFileSync(join(bin, "journalctl"), script);
  chmodSync(join(bin, "journalctl"), 0o755);
  return { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"]}` };
}

const entry = (fields: object) =>
  JSON.stringify({ __CURSOR: "s=1", __REALTIME_TIMESTAMP: "1763888400000000", ...fields });

describe("[O2] barnacle logs --unit", () => {
  it("shows lines of the bot, of a crash and of systemd", async () => {
    using folder = tempDirectory();
    const env = withJournal(
      folder.path,
      [
        entry({ MESSAGE: "Main process exited, status=9/KILL", PRIORITY: "3", _PID: "1" }),
        entry({
          MESSAGE: [...new TextEncoder().encode("bad \u001b"), 255],
          SYSLOG_IDENTIFIER: "bun",
        }),
        entry({ MESSAGE: null }),
        "not JSON",
        entry({ MESSAGE: event(7) }),
      ].join("\n"),
    );
    const { lines, code } = await show({ unit: "bot" }, env);
    assert.equal(code, 0);
    assert.deepEqual(lines, [
      "2026-11-23 09:00:07.000 info  turns: Event 7",
      "not JSON",
      "2025-11-23 09:00:00.000 ",
      "2025-11-23 09:00:00.000 bun: bad \\u{1b}\ufffd",
      "2025-11-23 09:00:00.000 error systemd: Main process exited, status=9/KILL",
    ]);
  });

  const failures: readonly (readonly [what: string, stderr: string, exit: number, text: RegExp])[] =
    [
      [
        "no permission",
        "Hint: You are currently not seeing messages from other users and the system.",
        0,
        /may not read the journal .*sudo usermod -aG systemd-journal/,
      ],
      [
        "an old journalctl",
        "unrecognized option '--output-fields'\nusage",
        1,
        /failed: unrecognized/,
      ],
    ];
  for (const [what, stderr, exit, text] of failures) {
    it(`names ${what}`, async () => {
      using folder = tempDirectory();
      const env = withJournal(folder.path, "", stderr, exit);
      const { code, errors } = await show({ unit: "bot.service" }, env);
      assert.equal(code, 74);
      assert.match(errors, text);
    });
  }

  it("names a missing journalctl", async () => {
    const { code, errors } = await show({ unit: "bot" }, { PATH: "/nowhere" });
    assert.equal(code, 75);
    assert.equal(errors, "barnacle: this machine has no journalctl; --file names a log file");
  });
});
