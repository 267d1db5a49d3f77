import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Head, visitLog } from "../../../scripts/intent/evaluate.ts";
import { readIrcLogs, withoutName } from "../../../scripts/intent/irc_logs.ts";

const folder = mkdtempSync(join(tmpdir(), "barnacle-intent-"));
after(() => rmSync(folder, { recursive: true }));

/** Ada plays the bot: she answers four times. */
const TEXT = `[23:58] <bob> how do I mount a disk?
=== cleo has joined
[23:58] <ada> bob: with mount, see the manual
[23:59] <bob> which section of the manual?
[23:59] <ada> the eighth
[00:00] <cleo> * lunch
[00:01] <bob> ada: thanks
[00:01] <ada> welcome
[00:02] * cleo waves to ADA
[00:02] <ada> hi
`;
const LINKS = `0 0 -
0 2 -
2 3 -
3 4 -
5 5 -
4 6 -
6 7 -
8 8 -
8 9 -
`;
writeFileSync(join(folder, "sea.0.ascii.txt"), TEXT);
writeFileSync(join(folder, "sea.0.annotation.txt"), LINKS);

describe("the logs of irc-disentanglement", () => {
  const [log] = readIrcLogs(folder);
  assert.ok(log);

  it("[I2] have authors, times over midnight, addressees and links", () => {
    assert.equal(log.channel, "sea");
    assert.deepEqual([...log.messages.keys()], [0, 2, 3, 4, 5, 6, 7, 8, 9]);
    const [first, thanks, wave] = [0, 6, 8].map((line) => log.messages.get(line));
    assert.equal((thanks?.at ?? 0) - (first?.at ?? 0), 3 * 60_000);
    assert.deepEqual([thanks?.to, thanks?.beginsWithName, thanks?.answers], [["ada"], true, [4]]);
    assert.deepEqual([wave?.author, wave?.to, wave?.answers], ["cleo", ["ada"], []]);
  });

  it("[I2] can lose the name of the person who plays the bot", () => {
    const [thanks, ada] = [log.messages.get(6), log.messages.get(2)?.author];
    assert.ok(thanks && ada);
    const { text, to } = withoutName(thanks, ada);
    assert.deepEqual([text, to], ["thanks", []]);
  });

  it("[I2] give a label to each message after the bot's first", () => {
    const labels: Record<Head, boolean[]> = { directed: [], needsReply: [], room: [] };
    visitLog(log, (head, _features, label) => labels[head].push(label));
    assert.deepEqual(labels, {
      directed: [true, false, true, false],
      needsReply: [true, true],
      room: [true, false, false, false, false, false, false, true, false],
    });
  });
});
