import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readConversations } from "../../../src/extras/intent/conversation_file.ts";
import { calibrate, evaluate } from "../../../src/extras/intent/evaluate.ts";
import { recordingIo } from "../../cli/io.ts";

const folder = mkdtempSync(join(tmpdir(), "barnacle-intent-"));
after(() => rmSync(folder, { recursive: true }));

function written(name: string, lines: readonly unknown[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

/** A person asks the bot and follows up; two others talk with each other. */
const ROUND = [
  { author: "ada", text: "bot: how do I resize an image?", label: true },
  { author: "bot", text: "Use convert with -resize. Should I show an example?" },
  { author: "ada", text: "yes please", label: true },
  { author: "bot", text: "convert in.png -resize 50% out.png" },
  { author: "bob", text: "cleo: lunch at noon?", label: false },
  { author: "cleo", text: "bob: sure", label: false },
  { author: "bob", text: "great, the usual place", label: false },
];
const MANY = Array.from({ length: 60 }, () => ROUND).flat();
const FLAGS = { json: true, bot: "bot" };

describe("conversations in a file", () => {
  it("[I2] have the times, addressees and channels that are missing", () => {
    const file = written("plain.jsonl", [
      { author: "ada", text: "Bob, look", time: "2026-01-02T03:04:05Z", channel: "a" },
      { author: "bob", text: "yes", time: 1_767_323_046, to: "Ada" },
      { author: "bot", text: "well", channel: "a" },
    ]);
    const [first, second, third] = readConversations(file, "bot");
    assert.deepEqual([first?.to, first?.beginsWithName, first?.channel], [["bob"], true, "a"]);
    assert.deepEqual([(second?.at ?? 0) - (first?.at ?? 0), second?.to], [1_000, ["ada"]]);
    assert.deepEqual([third?.to, third?.label], [["ada"], undefined]);
  });

  for (
    const [what, text, message] of [
      ["no JSON", "{", /bad\.jsonl:1: not JSON/],
      ["no author", '{"text": "hi"}', /bad\.jsonl:1: author: /],
      ["a label in words", '{"author": "a", "text": "", "label": "yes"}', /label: /],
    ] as const
  ) {
    it(`[I2] are refused with the line if one has ${what}`, () => {
      const file = join(folder, "bad.jsonl");
      writeFileSync(file, text);
      assert.throws(() => readConversations(file, "bot"), message);
    });
  }
});

describe("barnacle intent eval", () => {
  it("[I2] measures the labels of a file", async () => {
    const io = recordingIo();
    const file = written("eval.jsonl", MANY);
    assert.equal(await evaluate({ ...FLAGS, file, config: "/dev/null" }, io), 0);
    const { threshold, heads } = JSON.parse(io.stdout[0] ?? "");
    assert.equal(threshold, 0.7);
    assert.equal(heads.directed.count, 300);
    assert.equal(heads.directed.positives, 120);
    assert.ok(heads.directed.auc > 0.8);
  });

  it("[I2] prints a table of thresholds for each head, with the one in use", async () => {
    const io = recordingIo();
    const thanks = { author: "ada", text: "thanks", needsReply: false };
    const file = written("table.jsonl", [...ROUND, thanks]);
    await evaluate({ ...FLAGS, json: false, file, config: "/dev/null" }, io);
    assert.match(io.stdout.join("\n"), /For the bot\? 5 labels, 40\.0 % yes/);
    assert.match(io.stdout.join("\n"), /^0\.7 .*\(used\)$/m);
    assert.ok(!io.stdout.some((line) => line.startsWith("An open request")));
    assert.match(io.stdout.join("\n"), /need a reply\? 1 label, 0\.0 % yes[^]*^0\.35 .*\(used\)$/m);
  });

  it("[I2] says that labels are missing, and which file cannot be read", async () => {
    const io = recordingIo();
    const file = written("none.jsonl", [{ author: "ada", text: "hi" }]);
    assert.equal(await evaluate({ ...FLAGS, file }, io), 1);
    assert.equal(await evaluate({ ...FLAGS, file: join(folder, "absent") }, io), 74);
    assert.match(io.stderr[0] ?? "", /no message of "bot"; --bot names/);
    assert.match(io.stderr[1] ?? "", /no message with a label/);
    assert.match(io.stderr[2] ?? "", /cannot read .*absent/);
  });

  it("[I2] reads the stored history if no file is named", async () => {
    const io = recordingIo();
    assert.equal(await evaluate({ ...FLAGS, data: join(folder, "no-data") }, io), 75);
    assert.match(io.stderr[0] ?? "", /no-data/);
  });
});

describe("barnacle intent calibrate", () => {
  it("[I2] refuses too few labels", async () => {
    const io = recordingIo();
    const file = written("few.jsonl", ROUND);
    assert.equal(await calibrate({ ...FLAGS, json: false, file, write: true }, io), 1);
    assert.match(io.stdout[0] ?? "", /^Too few labels: 5, 2 of them for the bot/);
  });

  it("[I2] writes a better threshold only if told to, and never weights", async () => {
    const config = join(folder, "config.jsonc");
    const before =
      '{ "channels": { "discord": { "intentFilter": { "respondThreshold": 0.99 } } } }';
    writeFileSync(config, before);
    const file = written("many.jsonl", MANY);
    const io = recordingIo();
    assert.equal(await calibrate({ ...FLAGS, file, config, write: false }, io), 0);
    const { kind, threshold } = JSON.parse(io.stdout[0] ?? "");
    assert.equal(kind, "change");
    assert.equal(readFileSync(config, "utf8"), before);
    assert.equal(await calibrate({ ...FLAGS, file, config, write: true }, io), 0);
    assert.ok(readFileSync(config, "utf8").includes(`"respondThreshold": ${threshold}`));
  });
});
