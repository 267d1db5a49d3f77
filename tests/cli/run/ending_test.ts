import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endingOf } from "../../../src/cli/run/ending.ts";
import { recordingLog } from "../../support/recording_log.ts";

describe("[O7] endingOf()", () => {
  const rows:
    readonly (readonly [end: Parameters<typeof endingOf>[0], code: number, says: RegExp])[] = [
      [{ kind: "signal", signal: "SIGTERM" }, 0, /^Stopping$/],
      [{ kind: "refused", hint: "make a new one" }, 77, /refused/],
      [
        { kind: "give_up", exit: true },
        75,
        /channels\.discord\.gateway\.reconnect\.exitOnGiveUp.*run `barnacle doctor`/,
      ],
      [{ kind: "worker_died", deaths: 4 }, 75, /start Barnacle again, .* lines above$/],
      [{ kind: "fault", error: new TypeError("ours") }, 1, /^internal error.*: .*ours/],
    ];
  for (const [end, code, says] of rows) {
    it(`exits with ${code} after ${end.kind}, and logs why`, () => {
      const { log, lines } = recordingLog();
      assert.equal(endingOf(end, log), code);
      assert.equal(lines.length, 1);
      assert.match(lines[0]?.event ?? "", says);
    });
  }
});
