import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { explain } from "../../../src/extras/intent/explain.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

const FLAGS = { json: true, pause: 15, other: false };

async function scores(text: string, flags: { after?: string; other?: boolean; pause?: number }) {
  const io = recordingIo();
  await explain({ ...FLAGS, ...flags }, text, io);
  return JSON.parse(io.stdout[0] ?? "");
}

describe("barnacle intent explain", () => {
  it("[I1] scores an answer to the bot's question far above a stranger's remark", async () => {
    const after = "Do you want the short or the long one?";
    const answer = await scores("short", { after });
    assert.ok(answer.score > 0.9);
    assert.ok((await scores("nice weather today", { after, other: true })).score < 0.5);
    assert.ok((await scores("short", { after, pause: 7_200 })).score < answer.score);
  });

  it("[I1] prints three scores and five reasons", async () => {
    const io = recordingIo();
    await explain({ ...FLAGS, json: false }, "does anyone know a good editor?", io);
    assert.equal(io.stdout.length, 8);
    assert.match(io.stdout[0] ?? "", /^for the bot {12}0\.\d\d$/);
    assert.ok(io.stdout.some((line) => /^ {2}[+−]\d\.\d\d {2}\w/.test(line)));
  });

  it("[I1] shows the scores on record of a message", async () => {
    const fixture = createDataFixture();
    const [scored, unscored] = [messageId("1400000000000000001"), messageId("1400000000000000002")];
    const top = [{ name: "the bot spoke last", part: 1.25 }];
    const intent = { score: 0.81, room: 0.2, needsReply: 0.6, top };
    await fixture.receive(guildMessage({ id: scored }), { intent });
    await fixture.receive(guildMessage({ id: unscored }));
    const io = recordingIo();
    const flags = { ...fixture.flags, pause: 15, other: false };
    assert.equal(await explain(flags, scored, io), 0);
    assert.deepEqual([io.stdout[0], io.stdout.at(-1)], [
      "for the bot            0.81",
      "  +1.25  the bot spoke last",
    ]);
    assert.equal(await explain(flags, unscored, io), 1);
    assert.equal(await explain(flags, messageId("1400000000000000003"), io), 1);
    assert.match(io.stderr[0] ?? "", /gave no score/);
    assert.match(io.stderr[1] ?? "", /no record of/);
  });

  it("[I2] uses the bot's own weights for a text, and tells why it cannot", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "intent-weights.json");
    writeFileSync(file, '{"version":99}');
    const io = recordingIo();
    await explain({ ...FLAGS, data: folder.path }, "does anyone know a good editor?", io);
    assert.match(io.stderr[0] ?? "", /^Using the shipped weights: .*version is 99/);
  });
});
