/**
 * Measures the intent filter on talk with a bot in eleven languages that no weight was trained on (I2).
 *
 * The labels are those of its authors: a line for the bot links to a line of the bot, and the bot
 * answers those that need an answer.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { visitLog } from "../../../scripts/intent/evaluate.ts";
import { readIrcLogs } from "../../../scripts/intent/irc_logs.ts";
import { thresholdQuality } from "../../../scripts/intent/quality.ts";
import {
  DEFAULT_THRESHOLD,
  judgeIntent,
  NEEDS_REPLY_THRESHOLD,
} from "../../../src/policy/intent/heads.ts";

describe("the intent filter in talk with a bot", () => {
  it("[I2] is precise, misses little and stays silent mostly at the default threshold", () => {
    const lines: { score: number; label: boolean }[] = [];
    for (const log of readIrcLogs(join(import.meta.dirname ?? "", "talk"))) {
      visitLog(log, (head, features, label) => {
        const line = lines.at(-1);
        if (head === "directed") {
          const { directed, needsReply } = judgeIntent(features);
          const score = needsReply < NEEDS_REPLY_THRESHOLD ? 0 : directed;
          lines.push({ score, label });
        } else if (head === "needsReply" && line) line.label = label;
      });
    }
    assert.equal(lines.length, 99);
    const { precision, recall, share } = thresholdQuality(lines, DEFAULT_THRESHOLD);
    const told = `precision ${precision}, recall ${recall}, answered ${share}`;
    assert.ok(precision >= 0.85 && recall >= 0.85 && share > 0.2 && share < 0.4, told);
  });
});
