import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endingOf, logWait } from "../../../src/cli/run/run.ts";
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

describe("[G12] logWait()", () => {
  it("logs running turns and unsent answers, and how to leave at once", () => {
    const { log, lines } = recordingLog();
    logWait({ turns: 1, unsent: 2 }, 20, log);
    assert.match(
      lines[0]?.event ?? "",
      /^Waiting for running turns .*second signal, such as Ctrl\+C/,
    );
    assert.deepEqual(lines[0]?.fields, { turns: 1, unsent: 2, atMostSec: 20 });
  });

  it("logs nothing if nothing is open", () => {
    const { log, lines } = recordingLog();
    logWait({ turns: 0, unsent: 0 }, 20, log);
    assert.deepEqual(lines, []);
  });
});
