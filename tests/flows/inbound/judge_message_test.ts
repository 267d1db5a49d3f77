import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { judgeMessage } from "../../../src/flows/inbound/judge_message.ts";
import { directMessage } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { sameData } from "../../support/same_data.ts";

const ACCEPT: Verdict = { kind: "accept", why: "dm-allowed", rule: "r" };
const IGNORE: Verdict = { kind: "ignore", why: "too-old", rule: "r", keepAsContext: true };
const VERDICTS: readonly [Verdict, isRouted: boolean, said: string | undefined][] = [
  [ACCEPT, true, undefined],
  [{ kind: "challenge", why: "pairing", rule: "r" }, true, "A message is not decided yet"],
  [{ kind: "undecided", why: "pluralkit", rule: "r" }, true, "A message is not decided yet"],
  [IGNORE, false, "A message is not answered"],
];

describe("[P1] judgeMessage()", () => {
  for (const [verdict, isRouted, said] of VERDICTS) {
    it(`${isRouted ? "routes" : "does not route"} a message with ${verdict.kind}`, () => {
      const { log, lines } = recordingLog();
      const route = { agentId: "main", sessionKey: "s" };
      const judge = () => ({ verdict, knownFacts: { isProxied: true }, policyId: 3 });
      const judged = judgeMessage(directMessage(), "live", { judge, route: () => route, log });
      sameData(judged, {
        message: directMessage(),
        verdict,
        knownFacts: { isProxied: true },
        policyId: 3,
        ...(isRouted && { route }),
      });
      assert.deepEqual(lines.map(({ event }) => event), said === undefined ? [] : [said]);
    });
  }

  it("[G6] uses the replaced verdict", () => {
    const { log } = recordingLog();
    const judge = () => ({ verdict: ACCEPT });
    const route = () => ({ agentId: "main", sessionKey: "s" });
    const judged = judgeMessage(directMessage(), "not_live", { judge, route, log }, () => IGNORE);
    sameData(judged, { message: directMessage(), verdict: IGNORE, policyVerdict: ACCEPT });
  });
});
